// Addresses: patterns over system, class, element and field names -> numbers, and back.
#include <stdio.h>
#include <string.h>

#include "base/require.h"
#include "base/text.h"
#include "world/world_parts.h"

enum {
    PARTS_MAX = 4,
    CANDIDATES_MAX = 4096, // names compared for "did you mean"
};

// The number of rows of a population, as a field.
static const gm_field row_count_field = { .name = "count",
                                          .unit = "1",
                                          .role = GM_OUTPUT,
                                          .type = GM_F64,
                                          .max = 4294967296.0,
                                          .doc = "rows in use" };

typedef struct pattern {
    const gm_world *world;
    const char *text;
    gm_place place;
    char copy[PARTS_MAX * GM_NAME_MAX]; // the text, cut into parts
    const char *parts[PARTS_MAX];
    size_t count;
    const char *system, *class_name, *element, *field; // class_name, element NULL: left out
} pattern;

typedef struct ref_list {
    gm_ref *refs;
    size_t count, capacity;
} ref_list;

static bool is_wild(const char *part)
{
    return strchr(part, '*') != NULL;
}

// '*' matches any run of characters, none too. Linear in the worst case of one '*' kept open.
static bool matches(const char *part, const char *name)
{
    const char *star = NULL, *resume = NULL;
    while (*name != '\0') {
        if (*part == '*') {
            star = part++;
            resume = name;
        } else if (*part == *name) {
            part++;
            name++;
        } else if (star != NULL) {
            part = star + 1;
            name = ++resume;
        } else {
            return false;
        }
    }
    while (*part == '*') {
        part++;
    }
    return *part == '\0';
}

static gm_status split(pattern *wanted, gm_error *error)
{
    size_t size = strlen(wanted->text);
    const char *shape = "system/class/element/field, or system/element/field";
    if (size >= sizeof wanted->copy) {
        return gm_error_at(error, GM_INVALID, wanted->place, "an address of %zu bytes; expected %s",
                           size, shape);
    }
    memcpy(wanted->copy, wanted->text, size + 1);
    for (char *at = wanted->copy;;) {
        if (wanted->count == PARTS_MAX || *at == '/' || *at == '\0') {
            return gm_error_at(error, GM_INVALID, wanted->place,
                               "'%.80s' is not an address; expected %s", wanted->text, shape);
        }
        wanted->parts[wanted->count++] = at;
        at += strcspn(at, "/");
        if (*at == '\0') {
            break;
        }
        *at++ = '\0';
    }
    if (wanted->count < 2) {
        return gm_error_at(error, GM_INVALID, wanted->place,
                           "'%.80s' is not an address; expected %s", wanted->text, shape);
    }
    wanted->system = wanted->parts[0];
    wanted->class_name = wanted->count == 4 ? wanted->parts[1] : NULL;
    wanted->element = wanted->count > 2 ? wanted->parts[wanted->count - 2] : NULL;
    wanted->field = wanted->parts[wanted->count - 1];
    return GM_OK;
}

static gm_status no_memory(gm_error *error)
{
    return gm_error_set(error, GM_MEMORY, "no memory for addresses");
}

static gm_status add(ref_list *list, gm_ref ref, const pattern *wanted, gm_error *error)
{
    if (list->count == GM_WORLD_REFS_MAX) {
        return gm_error_at(error, GM_LIMIT, wanted->place, "'%.80s' matches more than %d values",
                           wanted->text, GM_WORLD_REFS_MAX);
    }
    gm_ref *grown = gm_memory_grow(list->refs, &list->capacity, list->count + 1, sizeof *grown);
    if (grown == NULL) {
        return no_memory(error);
    }
    list->refs = grown;
    list->refs[list->count++] = ref;
    return GM_OK;
}

// Every matching field of one element.
static gm_status add_fields(const pattern *wanted, gm_ref at, ref_list *list, gm_error *error)
{
    const gm_model *model = wanted->world->systems[at.system].model;
    const gm_class *class = gm_model_class_at(model, at.class_number);
    gm_status status = GM_OK;
    for (uint32_t field = 0; field < class->field_count && status == GM_OK; field++) {
        if (matches(wanted->field, class->fields[field].name)) {
            at.field = field;
            status = add(list, at, wanted, error);
        }
    }
    if (status == GM_OK && at.element == GM_ROWS && matches(wanted->field, row_count_field.name)) {
        at.field = GM_ROW_COUNT;
        status = add(list, at, wanted, error);
    }
    return status;
}

