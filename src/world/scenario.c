// `scenarios:` and ad-hoc what-ifs -> timed changes of addresses, and what is built otherwise.
//
//   structure: { town: { remove: [pipe/P12] } }
//   set: { box/air-room/conductance: {at: +5 min, times: 4, for: 2 min}, box/heater/power: 40 W }
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "world/world_reader.h"
#include "world/yaml.h"

static const char *const scenario_keys[] = { "structure", "set", "for", "about", NULL };
static const char *const change_keys[] = { "at",    "for",  "every", "to", "add",
                                           "times", "ramp", "trip",  NULL };
static const char *const ramp_keys[] = { "to", "over", NULL };
static const struct {
    const char *key;
    gm_change_kind kind;
} change_kinds[] = { { "to", GM_CHANGE_SET },
                     { "add", GM_CHANGE_ADD },
                     { "times", GM_CHANGE_TIMES },
                     { "ramp", GM_CHANGE_RAMP },
                     { "trip", GM_CHANGE_TRIP } };

typedef struct change_list {
    gm_world_change *items;
    size_t count, capacity;
} change_list;

static gm_status read_level(const gm_config *config, const gm_field *field, double *value,
                            gm_error *error)
{
    gm_quantity quantity = { .unit = field->unit, .min = field->min, .max = field->max };
    return gm_config_number(config, quantity, value, error);
}

static gm_status read_ramp(const gm_config *config, const gm_field *field, gm_world_change *change,
                           gm_error *error)
{
    const gm_config *to = NULL, *over = NULL;
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, "a map with `to` and `over`", error);
    if (status == GM_OK) {
        status = gm_config_only(config, ramp_keys, error);
    }
    if (status == GM_OK) {
        status = gm_config_need(config, "to", &to, error);
    }
    if (status == GM_OK) {
        status = gm_config_need(config, "over", &over, error);
    }
    if (status == GM_OK) {
        status = read_level(to, field, &change->value, error);
    }
    return status == GM_OK ? gm_world_read_span(over, &change->over_ns, error) : status;
}

static gm_status read_trip(const gm_config *config, const gm_field *field, gm_error *error)
{
    bool yes = false;
    gm_status status = gm_config_flag(config, &yes, error);
    if (status == GM_OK && !yes) {
        status = gm_error_at(error, GM_INVALID, config->place, "trip: expected true");
    }
    if (status == GM_OK && field->min != field->max && (field->min > 0.0 || field->max < 0.0)) {
        status = gm_error_at(error, GM_INVALID, config->place,
                             "trip: '%s' cannot be zero; its bounds are %g to %g %s", field->name,
                             field->min, field->max, field->unit);
    }
    return status;
}

static gm_status read_kind(const gm_config *config, const gm_field *field, gm_world_change *change,
                           gm_error *error)
{
    const gm_config *found = NULL;
    for (size_t at = 0; at < sizeof change_kinds / sizeof *change_kinds; at++) {
        const gm_config *child = gm_config_get(config, change_kinds[at].key);
        if (child != NULL && found != NULL) {
            return gm_error_at(error, GM_INVALID, child->key_place,
                               "expected one of to, add, times, ramp, trip; got `%s` and `%s`",
                               found->key, child->key);
        }
        if (child != NULL) {
            found = child;
            change->kind = change_kinds[at].kind;
        }
    }
    gm_quantity difference = { .unit = field->unit, .difference = true };
    switch (change->kind) {
    case GM_CHANGE_SET:
        return read_level(found, field, &change->value, error);
    case GM_CHANGE_ADD:
        return gm_config_number(found, difference, &change->value, error);
    case GM_CHANGE_TIMES:
        return gm_config_number(found, (gm_quantity){ .unit = "1" }, &change->value, error);
    case GM_CHANGE_RAMP:
        return read_ramp(found, field, change, error);
    case GM_CHANGE_TRIP:
        return read_trip(found, field, error);
    case GM_CHANGE_NONE:
        break;
    }
    return gm_error_at(error, GM_INVALID, config->place,
                       "one of to, add, times, ramp, trip is missing");
}

// `at`, `for` and `every` of a change.
static gm_status read_when(const gm_config *config, gm_world_change *change, gm_error *error)
{
    const gm_config *at = gm_config_get(config, "at"), *lasts = gm_config_get(config, "for"),
                    *every = gm_config_get(config, "every");
    gm_status status = GM_OK;
    if (at != NULL) {
        status = gm_config_duration(at, &change->at_ns, error);
    }
    if (status == GM_OK && at != NULL && change->at_ns < 0) {
        status = gm_error_at(error, GM_INVALID, at->place,
                             "at: '%.40s' is before the scenario starts", at->text);
    }
    if (status == GM_OK && lasts != NULL) {
        status = gm_world_read_span(lasts, &change->for_ns, error);
    }
    if (status == GM_OK && lasts != NULL && change->for_ns < change->over_ns) {
        status = gm_error_at(error, GM_INVALID, lasts->place,
                             "for: '%.40s' is shorter than the ramp", lasts->text);
    }
    if (status == GM_OK && every != NULL) {
        status = gm_world_read_span(every, &change->every_ns, error);
    }
    if (status == GM_OK && every != NULL && lasts == NULL) {
        status = gm_config_need(config, "for", &lasts, error);
    }
    if (status == GM_OK && every != NULL && change->every_ns <= change->for_ns) {
        status = gm_error_at(error, GM_INVALID, every->place,
                             "every: '%.40s' is not longer than `for`", every->text);
    }
    int64_t longest = change->for_ns > change->over_ns ? change->for_ns : change->over_ns;
    if (status == GM_OK && change->at_ns > INT64_MAX / 4 - longest / 4) {
        status = gm_error_at(error, GM_LIMIT, config->place, "it ends after too long a time");
    }
    return status;
}

