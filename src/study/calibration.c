// Calibration by least squares on open-loop runs; the method is described in calibration.h.
#include "study/calibration.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "num/fit.h"

/// One open-loop run after another over the same recording.
typedef struct runner {
    const gm_calibration *of;
    gm_layout *layout;
    gm_world_work *work;
    gm_state *start; // parameters as built, states at the first measurements
    size_t measured; // how many samples are measurements
} runner;

static double value_of(const gm_calibration *of, size_t index)
{
    const gm_world_sensor *sensor = &of->world->sensors[of->samples[index].sensor];
    return of->samples[index].value * sensor->to_si.factor + sensor->to_si.offset;
}

static bool is_measurement(const gm_calibration *of, size_t index)
{
    const gm_world_sensor *sensor = &of->world->sensors[of->samples[index].sensor];
    return !sensor->is_driver && gm_sensor_is_plain(sensor);
}

/// The first measurement of every sensor goes to the states of its class and field, then to its
/// own.
static gm_status set_start(const gm_calibration *of, gm_state *state, bool own, gm_error *error)
{
    int64_t first_ns = of->samples[0].time_ns;
    gm_status status = GM_OK;
    for (size_t index = 0;
         status == GM_OK && index < of->sample_count && of->samples[index].time_ns == first_ns;
         index++) {
        const gm_world_sensor *sensor = &of->world->sensors[of->samples[index].sensor];
        const gm_model *model = of->world->models[sensor->ref.system];
        size_t class_number = sensor->ref.class_number;
        if (own) {
            bool settable = (sensor->is_driver || is_measurement(of, index)) &&
                            gm_world_role(of->world, sensor->ref) != GM_OUTPUT;
            status =
                settable ? gm_state_fill(state, sensor->ref, value_of(of, index), error) : GM_OK;
            continue;
        }
        bool kin = is_measurement(of, index);
        for (size_t element = 0;
             kin && status == GM_OK && element < gm_model_element_count(model, class_number);
             element++) {
            gm_ref ref = sensor->ref;
            ref.element = (uint32_t)element;
            if (gm_world_role(of->world, ref) == GM_STATE) {
                status = gm_state_fill(state, ref, value_of(of, index), error);
            }
        }
    }
    return status;
}

static gm_status check(const gm_calibration *of, size_t *measured, gm_error *error)
{
    *measured = 0;
    for (size_t index = 0; index < of->sample_count; index++) {
        *measured += is_measurement(of, index);
        if (index > 0 && of->samples[index].time_ns < of->samples[index - 1].time_ns) {
            return gm_error_set(error, GM_INVALID, "sample %zu is older than the one before it",
                                index);
        }
    }
    if (*measured <= of->parameter_count) {
        return gm_error_set(error, GM_INVALID, "%zu measurements cannot fit %zu parameters",
                            *measured, of->parameter_count);
    }
    if (of->parameter_count == 0 || of->parameter_count > GM_CALIBRATION_PARAMETERS_MAX) {
        return gm_error_set(error, GM_LIMIT, "%zu parameters: 1 to %d are offered",
                            of->parameter_count, GM_CALIBRATION_PARAMETERS_MAX);
    }
    return GM_OK;
}

static gm_status open_runner(const gm_calibration *of, runner *made, gm_error *error)
{
    *made = (runner){ .of = of };
    gm_status status = check(of, &made->measured, error);
    if (status == GM_OK) {
        status = gm_world_layout(of->world, 1, NULL, 0, &made->layout, error);
    }
    if (status == GM_OK) {
        status = gm_world_work_create(of->world, 1, &made->work, error);
    }
    if (status == GM_OK) {
        status = gm_state_create(made->layout, of->samples[0].time_ns, &made->start, error);
    }
    if (status == GM_OK) {
        status = set_start(of, made->start, false, error);
    }
    return status == GM_OK ? set_start(of, made->start, true, error) : status;
}

static void close_runner(runner *done)
{
    gm_state_close(done->start);
    gm_world_work_close(done->work);
    gm_layout_close(done->layout);
}

/// Runs from first to last sample. @param misses out, [measured]: predicted minus measured
static gm_status run_through(const runner *by, gm_state *state, double *misses, gm_error *error)
{
    const gm_calibration *of = by->of;
    gm_advance_options options = { .mode = GM_ADVANCE_PAST, .work = by->work };
    gm_status status = GM_OK;
    size_t taken = 0;
    for (size_t index = 0; status == GM_OK && index < of->sample_count; index++) {
        const gm_sample *sample = &of->samples[index];
        const gm_world_sensor *sensor = &of->world->sensors[sample->sensor];
        if (sample->time_ns > gm_state_time(state)) {
            status = gm_world_advance(of->world, state, &options, sample->time_ns, error);
        }
        if (status == GM_OK && sensor->is_driver) {
            status = gm_state_fill(state, sensor->ref, value_of(of, index), error);
        } else if (status == GM_OK && is_measurement(of, index)) {
            double predicted = 0.0;
            status = gm_state_read(state, sensor->ref, &predicted, error);
            misses[taken++] = predicted - value_of(of, index);
        }
    }
    return status;
}

