// What a sensor makes of the fields it sees: one value or many gathered into one, at an instant or
// over a span, off by a bias that nobody knows.
#include <stdio.h>
#include <string.h>

#include "world/sensor_reader.h"

enum { GATHERED_MAX = 1 << 20 };

static const char *const reading_names[GM_READINGS + 1] = {
    [GM_READING_NONE] = "value",        [GM_READING_AVERAGED] = "averaged",
    [GM_READING_TOTALLED] = "totalled", [GM_READING_RISEN] = "risen",
    [GM_READING_COUNTED] = "counted",
};
static const char *const gathering_names[GM_GATHERINGS + 1] = {
    [GM_GATHERING_NONE] = "",     [GM_GATHERING_SUM] = "sum",     [GM_GATHERING_MEAN] = "mean",
    [GM_GATHERING_MOST] = "most", [GM_GATHERING_LEAST] = "least",
};
static const char *const bias_keys[] = { "spread", "drift", NULL };

const char *gm_reading_name(gm_reading reading)
{
    return reading_names[reading];
}

const char *gm_gathering_name(gm_gathering gathering)
{
    return gathering_names[gathering];
}

// ---- fields ----

static bool is_observed(const gm_world *world, gm_ref ref)
{
    gm_role role = gm_world_role(world, ref);
    return role == GM_STATE || role == GM_OUTPUT;
}

// Whether a reference is the mean over a population's rows.
static bool is_row_mean(gm_ref ref)
{
    return ref.element == GM_ROWS && ref.field != GM_ROW_COUNT;
}

// The places of a pattern that can be observed; a row mean that is to be summed brings its count.
static size_t keep_observed(const gm_sensor_reader *from, const gm_ref *found, size_t count,
                            gm_ref *kept)
{
    size_t used = 0;
    for (size_t index = 0; index < count; index++) {
        if (is_observed(from->reader->world, found[index])) {
            kept[used++] = found[index];
            if (is_row_mean(found[index])) {
                kept[used] = found[index];
                kept[used++].field = GM_ROW_COUNT;
            }
        }
    }
    return used;
}

// What is gathered must be of one unit, and of systems that are assimilated together.
static gm_status check_gathered(const gm_sensor_reader *from, const gm_config *field,
                                gm_error *error)
{
    const gm_world *world = from->reader->world;
    const gm_world_sensor *sensor = from->sensor;
    const char *unit = gm_world_field(world, sensor->refs[0])->unit;
    size_t group = world->systems[sensor->refs[0].system].group;
    bool ends = sensor->gathering == GM_GATHERING_MOST || sensor->gathering == GM_GATHERING_LEAST;
    for (size_t index = 0; index < sensor->ref_count; index++) {
        gm_ref ref = sensor->refs[index];
        if (is_row_mean(ref) && ends) {
            return gm_error_at(error, GM_INVALID, field->place,
                               "field: a population tells its mean and sum; its %s is not known",
                               gathering_names[sensor->gathering]);
        }
        bool counts = index > 0 && is_row_mean(sensor->refs[index - 1]);
        if (!counts && strcmp(gm_world_field(world, ref)->unit, unit) != 0) {
            return gm_error_at(error, GM_INVALID, field->place,
                               "field: '%.40s' matches values in %s and in %s", field->text, unit,
                               gm_world_field(world, ref)->unit);
        }
        if (world->systems[ref.system].group != group) {
            return gm_error_at(error, GM_INVALID, field->place,
                               "field: '%.40s' matches '%s' and '%s', which no link joins",
                               field->text, world->systems[sensor->refs[0].system].name,
                               world->systems[ref.system].name);
        }
    }
    return GM_OK;
}

