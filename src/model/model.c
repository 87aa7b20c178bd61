// Building a model: what a domain's `build` declares is checked here once, so that nobody checks it
// again.
#include <math.h>
#include <string.h>

#include "base/require.h"
#include "base/text.h"
#include "model/model_inside.h"

static const gm_integrator default_integrator = {
    .method = GM_ODE_DOPRI5,
    .relative = 1e-6,
    .absolute = 1e-8,
    .step_limit = 100000,
};

static gm_status check_class(const gm_model *model, const gm_class *declared, gm_error *error)
{
    if (declared->name == NULL || declared->field_count == 0 ||
        declared->field_count > GM_FIELDS_MAX || declared->capacity > GM_ELEMENTS_MAX) {
        return gm_error_set(error, GM_INVALID, "%s: class %zu needs a name and 1 to %d fields",
                            model->name, model->class_count, GM_FIELDS_MAX);
    }
    for (size_t index = 0; index < declared->field_count; index++) {
        const gm_field *field = &declared->fields[index];
        bool complete = field->name != NULL && field->unit != NULL && field->doc != NULL &&
                        field->role != GM_ROLE_NONE && field->min < field->max &&
                        field->initial >= field->min && field->initial <= field->max;
        if (!complete) {
            return gm_error_set(
                error, GM_INVALID,
                "%s: field %zu ('%s') of class '%s' needs name, unit, role, doc and "
                "min <= initial <= max",
                model->name, index, field->name ? field->name : "", declared->name);
        }
        if (declared->capacity > 0 && field->role == GM_OUTPUT) {
            return gm_error_set(error, GM_INVALID,
                                "%s: '%s' of population '%s' cannot be an output", model->name,
                                field->name, declared->name);
        }
        bool rated = model->domain->rate != NULL && field->role == GM_STATE;
        if (rated && (field->type != GM_F64 || declared->capacity > 0)) {
            return gm_error_set(
                error, GM_INVALID,
                "%s: state '%s' of '%s' is integrated: it must be f64 and no population",
                model->name, field->name, declared->name);
        }
    }
    return GM_OK;
}

gm_status gm_model_class(gm_model *model, size_t number, const gm_class *declared, gm_error *error)
{
    GM_REQUIRE(!model->built && number == model->class_count);
    if (number == GM_CLASSES_MAX) {
        return gm_error_set(error, GM_LIMIT, "%s: more than %d classes", model->name,
                            GM_CLASSES_MAX);
    }
    gm_status status = check_class(model, declared, error);
    if (status != GM_OK) {
        return status;
    }
    if (gm_model_find_class(model, declared->name) != SIZE_MAX) {
        return gm_error_set(error, GM_EXISTS, "%s: class '%s' twice", model->name, declared->name);
    }
    size_t capacity = model->column_count;
    gm_column_plan *columns = gm_memory_new(capacity + declared->field_count, sizeof *columns);
    if (columns == NULL) {
        return gm_error_set(error, GM_MEMORY, "%s: no memory for columns", model->name);
    }
    if (capacity > 0) {
        memcpy(columns, model->columns, capacity * sizeof *columns);
    }
    gm_memory_free(model->columns);
    model->columns = columns;
    gm_class_part *part = &model->classes[model->class_count++];
    *part = (gm_class_part){ .declared = declared,
                             .first_column = model->column_count,
                             .population = SIZE_MAX };
    if (declared->capacity > 0) {
        part->population = model->population_count++;
    }
    for (size_t index = 0; index < declared->field_count; index++) {
        model->columns[model->column_count++] = (gm_column_plan){
            .class_number = (uint32_t)number,
            .field = (uint32_t)index,
            .type = declared->fields[index].type,
            .role = declared->fields[index].role,
            .count = declared->capacity,
        };
    }
    return GM_OK;
}

gm_status gm_model_element(gm_model *model, size_t class_number, const char *name, size_t *element,
                           gm_error *error)
{
    GM_REQUIRE(!model->built && class_number < model->class_count);
    gm_class_part *part = &model->classes[class_number];
    GM_REQUIRE(part->population == SIZE_MAX);
    const char *class_name = part->declared->name;
    size_t size = strlen(name);
    if (size == 0 || size >= GM_NAME_MAX || strpbrk(name, "/*") != NULL) {
        return gm_error_set(error, GM_INVALID,
                            "%s: '%.64s' cannot name a %s: 1 to %d bytes without '/' and '*'",
                            model->name, name, class_name, GM_NAME_MAX - 1);
    }
    if (part->names.count == GM_ELEMENTS_MAX) {
        return gm_error_set(error, GM_LIMIT, "%s: more than %d elements in '%s'", model->name,
                            GM_ELEMENTS_MAX, class_name);
    }
    gm_status status = gm_names_add(&part->names, name);
    if (status != GM_OK) {
        return gm_error_set(error, status,
                            status == GM_EXISTS ? "%s: there is a %s '%s' already"
                                                : "%s: no memory for %s '%s'",
                            model->name, class_name, name);
    }
    if (element != NULL) {
        *element = part->names.count - 1;
    }
    return GM_OK;
}

