// `sensors:` -> what each series measures or feeds, and how its raw values become SI.
//
// Within a sensor, a number without a unit is a raw value, as the sensor sends it; a number with
// one is what it says.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "world/sensor_reader.h"

enum { COLUMNS_MAX = 4096 };

static const char *const sensor_keys[] = { "field", "from",    "unit",  "scale",    "offset",
                                           "noise", "every",   "range", "columns",  "ahead",
                                           "delay", "of",      "bias",  "averaged", "totalled",
                                           "risen", "counted", NULL };
static const char *const sources[] = { "http", "csv", NULL };

static gm_status wrong_unit(const gm_config *config, const gm_error *why, gm_error *error)
{
    return gm_error_at(error, why->status, config->place, "%s: %s", config->key, why->text);
}

gm_text gm_sensor_unit_part(const gm_config *config)
{
    gm_text text = gm_text_trim(gm_text_of(config->text));
    double number;
    size_t used = gm_text_scan_f64(text, &number);
    return used == 0 ? gm_text_of("")
                     : gm_text_trim((gm_text){ text.data + used, text.size - used });
}

static gm_status between(const gm_sensor_reader *from, const char *unit, bool difference,
                         gm_conversion *conversion, gm_error *error)
{
    const char *field_unit = from->sensor->field_unit;
    *conversion = (gm_conversion){ 1.0, 0.0 };
    if (strcmp(unit, field_unit) == 0) {
        return GM_OK;
    }
    if (from->reader->world->units == NULL) {
        return gm_error_set(error, GM_INVALID, "'%s' is not '%s'", unit, field_unit);
    }
    return gm_units_between(from->reader->world->units, unit, field_unit, difference, conversion,
                            error);
}

static gm_status read_unit(const gm_sensor_reader *from, gm_error *error)
{
    gm_world_sensor *sensor = from->sensor;
    const gm_config *unit = gm_config_get(from->config, "unit");
    sensor->unit = sensor->field_unit;
    gm_status status = unit != NULL ? gm_config_text(unit, &sensor->unit, error) : GM_OK;
    gm_error why = { 0 };
    bool difference = sensor->reading > GM_READING_AVERAGED;
    if (status == GM_OK && between(from, sensor->unit, difference, &sensor->to_si, &why) != GM_OK) {
        status = wrong_unit(unit, &why, error);
    }
    if (status == GM_OK && sensor->gathering == GM_GATHERING_SUM && sensor->to_si.offset != 0.0) {
        status = gm_error_at(error, GM_INVALID, unit->place,
                             "unit: a sum has no unit that begins beside zero, as '%.40s' does",
                             sensor->unit);
    }
    return status;
}

// `scale: 125 W`: the raw value counts 125 W; `scale: 2`: the raw value counts double.
static gm_status read_scale(const gm_sensor_reader *from, gm_error *error)
{
    gm_world_sensor *sensor = from->sensor;
    const gm_config *scale = gm_config_get(from->config, "scale");
    if (scale == NULL) {
        return GM_OK;
    }
    const char *text = NULL;
    gm_status status = gm_config_text(scale, &text, error);
    if (status != GM_OK) {
        return status;
    }
    double factor = 1.0;
    if (gm_sensor_unit_part(scale).size == 0) {
        status = gm_config_number(scale, (gm_quantity){ .unit = "1" }, &factor, error);
        factor *= sensor->to_si.factor;
    } else if (gm_config_get(from->config, "unit") != NULL) {
        return gm_error_at(error, GM_INVALID, scale->place,
                           "scale: '%.40s' says the unit; leave out `unit`", text);
    } else {
        gm_quantity quantity = { .unit = sensor->field_unit, .difference = true };
        status = gm_config_number(scale, quantity, &factor, error);
        sensor->unit = text;
    }
    if (status == GM_OK && factor == 0.0) {
        status = gm_error_at(error, GM_INVALID, scale->place, "scale: zero loses every value");
    }
    sensor->to_si.factor = factor;
    return status;
}

gm_status gm_sensor_read_number(const gm_sensor_reader *from, const gm_config *config,
                                bool difference, double *value, gm_error *error)
{
    gm_quantity quantity = { .unit = from->sensor->field_unit, .difference = difference };
    double number = 0.0;
    gm_status status = gm_config_number(config, quantity, &number, error);
    if (status == GM_OK && gm_sensor_unit_part(config).size == 0) {
        number *= from->sensor->to_si.factor;
        number += difference ? 0.0 : from->sensor->to_si.offset;
    }
    if (status == GM_OK) {
        *value = number;
    }
    return status;
}

