// `links:` -> what feeds which input; the order of systems; groups.
//
// Order: topological over undelayed links, the system that comes first in the file first (A. B.
// Kahn, Comm. ACM 5 (1962) 558-562). Groups: union and find over all links.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "world/world_reader.h"

enum { LOOP_SPELLED_MAX = 8 }; // links of a loop that an error spells out

static const char *const link_keys[] = { "from", "delayed", "scale", "offset", NULL };

static gm_status convert(gm_world_reader *reader, const gm_config *config, gm_world_link *link,
                         gm_error *error)
{
    const gm_world *world = reader->world;
    const char *from = gm_world_field(world, link->from)->unit;
    const char *to = gm_world_field(world, link->to)->unit;
    gm_conversion conversion = { 1.0, 0.0 };
    gm_error why = { 0 };
    gm_status status = GM_OK;
    if (strcmp(from, to) != 0) {
        status = world->units == NULL
                     ? gm_error_set(&why, GM_INVALID, "'%s' is not '%s'", from, to)
                     : gm_units_between(world->units, from, to, false, &conversion, &why);
    }
    if (status != GM_OK) {
        return gm_error_at(error, GM_INVALID, config->key_place, "a link between units: %s",
                           why.text);
    }
    double scale = 1.0, offset = 0.0;
    status =
        gm_config_child_number(config, "scale", (gm_quantity){ .unit = "1" }, 1.0, &scale, error);
    if (status == GM_OK) {
        gm_quantity difference = { .unit = to, .difference = true };
        status = gm_config_child_number(config, "offset", difference, 0.0, &offset, error);
    }
    link->factor = conversion.factor * scale;
    link->offset = conversion.offset * scale + offset;
    return status;
}

static gm_status read_link(gm_world_reader *reader, const gm_config *config, gm_world_link *link,
                           gm_error *error)
{
    gm_world *world = reader->world;
    *link = (gm_world_link){ .place = config->key_place };
    const gm_config *from = config;
    gm_status status = GM_OK;
    if (config->kind == GM_CONFIG_MAP) {
        status = gm_config_only(config, link_keys, error);
        if (status == GM_OK) {
            status = gm_config_need(config, "from", &from, error);
        }
        const gm_config *delayed = gm_config_get(config, "delayed");
        if (status == GM_OK && delayed != NULL) {
            status = gm_config_flag(delayed, &link->delayed, error);
        }
    }
    const char *address = NULL;
    if (status == GM_OK) {
        status = gm_config_text(from, &address, error);
    }
    if (status == GM_OK) {
        status = gm_world_find_one(world, config->key, config->key_place, &link->to, error);
    }
    if (status == GM_OK) {
        status = gm_world_find_one(world, address, from->place, &link->from, error);
    }
    if (status == GM_OK && gm_world_role(world, link->to) != GM_INPUT) {
        status = gm_world_wrong_role(world, link->to, config->key_place, "an input", error);
    }
    return status == GM_OK ? convert(reader, config, link, error) : status;
}

gm_status gm_world_read_links(gm_world_reader *reader, const gm_config *config, gm_error *error)
{
    gm_world *world = reader->world;
    if (config == NULL) {
        return gm_world_order(world, error);
    }
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, "a map of `to: from`", error);
    if (status == GM_OK && config->count > GM_WORLD_LINKS_MAX) {
        status =
            gm_error_at(error, GM_LIMIT, config->place, "more than %d links", GM_WORLD_LINKS_MAX);
    }
    if (status != GM_OK) {
        return status;
    }
    world->links = gm_memory_new(config->count, sizeof *world->links);
    if (world->links == NULL) {
        return gm_world_no_memory(error);
    }
    for (size_t index = 0; index < config->count && status == GM_OK; index++) {
        gm_error why = { 0 };
        status =
            read_link(reader, &config->children[index], &world->links[world->link_count], &why);
        world->link_count += status == GM_OK;
        status = gm_reader_forgive(reader, status, &why, error);
    }
    return status == GM_OK ? gm_world_order(world, error) : status;
}

// ---- groups ----

static uint32_t root_of(uint32_t *parents, uint32_t system)
{
    while (parents[system] != system) {
        parents[system] = parents[parents[system]];
        system = parents[system];
    }
    return system;
}

static void find_groups(gm_world *world, uint32_t *parents)
{
    for (uint32_t system = 0; system < world->system_count; system++) {
        parents[system] = system;
    }
    for (size_t index = 0; index < world->link_count; index++) {
        uint32_t one = root_of(parents, world->links[index].from.system);
        uint32_t other = root_of(parents, world->links[index].to.system);
        parents[one > other ? one : other] = one < other ? one : other; // the first one leads
    }
    world->group_count = 0;
    for (uint32_t system = 0; system < world->system_count; system++) {
        uint32_t root = root_of(parents, system);
        world->systems[system].group =
            root == system ? world->group_count++ : world->systems[root].group;
    }
}

// ---- order ----

