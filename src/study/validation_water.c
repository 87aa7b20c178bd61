// Water networks against EPANET: six published networks over a day, every head, level, flow and
// status of the reference tables; and laws of single pipes against their closed forms.
//
// The tables were computed by EPANET 2.3.5 at an accuracy of 1e-6. A flow counts as right within a
// thousandth of itself; differences below 0.05 gallons a minute are none.
// Sources: Rossman et al., EPANET 2.2 User Manual, EPA/600/R-20/133 (2020); ky4: Jolly, Lothes,
// Bryson, Ormsbee, Research database of water distribution system models, J. Water Resources
// Planning and Management 140 (2014) 410-416; L-TOWN: Vrachimis et al., Battle of the leakage
// detection and isolation methods, J. Water Resources Planning and Management 148 (2022) 04022068;
// Sutera, Skalak, The history of Poiseuille's law, Annual Review of Fluid Mechanics 25 (1993) 1-20.
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/text.h"
#include "domain/domains.h"
#include "domain/water/water_parts.h"
#include "study/validation.h"

enum { LINE_SIZE = 512, COLUMNS_MAX = 8, NODE_COLUMNS = 5, LINK_COLUMNS = 7 };

extern char **environ;

static const double small_m3_s = 0.05 * WATER_CUBIC_FOOT_M3 / 448.831; // 0.05 GPM
static const double day_s = 86400.0;

// ---- a network and its state ----

typedef struct rig {
    gm_model *model;
    gm_layout *layout;
    gm_state *state;
} rig;

static void close_rig(rig *of)
{
    gm_state_close(of->state);
    gm_layout_close(of->layout);
    gm_model_close(of->model);
}

static gm_status open_rig(const gm_validation_context *context, const char *text, size_t size,
                          rig *made, gm_error *error)
{
    gm_config network = { .kind = GM_CONFIG_FILE,
                          .key = "network",
                          .text = text,
                          .size = size,
                          .place = { "network.inp", 1, 1 },
                          .units = context->units };
    gm_config root = { .kind = GM_CONFIG_MAP,
                       .count = 1,
                       .children = &network,
                       .place = { "network", 1, 1 },
                       .units = context->units };
    gm_layout_options options = { .seed = 1, .width = 1 };
    gm_status status = gm_model_build(&gm_water, "network", &root, &made->model, error);
    if (status == GM_OK) {
        const gm_model *systems[] = { made->model };
        status = gm_layout_create(systems, 1, 1, &options, &made->layout, error);
    }
    return status == GM_OK ? gm_state_create(made->layout, 0, &made->state, error) : status;
}

static gm_status advance(const rig *of, double until_s, gm_error *error)
{
    return gm_state_advance(of->state, 0, llround(until_s) * GM_SECOND_NS, NULL, error);
}

/// One value of the only lane; NAN when it cannot be read.
static double value_of(const rig *of, uint32_t class_number, uint32_t field, size_t element)
{
    gm_ref ref = { 0, class_number, field, (uint32_t)element };
    double value = NAN;
    return gm_state_read(of->state, ref, &value, NULL) == GM_OK ? value : NAN;
}

// ---- tables ----

/// A table while it is read, one line ahead.
typedef struct table {
    FILE *file;
    pid_t unpacker; // 0: none
    char line[LINE_SIZE];
    bool ended;
} table;

static void next_line(table *of)
{
    of->ended = fgets(of->line, sizeof of->line, of->file) == NULL;
}

