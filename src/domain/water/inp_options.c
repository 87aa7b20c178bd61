// Lines of [OPTIONS], [TIMES], [ENERGY], in the file's units.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "domain/water/inp_parts.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const double least_difference = 0.1; // between minimum and required pressure

// ---- options that are words ----

static gm_status take_units(inp_reader *in)
{
    water_units units;
    char word[sizeof in->flow_unit];
    gm_text text = in->line.tokens[1];
    snprintf(word, sizeof word, "%.*s", gm_inp_quoted(text), text.data);
    if (!gm_water_units_choose(word, 1.0, &units)) {
        return gm_inp_refuse(in, 1,
                             "'%.*s' is no unit of flow: expected CFS, GPM, MGD, IMGD, AFD, "
                             "LPS, LPM, MLD, CMH, CMD, CMS",
                             gm_inp_quoted(text), text.data);
    }
    memcpy(in->flow_unit, word, sizeof word);
    return GM_OK;
}

static gm_status take_pressure_unit(inp_reader *in)
{
    static const char *const words[] = { [INP_PSI - 1] = "PSI",       [INP_KPA - 1] = "KPA",
                                         [INP_METERS - 1] = "METERS", [INP_BAR - 1] = "BAR",
                                         [INP_FEET - 1] = "FEET",     NULL };
    int word = gm_inp_one_of(in->line.tokens[1], words);
    if (word < 0) {
        return gm_inp_refuse(in, 1, "expected PSI, KPA, METERS, BAR, FEET or EXPONENT");
    }
    in->pressure = (inp_pressure)(word + 1);
    return GM_OK;
}

static gm_status take_headloss(inp_reader *in)
{
    static const char *const words[] = {
        [HAZEN_WILLIAMS] = "H-W", [DARCY_WEISBACH] = "D-W", [CHEZY_MANNING] = "C-M", NULL
    };
    int word = gm_inp_one_of(in->line.tokens[1], words);
    if (word < 0) {
        return gm_inp_refuse(in, 1, "expected H-W, D-W or C-M");
    }
    in->plan->formula = (water_formula)word;
    return GM_OK;
}

static gm_status take_quality(inp_reader *in)
{
    if (gm_inp_is(in->line.tokens[1], "TRACE")) {
        uint32_t node = 0;
        gm_status status = gm_inp_need(in, 3, "the node to trace");
        if (status == GM_OK) {
            status = gm_inp_node(in, 2, &node);
        }
        if (status != GM_OK) {
            return status;
        }
    }
    if (!gm_inp_is(in->line.tokens[1], "NONE")) {
        gm_inp_warn(in, 0, "option QUALITY is not used: water quality is not modelled");
    }
    return GM_OK;
}

static gm_status take_unbalanced(inp_reader *in)
{
    water_plan *plan = in->plan;
    bool stops = gm_inp_is(in->line.tokens[1], "STOP");
    if (!stops && !gm_inp_is(in->line.tokens[1], "CONT")) {
        return gm_inp_refuse(in, 1, "expected STOP or CONTINUE");
    }
    double trials = 0.0;
    if (!stops && in->line.count > 2 && !gm_text_to_f64(in->line.tokens[2], &trials)) {
        return gm_inp_refuse(in, 2, "expected a number of trials");
    }
    plan->unbalanced_stops = stops || trials < 0.0;
    plan->extra_trials = trials > 0.0 ? (uint32_t)fmin(trials, 1e9) : 0;
    return GM_OK;
}

static gm_status take_default_pattern(inp_reader *in)
{
    in->default_pattern = in->line.tokens[1];
    in->default_place = gm_inp_place(in, 1);
    return GM_OK;
}

static gm_status take_demand_model(inp_reader *in)
{
    static const char *const words[] = { "DDA", "PDA", NULL };
    int word = gm_inp_one_of(in->line.tokens[2], words);
    if (word < 0) {
        return gm_inp_refuse(in, 2, "expected DDA or PDA");
    }
    in->plan->pressure_driven = word == 1;
    return GM_OK;
}

static gm_status take_backflow(inp_reader *in)
{
    static const char *const words[] = { "NO", "YES", NULL };
    int word = gm_inp_one_of(in->line.tokens[2], words);
    if (word < 0) {
        return gm_inp_refuse(in, 2, "expected YES or NO");
    }
    in->plan->emitters_backflow = word == 1;
    return GM_OK;
}

static gm_status take_hydraulics(inp_reader *in)
{
    if (!gm_inp_is(in->line.tokens[1], "USE") && !gm_inp_is(in->line.tokens[1], "SAVE")) {
        return gm_inp_refuse(in, 1, "expected USE or SAVE and a file");
    }
    gm_inp_warn(in, 0, "option HYDRAULICS is not used: heads and flows are always computed");
    return GM_OK;
}