/// An array by element: what grows when an element says something of its own.
typedef struct own_array {
    void *memory;
    size_t *count, *capacity;
    size_t size; // of one value
} own_array;

/// Makes an array reach `element`; new places get `fill`. @return the array; NULL when out of
/// memory
static void *reach(own_array array, size_t element, const void *fill)
{
    unsigned char *memory = array.memory;
    if (element >= *array.capacity) {
        memory = gm_memory_grow(memory, array.capacity, element + 1, array.size);
        if (memory == NULL) {
            return NULL;
        }
    }
    for (; *array.count <= element; (*array.count)++) {
        memcpy(memory + *array.count * array.size, fill, array.size);
    }
    return memory;
}

gm_status gm_model_initial(gm_model *model, size_t class_number, size_t field, size_t element,
                           double value, gm_error *error)
{
    GM_REQUIRE(!model->built);
    const gm_class_part *part = &model->classes[class_number];
    GM_REQUIRE(part->population == SIZE_MAX && element < part->names.count);
    gm_column_plan *plan = gm_plan(model, class_number, field);
    const gm_field *declared = &part->declared->fields[field];
    if (!(value >= declared->min && value <= declared->max)) {
        return gm_error_set(error, GM_INVALID, "%s/%s/%s/%s: %g %s is outside %g to %g",
                            model->name, part->declared->name, gm_names_at(&part->names, element),
                            declared->name, value, declared->unit, declared->min, declared->max);
    }
    own_array array = { plan->initial, &plan->initial_count, &plan->initial_capacity,
                        sizeof value };
    double *initial = reach(array, element, &declared->initial);
    if (initial == NULL) {
        return gm_error_set(error, GM_MEMORY, "%s: no memory for start values", model->name);
    }
    plan->initial = initial;
    initial[element] = value;
    return GM_OK;
}

gm_status gm_model_role(gm_model *model, size_t class_number, size_t field, size_t element,
                        gm_role role, gm_error *error)
{
    GM_REQUIRE(!model->built);
    gm_column_plan *plan = gm_plan(model, class_number, field);
    GM_REQUIRE(element < model->classes[class_number].names.count);
    GM_REQUIRE(plan->role != GM_OUTPUT && role != GM_OUTPUT && role != GM_ROLE_NONE);
    GM_REQUIRE(role != GM_STATE || plan->role == GM_STATE); // only state columns are integrated
    uint8_t fill = (uint8_t)plan->role;
    own_array array = { plan->roles, &plan->roles_count, &plan->roles_capacity, sizeof fill };
    uint8_t *roles = reach(array, element, &fill);
    if (roles == NULL) {
        return gm_error_set(error, GM_MEMORY, "%s: no memory for roles", model->name);
    }
    plan->roles = roles;
    roles[element] = (uint8_t)role;
    return GM_OK;
}

gm_status gm_model_geometry(gm_model *model, size_t class_number, size_t element,
                            const double (*points)[3], size_t count, gm_error *error)
{
    GM_REQUIRE(!model->built);
    gm_class_part *part = &model->classes[class_number];
    GM_REQUIRE(element < part->names.count);
    for (size_t index = 0; index < count; index++) {
        if (!isfinite(points[index][0] + points[index][1] + points[index][2])) {
            return gm_error_set(error, GM_INVALID,
                                "%s: %s '%s' has a coordinate that is not a number", model->name,
                                part->declared->name, gm_names_at(&part->names, element));
        }
    }
    if (part->point_count + count > part->point_capacity) {
        void *grown = gm_memory_grow(part->points, &part->point_capacity, part->point_count + count,
                                     sizeof *points);
        if (grown == NULL) {
            return gm_error_set(error, GM_MEMORY, "%s: no memory for geometry", model->name);
        }
        part->points = grown;
    }
    gm_point_run none = { 0 };
    own_array array = { part->runs, &part->run_count, &part->run_capacity, sizeof none };
    gm_point_run *runs = reach(array, element, &none);
    if (runs == NULL) {
        return gm_error_set(error, GM_MEMORY, "%s: no memory for geometry", model->name);
    }
    part->runs = runs;
    memcpy(part->points + part->point_count, points, count * sizeof *points);
    part->runs[element] = (gm_point_run){ part->point_count, count };
    part->point_count += count;
    return GM_OK;
}

