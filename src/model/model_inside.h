// What a model is made of; for the files of this room only.
#ifndef GEMEL_MODEL_MODEL_INSIDE_H
#define GEMEL_MODEL_MODEL_INSIDE_H

#include <gemel/model.h>

#include "base/arena.h"
#include "model/names.h"
#include "num/ode.h"
#include "num/sparse.h"

/// One field of one class, over all its elements.
typedef struct gm_column_plan {
    uint32_t class_number, field;
    gm_type type;
    gm_role role;    // as declared
    size_t count;    // elements, or a population's capacity
    double *initial; // [initial_count] by element; beyond, the field's own
    size_t initial_count, initial_capacity;
    uint8_t *roles; // [roles_count] gm_role by element; beyond, the field's own
    size_t roles_count, roles_capacity;
    size_t unknown; // first unknown, for states
} gm_column_plan;

typedef struct gm_point_run {
    size_t first, count;
} gm_point_run;

typedef struct gm_class_part {
    const gm_class *declared;
    gm_names names;
    size_t first_column;
    size_t population;  // place among the populations; SIZE_MAX for an ordinary class
    gm_point_run *runs; // [run_capacity] by element
    size_t run_count, run_capacity;
    double (*points)[3];
    size_t point_count, point_capacity;
} gm_class_part;

struct gm_model {
    const gm_domain *domain;
    char *name;
    gm_class_part classes[GM_CLASSES_MAX];
    size_t class_count;
    size_t population_count;
    gm_column_plan *columns; // in order of declaration
    size_t column_count;
    size_t unknowns;
    uint32_t *held; // unknowns that are not carried on: their rate is zero
    size_t held_count;
    size_t hidden_size, scratch_size;
    gm_integrator integrator;
    gm_entry *entries; // of the Jacobian
    size_t entry_count;
    uint32_t *held_entries; // entries in rows of held unknowns
    size_t held_entry_count;
    gm_sparse *pattern;
    gm_join *joins; // [join_count]; NULL: none were declared
    size_t join_count;
    size_t *cuts; // [slice_count + 1][class_count] the first element of each slice; of the last
                  // row, how many there are
    size_t slice_count, slice_unknowns; // unknowns of the largest slice
    bool large, single, built;
    char **warnings; // [warning_count]
    size_t warning_count, warning_capacity;
    size_t warnings_lost; // beyond GM_WARNINGS_MAX
    bool has_span;        // gm_model_span was called
    int64_t length_ns, every_ns;
    void *constants;
};

/// The plan of one field's column.
static inline gm_column_plan *gm_plan(const gm_model *model, size_t class_number, size_t field)
{
    return &model->columns[model->classes[class_number].first_column + field];
}

/// Says how many warnings were not kept; build is over. And frees them all.
gm_status gm_warnings_finish(gm_model *model, gm_error *error);
void gm_warnings_free(gm_model *model);

/// Cuts the model into the slices that it is integrated in: one, or many that act on no other.
gm_status gm_slices_cut(gm_model *model, gm_error *error);

/// Integrates a rate domain: every lane of the block to until_ns. Scratch: gm_integrate_size bytes.
gm_lane_mask gm_integrate(const gm_model *model, gm_block *block, int64_t until_ns, double *step_s,
                          void *scratch);
size_t gm_integrate_size(const gm_model *model, int width);

#endif