static gm_status read_range(const gm_sensor_reader *from, gm_error *error)
{
    gm_world_sensor *sensor = from->sensor;
    const gm_config *range = gm_config_get(from->config, "range");
    if (range == NULL) {
        return GM_OK;
    }
    gm_status status = gm_config_is(range, GM_CONFIG_LIST, "a list [min, max]", error);
    if (status == GM_OK && range->count != 2) {
        status = gm_error_at(error, GM_INVALID, range->place,
                             "range: expected [min, max], got %zu values", range->count);
    }
    double ends[2] = { 0.0, 0.0 };
    for (size_t index = 0; index < 2 && status == GM_OK; index++) {
        status = gm_sensor_read_number(from, &range->children[index], false, &ends[index], error);
    }
    if (status == GM_OK && !(ends[0] < ends[1]) && !(sensor->to_si.factor < 0.0)) {
        status = gm_error_at(error, GM_INVALID, range->place, "range: '%.40s' is not below '%.40s'",
                             range->children[0].text, range->children[1].text);
    }
    if (status == GM_OK) {
        sensor->min = fmin(ends[0], ends[1]);
        sensor->max = fmax(ends[0], ends[1]);
    }
    return status;
}

static gm_status read_values(const gm_sensor_reader *from, gm_error *error)
{
    gm_world_sensor *sensor = from->sensor;
    const gm_config *noise = gm_config_get(from->config, "noise"),
                    *offset = gm_config_get(from->config, "offset");
    bool negative = false;
    gm_status status = GM_OK;
    if (noise == NULL && !sensor->is_driver && sensor->reading != GM_READING_COUNTED) {
        status = gm_config_need(from->config, "noise", &noise, error);
    }
    if (status == GM_OK && noise != NULL) {
        status = gm_sensor_read_number(from, noise, true, &sensor->noise, error);
        bool flipped = sensor->to_si.factor < 0.0 && gm_sensor_unit_part(noise).size == 0;
        negative = flipped ? sensor->noise > 0.0 : sensor->noise < 0.0;
        sensor->noise = fabs(sensor->noise);
    }
    bool blind = sensor->noise == 0.0 && !sensor->is_driver;
    if (status == GM_OK && noise != NULL && (negative || blind)) {
        status = gm_error_at(error, GM_INVALID, noise->place,
                             "noise: expected a standard deviation above zero, got '%.40s'",
                             noise->text);
    }
    double shift = 0.0;
    if (status == GM_OK && offset != NULL) {
        status = gm_sensor_read_number(from, offset, true, &shift, error);
    }
    if (status == GM_OK) {
        sensor->to_si.offset += shift;
        status = read_range(from, error);
    }
    return status;
}

static gm_status read_times(const gm_sensor_reader *from, gm_error *error)
{
    const gm_config *every = gm_config_get(from->config, "every"),
                    *delay = gm_config_get(from->config, "delay");
    gm_status status = GM_OK;
    if (every != NULL) {
        status = gm_world_read_span(every, &from->sensor->every_ns, error);
    }
    if (status == GM_OK && delay != NULL) {
        status = gm_world_read_span(delay, &from->sensor->delay_ns, error);
    }
    return status;
}

static gm_status read_columns(const gm_sensor_reader *from, gm_error *error)
{
    gm_world_sensor *sensor = from->sensor;
    const gm_config *columns = gm_config_get(from->config, "columns");
    size_t count = columns != NULL ? columns->count : 1;
    gm_status status =
        columns != NULL ? gm_config_is(columns, GM_CONFIG_LIST, "a list of columns", error) : GM_OK;
    if (status == GM_OK && (count == 0 || count > COLUMNS_MAX)) {
        status = gm_error_at(error, GM_INVALID, columns->place,
                             "columns: expected 1 to %d names, got %zu", COLUMNS_MAX, count);
    }
    if (status != GM_OK) {
        return status;
    }
    const char **names = gm_arena_new(from->reader->world->arena, count, sizeof *names);
    if (names == NULL) {
        return gm_world_no_memory(error);
    }
    names[0] = sensor->name;
    for (size_t index = 0; columns != NULL && index < count && status == GM_OK; index++) {
        status = gm_config_text(&columns->children[index], &names[index], error);
    }
    sensor->columns = names;
    sensor->column_count = count;
    return status;
}

