// `estimate: {filter, inflation, noise}` -> how each group is assimilated, and what looks after
// itself.
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "world/world_reader.h"

static const char *const kind_names[] = { [GM_FILTER_AUTO] = "auto",
                                          [GM_FILTER_SERIAL] = "serial",
                                          [GM_FILTER_TRANSFORM] = "transform",
                                          [GM_FILTER_STOCHASTIC] = "stochastic",
                                          [GM_FILTER_LOCAL] = "local",
                                          [GM_FILTER_PARTICLES] = "particles",
                                          [GM_FILTER_KINDS] = NULL };
static const double radius_most = 1e9; // m, or joins

const char *gm_filter_name(gm_filter_kind kind)
{
    return kind_names[kind];
}

gm_world_filter gm_default_world_filter(void)
{
    return (gm_world_filter){ .kind = GM_FILTER_AUTO, .jitter = 1.0, .discount = 0.98 };
}

/// An option of one kind of filter.
typedef struct option {
    const char *key;
    gm_filter_kind kind;
    gm_quantity quantity;
    size_t at; // of a double in gm_world_filter
} option;

static const option options[] = {
    { "radius",
      GM_FILTER_LOCAL,
      { .unit = "m", .min = 1e-3, .max = radius_most },
      offsetof(gm_world_filter, radius_m) },
    { "hops",
      GM_FILTER_LOCAL,
      { .unit = "1", .min = 0.1, .max = radius_most },
      offsetof(gm_world_filter, radius_hops) },
    { "jitter",
      GM_FILTER_PARTICLES,
      { .unit = "1", .min = 0.0, .max = 10.0 },
      offsetof(gm_world_filter, jitter) },
    { "discount",
      GM_FILTER_PARTICLES,
      { .unit = "1", .min = 0.5, .max = 1.0 },
      offsetof(gm_world_filter, discount) },
};

static const char *const option_keys[] = { "kind", "radius", "hops", "jitter", "discount", NULL };

/// "local", or a map with `kind` and the options of that kind.
static gm_status read_filter(const gm_config *config, gm_world_filter *filter, gm_error *error)
{
    bool plain = config->kind != GM_CONFIG_MAP;
    const gm_config *kind = config;
    size_t choice = 0;
    gm_status status = plain ? GM_OK : gm_config_only(config, option_keys, error);
    if (status == GM_OK && !plain) {
        status = gm_config_need(config, "kind", &kind, error);
    }
    if (status == GM_OK) {
        status = gm_config_choice(kind, kind_names, &choice, error);
    }
    gm_world_filter read = gm_default_world_filter();
    read.kind = (gm_filter_kind)choice;
    for (size_t index = 0; status == GM_OK && index < sizeof options / sizeof *options; index++) {
        const gm_config *given = plain ? NULL : gm_config_get(config, options[index].key);
        if (given == NULL) {
            continue;
        }
        if (options[index].kind != read.kind) {
            return gm_error_at(error, GM_INVALID, given->key_place,
                               "%s: an option of the %s filter, not of '%s'", options[index].key,
                               kind_names[options[index].kind], kind_names[read.kind]);
        }
        double value = 0.0;
        status = gm_config_number(given, options[index].quantity, &value, error);
        memcpy((char *)&read + options[index].at, &value, sizeof value);
    }
    if (status == GM_OK && read.radius_m > 0.0 && read.radius_hops > 0.0) {
        status = gm_error_at(error, GM_INVALID, gm_config_get(config, "hops")->key_place,
                             "hops: the radius is given in metres already");
    }
    if (status == GM_OK) {
        *filter = read;
    }
    return status;
}

static bool is_same(const gm_world_filter *a, const gm_world_filter *b)
{
    return a->kind == b->kind && a->radius_m == b->radius_m && a->radius_hops == b->radius_hops &&
           a->jitter == b->jitter && a->discount == b->discount;
}

/// One filter of a system's group; another of the same group has to be the same.
/// @param named  in out, [group_count]: the system that the group's filter was given for, NULL:
/// none
static gm_status read_system(gm_world *world, const gm_config *config, const char **named,
                             gm_error *error)
{
    size_t system = gm_world_find_system(world, config->key);
    if (system == GM_NO_INDEX) {
        const char *names[GM_SYSTEMS_MAX];
        for (size_t index = 0; index < world->system_count; index++) {
            names[index] = world->systems[index].name;
        }
        const char *nearest = gm_text_nearest(config->key, names, world->system_count);
        return gm_error_at(error, GM_NOT_FOUND, config->key_place,
                           "filter: there is no system '%.80s'%s%.80s%s", config->key,
                           nearest != NULL ? ", did you mean '" : "",
                           nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
    }
    size_t group = world->systems[system].group;
    gm_world_filter filter = gm_default_world_filter();
    gm_status status = read_filter(config, &filter, error);
    if (status == GM_OK && named[group] != NULL && !is_same(&filter, &world->filters[group])) {
        status = gm_error_at(error, GM_INVALID, config->place,
                             "filter: '%.80s' and '%.80s' are joined by links and share one filter",
                             named[group], config->key);
    }
    if (status == GM_OK) {
        named[group] = config->key;
        world->filters[group] = filter;
    }
    return status;
}

static gm_status read_filters(gm_world *world, const gm_config *config, gm_error *error)
{
    world->filters = gm_arena_new(world->arena, world->group_count, sizeof *world->filters);
    const char **named = gm_arena_new(world->arena, world->group_count, sizeof *named);
    if (world->filters == NULL || named == NULL) {
        return gm_world_no_memory(error);
    }
    gm_world_filter all = gm_default_world_filter();
    bool each = config->kind == GM_CONFIG_MAP && gm_config_get(config, "kind") == NULL;
    gm_status status = each ? GM_OK : read_filter(config, &all, error);
    for (size_t group = 0; group < world->group_count; group++) {
        world->filters[group] = all;
        named[group] = NULL;
    }
    for (size_t index = 0; each && status == GM_OK && index < config->count; index++) {
        status = read_system(world, &config->children[index], named, error);
    }
    return status;
}

gm_status gm_world_read_filters(gm_world_reader *reader, const gm_config *estimate, gm_error *error)
{
    gm_world *world = reader->world;
    const gm_config *filter = gm_config_get(estimate, "filter"),
                    *inflation = gm_config_get(estimate, "inflation"),
                    *noise = gm_config_get(estimate, "noise");
    gm_status status = GM_OK;
    if (filter != NULL) {
        status = read_filters(world, filter, error);
    }
    if (status == GM_OK && inflation != NULL) {
        world->inflation_adapts =
            inflation->kind == GM_CONFIG_SCALAR && strcmp(inflation->text, "adaptive") == 0;
        const gm_quantity factor = { .unit = "1", .min = 1.0, .max = 10.0 };
        status = world->inflation_adapts
                     ? GM_OK
                     : gm_config_number(inflation, factor, &world->inflation, error);
    }
    if (status == GM_OK && noise != NULL) {
        static const char *const words[] = { "declared", "learned", NULL };
        size_t choice = 0;
        status = gm_config_choice(noise, words, &choice, error);
        world->noise_learned = choice == 1;
    }
    return status;
}
