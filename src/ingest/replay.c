// The forms of a recording: replay.h.
#include "ingest/replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/require.h"
#include "codec/csv.h"

enum { NAME_SIZE = 256, NANOSECOND_DIGITS = 9 };

// Values of one sensor that are known ahead, by time.
typedef struct known_series {
    int64_t *times_ns; // [count]
    double *values;    // [count] SI
    size_t count;
} known_series;

struct gm_replay {
    const gm_world *world;
    gm_replay_row *rows; // [count]
    size_t count, capacity;
    known_series *known; // [sensor_count]; count 0 where nobody asks
};

// What each column of the file is for.
typedef struct replay_columns {
    bool wide;
    size_t time, series, value, sequence; // GM_NO_INDEX: no such column
    size_t *first;                        // wide: [sensor_count + 1] places in `cells`
    size_t *cells;                        // wide: columns of all sensors, one after the other
} replay_columns;

typedef struct replay_reader {
    const gm_world *world;
    gm_csv *csv;
    gm_arena *arena;
    replay_columns columns;
    gm_replay *replay;
    size_t last_series; // rows of one series often follow each other
} replay_reader;

// ---- the header ----

static gm_status no_memory(gm_error *error)
{
    return gm_error_set(error, GM_MEMORY, "no memory for a recording");
}

static size_t find_column(const gm_csv_row *header, const char *name, const char *otherwise)
{
    size_t index = GM_NO_INDEX;
    if (!gm_csv_find(header, name, &index) && otherwise != NULL) {
        gm_csv_find(header, otherwise, &index);
    }
    return index;
}

static gm_status missing_column(replay_reader *reader, const gm_csv_row *header, const char *name,
                                gm_error *error)
{
    const char **names = gm_arena_new(reader->arena, header->count, sizeof *names);
    size_t count = 0;
    for (size_t index = 0; names != NULL && index < header->count; index++) {
        gm_text cell = gm_text_trim(header->cells[index]);
        names[count] = gm_arena_text(reader->arena, cell.data, cell.size);
        count += names[count] != NULL;
    }
    const char *near = gm_text_nearest(name, names, count);
    gm_place place = gm_csv_place(reader->csv, 0);
    return near != NULL ? gm_error_at(error, GM_INVALID, place,
                                      "there is no column '%s'; did you mean '%s'?", name, near)
                        : gm_error_at(error, GM_INVALID, place, "there is no column '%s'", name);
}

static bool declares_columns(const gm_world_sensor *sensor)
{
    return sensor->column_count != 1 || strcmp(sensor->columns[0], sensor->name) != 0;
}

/// Finds the columns of every sensor; one without declared columns may be missing.
static gm_status map_sensors(replay_reader *reader, const gm_csv_row *header, gm_error *error)
{
    const gm_world *world = reader->world;
    replay_columns *columns = &reader->columns;
    size_t total = 0, used = 0;
    for (size_t sensor = 0; sensor < world->sensor_count; sensor++) {
        total += world->sensors[sensor].column_count;
    }
    columns->first = gm_arena_new(reader->arena, world->sensor_count + 1, sizeof(size_t));
    columns->cells = gm_arena_new(reader->arena, total, sizeof(size_t));
    if (columns->first == NULL || columns->cells == NULL) {
        return no_memory(error);
    }
    for (size_t number = 0; number < world->sensor_count; number++) {
        const gm_world_sensor *sensor = &world->sensors[number];
        for (size_t index = 0; index < sensor->column_count; index++) {
            size_t column = find_column(header, sensor->columns[index], NULL);
            if (column == GM_NO_INDEX && declares_columns(sensor)) {
                return missing_column(reader, header, sensor->columns[index], error);
            }
            if (column != GM_NO_INDEX) {
                columns->cells[used++] = column;
            }
        }
        columns->first[number + 1] = used;
    }
    if (used == 0) {
        return gm_error_at(error, GM_INVALID, gm_csv_place(reader->csv, 0),
                           "no column belongs to a sensor of world '%s'; expected columns time, "
                           "series, value, or the sensors' own columns",
                           world->name);
    }
    return GM_OK;
}