static gm_status read_change(const gm_config *config, const gm_field *field,
                             gm_world_change *change, gm_error *error)
{
    *change = (gm_world_change){ .place = config->place, .driver = GM_NO_INDEX };
    if (config->kind == GM_CONFIG_SCALAR) {
        change->kind = GM_CHANGE_SET;
        return read_level(config, field, &change->value, error);
    }
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, "a value or a map with `at`", error);
    if (status == GM_OK) {
        status = gm_config_only(config, change_keys, error);
    }
    if (status == GM_OK) {
        status = read_kind(config, field, change, error);
    }
    return status == GM_OK ? read_when(config, change, error) : status;
}

static bool is_linked(const gm_world *world, gm_ref ref)
{
    for (size_t index = 0; index < world->link_count; index++) {
        if (gm_world_compare_refs(&world->links[index].to, &ref) == 0) {
            return true;
        }
    }
    return false;
}

static gm_status add_change(const gm_world *world, const gm_config *config, gm_ref ref,
                            change_list *list, gm_error *error)
{
    if (list->count == GM_WORLD_CHANGES_MAX) {
        return gm_error_at(error, GM_LIMIT, config->place, "more than %d changes",
                           GM_WORLD_CHANGES_MAX);
    }
    gm_world_change *grown =
        gm_memory_grow(list->items, &list->capacity, list->count + 1, sizeof *grown);
    if (grown == NULL) {
        return gm_world_no_memory(error);
    }
    list->items = grown;
    gm_world_change *change = &list->items[list->count];
    gm_status status = read_change(config, gm_world_field(world, ref), change, error);
    if (status == GM_OK) {
        change->ref = ref;
        change->driver = gm_world_find_driver(world, ref);
        change->linked = is_linked(world, ref);
        list->count++;
    }
    return status;
}

// One entry of `set`: a pattern and one change, or a list of them.
static gm_status read_entry(const gm_world *world, const gm_config *config, change_list *list,
                            gm_error *error)
{
    gm_ref *refs = NULL;
    size_t count = 0, before = list->count;
    gm_status status = gm_world_find(world, config->key, config->key_place, &refs, &count, error);
    bool many = config->kind == GM_CONFIG_LIST;
    if (status == GM_OK && many && config->count == 0) {
        status = gm_error_at(error, GM_INVALID, config->place, "expected a change, got none");
    }
    for (size_t at = 0; at < count && status == GM_OK; at++) {
        if (gm_world_role(world, refs[at]) == GM_OUTPUT) {
            if (!gm_world_is_pattern(config->key)) {
                status = gm_world_wrong_role(world, refs[at], config->key_place,
                                             "a parameter, input or state", error);
            }
            continue;
        }
        for (size_t index = 0; index < (many ? config->count : 1) && status == GM_OK; index++) {
            const gm_config *one = many ? &config->children[index] : config;
            status = add_change(world, one, refs[at], list, error);
        }
    }
    gm_memory_free(refs);
    if (status == GM_OK && list->count == before) {
        status = gm_error_at(error, GM_INVALID, config->key_place,
                             "'%.80s' matches nothing that can be set", config->key);
    }
    return status;
}

typedef struct change_key {
    int64_t at_ns;
    size_t index;
} change_key;

static int compare_changes(const void *a, const void *b)
{
    const change_key *one = a, *other = b;
    if (one->at_ns != other->at_ns) {
        return one->at_ns < other->at_ns ? -1 : 1;
    }
    return (one->index > other->index) - (one->index < other->index);
}

// The changes by time, those of the same time in the order of the file, in the arena.
static gm_status keep_changes(const change_list *list, gm_arena *arena, gm_scenario *scenario,
                              gm_error *error)
{
    if (list->count == 0) {
        return GM_OK;
    }
    change_key *keys = gm_memory_new(list->count, sizeof *keys);
    gm_world_change *kept = gm_arena_new(arena, list->count, sizeof *kept);
    if (keys == NULL || kept == NULL) {
        gm_memory_free(keys);
        return gm_world_no_memory(error);
    }
    for (size_t index = 0; index < list->count; index++) {
        keys[index] = (change_key){ list->items[index].at_ns, index };
    }
    qsort(keys, list->count, sizeof *keys, compare_changes);
    for (size_t index = 0; index < list->count; index++) {
        kept[index] = list->items[keys[index].index];
    }
    gm_memory_free(keys);
    scenario->changes = kept;
    scenario->change_count = list->count;
    return GM_OK;
}

