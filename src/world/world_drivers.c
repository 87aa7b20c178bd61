// `profiles:` and `drivers:` -> the rules by which inputs move, in the past and ahead.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "world/world_reader.h"

static const char *const driver_keys[] = { "past", "ahead", "profile", "stochastic", NULL };
static const char *const rule_keys[] = { "profile", "stochastic", NULL };
static const char *const rule_words[] = { "hold", "known", NULL };
static const char *const stochastic_keys[] = { "mean", "spread", "time", NULL };

gm_status gm_world_read_profiles(gm_world_reader *reader, const gm_config *config, gm_error *error)
{
    gm_world *world = reader->world;
    if (config == NULL) {
        return GM_OK;
    }
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, "a map of profiles", error);
    if (status == GM_OK && config->count > GM_WORLD_PROFILES_MAX) {
        status = gm_error_at(error, GM_LIMIT, config->place, "more than %d profiles",
                             GM_WORLD_PROFILES_MAX);
    }
    if (status != GM_OK) {
        return status;
    }
    world->profiles = gm_memory_new(config->count, sizeof *world->profiles);
    if (world->profiles == NULL) {
        return gm_world_no_memory(error);
    }
    for (size_t index = 0; index < config->count && status == GM_OK; index++) {
        const gm_config *child = &config->children[index];
        status = gm_world_check_name(child, "profile", error);
        if (status == GM_OK) {
            status = gm_profile_read(child, world->zone_name, &reader->options->files, world->arena,
                                     &world->profiles[index], error);
        }
        world->profile_count += status == GM_OK;
    }
    return status;
}

static gm_status unknown_profile(const gm_world *world, const gm_config *config, gm_error *error)
{
    const char *names[GM_WORLD_PROFILES_MAX];
    for (size_t index = 0; index < world->profile_count; index++) {
        names[index] = world->profiles[index]->name;
    }
    const char *near = gm_text_nearest(config->text, names, world->profile_count);
    return gm_error_at(error, GM_NOT_FOUND, config->place, "there is no profile '%.80s'%s%s%s",
                       config->text, near != NULL ? "; did you mean '" : "",
                       near != NULL ? near : "", near != NULL ? "'?" : "");
}

static gm_status read_profile_rule(const gm_world *world, const gm_config *config, gm_ref ref,
                                   gm_world_rule *rule, gm_error *error)
{
    const char *name = NULL;
    gm_status status = gm_config_text(config, &name, error);
    if (status != GM_OK) {
        return status;
    }
    size_t index = 0;
    while (index < world->profile_count && strcmp(world->profiles[index]->name, name) != 0) {
        index++;
    }
    if (index == world->profile_count) {
        return unknown_profile(world, config, error);
    }
    gm_conversion conversion = { 1.0, 0.0 };
    gm_error why = { 0 };
    const char *from = world->profiles[index]->unit, *to = gm_world_field(world, ref)->unit;
    if (strcmp(from, to) != 0 && world->units != NULL) {
        status = gm_units_between(world->units, from, to, false, &conversion, &why);
    }
    if (status != GM_OK) {
        return gm_error_at(error, status, config->place, "profile '%.80s': %s", name, why.text);
    }
    *rule = (gm_world_rule){ .kind = GM_RULE_PROFILE,
                             .profile = index,
                             .factor = conversion.factor,
                             .offset = conversion.offset,
                             .stochastic = GM_NO_INDEX };
    return GM_OK;
}

static gm_status read_stochastic(gm_world *world, const gm_config *config, gm_ref ref,
                                 gm_world_rule *rule, gm_error *error)
{
    const gm_field *field = gm_world_field(world, ref);
    gm_world_rule read = { .kind = GM_RULE_STOCHASTIC, .stochastic = GM_NO_INDEX };
    const gm_config *spread = NULL, *time = NULL;
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, "a map with `spread` and `time`", error);
    if (status == GM_OK) {
        status = gm_config_only(config, stochastic_keys, error);
    }
    if (status == GM_OK) {
        status = gm_config_need(config, "spread", &spread, error);
    }
    if (status == GM_OK) {
        bool relative = false;
        status = gm_world_read_spread(spread, field->unit, &read.spread, &relative, error);
        if (status == GM_OK && relative) {
            status = gm_error_at(error, GM_INVALID, spread->place,
                                 "spread: expected a number in %s, got '%.40s'", field->unit,
                                 spread->text);
        }
    }
    if (status == GM_OK) {
        status = gm_config_need(config, "time", &time, error);
    }
    int64_t time_ns = 0;
    if (status == GM_OK) {
        status = gm_world_read_span(time, &time_ns, error);
    }
    const gm_config *mean = gm_config_get(config, "mean");
    if (status == GM_OK && mean != NULL) {
        gm_quantity quantity = { field->unit, field->min, field->max, false };
        status = gm_config_number(mean, quantity, &read.mean, error);
    }
    if (status != GM_OK) {
        return status;
    }
    read.time_s = (double)time_ns / (double)GM_SECOND_NS;
    read.has_mean = mean != NULL;
    if (!read.has_mean) {
        read.stochastic = world->stochastic_count++;
    }
    *rule = read;
    return GM_OK;
}

