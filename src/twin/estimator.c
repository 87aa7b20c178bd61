// The estimator: what one instant's samples do to the lanes, and what time does to what is
// estimated.
//
// Cell by cell (estimator_plan.c) a filter (group_filter.h) moves states and named parameters.
// Values declared with a relative spread are estimated by their logarithm, so they keep their sign;
// those with bounds by their logit, so they stay within (assim/value_scale.h). States without a
// declared drift get a random walk whose size follows the innovations: when they are larger than
// lanes and noise explain, it grows, so that a filter left alone does not fall asleep; it is added,
// never multiplied, so what nobody measures does not run away. While an innovation event is open
// the cell's parameters rest: a fault must not be learned as a property of the system; and the
// states walk as fast as they may, to follow what the model cannot explain. Where hypotheses stand
// side by side (hypotheses.h), each block of lanes is analysed by itself and evidence decides
// instead.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "assim/innovation_likelihood.h"
#include "assim/square_root.h"
#include "base/require.h"
#include "num/statistics.h"
#include "twin/adopted.h"
#include "twin/estimator_parts.h"
#include "twin/group_filter.h"
#include "twin/sensing.h"

static const double unrest_rate = 0.01;  // how fast its logarithm follows one measurement
static const double surprise_max = 9.0;  // a squared normalised innovation counts at most this
static const double surprise_most = 3.0; // and this many standard deviations in a likelihood
static const double gate =
    5.0; // standard deviations beyond which a lone measurement is trusted less
static const double chance =
    4.0; // a parameter learns from what covaries by more than two standard errors
static const double first_spread =
    10.0; // unmeasured states start this many noises around the measured ones
static const double noise_fraction = 0.01;  // of the value (or range), where no noise is declared
static const size_t sensor_room_least = 64; // measurements of a small cell at one time

/// The noise of a sensor of the same field, the measure of a state's random walk; 0 when nobody
/// measures its like.
static double noise_like(const gm_world *world, gm_ref ref)
{
    for (size_t sensor = 0; sensor < world->sensor_count; sensor++) {
        const gm_world_sensor *candidate = &world->sensors[sensor];
        if (candidate->noise > 0.0 && !candidate->is_driver && gm_sensor_tells_like(candidate) &&
            candidate->ref.system == ref.system &&
            candidate->ref.class_number == ref.class_number && candidate->ref.field == ref.field) {
            return candidate->noise;
        }
    }
    return 0.0;
}

/// Noises for all states; those of one field follow each other.
static void find_noises(gm_twin *twin)
{
    const gm_world *world = twin->world;
    double *noises = twin->estimator.noises;
    for (size_t index = 0; index < world->estimate_count; index++) {
        const gm_world_estimate *estimate = &world->estimates[index], *last = estimate - 1;
        bool again = index > 0 && last->ref.system == estimate->ref.system &&
                     last->ref.class_number == estimate->ref.class_number &&
                     last->ref.field == estimate->ref.field;
        noises[index] = again                                 ? noises[index - 1]
                        : estimate->kind == GM_ESTIMATE_STATE ? noise_like(world, estimate->ref)
                                                              : 0.0;
    }
}

/// Room for the largest cell, and for some measurements of one sensor that come at one time.
static void measure_cells(gm_twin *twin)
{
    gm_estimator *estimator = &twin->estimator;
    size_t sensors = twin->world->sensor_count;
    estimator->sensor_room = sensors < sensor_room_least ? sensors : sensor_room_least;
    for (size_t cell = 0; cell < estimator->cell_count; cell++) {
        size_t rows = estimator->cells[cell].count + gm_sensing_rows(twin, cell) + ADOPTED_MAX;
        size_t seen = estimator->cells[cell].sensor_count;
        estimator->row_count = rows > estimator->row_count ? rows : estimator->row_count;
        estimator->sensor_room = seen > estimator->sensor_room ? seen : estimator->sensor_room;
    }
}

