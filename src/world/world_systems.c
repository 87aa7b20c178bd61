// `systems:` -> models, one a system, built by their domains.
#include <stdlib.h>
#include <string.h>

#include "world/world_reader.h"

// The system's map as the domain sees it: without `model`, which is the engine's key, and with the
// native file it names.
static gm_status domain_config(gm_world_reader *reader, const gm_config *config,
                               const gm_domain *domain, const gm_config **stripped, gm_error *error)
{
    gm_arena *arena = reader->world->arena;
    gm_config *copy = gm_arena_new(arena, 1, sizeof *copy);
    gm_config *children = gm_arena_new(arena, config->count, sizeof *children);
    if (copy == NULL || children == NULL) {
        return gm_world_no_memory(error);
    }
    *copy = *config;
    copy->children = children;
    copy->count = 0;
    gm_status status = GM_OK;
    for (size_t index = 0; index < config->count && status == GM_OK; index++) {
        const gm_config *child = &config->children[index];
        if (strcmp(child->key, "model") == 0) {
            continue;
        }
        gm_config *to = &children[copy->count++];
        *to = *child;
        bool named = domain->file_key != NULL && strcmp(child->key, domain->file_key) == 0;
        if (named && child->kind != GM_CONFIG_FILE) {
            status = gm_native_load(reader, child, to, error);
        }
    }
    *stripped = copy;
    return status;
}

static gm_status read_system(gm_world_reader *reader, const gm_config *config, gm_error *error)
{
    gm_world *world = reader->world;
    const gm_config *model = NULL, *rest = NULL;
    gm_status status = gm_world_check_name(config, "system", error);
    if (status == GM_OK) {
        status = gm_config_is(config, GM_CONFIG_MAP, "a map with `model`", error);
    }
    if (status == GM_OK) {
        status = gm_config_need(config, "model", &model, error);
    }
    const char *name = NULL;
    if (status == GM_OK) {
        status = gm_config_text(model, &name, error);
    }
    gm_world_system system = { .name = config->key, .place = config->key_place };
    gm_error why = { 0 };
    if (status == GM_OK && gm_domain_find(reader->options->domains, reader->options->domain_count,
                                          name, &system.domain, &why) != GM_OK) {
        status = gm_error_at(error, why.status, model->place, "%s", why.text);
    }
    if (status == GM_OK) {
        status = domain_config(reader, config, system.domain, &rest, error);
    }
    if (status == GM_OK) {
        status = gm_model_build(system.domain, config->key, rest, &system.model, error);
    }
    if (status == GM_OK) {
        size_t at = world->system_count++;
        world->systems[at] = system;
        world->models[at] = system.model;
    }
    size_t warnings = status == GM_OK ? gm_model_warning_count(system.model) : 0;
    for (size_t index = 0; index < warnings && status == GM_OK; index++) {
        status = gm_world_warn(world, gm_model_warning_at(system.model, index), error);
    }
    return status;
}

typedef struct named_index {
    const char *name;
    size_t index;
} named_index;

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const named_index *)a)->name, ((const named_index *)b)->name);
}

static gm_status sort_systems(gm_world *world, gm_error *error)
{
    named_index *sorted = gm_memory_new(world->system_count, sizeof *sorted);
    if (sorted == NULL) {
        return gm_world_no_memory(error);
    }
    for (size_t index = 0; index < world->system_count; index++) {
        sorted[index] = (named_index){ world->systems[index].name, index };
    }
    qsort(sorted, world->system_count, sizeof *sorted, compare_names);
    for (size_t index = 0; index < world->system_count; index++) {
        world->system_order[index] = sorted[index].index;
    }
    gm_memory_free(sorted);
    return GM_OK;
}

gm_status gm_world_read_systems(gm_world_reader *reader, const gm_config *config, gm_error *error)
{
    gm_world *world = reader->world;
    gm_status status = GM_OK;
    if (config == NULL) {
        return gm_config_need(world->root, "systems", &config, error);
    }
    status = gm_config_is(config, GM_CONFIG_MAP, "a map of systems", error);
    if (status != GM_OK) {
        return status;
    }
    if (config->count == 0 || config->count > GM_SYSTEMS_MAX) {
        return gm_error_at(error, config->count == 0 ? GM_INVALID : GM_LIMIT, config->place,
                           "systems: expected 1 to %d systems, got %zu", GM_SYSTEMS_MAX,
                           config->count);
    }
    world->systems = gm_memory_new(config->count, sizeof *world->systems);
    world->models = gm_memory_new(config->count, sizeof *world->models);
    world->order = gm_memory_new(config->count, sizeof *world->order);
    world->system_order = gm_memory_new(config->count, sizeof *world->system_order);
    if (world->systems == NULL || world->models == NULL || world->order == NULL ||
        world->system_order == NULL) {
        return gm_world_no_memory(error);
    }
    for (size_t index = 0; index < config->count && status == GM_OK; index++) {
        status = read_system(reader, &config->children[index], error);
    }
    return status == GM_OK ? sort_systems(world, error) : status;
}

size_t gm_world_find_system(const gm_world *world, const char *name)
{
    size_t low = 0, high = world->system_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2, index = world->system_order[middle];
        int order = strcmp(name, world->systems[index].name);
        if (order == 0) {
            return index;
        }
        high = order < 0 ? middle : high;
        low = order < 0 ? low : middle + 1;
    }
    return GM_NO_INDEX;
}
