// Configuration trees: lookups that refuse what nobody expects, and scalars as numbers in SI.
#include <gemel/config.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/text.h"
#include "base/units.h"

enum {
    UNIT_MAX = 128,       // bytes of a unit's spelling
    SUGGESTED_MAX = 1024, // keys of one map that are compared for "did you mean"
    LISTED_MAX = 12,      // words listed in an error
    LEAD_SIZE = 72,       // "key: " in front of an error
};

// The words a user may have meant, for the end of an error: "; did you mean 'x'?" or ", expected
// one of a, b".
static void suggest(const char *word, const char *const *words, char *buffer, size_t size)
{
    size_t count = 0;
    while (words[count] != NULL && count < SUGGESTED_MAX) {
        count++;
    }
    const char *nearest = gm_text_nearest(word, words, count);
    if (nearest != NULL) {
        snprintf(buffer, size, "; did you mean '%s'?", nearest);
        return;
    }
    size_t used = (size_t)snprintf(buffer, size, ", expected one of");
    for (size_t index = 0; index < count && index < LISTED_MAX && used < size; index++) {
        used += (size_t)snprintf(buffer + used, size - used, "%s %s", index > 0 ? "," : "",
                                 words[index]);
    }
    if (count == 0) {
        snprintf(buffer, size, ", none is expected here");
    } else if (count > LISTED_MAX && used < size) {
        snprintf(buffer + used, size - used, ", ...");
    }
}

static const char *kind_name(gm_config_kind kind)
{
    static const char *const names[] = { "nothing", "a value", "a list", "a map", "a file" };
    return names[kind];
}

// "capacity: " where the node has a key that fits into a message.
static const char *lead(const gm_config *config, char buffer[LEAD_SIZE])
{
    buffer[0] = '\0';
    if (config->key != NULL) {
        snprintf(buffer, LEAD_SIZE, "%.60s: ", config->key);
    }
    return buffer;
}

const gm_config *gm_config_get(const gm_config *config, const char *key)
{
    if (config == NULL || config->kind != GM_CONFIG_MAP) {
        return NULL;
    }
    for (size_t index = 0; index < config->count; index++) {
        if (strcmp(config->children[index].key, key) == 0) {
            return &config->children[index];
        }
    }
    return NULL;
}

gm_status gm_config_need(const gm_config *config, const char *key, const gm_config **child,
                         gm_error *error)
{
    if (config == NULL) {
        return gm_error_set(error, GM_INVALID, "`%s` is missing: nothing is configured", key);
    }
    char name[LEAD_SIZE];
    if (config->kind != GM_CONFIG_MAP) {
        return gm_error_at(error, GM_INVALID, config->place, "%sexpected a map with `%s`, got %s",
                           lead(config, name), key, kind_name(config->kind));
    }
    const gm_config *found = gm_config_get(config, key);
    if (found == NULL) {
        return gm_error_at(error, GM_INVALID, config->place, "%s`%s` is missing",
                           lead(config, name), key);
    }
    *child = found;
    return GM_OK;
}

gm_status gm_config_only(const gm_config *config, const char *const *keys, gm_error *error)
{
    if (config == NULL || config->kind != GM_CONFIG_MAP) {
        return GM_OK;
    }
    for (size_t index = 0; index < config->count; index++) {
        const gm_config *child = &config->children[index];
        size_t at = 0;
        while (keys[at] != NULL && strcmp(keys[at], child->key) != 0) {
            at++;
        }
        if (keys[at] == NULL) {
            char meant[512];
            suggest(child->key, keys, meant, sizeof meant);
            return gm_error_at(error, GM_INVALID, child->key_place, "unknown key '%.80s'%s",
                               child->key, meant);
        }
    }
    return GM_OK;
}