static gm_status take_map(inp_reader *in)
{
    gm_inp_warn(in, 0, "option MAP is not used: the map is what [COORDINATES] and [VERTICES] say");
    return GM_OK;
}

static gm_status take_nothing(inp_reader *in)
{
    (void)in;
    return GM_OK;
}

// An option of words. With fewer tokens than `least` EPANET takes the line for unsaid.
typedef struct word_option {
    const char *word, *second; // second: of token 1; NULL: any
    size_t least;
    gm_status (*take)(inp_reader *in);
} word_option;

static const word_option word_options[] = {
    { "UNIT", NULL, 2, take_units },
    { "HEADL", NULL, 2, take_headloss },
    { "HYDR", NULL, 3, take_hydraulics },
    { "QUAL", NULL, 2, take_quality },
    { "MAP", NULL, 2, take_map },
    { "VERI", NULL, 1, take_nothing },
    { "SEGM", NULL, 1, take_nothing },
    { "UNBA", NULL, 2, take_unbalanced },
    { "PATT", NULL, 2, take_default_pattern },
    { "DEMAND", "MODEL", 3, take_demand_model },
    { "BACK", "ALLOW", 3, take_backflow },
};

// ---- options that are numbers ----

static gm_status take_minimum(inp_reader *in, double value)
{
    water_plan *plan = in->plan;
    if (plan->required_pressure_m == least_difference) {
        plan->required_pressure_m = value + least_difference;
    } else if (plan->required_pressure_m - value < least_difference) {
        return gm_inp_refuse(in, 2,
                             "the minimum pressure must be at least %g below the required one",
                             least_difference);
    }
    plan->minimum_pressure_m = value;
    return GM_OK;
}

static gm_status take_required(inp_reader *in, double value)
{
    if (value - in->plan->minimum_pressure_m < least_difference) {
        return gm_inp_refuse(in, 2,
                             "the required pressure must be at least %g above the minimum one",
                             least_difference);
    }
    in->plan->required_pressure_m = value;
    return GM_OK;
}

static gm_status take_pressure_exponent(inp_reader *in, double value)
{
    in->plan->pressure_exponent = value;
    return GM_OK;
}

static gm_status take_damping(inp_reader *in, double value)
{
    in->plan->damp_below = value;
    return GM_OK;
}

static gm_status take_flow_change(inp_reader *in, double value)
{
    in->plan->flow_change_m3_s = value;
    return GM_OK;
}

static gm_status take_head_error(inp_reader *in, double value)
{
    in->plan->head_error_m = value;
    return GM_OK;
}

static gm_status take_viscosity(inp_reader *in, double value)
{
    in->viscosity = value;
    return GM_OK;
}

static gm_status take_gravity(inp_reader *in, double value)
{
    in->plan->specific_gravity = value;
    return GM_OK;
}

static gm_status take_trials(inp_reader *in, double value)
{
    in->plan->trials = (uint32_t)fmax(1.0, fmin(value, 1e9));
    return GM_OK;
}

static gm_status take_accuracy(inp_reader *in, double value)
{
    in->plan->accuracy = fmin(fmax(value, 1e-5), 1e-1);
    return GM_OK;
}

static gm_status take_check_every(inp_reader *in, double value)
{
    in->plan->check_every = (uint32_t)fmax(1.0, fmin(value, 1e9));
    return GM_OK;
}

static gm_status take_check_until(inp_reader *in, double value)
{
    in->plan->check_until = (uint32_t)fmin(value, 1e9);
    return GM_OK;
}

static gm_status take_emitter_exponent(inp_reader *in, double value)
{
    in->plan->emitter_exponent = value;
    return GM_OK;
}

static gm_status take_multiplier(inp_reader *in, double value)
{
    in->plan->demand_multiplier = value;
    return GM_OK;
}

static gm_status take_tolerance(inp_reader *in, double value)
{
    (void)value;
    gm_text word = in->line.tokens[0];
    gm_inp_warn(in, 0, "option %.*s is not used: gemel has tolerances of its own",
                gm_inp_quoted(word), word.data);
    return GM_OK;
}

// Of water quality, of which option QUALITY and the sections warn when there is any
static gm_status take_quality_number(inp_reader *in, double value)
{
    (void)in;
    (void)value;
    return GM_OK;
}

typedef enum number_range { ANY, NOT_NEGATIVE, POSITIVE } number_range;

typedef struct number_option {
    const char *word;
    size_t token; // with the number
    number_range range;
    gm_status (*take)(inp_reader *in, double value);
} number_option;