// `of: sum`: all that a pattern matches.
static gm_status find_gathered(const gm_sensor_reader *from, const gm_config *field,
                               const char *pattern, gm_error *error)
{
    gm_world *world = from->reader->world;
    gm_world_sensor *sensor = from->sensor;
    gm_ref *found = NULL;
    size_t count = 0;
    gm_status status = gm_world_find(world, pattern, field->place, &found, &count, error);
    if (status == GM_OK && count > GATHERED_MAX) {
        status = gm_error_at(error, GM_LIMIT, field->place,
                             "field: '%.40s' matches %zu values; a sensor gathers %d at most",
                             pattern, count, GATHERED_MAX);
    }
    gm_ref *kept = NULL;
    if (status == GM_OK) {
        kept = gm_arena_new(world->arena, 2 * count, sizeof *kept);
        status = kept != NULL ? GM_OK : gm_world_no_memory(error);
    }
    if (status == GM_OK) {
        sensor->refs = kept;
        sensor->ref_count = keep_observed(from, found, count, kept);
        sensor->ref = sensor->ref_count > 0 ? kept[0] : found[0];
        status = sensor->ref_count > 0
                     ? check_gathered(from, field, error)
                     : gm_world_wrong_role(world, found[0], field->place,
                                           "a state or an output (only they are gathered)", error);
    }
    gm_memory_free(found);
    return status;
}

static gm_status find_fields(const gm_sensor_reader *from, gm_error *error)
{
    const gm_config *field = NULL, *of = gm_config_get(from->config, "of");
    gm_world *world = from->reader->world;
    gm_world_sensor *sensor = from->sensor;
    const char *address = NULL;
    gm_status status = gm_config_need(from->config, "field", &field, error);
    if (status == GM_OK) {
        status = gm_config_text(field, &address, error);
    }
    size_t choice = 0;
    if (status == GM_OK && of != NULL) {
        status = gm_config_choice(of, gathering_names + 1, &choice, error);
        sensor->gathering = (gm_gathering)(choice + 1);
    }
    if (status != GM_OK) {
        return status;
    }
    return of != NULL ? find_gathered(from, field, address, error)
                      : gm_world_find_one(world, address, field->place, &sensor->ref, error);
}

size_t gm_sensor_ref_count(const gm_world_sensor *sensor)
{
    return sensor->ref_count > 0 ? sensor->ref_count : 1;
}

const gm_ref *gm_sensor_refs(const gm_world_sensor *sensor)
{
    return sensor->ref_count > 0 ? sensor->refs : &sensor->ref;
}

static void add_field(const double *values, const double *rows, size_t lanes, double *sum,
                      double *weights)
{
    for (size_t lane = 0; lane < lanes; lane++) {
        double weight = rows != NULL ? rows[lane] : 1.0;
        sum[lane] += weight * values[lane];
        weights[lane] += weight;
    }
}

void gm_sensor_gather(const gm_world_sensor *sensor, const double *fields, size_t lanes,
                      double *weights, double *out)
{
    size_t count = gm_sensor_ref_count(sensor);
    bool most = sensor->gathering == GM_GATHERING_MOST;
    if (sensor->gathering == GM_GATHERING_NONE || most || sensor->gathering == GM_GATHERING_LEAST) {
        memcpy(out, fields, lanes * sizeof *out);
        for (size_t index = 1; index < count; index++) {
            const double *other = fields + index * lanes;
            for (size_t lane = 0; lane < lanes; lane++) {
                out[lane] = (other[lane] > out[lane]) == most ? other[lane] : out[lane];
            }
        }
        return;
    }
    memset(out, 0, lanes * sizeof *out);
    memset(weights, 0, lanes * sizeof *weights);
    for (size_t index = 0; index < count; index++) {
        bool rows = is_row_mean(sensor->refs[index]);
        add_field(fields + index * lanes, rows ? fields + (index + 1) * lanes : NULL, lanes, out,
                  weights);
        index += rows;
    }
    for (size_t lane = 0; sensor->gathering == GM_GATHERING_MEAN && lane < lanes; lane++) {
        out[lane] /= weights[lane] > 0.0 ? weights[lane] : 1.0;
    }
}

// ---- spans ----

// The unit of what a rate adds up to over seconds, in words where there are some.
static gm_status add_up_unit(const gm_sensor_reader *from, gm_error *error)
{
    gm_world_sensor *sensor = from->sensor;
    const char *unit = sensor->field_unit;
    size_t size = strlen(unit);
    char summed[GM_NAME_MAX];
    if (strcmp(unit, "W") == 0) {
        snprintf(summed, sizeof summed, "J");
    } else if (size > 2 && strcmp(unit + size - 2, "/s") == 0) {
        snprintf(summed, sizeof summed, "%.*s", (int)(size - 2), unit);
    } else {
        snprintf(summed, sizeof summed, "%s s", unit);
    }
    sensor->field_unit = gm_arena_text(from->reader->world->arena, summed, strlen(summed));
    return sensor->field_unit != NULL ? GM_OK : gm_world_no_memory(error);
}