gm_status gm_config_is(const gm_config *config, gm_config_kind kind, const char *what,
                       gm_error *error)
{
    if (config == NULL) {
        return gm_error_set(error, GM_INVALID, "expected %s, got nothing", what);
    }
    if (config->kind == kind) {
        return GM_OK;
    }
    char name[LEAD_SIZE];
    bool blank = config->kind == GM_CONFIG_SCALAR && config->text[0] == '\0' && !config->quoted;
    return gm_error_at(error, GM_INVALID, config->place, "%sexpected %s, got %s",
                       lead(config, name), what, blank ? "nothing" : kind_name(config->kind));
}

// Splits "690 J/K" into 690 and "J/K"; `unit` is "" for a bare number.
static gm_status split(const gm_config *config, const char *what, double *value,
                       char unit[UNIT_MAX], gm_error *error)
{
    gm_status status = gm_config_is(config, GM_CONFIG_SCALAR, what, error);
    if (status != GM_OK) {
        return status;
    }
    gm_text text = gm_text_trim(gm_text_of(config->text));
    size_t used = gm_text_scan_f64(text, value);
    char name[LEAD_SIZE];
    if (text.size == 0) {
        return gm_error_at(error, GM_INVALID, config->place, "%sexpected %s, got nothing",
                           lead(config, name), what);
    }
    if (used == 0) {
        return gm_error_at(error, GM_INVALID, config->place, "%sexpected %s, got '%.80s'",
                           lead(config, name), what, config->text);
    }
    gm_text rest = gm_text_trim((gm_text){ text.data + used, text.size - used });
    if (rest.size >= UNIT_MAX) {
        return gm_error_at(error, GM_INVALID, config->place,
                           "%sexpected %s, got '%.80s...': a unit is shorter than %d bytes",
                           lead(config, name), what, config->text, UNIT_MAX);
    }
    memcpy(unit, rest.data, rest.size);
    unit[rest.size] = '\0';
    return GM_OK;
}

static gm_status convert(const gm_config *config, const char *from, const gm_quantity *quantity,
                         double *value, gm_error *error)
{
    if (from[0] == '\0' || strcmp(from, quantity->unit) == 0) {
        return GM_OK;
    }
    char name[LEAD_SIZE];
    if (config->units == NULL) {
        return gm_error_at(error, GM_INVALID, config->place, "%sexpected a number in %s, got '%s'",
                           lead(config, name), quantity->unit, config->text);
    }
    gm_conversion conversion;
    gm_error why = { 0 };
    gm_status status = gm_units_between(config->units, from, quantity->unit, quantity->difference,
                                        &conversion, &why);
    if (status != GM_OK) {
        return gm_error_at(error, status, config->place, "%s'%.80s': %s", lead(config, name),
                           config->text, why.text);
    }
    *value = *value * conversion.factor + conversion.offset;
    return GM_OK;
}

gm_status gm_config_number(const gm_config *config, gm_quantity quantity, double *value,
                           gm_error *error)
{
    char what[UNIT_MAX + 32], unit[UNIT_MAX], name[LEAD_SIZE];
    bool pure = strcmp(quantity.unit, "1") == 0;
    snprintf(what, sizeof what, pure ? "a number" : "a number in %s", quantity.unit);
    double number = 0.0;
    gm_status status = split(config, what, &number, unit, error);
    if (status == GM_OK) {
        status = convert(config, unit, &quantity, &number, error);
    }
    if (status != GM_OK) {
        return status;
    }
    if (!isfinite(number)) {
        return gm_error_at(error, GM_INVALID, config->place, "%s'%.80s' is not a finite number",
                           lead(config, name), config->text);
    }
    bool bounded = quantity.min != 0.0 || quantity.max != 0.0;
    if (bounded && !(number >= quantity.min && number <= quantity.max)) {
        bool low = number < quantity.min;
        return gm_error_at(error, GM_INVALID, config->place,
                           "%s'%.80s' is out of range: expected at %s %.9g%s%s", lead(config, name),
                           config->text, low ? "least" : "most", low ? quantity.min : quantity.max,
                           pure ? "" : " ", pure ? "" : quantity.unit);
    }
    *value = number;
    return GM_OK;
}