static gm_status run_once(const runner *by, const double *values, double *misses, gm_error *error)
{
    gm_state *state = NULL;
    gm_status status = gm_state_fork(by->start, &state, error);
    for (size_t index = 0; status == GM_OK && index < by->of->parameter_count; index++) {
        status = gm_state_fill(state, by->of->parameters[index], values[index], error);
    }
    for (size_t system = 0; status == GM_OK && system < by->of->world->system_count; system++) {
        status = gm_state_changed(state, system, error);
    }
    if (status == GM_OK) {
        status = run_through(by, state, misses, error);
    }
    gm_state_close(state);
    return status;
}

static void residuals_of(void *context, const double *logs, double *misses)
{
    const runner *by = context;
    double values[GM_CALIBRATION_PARAMETERS_MAX];
    for (size_t index = 0; index < by->of->parameter_count; index++) {
        values[index] = exp(logs[index]);
    }
    if (run_once(by, values, misses, NULL) != GM_OK) {
        for (size_t index = 0; index < by->measured; index++) {
            misses[index] = NAN; // worse than all
        }
    }
}

static gm_status start_values(const runner *by, double *logs, double *lower, double *upper,
                              gm_error *error)
{
    for (size_t index = 0; index < by->of->parameter_count; index++) {
        const gm_field *field = gm_world_field(by->of->world, by->of->parameters[index]);
        double value = 0.0;
        gm_status status = gm_state_read(by->start, by->of->parameters[index], &value, error);
        if (status != GM_OK) {
            return status;
        }
        if (!(value > 0.0)) {
            return gm_error_set(error, GM_INVALID,
                                "parameter %zu starts at %g: only positive ones "
                                "are fitted",
                                index, value);
        }
        logs[index] = log(value);
        lower[index] = field->min > 0.0 ? log(field->min) : -INFINITY;
        upper[index] = isfinite(field->max) ? log(field->max) : INFINITY;
    }
    return GM_OK;
}

static gm_status fit(const runner *by, double *values, double *deviation,
                     gm_calibration_result *result, gm_error *error)
{
    double logs[GM_CALIBRATION_PARAMETERS_MAX], lower[GM_CALIBRATION_PARAMETERS_MAX];
    double upper[GM_CALIBRATION_PARAMETERS_MAX];
    gm_status status = start_values(by, logs, lower, upper, error);
    if (status != GM_OK) {
        return status;
    }
    gm_least_squares problem = { .parameter_count = by->of->parameter_count,
                                 .residual_count = by->measured,
                                 .lower = lower,
                                 .upper = upper,
                                 .deviation = deviation,
                                 .context = (void *)(uintptr_t)by,
                                 .residuals = residuals_of };
    gm_fit_options options = gm_default_fit_options();
    options.difference = 1e-4; // the integrator's tolerance is what a run can be trusted to
    gm_fit_result found;
    status = gm_fit_least_squares(&problem, &options, logs, &found, error);
    for (size_t index = 0; status == GM_OK && index < problem.parameter_count; index++) {
        values[index] = exp(logs[index]);
    }
    if (status == GM_OK) {
        *result = (gm_calibration_result){ .rmse = sqrt(found.cost / (double)by->measured),
                                           .count = by->measured,
                                           .evaluations = found.evaluation_count,
                                           .converged = found.converged };
    }
    return status;
}

gm_status gm_calibrate(const gm_calibration *calibration, double *values, double *deviation,
                       gm_calibration_result *result, gm_error *error)
{
    runner by;
    gm_status status = open_runner(calibration, &by, error);
    if (status == GM_OK) {
        status = fit(&by, values, deviation, result, error);
    }
    close_runner(&by);
    return status;
}

gm_status gm_open_loop(const gm_calibration *calibration, const double *values,
                       gm_calibration_result *result, gm_error *error)
{
    runner by;
    double *misses = NULL;
    gm_status status = open_runner(calibration, &by, error);
    if (status == GM_OK) {
        misses = gm_memory_new(by.measured, sizeof *misses);
        status = misses != NULL ? run_once(&by, values, misses, error)
                                : gm_error_set(error, GM_MEMORY, "no memory for a run");
    }
    if (status == GM_OK) {
        double sum = 0.0;
        for (size_t index = 0; index < by.measured; index++) {
            sum += misses[index] * misses[index];
        }
        *result = (gm_calibration_result){ .rmse = sqrt(sum / (double)by.measured),
                                           .count = by.measured,
                                           .evaluations = 1,
                                           .converged = true };
    }
    gm_memory_free(misses);
    close_runner(&by);
    return status;
}
