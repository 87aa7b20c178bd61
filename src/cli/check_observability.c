// What sensors can determine, told to people and as JSON: check_observability.h.
//
// A world of many values is summed up by kind; sentences and further sensors are cut to the first.
#include "cli/check_observability.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"

enum {
    ADDRESS_SIZE = 4 * GM_NAME_MAX,
    ROWS_SHOWN = 40,      // values; more are summed up by kind
    SENTENCES_SHOWN = 8,  // of each sort
    CANDIDATES_SHOWN = 5, // further sensors
};

static const double same_least = 0.9; // correlation of two that are one to the sensors

typedef const gm_observability_answer seen_answer;

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static double share_left(const gm_observed *value)
{
    return value->before > 0.0 ? value->after / value->before : 0.0;
}

static void print_duration(int64_t duration_ns)
{
    double seconds = (double)duration_ns / (double)GM_SECOND_NS;
    if (seconds < 120.0) {
        printf("%.4g s", seconds);
    } else if (seconds < 7200.0) {
        printf("%.4g min", seconds / 60.0);
    } else {
        printf("%.4g h", seconds / 3600.0);
    }
}

/// A spread in its own measure: "0.12 K", "8 %".
static void format_spread(const gm_world *world, const gm_observed *value, double spread,
                          char text[48])
{
    const char *unit = gm_world_field(world, value->ref)->unit;
    if (value->relative) {
        snprintf(text, 48, "%.3g %%", 100.0 * spread);
    } else {
        snprintf(text, 48, "%.3g %.30s", spread, strcmp(unit, "1") == 0 ? "" : unit);
    }
}

// ---- values ----

static void print_value(const gm_world *world, const gm_observed *value, int width)
{
    char address[ADDRESS_SIZE], before[48], after[48];
    gm_world_address(world, value->ref, address, sizeof address);
    format_spread(world, value, value->before, before);
    format_spread(world, value, value->after, after);
    if (value->sight == GM_SIGHT_FIXED) {
        printf("  %-*s  %14s  %14s  %6s  %s\n", width, address, "-", "-", "-",
               gm_sight_name(value->sight));
    } else {
        printf("  %-*s  %14s  %14s  %4.0f %%  %s\n", width, address, before, after,
               100.0 * share_left(value), gm_sight_name(value->sight));
    }
}

static bool same_kind(const gm_observed *a, const gm_observed *b)
{
    return a->ref.system == b->ref.system && a->ref.class_number == b->ref.class_number &&
           a->ref.field == b->ref.field;
}

/// All values of one kind in a line: how many are seen how.
static void print_kind(const gm_world *world, seen_answer *answer, const gm_observed *first)
{
    size_t counts[GM_SIGHT_FIXED + 1] = { 0 }, count = 0;
    double least = 1.0, most = 0.0;
    for (size_t index = 0; index < answer->value_count; index++) {
        const gm_observed *value = &answer->values[index];
        if (same_kind(value, first)) {
            counts[value->sight]++;
            count++;
            least = fmin(least, share_left(value));
            most = fmax(most, share_left(value));
        }
    }
    const gm_world_system *system = &world->systems[first->ref.system];
    printf("  %s/%s/*/%s: %zu, left %.0f .. %.0f %%:", system->name,
           gm_model_class_at(system->model, first->ref.class_number)->name,
           gm_world_field(world, first->ref)->name, count, 100.0 * least, 100.0 * most);
    const char *comma = "";
    for (size_t sight = GM_SIGHT_KNOWN; sight <= GM_SIGHT_FIXED; sight++) {
        if (counts[sight] > 0) {
            printf("%s %zu %s", comma, counts[sight], gm_sight_name((gm_sight)sight));
            comma = ",";
        }
    }
    printf("\n");
}

static void print_values(const gm_world *world, seen_answer *answer)
{
    if (answer->value_count > ROWS_SHOWN) {
        for (size_t index = 0; index < answer->value_count; index++) {
            bool is_first = true;
            for (size_t before = 0; before < index && is_first; before++) {
                is_first = !same_kind(&answer->values[before], &answer->values[index]);
            }
            if (is_first) {
                print_kind(world, answer, &answer->values[index]);
            }
        }
        return;
    }
    size_t width = 0;
    char address[ADDRESS_SIZE];
    for (size_t index = 0; index < answer->value_count; index++) {
        size_t size = gm_world_address(world, answer->values[index].ref, address, sizeof address);
        width = size > width ? size : width;
    }
    printf("  %-*s  %14s  %14s  %6s\n", (int)width, "", "spread without", "with sensors", "left");
    for (size_t index = 0; index < answer->value_count; index++) {
        print_value(world, &answer->values[index], (int)width);
    }
}