gm_status gm_estimator_open(gm_twin *twin, gm_error *error)
{
    gm_estimator *estimator = &twin->estimator;
    measure_cells(twin);
    size_t sensors = estimator->sensor_room, hypotheses = twin->world->hypothesis_count;
    const struct {
        void *at; // of a pointer
        size_t count, size;
    } rooms[] = {
        { &estimator->noises, twin->world->estimate_count, sizeof(double) },
        { &estimator->values, hypotheses * estimator->row_count * twin->distinct, sizeof(double) },
        { &estimator->predictions, sensors * twin->lanes, sizeof(double) },
        { &estimator->own, sensors * twin->distinct, sizeof(double) },
        { &estimator->room, (sensors + 1) * twin->distinct, sizeof(double) },
        { &estimator->measured, sensors, sizeof(double) },
        { &estimator->variance, sensors, sizeof(double) },
        { &estimator->caution, sensors, sizeof(double) },
        { &estimator->trusted, sensors, sizeof(double) },
        { &estimator->innovations, hypotheses * sensors, sizeof(gm_innovation) },
        { &estimator->entries, sensors, sizeof(gm_arrived *) },
        { &estimator->refs, sensors, sizeof(gm_ref) },
        { &estimator->lane_values, twin->lanes, sizeof(double) },
        { &estimator->alive, twin->lanes, sizeof(uint32_t) },
        { &estimator->source, twin->lanes, sizeof(uint32_t) },
    };
    for (size_t index = 0; index < sizeof rooms / sizeof *rooms; index++) {
        void *room = gm_arena_new(twin->arena, rooms[index].count, rooms[index].size);
        if (room == NULL) {
            return gm_error_set(error, GM_MEMORY, "no memory for the estimator");
        }
        memcpy(rooms[index].at, &room, sizeof room);
    }
    find_noises(twin);
    estimator->random = gm_random_for(twin->world->seed, "estimator");
    return GM_OK;
}

void gm_estimator_close(gm_twin *twin)
{
    gm_memory_free(twin->estimator.found);
    twin->estimator.found = NULL;
}

// ---- inputs ----

double gm_sample_value(const gm_twin *twin, const gm_arrived *entry)
{
    const gm_conversion *to_si = &twin->world->sensors[entry->sample.sensor].to_si;
    return entry->sample.value * to_si->factor + to_si->offset;
}

bool gm_sample_plausible(const gm_world_sensor *sensor, double value)
{
    return value >= sensor->min && value <= sensor->max;
}

/// A driver's sample becomes the input of every lane, each within the sensor's noise. What is
/// measured at the same time knows of it already: a pump that stopped gives nothing.
static gm_status write_input(gm_twin *twin, const gm_arrived *entry, double value, gm_error *error)
{
    const gm_world_sensor *sensor = &twin->world->sensors[entry->sample.sensor];
    double *values = twin->estimator.lane_values;
    size_t unknown = gm_world_unknown(twin->world, sensor->ref);
    gm_status status = gm_state_read(twin->state, sensor->ref, values, error);
    bool same = sensor->noise == 0.0 && unknown == GM_NO_INDEX;
    for (size_t lane = 0; status == GM_OK && lane < twin->lanes; lane++) {
        same = same && (values[lane] == value || gm_state_lane_failed(twin->state, lane));
        values[lane] = value;
    }
    if (status != GM_OK || same) {
        return status;
    }
    gm_shake how = { .element = entry->sample.sensor,
                     .purpose = PURPOSE_INPUT,
                     .occurrence = (uint64_t)entry->sample.time_ns };
    for (size_t each = 0; each < twin->world->hypothesis_count; each++) {
        how.sizes[each] = sensor->noise;
    }
    gm_shake_lanes(twin, &how, values);
    status = gm_world_supply(twin->world, twin->state, sensor->ref, values, error);
    if (status == GM_OK) {
        status = gm_state_write(twin->state, sensor->ref, values, error);
    }
    return status == GM_OK ? gm_state_settle(twin->state, sensor->ref.system, twin->workers, error)
                           : status;
}

// ---- measurements ----

double gm_sample_noise(const gm_world_sensor *sensor, double value)
{
    if (sensor->noise > 0.0) {
        return sensor->noise;
    }
    double range = isfinite(sensor->max - sensor->min) ? sensor->max - sensor->min : fabs(value);
    return fmax(noise_fraction * range, 1e-9);
}

/// The lanes that are left of one hypothesis, moved together. @param rows  [count][lanes]
/// @param own  out, [count][lanes left]
static void gather(gm_lane_list lanes, size_t all, const double *rows, size_t count, double *own)
{
    for (size_t row = 0; row < count; row++) {
        for (size_t index = 0; index < lanes.count; index++) {
            own[row * lanes.count + index] = rows[row * all + lanes.numbers[index]];
        }
    }
}