// Every matching element of one class.
static gm_status add_elements(const pattern *wanted, gm_ref at, ref_list *list, gm_error *error)
{
    const gm_model *model = wanted->world->systems[at.system].model;
    const gm_class *class = gm_model_class_at(model, at.class_number);
    if (class->capacity > 0) { // a population: its rows have no names
        bool whole = wanted->class_name != NULL ? strcmp(wanted->element, "*") == 0
                     : wanted->element != NULL  ? matches(wanted->element, class->name)
                                                : false;
        at.element = GM_ROWS;
        return whole ? add_fields(wanted, at, list, error) : GM_OK;
    }
    size_t count = gm_model_element_count(model, at.class_number);
    if (wanted->element == NULL) {
        at.element = 0;
        return count == 1 ? add_fields(wanted, at, list, error) : GM_OK;
    }
    if (!is_wild(wanted->element)) {
        size_t element = gm_model_find_element(model, at.class_number, wanted->element);
        at.element = (uint32_t)element;
        return element != SIZE_MAX ? add_fields(wanted, at, list, error) : GM_OK;
    }
    gm_status status = GM_OK;
    for (size_t element = 0; element < count && status == GM_OK; element++) {
        if (matches(wanted->element, gm_model_element_name(model, at.class_number, element))) {
            at.element = (uint32_t)element;
            status = add_fields(wanted, at, list, error);
        }
    }
    return status;
}

static gm_status ambiguous(const pattern *wanted, gm_ref one, gm_ref other, gm_error *error)
{
    char first[PARTS_MAX * GM_NAME_MAX], second[PARTS_MAX * GM_NAME_MAX];
    gm_world_address(wanted->world, one, first, sizeof first);
    gm_world_address(wanted->world, other, second, sizeof second);
    return gm_error_at(error, GM_INVALID, wanted->place,
                       "'%.80s' is ambiguous: write '%.200s' or '%.200s'", wanted->text, first,
                       second);
}

static gm_status add_system(const pattern *wanted, size_t system, ref_list *list, gm_error *error)
{
    const gm_model *model = wanted->world->systems[system].model;
    size_t classes = gm_model_class_count(model), before = list->count;
    gm_status status = GM_OK;
    for (size_t class_number = 0; class_number < classes && status == GM_OK; class_number++) {
        const char *name = gm_model_class_at(model, class_number)->name;
        if (wanted->class_name == NULL || matches(wanted->class_name, name)) {
            gm_ref at = { .system = (uint32_t)system, .class_number = (uint32_t)class_number };
            status = add_elements(wanted, at, list, error);
        }
    }
    bool named =
        wanted->class_name == NULL && (wanted->element == NULL || !is_wild(wanted->element));
    if (status == GM_OK && named && list->count > before) {
        gm_ref one = list->refs[before], other = list->refs[list->count - 1];
        if (one.class_number != other.class_number) {
            status = ambiguous(wanted, one, other, error);
        }
    }
    return status;
}

// ---- what was not found ----

typedef struct candidates {
    const char *names[CANDIDATES_MAX];
    size_t count;
    bool found; // a name matched the wanted part
} candidates;

static void offer(candidates *offered, const char *part, const char *name)
{
    offered->found = offered->found || matches(part, name);
    if (offered->count < CANDIDATES_MAX) {
        offered->names[offered->count++] = name;
    }
}

static void offer_elements(const pattern *wanted, const gm_model *model, size_t class_number,
                           candidates *offered)
{
    size_t count = gm_model_element_count(model, class_number);
    if (gm_model_class_at(model, class_number)->capacity > 0) {
        offer(offered, wanted->element, gm_model_class_at(model, class_number)->name);
        offered->found = offered->found || wanted->class_name != NULL;
        return;
    }
    size_t exact = gm_model_find_element(model, class_number, wanted->element);
    offered->found = offered->found || exact != SIZE_MAX;
    for (size_t element = 0; element < count && offered->count < CANDIDATES_MAX; element++) {
        offer(offered, wanted->element, gm_model_element_name(model, class_number, element));
    }
}

// Fills `offered` for one part of the address: 0 system, 1 class, 2 element, 3 field.
static void offer_part(const pattern *wanted, int part, candidates *offered)
{
    *offered = (candidates){ 0 };
    const gm_world *world = wanted->world;
    for (size_t system = 0; system < world->system_count; system++) {
        if (part == 0) {
            offer(offered, wanted->system, world->systems[system].name);
            continue;
        }
        if (!matches(wanted->system, world->systems[system].name)) {
            continue;
        }
        const gm_model *model = world->systems[system].model;
        for (size_t at = 0; at < gm_model_class_count(model); at++) {
            const gm_class *class = gm_model_class_at(model, at);
            if (part == 1) {
                offer(offered, wanted->class_name, class->name);
            } else if (wanted->class_name != NULL && !matches(wanted->class_name, class->name)) {
                continue;
            } else if (part == 2) {
                offer_elements(wanted, model, at, offered);
            } else {
                for (size_t field = 0; field < class->field_count; field++) {
                    offer(offered, wanted->field, class->fields[field].name);
                }
            }
        }
    }
}