static gm_status read_header(replay_reader *reader, const gm_csv_row *header, gm_error *error)
{
    replay_columns *columns = &reader->columns;
    const gm_world_replay *declared = &reader->world->replay;
    columns->series = find_column(header, "series", NULL);
    columns->value = find_column(header, "value", "v");
    columns->sequence = find_column(header, "seq", NULL);
    columns->wide = columns->series == GM_NO_INDEX;
    columns->time = declared->unit != GM_TIME_NONE
                        ? find_column(header, declared->time_column, NULL)
                        : find_column(header, "time", "t");
    if (columns->time == GM_NO_INDEX && !columns->wide) {
        columns->time = find_column(header, "time", "t");
    }
    if (columns->time == GM_NO_INDEX) {
        const char *name = declared->unit != GM_TIME_NONE ? declared->time_column : "time";
        return missing_column(reader, header, name, error);
    }
    if (columns->wide) {
        return map_sensors(reader, header, error);
    }
    return columns->value == GM_NO_INDEX ? missing_column(reader, header, "value", error) : GM_OK;
}

// ---- cells ----

/// Decimal seconds to nanoseconds without a detour over a double, which has not enough digits.
static bool seconds_to_ns(gm_text text, int64_t *time_ns)
{
    const char *point = memchr(text.data, '.', text.size);
    gm_text whole = { text.data, point != NULL ? (size_t)(point - text.data) : text.size };
    int64_t seconds = 0, fraction = 0;
    if (!gm_text_to_i64(whole, &seconds) || seconds < 0 || seconds > INT64_MAX / GM_SECOND_NS - 1) {
        return false;
    }
    size_t digits = 0;
    for (size_t at = whole.size + 1; at < text.size; at++) {
        if (text.data[at] < '0' || text.data[at] > '9') {
            return false;
        }
        if (digits < NANOSECOND_DIGITS) {
            fraction = 10 * fraction + (text.data[at] - '0');
            digits++;
        }
    }
    for (; digits < NANOSECOND_DIGITS; digits++) {
        fraction *= 10;
    }
    *time_ns = seconds * GM_SECOND_NS + fraction;
    return true;
}

static bool milliseconds_to_ns(gm_text text, int64_t *time_ns)
{
    const int64_t millisecond_ns = GM_SECOND_NS / 1000;
    int64_t count = 0;
    if (!gm_text_to_i64(text, &count) || count < 0 || count > INT64_MAX / millisecond_ns) {
        return false;
    }
    *time_ns = count * millisecond_ns;
    return true;
}

static bool iso_or_ns(gm_text text, int64_t *time_ns)
{
    return gm_text_to_i64(text, time_ns) || gm_time_parse(text, time_ns);
}

static const struct {
    bool (*parse)(gm_text text, int64_t *time_ns);
    const char *expected;
} time_forms[] = {
    [GM_TIME_NONE] = { iso_or_ns, "ISO 8601 or whole nanoseconds" },
    [GM_TIME_NS] = { gm_text_to_i64, "whole nanoseconds" },
    [GM_TIME_MS] = { milliseconds_to_ns, "whole milliseconds" },
    [GM_TIME_S] = { seconds_to_ns, "seconds since 1970" },
    [GM_TIME_ISO] = { gm_time_parse, "ISO 8601" },
};

static gm_status wrong_cell(const replay_reader *reader, const gm_csv_row *row, size_t cell,
                            const char *expected, gm_error *error)
{
    gm_text text = row->cells[cell];
    int size = text.size < 40 ? (int)text.size : 40;
    return gm_error_at(error, GM_INVALID, gm_csv_place(reader->csv, cell), "'%.*s': expected %s",
                       size, text.size > 0 ? text.data : "", expected);
}

