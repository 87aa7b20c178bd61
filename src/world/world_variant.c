// Variants: a world read again from the same tree with a patch merged into its systems, and a
// state that goes on in it.
//
// A patch says what is another: maps are merged key by key, lists are appended to, `none` (or null)
// takes a key away, anything else replaces what was there. Addresses resolve anew, by name. Links,
// sensors, drivers and records that do not fit the other structure are left out with a warning;
// forecasts, estimates and scenarios are not part of a variant.
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "world/world_reader.h"

gm_status gm_reader_forgive(gm_world_reader *reader, gm_status status, const gm_error *why,
                            gm_error *error)
{
    if (status == GM_OK) {
        return GM_OK;
    }
    // without the patch the same entry was read: it is the structure that it does not fit
    if (reader->lenient && (status == GM_INVALID || status == GM_NOT_FOUND)) {
        char line[GM_ERROR_SIZE + 64];
        snprintf(line, sizeof line, "%s (left out of this structure)", why->text);
        return gm_world_warn(reader->world, line, error);
    }
    return gm_error_set(error, status, "%s", why->text);
}

// ---- merging ----

static bool is_none(const gm_config *node)
{
    return node->kind == GM_CONFIG_SCALAR && !node->quoted &&
           (strcmp(node->text, "none") == 0 || strcmp(node->text, "null") == 0);
}

static gm_status merge(gm_arena *arena, const gm_config *base, const gm_config *patch,
                       gm_config *merged, gm_error *error);

// Both lists, the patch's behind.
static gm_status merge_lists(gm_arena *arena, const gm_config *base, const gm_config *patch,
                             gm_config *merged, gm_error *error)
{
    size_t count = base->count + patch->count;
    gm_config *children = gm_arena_new(arena, count, sizeof *children);
    if (children == NULL) {
        return gm_world_no_memory(error);
    }
    memcpy(children, base->children, base->count * sizeof *children);
    memcpy(children + base->count, patch->children, patch->count * sizeof *children);
    *merged = *base;
    merged->children = children;
    merged->count = count;
    return GM_OK;
}

static gm_config *find_child(gm_config *children, size_t count, const char *key)
{
    for (size_t index = 0; index < count; index++) {
        if (strcmp(children[index].key, key) == 0) {
            return &children[index];
        }
    }
    return NULL;
}