static const number_option number_options[] = {
    { "TOLER", 1, NOT_NEGATIVE, take_quality_number },
    { "DIFF", 1, NOT_NEGATIVE, take_quality_number },
    { "DAMPLIMIT", 1, ANY, take_damping },
    { "FLOWCHANGE", 1, NOT_NEGATIVE, take_flow_change },
    { "HEADERROR", 1, NOT_NEGATIVE, take_head_error },
    { "MINI", 2, NOT_NEGATIVE, take_minimum },
    { "REQ", 2, NOT_NEGATIVE, take_required },
    { "PRESSURE", 2, NOT_NEGATIVE, take_pressure_exponent },
    { "VISC", 1, POSITIVE, take_viscosity },
    { "SPEC", 2, POSITIVE, take_gravity },
    { "TRIAL", 1, POSITIVE, take_trials },
    { "ACCU", 1, POSITIVE, take_accuracy },
    { "HTOL", 1, POSITIVE, take_tolerance },
    { "QTOL", 1, POSITIVE, take_tolerance },
    { "RQTOL", 1, POSITIVE, take_tolerance },
    { "CHECKFREQ", 1, POSITIVE, take_check_every },
    { "MAXCHECK", 1, POSITIVE, take_check_until },
    { "EMIT", 2, POSITIVE, take_emitter_exponent },
    { "DEMAND", 2, POSITIVE, take_multiplier },
};

static gm_status meet_unknown(const inp_reader *in)
{
    static const char *const names[] = {
        "UNITS",      "PRESSURE",   "HEADLOSS",  "HYDRAULICS", "QUALITY",   "MAP",
        "UNBALANCED", "PATTERN",    "DEMAND",    "BACKFLOW",   "TOLERANCE", "DIFFUSIVITY",
        "DAMPLIMIT",  "FLOWCHANGE", "HEADERROR", "MINIMUM",    "REQUIRED",  "VISCOSITY",
        "SPECIFIC",   "TRIALS",     "ACCURACY",  "CHECKFREQ",  "MAXCHECK",  "EMITTER",
    };
    char word[64];
    gm_text text = in->line.tokens[0];
    snprintf(word, sizeof word, "%.*s", gm_inp_quoted(text), text.data);
    if (in->line.count == 1) { // EPANET takes any word without a value
        gm_inp_warn(in, 0, "'%s' is no option of EPANET, and not used", word);
        return GM_OK;
    }
    const char *nearest = gm_text_nearest(word, names, COUNT(names));
    return gm_inp_refuse(in, 0, "'%s' is no option of EPANET%s%s%s", word,
                         nearest ? "; did you mean '" : "", nearest ? nearest : "",
                         nearest ? "'?" : "");
}

gm_status gm_inp_option(inp_reader *in)
{
    gm_text word = in->line.tokens[0];
    bool exponent = in->line.count > 1 && gm_inp_is(in->line.tokens[1], "EXP");
    if (gm_inp_is(word, "PRESSURE") && !exponent) {
        return in->line.count > 1 ? take_pressure_unit(in) : GM_OK;
    }
    for (size_t index = 0; index < COUNT(word_options); index++) {
        const word_option *option = &word_options[index];
        bool second = option->second == NULL || in->line.count < option->least ||
                      gm_inp_is(in->line.tokens[1], option->second);
        if (gm_inp_is(word, option->word) && second) {
            return in->line.count < option->least ? GM_OK : option->take(in);
        }
    }
    for (size_t index = 0; index < COUNT(number_options); index++) {
        const number_option *option = &number_options[index];
        if (!gm_inp_is(word, option->word)) {
            continue;
        }
        double value = 0.0;
        if (in->line.count <= option->token) {
            return GM_OK;
        }
        gm_status status = option->range == ANY
                               ? gm_inp_number(in, option->token, "this option", &value)
                           : option->range == POSITIVE
                               ? gm_inp_positive(in, option->token, "this option", &value)
                               : gm_inp_not_negative(in, option->token, "this option", &value);
        return status == GM_OK ? option->take(in, value) : status;
    }
    return meet_unknown(in);
}

// ---- [TIMES] ----

// The last one or two tokens as a time in seconds: a number of hours, "1:30", or either with a
// word behind.
static gm_status take_time(const inp_reader *in, int64_t *time_s)
{
    size_t last = in->line.count - 1;
    gm_text none = { "", 0 };
    double hours = 0.0;
    bool is_time =
        gm_inp_hours(in->line.tokens[last], none, &hours) ||
        (last >= 1 && gm_inp_hours(in->line.tokens[last - 1], in->line.tokens[last], &hours));
    gm_status status = gm_inp_check_hours(in, last, is_time, hours);
    if (status != GM_OK) {
        return status;
    }
    *time_s = (int64_t)(3600.0 * hours + 0.5);
    return GM_OK;
}