static gm_status read_time(const replay_reader *reader, const gm_csv_row *row, int64_t *time_ns,
                           gm_error *error)
{
    gm_text text = gm_text_trim(row->cells[reader->columns.time]);
    gm_time_unit unit = reader->world->replay.unit;
    int64_t read_ns = -1;
    if (text.size == 0 || !time_forms[unit].parse(text, &read_ns) || read_ns < 0) {
        return wrong_cell(reader, row, reader->columns.time, time_forms[unit].expected, error);
    }
    *time_ns = read_ns;
    return GM_OK;
}

static bool is_word(gm_text text, const char *lower)
{
    for (size_t at = 0; at < text.size; at++) {
        // also 'T' and 'TRUE'; digits and points never match a letter
        if (lower[at] == '\0' || (text.data[at] | 0x20) != lower[at]) {
            return false;
        }
    }
    return text.size > 0 && lower[text.size] == '\0';
}

/// @param empty  out: the cell holds nothing
static gm_status read_value(const replay_reader *reader, const gm_csv_row *row, size_t cell,
                            double *value, bool *empty, gm_error *error)
{
    gm_text text = gm_text_trim(row->cells[cell]);
    *empty = text.size == 0;
    if (*empty || gm_csv_f64(reader->csv, text, value)) {
        return GM_OK;
    }
    if (is_word(text, "true") || is_word(text, "false")) {
        *value = is_word(text, "true") ? 1.0 : 0.0;
        return GM_OK;
    }
    return wrong_cell(reader, row, cell, "a number, true or false, or nothing", error);
}

// ---- rows ----

static gm_status add_row(replay_reader *reader, const gm_replay_row *row, gm_error *error)
{
    gm_replay *replay = reader->replay;
    if (replay->count == GM_REPLAY_ROWS_MAX) {
        return gm_error_at(error, GM_LIMIT, gm_csv_place(reader->csv, 0),
                           "a recording has at most %d samples", GM_REPLAY_ROWS_MAX);
    }
    if (replay->count == replay->capacity) {
        gm_replay_row *grown =
            gm_memory_grow(replay->rows, &replay->capacity, replay->count + 1, sizeof *grown);
        if (grown == NULL) {
            return no_memory(error);
        }
        replay->rows = grown;
    }
    replay->rows[replay->count++] = *row;
    return GM_OK;
}

static gm_status find_series(replay_reader *reader, const gm_csv_row *row, size_t *sensor,
                             gm_error *error)
{
    const gm_world *world = reader->world;
    gm_text name = gm_text_trim(row->cells[reader->columns.series]);
    if (reader->last_series != GM_NO_INDEX &&
        gm_text_equal(name, world->sensors[reader->last_series].name)) {
        *sensor = reader->last_series;
        return GM_OK;
    }
    char text[NAME_SIZE] = "";
    size_t size = name.size < sizeof text - 1 ? name.size : sizeof text - 1;
    memcpy(text, name.size > 0 ? name.data : "", size);
    size_t found = name.size == size ? gm_world_find_sensor(world, text) : GM_NO_INDEX;
    if (found != GM_NO_INDEX) {
        *sensor = reader->last_series = found;
        return GM_OK;
    }
    const char **names = gm_arena_new(reader->arena, world->sensor_count, sizeof *names);
    for (size_t index = 0; names != NULL && index < world->sensor_count; index++) {
        names[index] = world->sensors[index].name;
    }
    const char *near = names != NULL ? gm_text_nearest(text, names, world->sensor_count) : NULL;
    gm_place place = gm_csv_place(reader->csv, reader->columns.series);
    return near != NULL ? gm_error_at(error, GM_INVALID, place,
                                      "there is no sensor '%s'; did you mean '%s'?", text, near)
                        : gm_error_at(error, GM_INVALID, place, "there is no sensor '%s'", text);
}

static gm_status read_sequence(const replay_reader *reader, const gm_csv_row *row,
                               gm_replay_row *made, gm_error *error)
{
    size_t cell = reader->columns.sequence;
    gm_text text = cell != GM_NO_INDEX ? gm_text_trim(row->cells[cell]) : (gm_text){ 0 };
    int64_t sequence = 0;
    if (text.size == 0) {
        return GM_OK;
    }
    if (!gm_text_to_i64(text, &sequence) || sequence < 0) {
        return wrong_cell(reader, row, cell, "a whole number, not negative", error);
    }
    made->sequence = (uint64_t)sequence;
    made->has_sequence = true;
    return GM_OK;
}

