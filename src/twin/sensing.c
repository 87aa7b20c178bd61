// Readings in lanes: spans and biases. sensing.h.
//
// A span is kept as pieces: integrals of the field between moments at which one piece ended and the
// next began, by the trapezoid rule over the stops of a cycle. What a sensor tells of the time up
// to now is the sum of the pieces in its span, of the one that the span begins in as much as lies
// within, by its mean and the slope to that of the next. Pieces end at the sensor's own samples, so
// spans that follow each other are summed exactly.
#include "twin/sensing.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "twin/estimator_parts.h"

enum {
    PURPOSE_BIAS = 24,
    PURPOSE_BIAS_WALK,
    OVERLAP_MAX = 16,                 // samples whose spans overlap, at most
    PIECES_MAX = 2 * OVERLAP_MAX + 1, // so that pieces of half the usual length cover a span
};

static const double covered_least = 0.9; // of a span, to be taken for the whole of it
static const double count_least = 1.0;   // variance of a count where next to none is expected

/// Memory of one sensor, part of the state. Its rows stand behind all of these.
typedef struct span_memory {
    uint64_t name; // of the sensor and what it reads
    int64_t at_ns; // up to where pieces reach
    uint64_t count;
    int64_t starts_ns[PIECES_MAX]; // [count] of pieces, the oldest first
} span_memory;

/// What the section holds of one sensor: rows of lanes.
typedef struct part {
    size_t sensor, group;
    uint64_t name;
    size_t pieces;   // most of them; 0: it reads an instant
    int64_t step_ns; // a piece that is older ends; INT64_MAX: samples alone end it
    bool biased;
    size_t row; // first of its rows
} part;

struct gm_sensing {
    part *parts; // [part_count]
    size_t part_count, row_count;
    size_t *part_of;   // [sensor_count]; GM_NO_INDEX: nothing to remember
    size_t *rows;      // [cell_count] of the analysis
    gm_ref *span_refs; // [span_ref_count] fields of sensors with a span, by part
    size_t span_ref_count;
    gm_bias *published; // [part_count]
    double *fields;     // [most refs at once][lanes]
    double *now;        // [lanes]
    double *weights;    // [lanes]
};

// ---- plans ----

/// A part's rows: the field as it was last, if it has a span; the bias, if there is one; pieces.
static size_t bias_row(const part *of)
{
    return of->row + (of->pieces > 0);
}

static size_t piece_row(const part *of, size_t piece)
{
    return bias_row(of) + of->biased + piece;
}

/// How many an analysis moves, from bias_row on.
static size_t moved_rows(const part *of)
{
    return of->biased + of->pieces;
}

static bool remembers(const gm_world_sensor *sensor)
{
    return sensor->reading != GM_READING_NONE || sensor->bias_spread > 0.0;
}

/// How many samples of a sensor tell of the same moment.
static size_t overlap_of(const gm_world_sensor *sensor)
{
    if (sensor->every_ns <= 0 || sensor->every_ns >= sensor->span_ns) {
        return 1;
    }
    int64_t ratio = (sensor->span_ns + sensor->every_ns - 1) / sensor->every_ns;
    return ratio < OVERLAP_MAX ? (size_t)ratio : OVERLAP_MAX;
}

static size_t pieces_of(const gm_world_sensor *sensor)
{
    if (sensor->reading == GM_READING_NONE) {
        return 0;
    }
    return sensor->span_ns == 0 ? 1 : 2 * overlap_of(sensor) + 1;
}

static size_t rows_of(const gm_world_sensor *sensor)
{
    size_t pieces = pieces_of(sensor);
    return (sensor->bias_spread > 0.0) + pieces + (pieces > 0);
}

size_t gm_sensing_size(const gm_world *world, size_t lanes)
{
    size_t parts = 0, rows = 0;
    for (size_t sensor = 0; sensor < world->sensor_count; sensor++) {
        if (remembers(&world->sensors[sensor])) {
            parts++;
            rows += rows_of(&world->sensors[sensor]);
        }
    }
    return parts * sizeof(span_memory) + rows * lanes * sizeof(double);
}

