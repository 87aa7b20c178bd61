// Meters of a played plant: device_meters.h. Spans are integrated by the trapezoid rule over the
// plant's steps.
#include "study/device_meters.h"

#include <math.h>

enum { STEPS_MAX = 1 << 20, COUNT_PURPOSE = 8 };

static const double poisson_most = 40.0; // above it a count is nearly a normal draw

/// A moment of the past.
typedef struct moment {
    int64_t time_ns;
    double total;
} moment;

struct gm_device_meter {
    double last, total; // what it sees; its integral, or itself where rises are told
    int64_t last_ns;
    bool begun;
    moment *past; // ring, [capacity]: of the span, or where the last sample was
    size_t first, count, capacity;
};

static bool has_span(const gm_world_sensor *sensor)
{
    return sensor->reading != GM_READING_NONE;
}

gm_status gm_device_meters_open(const gm_world *world, int64_t step_ns, gm_arena *arena,
                                gm_device_meters *meters, gm_error *error)
{
    size_t most = 1;
    gm_device_meters made = { .world = world, .random = gm_random_for(world->seed, "meters") };
    made.meters = gm_arena_new(arena, world->sensor_count, sizeof *made.meters);
    bool memory = made.meters != NULL;
    for (size_t number = 0; memory && number < world->sensor_count; number++) {
        const gm_world_sensor *sensor = &world->sensors[number];
        size_t refs = gm_sensor_ref_count(sensor);
        most = refs > most ? refs : most;
        if (!has_span(sensor)) {
            continue;
        }
        if (sensor->span_ns / step_ns > STEPS_MAX) {
            return gm_error_at(error, GM_LIMIT, sensor->place,
                               "%s: a span of more than %d steps cannot be played", sensor->name,
                               STEPS_MAX);
        }
        made.meters[number].capacity = (size_t)(sensor->span_ns / step_ns) + 2;
        made.meters[number].past =
            gm_arena_new(arena, made.meters[number].capacity, sizeof(moment));
        memory = made.meters[number].past != NULL;
    }
    made.fields = memory ? gm_arena_new(arena, most, sizeof *made.fields) : NULL;
    if (made.fields == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for meters");
    }
    *meters = made;
    return GM_OK;
}

static gm_status see(const gm_device_meters *meters, const gm_state *state, size_t number,
                     double *value, gm_error *error)
{
    const gm_world_sensor *sensor = &meters->world->sensors[number];
    double weight = 0.0;
    gm_status status = gm_state_read_many(state, gm_sensor_refs(sensor),
                                          gm_sensor_ref_count(sensor), meters->fields, error);
    if (status == GM_OK) {
        gm_sensor_gather(sensor, meters->fields, 1, &weight, value);
    }
    return status;
}

static void remember(gm_device_meter *meter)
{
    if (meter->count == meter->capacity) {
        meter->first = (meter->first + 1) % meter->capacity;
        meter->count--;
    }
    meter->past[(meter->first + meter->count++) % meter->capacity] =
        (moment){ meter->last_ns, meter->total };
}

/// @param runs  time went by since the last look
static gm_status look(const gm_device_meters *meters, const gm_state *state, bool runs,
                      gm_error *error)
{
    gm_status status = GM_OK;
    int64_t now_ns = gm_state_time(state);
    for (size_t number = 0; status == GM_OK && number < meters->world->sensor_count; number++) {
        const gm_world_sensor *sensor = &meters->world->sensors[number];
        gm_device_meter *meter = &meters->meters[number];
        double value = 0.0;
        if (!has_span(sensor)) {
            continue;
        }
        status = see(meters, state, number, &value, error);
        if (meter->begun && runs) {
            double passed_s = 1e-9 * (double)(now_ns - meter->last_ns);
            meter->total += sensor->reading == GM_READING_RISEN
                                ? value - meter->last
                                : 0.5 * passed_s * (meter->last + value);
        }
        meter->last = value;
        meter->last_ns = now_ns;
        if (sensor->span_ns > 0 && (runs || !meter->begun)) {
            remember(meter);
        }
        meter->begun = true;
    }
    return status;
}

gm_status gm_device_meters_run(const gm_device_meters *meters, const gm_state *state,
                               gm_error *error)
{
    return look(meters, state, true, error);
}

gm_status gm_device_meters_turn(const gm_device_meters *meters, const gm_state *state,
                                gm_error *error)
{
    return look(meters, state, false, error);
}

/// Where the total stood at a time of the past; NAN: before the meter began.
static double total_at(const gm_device_meter *meter, int64_t time_ns)
{
    for (size_t index = meter->count; index-- > 0;) {
        const moment *before = &meter->past[(meter->first + index) % meter->capacity];
        if (before->time_ns > time_ns) {
            continue;
        }
        if (index + 1 == meter->count || before->time_ns == time_ns) {
            return before->total;
        }
        const moment *after = &meter->past[(meter->first + index + 1) % meter->capacity];
        double part =
            (double)(time_ns - before->time_ns) / (double)(after->time_ns - before->time_ns);
        return before->total + part * (after->total - before->total);
    }
    return NAN;
}

/// How many events there were where so many are expected: by inversion of a Poisson distribution,
/// or a normal one where it is near to it.
static double draw_count(const gm_device_meters *meters, size_t number, int64_t time_ns,
                         double expected)
{
    gm_draw draw = { .element = (uint32_t)number,
                     .purpose = COUNT_PURPOSE,
                     .occurrence = (uint64_t)time_ns };
    if (!(expected > 0.0)) {
        return 0.0;
    }
    if (expected > poisson_most) {
        return fmax(round(expected + sqrt(expected) * gm_random_normal(meters->random, draw)), 0.0);
    }
    double uniform = gm_random_uniform(meters->random, draw), count = 0.0;
    for (double share = exp(-expected); uniform >= share && share > 0.0;
         share *= expected / count) {
        uniform -= share;
        count += 1.0;
    }
    return count;
}

gm_status gm_device_meter_read(const gm_device_meters *meters, const gm_state *state, size_t sensor,
                               double *value, gm_error *error)
{
    const gm_world_sensor *declared = &meters->world->sensors[sensor];
    gm_device_meter *meter = &meters->meters[sensor];
    if (!has_span(declared)) {
        return see(meters, state, sensor, value, error);
    }
    bool whole = declared->span_ns > 0;
    int64_t from_ns = whole              ? meter->last_ns - declared->span_ns
                      : meter->count > 0 ? meter->past[meter->first].time_ns
                                         : meter->last_ns;
    double rise = meter->total - total_at(meter, from_ns);
    double passed_s = 1e-9 * (double)(meter->last_ns - from_ns);
    if (!whole) { // the next span begins here
        meter->count = 0;
        remember(meter);
    }
    rise = passed_s > 0.0 ? rise : (double)NAN;
    *value = declared->reading == GM_READING_AVERAGED ? rise / passed_s : rise;
    if (declared->reading == GM_READING_COUNTED && !isnan(rise)) {
        double one = declared->to_si.factor;
        *value = one * draw_count(meters, sensor, meter->last_ns, rise / one);
    }
    return GM_OK;
}
