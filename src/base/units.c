// UDUNITS-2 behind a narrow face.
//
// The library keeps its status and its parser's place in process-wide variables, so one lock for
// the process guards every call into it, whichever database the call is about. The database itself
// (some 4 ms to read) is only read.
#include "base/units.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <udunits2.h>

#include "base/arena.h"
#include "base/text.h"

enum { UNIT_SIZE = 128 }; // bytes of an expression with its NUL; longer ones are refused

struct gm_units {
    ut_system *system;
};

static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;

// What UDUNITS lacks, rounds (the gallon) or reads otherwise than an engineer means it ("pu" as a
// pico-atomic-mass, "mH2O" as a thousandth of a weight density). An empty definition makes a
// dimension of its own.
static const struct {
    const char *name, *definition;
} extra_units[] = {
    { "currency", "" },        { "EUR", "currency" },   { "vehicle", "" },
    { "vehicles", "vehicle" }, { "person", "" },        { "persons", "person" },
    { "people", "person" },    { "pu", "1" },           { "Wh", "W.hour" },
    { "kWh", "1000 W.hour" },  { "MWh", "1e6 W.hour" }, { "var", "V.A" },
    { "Ah", "A.hour" },        { "mph", "mile/hour" },  { "gpm", "3.785411784 liter/min" },
    { "mH2O", "9806.65 Pa" },  { "deg", "degree" },
};

// What a dimension is called, for errors.
static const struct {
    const char *unit, *kind;
} kinds[] = {
    { "1", "a pure number" },
    { "m", "a length" },
    { "m2", "an area" },
    { "m3", "a volume" },
    { "kg", "a mass" },
    { "s", "a time" },
    { "1/s", "a rate" },
    { "K", "a temperature" },
    { "K/s", "a rate of temperature" },
    { "W", "a power" },
    { "J", "an energy" },
    { "J/K", "a heat capacity" },
    { "J/(kg K)", "a specific heat" },
    { "W/K", "a thermal conductance" },
    { "K/W", "a thermal resistance" },
    { "W/(m K)", "a thermal conductivity" },
    { "W/m2", "a power per area" },
    { "W/(m2 K)", "a heat transfer coefficient" },
    { "Pa", "a pressure" },
    { "Pa.s", "a viscosity" },
    { "N", "a force" },
    { "m/s", "a speed" },
    { "m/s2", "an acceleration" },
    { "m3/s", "a volume flow" },
    { "kg/s", "a mass flow" },
    { "kg/m3", "a density" },
    { "mol", "an amount of substance" },
    { "mol/m3", "a molar concentration" },
    { "A", "a current" },
    { "V", "a voltage" },
    { "ohm", "a resistance" },
    { "S", "a conductance" },
    { "C", "a charge" },
    { "F", "a capacitance" },
    { "H", "an inductance" },
    { "cd", "a luminous intensity" },
    { "currency", "an amount of money" },
    { "vehicle", "a number of vehicles" },
    { "vehicle/s", "a flow of vehicles" },
    { "person", "a number of people" },
    { "person/s", "a flow of people" },
};

// What people mean when they mistype; UDUNITS cannot list what it knows.
static const char *const usual_units[] = {
    "1",     "%",       "ppm",      "K",      "degC",    "degF",   "kelvin", "celsius", "m",
    "cm",    "mm",      "um",       "km",     "inch",    "ft",     "mile",   "meter",   "m2",
    "m3",    "l",       "L",        "ml",     "mL",      "liter",  "gallon", "gpm",     "kg",
    "g",     "mg",      "ug",       "t",      "tonne",   "lb",     "s",      "ms",      "us",
    "ns",    "min",     "h",        "d",      "second",  "minute", "hour",   "day",     "week",
    "month", "year",    "Hz",       "kHz",    "MHz",     "rpm",    "W",      "kW",      "MW",
    "GW",    "mW",      "watt",     "J",      "kJ",      "MJ",     "joule",  "Wh",      "kWh",
    "MWh",   "VA",      "kVA",      "MVA",    "var",     "N",      "kN",     "newton",  "Pa",
    "hPa",   "kPa",     "MPa",      "bar",    "mbar",    "psi",    "mmHg",   "mH2O",    "pascal",
    "atm",   "A",       "mA",       "kA",     "ampere",  "V",      "mV",     "kV",      "volt",
    "ohm",   "S",       "C",        "F",      "H",       "T",      "mol",    "mmol",    "umol",
    "mole",  "rad",     "deg",      "degree", "radian",  "cd",     "lm",     "lx",      "currency",
    "EUR",   "vehicle", "vehicles", "person", "persons", "people", "pu",     "mph",
};