static uint64_t name_of(const gm_world *world, const gm_world_sensor *sensor)
{
    char address[4 * GM_NAME_MAX] = { 0 };
    gm_world_address(world, sensor->ref, address, sizeof address);
    const uint64_t kind[] = { sensor->reading, sensor->gathering, (uint64_t)sensor->span_ns,
                              sensor->ref_count, rows_of(sensor) };
    uint64_t hash = gm_hash(sensor->name, strlen(sensor->name), 0);
    hash = gm_hash(address, strlen(address), hash);
    hash = gm_hash(kind, sizeof kind, hash);
    return hash != 0 ? hash : 1;
}

static part part_for(const gm_world *world, size_t number)
{
    const gm_world_sensor *sensor = &world->sensors[number];
    return (part){ .sensor = number,
                   .group = world->systems[sensor->ref.system].group,
                   .name = name_of(world, sensor),
                   .pieces = pieces_of(sensor),
                   .step_ns = sensor->span_ns > 0 ? sensor->span_ns / (int64_t)overlap_of(sensor)
                                                  : INT64_MAX,
                   .biased = sensor->bias_spread > 0.0 };
}

/// Counts, and the most fields that are read at once.
static size_t measure(const gm_world *world, struct gm_sensing *sensing)
{
    size_t most = 0;
    for (size_t number = 0; number < world->sensor_count; number++) {
        const gm_world_sensor *sensor = &world->sensors[number];
        size_t refs = gm_sensor_ref_count(sensor);
        sensing->part_count += remembers(sensor);
        if (sensor->reading != GM_READING_NONE) {
            sensing->span_ref_count += refs;
        } else if (sensor->gathering != GM_GATHERING_NONE) {
            most = refs > most ? refs : most;
        }
    }
    return sensing->span_ref_count > most ? sensing->span_ref_count : most;
}

static void plan_parts(const gm_twin *twin, struct gm_sensing *sensing)
{
    const gm_world *world = twin->world;
    size_t used = 0, refs = 0;
    for (size_t number = 0; number < world->sensor_count; number++) {
        const gm_world_sensor *sensor = &world->sensors[number];
        sensing->part_of[number] = GM_NO_INDEX;
        if (!remembers(sensor)) {
            continue;
        }
        part made = part_for(world, number);
        made.row = sensing->row_count;
        sensing->row_count += rows_of(sensor);
        sensing->rows[twin->estimator.cell_of_sensor[number]] += moved_rows(&made);
        sensing->part_of[number] = used;
        sensing->parts[used++] = made;
        if (made.pieces > 0) {
            memcpy(sensing->span_refs + refs, gm_sensor_refs(sensor),
                   gm_sensor_ref_count(sensor) * sizeof(gm_ref));
            refs += gm_sensor_ref_count(sensor);
        }
    }
}

gm_status gm_sensing_open(gm_twin *twin, gm_error *error)
{
    const gm_world *world = twin->world;
    struct gm_sensing *sensing = gm_arena_new(twin->arena, 1, sizeof *sensing);
    if (sensing == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for readings");
    }
    size_t fields = measure(world, sensing);
    const struct {
        void *at; // of a pointer
        size_t count, size;
    } rooms[] = {
        { &sensing->parts, sensing->part_count, sizeof(part) },
        { &sensing->part_of, world->sensor_count, sizeof(size_t) },
        { &sensing->published, sensing->part_count, sizeof(gm_bias) },
        { &sensing->rows, twin->estimator.cell_count, sizeof(size_t) },
        { &sensing->span_refs, sensing->span_ref_count, sizeof(gm_ref) },
        { &sensing->fields, fields * twin->lanes, sizeof(double) },
        { &sensing->now, twin->lanes, sizeof(double) },
        { &sensing->weights, twin->lanes, sizeof(double) },
    };
    for (size_t index = 0; index < sizeof rooms / sizeof *rooms; index++) {
        void *room = gm_arena_new(twin->arena, rooms[index].count, rooms[index].size);
        if (room == NULL) {
            return gm_error_set(error, GM_MEMORY, "no memory for readings");
        }
        memcpy(rooms[index].at, &room, sizeof room);
    }
    plan_parts(twin, sensing);
    twin->sensing = sensing;
    return GM_OK;
}

// ---- places of the section ----

static const span_memory *memory_in(const gm_twin *twin, const gm_state *state, const part *of)
{
    const span_memory *all = gm_state_section(state, SECTION_SENSING);
    return all + (of - twin->sensing->parts);
}

/// A row of the live state, which has its own copy of the section. @param memories  its beginning
static double *row_at(const gm_twin *twin, span_memory *memories, size_t row)
{
    double *rows = (double *)(void *)(memories + twin->sensing->part_count);
    return rows + row * twin->lanes;
}

