// Reads profiles and looks values up by civil time. Days count from 1970-01-01, a Thursday.
#include "world/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { DAY_S = 86400, THURSDAY = 3, HOLIDAY = 7, WEEK = 7 };

static const char *const profile_keys[] = { "unit",      "zone",     "interpolate", "day",
                                            "weekday",   "weekend",  "monday",      "tuesday",
                                            "wednesday", "thursday", "friday",      "saturday",
                                            "sunday",    "holiday",  "holidays",    NULL };

// Tables by the day of the week and the holiday, and what stands in for each.
static const struct {
    const char *own, *shared;
} day_keys[GM_PROFILE_DAYS] = {
    { "monday", "weekday" },   { "tuesday", "weekday" }, { "wednesday", "weekday" },
    { "thursday", "weekday" }, { "friday", "weekday" },  { "saturday", "weekend" },
    { "sunday", "weekend" },   { "holiday", NULL },
};

static gm_status no_memory(gm_error *error)
{
    return gm_error_set(error, GM_MEMORY, "no memory for a profile");
}

// "06:30" or "06:30:15".
static bool scan_clock(const char *text, int32_t *seconds)
{
    int32_t parts[3] = { 0, 0, 0 };
    size_t size = strlen(text);
    if (size != 5 && size != 8) {
        return false;
    }
    for (size_t at = 0; at < size; at++) {
        bool digit = text[at] >= '0' && text[at] <= '9';
        if (at % 3 == 2 ? text[at] != ':' : !digit) {
            return false;
        }
        if (at % 3 != 2) {
            parts[at / 3] = parts[at / 3] * 10 + (text[at] - '0');
        }
    }
    *seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
    return parts[0] < 24 && parts[1] < 60 && parts[2] < 60;
}

static gm_status read_table(const gm_config *config, const char *unit, gm_arena *arena,
                            gm_profile_table *table, gm_error *error)
{
    gm_status status =
        gm_config_is(config, GM_CONFIG_MAP, "a map such as {\"00:00\": 18, \"06:30\": 21}", error);
    if (status != GM_OK) {
        return status;
    }
    if (config->count == 0 || config->count > GM_PROFILE_POINTS_MAX) {
        return gm_error_at(error, GM_INVALID, config->place, "%s: expected 1 to %d times, got %zu",
                           config->key, GM_PROFILE_POINTS_MAX, config->count);
    }
    double *values = gm_arena_new(arena, config->count, sizeof *values);
    int32_t *from_s = gm_arena_new(arena, config->count, sizeof *from_s);
    if (values == NULL || from_s == NULL) {
        return no_memory(error);
    }
    for (size_t index = 0; index < config->count; index++) {
        const gm_config *point = &config->children[index];
        if (!scan_clock(point->key, &from_s[index])) {
            return gm_error_at(error, GM_INVALID, point->key_place,
                               "expected a time of day such as \"06:30\", got '%.40s'", point->key);
        }
        if (index > 0 && from_s[index] <= from_s[index - 1]) {
            return gm_error_at(error, GM_INVALID, point->key_place,
                               "'%s' is not later than '%s' before it", point->key,
                               config->children[index - 1].key);
        }
        status = gm_config_number(point, (gm_quantity){ .unit = unit }, &values[index], error);
        if (status != GM_OK) {
            return status;
        }
    }
    *table = (gm_profile_table){ .values = values, .from_s = from_s, .count = config->count };
    return GM_OK;
}

static gm_status read_tables(const gm_config *config, gm_arena *arena, gm_profile *profile,
                             gm_error *error)
{
    for (size_t day = 0; day < GM_PROFILE_DAYS; day++) {
        const gm_config *table = gm_config_get(config, day_keys[day].own);
        if (table == NULL && day_keys[day].shared != NULL) {
            table = gm_config_get(config, day_keys[day].shared);
        }
        if (table == NULL && (day != HOLIDAY || profile->holiday_count == 0)) {
            table = gm_config_get(config, "day");
        }
        if (table == NULL && day == HOLIDAY && profile->holiday_count == 0) {
            continue;
        }
        if (table == NULL) {
            const char *key = day == HOLIDAY ? "holiday" : "day";
            return gm_config_need(config, key, &table, error);
        }
        gm_status status = read_table(table, profile->unit, arena, &profile->days[day], error);
        if (status != GM_OK) {
            return status;
        }
    }
    return GM_OK;
}

static int compare_days(const void *a, const void *b)
{
    int32_t first = *(const int32_t *)a, second = *(const int32_t *)b;
    return (first > second) - (first < second);
}

static gm_status read_holidays(const gm_config *config, gm_arena *arena, gm_profile *profile,
                               gm_error *error)
{
    const gm_config *list = gm_config_get(config, "holidays");
    if (list == NULL) {
        return GM_OK;
    }
    gm_status status = gm_config_is(list, GM_CONFIG_LIST, "a list of dates", error);
    if (status != GM_OK) {
        return status;
    }
    if (list->count > GM_PROFILE_HOLIDAYS_MAX) {
        return gm_error_at(error, GM_LIMIT, list->place, "more than %d holidays",
                           GM_PROFILE_HOLIDAYS_MAX);
    }
    int32_t *days = gm_arena_new(arena, list->count, sizeof *days);
    if (days == NULL) {
        return no_memory(error);
    }
    for (size_t index = 0; index < list->count; index++) {
        const char *text = NULL;
        int64_t time_ns = 0;
        status = gm_config_text(&list->children[index], &text, error);
        if (status != GM_OK) {
            return status;
        }
        if (!gm_time_parse(gm_text_of(text), &time_ns) || time_ns % (DAY_S * GM_SECOND_NS) != 0) {
            return gm_error_at(error, GM_INVALID, list->children[index].place,
                               "expected a date such as 2026-12-25, got '%.40s'", text);
        }
        days[index] = (int32_t)(time_ns / (DAY_S * GM_SECOND_NS));
    }
    qsort(days, list->count, sizeof *days, compare_days);
    profile->holidays = days;
    profile->holiday_count = list->count;
    return GM_OK;
}

