// Forecasts of a real plant: what their bands held on every recording of the incubator, with the
// rigs of examples/incubator as they are.
//
// The rigs of 2021 and 2023 were chosen on one recording each, that of 2020 on one of nine; boxes
// and fans of the others differ. Nothing is demanded: bands cannot know of an error whose truths
// have not come, and half an hour ahead two hours of a recording are four truths.
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "study/forecast_trial.h"
#include "study/validation.h"

enum { LEADS = 3 };

static const char rig_2020[] = "examples/incubator/rig2020.yaml";

/// A recording, and the world that follows it.
typedef struct recording {
    const char *world, *file;
} recording;

static const recording recordings[] = {
    { rig_2020, "incubator/20200712_uniform_temperature/uniform_temperature.csv" },
    { rig_2020, "incubator/20200712_uniform_temperature/uniform_temperature_better_fan.csv" },
    { rig_2020, "incubator/20200917_calibration_fan_12v/ramp_up_cool_down.csv" },
    { rig_2020, "incubator/20200917_calibration_fan_12v/random_on_off_sequences.csv" },
    { rig_2020, "incubator/20200917_calibration_fan_12v/random_on_off_sequences_1.csv" },
    { rig_2020, "incubator/20200917_calibration_fan_12v/random_on_off_sequences_2.csv" },
    { rig_2020, "incubator/20200918_calibration_fan_24V/semi_random_movement.csv" },
    { rig_2020, "incubator/20201221_controller_tunning/exp1_ht3_hg2.csv" },
    { rig_2020, "incubator/20201221_controller_tunning/exp2_ht20_hg30.csv" },
    { "examples/incubator/rig2021.yaml",
      "incubator/20210321_lid_opening_7pmodel/lid_opening_experiment_mar_2021.csv" },
    { "examples/incubator/rig2023.yaml",
      "incubator/20230501_calibration_empty_system/20230501_calibration_empty_system.csv" },
};

static gm_status follow(const gm_validation_context *context, const recording *played,
                        gm_forecast_tally tallies[LEADS], gm_error *error)
{
    gm_world *world = NULL;
    gm_replay *replay = NULL;
    gm_twin *twin = NULL;
    void *bytes = NULL;
    size_t size = 0;
    gm_status status = gm_validation_file(context, played->file, &bytes, &size, error);
    if (status == GM_OK) {
        status = gm_world_open(played->world, &world, error);
    }
    if (status == GM_OK && world->forecast.lead_count != LEADS) {
        status = gm_error_set(error, GM_INVALID, "%s has not %d leads", played->world, LEADS);
    }
    if (status == GM_OK) {
        status = gm_replay_read(world, played->file, (gm_text){ bytes, size }, &replay, error);
    }
    if (status == GM_OK) {
        status = gm_twin_follow(world, replay, 0, &twin, error);
    }
    if (status == GM_OK) {
        status = gm_forecast_tally_scores(twin, tallies, error);
    }
    gm_twin_close(twin);
    gm_replay_close(replay);
    gm_world_close(world);
    gm_memory_free(bytes);
    return status;
}

static void add(gm_validation_report *report, size_t lead, const char *what, double got)
{
    static const char *const ahead[LEADS] = { "1 min ahead", "10 min ahead", "30 min ahead" };
    gm_validation_number number = { .relation = GM_REPORTED, .unit = "1", .got = got };
    snprintf(number.what, sizeof number.what, "%s: %.60s", ahead[lead], what);
    gm_validation_add(report, &number);
}

static gm_status run(const gm_validation_context *context, gm_validation_report *report,
                     gm_error *error)
{
    gm_forecast_tally tallies[LEADS] = { 0 };
    gm_status status = GM_OK;
    if (access(rig_2020, R_OK) != 0) {
        report->skipped = true;
        return GM_OK;
    }
    for (size_t index = 0; status == GM_OK && index < sizeof recordings / sizeof *recordings;
         index++) {
        status = follow(context, &recordings[index], tallies, error);
    }
    for (size_t lead = 0; status == GM_OK && lead < LEADS; lead++) {
        const gm_forecast_tally *tally = &tallies[lead];
        add(report, lead, "readings scored", tally->readings);
        add(report, lead, "of them in 50 % bands", tally->inside50 / tally->readings);
        add(report, lead, "of them in 90 % bands", tally->inside90 / tally->readings);
        add(report, lead, "in 50 % bands of the lanes alone",
            tally->raw_inside50 / tally->readings);
        add(report, lead, "in 90 % bands of the lanes alone",
            tally->raw_inside90 / tally->readings);
        add(report, lead, "CRPS to that of the lanes alone", tally->crps / tally->raw_crps);
    }
    return status;
}

const gm_validation_case gm_validation_recordings = {
    .name = "every recording of the incubator",
    .domain = "coverage",
    .source = "recordings of the INTO-CPS incubator; Feng et al., ANNSIM 2021",
    .needs_reference = true,
    .run = run,
};