// `averaged: 15 min`, or `averaged: true` for the time since the sample before.
static gm_status read_span(const gm_sensor_reader *from, gm_error *error)
{
    gm_world_sensor *sensor = from->sensor;
    gm_status status = GM_OK;
    const gm_config *chosen = NULL;
    for (size_t kind = GM_READING_NONE + 1; status == GM_OK && kind < GM_READINGS; kind++) {
        const gm_config *span = gm_config_get(from->config, reading_names[kind]);
        bool wanted = span != NULL;
        if (wanted && span->kind == GM_CONFIG_SCALAR &&
            (strcmp(span->text, "true") == 0 || strcmp(span->text, "false") == 0)) {
            status = gm_config_flag(span, &wanted, error);
        } else if (wanted) {
            status = gm_world_read_span(span, &sensor->span_ns, error);
        }
        if (status == GM_OK && wanted && chosen != NULL) {
            status = gm_error_at(error, GM_INVALID, span->key_place, "%s: the sensor is %s already",
                                 reading_names[kind], chosen->key);
        }
        if (wanted) {
            chosen = span;
            sensor->reading = (gm_reading)kind;
        }
    }
    if (status == GM_OK && chosen != NULL && sensor->is_driver) {
        status =
            gm_world_wrong_role(from->reader->world, sensor->ref, chosen->key_place,
                                "a state or an output (only they are seen over a span)", error);
    }
    return status;
}

gm_status gm_sensor_read_fields(const gm_sensor_reader *from, gm_error *error)
{
    const gm_world *world = from->reader->world;
    gm_world_sensor *sensor = from->sensor;
    gm_status status = find_fields(from, error);
    if (status == GM_OK) {
        gm_role role = gm_world_role(world, sensor->ref);
        sensor->field_unit = gm_world_field(world, sensor->ref)->unit;
        sensor->is_driver = role == GM_INPUT || role == GM_PARAMETER;
        status = read_span(from, error);
    }
    bool adds_up = sensor->reading == GM_READING_TOTALLED || sensor->reading == GM_READING_COUNTED;
    return status == GM_OK && adds_up ? add_up_unit(from, error) : status;
}

// ---- bias ----

gm_status gm_sensor_read_bias(const gm_sensor_reader *from, gm_error *error)
{
    gm_world_sensor *sensor = from->sensor;
    const gm_config *bias = gm_config_get(from->config, "bias"), *spread = NULL;
    if (bias == NULL) {
        return GM_OK;
    }
    if (sensor->is_driver) {
        return gm_world_wrong_role(from->reader->world, sensor->ref, bias->key_place,
                                   "a state or an output (what feeds the model has no bias that "
                                   "could be found)",
                                   error);
    }
    gm_status status = gm_config_is(bias, GM_CONFIG_MAP, "a map with `spread` and `drift`", error);
    if (status == GM_OK) {
        status = gm_config_only(bias, bias_keys, error);
    }
    if (status == GM_OK) {
        status = gm_config_need(bias, "spread", &spread, error);
    }
    if (status == GM_OK) {
        status = gm_sensor_read_number(from, spread, true, &sensor->bias_spread, error);
        bool flipped = sensor->to_si.factor < 0.0 && gm_sensor_unit_part(spread).size == 0;
        sensor->bias_spread *= flipped ? -1.0 : 1.0;
    }
    if (status == GM_OK && !(sensor->bias_spread > 0.0)) {
        status = gm_error_at(error, GM_INVALID, spread->place,
                             "spread: expected a standard deviation above zero, got '%.40s'",
                             spread->text);
    }
    const gm_config *drift = gm_config_get(bias, "drift");
    bool relative = false;
    if (status == GM_OK && drift != NULL) {
        status =
            gm_world_read_drift(drift, sensor->field_unit, &sensor->bias_drift, &relative, error);
    }
    if (status == GM_OK && relative) {
        status = gm_error_at(error, GM_INVALID, drift->place,
                             "drift: expected such as '0.1 %s/day', got '%.40s'",
                             sensor->field_unit, drift->text);
    }
    return status;
}