gm_status gm_config_child_number(const gm_config *map, const char *key, gm_quantity quantity,
                                 double otherwise, double *value, gm_error *error)
{
    const gm_config *child = gm_config_get(map, key);
    if (child != NULL) {
        return gm_config_number(child, quantity, value, error);
    }
    if (isnan(otherwise)) {
        return gm_config_need(map, key, &child, error);
    }
    *value = otherwise;
    return GM_OK;
}

gm_status gm_config_duration(const gm_config *config, int64_t *duration_ns, gm_error *error)
{
    double seconds = 0.0;
    char unit[UNIT_MAX], name[LEAD_SIZE];
    gm_status status = split(config, "a duration such as '3 s' or '10 min'", &seconds, unit, error);
    if (status == GM_OK) {
        gm_quantity quantity = { .unit = "s", .difference = true };
        status = convert(config, unit, &quantity, &seconds, error);
    }
    int64_t duration = 0;
    if (status == GM_OK && !gm_ns_from_s(seconds, &duration)) {
        status = gm_error_at(error, GM_INVALID, config->place,
                             "%s'%.80s' is too long: a duration is under 292 years",
                             lead(config, name), config->text);
    }
    if (status == GM_OK) {
        *duration_ns = duration;
    }
    return status;
}

gm_status gm_config_integer(const gm_config *config, int64_t min, int64_t max, int64_t *value,
                            gm_error *error)
{
    gm_status status = gm_config_is(config, GM_CONFIG_SCALAR, "a whole number", error);
    if (status != GM_OK) {
        return status;
    }
    char name[LEAD_SIZE];
    int64_t number = 0;
    if (!gm_text_to_i64(gm_text_trim(gm_text_of(config->text)), &number)) {
        return gm_error_at(error, GM_INVALID, config->place,
                           "%sexpected a whole number, got '%.80s'", lead(config, name),
                           config->text);
    }
    if (number < min || number > max) {
        return gm_error_at(error, GM_INVALID, config->place,
                           "%s%lld is out of range: expected %lld to %lld", lead(config, name),
                           (long long)number, (long long)min, (long long)max);
    }
    *value = number;
    return GM_OK;
}

gm_status gm_config_flag(const gm_config *config, bool *value, gm_error *error)
{
    gm_status status = gm_config_is(config, GM_CONFIG_SCALAR, "true or false", error);
    if (status != GM_OK) {
        return status;
    }
    bool yes = !config->quoted && strcmp(config->text, "true") == 0;
    if (!yes && (config->quoted || strcmp(config->text, "false") != 0)) {
        char name[LEAD_SIZE];
        return gm_error_at(error, GM_INVALID, config->place,
                           "%sexpected true or false, got '%.80s'", lead(config, name),
                           config->text);
    }
    *value = yes;
    return GM_OK;
}

gm_status gm_config_text(const gm_config *config, const char **text, gm_error *error)
{
    gm_status status = gm_config_is(config, GM_CONFIG_SCALAR, "a text", error);
    if (status != GM_OK) {
        return status;
    }
    if (config->text[0] == '\0') {
        char name[LEAD_SIZE];
        return gm_error_at(error, GM_INVALID, config->place, "%sexpected a text, got nothing",
                           lead(config, name));
    }
    *text = config->text;
    return GM_OK;
}

gm_status gm_config_choice(const gm_config *config, const char *const *words, size_t *index,
                           gm_error *error)
{
    const char *text = NULL;
    gm_status status = gm_config_text(config, &text, error);
    if (status != GM_OK) {
        return status;
    }
    for (size_t at = 0; words[at] != NULL; at++) {
        if (strcmp(words[at], text) == 0) {
            *index = at;
            return GM_OK;
        }
    }
    char meant[512], name[LEAD_SIZE];
    suggest(text, words, meant, sizeof meant);
    return gm_error_at(error, GM_INVALID, config->place, "%s'%.80s' is not offered%s",
                       lead(config, name), text, meant);
}