// An undelayed link into `system` from a system that is not placed yet.
static const gm_world_link *waits_for(const gm_world *world, uint32_t system, const bool *placed)
{
    for (size_t index = 0; index < world->link_count; index++) {
        const gm_world_link *link = &world->links[index];
        if (!link->delayed && link->to.system == system && !placed[link->from.system]) {
            return link;
        }
    }
    return NULL;
}

// Walks back over links from any system that waits until one comes again: that is the loop.
static gm_status spell_loop(const gm_world *world, const bool *placed, uint32_t *visited,
                            gm_error *error)
{
    uint32_t system = 0, count = 0;
    while (placed[system]) {
        system++;
    }
    memset(visited, 0, world->system_count * sizeof *visited);
    while (visited[system] == 0) {
        visited[system] = ++count;
        system = waits_for(world, system, placed)->from.system;
    }
    gm_string text = { 0 };
    gm_place place = { 0 };
    uint32_t first = system, spelled = 0;
    do {
        const gm_world_link *link = waits_for(world, system, placed);
        char from[4 * GM_NAME_MAX], to[4 * GM_NAME_MAX];
        gm_world_address(world, link->from, from, sizeof from);
        gm_world_address(world, link->to, to, sizeof to);
        if (spelled++ < LOOP_SPELLED_MAX) {
            gm_string_format(&text, "%s%.150s <- %.150s", spelled > 1 ? ", " : "", to, from);
        }
        place = link->place.line > place.line ? link->place : place;
        system = link->from.system;
    } while (system != first);
    gm_status status =
        gm_error_at(error, GM_INVALID, place,
                    "the links form a loop: %.700s%s; mark one of them "
                    "`delayed: true`",
                    text.failed ? "" : text.data, spelled > LOOP_SPELLED_MAX ? ", ..." : "");
    gm_string_free(&text);
    return status;
}

static gm_status sort_systems(gm_world *world, bool *placed, uint32_t *waiting, gm_error *error)
{
    memset(waiting, 0, world->system_count * sizeof *waiting);
    for (size_t index = 0; index < world->link_count; index++) {
        waiting[world->links[index].to.system] += !world->links[index].delayed;
    }
    for (size_t at = 0; at < world->system_count; at++) {
        uint32_t next = 0;
        while (next < world->system_count && (placed[next] || waiting[next] > 0)) {
            next++;
        }
        if (next == world->system_count) {
            return spell_loop(world, placed, waiting, error);
        }
        placed[next] = true;
        world->order[at] = next;
        for (size_t index = 0; index < world->link_count; index++) {
            const gm_world_link *link = &world->links[index];
            waiting[link->to.system] -= !link->delayed && link->from.system == next;
        }
    }
    return GM_OK;
}

typedef struct link_key {
    bool delayed;
    uint32_t position;
    size_t index;
} link_key;

static int compare_links(const void *a, const void *b)
{
    const link_key *one = a, *other = b;
    if (one->delayed != other->delayed) {
        return one->delayed ? 1 : -1;
    }
    if (one->position != other->position) {
        return one->position < other->position ? -1 : 1;
    }
    return one->index < other->index ? -1 : 1;
}

// Undelayed links first, by their target's place in the order.
static gm_status sort_links(gm_world *world, uint32_t *positions, gm_error *error)
{
    for (uint32_t at = 0; at < world->system_count; at++) {
        positions[world->order[at]] = at;
    }
    link_key *keys = gm_memory_new(world->link_count, sizeof *keys);
    gm_world_link *sorted = gm_memory_new(world->link_count, sizeof *sorted);
    gm_status status = keys == NULL || sorted == NULL ? gm_world_no_memory(error) : GM_OK;
    if (status == GM_OK) {
        for (size_t index = 0; index < world->link_count; index++) {
            const gm_world_link *link = &world->links[index];
            keys[index] = (link_key){ link->delayed, positions[link->to.system], index };
        }
        qsort(keys, world->link_count, sizeof *keys, compare_links);
        for (size_t index = 0; index < world->link_count; index++) {
            sorted[index] = world->links[keys[index].index];
            world->undelayed_count += !sorted[index].delayed;
        }
        memcpy(world->links, sorted, world->link_count * sizeof *sorted);
    }
    gm_memory_free(keys);
    gm_memory_free(sorted);
    return status;
}

gm_status gm_world_order(gm_world *world, gm_error *error)
{
    uint32_t *numbers = gm_memory_new(world->system_count, sizeof *numbers);
    bool *placed = gm_memory_new(world->system_count, sizeof *placed);
    gm_status status = numbers == NULL || placed == NULL ? gm_world_no_memory(error) : GM_OK;
    if (status == GM_OK) {
        find_groups(world, numbers);
        status = sort_systems(world, placed, numbers, error);
    }
    if (status == GM_OK && world->link_count > 0) {
        status = sort_links(world, numbers, error);
    }
    gm_memory_free(numbers);
    gm_memory_free(placed);
    return status;
}
