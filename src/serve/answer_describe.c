// What there is: the world, its systems, elements and sensors; and how it fares.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "serve/json_out.h"
#include "serve/serve_call.h"

static void write_names(gm_string *out, const gm_world *world)
{
    gm_out_key(out, "systems");
    gm_out_begin(out, '[');
    for (size_t k = 0; k < world->system_count; k++) {
        gm_out_text(out, world->systems[k].name);
    }
    gm_out_end(out, ']');
    gm_out_key(out, "sensors");
    gm_out_begin(out, '[');
    for (size_t k = 0; k < world->sensor_count; k++) {
        gm_out_text(out, world->sensors[k].name);
    }
    gm_out_end(out, ']');
    gm_out_key(out, "groups");
    gm_out_begin(out, '[');
    for (size_t group = 0; group < world->group_count; group++) {
        gm_out_begin(out, '[');
        for (size_t k = 0; k < world->system_count; k++) {
            if (world->systems[k].group == group) {
                gm_out_text(out, world->systems[k].name);
            }
        }
        gm_out_end(out, ']');
    }
    gm_out_end(out, ']');
}

static void write_plans(gm_string *out, const gm_world *world)
{
    char address[GM_ADDRESS_MAX];
    gm_out_key(out, "scenarios");
    gm_out_begin(out, '[');
    for (size_t k = 0; k < world->scenario_count; k++) {
        gm_out_begin(out, '{');
        gm_out_key_text(out, "name", world->scenarios[k].name);
        gm_out_key_text(out, "about", world->scenarios[k].about);
        gm_out_key_seconds(out, "horizon_s", world->scenarios[k].horizon_ns);
        gm_out_end(out, '}');
    }
    gm_out_end(out, ']');
    gm_out_key(out, "warnings");
    gm_out_begin(out, '[');
    for (size_t k = 0; k < gm_world_warning_count(world); k++) {
        gm_out_text(out, gm_world_warning_at(world, k));
    }
    gm_out_end(out, ']');
    gm_out_key(out, "forecast");
    gm_out_begin(out, '{');
    gm_out_key(out, "fields");
    gm_out_begin(out, '[');
    for (size_t k = 0; k < world->forecast.ref_count; k++) {
        gm_world_address(world, world->forecast.refs[k], address, sizeof address);
        gm_out_text(out, address);
    }
    gm_out_end(out, ']');
    gm_out_key(out, "leads_s");
    gm_out_begin(out, '[');
    for (size_t k = 0; k < world->forecast.lead_count; k++) {
        gm_out_seconds(out, world->forecast.leads_ns[k]);
    }
    gm_out_end(out, ']');
    gm_out_key_seconds(out, "every_s", world->forecast.every_ns);
    gm_out_end(out, '}');
}

gm_status gm_answer_world(gm_serve_call *call, gm_error *error)
{
    const gm_world *world = call->world;
    gm_string *out = &call->out;
    gm_twin_status now;
    size_t count = 0;
    gm_branch_status *branches = gm_memory_new(GM_TWIN_BRANCHES_MAX, sizeof *branches);
    if (branches == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the branches");
    }
    gm_twin_status_get(call->twin, &now);
    gm_twin_branches(call->twin, branches, &count);
    gm_out_begin(out, '{');
    gm_out_key_text(out, "name", world->name);
    gm_out_key_text(out, "about", world->about);
    gm_out_key_seconds(out, "cycle_s", world->cycle_ns);
    gm_out_key_count(out, "lanes", now.lanes);
    gm_out_key_count(out, "lanes_left", now.lanes_left);
    gm_out_key_time(out, "time", now.time_ns);
    gm_out_key_text(out, "mode", now.replay ? "replay" : "live");
    write_names(out, world);
    write_plans(out, world);
    gm_out_key(out, "branches");
    gm_out_begin(out, '[');
    for (size_t k = 0; k < count; k++) {
        gm_out_text(out, branches[k].name);
    }
    gm_out_end(out, ']');
    gm_out_key_text(out, "version", GEMEL_VERSION);
    gm_out_end(out, '}');
    gm_memory_free(branches);
    return GM_OK;
}

static const char *shape_name(gm_shape shape)
{
    static const char *const names[] = {
        [GM_SHAPE_POINT] = "point", [GM_SHAPE_LINE] = "line", [GM_SHAPE_AREA] = "area"
    };
    return shape == GM_SHAPE_NONE ? NULL : names[shape];
}