void gm_model_hidden(gm_model *model, size_t size)
{
    GM_REQUIRE(!model->built);
    model->hidden_size = (size + GM_ALIGNMENT - 1) / GM_ALIGNMENT * GM_ALIGNMENT;
}

void gm_model_scratch(gm_model *model, size_t size)
{
    model->scratch_size = size;
}

void gm_model_integrator(gm_model *model, const gm_integrator *integrator)
{
    model->integrator = *integrator;
}

void gm_model_large(gm_model *model)
{
    model->large = true;
}

void gm_model_single(gm_model *model)
{
    model->single = true;
}

void gm_model_attach(gm_model *model, void *constants)
{
    model->constants = constants;
}

gm_status gm_model_jacobian(gm_model *model, const gm_entry *entries, size_t count, gm_error *error)
{
    GM_REQUIRE(!model->built && model->entries == NULL);
    model->entries = gm_memory_new(count, sizeof *entries);
    if (model->entries == NULL) {
        return gm_error_set(error, GM_MEMORY, "%s: no memory for the Jacobian", model->name);
    }
    memcpy(model->entries, entries, count * sizeof *entries);
    model->entry_count = count;
    return GM_OK;
}

gm_status gm_integrator_read(const gm_config *config, gm_integrator *integrator, gm_error *error)
{
    static const char *const keys[] = { "method", "step", "relative", "absolute", "limit", NULL };
    static const char *const methods[] = { "rk4", "dopri5", "rodas3", NULL };
    gm_integrator read = *integrator;
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, "a map of integrator settings", error);
    if (status == GM_OK) {
        status = gm_config_only(config, keys, error);
    }
    const gm_config *method = gm_config_get(config, "method");
    size_t choice = (size_t)read.method - 1;
    if (status == GM_OK && method != NULL) {
        status = gm_config_choice(method, methods, &choice, error);
    }
    read.method = (int)choice + 1;
    double limit = (double)read.step_limit;
    const struct {
        const char *key;
        gm_quantity quantity;
        double *value;
    } numbers[] = {
        { "step", { .unit = "s", .min = 1e-9, .max = 1e9 }, &read.step_s },
        { "relative", { .unit = "1", .min = 1e-14, .max = 0.1 }, &read.relative },
        { "absolute", { .unit = "1", .min = 0.0, .max = 1e6 }, &read.absolute },
        { "limit", { .unit = "1", .min = 1, .max = 1e9 }, &limit },
    };
    for (size_t index = 0; status == GM_OK && index < sizeof numbers / sizeof *numbers; index++) {
        status = gm_config_child_number(config, numbers[index].key, numbers[index].quantity,
                                        *numbers[index].value, numbers[index].value, error);
    }
    if (status == GM_OK && read.method == GM_ODE_RK4 && !(read.step_s > 0)) {
        status = gm_error_at(error, GM_INVALID, config->place, "rk4 needs `step`");
    }
    if (status == GM_OK) {
        read.step_limit = (size_t)limit;
        *integrator = read;
    }
    return status;
}

/// Numbers the unknowns and finds those that are held: states that some element declared otherwise.
static gm_status number_unknowns(gm_model *model, gm_error *error)
{
    size_t held = 0;
    for (size_t index = 0; index < model->column_count; index++) {
        gm_column_plan *plan = &model->columns[index];
        const gm_class_part *part = &model->classes[plan->class_number];
        plan->count = part->population == SIZE_MAX ? part->names.count : part->declared->capacity;
        if (plan->role == GM_STATE) {
            plan->unknown = model->unknowns;
            model->unknowns += plan->count;
            held += plan->roles_count;
        }
    }
    if (model->unknowns > UINT32_MAX) {
        return gm_error_set(error, GM_LIMIT, "%s: more than 2^32 unknowns", model->name);
    }
    model->held = gm_memory_new(held, sizeof *model->held);
    if (model->held == NULL) {
        return gm_error_set(error, GM_MEMORY, "%s: no memory for unknowns", model->name);
    }
    for (size_t index = 0; index < model->column_count; index++) {
        const gm_column_plan *plan = &model->columns[index];
        for (size_t element = 0; plan->role == GM_STATE && element < plan->roles_count; element++) {
            if (plan->roles[element] != GM_STATE) {
                model->held[model->held_count++] = (uint32_t)(plan->unknown + element);
            }
        }
    }
    return GM_OK;
}

static bool is_held(const gm_model *model, uint32_t unknown)
{
    size_t low = 0, high = model->held_count; // ascending by construction
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (model->held[middle] < unknown) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < model->held_count && model->held[low] == unknown;
}