// ---- sentences ----

static void print_moved(const gm_world *world, const gm_observed *value, double amount)
{
    char address[ADDRESS_SIZE], text[48];
    gm_world_address(world, value->ref, address, sizeof address);
    format_spread(world, value, fabs(amount), text);
    printf("%s %s %s", address, text, amount < 0.0 ? "lower" : "higher");
}

static void print_tangle(const gm_world *world, seen_answer *answer, const gm_observed *value)
{
    char address[ADDRESS_SIZE];
    gm_world_address(world, value->ref, address, sizeof address);
    bool alone = fabs(value->with[0].correlation) >= same_least;
    printf("  %s is seen only together with%s", address, alone ? "" : " others, most of all");
    for (size_t index = 0; index < value->with_count; index++) {
        gm_world_address(world, answer->values[value->with[index].quantity].ref, address,
                         sizeof address);
        printf("%s %s", index == 0 ? "" : ",", address);
    }
    printf(":\n    ");
    print_moved(world, value, value->after);
    for (size_t index = 0; index < value->with_count; index++) {
        const gm_entangled *with = &value->with[index];
        printf("%s", index + 1 < value->with_count ? ", " : " and ");
        print_moved(world, &answer->values[with->quantity], with->amount);
    }
    printf(alone ? " read the same.\n" : " read the same, when others move a little.\n");
}

/// The tangle with the closest companion that was not told yet; NULL when all were.
static const gm_observed *next_tangle(seen_answer *answer, const bool *told)
{
    const gm_observed *best = NULL;
    for (size_t index = 0; index < answer->value_count; index++) {
        const gm_observed *value = &answer->values[index];
        if (value->sight != GM_SIGHT_TANGLED || value->with_count == 0 || told[index]) {
            continue;
        }
        // of equals, by more than rounding, the first
        double closest = best != NULL ? fabs(best->with[0].correlation) + 1e-9 : 0.0;
        best = fabs(value->with[0].correlation) > closest ? value : best;
    }
    return best;
}

/// Tangles with names, the closest first, each set once; and how many values are tangled with too
/// many to name. @param told  [value_count] in out
static void print_tangles(const gm_world *world, seen_answer *answer, bool *told)
{
    size_t shown = 0, silent = 0, nameless = 0;
    if (answer->counts[GM_SIGHT_TANGLED] > 0) {
        printf("\nnot told apart:\n");
    }
    for (const gm_observed *value; (value = next_tangle(answer, told)) != NULL;) {
        if (shown < SENTENCES_SHOWN) {
            print_tangle(world, answer, value);
            shown++;
        } else {
            silent++;
        }
        told[value - answer->values] = true;
        for (size_t at = 0; at < value->with_count; at++) {
            told[value->with[at].quantity] = true;
        }
    }
    for (size_t index = 0; index < answer->value_count; index++) {
        nameless += answer->values[index].sight == GM_SIGHT_TANGLED &&
                    answer->values[index].with_count == 0;
    }
    if (silent > 0) {
        printf("  ... and %zu more\n", silent);
    }
    if (nameless > 0) {
        printf("  %zu value%s seen only together with many others: they would be known if those "
               "were.\n",
               nameless, nameless == 1 ? " is" : "s are");
    }
}

static void print_blind(const gm_world *world, seen_answer *answer)
{
    size_t shown = 0;
    for (size_t index = 0; index < answer->value_count && shown < SENTENCES_SHOWN; index++) {
        char address[ADDRESS_SIZE];
        if (answer->values[index].sight == GM_SIGHT_BLIND) {
            gm_world_address(world, answer->values[index].ref, address, sizeof address);
            printf("%s  %s\n", shown++ == 0 ? "\nno sensor feels:\n" : "", address);
        }
    }
    if (answer->counts[GM_SIGHT_BLIND] > shown) {
        printf("  ... and %zu more\n", answer->counts[GM_SIGHT_BLIND] - shown);
    }
}

// ---- further sensors ----

static void print_candidate(const gm_world *world, const gm_sensor_candidate *candidate)
{
    char address[ADDRESS_SIZE];
    gm_world_address(world, candidate->ref, address, sizeof address);
    printf("%s (noise %.3g %s, every ", address, candidate->noise,
           gm_world_field(world, candidate->ref)->unit);
    print_duration(candidate->every_ns);
    printf(")");
}