/// Lanes whose predictions are not finite fail here, before they can reach the others.
static gm_status read_predictions(gm_twin *twin, size_t count, gm_error *error)
{
    gm_estimator *estimator = &twin->estimator;
    gm_status status =
        gm_state_read_many(twin->state, estimator->refs, count, estimator->predictions, error);
    if (status == GM_OK) {
        status = gm_sensing_predict(twin, estimator->entries, count, estimator->predictions, error);
    }
    for (size_t index = 0; status == GM_OK && index < count * twin->lanes; index++) {
        if (!isfinite(estimator->predictions[index])) {
            gm_state_fail_lane(twin->state, index % twin->lanes);
        }
    }
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        size_t sensor = estimator->entries[index]->sample.sensor;
        estimator->variance[index] = gm_sensing_variance(
            twin, sensor, estimator->predictions + index * twin->lanes, estimator->variance[index]);
    }
    gm_find_alive(twin);
    return status;
}

/// Which estimates of a cell an analysis moves: all, or those that do not rest.
typedef struct selection {
    size_t cell;
    const gm_cell_plan *plan;
    bool resting; // parameters rest
} selection;

/// Some estimates of the plan.
typedef struct stretch {
    size_t first, end;
} stretch;

/// States and inputs; what sensors remember stands between them and the parameters.
static size_t steady_count(const gm_cell_plan *plan)
{
    return plan->state_count + plan->input_count;
}

static bool is_moved(const gm_twin *twin, const selection *of, size_t hypothesis, size_t row)
{
    const gm_world_estimate *estimate = &twin->world->estimates[of->plan->estimates[row]];
    return gm_hypothesis_moves(twin->world->hypotheses[hypothesis], estimate->kind) &&
           !(of->resting && estimate->kind == GM_ESTIMATE_PARAMETER);
}

/// Where the rows of one hypothesis lie.
static double *rows_of(const gm_twin *twin, size_t hypothesis)
{
    return twin->estimator.values + hypothesis * twin->estimator.row_count * twin->distinct;
}

/// Reads what is moved of a stretch, on its scale, into the rows of every hypothesis.
/// @param moved  in out, [hypothesis_count] rows
static gm_status read_stretch(gm_twin *twin, const selection *of, stretch part, size_t *moved,
                              gm_error *error)
{
    gm_estimator *estimator = &twin->estimator;
    gm_status status = GM_OK;
    for (size_t row = part.first; status == GM_OK && row < part.end; row++) {
        uint32_t number = of->plan->estimates[row];
        const gm_world_estimate *estimate = &twin->world->estimates[number];
        const gm_value_scale scale = gm_estimate_scale(estimate, estimate->spread_relative);
        status = gm_estimate_read(twin, twin->state, number, estimator->lane_values, error);
        for (size_t each = 0; status == GM_OK && each < twin->world->hypothesis_count; each++) {
            const gm_lane_list lanes = gm_alive_of(estimator, each);
            if (!is_moved(twin, of, each, row)) {
                continue;
            }
            double *own = rows_of(twin, each) + moved[each]++ * lanes.count;
            for (size_t index = 0; index < lanes.count; index++) {
                own[index] = estimator->lane_values[lanes.numbers[index]];
            }
            for (size_t index = 0; scale.kind != GM_SCALE_PLAIN && index < lanes.count; index++) {
                own[index] = gm_scale_from(scale, own[index]);
            }
        }
    }
    return status;
}

/// States, inputs, what sensors remember, parameters.
/// @param moved  out, [hypothesis_count] rows
static gm_status read_values(gm_twin *twin, const selection *of, size_t *moved, gm_error *error)
{
    size_t steady = steady_count(of->plan);
    memset(moved, 0, twin->world->hypothesis_count * sizeof *moved);
    gm_status status = read_stretch(twin, of, (stretch){ 0, steady }, moved, error);
    for (size_t each = 0; status == GM_OK && each < twin->world->hypothesis_count; each++) {
        const gm_lane_list lanes = gm_alive_of(&twin->estimator, each);
        gm_sensing_read(twin, of->cell, lanes, rows_of(twin, each) + moved[each] * lanes.count);
        moved[each] += gm_sensing_rows(twin, of->cell);
    }
    return status == GM_OK
               ? read_stretch(twin, of, (stretch){ steady, of->plan->count }, moved, error)
               : status;
}

