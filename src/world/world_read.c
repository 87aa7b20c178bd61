// Reads a world: text -> tree -> tables written out -> one reader per key. docs/world-file.md is
// the reference.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "world/fleet.h"
#include "world/world_reader.h"
#include "world/yaml.h"

enum { LANES_DEFAULT = 64, SEED_DEFAULT = 1, LATENESS_CYCLES = 10 };
enum { VARIANT_KEYS = 6 }; // of key_readers: what moves a world, and what a run of it writes

static const char *const world_keys[] = {
    "world",       "about",    "cycle",  "lanes",     "seed",    "zone",    "start",    "lateness",
    "late budget", "systems",  "links",  "profiles",  "drivers", "sensors", "estimate", "detect",
    "record",      "forecast", "replay", "scenarios", "devices", NULL
};

typedef gm_status key_reader(gm_world_reader *reader, const gm_config *config, gm_error *error);

// In the order in which one needs the other.
static const struct {
    const char *key;
    key_reader *read;
} key_readers[] = {
    { "systems", gm_world_read_systems },   { "links", gm_world_read_links },
    { "profiles", gm_world_read_profiles }, { "sensors", gm_world_read_sensors },
    { "drivers", gm_world_read_drivers },   { "record", gm_world_read_record },
    { "estimate", gm_world_read_estimate }, { "forecast", gm_world_read_forecast },
    { "replay", gm_world_read_replay },     { "scenarios", gm_world_read_scenarios },
};

gm_status gm_world_read_span(const gm_config *config, int64_t *span_ns, gm_error *error)
{
    int64_t span = 0;
    gm_status status = gm_config_duration(config, &span, error);
    if (status == GM_OK && span <= 0) {
        status = gm_error_at(
            error, GM_INVALID, config->place, "%s%sexpected a duration above zero, got '%.40s'",
            config->key != NULL ? config->key : "", config->key != NULL ? ": " : "", config->text);
    }
    if (status == GM_OK) {
        *span_ns = span;
    }
    return status;
}

gm_status gm_world_check_name(const gm_config *named, const char *what, gm_error *error)
{
    size_t size = strlen(named->key);
    bool plain = size > 0 && size < GM_NAME_MAX;
    for (const char *at = named->key; plain && *at != '\0'; at++) {
        plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                (*at >= '0' && *at <= '9') || strchr("_-.:", *at) != NULL || (*at & 0x80) != 0;
    }
    if (!plain) {
        return gm_error_at(error, GM_INVALID, named->key_place,
                           "'%.80s' cannot name a %s: expected 1 to %d letters, digits and _-.:",
                           named->key, what, GM_NAME_MAX - 1);
    }
    return GM_OK;
}

int gm_world_compare_refs(const void *a, const void *b)
{
    const gm_ref *one = a, *other = b;
    const uint32_t left[] = { one->system, one->class_number, one->field, one->element };
    const uint32_t right[] = { other->system, other->class_number, other->field, other->element };
    for (size_t part = 0; part < sizeof left / sizeof *left; part++) {
        if (left[part] != right[part]) {
            return left[part] < right[part] ? -1 : 1;
        }
    }
    return 0;
}

gm_status gm_world_wrong_role(const gm_world *world, gm_ref ref, gm_place place,
                              const char *expected, gm_error *error)
{
    char address[4 * GM_NAME_MAX];
    gm_world_address(world, ref, address, sizeof address);
    return gm_error_at(error, GM_INVALID, place, "'%.200s' is of role %s, expected %s", address,
                       gm_role_name(gm_world_role(world, ref)), expected);
}

bool gm_world_is_pattern(const char *address)
{
    return strchr(address, '*') != NULL;
}

// ---- the plain keys ----

static gm_status read_times(gm_world *world, gm_error *error)
{
    world->cycle_ns = GM_SECOND_NS;
    const gm_config *cycle = gm_config_get(world->root, "cycle");
    gm_status status = cycle != NULL ? gm_world_read_span(cycle, &world->cycle_ns, error) : GM_OK;
    bool fits = world->cycle_ns <= INT64_MAX / LATENESS_CYCLES;
    world->lateness_ns = fits ? world->cycle_ns * LATENESS_CYCLES : INT64_MAX;
    const gm_config *lateness = gm_config_get(world->root, "lateness");
    if (status == GM_OK && lateness != NULL) {
        status = gm_config_duration(lateness, &world->lateness_ns, error);
        if (status == GM_OK && world->lateness_ns < 0) {
            status = gm_error_at(error, GM_INVALID, lateness->place,
                                 "lateness: expected a duration, got '%.40s'", lateness->text);
        }
    }
    const gm_config *start = gm_config_get(world->root, "start");
    const char *text = NULL;
    if (status == GM_OK && start != NULL) {
        status = gm_config_text(start, &text, error);
    }
    if (status == GM_OK && start != NULL && !gm_time_parse(gm_text_of(text), &world->start_ns)) {
        status =
            gm_error_at(error, GM_INVALID, start->place,
                        "start: expected a time such as 2026-01-31T12:00:00Z, got '%.40s'", text);
    }
    return status;
}

