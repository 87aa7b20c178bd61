// The plan's tables: defaults, rows, names.
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "domain/water/inp_parts.h"

water_table gm_water_nodes_of(const water_plan *plan)
{
    return (water_table){ plan->nodes, sizeof *plan->nodes, plan->node_count };
}

water_table gm_water_links_of(const water_plan *plan)
{
    return (water_table){ plan->links, sizeof *plan->links, plan->link_count };
}

water_table gm_water_patterns_of(const water_plan *plan)
{
    return (water_table){ plan->patterns, sizeof *plan->patterns, plan->pattern_count };
}

water_table gm_water_curves_of(const water_plan *plan)
{
    return (water_table){ plan->curves, sizeof *plan->curves, plan->curve_count };
}

uint32_t gm_water_find_node(const water_plan *plan, const char *name)
{
    return gm_water_names_find(&plan->node_names, gm_water_nodes_of(plan), gm_text_of(name));
}

uint32_t gm_water_find_link(const water_plan *plan, const char *name)
{
    return gm_water_names_find(&plan->link_names, gm_water_links_of(plan), gm_text_of(name));
}

void *gm_water_grow(gm_arena *arena, void *rows, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity) {
        return rows;
    }
    size_t wanted = *capacity > 0 ? *capacity * 2 : 8;
    void *grown = gm_arena_new(arena, wanted, size);
    if (grown == NULL) {
        return NULL;
    }
    if (count > 0) {
        memcpy(grown, rows, count * size);
    }
    *capacity = wanted;
    return grown;
}

static gm_status no_memory(gm_error *error)
{
    return gm_error_set(error, GM_MEMORY, "no memory for the network");
}

// One more row of a table of named rows: as `blank` but for its name, with which it begins.
typedef struct new_row {
    const char *kind; // "nodes"
    const void *blank;
    size_t size, count, most; // of the table, without the new row
    size_t *capacity;
    water_names *names;
} new_row;

// `rows` moves when the table grows, even if the call fails afterwards.
static gm_status add_row(water_plan *plan, gm_text name, const new_row *row, void **rows,
                         gm_error *error)
{
    if (row->count >= row->most) {
        return gm_error_set(error, GM_LIMIT, "more than %zu %s", row->most, row->kind);
    }
    const char *copy = gm_arena_text(plan->arena, name.data, name.size);
    char *grown = gm_water_grow(plan->arena, *rows, row->capacity, row->count, row->size);
    if (grown == NULL) {
        return no_memory(error);
    }
    *rows = grown;
    char *last = grown + row->count * row->size;
    memcpy(last, row->blank, row->size);
    memcpy(last, &copy, sizeof copy);
    const water_table table = { grown, row->size, row->count + 1 };
    bool fits =
        copy != NULL && gm_water_names_add(row->names, table, (uint32_t)row->count, plan->arena);
    return fits ? GM_OK : no_memory(error);
}

gm_status gm_water_add_node(water_plan *plan, gm_text name, water_node **node, gm_error *error)
{
    const water_node blank = { .pattern = WATER_NONE, .volume_curve = WATER_NONE };
    const new_row row = {
        "nodes",           &blank,          sizeof blank,
        plan->node_count,  WATER_NODES_MAX, &plan->node_capacity,
        &plan->node_names,
    };
    void *rows = plan->nodes;
    gm_status status = add_row(plan, name, &row, &rows, error);
    plan->nodes = rows;
    if (status == GM_OK) {
        *node = &plan->nodes[plan->node_count++];
    }
    return status;
}

gm_status gm_water_add_link(water_plan *plan, gm_text name, water_link **link, gm_error *error)
{
    const water_link blank = { .head_curve = WATER_NONE,
                               .efficiency_curve = WATER_NONE,
                               .speed_pattern = WATER_NONE,
                               .price_pattern = WATER_NONE,
                               .curve = WATER_NONE,
                               .price = NAN };
    const new_row row = {
        "links",           &blank,          sizeof blank,
        plan->link_count,  WATER_LINKS_MAX, &plan->link_capacity,
        &plan->link_names,
    };
    void *rows = plan->links;
    gm_status status = add_row(plan, name, &row, &rows, error);
    plan->links = rows;
    if (status == GM_OK) {
        *link = &plan->links[plan->link_count++];
    }
    return status;
}

gm_status gm_water_add_pattern(water_plan *plan, gm_text name, uint32_t *pattern, gm_error *error)
{
    const water_pattern blank = { 0 };
    const new_row row = {
        "patterns",           &blank,           sizeof blank,
        plan->pattern_count,  WATER_TABLES_MAX, &plan->pattern_capacity,
        &plan->pattern_names,
    };
    void *rows = plan->patterns;
    gm_status status = add_row(plan, name, &row, &rows, error);
    plan->patterns = rows;
    if (status == GM_OK) {
        *pattern = (uint32_t)plan->pattern_count++;
    }
    return status;
}