/// Whether the rows of all hypotheses say something of every lane.
static bool fills_all_lanes(const gm_twin *twin, const selection *of, size_t row)
{
    size_t count = twin->world->hypothesis_count;
    bool all = twin->estimator.alive_first[count] == twin->lanes;
    for (size_t each = 0; each < count; each++) {
        all = all && is_moved(twin, of, each, row);
    }
    return all;
}

/// The way back. What failed gets some value that is finite.
static gm_status write_stretch(gm_twin *twin, const selection *of, stretch part, size_t *taken,
                               gm_error *error)
{
    gm_estimator *estimator = &twin->estimator;
    double *values = estimator->lane_values;
    gm_status status = GM_OK;
    for (size_t row = part.first; status == GM_OK && row < part.end; row++) {
        uint32_t number = of->plan->estimates[row];
        const gm_world_estimate *estimate = &twin->world->estimates[number];
        const gm_value_scale scale = gm_estimate_scale(estimate, estimate->spread_relative);
        if (!fills_all_lanes(twin, of, row)) {
            status = gm_estimate_read(twin, twin->state, number, values, error);
        }
        for (size_t each = 0; status == GM_OK && each < twin->world->hypothesis_count; each++) {
            const gm_lane_list lanes = gm_alive_of(estimator, each);
            if (!is_moved(twin, of, each, row)) {
                continue;
            }
            const double *own = rows_of(twin, each) + taken[each]++ * lanes.count;
            bool plain = scale.kind == GM_SCALE_PLAIN;
            for (size_t index = 0; index < lanes.count; index++) {
                values[lanes.numbers[index]] = plain ? own[index] : gm_scale_to(scale, own[index]);
            }
        }
        for (size_t lane = 0; status == GM_OK && lane < twin->lanes; lane++) {
            values[lane] = isfinite(values[lane]) ? values[lane] : values[estimator->alive[0]];
        }
        if (status == GM_OK) {
            status = gm_estimate_write(twin, twin->state, number, values, error);
        }
    }
    return status;
}

static gm_status write_values(gm_twin *twin, const selection *of, gm_error *error)
{
    size_t taken[GM_HYPOTHESES] = { 0 }, steady = steady_count(of->plan);
    gm_status status = write_stretch(twin, of, (stretch){ 0, steady }, taken, error);
    for (size_t each = 0; status == GM_OK && each < twin->world->hypothesis_count; each++) {
        const gm_lane_list lanes = gm_alive_of(&twin->estimator, each);
        gm_sensing_write(twin, of->cell, lanes, rows_of(twin, each) + taken[each] * lanes.count);
        taken[each] += gm_sensing_rows(twin, of->cell);
    }
    return status == GM_OK
               ? write_stretch(twin, of, (stretch){ steady, of->plan->count }, taken, error)
               : status;
}

/// Mean of what was measured of the same field of the same class; NAN when nothing was.
static double kin_of(const gm_twin *twin, gm_ref ref, size_t count, double *noise)
{
    const gm_estimator *estimator = &twin->estimator;
    double sum = 0.0, value = NAN, own_noise = NAN;
    size_t found = 0;
    *noise = 0.0;
    for (size_t index = 0; index < count; index++) {
        const gm_ref *other = &estimator->refs[index];
        size_t sensor = estimator->entries[index]->sample.sensor;
        const gm_world_sensor *declared = &twin->world->sensors[sensor];
        bool same = other->element == ref.element && gm_sensor_is_plain(declared);
        if (!gm_sensor_tells_like(declared) || other->system != ref.system ||
            other->class_number != ref.class_number || other->field != ref.field) {
            continue;
        }
        double bias = declared->bias_spread;
        double own = sqrt(estimator->variance[index] + bias * bias);
        if (same && !(own >= own_noise)) {
            own_noise = own;
            value = estimator->measured[index];
        }
        sum += estimator->measured[index];
        *noise = fmax(*noise, first_spread * own);
        found++;
    }
    if (!isnan(value)) {
        *noise = own_noise;
        return value;
    }
    return found > 0 ? sum / (double)found : NAN;
}

