// Is the right thing blamed in a town? The live twin of examples/town is played faults of every
// kind (fault_life.h) at any hour, while pumps switch and people wake, cook and sleep; its last
// answer within 100 minutes of the onset counts.
//
// What may change are the pipes' diameters (something blocks a main: 30 % less) and unmetered
// demand at any junction (2.2 l/s, 5 % of what the wells give). Mains are those whose change moves
// sensors by five noises at least, all together, at any hour. Settings were chosen on other seeds.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "study/fault_life.h"
#include "study/validation.h"

enum { TRIALS = 10, HEALTHY_LIVES = 6 }; // of 200 each: two hours
enum { SETTLE_CYCLES = 300, FAULT_CYCLES = 100, HEALTHY_CYCLES = 1000 };
enum { FIRST_SEED = 4001, SEEDS_APART = 1000 };

static const char source[] = "the town's own model under faults played";
static const char world_path[] = "examples/town/world.yaml";
static const int64_t start_ns = 1767571200 * GM_SECOND_NS; // 2026-01-05, midnight

// mains that sensors see
static const char *const mains[] = { "D4-E4", "B4-C4", "A4-B4", "C4-D4", "J7-J8", "H4-I4",
                                     "B4-B5", "B3-B4", "E2-F2", "B5-B6", "B2-B3" };
enum { MAINS = sizeof mains / sizeof *mains, SUSPECT_KINDS = 2 };

/// The town, asked for other suspects. Not to be moved: it points into itself.
typedef struct town_of_faults {
    gm_world *town, world; // shares all with `town`
    gm_config trials[SUSPECT_KINDS], suspects[SUSPECT_KINDS], settings[4], detect;
    gm_ref *plant, *input;
    size_t input_count;
} town_of_faults;

static gm_config scalar(const gm_config *like, const char *key, const char *text)
{
    return (gm_config){ .kind = GM_CONFIG_SCALAR,
                        .key = key,
                        .text = text,
                        .place = like->place,
                        .key_place = like->place,
                        .units = like->units };
}

static gm_config map_of(const gm_config *like, const char *key, const gm_config *children,
                        size_t count)
{
    return (gm_config){ .kind = GM_CONFIG_MAP,
                        .key = key,
                        .children = children,
                        .count = count,
                        .place = like->place,
                        .key_place = like->place,
                        .units = like->units };
}

/// `detect:` as the town has it, with suspects for what is played.
static void ask_for_suspects(town_of_faults *of)
{
    const gm_config *like = of->town->detect;
    of->trials[0] = scalar(like, "times", "0.7");
    of->trials[1] = scalar(like, "add", "1 l/s");
    of->suspects[0] = map_of(like, "town/pipe/*/diameter", &of->trials[0], 1);
    of->suspects[1] = map_of(like, "town/junction/*/extra_demand", &of->trials[1], 1);
    of->settings[0] = scalar(like, "slack", "2.1");
    of->settings[1] = scalar(like, "threshold", "12");
    of->settings[2] = scalar(like, "audit", "8 min");
    of->settings[3] = map_of(like, "suspects", of->suspects, SUSPECT_KINDS);
    of->detect = map_of(like, "detect", of->settings, 4);
    of->world = *of->town;
    of->world.detect = &of->detect;
    of->world.forecast.every_ns = 0;
}

static gm_status find_mains(town_of_faults *of, gm_error *error)
{
    gm_status status = GM_OK;
    of->plant = gm_memory_new(MAINS, sizeof *of->plant);
    if (of->plant == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for mains");
    }
    for (size_t index = 0; status == GM_OK && index < MAINS; index++) {
        char address[64];
        snprintf(address, sizeof address, "town/pipe/%s/diameter", mains[index]);
        status = gm_world_find_one(of->town, address, (gm_place){ 0 }, &of->plant[index], error);
    }
    return status;
}

static void close_town(town_of_faults *of)
{
    gm_memory_free(of->plant);
    gm_memory_free(of->input);
    gm_world_close(of->town);
}

