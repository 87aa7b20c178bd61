// Hydraulics of Net6 and L-TOWN: gemel against epanet-js, one lane against eight, and a year.
//
// Both sides run the same day at an accuracy of 1e-6, on one core in the same minute, and solve at
// the same instants; the peer's runH and nextH are timed inside node (bench/peers/epanet_peer.mjs),
// its start is not. Eight lanes with demands and roughness of their own are timed at the 24 hours
// of the day, tanks at their start, against the same eight lanes one after the other. Net6 and
// L-TOWN are Hazen-Williams networks; eight lanes are timed with Darcy-Weisbach's friction too.
// Usage: bench_water
#include <gemel/state.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/require.h"
#include "base/units.h"
#include "bench_timing.h"
#include "domain/domains.h"
#include "domain/water/water_parts.h"

enum { RUNS = 5, HOURS = 24, PATH_SIZE = 1024, LINE_SIZE = 256, DAYS = 365, CYCLE_S = 300 };

static const double day_s = 86400.0;
static const double rough_m = 0.3e-3; // of pipes, where the file's is Hazen and Williams' factor

// ---- a network ----

typedef struct town {
    gm_units *units;
    char *text;
    gm_model *model;
} town;

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *text = gm_memory_new(size + 1, 1);
    GM_REQUIRE(text != NULL && fread(text, 1, size, file) == size);
    fclose(file);
    return text;
}

/// @param darcy  with Darcy-Weisbach's friction in place of the file's Hazen-Williams'
static bool open_town(const char *path, bool darcy, town *made)
{
    gm_error error = { 0 };
    *made = (town){ .text = read_text(path) };
    if (made->text == NULL) {
        return false;
    }
    char *formula = strstr(made->text, "H-W");
    GM_REQUIRE(formula != NULL);
    formula[0] = darcy ? 'D' : 'H';
    GM_REQUIRE(gm_units_read(&made->units, &error) == GM_OK);
    gm_config network = { .kind = GM_CONFIG_FILE,
                          .key = "network",
                          .text = made->text,
                          .size = strlen(made->text),
                          .place = { path, 1, 1 },
                          .units = made->units };
    gm_config root = { .kind = GM_CONFIG_MAP,
                       .count = 1,
                       .children = &network,
                       .place = { path, 1, 1 },
                       .units = made->units };
    GM_REQUIRE(gm_model_build(&gm_water, "town", &root, &made->model, &error) == GM_OK);
    return true;
}

static void close_town(town *made)
{
    gm_model_close(made->model);
    gm_units_close(made->units);
    gm_memory_free(made->text);
}

// ---- a day, as the engine runs it ----

/// Runs a model in calls of a length.
static double run_days(const gm_model *model, double days, double call_s)
{
    gm_error error = { 0 };
    gm_layout *layout = NULL;
    gm_state *state = NULL;
    gm_layout_options options = { .seed = 1, .width = 1 };
    GM_REQUIRE(gm_layout_create(&model, 1, 1, &options, &layout, &error) == GM_OK);
    GM_REQUIRE(gm_state_create(layout, 0, &state, &error) == GM_OK);
    GM_REQUIRE(gm_state_advance(state, 0, 0, NULL, &error) == GM_OK); // first solve: cold
    double began_s = seconds(CLOCK_PROCESS_CPUTIME_ID);
    size_t calls = (size_t)llround(days * day_s / call_s);
    for (size_t call = 1; call <= calls; call++) {
        int64_t until_ns = llround((double)call * call_s * 1e9);
        GM_REQUIRE(gm_state_advance(state, 0, until_ns, NULL, &error) == GM_OK);
    }
    double took_s = seconds(CLOCK_PROCESS_CPUTIME_ID) - began_s;
    gm_state_close(state);
    gm_layout_close(layout);
    return took_s;
}

// ---- the peer ----

/// The peer's seconds for a day, and how often it solved.
static bool run_peer(const char *path, double *took_s, size_t *solves)
{
    char command[2 * PATH_SIZE], line[LINE_SIZE] = "";
    snprintf(command, sizeof command, "node '%s/epanet_peer.mjs' '%s' %.0f 2>/dev/null",
             GEMEL_SOURCE_DIR "/bench/peers", path, day_s);
    FILE *out = popen(command, "r");
    bool read = out != NULL && fgets(line, sizeof line, out) != NULL;
    if (out != NULL) {
        pclose(out);
    }
    return read && sscanf(line, "%zu solves %lf s", solves, took_s) == 2;
}

// ---- instants, by the solver alone ----

/// A block of a model with memory of its own.
typedef struct stage {
    gm_block block;
    int64_t time_ns[GM_LANES];
    water_view view;
    gm_arena *arena;
} stage;