static gm_status read_long(replay_reader *reader, const gm_csv_row *row, gm_error *error)
{
    gm_replay_row made = { 0 };
    bool empty = false;
    gm_status status = read_time(reader, row, &made.time_ns, error);
    if (status == GM_OK) {
        status = find_series(reader, row, &made.sensor, error);
    }
    if (status == GM_OK) {
        status = read_sequence(reader, row, &made, error);
    }
    if (status == GM_OK) {
        status = read_value(reader, row, reader->columns.value, &made.value, &empty, error);
    }
    return status == GM_OK && !empty ? add_row(reader, &made, error) : status;
}

static gm_status read_wide(replay_reader *reader, const gm_csv_row *row, gm_error *error)
{
    const replay_columns *columns = &reader->columns;
    gm_replay_row made = { 0 };
    gm_status status = read_time(reader, row, &made.time_ns, error);
    for (size_t sensor = 0; sensor < reader->world->sensor_count; sensor++) {
        size_t begin = columns->first[sensor], end = columns->first[sensor + 1];
        double sum = 0.0;
        bool lacks = begin == end;
        for (size_t index = begin; status == GM_OK && index < end; index++) {
            double value = 0.0;
            bool empty = false;
            status = read_value(reader, row, columns->cells[index], &value, &empty, error);
            sum += value;
            lacks = lacks || empty;
        }
        if (status == GM_OK && !lacks) {
            made.sensor = sensor;
            made.value = sum / (double)(end - begin);
            status = add_row(reader, &made, error);
        }
    }
    return status;
}

static gm_status read_rows(replay_reader *reader, gm_error *error)
{
    gm_csv_got got = GM_CSV_END;
    gm_csv_row row = { 0 };
    gm_status status = gm_csv_next(reader->csv, &got, &row, error);
    if (status == GM_OK && got != GM_CSV_ROW) {
        gm_place start = { gm_csv_place(reader->csv, 0).file, 1, 1 };
        return gm_error_at(error, GM_INVALID, start,
                           "an empty file; expected a first row with the names of the columns");
    }
    if (status == GM_OK) {
        status = read_header(reader, &row, error);
    }
    while (status == GM_OK) {
        status = gm_csv_next(reader->csv, &got, &row, error);
        if (status != GM_OK || got != GM_CSV_ROW) {
            return status;
        }
        status =
            reader->columns.wide ? read_wide(reader, &row, error) : read_long(reader, &row, error);
    }
    return status;
}

// ---- what is known ahead ----

static bool is_known_ahead(const gm_world *world, size_t sensor)
{
    size_t driver = world->sensors[sensor].driver;
    return driver != GM_NO_INDEX && world->drivers[driver].ahead.kind == GM_RULE_KNOWN;
}

typedef struct known_value {
    int64_t time_ns;
    size_t order; // the later row of one time wins
    double value;
} known_value;

static int by_time(const void *a, const void *b)
{
    const known_value *one = a, *other = b;
    if (one->time_ns != other->time_ns) {
        return one->time_ns < other->time_ns ? -1 : 1;
    }
    return one->order < other->order ? -1 : one->order > other->order;
}