/// Symbolic work for the stiff integrator, and which entries stay zero.
static gm_status finish_jacobian(gm_model *model, gm_error *error)
{
    bool stiff = model->domain->rate != NULL && model->integrator.method == GM_ODE_RODAS3;
    if (stiff && (model->domain->jacobian == NULL || model->entries == NULL)) {
        return gm_error_set(error, GM_UNSUPPORTED,
                            "%s: domain '%s' has no Jacobian: integrate it with dopri5 or rk4",
                            model->name, model->domain->name);
    }
    if (!stiff || model->unknowns == 0) {
        return GM_OK;
    }
    model->held_entries = gm_memory_new(model->entry_count, sizeof *model->held_entries);
    if (model->held_entries == NULL) {
        return gm_error_set(error, GM_MEMORY, "%s: no memory for the Jacobian", model->name);
    }
    uint32_t *places = gm_memory_new(model->entry_count, 2 * sizeof *places);
    if (places == NULL) {
        return gm_error_set(error, GM_MEMORY, "%s: no memory for the Jacobian", model->name);
    }
    uint32_t *rows = places, *columns = places + model->entry_count;
    for (size_t index = 0; index < model->entry_count; index++) {
        const gm_entry *entry = &model->entries[index];
        GM_REQUIRE(entry->row < model->unknowns && entry->column < model->unknowns);
        if (is_held(model, entry->row)) {
            model->held_entries[model->held_entry_count++] = (uint32_t)index;
        }
        rows[index] = entry->row;
        columns[index] = entry->column;
    }
    gm_status status = gm_sparse_create(model->unknowns, model->entry_count, rows, columns,
                                        &model->pattern, error);
    gm_memory_free(places);
    return status;
}

static gm_status finish(gm_model *model, const gm_config *config, gm_error *error)
{
    if (model->class_count == 0) {
        return gm_error_set(error, GM_INVALID, "%s: domain '%s' declared no class", model->name,
                            model->domain->name);
    }
    gm_status status = GM_OK;
    const gm_config *integrator = gm_config_get(config, "integrator");
    if (integrator != NULL && model->domain->rate == NULL) {
        return gm_error_at(error, GM_INVALID, integrator->key_place,
                           "domain '%s' steps itself: it has no integrator to choose",
                           model->domain->name);
    }
    if (integrator != NULL) {
        status = gm_integrator_read(integrator, &model->integrator, error);
    }
    if (status == GM_OK) {
        status = number_unknowns(model, error);
    }
    if (status == GM_OK) {
        status = finish_jacobian(model, error);
    }
    if (status == GM_OK) {
        status = gm_slices_cut(model, error);
    }
    model->built = status == GM_OK;
    return status;
}

gm_status gm_model_build(const gm_domain *domain, const char *name, const gm_config *config,
                         gm_model **model, gm_error *error)
{
    gm_status status = gm_domain_check(domain, error);
    if (status != GM_OK) {
        return status;
    }
    gm_model *made = gm_memory_new(1, sizeof *made);
    char *copy = gm_memory_new(strlen(name) + 1, 1);
    if (made == NULL || copy == NULL) {
        gm_memory_free(made);
        gm_memory_free(copy);
        return gm_error_set(error, GM_MEMORY, "no memory for system '%s'", name);
    }
    memcpy(copy, name, strlen(name) + 1);
    made->domain = domain;
    made->name = copy;
    made->integrator = default_integrator;
    status = domain->build(made, config, error);
    if (status == GM_OK) {
        status = finish(made, config, error);
    }
    if (status == GM_OK) {
        status = gm_warnings_finish(made, error);
    }
    if (status != GM_OK) {
        gm_model_close(made);
        return status;
    }
    *model = made;
    return GM_OK;
}

void gm_model_close(gm_model *model)
{
    if (model == NULL) {
        return;
    }
    if (model->domain->release != NULL) {
        model->domain->release(model);
    }
    for (size_t index = 0; index < model->class_count; index++) {
        gm_names_free(&model->classes[index].names);
        gm_memory_free(model->classes[index].runs);
        gm_memory_free(model->classes[index].points);
    }
    for (size_t index = 0; index < model->column_count; index++) {
        gm_memory_free(model->columns[index].initial);
        gm_memory_free(model->columns[index].roles);
    }
    gm_memory_free(model->columns);
    gm_memory_free(model->held);
    gm_memory_free(model->entries);
    gm_memory_free(model->held_entries);
    gm_memory_free(model->joins);
    gm_memory_free(model->cuts);
    gm_sparse_close(model->pattern);
    gm_warnings_free(model);
    gm_memory_free(model->name);
    gm_memory_free(model);
}
