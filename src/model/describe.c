// Asking a finished model: names, roles, start values, geometry, numbers by name.
#include <string.h>

#include "base/require.h"
#include "model/model_inside.h"

const char *gm_model_name(const gm_model *model)
{
    return model->name;
}

const gm_domain *gm_model_domain(const gm_model *model)
{
    return model->domain;
}

size_t gm_model_class_count(const gm_model *model)
{
    return model->class_count;
}

const gm_class *gm_model_class_at(const gm_model *model, size_t class_number)
{
    GM_REQUIRE(class_number < model->class_count);
    return model->classes[class_number].declared;
}

size_t gm_model_element_count(const gm_model *model, size_t class_number)
{
    GM_REQUIRE(class_number < model->class_count);
    const gm_class_part *part = &model->classes[class_number];
    return part->population == SIZE_MAX ? part->names.count : part->declared->capacity;
}

const char *gm_model_element_name(const gm_model *model, size_t class_number, size_t element)
{
    const gm_class_part *part = &model->classes[class_number];
    return element < part->names.count ? gm_names_at(&part->names, element) : "";
}

gm_role gm_model_role_at(const gm_model *model, size_t class_number, size_t field, size_t element)
{
    const gm_column_plan *plan = gm_plan(model, class_number, field);
    return element < plan->roles_count ? (gm_role)plan->roles[element] : plan->role;
}

double gm_model_initial_at(const gm_model *model, size_t class_number, size_t field, size_t element)
{
    const gm_column_plan *plan = gm_plan(model, class_number, field);
    return element < plan->initial_count
               ? plan->initial[element]
               : model->classes[class_number].declared->fields[field].initial;
}

const double (*gm_model_points(const gm_model *model, size_t class_number, size_t element,
                               size_t *count))[3]
{
    const gm_class_part *part = &model->classes[class_number];
    *count = element < part->run_count ? part->runs[element].count : 0;
    return *count > 0 ? (const double(*)[3])(part->points + part->runs[element].first) : NULL;
}

size_t gm_model_hidden_size(const gm_model *model)
{
    return model->hidden_size;
}

bool gm_model_is_large(const gm_model *model)
{
    return model->large;
}

bool gm_model_is_single(const gm_model *model)
{
    return model->single;
}

const void *gm_model_constants(const gm_model *model)
{
    return model->constants;
}

void *gm_model_attached(gm_model *model)
{
    return model->constants;
}

size_t gm_model_find_class(const gm_model *model, const char *name)
{
    for (size_t index = 0; index < model->class_count; index++) {
        if (strcmp(model->classes[index].declared->name, name) == 0) {
            return index;
        }
    }
    return SIZE_MAX;
}

size_t gm_model_find_element(const gm_model *model, size_t class_number, const char *name)
{
    return gm_names_find(&model->classes[class_number].names, name);
}

size_t gm_model_find_field(const gm_model *model, size_t class_number, const char *name)
{
    const gm_class *declared = gm_model_class_at(model, class_number);
    for (size_t index = 0; index < declared->field_count; index++) {
        if (strcmp(declared->fields[index].name, name) == 0) {
            return index;
        }
    }
    return SIZE_MAX;
}

size_t gm_model_column(const gm_model *model, size_t class_number, size_t field)
{
    return model->classes[class_number].first_column + field;
}

size_t gm_model_column_count(const gm_model *model)
{
    return model->column_count;
}

size_t gm_model_unknowns(const gm_model *model)
{
    return model->unknowns;
}

size_t gm_unknown(const gm_model *model, size_t class_number, size_t field, size_t element)
{
    size_t column = gm_model_column(model, class_number, field);
    if (model->built) {
        return model->columns[column].unknown + element;
    }
    size_t before = 0; // while building, unknowns are counted from the elements so far
    for (size_t index = 0; index < column; index++) {
        const gm_column_plan *plan = &model->columns[index];
        before += plan->role == GM_STATE ? gm_model_element_count(model, plan->class_number) : 0;
    }
    return before + element;
}