static gm_status add_unit(ut_system *system, const char *name, const char *definition)
{
    ut_unit *unit = *definition ? ut_parse(system, definition, UT_UTF8) : ut_new_base_unit(system);
    if (!unit) {
        return GM_CORRUPT;
    }
    // as a symbol (in that case only), for names go by any case; an entry of UDUNITS' own gives way
    ut_unmap_symbol_to_unit(system, name, UT_UTF8);
    ut_status status = ut_map_symbol_to_unit(name, UT_UTF8, unit);
    ut_free(unit);
    return status == UT_SUCCESS ? GM_OK : GM_CORRUPT;
}

static gm_status read_database(gm_units *units, gm_error *error)
{
    ut_set_error_message_handler(ut_ignore); // its sentences go to standard error and name no place
    units->system = ut_read_xml(NULL);
    if (!units->system) {
        ut_status source = UT_SUCCESS;
        return gm_error_set(error, GM_IO,
                            "the unit database of UDUNITS cannot be read from '%s'; is libudunits2 "
                            "installed with its data?",
                            ut_get_path_xml(NULL, &source));
    }
    for (size_t index = 0; index < sizeof extra_units / sizeof *extra_units; index++) {
        gm_status status =
            add_unit(units->system, extra_units[index].name, extra_units[index].definition);
        if (status != GM_OK) {
            return gm_error_set(error, status,
                                "the unit database of UDUNITS does not take the unit '%s'",
                                extra_units[index].name);
        }
    }
    return GM_OK;
}

void gm_units_close(gm_units *units)
{
    if (!units) {
        return;
    }
    pthread_mutex_lock(&library_lock);
    ut_free_system(units->system);
    pthread_mutex_unlock(&library_lock);
    gm_memory_free(units);
}