/// States without a declared spread start around the first measurements of the cell.
static gm_status spread_first(gm_twin *twin, const gm_cell_plan *plan, size_t count,
                              gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t row = 0; status == GM_OK && row < plan->state_count; row++) {
        uint32_t number = plan->estimates[row];
        const gm_world_estimate *estimate = &twin->world->estimates[number];
        double noise = 0.0, value = kin_of(twin, estimate->ref, count, &noise);
        if (isnan(estimate->spread) && !isnan(value)) {
            gm_shake how = { .element = number, .purpose = PURPOSE_FIRST };
            for (size_t each = 0; each < twin->world->hypothesis_count; each++) {
                how.sizes[each] = noise;
            }
            status = gm_state_fill(twin->state, estimate->ref, value, error);
            if (status == GM_OK) {
                status = gm_shake_estimate(twin, twin->state, number, &how, error);
            }
        }
    }
    return status;
}

/// A measurement far off all lanes is doubted once: it counts as `gate` standard deviations. When
/// the next one says the same it is the lanes that are wrong.
static void doubt_loners(gm_twin *twin, size_t hypothesis, size_t count)
{
    gm_estimator *estimator = &twin->estimator;
    size_t lanes = gm_alive_of(estimator, hypothesis).count;
    uint32_t bit = (uint32_t)1 << hypothesis;
    for (size_t index = 0; index < count; index++) {
        gm_sensor_memory *memory =
            &gm_sensor_memories(twin)[estimator->entries[index]->sample.sensor];
        const double *prediction = estimator->own + index * lanes;
        double innovation = estimator->measured[index] - gm_mean(prediction, lanes);
        double doubted = innovation * innovation / (gate * gate) - gm_variance(prediction, lanes);
        bool far = doubted > estimator->variance[index];
        estimator->trusted[index] =
            far && (memory->far & bit) == 0 ? doubted : estimator->variance[index];
        memory->far = far ? memory->far | bit : memory->far & ~bit;
        estimator->caution[index] = gm_monitor_caution(memory);
    }
}

/// The random walk follows how large innovations are against what lanes and noise explain.
static void adapt(gm_hypothesis_memory *memory, const gm_innovation *innovations, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        double ratio = innovations[index].mean / innovations[index].spread;
        double surprise = fmin(ratio * ratio, surprise_max);
        memory->unrest *= exp(unrest_rate * (surprise - 1.0));
        memory->unrest = fmin(fmax(memory->unrest, gm_unrest_least), gm_unrest_most);
    }
}

/// One analysis: the lanes of one hypothesis and what was measured in a cell at one time.
typedef struct analysed {
    size_t cell, hypothesis, count;
    size_t moved;      // rows of values
    double likelihood; // out, its logarithm
} analysed;

static gm_status analyse(gm_twin *twin, analysed *of, gm_error *error)
{
    gm_estimator *estimator = &twin->estimator;
    const gm_cell_plan *plan = &estimator->cells[of->cell];
    const gm_lane_list lanes = gm_alive_of(estimator, of->hypothesis);
    double *values = rows_of(twin, of->hypothesis), *sizes = values + of->moved * lanes.count;
    bool inputs = gm_hypothesis_moves(twin->world->hypotheses[of->hypothesis], GM_ESTIMATE_INPUT);
    gather(lanes, twin->lanes, estimator->predictions, of->count, estimator->own);
    gm_analysis analysis = {
        .lanes = lanes.count,
        .values = values,
        .value_count = of->moved + gm_adopted_read(twin, plan->group, lanes, sizes),
        .predictions = estimator->own,
        .measurement_count = of->count,
        .measured = estimator->measured,
        .variance = estimator->trusted,
        .caution = estimator->caution,
        .cautious_from =
            plan->state_count + (inputs ? plan->input_count : 0) + gm_sensing_rows(twin, of->cell),
        .chance = chance,
        .doubted = gm_sensing_rows(twin, of->cell),
    };
    doubt_loners(twin, of->hypothesis, of->count);
    if (twin->world->inflation > 1.0) { // NAN: not declared
        double factor = sqrt(twin->world->inflation);
        gm_inflate(analysis.values, plan->state_count, analysis.lanes, factor);
        gm_inflate(analysis.predictions, of->count, analysis.lanes, factor);
    }
    gm_status status = GM_OK;
    if (twin->world->hypothesis_count > 1) {
        status = gm_innovation_likelihood(&analysis, surprise_most, estimator->room,
                                          &of->likelihood, error);
    }
    gm_innovation *innovations = estimator->innovations + of->hypothesis * estimator->sensor_room;
    if (status == GM_OK) {
        const gm_group_step step = { .group = plan->group,
                                     .cell = of->cell,
                                     .hypothesis = of->hypothesis,
                                     .state_count = plan->state_count,
                                     .adopted = analysis.value_count - of->moved,
                                     .lanes = lanes,
                                     .analysis = &analysis,
                                     .declared = estimator->variance,
                                     .entries = estimator->entries,
                                     .innovations = innovations };
        status = gm_group_filter_update(twin, &step, error);
    }
    if (status == GM_OK) {
        if (gm_cell_memories(twin)[of->cell].muted == 0 || twin->world->hypothesis_count > 1) {
            adapt(&gm_hypothesis_memories(twin, of->cell)[of->hypothesis], innovations, of->count);
        }
        status = gm_adopted_write(twin, plan->group, lanes, sizes, error);
    }
    return status;
}