static void set_column(stage *made, const gm_model *model, size_t class_number, size_t field)
{
    const gm_class *class = gm_model_class_at(model, class_number);
    gm_type type = class->fields[field].type;
    size_t count = gm_model_element_count(model, class_number), width = (size_t)made->block.width;
    void *column = gm_arena_new(made->arena, (count + 1) * width, gm_type_size(type));
    GM_REQUIRE(column != NULL);
    for (size_t at = 0; at < count * width; at++) {
        double value = gm_model_initial_at(model, class_number, field, at / width);
        if (type == GM_F64) {
            ((double *)column)[at] = value;
        } else if (type == GM_I32) {
            ((int32_t *)column)[at] = (int32_t)value;
        } else {
            ((uint8_t *)column)[at] = (uint8_t)value;
        }
    }
    void **columns = (void **)(uintptr_t)made->block.columns;
    columns[gm_model_column(model, class_number, field)] = column;
}

static void open_stage(const gm_model *model, int width, stage *made)
{
    *made = (stage){ .arena = gm_arena_create(1 << 20) };
    made->block = (gm_block){ .model = model,
                              .width = width,
                              .lanes = (uint8_t)((1u << width) - 1u),
                              .time_ns = made->time_ns };
    size_t columns = gm_model_column_count(model);
    made->block.columns = gm_arena_new(made->arena, columns, sizeof(void *));
    made->block.hidden = gm_arena_new(made->arena, GM_LANES, gm_model_hidden_size(model));
    for (size_t class_number = 0; class_number < WATER_CLASSES; class_number++) {
        const gm_class *class = gm_model_class_at(model, class_number);
        for (size_t field = 0; field < class->field_count; field++) {
            set_column(made, model, class_number, field);
        }
    }
    const water_net *net = gm_model_constants(model);
    void *scratch = gm_arena_new(made->arena, 1, gm_water_scratch_size(net));
    GM_REQUIRE(scratch != NULL);
    gm_water_view(model, &made->block, scratch, &made->view);
}

/// Lane `number` of eight: demands 0.8 to 1.15 times, roughness 0.9 to 1.04 times the file's, or of
/// a third of a millimetre.
static void vary(stage *made, size_t lane, size_t number)
{
    size_t width = (size_t)made->block.width;
    double *roughness = (double *)(uintptr_t)made->view.roughness;
    bool darcy = made->view.net->plan->formula == DARCY_WEISBACH;
    for (size_t pipe = 0; pipe < made->view.net->pipe_count; pipe++) {
        roughness[pipe * width + lane] = darcy ? rough_m : roughness[pipe * width + lane];
        roughness[pipe * width + lane] *= 0.9 + 0.02 * (double)((number + pipe) % GM_LANES);
    }
}

static void set_hour(stage *made, size_t lane, size_t number, int hour)
{
    const water_view *view = &made->view;
    const water_net *net = view->net;
    size_t width = (size_t)view->width, tanks = net->tank_count;
    int64_t time_ns = net->plan->origin_ns + (int64_t)hour * 3600000000000;
    for (size_t junction = 0; junction < net->junction_count; junction++) {
        double sum = 0.0, factor = 0.8 + 0.05 * (double)((number + junction) % GM_LANES);
        for (size_t draw = net->draw_start[junction]; draw < net->draw_start[junction + 1];
             draw++) {
            sum += net->draws[draw].base_m3_s *
                   gm_water_pattern_at(net, net->draws[draw].pattern, time_ns);
        }
        view->full_demand[junction * width + lane] = sum * factor;
    }
    for (size_t tank = 0; tank < tanks; tank++) {
        view->fixed_head[tank * width + lane] =
            net->tanks[tank].elevation_m + view->level[tank * width + lane];
    }
    for (size_t at = 0; at < net->reservoir_count; at++) {
        view->fixed_head[(tanks + at) * width + lane] = view->reservoir_head[at * width + lane];
    }
}

/// What a day of instants took.
typedef struct instants {
    double took_s;     // in all
    size_t iterations; // of all lanes together
} instants;