static gm_status index_sensor(gm_replay *replay, size_t number, gm_error *error)
{
    const gm_world_sensor *sensor = &replay->world->sensors[number];
    known_series *series = &replay->known[number];
    size_t count = 0;
    for (size_t index = 0; index < replay->count; index++) {
        count += replay->rows[index].sensor == number;
    }
    known_value *values = gm_memory_new(count, sizeof *values);
    series->times_ns = gm_memory_new(count, sizeof *series->times_ns);
    series->values = gm_memory_new(count, sizeof *series->values);
    if (values == NULL || series->times_ns == NULL || series->values == NULL) {
        gm_memory_free(values);
        return no_memory(error);
    }
    size_t at = 0;
    for (size_t index = 0; index < replay->count; index++) {
        const gm_replay_row *row = &replay->rows[index];
        if (row->sensor == number) {
            double value = row->value * sensor->to_si.factor + sensor->to_si.offset;
            values[at++] = (known_value){ row->time_ns - sensor->delay_ns, index, value };
        }
    }
    qsort(values, count, sizeof *values, by_time);
    for (size_t index = 0; index < count; index++) {
        series->times_ns[index] = values[index].time_ns;
        series->values[index] = values[index].value;
    }
    series->count = count;
    gm_memory_free(values);
    return GM_OK;
}

static gm_status index_known(gm_replay *replay, gm_error *error)
{
    const gm_world *world = replay->world;
    replay->known = gm_memory_new(world->sensor_count, sizeof *replay->known);
    gm_status status = replay->known == NULL ? no_memory(error) : GM_OK;
    for (size_t sensor = 0; status == GM_OK && sensor < world->sensor_count; sensor++) {
        if (is_known_ahead(world, sensor)) {
            status = index_sensor(replay, sensor, error);
        }
    }
    return status;
}

// ---- outside ----

gm_status gm_replay_read(const gm_world *world, const char *file, gm_text bytes, gm_replay **replay,
                         gm_error *error)
{
    replay_reader reader = { .world = world, .last_series = GM_NO_INDEX };
    gm_csv_options options = gm_default_csv();
    options.file = file;
    options.separator = world->replay.unit != GM_TIME_NONE ? world->replay.separator : '\0';
    reader.arena = gm_arena_create(0);
    reader.replay = gm_memory_new(1, sizeof *reader.replay);
    gm_status status = reader.arena == NULL || reader.replay == NULL ? no_memory(error) : GM_OK;
    if (status == GM_OK) {
        reader.replay->world = world;
        status = gm_csv_create(&options, &reader.csv, error);
    }
    if (status == GM_OK) {
        gm_csv_feed(reader.csv, bytes.data, bytes.size, true);
        status = read_rows(&reader, error);
    }
    if (status == GM_OK) {
        status = index_known(reader.replay, error);
    }
    gm_csv_close(reader.csv);
    gm_arena_close(reader.arena);
    if (status != GM_OK) {
        gm_replay_close(reader.replay);
        return status;
    }
    *replay = reader.replay;
    return GM_OK;
}

void gm_replay_close(gm_replay *replay)
{
    if (replay == NULL) {
        return;
    }
    for (size_t sensor = 0; replay->known != NULL && sensor < replay->world->sensor_count;
         sensor++) {
        gm_memory_free(replay->known[sensor].times_ns);
        gm_memory_free(replay->known[sensor].values);
    }
    gm_memory_free(replay->known);
    gm_memory_free(replay->rows);
    gm_memory_free(replay);
}

const gm_replay_row *gm_replay_rows(const gm_replay *replay, size_t *count)
{
    *count = replay->count;
    return replay->rows;
}

double gm_replay_known(void *replay, size_t sensor, int64_t time_ns)
{
    const gm_replay *from = replay;
    GM_REQUIRE(sensor < from->world->sensor_count);
    const known_series *series = &from->known[sensor];
    size_t low = 0, high = series->count; // times before `low` are <= time_ns
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (series->times_ns[middle] <= time_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return NAN;
    }
    // the mean over the cycle: a heater that is switched as often as it is asked for must not be
    // missed, or caught, every time
    int64_t at_ns = time_ns, end_ns = time_ns + from->world->cycle_ns;
    double value = series->values[low - 1], sum = 0.0;
    for (; low < series->count && series->times_ns[low] < end_ns; low++) {
        sum += value * (double)(series->times_ns[low] - at_ns);
        at_ns = series->times_ns[low];
        value = series->values[low];
    }
    return at_ns == time_ns ? value
                            : (sum + value * (double)(end_ns - at_ns)) / (double)(end_ns - time_ns);
}