/// What a measurement said against the lanes of all hypotheses, as much as each is thought of.
static gm_innovation innovation_of(const gm_twin *twin, const double *weights, size_t index)
{
    const gm_estimator *estimator = &twin->estimator;
    size_t count = twin->world->hypothesis_count, sensors = estimator->sensor_room;
    if (count == 1) {
        return estimator->innovations[index];
    }
    gm_innovation all = { 0 };
    for (size_t each = 0; each < count; each++) {
        all.mean += weights[each] * estimator->innovations[each * sensors + index].mean;
    }
    for (size_t each = 0; each < count; each++) {
        const gm_innovation *own = &estimator->innovations[each * sensors + index];
        double apart = own->mean - all.mean;
        all.ensemble_variance += weights[each] * (own->ensemble_variance + apart * apart);
    }
    all.spread = sqrt(all.ensemble_variance + estimator->variance[index]);
    return all;
}

/// Weighs the hypotheses by what was measured, and tells the monitor. Innovations that follow each
/// other say less than their number.
static void judge(gm_twin *twin, const analysed *analyses, size_t cell, size_t count)
{
    double weights[GM_HYPOTHESES], likelihoods[GM_HYPOTHESES], caution = 0.0;
    gm_hypotheses_weights(twin->world, twin->state, cell, weights);
    for (size_t index = 0; index < count; index++) {
        caution += twin->estimator.caution[index] / (double)count;
    }
    for (size_t each = 0; each < twin->world->hypothesis_count; each++) {
        likelihoods[each] = analyses[each].likelihood / caution;
    }
    for (size_t index = 0; index < count; index++) {
        const gm_innovation innovation = innovation_of(twin, weights, index);
        gm_monitor_take(twin, twin->estimator.entries[index], &innovation);
    }
    if (twin->world->hypothesis_count > 1) {
        gm_hypotheses_learn(twin, cell, likelihoods);
    }
}

/// Everything that was measured in one cell at one time. Systems are to be settled behind it.
static gm_status update_cell(gm_twin *twin, size_t cell, size_t count, gm_error *error)
{
    gm_estimator *estimator = &twin->estimator;
    gm_cell_memory *memory = &gm_cell_memories(twin)[cell];
    size_t hypotheses = twin->world->hypothesis_count, moved[GM_HYPOTHESES];
    const selection of = { .cell = cell,
                           .plan = &estimator->cells[cell],
                           .resting = memory->muted > 0 && hypotheses == 1 };
    gm_status status = GM_OK;
    if (memory->begun == 0) {
        memory->begun = 1;
        status = spread_first(twin, of.plan, count, error);
    }
    if (status == GM_OK) {
        status = read_predictions(twin, count, error);
    }
    if (status == GM_OK) {
        status = read_values(twin, &of, moved, error);
    }
    analysed analyses[GM_HYPOTHESES];
    for (size_t each = 0; status == GM_OK && each < hypotheses; each++) {
        if (gm_alive_of(estimator, each).count < 2) {
            return status; // a single lane cannot learn: it only follows its inputs
        }
        analyses[each] =
            (analysed){ .cell = cell, .hypothesis = each, .count = count, .moved = moved[each] };
        status = analyse(twin, &analyses[each], error);
    }
    if (status == GM_OK) {
        const gm_watched watched = { cell, count, estimator->entries[0]->sample.time_ns };
        status = gm_group_watch(twin, &watched, error);
    }
    if (status == GM_OK) {
        status = write_values(twin, &of, error);
    }
    if (status == GM_OK) {
        judge(twin, analyses, cell, count);
    }
    return status;
}