static void write_class(gm_string *out, const gm_model *model, size_t number)
{
    const gm_class *class = gm_model_class_at(model, number);
    gm_out_begin(out, '{');
    gm_out_key_text(out, "name", class->name);
    gm_out_key_text(out, "doc", class->doc);
    gm_out_key(out, "population");
    gm_out_bool(out, class->capacity > 0);
    gm_out_key_text(out, "shape", shape_name(class->shape));
    gm_out_key_count(out, "count", gm_model_element_count(model, number));
    gm_out_key(out, "fields");
    gm_out_begin(out, '[');
    for (size_t k = 0; k < class->field_count; k++) {
        const gm_field *field = &class->fields[k];
        gm_out_begin(out, '{');
        gm_out_key_text(out, "name", field->name);
        gm_out_key_text(out, "unit", field->unit);
        gm_out_key_text(out, "role", gm_role_name(field->role));
        gm_out_key_text(out, "type", gm_type_name(field->type));
        gm_out_key_number(out, "min", field->min);
        gm_out_key_number(out, "max", field->max);
        gm_out_key_text(out, "doc", field->doc);
        gm_out_end(out, '}');
    }
    gm_out_end(out, ']');
    gm_out_end(out, '}');
}

gm_status gm_answer_systems(gm_serve_call *call, gm_error *error)
{
    gm_string *out = &call->out;
    (void)error;
    gm_out_begin(out, '[');
    for (size_t k = 0; k < call->world->system_count; k++) {
        const gm_world_system *system = &call->world->systems[k];
        gm_out_begin(out, '{');
        gm_out_key_text(out, "name", system->name);
        gm_out_key_text(out, "domain", system->domain->name);
        gm_out_key_text(out, "summary", system->domain->summary);
        gm_out_key_count(out, "group", system->group);
        gm_out_key(out, "classes");
        gm_out_begin(out, '[');
        for (size_t number = 0; number < gm_model_class_count(system->model); number++) {
            write_class(out, system->model, number);
        }
        gm_out_end(out, ']');
        gm_out_end(out, '}');
    }
    gm_out_end(out, ']');
    return GM_OK;
}

static void write_points(gm_string *out, const gm_model *model, size_t number, size_t element)
{
    size_t count = 0;
    const double(*points)[3] = gm_model_points(model, number, element, &count);
    gm_out_key(out, "points");
    if (count == 0) {
        gm_out_null(out);
        return;
    }
    gm_out_begin(out, '[');
    for (size_t k = 0; k < count; k++) {
        gm_out_begin(out, '[');
        for (int axis = 0; axis < 3; axis++) {
            gm_out_number(out, points[k][axis]);
        }
        gm_out_end(out, ']');
    }
    gm_out_end(out, ']');
}

static void write_element(gm_string *out, const gm_model *model, size_t number, size_t element)
{
    const gm_class *class = gm_model_class_at(model, number);
    gm_out_begin(out, '{');
    gm_out_key_text(out, "class", class->name);
    gm_out_key_text(out, "name", gm_model_element_name(model, number, element));
    gm_out_key_count(out, "index", element);
    write_points(out, model, number, element);
    gm_out_key(out, "roles");
    gm_out_begin(out, '{');
    for (size_t k = 0; k < class->field_count; k++) {
        gm_role role = gm_model_role_at(model, number, k, element);
        if (role != class->fields[k].role) {
            gm_out_key_text(out, class->fields[k].name, gm_role_name(role));
        }
    }
    gm_out_end(out, '}');
    gm_out_end(out, '}');
}

/// The classes asked for: one by name, or all.
static gm_status pick_classes(const gm_serve_call *call, const gm_model *model, size_t *first,
                              size_t *end, gm_error *error)
{
    const char *name = gm_http_parameter_get(call->request, "class");
    *first = 0;
    *end = gm_model_class_count(model);
    if (name == NULL) {
        return GM_OK;
    }
    size_t found = gm_model_find_class(model, name);
    if (found == SIZE_MAX) {
        const char *names[GM_CLASSES_MAX];
        for (size_t k = 0; k < *end; k++) {
            names[k] = gm_model_class_at(model, k)->name;
        }
        const char *near = gm_text_nearest(name, names, *end);
        return gm_error_set(error, GM_NOT_FOUND, "%s has no class '%s'%s%s%s", gm_model_name(model),
                            name, near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                            near != NULL ? "'?" : "");
    }
    *first = found;
    *end = found + 1;
    return GM_OK;
}

static gm_status find_system(const gm_serve_call *call, const gm_model **model, gm_error *error)
{
    size_t found = gm_world_find_system(call->world, call->name);
    if (found == GM_NO_INDEX) {
        return gm_error_set(error, GM_NOT_FOUND,
                            "there is no system '%s'; GET /api/v1/systems lists them", call->name);
    }
    *model = call->world->systems[found].model;
    return GM_OK;
}