static const double *row_in(const gm_twin *twin, const gm_state *state, size_t row)
{
    const span_memory *all = gm_state_section(state, SECTION_SENSING);
    const double *rows = (const double *)(const void *)(all + twin->sensing->part_count);
    return rows + row * twin->lanes;
}

bool gm_sensing_own(gm_twin *twin)
{
    return twin->sensing->part_count == 0 ||
           gm_state_section_write(twin->state, SECTION_SENSING) != NULL;
}

static const part *part_of(const gm_twin *twin, size_t sensor)
{
    size_t number = twin->sensing->part_of[sensor];
    return number != GM_NO_INDEX ? &twin->sensing->parts[number] : NULL;
}

// ---- fields ----

/// What a sensor makes of its fields. @param values  [its fields][lanes]
static void fold(const gm_twin *twin, const gm_world_sensor *sensor, const double *values,
                 double *out)
{
    gm_sensor_gather(sensor, values, twin->lanes, twin->sensing->weights, out);
}

/// Reads the fields of all spans into sensing->fields.
static gm_status read_spans(gm_twin *twin, const gm_state *state, gm_error *error)
{
    const struct gm_sensing *sensing = twin->sensing;
    return gm_state_read_many(state, sensing->span_refs, sensing->span_ref_count, sensing->fields,
                              error);
}

// ---- spans ----

/// A piece ends and the next begins; the oldest leaves when there are too many.
static void begin_piece(const gm_twin *twin, const part *of, span_memory *memories)
{
    span_memory *own = memories + (of - twin->sensing->parts);
    double *pieces = row_at(twin, memories, piece_row(of, 0));
    if (own->count == of->pieces) {
        own->count--;
        memmove(own->starts_ns, own->starts_ns + 1, own->count * sizeof *own->starts_ns);
        memmove(pieces, pieces + twin->lanes, own->count * twin->lanes * sizeof *pieces);
    }
    memset(pieces + own->count * twin->lanes, 0, twin->lanes * sizeof *pieces);
    own->starts_ns[own->count++] = own->at_ns;
}

/// The newest piece grows up to time_ns, at which the field is `now`.
static void grow(const gm_twin *twin, const part *of, span_memory *memories, int64_t time_ns)
{
    span_memory *own = memories + (of - twin->sensing->parts);
    const double *now = twin->sensing->now, *last = row_at(twin, memories, of->row);
    bool rises = twin->world->sensors[of->sensor].reading == GM_READING_RISEN;
    double half_s = 0.5e-9 * (double)(time_ns - own->at_ns);
    double *piece = own->count > 0 ? row_at(twin, memories, piece_row(of, own->count - 1)) : NULL;
    for (size_t lane = 0; piece != NULL && lane < twin->lanes; lane++) {
        double more = rises ? now[lane] - last[lane] : half_s * (now[lane] + last[lane]);
        piece[lane] += isfinite(more) ? more : 0.0; // such a lane is replaced
    }
    own->at_ns = time_ns;
    if (own->count > 0 && time_ns - own->starts_ns[own->count - 1] >= of->step_ns) {
        begin_piece(twin, of, memories);
    }
}

/// At the live state's time: spans grow if they do, and the fields are remembered.
static gm_status look_at_spans(gm_twin *twin, bool grows, gm_error *error)
{
    const struct gm_sensing *sensing = twin->sensing;
    if (sensing->span_ref_count == 0) {
        return GM_OK;
    }
    int64_t time_ns = gm_state_time(twin->state);
    span_memory *memories = gm_state_section_write(twin->state, SECTION_SENSING);
    gm_status status = memories == NULL ? gm_error_set(error, GM_MEMORY, "no memory for a state")
                                        : read_spans(twin, twin->state, error);
    const double *fields = sensing->fields;
    for (size_t index = 0; status == GM_OK && index < sensing->part_count; index++) {
        const part *of = &sensing->parts[index];
        const gm_world_sensor *sensor = &twin->world->sensors[of->sensor];
        if (of->pieces == 0) {
            continue;
        }
        fold(twin, sensor, fields, sensing->now);
        fields += gm_sensor_ref_count(sensor) * twin->lanes;
        if (grows && time_ns > memories[index].at_ns) {
            grow(twin, of, memories, time_ns);
        }
        memcpy(row_at(twin, memories, of->row), sensing->now, twin->lanes * sizeof *sensing->now);
    }
    return status;
}