// ---- one time ----

/// Takes up one measurement as the next of its cell.
static void take_up(gm_twin *twin, const gm_arrived *entry, size_t place)
{
    gm_estimator *estimator = &twin->estimator;
    const gm_world_sensor *sensor = &twin->world->sensors[entry->sample.sensor];
    double value = gm_sample_value(twin, entry), noise = gm_sample_noise(sensor, value);
    estimator->measured[place] = value;
    estimator->variance[place] = noise * noise;
    estimator->refs[place] = sensor->ref;
    estimator->entries[place] = entry;
}

static int compare_measurements(const void *a, const void *b)
{
    const gm_measurement *one = a, *other = b;
    uint32_t left = one->cell != other->cell ? one->cell : one->entry;
    uint32_t right = one->cell != other->cell ? other->cell : other->entry;
    return left < right ? -1 : left > right;
}

/// Notes a measurement for its cell. @return false when out of memory
static bool note(gm_estimator *estimator, size_t count, gm_measurement measurement)
{
    if (count == estimator->found_capacity) {
        gm_measurement *grown =
            gm_memory_grow(estimator->found, &estimator->found_capacity, count + 1, sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        estimator->found = grown;
    }
    estimator->found[count] = measurement;
    return true;
}

/// Tells the monitor what arrived, writes inputs, and notes measurements, sorted by cell.
static gm_status take_in(gm_twin *twin, const gm_arrived *entries, size_t count, size_t *found,
                         gm_error *error)
{
    gm_estimator *estimator = &twin->estimator;
    gm_status status = GM_OK;
    bool sorted = true;
    *found = 0;
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        const gm_arrived *entry = &entries[index];
        const gm_world_sensor *sensor = &twin->world->sensors[entry->sample.sensor];
        double value = gm_sample_value(twin, entry);
        bool plausible = gm_sample_plausible(sensor, value);
        gm_monitor_arrival(twin, entry, value, plausible);
        if (plausible && sensor->is_driver) {
            status = write_input(twin, entry, value, error);
        } else if (plausible && gm_sensing_ready(twin, entry->sample.sensor)) {
            uint32_t cell = estimator->cell_of_sensor[entry->sample.sensor];
            sorted = sorted && (*found == 0 || estimator->found[*found - 1].cell <= cell);
            if (!note(estimator, *found, (gm_measurement){ cell, (uint32_t)index })) {
                return gm_error_set(error, GM_MEMORY, "no memory for %zu measurements", count);
            }
            ++*found;
        }
    }
    if (!sorted) {
        qsort(estimator->found, *found, sizeof *estimator->found, compare_measurements);
    }
    return status;
}

gm_status gm_estimator_update(gm_twin *twin, const gm_arrived *entries, size_t count,
                              gm_error *error)
{
    gm_estimator *estimator = &twin->estimator;
    size_t found = 0;
    gm_status status = take_in(twin, entries, count, &found, error);
    for (size_t at = 0, end; status == GM_OK && at < found; at = end) {
        uint32_t cell = estimator->found[at].cell;
        size_t place = 0, group = estimator->cells[cell].group;
        for (end = at; end < found && estimator->found[end].cell == cell; end++) {
            if (place < estimator->sensor_room) {
                take_up(twin, &entries[estimator->found[end].entry], place++);
            }
        }
        status = update_cell(twin, cell, place, error);
        bool last = end == found || estimator->cells[estimator->found[end].cell].group != group;
        if (status == GM_OK && last) {
            status = gm_settle_systems(twin, twin->state, group, error);
        }
    }
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        gm_sensing_spoke(twin, entries[index].sample.sensor);
    }
    return status;
}