gm_status gm_units_read(gm_units **units, gm_error *error)
{
    gm_units *fresh = gm_memory_new(1, sizeof *fresh);
    if (!fresh) {
        return gm_error_set(error, GM_MEMORY, "no memory for the unit database");
    }
    pthread_mutex_lock(&library_lock);
    gm_status status = read_database(fresh, error);
    pthread_mutex_unlock(&library_lock);
    if (status != GM_OK) {
        gm_units_close(fresh);
        return status;
    }
    *units = fresh;
    return GM_OK;
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_unit(const gm_units *units, const char *text)
{
    ut_unit *unit = ut_parse(units->system, text, UT_UTF8);
    ut_free(unit);
    return unit != NULL;
}

// The expression with its first unknown word put right, in suggestion[UNIT_SIZE]; false when
// nothing comes near.
static bool suggest(const gm_units *units, const char *text, char *suggestion)
{
    for (const char *at = text; *at;) {
        size_t size = 0;
        while (is_word_byte(at[size])) {
            size++;
        }
        if (size == 0) {
            at++;
            continue;
        }
        char word[UNIT_SIZE];
        snprintf(word, sizeof word, "%.*s", (int)size, at);
        if (!is_unit(units, word)) {
            const char *near =
                gm_text_nearest(word, usual_units, sizeof usual_units / sizeof *usual_units);
            int used = near ? snprintf(suggestion, UNIT_SIZE, "%.*s%s%s", (int)(at - text), text,
                                       near, at + size)
                            : 0;
            return used > 0 && used < UNIT_SIZE && is_unit(units, suggestion);
        }
        at += size;
    }
    return false;
}

static gm_status parse(const gm_units *units, const char *text, ut_unit **unit, gm_error *error)
{
    gm_text trimmed = gm_text_trim(gm_text_of(text));
    char copy[UNIT_SIZE], suggestion[UNIT_SIZE];
    if (trimmed.size == 0) {
        return gm_error_set(error, GM_INVALID, "a unit is missing; a pure number has the unit '1'");
    }
    if (trimmed.size >= sizeof copy) {
        return gm_error_set(error, GM_INVALID,
                            "'%.32s...' is too long for a unit: more than %d bytes", trimmed.data,
                            UNIT_SIZE - 1);
    }
    memcpy(copy, trimmed.data, trimmed.size);
    copy[trimmed.size] = 0;
    *unit = ut_parse(units->system, copy, UT_UTF8);
    if (*unit) {
        return GM_OK;
    }
    if (suggest(units, copy, suggestion)) {
        return gm_error_set(error, GM_INVALID, "'%s' is not a unit; did you mean '%s'?", copy,
                            suggestion);
    }
    return gm_error_set(error, GM_INVALID, "'%s' is not a unit", copy);
}

typedef enum relation { UNRELATED, CURVED, LINEAR } relation;

// A temperature times a second has no zero point of its own, so its factor is free of the offset's
// rounding.
static double factor_of_differences(ut_unit *from, ut_unit *to, double otherwise)
{
    ut_unit *second = ut_get_unit_by_name(ut_get_system(from), "second");
    ut_unit *a = ut_multiply(from, second), *b = ut_multiply(to, second);
    cv_converter *converter = a && b ? ut_get_converter(a, b) : NULL;
    double factor = converter ? cv_convert_double(converter, 1.0) : otherwise;
    cv_free(converter);
    ut_free(a);
    ut_free(b);
    ut_free(second);
    return factor;
}

static relation relate(ut_unit *from, ut_unit *to, gm_conversion *conversion)
{
    cv_converter *converter = ut_are_convertible(from, to) ? ut_get_converter(from, to) : NULL;
    if (!converter) {
        return UNRELATED;
    }
    double zero = cv_convert_double(converter, 0.0), one = cv_convert_double(converter, 1.0);
    double two = cv_convert_double(converter, 2.0);
    cv_free(converter);
    double first = one - zero, second = two - one;
    double rounding = 1e-9 * fabs(first) + 1e-15 * fabs(zero);
    // logarithmic units, and a second where a hertz belongs, which UDUNITS converts by 1/x
    if (!isfinite(first) || !isfinite(second) || first == 0.0 ||
        !(fabs(second - first) <= rounding)) {
        return CURVED;
    }
    double factor = zero == 0.0 ? one : factor_of_differences(from, to, first);
    *conversion = (gm_conversion){ factor, zero };
    return LINEAR;
}

static const char *kind_of(const gm_units *units, ut_unit *unit)
{
    const char *kind = NULL;
    for (size_t index = 0; index < sizeof kinds / sizeof *kinds && !kind; index++) {
        ut_unit *known = ut_parse(units->system, kinds[index].unit, UT_UTF8);
        gm_conversion ignored;
        if (known && relate(unit, known, &ignored) == LINEAR) {
            kind = kinds[index].kind;
        }
        ut_free(known);
    }
    return kind;
}

static gm_status convert(const gm_units *units, ut_unit *const unit[2], const char *const name[2],
                         gm_conversion *conversion, gm_error *error)
{
    relation found = relate(unit[0], unit[1], conversion);
    if (found == LINEAR) {
        return GM_OK;
    }
    const char *got = kind_of(units, unit[0]), *wanted = kind_of(units, unit[1]);
    if (found == CURVED && (!got || !wanted)) {
        return gm_error_set(error, GM_INVALID,
                            "unit '%s' does not become '%s' by a factor and an offset", name[0],
                            name[1]);
    }
    return gm_error_set(
        error, GM_INVALID, "unit '%s' is %s; expected %s%sa unit convertible to '%s'", name[0],
        got ? got : "of another dimension", wanted ? wanted : "", wanted ? ", " : "", name[1]);
}

gm_status gm_units_between(const gm_units *units, const char *from, const char *to, bool difference,
                           gm_conversion *conversion, gm_error *error)
{
    gm_conversion found = { 0 };
    const char *name[2] = { from, to };
    ut_unit *unit[2] = { NULL, NULL };
    pthread_mutex_lock(&library_lock);
    gm_status status = parse(units, from, &unit[0], error);
    status = status == GM_OK ? parse(units, to, &unit[1], error) : status;
    status = status == GM_OK ? convert(units, unit, name, &found, error) : status;
    ut_free(unit[0]);
    ut_free(unit[1]);
    pthread_mutex_unlock(&library_lock);
    if (status == GM_OK) {
        found.offset = difference ? 0.0 : found.offset;
        *conversion = found;
    }
    return status;
}