/// Starts gzip on a file. @return the end to read from; NULL: it could not be started
static FILE *unpack(char *path, pid_t *unpacker)
{
    int ends[2];
    char *arguments[] = { "gzip", "-dc", path, NULL };
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return NULL;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    int failed = posix_spawnp(unpacker, "gzip", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *file = failed == 0 ? fdopen(ends[0], "r") : NULL;
    if (file == NULL) {
        close(ends[0]);
        *unpacker = 0;
    }
    return file;
}

static gm_status open_table(const gm_validation_context *context, const char *name, table *made,
                            gm_error *error)
{
    char path[GM_VALIDATION_PATH_SIZE];
    int length = snprintf(path, sizeof path, "%s/water/ref/%s", context->reference, name);
    if (length >= (int)sizeof path) {
        return gm_error_set(error, GM_LIMIT, "'%s': a path too long", name);
    }
    made->file = fopen(path, "re");
    bool packed = strcmp(name + strlen(name) - 3, ".gz") == 0;
    if (made->file != NULL && packed) {
        fclose(made->file);
        made->file = unpack(path, &made->unpacker);
    }
    if (made->file == NULL) {
        return gm_error_set(error, GM_NOT_FOUND, "cannot read '%s': %s", path, strerror(errno));
    }
    next_line(made); // the titles
    next_line(made);
    return made->ended ? gm_error_set(error, GM_INVALID, "'%s' is empty", path) : GM_OK;
}

static void close_table(table *of)
{
    if (of->file != NULL) {
        fclose(of->file);
    }
    if (of->unpacker > 0) {
        waitpid(of->unpacker, NULL, 0);
    }
}

/// A row: its element and numbers, those before it and the element's column NAN.
typedef struct row {
    char *element;
    double numbers[COLUMNS_MAX];
} row;

static double time_of(const char *line)
{
    double time_s = NAN;
    gm_text text = { line, strcspn(line, ",\n") };
    return gm_text_to_f64(text, &time_s) ? time_s : NAN;
}

/// Cuts a line up in place. @return false: it has fewer columns
static bool split(char *line, size_t columns, row *made)
{
    char *at = line;
    for (size_t column = 0; column < columns; column++) {
        size_t size = strcspn(at, ",\n");
        if (at[size] == '\0' && column + 1 < columns) {
            return false;
        }
        made->numbers[column] = NAN;
        gm_text_to_f64((gm_text){ at, size }, &made->numbers[column]);
        if (column == 1) {
            made->element = at;
        }
        at[size] = '\0';
        at += size + 1;
    }
    return true;
}

// ---- the comparison ----

typedef struct worst {
    double head, level, flow, statuses;
} worst;

static double larger(double a, double b)
{
    return a >= b ? a : b; // NaN stays
}

static bool compare_node(const rig *of, const row *expected, worst *off)
{
    const water_net *net = gm_model_constants(of->model);
    uint32_t node = gm_water_find_node(net->plan, expected->element);
    if (node == WATER_NONE) {
        return false;
    }
    size_t at = net->node_of[node], tank = at - net->junction_count;
    bool junction = at < net->junction_count, stores = !junction && tank < net->tank_count;
    double head = junction ? value_of(of, CLASS_JUNCTION, JUNCTION_HEAD, at)
                  : stores ? value_of(of, CLASS_TANK, TANK_HEAD, tank)
                           : value_of(of, CLASS_RESERVOIR, RESERVOIR_HEAD, tank - net->tank_count);
    double *most = stores ? &off->level : &off->head;
    *most = larger(fabs(head / net->plan->units.length_m - expected->numbers[3]), *most);
    return true;
}

static bool compare_link(const rig *of, const row *expected, worst *off)
{
    const water_net *net = gm_model_constants(of->model);
    uint32_t link = gm_water_find_link(net->plan, expected->element);
    if (link == WATER_NONE) {
        return false;
    }
    static const uint32_t classes[] = { CLASS_PIPE, CLASS_PUMP, CLASS_VALVE };
    static const uint32_t flows[] = { PIPE_FLOW, PUMP_FLOW, VALVE_FLOW };
    static const uint32_t statuses[] = { PIPE_STATUS, PUMP_STATUS, VALVE_STATUS };
    water_link_kind kind = net->plan->links[link].kind;
    size_t at = net->link_of[link];
    at -= kind == WATER_PIPE   ? 0
          : kind == WATER_PUMP ? net->pipe_count
                               : net->pipe_count + net->pump_count;
    bool closed = water_is_closed((uint8_t)value_of(of, classes[kind], statuses[kind], at));
    double flow = closed ? 0.0 : value_of(of, classes[kind], flows[kind], at);
    double wanted = expected->numbers[2] * net->plan->units.flow_m3_s;
    double apart = fabs(flow - wanted);
    off->flow = larger(apart <= small_m3_s ? 0.0 : apart / fabs(wanted), off->flow);
    off->statuses += closed != (expected->numbers[5] == 0.0);
    return true;
}

/// All rows of one time of a table.
static gm_status compare_rows(const rig *of, table *rows, double time_s, bool nodes, worst *off)
{
    for (; !rows->ended && time_of(rows->line) <= time_s; next_line(rows)) {
        row expected = { 0 };
        bool known = split(rows->line, nodes ? NODE_COLUMNS : LINK_COLUMNS, &expected) &&
                     (nodes ? compare_node : compare_link)(of, &expected, off);
        if (!known) {
            return GM_INVALID;
        }
    }
    return GM_OK;
}

static gm_status compare(const rig *of, table *nodes, table *links, worst *off, gm_error *error)
{
    gm_status status = GM_OK;
    while (status == GM_OK && !nodes->ended) {
        double time_s = time_of(nodes->line);
        if (!(time_s <= day_s)) {
            return isnan(time_s) ? gm_error_set(error, GM_INVALID, "a row without a time") : GM_OK;
        }
        status = advance(of, time_s, error);
        if (status == GM_OK && (compare_rows(of, nodes, time_s, true, off) != GM_OK ||
                                compare_rows(of, links, time_s, false, off) != GM_OK)) {
            status = gm_error_set(error, GM_INVALID, "a row of %g s names nothing known", time_s);
        }
    }
    return status;
}

static void add(gm_validation_report *report, const char *network, const char *what, double got,
                double most)
{
    gm_validation_number number = { .relation = GM_AT_MOST, .expected = most, .got = got };
    snprintf(number.what, sizeof number.what, "%s: %s", network, what);
    snprintf(number.unit, sizeof number.unit, "1");
    gm_validation_add(report, &number);
}

static gm_status run_network(const gm_validation_context *context, const char *name,
                             const char *tables, gm_validation_report *report, gm_error *error)
{
    char file[GM_VALIDATION_TEXT_SIZE], nodes_csv[GM_VALIDATION_TEXT_SIZE];
    char links_csv[GM_VALIDATION_TEXT_SIZE];
    const char *dot = strchr(tables, '.'); // "Net1_acc1e-6.csv" stands for both tables
    snprintf(file, sizeof file, "water/%s.inp", name);
    snprintf(nodes_csv, sizeof nodes_csv, "%.*s_nodes%s", (int)(dot - tables), tables, dot);
    snprintf(links_csv, sizeof links_csv, "%.*s_links%s", (int)(dot - tables), tables, dot);
    void *bytes = NULL;
    size_t size = 0;
    rig of = { 0 };
    table nodes = { 0 }, links = { 0 };
    worst off = { 0 };
    gm_status status = gm_validation_file(context, file, &bytes, &size, error);
    if (status == GM_OK) {
        status = open_rig(context, bytes, size, &of, error);
    }
    if (status == GM_OK) {
        status = open_table(context, nodes_csv, &nodes, error);
    }
    if (status == GM_OK) {
        status = open_table(context, links_csv, &links, error);
    }
    if (status == GM_OK) {
        status = compare(&of, &nodes, &links, &off, error);
    }
    if (status == GM_OK) {
        add(report, name, "heads off by, file's unit", off.head, 1e-3);
        add(report, name, "tank levels off by, file's unit", off.level, 1e-3);
        add(report, name, "flows off by, of themselves", off.flow, 1e-3);
        add(report, name, "statuses that differ", off.statuses, 0.0);
    }
    close_table(&nodes);
    close_table(&links);
    close_rig(&of);
    gm_memory_free(bytes);
    return status;
}

static gm_status run_networks(const gm_validation_context *context, gm_validation_report *report,
                              gm_error *error)
{
    static const char *const networks[][2] = {
        { "Net1", "Net1_acc1e-6.csv" },        { "Net2", "Net2_acc1e-6.csv" },
        { "Net3", "Net3_acc1e-6.csv" },        { "ky4", "ky4_24h_acc1e-6.csv.gz" },
        { "Net6", "Net6_24h_acc1e-6.csv.gz" }, { "L-TOWN", "L-TOWN_24h_acc1e-6.csv.gz" },
    };
    gm_status status = GM_OK;
    for (size_t at = 0; status == GM_OK && at < sizeof networks / sizeof *networks; at++) {
        status = run_network(context, networks[at][0], networks[at][1], report, error);
    }
    return status;
}

// ---- single pipes ----

/// A pipe of 1000 m and 300 mm from a reservoir at 100 m to a demand of 0.1 or 0.0001 m3/s.
static const char single_pipe[] = "[JUNCTIONS]\nJ 0 %s\n[RESERVOIRS]\nR 100\n"
                                  "[PIPES]\nP R J 1000 300 %s 0 Open\n"
                                  "[OPTIONS]\nUnits CMS\nHeadloss %s\nViscosity 1e-6\n";

static gm_status run_pipes(const gm_validation_context *context, gm_validation_report *report,
                           gm_error *error)
{
    const double length = 1000.0, diameter = 0.3;
    const double swift = 0.1, slow = 1e-4, hazen = 120.0, manning = 0.012;
    const struct {
        const char *what, *demand, *roughness, *formula;
        double loss_m, tolerance; // relative: EPANET's constants are rounded
    } cases[] = {
        { "Hazen-Williams", "0.1", "120", "H-W",
          10.667 * length * pow(swift / hazen, 1.852) / pow(diameter, 4.871), 2e-3 },
        { "Manning", "0.1", "0.012", "C-M",
          10.29 * length * pow(manning * swift, 2.0) / pow(diameter, 16.0 / 3.0), 1e-2 },
        { "Poiseuille, laminar", "0.0001", "0.1", "D-W",
          128.0 * 1e-6 * length * slow / (M_PI * 9.80665 * pow(diameter, 4.0)), 2e-3 },
    };
    gm_status status = GM_OK;
    for (size_t at = 0; status == GM_OK && at < sizeof cases / sizeof *cases; at++) {
        char text[LINE_SIZE];
        rig of = { 0 };
        snprintf(text, sizeof text, single_pipe, cases[at].demand, cases[at].roughness,
                 cases[at].formula);
        status = open_rig(context, text, strlen(text), &of, error);
        if (status == GM_OK) {
            status = advance(&of, 0.0, error);
        }
        if (status == GM_OK) {
            gm_validation_number number = { .unit = "m",
                                            .relation = GM_NEAR,
                                            .expected = cases[at].loss_m,
                                            .got = 100.0 -
                                                   value_of(&of, CLASS_JUNCTION, JUNCTION_HEAD, 0),
                                            .tolerance = cases[at].tolerance * cases[at].loss_m };
            snprintf(number.what, sizeof number.what, "head loss by %s", cases[at].what);
            gm_validation_add(report, &number);
        }
        close_rig(&of);
    }
    return status;
}

const gm_validation_case gm_validation_water_pipes = {
    .name = "head loss of single pipes",
    .domain = "water",
    .source = "closed forms: Hazen-Williams, Manning, Hagen-Poiseuille",
    .run = run_pipes,
};

const gm_validation_case gm_validation_water_networks = {
    .name = "six networks over a day",
    .domain = "water",
    .source = "EPANET 2.3.5 at accuracy 1e-6: Net1, Net2, Net3, ky4, Net6, L-TOWN",
    .needs_reference = true,
    .run = run_networks,
};
