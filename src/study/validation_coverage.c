// Do forecasts' bands hold what they promise? Many short lives of a small house whose truth is
// known (study/device_plant.h), that the twin models rightly or wrongly.
//
// Windows of a field and lead do not overlap (study/forecast_trial.h). True values are compared
// with the published bands, readings with the bands and the gauge's noise; the CRPS with that of
// the lanes without recalibration.
#include <math.h>
#include <stdio.h>

#include "base/calendar.h"
#include "study/forecast_trial.h"
#include "study/validation.h"

enum { LIVES = 8, LEADS = 4, HOURS = 72, EARLY_HOURS = 6, FIRST_SEED = 601, TEXT_SIZE = 4096 };

static const char source[] = "the house's own model under hidden conductances and chances";
static const int64_t start_ns = 1767571200 * GM_SECOND_NS; // 2026-01-05, midnight

static const char house[] =
    "world: house\n"
    "cycle: 1 min\n"
    "lanes: 64\n"
    "systems:\n"
    "  house:\n"
    "    model: thermal\n"
    "    nodes:\n"
    "      walls: { capacity: 400 kJ/K, temperature: 19 degC }\n"
    "      living: { capacity: 120 kJ/K, temperature: 20 degC }\n"
    "      office: { capacity: 60 kJ/K, temperature: 20 degC }\n"
    "      street: { fixed: true, temperature: 8 degC }\n"
    "    paths:\n"
    "      walls-living: { conductance: 60 W/K }\n"
    "      walls-office: { conductance: 40 W/K }\n"
    "      living-office: { conductance: 20 W/K }\n"
    "      walls-street: { conductance: 30 W/K }\n"
    "      living-street: { conductance: 12 W/K }\n"
    "estimate:\n"
    "  states: { house/*/temperature: { spread: 0.5 K } }\n"
    "  parameters: { house/*/conductance: { spread: 10 %, drift: 1 %/day } }\n"
    "forecast:\n"
    "  fields: [house/living/temperature, house/office/temperature]\n"
    "  every: 10 min\n"
    "  at: [10 min, 30 min, 1 h, 2 h]\n";

/// Sunshine and visitors, by chance; the second number of watts is how much.
static const char visitors[] =
    "drivers:\n"
    "  house/living/power: { stochastic: { mean: 500 W, spread: %d W, time: 1 h } }\n"
    "  house/office/power: { stochastic: { mean: 250 W, spread: %d W, time: 30 min } }\n"
    "sensors:\n"
    "  living: { field: house/living/temperature, unit: degC, noise: %s degC, every: 1 min }\n"
    "  office: { field: house/office/temperature, unit: degC, noise: %s degC, every: 1 min }\n";

/// A thermostat of which the twin knows only what it does now.
static const char thermostat[] =
    "sensors:\n"
    "  living: { field: house/living/temperature, unit: degC, noise: 0.1 degC, every: 1 min }\n"
    "  office: { field: house/office/temperature, unit: degC, noise: 0.1 degC, every: 1 min }\n"
    "  heat: { field: house/living/power, every: 1 min, ahead: hold }\n"
    "  desk: { field: house/office/power, every: 1 min, ahead: hold }\n"
    "devices:\n"
    "  scatter: { house/*/conductance: 10 % }\n"
    "  thermostats:\n"
    "    heating: { reads: house/living/temperature, writes: house/living/power,\n"
    "               below: 19.5 degC, above: 21 degC, on: 1500 W }\n"
    "  swings: { house/office/power: { about: 250 W, by: 200 W, period: 5 h } }\n";

/// A house and what its plant is like.
typedef struct story {
    const char *name;
    int living_w, office_w; // spread of chances; 0: the thermostat
    const char *noise;      // of both gauges, degC
    const char *devices;
} story;

static const story stories[] = {
    { "as modelled", 250, 120, "0.1", "devices: { scatter: { house/*/conductance: 10 % } }\n" },
    { "noisy gauges", 40, 20, "0.3", "devices: { scatter: { house/*/conductance: 10 % } }\n" },
    { "other walls, changing weather", 150, 80, "0.1",
      "devices:\n"
      "  scatter: { house/*/conductance: 10 %, house/*/capacity: 30 % }\n"
      "  swings: { house/street/temperature: { about: 6 degC, by: 5 degC, period: 9 h } }\n" },
};
static const story unknown_heating = { .name = "a heating unknown" };