// `late budget: 30 %`
static gm_status read_budget(gm_world *world, gm_error *error)
{
    const gm_config *budget = gm_config_get(world->root, "late budget");
    if (budget == NULL) {
        return GM_OK;
    }
    const gm_quantity share = { .unit = "1", .min = -INFINITY, .max = INFINITY };
    gm_status status = gm_config_number(budget, share, &world->late_budget, error);
    if (status == GM_OK && !(world->late_budget > 0.0 && world->late_budget <= 1.0)) {
        status = gm_error_at(error, GM_INVALID, budget->place,
                             "late budget: expected a share of the time such as 30 %%, above zero "
                             "and at most 100 %%, got '%.40s'",
                             budget->text);
    }
    return status;
}

static gm_status read_plain(gm_world *world, gm_error *error)
{
    const gm_config *name = NULL, *about = gm_config_get(world->root, "about"),
                    *lanes = gm_config_get(world->root, "lanes"),
                    *seed = gm_config_get(world->root, "seed"),
                    *zone = gm_config_get(world->root, "zone");
    world->about = "";
    world->zone_name = "UTC";
    int64_t lane_count = LANES_DEFAULT, seed_value = SEED_DEFAULT;
    gm_status status = gm_config_need(world->root, "world", &name, error);
    if (status == GM_OK) {
        status = gm_config_text(name, &world->name, error);
    }
    if (status == GM_OK && strlen(world->name) >= GM_NAME_MAX) {
        status = gm_error_at(error, GM_LIMIT, name->place, "a name of more than %d bytes",
                             GM_NAME_MAX - 1);
    }
    if (status == GM_OK && about != NULL) {
        status = gm_config_text(about, &world->about, error);
    }
    if (status == GM_OK && lanes != NULL) {
        status = gm_config_integer(lanes, 1, GM_LANES_MAX, &lane_count, error);
    }
    if (status == GM_OK && seed != NULL) {
        status = gm_config_integer(seed, 0, INT64_MAX, &seed_value, error);
    }
    if (status == GM_OK && zone != NULL) {
        status = gm_config_text(zone, &world->zone_name, error);
    }
    world->lanes = (size_t)lane_count;
    world->seed = (uint64_t)seed_value;
    if (status == GM_OK) {
        status = read_times(world, error);
    }
    return status == GM_OK ? read_budget(world, error) : status;
}

// A zone nobody uses is refused all the same.
static gm_status check_zone(const gm_world *world, const gm_files *files, gm_error *error)
{
    const gm_config *zone = gm_config_get(world->root, "zone");
    if (zone == NULL || strcmp(world->zone_name, "UTC") == 0 || files->read == NULL) {
        return GM_OK;
    }
    void *bytes = NULL;
    size_t size = 0;
    gm_error why = { 0 };
    gm_status status =
        files->read(files->context, GM_FILE_ZONE, world->zone_name, &bytes, &size, &why);
    gm_memory_free(bytes);
    return status == GM_OK ? GM_OK : gm_error_at(error, status, zone->place, "%s", why.text);
}

gm_status gm_world_read_keys(gm_world_reader *reader, gm_error *error)
{
    gm_world *world = reader->world;
    gm_status status =
        gm_config_is(world->root, GM_CONFIG_MAP, "a map with `world` and `systems`", error);
    if (status == GM_OK) {
        status = gm_config_only(world->root, world_keys, error);
    }
    if (status == GM_OK) {
        status = read_plain(world, error);
    }
    if (status == GM_OK) {
        status = check_zone(world, &reader->options->files, error);
    }
    size_t count = reader->lenient ? VARIANT_KEYS : sizeof key_readers / sizeof *key_readers;
    for (size_t at = 0; at < count && status == GM_OK; at++) {
        status =
            key_readers[at].read(reader, gm_config_get(world->root, key_readers[at].key), error);
    }
    world->detect = gm_config_get(world->root, "detect");
    world->devices = gm_config_get(world->root, "devices");
    return status;
}

// The whole tree: of a world file, or of the world that a native file is by itself.
static gm_status read_tree(gm_world_reader *reader, gm_text bytes, gm_error *error)
{
    gm_world *world = reader->world;
    const gm_domain *native = gm_native_domain(reader->options, world->file);
    if (native != NULL) {
        return gm_native_tree(world, native, bytes, &world->root, error);
    }
    gm_yaml_options yaml = { .units = world->units, .arena = world->arena };
    yaml.file = world->file[0] != '\0' ? world->file : NULL;
    const gm_config *tree = NULL;
    gm_status status = gm_yaml_read(bytes.data, bytes.size, &yaml, &tree, error);
    return status == GM_OK
               ? gm_fleet_expand(tree, &reader->options->files, world->arena, &world->root, error)
               : status;
}