gm_status gm_world_read_rule(gm_world_reader *reader, const gm_config *config, gm_ref ref,
                             gm_world_rule *rule, gm_error *error)
{
    gm_world *world = reader->world;
    if (config->kind == GM_CONFIG_SCALAR) {
        size_t word = 0;
        gm_status status = gm_config_choice(config, rule_words, &word, error);
        if (status == GM_OK) {
            *rule = (gm_world_rule){ .kind = word == 0 ? GM_RULE_HOLD : GM_RULE_KNOWN,
                                     .stochastic = GM_NO_INDEX };
        }
        return status;
    }
    const char *what = "hold, known, {profile: ...} or {stochastic: ...}";
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, what, error);
    if (status == GM_OK) {
        status = gm_config_only(config, rule_keys, error);
    }
    if (status == GM_OK && config->count != 1) {
        status = gm_error_at(error, GM_INVALID, config->place, "expected one of %s", what);
    }
    if (status != GM_OK) {
        return status;
    }
    const gm_config *profile = gm_config_get(config, "profile");
    return profile != NULL
               ? read_profile_rule(world, profile, ref, rule, error)
               : read_stochastic(world, gm_config_get(config, "stochastic"), ref, rule, error);
}

gm_status gm_world_add_driver(gm_world *world, const gm_world_driver *driver, size_t *index,
                              gm_error *error)
{
    size_t capacity = world->driver_capacity;
    gm_world_driver *grown =
        gm_memory_grow(world->drivers, &capacity, world->driver_count + 1, sizeof *grown);
    if (grown == NULL) {
        return gm_world_no_memory(error);
    }
    world->drivers = grown;
    world->driver_capacity = capacity;
    *index = world->driver_count;
    world->drivers[world->driver_count++] = *driver;
    return GM_OK;
}

// The rules of one input, from `hold`, {profile: ...} or {past: ..., ahead: ...}.
static gm_status read_driver(gm_world_reader *reader, const gm_config *config, gm_ref ref,
                             gm_world_driver *driver, gm_error *error)
{
    const gm_config *past = config, *ahead = config;
    gm_status status = gm_config_only(config, driver_keys, error);
    bool split = gm_config_get(config, "past") != NULL || gm_config_get(config, "ahead") != NULL;
    if (status == GM_OK && split) {
        static const char *const split_keys[] = { "past", "ahead", NULL };
        status = gm_config_only(config, split_keys, error);
        past = gm_config_get(config, "past");
        ahead = gm_config_get(config, "ahead");
    }
    gm_world_rule hold = { .kind = GM_RULE_HOLD, .stochastic = GM_NO_INDEX };
    *driver = (gm_world_driver){
        .ref = ref, .sensor = GM_NO_INDEX, .past = hold, .ahead = hold, .place = config->key_place
    };
    if (status == GM_OK && past != NULL) {
        status = gm_world_read_rule(reader, past, ref, &driver->past, error);
    }
    if (status == GM_OK && ahead != NULL) {
        driver->ahead = driver->past;
        status =
            ahead == past ? GM_OK : gm_world_read_rule(reader, ahead, ref, &driver->ahead, error);
    }
    if (status == GM_OK &&
        (driver->past.kind == GM_RULE_KNOWN || driver->ahead.kind == GM_RULE_KNOWN)) {
        status = gm_error_at(error, GM_INVALID, config->place,
                             "`known` needs a sensor; expected hold, {profile: ...} or "
                             "{stochastic: ...}");
    }
    // looking back there is no value that was held: the initial one stands for it
    gm_world_rule *rules[] = { &driver->past, ahead == past ? &driver->ahead : &driver->past };
    for (size_t at = 0; at < 2; at++) {
        if (status == GM_OK && rules[at]->kind == GM_RULE_STOCHASTIC && !rules[at]->has_mean) {
            rules[at]->has_mean = true;
            rules[at]->mean = gm_model_initial_at(reader->world->systems[ref.system].model,
                                                  ref.class_number, ref.field, ref.element);
        }
    }
    return status;
}

static gm_status read_drivers_of(gm_world_reader *reader, const gm_config *config, gm_error *error)
{
    gm_world *world = reader->world;
    gm_ref *refs = NULL;
    size_t count = 0, added = 0, index = 0;
    gm_status status = gm_world_find(world, config->key, config->key_place, &refs, &count, error);
    for (size_t at = 0; at < count && status == GM_OK; at++) {
        if (gm_world_role(world, refs[at]) != GM_INPUT) {
            if (!gm_world_is_pattern(config->key)) {
                status = gm_world_wrong_role(world, refs[at], config->key_place, "an input", error);
            }
            continue;
        }
        gm_world_driver driver;
        status = read_driver(reader, config, refs[at], &driver, error);
        if (status == GM_OK) {
            status = gm_world_add_driver(world, &driver, &index, error);
        }
        added++;
    }
    gm_memory_free(refs);
    if (status == GM_OK && added == 0) {
        status = gm_error_at(error, GM_INVALID, config->key_place, "'%.80s' matches no input",
                             config->key);
    }
    return status;
}