static gm_status open_house(const gm_validation_context *context, const story *told,
                            gm_world **world, gm_error *error)
{
    char text[TEXT_SIZE], rest[TEXT_SIZE];
    snprintf(rest, sizeof rest, visitors, told->living_w, told->office_w, told->noise, told->noise);
    int length = told->living_w > 0
                     ? snprintf(text, sizeof text, "%s%s%s", house, rest, told->devices)
                     : snprintf(text, sizeof text, "%s%s", house, thermostat);
    return length < TEXT_SIZE ? gm_validation_world(context, "house", text, world, error)
                              : gm_error_set(error, GM_LIMIT, "the house's text is too long");
}

/// Lives of one house; all leads together.
static gm_status live(const gm_validation_context *context, const story *told,
                      gm_forecast_tally *all, gm_error *error)
{
    const int64_t hour_ns = 3600 * GM_SECOND_NS;
    const gm_forecast_span span = { start_ns, start_ns + HOURS * hour_ns,
                                    start_ns + EARLY_HOURS * hour_ns };
    gm_forecast_tally tallies[LEADS] = { 0 };
    gm_world *world = NULL;
    gm_status status = open_house(context, told, &world, error);
    for (uint64_t life = 0; status == GM_OK && life < LIVES; life++) {
        const gm_device_options devices = { .start_ns = start_ns, .seed = FIRST_SEED + life };
        status = gm_forecast_trial_run(world, &devices, &span, tallies, error);
    }
    for (size_t lead = 0; status == GM_OK && lead < LEADS; lead++) {
        gm_forecast_tally_join(all, &tallies[lead]);
    }
    gm_world_close(world);
    return status;
}

static void add(gm_validation_report *report, const char *name, const char *what,
                gm_validation_number number)
{
    snprintf(number.what, sizeof number.what, "%.40s: %.50s", name, what);
    snprintf(number.unit, sizeof number.unit, "1");
    gm_validation_add(report, &number);
}

static gm_validation_number near(double expected, double tolerance, double got)
{
    return (gm_validation_number){
        .relation = GM_NEAR, .expected = expected, .tolerance = tolerance, .got = got
    };
}

static gm_validation_number told_only(double got)
{
    return (gm_validation_number){ .relation = GM_REPORTED, .got = got };
}

static void judge(const story *told, const gm_forecast_tally *all, gm_validation_report *report)
{
    double readings = all->readings;
    add(report, told->name, "truths in 50 % bands",
        near(0.5, 0.04, gm_coverage_share(&all->truth50)));
    add(report, told->name, "truths in 90 % bands",
        near(0.9, 0.03, gm_coverage_share(&all->truth90)));
    add(report, told->name, "in the first hours, 90 %",
        told_only(gm_coverage_share(&all->early90)));
    add(report, told->name, "readings in 50 % bands", near(0.5, 0.04, all->inside50 / readings));
    add(report, told->name, "readings in 90 % bands", near(0.9, 0.03, all->inside90 / readings));
    add(report, told->name, "CRPS to that of the lanes alone",
        (gm_validation_number){
            .relation = GM_AT_MOST, .expected = 1.005, .got = all->crps / all->raw_crps });
}

static gm_status run(const gm_validation_context *context, gm_validation_report *report,
                     gm_error *error)
{
    gm_forecast_tally all = { 0 }, wrong = { 0 };
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < sizeof stories / sizeof *stories; index++) {
        gm_forecast_tally one = { 0 };
        status = live(context, &stories[index], &one, error);
        judge(&stories[index], &one, report);
        gm_forecast_tally_join(&all, &one);
    }
    if (status == GM_OK) {
        add(report, "all", "independent windows",
            (gm_validation_number){
                .relation = GM_AT_LEAST, .expected = 1000, .got = (double)all.truth90.count });
        add(report, "all", "CRPS to that of the lanes alone",
            (gm_validation_number){
                .relation = GM_AT_MOST, .expected = 1.0, .got = all.crps / all.raw_crps });
        status = live(context, &unknown_heating, &wrong, error);
    }
    if (status == GM_OK) {
        const char *name = unknown_heating.name;
        add(report, name, "readings in 90 % bands", told_only(wrong.inside90 / wrong.readings));
        add(report, name, "of the lanes alone", told_only(wrong.raw_inside90 / wrong.readings));
        add(report, name, "CRPS to that of the lanes alone",
            told_only(wrong.crps / wrong.raw_crps));
    }
    return status;
}

const gm_validation_case gm_validation_coverage = {
    .name = "a house: forecasts of 10 minutes to 2 hours",
    .domain = "coverage",
    .source = source,
    .run = run,
};