gm_status gm_world_begin(const char *file, const gm_world_options *options, gm_world **world,
                         gm_error *error)
{
    gm_arena *arena = gm_arena_create(0);
    gm_world *made = arena != NULL ? gm_memory_new(1, sizeof *made) : NULL;
    if (made == NULL) {
        gm_arena_close(arena);
        return gm_world_no_memory(error);
    }
    const gm_domain **domains = gm_arena_new(arena, options->domain_count, sizeof *domains);
    made->arena = arena;
    made->units = options->units;
    made->inflation = NAN;
    made->file = file != NULL ? gm_arena_text(arena, file, strlen(file)) : "";
    if (made->file == NULL || domains == NULL) {
        gm_world_close(made);
        return gm_world_no_memory(error);
    }
    memcpy(domains, options->domains, options->domain_count * sizeof *domains);
    made->domains = domains;
    made->domain_count = options->domain_count;
    *world = made;
    return GM_OK;
}

gm_status gm_world_read(const char *file, const char *bytes, size_t size,
                        const gm_world_options *options, gm_world **world, gm_error *error)
{
    gm_world *made = NULL;
    gm_status status = gm_world_begin(file, options, &made, error);
    if (status != GM_OK) {
        return status;
    }
    gm_world_reader reader = { .world = made, .options = options };
    status = read_tree(&reader, (gm_text){ bytes, size }, error);
    gm_keeping keeping = { made, &options->files };
    gm_world_options keeps = *options;
    keeps.files = gm_keeping_files(&keeping);
    reader.options = &keeps;
    if (status == GM_OK) {
        status = gm_world_read_keys(&reader, error);
    }
    if (status != GM_OK) {
        gm_world_close(made);
        return status;
    }
    *world = made;
    return GM_OK;
}

void gm_world_close(gm_world *world)
{
    if (world == NULL) {
        return;
    }
    for (size_t index = 0; index < world->scenario_count; index++) {
        gm_world_close(world->scenarios[index].variant);
    }
    for (size_t index = 0; index < world->system_count; index++) {
        gm_model_close(world->systems[index].model);
    }
    for (size_t index = 0; index < world->profile_count; index++) {
        gm_profile_close(world->profiles[index]);
    }
    void *const arrays[] = { world->systems,       world->models,
                             world->order,         world->links,
                             world->sensors,       world->sensor_order,
                             world->drivers,       world->past_drivers,
                             world->ahead_drivers, world->profiles,
                             world->estimates,     world->records,
                             world->forecast.refs, world->forecast.leads_ns,
                             world->scenarios,     world->system_order,
                             world->warnings,      world->kept };
    for (size_t index = 0; index < sizeof arrays / sizeof *arrays; index++) {
        gm_memory_free(arrays[index]);
    }
    gm_units_close(world->own_units);
    gm_arena_close(world->arena);
    gm_memory_free(world);
}

// ---- asking ----

const char *gm_world_name(const gm_world *world)
{
    return world->name;
}

size_t gm_world_lanes(const gm_world *world)
{
    return world->lanes;
}

int64_t gm_world_cycle_ns(const gm_world *world)
{
    return world->cycle_ns;
}

const gm_scenario *gm_world_find_scenario(const gm_world *world, const char *name)
{
    for (size_t index = 0; index < world->scenario_count; index++) {
        if (strcmp(world->scenarios[index].name, name) == 0) {
            return &world->scenarios[index];
        }
    }
    return NULL;
}

gm_status gm_world_layout(const gm_world *world, size_t lanes, const gm_section *sections,
                          size_t section_count, gm_layout **layout, gm_error *error)
{
    if (section_count > GM_SECTIONS_MAX - GM_WORLD_SECTIONS) {
        return gm_error_set(error, GM_LIMIT, "more than %d sections", GM_SECTIONS_MAX);
    }
    lanes = lanes > 0 ? lanes : world->lanes;
    if (lanes > GM_LANES_MAX) {
        return gm_error_set(error, GM_LIMIT, "more than %d lanes", GM_LANES_MAX);
    }
    gm_section all[GM_SECTIONS_MAX];
    size_t slots = world->stochastic_count > 0 ? world->stochastic_count * lanes : 1;
    all[GM_WORLD_DRIVER_SECTION] =
        (gm_section){ .name = "drivers", .size = slots * sizeof(double), .schema = 1 };
    size_t unknown = world->unknown_count > 0 ? 2 * world->unknown_count * lanes : 1;
    all[GM_WORLD_UNKNOWN_SECTION] =
        (gm_section){ .name = "unknown inputs", .size = unknown * sizeof(double), .schema = 1 };
    for (size_t index = 0; index < section_count; index++) {
        all[GM_WORLD_SECTIONS + index] = sections[index];
    }
    gm_layout_options options = { .seed = world->seed,
                                  .sections = all,
                                  .section_count = GM_WORLD_SECTIONS + section_count };
    return gm_layout_create((const gm_model *const *)world->models, world->system_count, lanes,
                            &options, layout, error);
}