// ---- all of them ----

typedef struct feed {
    gm_ref ref;
    gm_place place;
    const char *sensor; // NULL: a driver or link
} feed;

static gm_status check_feeds(const gm_world *world, feed *feeds, gm_error *error)
{
    size_t count = 0;
    for (size_t index = 0; index < world->link_count; index++) {
        feeds[count++] = (feed){ world->links[index].to, world->links[index].place, NULL };
    }
    for (size_t index = 0; index < world->driver_count; index++) {
        const gm_world_driver *driver = &world->drivers[index];
        const char *sensor =
            driver->sensor != GM_NO_INDEX ? world->sensors[driver->sensor].name : NULL;
        feeds[count++] = (feed){ driver->ref, driver->place, sensor };
    }
    if (count > 1) {
        qsort(feeds, count, sizeof *feeds, gm_world_compare_refs);
    }
    for (size_t index = 1; index < count; index++) {
        const feed *one = &feeds[index - 1], *other = &feeds[index];
        if (gm_world_compare_refs(one, other) == 0) {
            bool ordered = one->place.line < other->place.line;
            const feed *first = ordered ? one : other, *second = ordered ? other : one;
            char address[4 * GM_NAME_MAX];
            gm_world_address(world, first->ref, address, sizeof address);
            return gm_error_at(error, GM_INVALID, second->place,
                               "'%.200s' is fed twice; the first is in line %u", address,
                               first->place.line);
        }
    }
    return GM_OK;
}

static bool needs_ticks(const gm_world *world)
{
    for (size_t index = 0; index < world->system_count; index++) {
        const gm_domain *domain = world->systems[index].domain;
        if (domain->advance != NULL && !domain->tickless) {
            return true;
        }
    }
    return false;
}

static bool writes(const gm_world_rule *rule)
{
    return rule->kind != GM_RULE_NONE && rule->kind != GM_RULE_HOLD;
}

size_t gm_world_find_driver(const gm_world *world, gm_ref ref)
{
    gm_world_driver wanted = { .ref = ref };
    const gm_world_driver *found = world->driver_count > 0
                                       ? bsearch(&wanted, world->drivers, world->driver_count,
                                                 sizeof wanted, gm_world_compare_refs)
                                       : NULL;
    return found != NULL ? (size_t)(found - world->drivers) : GM_NO_INDEX;
}

// By address, so that draws do not depend on the order in the file.
static void sort_drivers(gm_world *world)
{
    if (world->driver_count > 1) {
        qsort(world->drivers, world->driver_count, sizeof *world->drivers, gm_world_compare_refs);
    }
    for (size_t index = 0; index < world->driver_count; index++) {
        size_t sensor = world->drivers[index].sensor;
        world->drivers[index].stream = index;
        if (sensor != GM_NO_INDEX) {
            world->sensors[sensor].driver = index;
        }
    }
}

static gm_status finish_drivers(gm_world *world, gm_error *error)
{
    sort_drivers(world);
    feed *feeds = gm_memory_new(world->link_count + world->driver_count, sizeof *feeds);
    world->past_drivers = gm_memory_new(world->driver_count, sizeof *world->past_drivers);
    world->ahead_drivers = gm_memory_new(world->driver_count, sizeof *world->ahead_drivers);
    gm_status status = GM_OK;
    if (feeds == NULL || world->past_drivers == NULL || world->ahead_drivers == NULL) {
        status = gm_world_no_memory(error);
    } else {
        status = check_feeds(world, feeds, error);
    }
    gm_memory_free(feeds);
    for (size_t index = 0; index < world->driver_count && status == GM_OK; index++) {
        if (writes(&world->drivers[index].past)) {
            world->past_drivers[world->past_driver_count++] = (uint32_t)index;
        }
        if (writes(&world->drivers[index].ahead)) {
            world->ahead_drivers[world->ahead_driver_count++] = (uint32_t)index;
        }
    }
    // systems that step themselves draw noise by the tick
    world->every_tick = world->link_count > 0 || needs_ticks(world);
    world->past_ticks = world->every_tick || world->past_driver_count > 0;
    world->ahead_ticks = world->every_tick || world->ahead_driver_count > 0;
    return status;
}

gm_status gm_world_read_drivers(gm_world_reader *reader, const gm_config *config, gm_error *error)
{
    gm_status status = GM_OK;
    if (config != NULL) {
        status = gm_config_is(config, GM_CONFIG_MAP, "a map of drivers", error);
    }
    for (size_t index = 0; status == GM_OK && config != NULL && index < config->count; index++) {
        gm_error why = { 0 };
        status = read_drivers_of(reader, &config->children[index], &why);
        status = gm_reader_forgive(reader, status, &why, error);
    }
    return status == GM_OK ? finish_drivers(reader->world, error) : status;
}