gm_status gm_sensing_gather(gm_twin *twin, gm_error *error)
{
    return look_at_spans(twin, true, error);
}

gm_status gm_sensing_mark(gm_twin *twin, gm_error *error)
{
    return look_at_spans(twin, false, error);
}

void gm_sensing_spoke(gm_twin *twin, size_t sensor)
{
    const part *of = part_of(twin, sensor);
    if (of == NULL || of->pieces == 0) {
        return;
    }
    span_memory *memories = gm_state_section_write(twin->state, SECTION_SENSING);
    const span_memory *own = memories + (of - twin->sensing->parts);
    bool fresh = own->count > 0 && of->step_ns != INT64_MAX &&
                 own->at_ns - own->starts_ns[own->count - 1] < of->step_ns / 2;
    if (!fresh) {
        begin_piece(twin, of, memories);
    }
}

// ---- the beginning ----

static gm_status begin_part(gm_twin *twin, gm_state *state, const part *of, gm_error *error)
{
    const gm_world_sensor *sensor = &twin->world->sensors[of->sensor];
    span_memory *memories = gm_state_section_write(state, SECTION_SENSING);
    if (memories == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a state");
    }
    span_memory *own = memories + (of - twin->sensing->parts);
    memset(own, 0, sizeof *own);
    memset(row_at(twin, memories, of->row), 0, rows_of(sensor) * twin->lanes * sizeof(double));
    own->name = of->name;
    own->at_ns = gm_state_time(state);
    if (of->biased) {
        gm_shake how = { .element = of->sensor, .purpose = PURPOSE_BIAS };
        for (size_t each = 0; each < twin->world->hypothesis_count; each++) {
            how.sizes[each] = sensor->bias_spread;
        }
        gm_shake_lanes(twin, &how, row_at(twin, memories, bias_row(of)));
    }
    if (of->pieces == 0) {
        return GM_OK;
    }
    if (sensor->span_ns > 0) {
        begin_piece(twin, of, memories);
    }
    double *fields = twin->sensing->fields;
    gm_status status = gm_state_read_many(state, gm_sensor_refs(sensor),
                                          gm_sensor_ref_count(sensor), fields, error);
    if (status == GM_OK) {
        fold(twin, sensor, fields, row_at(twin, memories, of->row));
    }
    return status;
}

gm_status gm_sensing_begin(gm_twin *twin, gm_state *state, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < twin->sensing->part_count; index++) {
        status = begin_part(twin, state, &twin->sensing->parts[index], error);
    }
    return status;
}

gm_status gm_sensing_check(gm_twin *twin, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < twin->sensing->part_count; index++) {
        const part *of = &twin->sensing->parts[index];
        if (memory_in(twin, twin->state, of)->name != of->name) {
            status = begin_part(twin, twin->state, of, error);
        }
    }
    return status;
}

// ---- readings ----

bool gm_sensing_ready(const gm_twin *twin, size_t sensor)
{
    const part *of = part_of(twin, sensor);
    if (of == NULL || of->pieces == 0) {
        return true;
    }
    const span_memory *own = memory_in(twin, twin->state, of);
    double span_ns = (double)twin->world->sensors[sensor].span_ns;
    double covered_ns = own->count > 0 ? (double)(own->at_ns - own->starts_ns[0]) : 0.0;
    return covered_ns > 0.0 && covered_ns >= covered_least * span_ns;
}

/// Where a piece ends.
static int64_t end_of(const span_memory *own, size_t piece)
{
    return piece + 1 < own->count ? own->starts_ns[piece + 1] : own->at_ns;
}

/// How much of each piece lies in the time used. Of one that begins before it, a share; and as the
/// field goes on from its mean to that of the next one, what it was more or less in that share.
/// @param weights  out, [count]
static void weigh_pieces(const span_memory *own, double used_ns, double *weights)
{
    double next_ns = 0.0; // length of the next piece
    for (size_t piece = own->count; piece-- > 0;) {
        double length_ns = (double)(end_of(own, piece) - own->starts_ns[piece]);
        double within_ns = used_ns - (double)(own->at_ns - end_of(own, piece));
        bool whole = within_ns >= length_ns;
        weights[piece] = whole ? 1.0 : fmax(within_ns, 0.0) / length_ns;
        if (!whole && within_ns > 0.0 && next_ns > 0.0) {
            double tilt =
                weights[piece] * (1.0 - weights[piece]) * length_ns / (length_ns + next_ns);
            weights[piece] -= tilt;
            weights[piece + 1] += tilt * length_ns / next_ns;
        }
        next_ns = length_ns;
    }
}