// A sensor on an input is the input's driver; looking ahead, its `ahead` rule.
static gm_status read_ahead(const gm_sensor_reader *from, size_t number, gm_error *error)
{
    gm_world *world = from->reader->world;
    gm_world_sensor *sensor = from->sensor;
    const gm_config *ahead = gm_config_get(from->config, "ahead");
    if (gm_world_role(world, sensor->ref) != GM_INPUT) {
        return ahead == NULL
                   ? GM_OK
                   : gm_world_wrong_role(world, sensor->ref, ahead->key_place,
                                         "an input (only inputs are driven ahead)", error);
    }
    gm_world_rule hold = { .kind = GM_RULE_HOLD, .stochastic = GM_NO_INDEX };
    gm_world_driver driver = {
        .ref = sensor->ref, .sensor = number, .past = hold, .ahead = hold, .place = sensor->place
    };
    gm_status status = GM_OK;
    if (ahead != NULL) {
        status = gm_world_read_rule(from->reader, ahead, sensor->ref, &driver.ahead, error);
    }
    return status == GM_OK ? gm_world_add_driver(world, &driver, &sensor->driver, error) : status;
}

static gm_status read_source(const gm_sensor_reader *from, gm_error *error)
{
    const gm_config *source = gm_config_get(from->config, "from");
    size_t choice = 0;
    gm_status status = source != NULL ? gm_config_choice(source, sources, &choice, error) : GM_OK;
    if (status == GM_OK) {
        from->sensor->from = sources[choice];
    }
    return status;
}

static gm_status read_sensor(gm_world_reader *reader, const gm_config *config, gm_error *error)
{
    gm_world *world = reader->world;
    gm_world_sensor sensor = { .name = config->key,
                               .place = config->key_place,
                               .to_si = { 1.0, 0.0 },
                               .min = -INFINITY,
                               .max = INFINITY,
                               .driver = GM_NO_INDEX };
    gm_sensor_reader from = { reader, config, &sensor };
    gm_status status = gm_world_check_name(config, "sensor", error);
    if (status == GM_OK) {
        status = gm_config_is(config, GM_CONFIG_MAP, "a map with `field`", error);
    }
    if (status == GM_OK) {
        status = gm_config_only(config, sensor_keys, error);
    }
    static gm_status (*const readers[])(const gm_sensor_reader *, gm_error *) = {
        gm_sensor_read_fields, read_source,         read_unit,  read_scale,
        read_values,           gm_sensor_read_bias, read_times, read_columns,
    };
    for (size_t at = 0; at < sizeof readers / sizeof *readers && status == GM_OK; at++) {
        status = readers[at](&from, error);
    }
    if (status == GM_OK) {
        status = read_ahead(&from, world->sensor_count, error);
    }
    if (status == GM_OK) {
        world->sensors[world->sensor_count++] = sensor;
    }
    return status;
}

typedef struct named_sensor {
    const char *name;
    uint32_t index;
} named_sensor;

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const named_sensor *)a)->name, ((const named_sensor *)b)->name);
}

static gm_status sort_sensors(gm_world *world, gm_error *error)
{
    named_sensor *sorted = gm_memory_new(world->sensor_count, sizeof *sorted);
    world->sensor_order = gm_memory_new(world->sensor_count, sizeof *world->sensor_order);
    if (sorted == NULL || world->sensor_order == NULL) {
        gm_memory_free(sorted);
        return gm_world_no_memory(error);
    }
    for (uint32_t index = 0; index < world->sensor_count; index++) {
        sorted[index] = (named_sensor){ world->sensors[index].name, index };
    }
    qsort(sorted, world->sensor_count, sizeof *sorted, compare_names);
    for (size_t index = 0; index < world->sensor_count; index++) {
        world->sensor_order[index] = sorted[index].index;
    }
    gm_memory_free(sorted);
    return GM_OK;
}

gm_status gm_world_read_sensors(gm_world_reader *reader, const gm_config *config, gm_error *error)
{
    gm_world *world = reader->world;
    if (config == NULL) {
        return GM_OK;
    }
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, "a map of sensors", error);
    if (status == GM_OK && config->count > GM_WORLD_SENSORS_MAX) {
        status = gm_error_at(error, GM_LIMIT, config->place, "more than %d sensors",
                             GM_WORLD_SENSORS_MAX);
    }
    if (status != GM_OK) {
        return status;
    }
    world->sensors = gm_memory_new(config->count, sizeof *world->sensors);
    if (world->sensors == NULL) {
        return gm_world_no_memory(error);
    }
    for (size_t index = 0; index < config->count && status == GM_OK; index++) {
        gm_error why = { 0 };
        status = read_sensor(reader, &config->children[index], &why);
        status = gm_reader_forgive(reader, status, &why, error);
    }
    return status == GM_OK ? sort_sensors(world, error) : status;
}

size_t gm_world_find_sensor(const gm_world *world, const char *name)
{
    size_t low = 0, high = world->sensor_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2, index = world->sensor_order[middle];
        int order = strcmp(name, world->sensors[index].name);
        if (order == 0) {
            return index;
        }
        high = order < 0 ? middle : high;
        low = order < 0 ? low : middle + 1;
    }
    return GM_NO_INDEX;
}