static gm_status read_set(const gm_world *world, const gm_config *config, gm_arena *arena,
                          gm_scenario *scenario, gm_error *error)
{
    change_list list = { 0 };
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, "a map of addresses", error);
    for (size_t index = 0; status == GM_OK && index < config->count; index++) {
        status = read_entry(world, &config->children[index], &list, error);
    }
    for (size_t index = 0; status == GM_OK && index < list.count; index++) {
        if (scenario->horizon_ns > 0 && list.items[index].at_ns > scenario->horizon_ns) {
            status = gm_error_at(error, GM_INVALID, list.items[index].place,
                                 "it happens after the scenario's end (`for`)");
        }
    }
    if (status == GM_OK) {
        status = keep_changes(&list, arena, scenario, error);
    }
    gm_memory_free(list.items);
    return status;
}

// On failure nothing is left to close.
static gm_status read_scenario(const gm_world *world, const gm_config *config, gm_arena *arena,
                               gm_scenario *scenario, gm_error *error)
{
    gm_scenario made = { .name = config->key != NULL ? config->key : "", .about = "" };
    const gm_config *set = gm_config_get(config, "set"), *lasts = gm_config_get(config, "for"),
                    *about = gm_config_get(config, "about"),
                    *structure = gm_config_get(config, "structure");
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, "a map with `set` and `for`", error);
    if (status == GM_OK) {
        status = gm_config_only(config, scenario_keys, error);
    }
    if (status == GM_OK && about != NULL) {
        status = gm_config_text(about, &made.about, error);
    }
    if (status == GM_OK && lasts != NULL) {
        status = gm_world_read_span(lasts, &made.horizon_ns, error);
    }
    if (status == GM_OK && structure != NULL) {
        status = gm_variant_read(world, structure, &made.variant, error);
    }
    if (status == GM_OK && set != NULL) {
        status = read_set(gm_scenario_world(world, &made), set, arena, &made, error);
    }
    if (status != GM_OK) {
        gm_world_close(made.variant);
        return status;
    }
    *scenario = made;
    return GM_OK;
}

gm_status gm_scenario_build(const gm_world *world, const gm_config *config, gm_arena *arena,
                            gm_scenario *scenario, gm_error *error)
{
    const gm_config *structure = gm_config_get(config, "structure");
    return structure != NULL ? gm_error_at(error, GM_UNSUPPORTED, structure->key_place,
                                           "`structure` is not offered here")
                             : read_scenario(world, config, arena, scenario, error);
}

gm_status gm_world_read_scenarios(gm_world_reader *reader, const gm_config *config, gm_error *error)
{
    gm_world *world = reader->world;
    if (config == NULL) {
        return GM_OK;
    }
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, "a map of scenarios", error);
    if (status == GM_OK && config->count > GM_WORLD_SCENARIOS_MAX) {
        status = gm_error_at(error, GM_LIMIT, config->place, "more than %d scenarios",
                             GM_WORLD_SCENARIOS_MAX);
    }
    if (status != GM_OK) {
        return status;
    }
    world->scenarios = gm_memory_new(config->count, sizeof *world->scenarios);
    if (world->scenarios == NULL) {
        return gm_world_no_memory(error);
    }
    for (size_t index = 0; index < config->count && status == GM_OK; index++) {
        const gm_config *child = &config->children[index], *needed = NULL;
        status = gm_world_check_name(child, "scenario", error);
        if (status == GM_OK) {
            status = gm_config_is(child, GM_CONFIG_MAP, "a map with `set` and `for`", error);
        }
        if (status == GM_OK) {
            status = gm_config_need(child, "for", &needed, error);
        }
        if (status == GM_OK) {
            status = read_scenario(world, child, world->arena, &world->scenarios[index], error);
        }
        world->scenario_count += status == GM_OK;
    }
    return status;
}

gm_status gm_scenario_read(const gm_world *world, const char *bytes, size_t size,
                           gm_scenario **scenario, gm_error *error)
{
    gm_arena *arena = gm_arena_create(0);
    gm_scenario *made = arena != NULL ? gm_arena_new(arena, 1, sizeof *made) : NULL;
    if (made == NULL) {
        gm_arena_close(arena);
        return gm_world_no_memory(error);
    }
    gm_yaml_options options = { .units = world->units, .arena = arena };
    const gm_config *tree = NULL;
    gm_status status = gm_yaml_read(bytes, size, &options, &tree, error);
    if (status == GM_OK) {
        status = read_scenario(world, tree, arena, made, error);
    }
    if (status != GM_OK) {
        gm_arena_close(arena);
        return status;
    }
    made->arena = arena;
    *scenario = made;
    return GM_OK;
}

void gm_scenario_close(gm_scenario *scenario)
{
    if (scenario != NULL) {
        gm_world_close(scenario->variant);
        gm_arena_close(scenario->arena); // it lives in there itself
    }
}