/// What a sensor reads of its span.
static void read_span(const gm_twin *twin, const part *of, double *out)
{
    const gm_world_sensor *sensor = &twin->world->sensors[of->sensor];
    const span_memory *own = memory_in(twin, twin->state, of);
    double covered_ns = (double)(own->at_ns - own->starts_ns[0]), span_ns = (double)sensor->span_ns;
    double used_ns = span_ns > 0.0 ? fmin(span_ns, covered_ns) : covered_ns;
    double scale = sensor->reading == GM_READING_AVERAGED ? 1e9 / used_ns
                   : span_ns > 0.0                        ? span_ns / used_ns
                                                          : 1.0;
    double weights[PIECES_MAX];
    weigh_pieces(own, used_ns, weights);
    memset(out, 0, twin->lanes * sizeof *out);
    for (size_t piece = 0; piece < own->count; piece++) {
        const double *values = row_in(twin, twin->state, piece_row(of, piece));
        for (size_t lane = 0; weights[piece] != 0.0 && lane < twin->lanes; lane++) {
            out[lane] += scale * weights[piece] * values[lane];
        }
    }
}

gm_status gm_sensing_predict(gm_twin *twin, const gm_arrived *const *entries, size_t count,
                             double *predictions, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        const gm_world_sensor *sensor = &twin->world->sensors[entries[index]->sample.sensor];
        const part *of = part_of(twin, entries[index]->sample.sensor);
        double *own = predictions + index * twin->lanes, *fields = twin->sensing->fields;
        if (of != NULL && of->pieces > 0) {
            read_span(twin, of, own);
        } else if (sensor->gathering != GM_GATHERING_NONE) {
            status =
                gm_state_read_many(twin->state, sensor->refs, sensor->ref_count, fields, error);
            if (status == GM_OK) {
                fold(twin, sensor, fields, own);
            }
        }
        const double *bias =
            of != NULL && of->biased ? row_in(twin, twin->state, bias_row(of)) : NULL;
        for (size_t lane = 0; bias != NULL && lane < twin->lanes; lane++) {
            own[lane] += bias[lane];
        }
    }
    return status;
}

double gm_sensing_variance(const gm_twin *twin, size_t number, const double *predictions,
                           double declared)
{
    const gm_world_sensor *sensor = &twin->world->sensors[number];
    if (sensor->reading != GM_READING_COUNTED) {
        return declared;
    }
    double sum = 0.0, lanes = 0.0, one = sensor->to_si.factor;
    for (size_t lane = 0; lane < twin->lanes; lane++) {
        if (!gm_state_lane_failed(twin->state, lane)) {
            sum += predictions[lane];
            lanes += 1.0;
        }
    }
    double expected = lanes > 0.0 ? sum / lanes / one : 0.0;
    return fmax(expected, count_least) * one * one + sensor->noise * sensor->noise;
}

// ---- rows of an analysis ----

size_t gm_sensing_rows(const gm_twin *twin, size_t cell)
{
    return twin->sensing->rows[cell];
}

size_t gm_sensing_rows_most(const gm_twin *twin)
{
    size_t most = 0;
    for (size_t cell = 0; cell < twin->estimator.cell_count; cell++) {
        most = twin->sensing->rows[cell] > most ? twin->sensing->rows[cell] : most;
    }
    return most;
}

void gm_sensing_read(const gm_twin *twin, size_t cell, gm_lane_list lanes, double *rows)
{
    const gm_cell_plan *plan = &twin->estimator.cells[cell];
    bool any = twin->sensing->rows[cell] > 0;
    for (size_t index = 0; any && index < plan->sensor_count; index++) {
        const part *of = part_of(twin, plan->sensors[index]);
        for (size_t row = 0; of != NULL && row < moved_rows(of); row++) {
            const double *values = row_in(twin, twin->state, bias_row(of) + row);
            for (size_t lane = 0; lane < lanes.count; lane++) {
                *rows++ = values[lanes.numbers[lane]];
            }
        }
    }
}