static gm_status not_found(const pattern *wanted, gm_error *error)
{
    static const char *const part_names[] = { "system", "class", "element", "field" };
    const char *const parts[] = { wanted->system, wanted->class_name, wanted->element,
                                  wanted->field };
    candidates *offered = gm_memory_new(1, sizeof *offered);
    if (offered == NULL) {
        return no_memory(error);
    }
    gm_status status = GM_OK;
    for (int part = 0; part < PARTS_MAX && status == GM_OK; part++) {
        if (parts[part] == NULL) {
            continue;
        }
        offer_part(wanted, part, offered);
        if (offered->found) {
            continue;
        }
        const char *near = gm_text_nearest(parts[part], offered->names, offered->count);
        status = gm_error_at(error, GM_NOT_FOUND, wanted->place,
                             "'%.80s': there is no %s '%.60s'%s%.60s%s", wanted->text,
                             part_names[part], parts[part], near != NULL ? "; did you mean '" : "",
                             near != NULL ? near : "", near != NULL ? "'?" : "");
    }
    if (status == GM_OK) {
        status = gm_error_at(error, GM_NOT_FOUND, wanted->place, "'%.80s' matches nothing",
                             wanted->text);
    }
    gm_memory_free(offered);
    return status;
}

// ---- the public face ----

gm_status gm_world_find(const gm_world *world, const char *text, gm_place place, gm_ref **refs,
                        size_t *count, gm_error *error)
{
    pattern wanted = { .world = world, .text = text, .place = place };
    gm_status status = split(&wanted, error);
    ref_list list = { 0 };
    size_t first = 0, end = status == GM_OK ? world->system_count : 0;
    if (status == GM_OK && !is_wild(wanted.system)) {
        first = gm_world_find_system(world, wanted.system);
        end = first != GM_NO_INDEX ? first + 1 : first;
    }
    for (size_t system = first; system < end && status == GM_OK; system++) {
        if (matches(wanted.system, world->systems[system].name)) {
            status = add_system(&wanted, system, &list, error);
        }
    }
    if (status == GM_OK && list.count == 0) {
        status = not_found(&wanted, error);
    }
    if (status != GM_OK) {
        gm_memory_free(list.refs);
        return status;
    }
    *refs = list.refs;
    *count = list.count;
    return GM_OK;
}

gm_status gm_world_find_one(const gm_world *world, const char *address, gm_place place, gm_ref *ref,
                            gm_error *error)
{
    gm_ref *refs = NULL;
    size_t count = 0;
    gm_status status = gm_world_find(world, address, place, &refs, &count, error);
    if (status == GM_OK && count > 1) {
        status = gm_error_at(error, GM_INVALID, place,
                             "'%.80s' matches %zu values; expected one address", address, count);
    }
    if (status == GM_OK) {
        GM_REQUIRE(refs != NULL);
        *ref = refs[0];
    }
    gm_memory_free(refs);
    return status;
}

const gm_field *gm_world_field(const gm_world *world, gm_ref ref)
{
    GM_REQUIRE(ref.system < world->system_count);
    if (ref.field == GM_ROW_COUNT) {
        return &row_count_field;
    }
    const gm_model *model = world->systems[ref.system].model;
    return &gm_model_class_at(model, ref.class_number)->fields[ref.field];
}

gm_role gm_world_role(const gm_world *world, gm_ref ref)
{
    GM_REQUIRE(ref.system < world->system_count);
    const gm_model *model = world->systems[ref.system].model;
    if (ref.element == GM_ROWS) {
        return GM_OUTPUT; // a mean or a count: read only
    }
    return gm_model_role_at(model, ref.class_number, ref.field, ref.element);
}

size_t gm_world_address(const gm_world *world, gm_ref ref, char *buffer, size_t size)
{
    const gm_model *model = world->systems[ref.system].model;
    const char *element =
        ref.element == GM_ROWS ? "*" : gm_model_element_name(model, ref.class_number, ref.element);
    int length = snprintf(buffer, size, "%s/%s/%s/%s", world->systems[ref.system].name,
                          gm_model_class_at(model, ref.class_number)->name, element,
                          gm_world_field(world, ref)->name);
    return length < 0 ? 0 : (size_t)length;
}