gm_status gm_water_add_curve(water_plan *plan, gm_text name, uint32_t *curve, gm_error *error)
{
    const water_curve blank = { 0 };
    const new_row row = {
        "curves",           &blank,           sizeof blank,
        plan->curve_count,  WATER_TABLES_MAX, &plan->curve_capacity,
        &plan->curve_names,
    };
    void *rows = plan->curves;
    gm_status status = add_row(plan, name, &row, &rows, error);
    plan->curves = rows;
    if (status == GM_OK) {
        *curve = (uint32_t)plan->curve_count++;
    }
    return status;
}

gm_status gm_water_add_factor(water_plan *plan, water_pattern *pattern, double factor,
                              gm_error *error)
{
    if (pattern->count == WATER_POINTS_MAX) {
        return gm_error_at(error, GM_LIMIT, pattern->place, "a pattern of more than %d factors",
                           WATER_POINTS_MAX);
    }
    double *factors = gm_water_grow(plan->arena, pattern->factors, &pattern->capacity,
                                    pattern->count, sizeof *factors);
    if (factors == NULL) {
        return no_memory(error);
    }
    pattern->factors = factors;
    pattern->factors[pattern->count++] = factor;
    return GM_OK;
}

gm_status gm_water_add_point(water_plan *plan, water_curve *curve, const double at[2],
                             gm_error *error)
{
    if (curve->count == WATER_POINTS_MAX) {
        return gm_error_at(error, GM_LIMIT, curve->place, "a curve of more than %d points",
                           WATER_POINTS_MAX);
    }
    size_t capacity = curve->capacity;
    double *x = gm_water_grow(plan->arena, curve->x, &capacity, curve->count, sizeof *x);
    capacity = curve->capacity;
    double *y = gm_water_grow(plan->arena, curve->y, &capacity, curve->count, sizeof *y);
    if (x == NULL || y == NULL) {
        return no_memory(error);
    }
    curve->x = x;
    curve->y = y;
    curve->capacity = capacity;
    curve->x[curve->count] = at[0];
    curve->y[curve->count++] = at[1];
    return GM_OK;
}

gm_status gm_water_add_demand(water_plan *plan, water_node *node, double base, uint32_t pattern,
                              gm_error *error)
{
    water_category *added = gm_arena_new(plan->arena, 1, sizeof *added);
    if (added == NULL) {
        return no_memory(error);
    }
    *added = (water_category){ .base_m3_s = base, .pattern = pattern };
    if (node->demands == NULL) {
        node->demands = added;
    } else {
        node->last_demand->next = added;
    }
    node->last_demand = added;
    return GM_OK;
}

void gm_water_warn(const water_plan *plan, gm_place place, const char *format, ...)
{
    char text[GM_ERROR_SIZE];
    if (plan->model == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    gm_model_warn(plan->model, place, "%s", text);
}

const char *gm_water_meant(water_table table, gm_text name, char buffer[300])
{
    const char *nearest = gm_water_names_nearest(table, name);
    buffer[0] = '\0';
    if (nearest != NULL) {
        snprintf(buffer, 300, "; did you mean '%.255s'?", nearest);
    }
    return buffer;
}

bool gm_water_holds_setting(const water_link *link)
{
    return link->valve != WATER_NO_VALVE && link->valve != WATER_GPV;
}

void gm_water_plan_default(water_plan *plan, gm_arena *arena, gm_model *model)
{
    *plan = (water_plan){
        .arena = arena,
        .model = model,
        .formula = HAZEN_WILLIAMS,
        .viscosity_m2_s = 1.1e-5 * 0.3048 * 0.3048,
        .specific_gravity = 1.0,
        .demand_multiplier = 1.0,
        .default_pattern = WATER_NONE,
        .accuracy = 0.001,
        .trials = 200,
        .unbalanced_stops = true,
        .check_every = 2,
        .check_until = 10,
        .emitter_exponent = 0.5,
        .emitters_backflow = true,
        .required_pressure_m = 0.1,
        .pressure_exponent = 0.5,
        .step_s = 3600,
        .pattern_step_s = 3600,
        .report_step_s = 3600,
        .efficiency = 0.75,
        .price_pattern = WATER_NONE,
    };
    bool known = gm_water_units_choose("GPM", 1.0, &plan->units);
    (void)known;
}

gm_status gm_water_inp_read(const gm_config *file, water_plan *plan, gm_error *error)
{
    gm_status status = gm_water_inp_parse(file, plan, error);
    if (status == GM_OK) {
        status = gm_water_plan_check(plan, true, error);
    }
    return status == GM_OK ? gm_water_plan_settle(plan, error) : status;
}