static gm_status open_town(town_of_faults *of, gm_error *error)
{
    *of = (town_of_faults){ 0 };
    gm_status status = gm_world_open(world_path, &of->town, error);
    if (status == GM_OK) {
        ask_for_suspects(of);
        status = find_mains(of, error);
    }
    if (status == GM_OK) {
        status = gm_world_find(of->town, "town/junction/*/extra_demand", (gm_place){ 0 },
                               &of->input, &of->input_count, error);
    }
    if (status != GM_OK) {
        close_town(of);
    }
    return status;
}

static gm_fault_life life_of(const town_of_faults *of, uint64_t seed)
{
    return (gm_fault_life){ .world = &of->world,
                            .seed = seed,
                            .start_ns = start_ns,
                            .plant = of->plant,
                            .plant_count = MAINS,
                            .plant_times = 0.7,
                            .input = of->input,
                            .input_count = of->input_count,
                            .input_add = 2.2e-3,
                            .settle_cycles = SETTLE_CYCLES,
                            .cycles = FAULT_CYCLES };
}

// ---- what is asked ----

static void add(gm_validation_report *report, gm_explanation_class fault, const char *what,
                double got)
{
    gm_validation_number number = { .relation = GM_REPORTED, .got = got };
    snprintf(number.what, sizeof number.what, "%.20s: %.60s", gm_explanation_class_name(fault),
             what);
    snprintf(number.unit, sizeof number.unit, "1");
    gm_validation_add(report, &number);
}

/// One row of the confusion table.
static void judge(gm_explanation_class fault, const gm_fault_tally *tally,
                  gm_validation_report *report)
{
    double trials = (double)tally->trials;
    add(report, fault, "right class", (double)tally->told[fault] / trials);
    add(report, fault, "and the right sensor or element", (double)tally->subjects / trials);
    add(report, fault, "no alarm", 1.0 - (double)tally->alarmed / trials);
    add(report, fault, "cannot tell", (double)tally->untold / trials);
    add(report, fault, "cycles to the first alarm", tally->delay_sum / (double)tally->alarmed);
}

static gm_status play_many(const town_of_faults *of, gm_explanation_class fault, size_t lives,
                           size_t cycles, gm_fault_tally *tally, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < lives; index++) {
        gm_fault_life life = life_of(of, FIRST_SEED + SEEDS_APART * (uint64_t)fault + index);
        gm_fault_told told;
        life.fault = fault;
        life.cycles = cycles;
        status = gm_fault_life_lead(&life, &told, error);
        if (status == GM_OK) {
            gm_fault_tally_add(tally, fault, &told.outcome);
        }
    }
    return status;
}

static gm_status play_all(const town_of_faults *of, gm_validation_report *report, gm_error *error)
{
    gm_status status = GM_OK;
    for (gm_explanation_class fault = GM_EXPLAINED_BIAS;
         status == GM_OK && fault < GM_EXPLAINED_CLASSES; fault++) {
        gm_fault_tally tally = { 0 };
        status = play_many(of, fault, TRIALS, FAULT_CYCLES, &tally, error);
        if (status == GM_OK) {
            judge(fault, &tally, report);
        }
    }
    if (status == GM_OK) {
        gm_fault_tally tally = { 0 };
        status = play_many(of, GM_EXPLAINED_HEALTHY, HEALTHY_LIVES, HEALTHY_CYCLES, &tally, error);
        add(report, GM_EXPLAINED_HEALTHY, "alarms in 1,000 cycles",
            1000.0 * (double)tally.alarms / (double)(HEALTHY_LIVES * HEALTHY_CYCLES));
    }
    return status;
}

static gm_status run(const gm_validation_context *context, gm_validation_report *report,
                     gm_error *error)
{
    (void)context;
    if (access(world_path, R_OK) != 0) {
        report->skipped = true;
        return GM_OK;
    }
    town_of_faults *of = gm_memory_new(1, sizeof *of);
    gm_status status =
        of != NULL ? open_town(of, error) : gm_error_set(error, GM_MEMORY, "no memory for a town");
    if (status == GM_OK) {
        status = play_all(of, report, error);
        close_town(of);
    }
    gm_memory_free(of);
    return status;
}

const gm_validation_case gm_validation_town_faults = {
    .name = "the town's live twin: faults of every kind",
    .domain = "faults",
    .source = source,
    .run = run,
};