void gm_sensing_write(gm_twin *twin, size_t cell, gm_lane_list lanes, const double *rows)
{
    const gm_cell_plan *plan = &twin->estimator.cells[cell];
    bool any = twin->sensing->rows[cell] > 0;
    for (size_t index = 0; any && index < plan->sensor_count; index++) {
        const part *of = part_of(twin, plan->sensors[index]);
        span_memory *memories = gm_state_section_write(twin->state, SECTION_SENSING);
        for (size_t row = 0; of != NULL && row < moved_rows(of); row++) {
            double *values = row_at(twin, memories, bias_row(of) + row);
            for (size_t lane = 0; lane < lanes.count; lane++) {
                values[lanes.numbers[lane]] = *rows++;
            }
        }
    }
}

// ---- biases and lanes ----

void gm_sensing_walk(gm_twin *twin, int64_t elapsed_ns)
{
    double root_s = sqrt((double)elapsed_ns * 1e-9);
    for (size_t index = 0; index < twin->sensing->part_count; index++) {
        const part *of = &twin->sensing->parts[index];
        double drift = twin->world->sensors[of->sensor].bias_drift;
        if (!of->biased || !(drift > 0.0)) {
            continue;
        }
        gm_shake how = { .element = of->sensor,
                         .purpose = PURPOSE_BIAS_WALK,
                         .occurrence = gm_state_tick(twin->state) };
        for (size_t each = 0; each < twin->world->hypothesis_count; each++) {
            how.sizes[each] = drift * root_s;
        }
        span_memory *memories = gm_state_section_write(twin->state, SECTION_SENSING);
        gm_shake_lanes(twin, &how, row_at(twin, memories, bias_row(of)));
    }
}

void gm_sensing_resample(gm_twin *twin, size_t group, const uint32_t *source)
{
    const struct gm_sensing *sensing = twin->sensing;
    double *before = sensing->now;
    for (size_t index = 0; index < sensing->part_count; index++) {
        const part *of = &sensing->parts[index];
        span_memory *memories = gm_state_section_write(twin->state, SECTION_SENSING);
        size_t end = piece_row(of, of->pieces);
        for (size_t row = of->row; (group == GM_NO_INDEX || of->group == group) && row < end;
             row++) {
            double *values = row_at(twin, memories, row);
            memcpy(before, values, twin->lanes * sizeof *values);
            for (size_t lane = 0; lane < twin->lanes; lane++) {
                values[lane] = before[source[lane]];
            }
        }
    }
}

gm_bias gm_sensing_bias(const gm_twin *twin, const gm_state *state, size_t sensor)
{
    const part *of = part_of(twin, sensor);
    if (of == NULL || !of->biased) {
        return (gm_bias){ NAN, NAN };
    }
    double weights[GM_HYPOTHESES], means[GM_HYPOTHESES], squares[GM_HYPOTHESES];
    const double *values = row_in(twin, state, bias_row(of));
    gm_hypotheses_weights(twin->world, state, twin->estimator.cell_of_sensor[sensor], weights);
    gm_bias all = { 0 };
    for (size_t each = 0; each < twin->world->hypothesis_count; each++) {
        double count = 0.0, sum = 0.0, square = 0.0;
        for (size_t lane = each * twin->distinct; lane < (each + 1) * twin->distinct; lane++) {
            if (!gm_state_lane_failed(state, lane)) {
                count += 1.0;
                double apart = values[lane] - sum;
                sum += apart / count; // the running mean
                square += apart * (values[lane] - sum);
            }
        }
        means[each] = sum;
        squares[each] = count > 1.0 ? square / (count - 1.0) : 0.0;
        all.mean += weights[each] * sum;
    }
    double variance = 0.0;
    for (size_t each = 0; each < twin->world->hypothesis_count; each++) {
        double apart = means[each] - all.mean;
        variance += weights[each] * (squares[each] + apart * apart);
    }
    all.spread = sqrt(variance);
    return all;
}

void gm_sensing_publish(gm_twin *twin, const gm_state *state)
{
    struct gm_sensing *sensing = twin->sensing;
    for (size_t index = 0; index < sensing->part_count; index++) {
        sensing->published[index] = gm_sensing_bias(twin, state, sensing->parts[index].sensor);
    }
}

gm_bias gm_sensing_published(const gm_twin *twin, size_t sensor)
{
    size_t number = twin->sensing->part_of[sensor];
    bool biased = twin->world->sensors[sensor].bias_spread > 0.0;
    return biased ? twin->sensing->published[number] : (gm_bias){ NAN, NAN };
}