gm_status gm_answer_elements(gm_serve_call *call, gm_error *error)
{
    static const char *const known[] = { "class", "offset", "limit", NULL };
    gm_string *out = &call->out;
    const gm_model *model = NULL;
    int64_t offset = 0, limit = 1000;
    size_t first = 0, end = 0, total = 0;
    gm_status status = gm_query_only(call, known, error);
    if (status == GM_OK) {
        status = find_system(call, &model, error);
    }
    if (status == GM_OK) {
        status = pick_classes(call, model, &first, &end, error);
    }
    if (status == GM_OK) {
        status = gm_query_integer(call, "offset", 0, INT64_MAX, &offset, error);
    }
    if (status == GM_OK) {
        status = gm_query_integer(call, "limit", 0, GM_ELEMENTS_PAGE_MAX, &limit, error);
    }
    if (status != GM_OK) {
        return status;
    }
    gm_out_begin(out, '{');
    gm_out_key(out, "elements");
    gm_out_begin(out, '[');
    for (size_t number = first; number < end; number++) {
        bool population =
            gm_model_class_at(model, number)->capacity > 0; // its rows come and go: no elements
        size_t count = population ? 0 : gm_model_element_count(model, number);
        size_t skipped = (size_t)offset > total ? (size_t)offset - total : 0;
        for (size_t element = skipped; element < count && limit > 0; element++, limit--) {
            write_element(out, model, number, element);
        }
        total += count;
    }
    gm_out_end(out, ']');
    gm_out_key_count(out, "total", total);
    gm_out_end(out, '}');
    return GM_OK;
}

static void write_kind(gm_string *out, const gm_world_sensor *sensor)
{
    gm_out_key_text(out, "reads", gm_reading_name(sensor->reading));
    gm_out_key(out, "over_s");
    if (sensor->span_ns > 0) {
        gm_out_seconds(out, sensor->span_ns);
    } else {
        gm_out_null(out);
    }
    gm_out_key_text(out, "of", gm_gathering_name(sensor->gathering));
    gm_out_key_text(out, "reading_unit", sensor->field_unit);
}

static void write_reading(gm_string *out, const gm_sensor_status *last)
{
    gm_out_key(out, "last");
    if (last->time_ns == INT64_MIN) {
        gm_out_null(out);
        return;
    }
    gm_out_begin(out, '{');
    gm_out_key_time(out, "time", last->time_ns);
    gm_out_key_number(out, "value", last->value);
    gm_out_key_number(out, "estimate", last->estimate);
    gm_out_key_number(out, "spread", last->spread);
    gm_out_key_number(out, "innovation", last->innovation);
    gm_out_key_text(out, "quality", last->quality);
    gm_out_end(out, '}');
}

gm_status gm_answer_sensors(gm_serve_call *call, gm_error *error)
{
    gm_string *out = &call->out;
    (void)error;
    gm_out_begin(out, '[');
    for (size_t k = 0; k < call->world->sensor_count; k++) {
        const gm_world_sensor *sensor = &call->world->sensors[k];
        gm_sensor_status last;
        gm_twin_sensor(call->twin, k, &last);
        gm_out_begin(out, '{');
        gm_out_key_text(out, "name", sensor->name);
        gm_out_address(out, call->world, sensor->ref);
        gm_out_key_text(out, "kind", sensor->is_driver ? "driver" : "observation");
        gm_out_key_number(out, "noise", sensor->noise > 0.0 ? sensor->noise : NAN);
        gm_out_key(out, "every_s");
        if (sensor->every_ns > 0) {
            gm_out_seconds(out, sensor->every_ns);
        } else {
            gm_out_null(out);
        }
        write_kind(out, sensor);
        gm_out_key_number(out, "bias", last.bias);
        gm_out_key_number(out, "bias_spread", last.bias_spread);
        write_reading(out, &last);
        gm_out_key_count(out, "accepted", last.accepted);
        gm_out_key_count(out, "rejected", last.rejected);
        gm_out_end(out, '}');
    }
    gm_out_end(out, ']');
    return GM_OK;
}

/// Memory of this process in RAM; 0 when the system does not tell.
static uint64_t resident_bytes(void)
{
    char line[100];
    FILE *file = fopen("/proc/self/statm", "re");
    bool told = file != NULL && fgets(line, sizeof line, file) != NULL;
    if (file != NULL) {
        fclose(file);
    }
    // "total resident shared ...", in pages
    const char *total_end = told ? strchr(line, ' ') : NULL;
    if (total_end == NULL) {
        return 0;
    }
    int64_t pages = 0;
    gm_text resident = { total_end + 1, strcspn(total_end + 1, " ") };
    return gm_text_to_i64(resident, &pages) ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

gm_status gm_answer_health(gm_serve_call *call, gm_error *error)
{
    gm_string *out = &call->out;
    gm_twin_status now;
    (void)error;
    gm_twin_status_get(call->twin, &now);
    gm_out_begin(out, '{');
    gm_out_key_text(out, "status", "ok");
    gm_out_key_time(out, "time", now.time_ns);
    gm_out_key_seconds(out, "lag_s", now.lag_ns);
    gm_out_key_count(out, "cycles", now.cycles);
    gm_out_key_count(out, "samples", now.accepted);
    gm_out_key_count(out, "late", now.late);
    gm_out_key_count(out, "contradicting", now.contradicting);
    gm_out_key_count(out, "late_waiting", now.late_waiting);
    gm_out_key_count(out, "rewinds", now.rewinds);
    gm_out_key_seconds(out, "rewind_s", now.rewind_ns);
    gm_out_key_count(out, "resident_bytes", resident_bytes());
    gm_out_end(out, '}');
    return GM_OK;
}