static gm_status merge_maps(gm_arena *arena, const gm_config *base, const gm_config *patch,
                            gm_config *merged, gm_error *error)
{
    gm_config *children = gm_arena_new(arena, base->count + patch->count, sizeof *children);
    if (children == NULL) {
        return gm_world_no_memory(error);
    }
    size_t count = base->count;
    gm_status status = GM_OK;
    memcpy(children, base->children, count * sizeof *children);
    for (size_t index = 0; index < patch->count && status == GM_OK; index++) {
        const gm_config *one = &patch->children[index];
        gm_config *there = find_child(children, count, one->key);
        if (there == NULL && is_none(one)) {
            status = gm_error_at(error, GM_NOT_FOUND, one->key_place,
                                 "there is no '%.80s' that could be taken away", one->key);
        } else if (there == NULL) {
            children[count++] = *one;
        } else if (is_none(one)) {
            size_t behind = count - (size_t)(there - children) - 1;
            memmove(there, there + 1, behind * sizeof *there);
            count--;
        } else {
            gm_config old = *there;
            status = merge(arena, &old, one, there, error);
        }
    }
    *merged = *base;
    merged->children = children;
    merged->count = count;
    return status;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as a tree that was read, GM_YAML_DEPTH_MAX
static gm_status merge(gm_arena *arena, const gm_config *base, const gm_config *patch,
                       gm_config *merged, gm_error *error)
{
    if (base->kind == patch->kind && base->kind == GM_CONFIG_MAP) {
        return merge_maps(arena, base, patch, merged, error);
    }
    if (base->kind == patch->kind && base->kind == GM_CONFIG_LIST) {
        return merge_lists(arena, base, patch, merged, error);
    }
    *merged = *patch;
    return GM_OK;
}

// Refuses a structure of systems that are not there. @param patched out, [system_count]
static gm_status check_systems(const gm_world *world, const gm_config *structure, bool *patched,
                               gm_error *error)
{
    gm_status status = gm_config_is(structure, GM_CONFIG_MAP, "a map of systems", error);
    for (size_t index = 0; status == GM_OK && index < structure->count; index++) {
        const gm_config *patch = &structure->children[index];
        size_t system = gm_world_find_system(world, patch->key);
        if (system == GM_NO_INDEX) {
            const char **names = gm_memory_new(world->system_count, sizeof *names);
            for (size_t at = 0; names != NULL && at < world->system_count; at++) {
                names[at] = world->systems[at].name;
            }
            const char *near =
                names != NULL ? gm_text_nearest(patch->key, names, world->system_count) : NULL;
            gm_memory_free(names);
            return gm_error_at(error, GM_NOT_FOUND, patch->key_place,
                               "structure: there is no system '%.80s'%s%s%s", patch->key,
                               near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                               near != NULL ? "'?" : "");
        }
        status = gm_config_is(patch, GM_CONFIG_MAP, "a map of what is built otherwise", error);
        patched[system] = status == GM_OK && patch->count > 0;
    }
    return status;
}

// The world's tree with the structure merged into `systems`.
static gm_status merge_root(const gm_world *world, const gm_config *structure, gm_world *variant,
                            gm_error *error)
{
    gm_config *root = gm_arena_new(variant->arena, 1, sizeof *root);
    gm_config *children = gm_arena_new(variant->arena, world->root->count, sizeof *children);
    if (root == NULL || children == NULL) {
        return gm_world_no_memory(error);
    }
    *root = *world->root;
    root->children = children;
    memcpy(children, world->root->children, root->count * sizeof *children);
    gm_config *systems = find_child(children, root->count, "systems"), old = *systems;
    variant->root = root;
    return merge(variant->arena, &old, structure, systems, error);
}

// ---- reading ----

// Drivers that the world has too draw the same numbers as there; new ones draw their own.
static void share_streams(const gm_world *world, gm_world *variant)
{
    size_t fresh = world->driver_count;
    for (size_t index = 0; index < variant->driver_count; index++) {
        gm_world_driver *driver = &variant->drivers[index];
        gm_ref ref;
        size_t same = gm_world_counterpart(variant, driver->ref, world, &ref)
                          ? gm_world_find_driver(world, ref)
                          : GM_NO_INDEX;
        driver->stream = same != GM_NO_INDEX ? world->drivers[same].stream : fresh++;
    }
}

// Says where the structure is, unless the error points into the same text.
static gm_status wrong_structure(const gm_config *structure, const gm_error *why, gm_error *error)
{
    char text[GM_ERROR_SIZE];
    snprintf(text, sizeof text, "%s%s", structure->place.file != NULL ? structure->place.file : "",
             structure->place.file != NULL ? ":" : "line ");
    return strncmp(why->text, text, strlen(text)) == 0
               ? gm_error_set(error, why->status, "%s", why->text)
               : gm_error_at(error, why->status, structure->key_place, "structure: %s", why->text);
}

gm_status gm_variant_read(const gm_world *world, const gm_config *structure, gm_world **variant,
                          gm_error *error)
{
    gm_world_options options = { .units = world->units,
                                 .domains = world->domains,
                                 .domain_count = world->domain_count,
                                 .files = gm_kept_files(world) };
    gm_world *made = NULL;
    gm_status status = gm_world_begin(world->file, &options, &made, error);
    if (status != GM_OK) {
        return status;
    }
    gm_keeping keeping = { made, &options.files };
    gm_world_options keeps = options;
    keeps.files = gm_keeping_files(&keeping);
    gm_world_reader reader = { .world = made, .options = &keeps, .lenient = true };
    bool *patched = gm_arena_new(made->arena, world->system_count, sizeof *patched);
    status = patched != NULL ? check_systems(world, structure, patched, error)
                             : gm_world_no_memory(error);
    made->patched = patched;
    if (status == GM_OK) {
        status = merge_root(world, structure, made, error);
    }
    gm_error why = { 0 };
    if (status == GM_OK && gm_world_read_keys(&reader, &why) != GM_OK) {
        status = wrong_structure(structure, &why, error);
    }
    if (status != GM_OK) {
        gm_world_close(made);
        return status;
    }
    share_streams(world, made);
    *variant = made;
    return GM_OK;
}

const gm_world *gm_scenario_world(const gm_world *world, const gm_scenario *scenario)
{
    return scenario->variant != NULL ? scenario->variant : world;
}

// ---- states ----

bool gm_world_counterpart(const gm_world *world, gm_ref ref, const gm_world *other, gm_ref *found)
{
    const gm_world_system *system = &world->systems[ref.system];
    const gm_class *class = gm_model_class_at(system->model, ref.class_number);
    size_t there = gm_world_find_system(other, system->name);
    if (there == GM_NO_INDEX) {
        return false;
    }
    const gm_model *model = other->systems[there].model;
    size_t class_number = gm_model_find_class(model, class->name);
    if (class_number == SIZE_MAX) {
        return false;
    }
    size_t field = ref.field, element = ref.element;
    if (ref.element != GM_ROWS) {
        const char *name = gm_model_element_name(system->model, ref.class_number, ref.element);
        element = gm_model_find_element(model, class_number, name);
    } else if (gm_model_class_at(model, class_number)->capacity == 0) {
        return false;
    }
    if (ref.field != GM_ROW_COUNT) {
        field = gm_model_find_field(model, class_number, class->fields[ref.field].name);
    }
    if (element == SIZE_MAX || field == SIZE_MAX) {
        return false;
    }
    *found =
        (gm_ref){ (uint32_t)there, (uint32_t)class_number, (uint32_t)field, (uint32_t)element };
    return true;
}

// What the structure gives another start value starts with it: it is what the patch says.
static gm_status renew_values(const gm_world *world, const gm_world *variant, uint32_t system,
                              gm_state *state, gm_error *error)
{
    const gm_model *model = variant->systems[system].model;
    gm_ref ref = { .system = system }, was;
    for (; ref.class_number < gm_model_class_count(model); ref.class_number++) {
        const gm_class *class = gm_model_class_at(model, ref.class_number);
        size_t elements = class->capacity > 0 ? 0 : gm_model_element_count(model, ref.class_number);
        for (size_t at = 0; at < elements * class->field_count; at++) {
            ref.element = (uint32_t)(at / class->field_count);
            ref.field = (uint32_t)(at % class->field_count);
            gm_role role = gm_world_role(variant, ref);
            double value = gm_model_initial_at(model, ref.class_number, ref.field, ref.element);
            if (role == GM_OUTPUT || !gm_world_counterpart(variant, ref, world, &was) ||
                gm_model_initial_at(world->systems[was.system].model, was.class_number, was.field,
                                    was.element) == value) {
                continue;
            }
            gm_status status = gm_state_fill(state, ref, value, error);
            if (status != GM_OK) {
                return status;
            }
        }
    }
    return GM_OK;
}

// Drivers' memory by address: the section's rows lie otherwise when drivers came or went.
static gm_status carry_drivers(const gm_world *world, const gm_state *from, const gm_world *variant,
                               gm_state *state, gm_error *error)
{
    size_t lanes = gm_state_lanes(from), row = lanes * sizeof(double);
    const double *old = gm_state_section(from, GM_WORLD_DRIVER_SECTION);
    double *own = variant->stochastic_count > 0
                      ? gm_state_section_write(state, GM_WORLD_DRIVER_SECTION)
                      : NULL;
    if (variant->stochastic_count > 0 && own == NULL) {
        return gm_world_no_memory(error);
    }
    for (size_t index = 0; own != NULL && index < variant->driver_count; index++) {
        const gm_world_driver *driver = &variant->drivers[index];
        size_t same = driver->stream; // the index there, when the world has it too
        const gm_world_driver *there = same < world->driver_count ? &world->drivers[same] : NULL;
        const gm_world_rule *rules[] = { &driver->past, &driver->ahead };
        for (size_t at = 0; at < 2; at++) {
            const gm_world_rule *before = there == NULL ? NULL
                                          : at == 0     ? &there->past
                                                        : &there->ahead;
            if (rules[at]->kind != GM_RULE_STOCHASTIC || rules[at]->has_mean) {
                continue;
            }
            double *to = own + rules[at]->stochastic * lanes;
            bool known = before != NULL && before->kind == GM_RULE_STOCHASTIC && !before->has_mean;
            if (known) {
                memcpy(to, old + before->stochastic * lanes, row);
            } else {
                memset(to, 0, row);
            }
        }
    }
    return GM_OK;
}

gm_status gm_scenario_fork(const gm_world *world, const gm_scenario *scenario, const gm_state *from,
                           gm_layout **layout, gm_state **state, gm_error *error)
{
    const gm_world *variant = scenario->variant;
    gm_layout *made_layout = NULL;
    gm_state *made = NULL;
    gm_status status = GM_OK;
    if (variant != NULL) {
        status = gm_world_layout(variant, gm_state_lanes(from), NULL, 0, &made_layout, error);
    }
    if (status == GM_OK) {
        status = variant != NULL ? gm_state_create(made_layout, gm_state_time(from), &made, error)
                                 : gm_state_fork(from, &made, error);
    }
    if (status == GM_OK && variant != NULL) {
        status = gm_state_transfer(from, made, error);
    }
    if (status == GM_OK && variant != NULL) {
        status = carry_drivers(world, from, variant, made, error);
    }
    if (status == GM_OK && variant != NULL) {
        status = gm_world_unknown_carry(world, from, variant, made, error);
    }
    for (uint32_t system = 0; status == GM_OK && variant != NULL && system < variant->system_count;
         system++) {
        if (variant->patched[system]) {
            status = renew_values(world, variant, system, made, error);
            status = status == GM_OK ? gm_state_changed(made, system, error) : status;
        }
    }
    if (status != GM_OK) {
        gm_state_close(made);
        gm_layout_close(made_layout);
        return status;
    }
    *layout = made_layout;
    *state = made;
    return GM_OK;
}