static void print_candidates(const gm_world *world, seen_answer *answer)
{
    if (answer->candidate_count == 0) {
        printf("\nno place is left for a further sensor of the kinds there are: name some with "
               "--candidates\n");
        return;
    }
    printf("\none more sensor would take off the spreads that are left:\n");
    for (size_t index = 0; index < answer->candidate_count && index < CANDIDATES_SHOWN; index++) {
        printf("  %5.1f %%  ", 100.0 * answer->candidates[index].gain);
        print_candidate(world, &answer->candidates[index]);
        printf("\n");
    }
    if (answer->candidate_count > CANDIDATES_SHOWN) {
        printf("  ... and %zu more\n", answer->candidate_count - CANDIDATES_SHOWN);
    }
    if (answer->pick_count > 1) {
        printf("the best %zu together, one after the other:\n", answer->pick_count);
        for (size_t index = 0; index < answer->pick_count; index++) {
            printf("  %5.1f %%  %s ", 100.0 * answer->picks_gain[index], index > 0 ? "+" : " ");
            print_candidate(world, &answer->candidates[answer->picks[index]]);
            printf("\n");
        }
    }
}

void gm_cli_observability_text(const gm_world *world, const gm_observability_answer *answer)
{
    printf("%s: what %zu sensor%s tell%s of %zu estimated value%s in ", world->name,
           answer->sensor_count, plural(answer->sensor_count), answer->sensor_count == 1 ? "s" : "",
           answer->value_count, plural(answer->value_count));
    print_duration(answer->horizon_ns);
    printf("; %.0f %% of the spreads are left\n", 100.0 * answer->left);
    print_values(world, answer);
    bool *told = gm_memory_new(answer->value_count, sizeof *told);
    if (told != NULL) { // without memory for it the sentences are left out
        print_tangles(world, answer, told);
    }
    gm_memory_free(told);
    print_blind(world, answer);
    print_candidates(world, answer);
    size_t lost = answer->counts[GM_SIGHT_TANGLED] + answer->counts[GM_SIGHT_BLIND];
    if (lost > 0) {
        printf("\n%zu of %zu values cannot be determined\n", lost, answer->value_count);
    }
}

// ---- JSON ----

static json_t *value_json(const gm_world *world, seen_answer *answer, const gm_observed *value)
{
    char address[ADDRESS_SIZE];
    json_t *with = json_array();
    for (size_t index = 0; index < value->with_count; index++) {
        gm_world_address(world, answer->values[value->with[index].quantity].ref, address,
                         sizeof address);
        json_array_append_new(with, json_pack("{s:s, s:f, s:f}", "address", address, "correlation",
                                              value->with[index].correlation, "amount",
                                              value->with[index].amount));
    }
    gm_world_address(world, value->ref, address, sizeof address);
    return json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:s, s:o}", "address", address, "role",
                     value->is_parameter ? "parameter" : "state", "unit",
                     value->relative ? "fraction" : gm_world_field(world, value->ref)->unit,
                     "spread_without", value->before, "spread_with", value->after, "left",
                     share_left(value), "verdict", gm_sight_name(value->sight), "with", with);
}

static json_t *candidate_json(const gm_world *world, const gm_sensor_candidate *candidate,
                              double gain)
{
    char address[ADDRESS_SIZE];
    gm_world_address(world, candidate->ref, address, sizeof address);
    return json_pack("{s:s, s:f, s:s, s:f, s:f}", "address", address, "noise", candidate->noise,
                     "unit", gm_world_field(world, candidate->ref)->unit, "every_s",
                     (double)candidate->every_ns / 1e9, "gain", gain);
}

void gm_cli_observability_json(const gm_world *world, const gm_observability_answer *answer)
{
    json_t *values = json_array(), *candidates = json_array(), *best = json_array();
    for (size_t index = 0; index < answer->value_count; index++) {
        json_array_append_new(values, value_json(world, answer, &answer->values[index]));
    }
    for (size_t index = 0; index < answer->candidate_count; index++) {
        const gm_sensor_candidate *candidate = &answer->candidates[index];
        json_array_append_new(candidates, candidate_json(world, candidate, candidate->gain));
    }
    for (size_t index = 0; index < answer->pick_count; index++) {
        const gm_sensor_candidate *candidate = &answer->candidates[answer->picks[index]];
        json_array_append_new(best, candidate_json(world, candidate, answer->picks_gain[index]));
    }
    json_t *root = json_pack(
        "{s:s, s:b, s:f, s:I, s:I, s:f, s:o, s:o, s:o}", "world", world->name, "determined",
        gm_observability_is_complete(answer), "horizon_s", (double)answer->horizon_ns / 1e9,
        "sensors", (json_int_t)answer->sensor_count, "lanes", (json_int_t)answer->lanes, "left",
        answer->left, "values", values, "candidates", candidates, "best_together", best);
    json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    printf("\n");
    json_decref(root);
}