static gm_status read_zone(const gm_config *config, const char *zone_name, const gm_files *files,
                           gm_profile *profile, gm_error *error)
{
    const gm_config *named = gm_config_get(config, "zone");
    gm_place place = named != NULL ? named->place : config->place;
    gm_status status = named != NULL ? gm_config_text(named, &zone_name, error) : GM_OK;
    if (status != GM_OK || strcmp(zone_name, "UTC") == 0) {
        return status;
    }
    if (files->read == NULL) {
        return gm_error_at(error, GM_INVALID, place, "zones other than UTC are not offered here");
    }
    void *bytes = NULL;
    size_t size = 0;
    gm_error why = { 0 };
    status = files->read(files->context, GM_FILE_ZONE, zone_name, &bytes, &size, &why);
    if (status == GM_OK) {
        status = gm_zone_read(zone_name, bytes, size, &profile->zone, &why);
    }
    gm_memory_free(bytes);
    return status == GM_OK ? GM_OK : gm_error_at(error, status, place, "%s", why.text);
}

static gm_status read_unit(const gm_config *config, gm_profile *profile, gm_error *error)
{
    const gm_config *unit = gm_config_get(config, "unit");
    profile->unit = "1";
    if (unit == NULL) {
        return GM_OK;
    }
    gm_status status = gm_config_text(unit, &profile->unit, error);
    gm_conversion same;
    gm_error why = { 0 };
    if (status == GM_OK && unit->units != NULL) {
        status = gm_units_between(unit->units, profile->unit, profile->unit, false, &same, &why);
        status =
            status == GM_OK ? GM_OK : gm_error_at(error, status, unit->place, "unit: %s", why.text);
    }
    return status;
}

gm_status gm_profile_read(const gm_config *config, const char *zone_name, const gm_files *files,
                          gm_arena *arena, gm_profile **profile, gm_error *error)
{
    static const char *const interpolations[] = { "step", "linear", NULL };
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, "a profile's map", error);
    if (status == GM_OK) {
        status = gm_config_only(config, profile_keys, error);
    }
    gm_profile *made = status == GM_OK ? gm_arena_new(arena, 1, sizeof *made) : NULL;
    if (made == NULL) {
        return status == GM_OK ? no_memory(error) : status;
    }
    made->name = config->key;
    made->place = config->place;
    status = read_unit(config, made, error);
    size_t interpolation = 0;
    const gm_config *interpolate = gm_config_get(config, "interpolate");
    if (status == GM_OK && interpolate != NULL) {
        status = gm_config_choice(interpolate, interpolations, &interpolation, error);
    }
    made->linear = interpolation == 1;
    if (status == GM_OK) {
        status = read_holidays(config, arena, made, error);
    }
    if (status == GM_OK) {
        status = read_tables(config, arena, made, error);
    }
    if (status == GM_OK) {
        status = read_zone(config, zone_name, files, made, error);
    }
    if (status == GM_OK) {
        *profile = made;
    }
    return status;
}

void gm_profile_close(gm_profile *profile)
{
    if (profile != NULL) {
        gm_zone_close(profile->zone);
        profile->zone = NULL;
    }
}

static int64_t floor_division(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static const gm_profile_table *table_of(const gm_profile *profile, int64_t day)
{
    if (profile->holiday_count > 0) {
        int32_t wanted = (int32_t)day;
        if (bsearch(&wanted, profile->holidays, profile->holiday_count, sizeof wanted,
                    compare_days) != NULL) {
            return &profile->days[HOLIDAY];
        }
    }
    int64_t weekday = (day + THURSDAY) % WEEK;
    return &profile->days[weekday < 0 ? weekday + WEEK : weekday];
}

double gm_profile_value(const gm_profile *profile, int64_t time_ns)
{
    int32_t offset_s = profile->zone != NULL ? gm_zone_offset_s(profile->zone, time_ns) : 0;
    int64_t second = floor_division(time_ns, GM_SECOND_NS);
    int64_t fraction_ns = time_ns - second * GM_SECOND_NS;
    int64_t local_s = second + offset_s;
    int64_t day = floor_division(local_s, DAY_S);
    int32_t clock_s = (int32_t)(local_s - day * DAY_S);
    const gm_profile_table *today = table_of(profile, day);
    size_t next = 0, end = today->count; // the first point later than the clock
    while (next < end) {
        size_t middle = next + (end - next) / 2;
        bool later = today->from_s[middle] > clock_s;
        end = later ? middle : end;
        next = later ? next : middle + 1;
    }
    const gm_profile_table *before = next > 0 ? today : table_of(profile, day - 1);
    size_t last = next > 0 ? next - 1 : before->count - 1;
    double value = before->values[last];
    if (!profile->linear) {
        return value;
    }
    const gm_profile_table *after = next < today->count ? today : table_of(profile, day + 1);
    size_t first = next < today->count ? next : 0;
    double from_s = before->from_s[last] - (next > 0 ? 0 : DAY_S);
    double to_s = after->from_s[first] + (next < today->count ? 0 : DAY_S);
    double at_s = clock_s + (double)fraction_ns * 1e-9;
    return value + (after->values[first] - value) * ((at_s - from_s) / (to_s - from_s));
}