/// @param first  number of the first lane
static instants run_instants(const gm_model *model, int width, size_t first)
{
    static stage made;
    gm_error error = { 0 };
    instants sum = { 0 };
    open_stage(model, width, &made);
    gm_lane_mask lanes = made.block.lanes;
    for (size_t lane = 0; lane < (size_t)width; lane++) {
        vary(&made, lane, first + lane);
        set_hour(&made, lane, first + lane, 0);
    }
    gm_water_resistances(&made.view, lanes);
    gm_water_solver_open(&made.view);
    GM_REQUIRE(gm_water_solve(&made.view, lanes, &error) == 0); // cold
    for (int hour = 1; hour <= HOURS; hour++) {
        for (size_t lane = 0; lane < (size_t)width; lane++) {
            set_hour(&made, lane, first + lane, hour % HOURS);
        }
        double began_s = seconds(CLOCK_PROCESS_CPUTIME_ID);
        GM_REQUIRE(gm_water_solve(&made.view, lanes, &error) == 0);
        sum.took_s += seconds(CLOCK_PROCESS_CPUTIME_ID) - began_s;
        for (int lane = 0; lane < width; lane++) {
            sum.iterations += (size_t)made.view.iterations[lane];
        }
    }
    gm_arena_close(made.arena);
    return sum;
}

// ---- rows ----

/// What is told of one network.
typedef struct result {
    const char *name;
    size_t solves;
    double gemel_us, peer_us; // per solve of a day; peer 0: not there
    double one_us, eight_us;  // per instant: a lane alone, eight together
    double one_iteration_us, eight_iteration_us;
    double ratio_8;
} result;

static void measure_day(const town *measured, const char *path, result *row)
{
    double gemel[RUNS], peer[RUNS];
    bool raced = true;
    for (int run = 0; run < RUNS; run++) {
        raced = run_peer(path, &peer[run], &row->solves) && raced;
        gemel[run] = run_days(measured->model, 1.0, day_s);
    }
    row->solves = raced ? row->solves : 0;
    row->gemel_us = 1e6 * median(gemel, RUNS);
    row->peer_us = raced ? 1e6 * median(peer, RUNS) : 0.0;
}

static void measure_lanes(const town *measured, result *row)
{
    double one[RUNS], eight[RUNS], ratio[RUNS];
    size_t alone = 0, together = 0;
    for (int run = 0; run < RUNS; run++) {
        one[run] = 0.0;
        alone = 0;
        for (size_t lane = 0; lane < GM_LANES; lane++) {
            instants single = run_instants(measured->model, 1, lane);
            one[run] += single.took_s / GM_LANES;
            alone += single.iterations;
        }
        instants all = run_instants(measured->model, GM_LANES, 0);
        eight[run] = all.took_s;
        together = all.iterations;
        ratio[run] = eight[run] / one[run];
    }
    GM_REQUIRE(alone == together); // a lane's course does not depend on its neighbours
    row->one_us = 1e6 * median(one, RUNS) / HOURS;
    row->eight_us = 1e6 * median(eight, RUNS) / HOURS;
    row->one_iteration_us = row->one_us * HOURS * GM_LANES / (double)alone;
    row->eight_iteration_us = row->eight_us * HOURS * GM_LANES / (double)together;
    row->ratio_8 = median(ratio, RUNS);
}

static void print_day(const result *row)
{
    if (row->peer_us > 0.0) {
        double solves = (double)row->solves;
        printf("%s, a day: %zu solves, gemel %.1f us each, epanet-js %.1f us each, ratio %.1f\n",
               row->name, row->solves, row->gemel_us / solves, row->peer_us / solves,
               row->peer_us / row->gemel_us);
    } else {
        printf("%s, a day: gemel %.2f ms; no epanet-js (tools/setup bench)\n", row->name,
               1e-3 * row->gemel_us);
    }
}

static void print_lanes(const result *row, const char *formula)
{
    printf("%s, %s, an hour's instant: one lane %.1f us (%.2f us an iteration), eight lanes %.1f "
           "us (%.2f us an iteration of all), ratio %.2f\n",
           row->name, formula, row->one_us, row->one_iteration_us, row->eight_us,
           row->eight_iteration_us, row->ratio_8);
}

/// @return whether the network is there
static bool race(const char *name, bool darcy)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/water/%s.inp", GEMEL_REFERENCE_DATA, name);
    town measured;
    if (!open_town(path, darcy, &measured)) {
        return false;
    }
    result row = { .name = name };
    if (!darcy) {
        measure_day(&measured, path, &row);
        print_day(&row);
    }
    measure_lanes(&measured, &row);
    print_lanes(&row, darcy ? "Darcy-Weisbach" : "Hazen-Williams");
    if (!darcy && strcmp(name, "L-TOWN") == 0) {
        double took_s = run_days(measured.model, DAYS, CYCLE_S);
        printf("L-TOWN, a year in steps of 5 minutes: %.2f s, %.1f us a step\n", took_s,
               1e6 * took_s / (DAYS * day_s / CYCLE_S));
    }
    close_town(&measured);
    return true;
}

int main(void)
{
    static const char *const names[] = { "Net6", "L-TOWN" };
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        if (!race(names[index], false) || !race(names[index], true)) {
            printf("%s: skipped: no reference data\n", names[index]);
        }
    }
    return 0;
}