gm_status gm_inp_time(inp_reader *in)
{
    static const char *const statistics[] = { "NONE",    "NO",    "AVERAGE", "MINIMUM",
                                              "MAXIMUM", "RANGE", NULL };
    water_plan *plan = in->plan;
    int64_t unused = 0;
    const struct {
        const char *word, *second;
        int64_t *value;
    } times[] = {
        { "DURA", NULL, &plan->duration_s },
        { "HYDR", NULL, &plan->step_s },
        { "QUAL", NULL, &unused },
        { "RULE", NULL, &plan->rule_step_s },
        { "MINI", NULL, &unused },
        { "PATT", "TIME", &plan->pattern_step_s },
        { "PATT", "STAR", &plan->pattern_start_s },
        { "REPO", "TIME", &plan->report_step_s },
        { "REPO", "STAR", &plan->report_start_s },
        { "STAR", NULL, &plan->clock_start_s },
    };
    gm_status status = gm_inp_need(in, 2, "what is timed, and a time");
    if (status != GM_OK) {
        return status;
    }
    gm_text word = in->line.tokens[0];
    if (gm_inp_is(word, "STAT")) {
        int kind = gm_inp_one_of(in->line.tokens[in->line.count - 1], statistics);
        if (kind < 0) {
            return gm_inp_refuse(in, in->line.count - 1,
                                 "expected NONE, AVERAGE, MINIMUM, MAXIMUM or RANGE");
        }
        if (kind > 1) {
            gm_inp_warn(in, 0, "STATISTIC is not used: results are given at their times");
        }
        return GM_OK;
    }
    bool known = false;
    for (size_t index = 0; index < COUNT(times); index++) {
        known = known || gm_inp_is(word, times[index].word);
        if (gm_inp_is(word, times[index].word) &&
            (times[index].second == NULL || gm_inp_is(in->line.tokens[1], times[index].second))) {
            status = take_time(in, times[index].value);
            plan->clock_start_s %= 86400;
            return status;
        }
    }
    return known ? gm_inp_refuse(in, 1, "expected TIMESTEP or START")
                 : gm_inp_refuse(in, 0,
                                 "expected DURATION, HYDRAULIC, QUALITY, RULE, PATTERN, REPORT, "
                                 "START or STATISTIC");
}

// ---- [ENERGY] ----

// PRICE, PATTERN or EFFICIENCY of all pumps (NULL) or one.
static gm_status take_energy(inp_reader *in, water_link *pump)
{
    static const char *const words[] = { "PRICE", "PATT", "EFFI", NULL };
    water_plan *plan = in->plan;
    size_t last = in->line.count - 1;
    double value = 0.0;
    int word = gm_inp_one_of(in->line.tokens[last - 1], words);
    if (word < 0) {
        return gm_inp_refuse(in, last - 1, "expected PRICE, PATTERN or EFFICIENCY");
    }
    if (word == 1) {
        return gm_inp_pattern(in, last, pump ? &pump->price_pattern : &plan->price_pattern);
    }
    if (word == 2 && pump != NULL) {
        return gm_inp_curve(in, last, &pump->efficiency_curve);
    }
    gm_status status = word == 0 ? gm_inp_not_negative(in, last, "the price", &value)
                                 : gm_inp_positive(in, last, "the efficiency", &value);
    if (status != GM_OK) {
        return status;
    }
    if (word == 2) {
        plan->efficiency = value / 100.0;
    } else if (pump != NULL) {
        pump->price = value > 0.0 ? value : NAN;
    } else {
        plan->price = value;
    }
    return GM_OK;
}

gm_status gm_inp_energy(inp_reader *in)
{
    gm_status status =
        gm_inp_need(in, 3,
                    "GLOBAL or PUMP and its name, then PRICE, PATTERN or EFFICIENCY; or "
                    "DEMAND CHARGE");
    if (status != GM_OK) {
        return status;
    }
    gm_text word = in->line.tokens[0];
    if (gm_inp_is(word, "DEMAN")) {
        return gm_inp_not_negative(in, 2, "the demand charge", &in->plan->demand_charge);
    }
    if (gm_inp_is(word, "GLOB")) {
        return take_energy(in, NULL);
    }
    if (!gm_inp_is(word, "PUMP")) {
        return gm_inp_refuse(in, 0, "expected GLOBAL, PUMP or DEMAND CHARGE");
    }
    uint32_t index = 0;
    status = gm_inp_need(in, 4, "a pump, then PRICE, PATTERN or EFFICIENCY and a value");
    if (status == GM_OK) {
        status = gm_inp_link(in, 1, &index);
    }
    if (status == GM_OK && in->plan->links[index].kind != WATER_PUMP) {
        status = gm_inp_refuse(in, 1, "'%.60s' is no pump", in->plan->links[index].name);
    }
    return status == GM_OK ? take_energy(in, &in->plan->links[index]) : status;
}
