// labels: release
// Six published networks over a day and more, against EPANET 2.3.5 at an accuracy of 1e-6: every
// head, level, flow and status at every reference time.
#include <stdlib.h>

#include "base/text.h"
#include "domain/water_fixture.h"

enum { LINE_SIZE = 512, PATH_SIZE = 1024, FIELDS = 8, FIRST_LINES = 5 };

static const double head_tolerance = 1e-3;              // in the file's unit of length
static const double flow_tolerance = 1e-3;              // relative
static const double small_gpm_m3_s = 0.05 * 6.30902e-5; // differences below count as none
static const double balance_tolerance = 1e-6;           // of the most that passes through a node

typedef struct published {
    const char *file, *tables;
    bool packed;
} published;

static const published networks[] = {
    { "Net1", "Net1_acc1e-6", false },    { "Net2", "Net2_acc1e-6", false },
    { "Net3", "Net3_acc1e-6", false },    { "ky4", "ky4_24h_acc1e-6", true },
    { "Net6", "Net6_24h_acc1e-6", true }, { "L-TOWN", "L-TOWN_24h_acc1e-6", true },
};

/// The worst differences of one network.
typedef struct score {
    double head, level, flow, balance;
    size_t instants, rows, statuses, told;
} score;

/// A reference table while it is read, one line ahead.
typedef struct table {
    FILE *file;
    char line[LINE_SIZE];
    bool piped, ended;
} table;

/// The number a text starts with; NAN: none.
static double number_at(const char *text)
{
    double value = NAN;
    gm_text number = { text, strcspn(text, ",\n") };
    return gm_text_to_f64(number, &value) ? value : NAN;
}

static char *read_text(const char *name)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/water/%s.inp", GEMEL_REFERENCE_DATA, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *text = calloc(1, size + 1);
    assert_int_equal(fread(text, 1, size, file), size);
    fclose(file);
    return text;
}

static void next_line(table *of)
{
    of->ended = fgets(of->line, sizeof of->line, of->file) == NULL;
}

static table open_table(const published *of, const char *kind)
{
    table made = { .piped = of->packed };
    char path[PATH_SIZE];
    const char *start = of->packed ? "gzip -dc '" : "", *end = of->packed ? ".gz'" : "";
    snprintf(path, sizeof path, "%s%s/water/ref/%s_%s.csv%s", start, GEMEL_REFERENCE_DATA,
             of->tables, kind, end);
    made.file = of->packed ? popen(path, "r") : fopen(path, "r");
    assert_non_null(made.file);
    next_line(&made); // the titles
    next_line(&made);
    return made;
}

static void close_table(table *of)
{
    of->piped ? pclose(of->file) : fclose(of->file);
}

/// Cuts a line into its fields in place. @return how many
static size_t split(char *line, char **fields)
{
    size_t count = 0;
    for (char *at = line; at != NULL && count < FIELDS; count++) {
        fields[count] = at;
        at = strpbrk(at, ",\n");
        if (at != NULL) {
            *at++ = '\0';
        }
    }
    return count;
}

/// The next row of a time, cut up. @return false: the table's next row is of a later time
static bool take_row(table *of, double time_s, char *copy, char **fields)
{
    if (of->ended || !(number_at(of->line) <= time_s)) {
        return false;
    }
    memcpy(copy, of->line, sizeof of->line);
    assert_true(split(copy, fields) >= 5);
    next_line(of);
    return true;
}

/// What the tables are compared with: the whole block of one lane.
typedef struct lane_values {
    const water_net *net;
    double *head, *flow, *level, *reservoir, *tank_demand, *reservoir_demand, *demand;
    uint8_t *status;
} lane_values;

static double *read_column(const water_rig *rig, uint32_t class_number, uint32_t field,
                           double *values)
{
    size_t count = gm_model_element_count(rig->model, class_number);
    gm_ref *refs = calloc(count + 1, sizeof *refs);
    for (size_t element = 0; element < count; element++) {
        refs[element] = (gm_ref){ 0, class_number, field, (uint32_t)element };
    }
    assert_int_equal(gm_state_read_many(rig->state, refs, count, values, NULL), GM_OK);
    free(refs);
    return values + count;
}

static void read_lane(const water_rig *rig, lane_values *values)
{
    read_column(rig, CLASS_JUNCTION, JUNCTION_HEAD, values->head);
    read_column(rig, CLASS_JUNCTION, JUNCTION_DEMAND, values->demand);
    read_column(rig, CLASS_TANK, TANK_HEAD, values->level);
    read_column(rig, CLASS_RESERVOIR, RESERVOIR_HEAD, values->reservoir);
    double *flow = read_column(rig, CLASS_PIPE, PIPE_FLOW, values->flow);
    flow = read_column(rig, CLASS_PUMP, PUMP_FLOW, flow);
    read_column(rig, CLASS_VALVE, VALVE_FLOW, flow);
    double *status = calloc(values->net->link_count + 1, sizeof *status);
    double *end = read_column(rig, CLASS_PIPE, PIPE_STATUS, status);
    end = read_column(rig, CLASS_PUMP, PUMP_STATUS, end);
    read_column(rig, CLASS_VALVE, VALVE_STATUS, end);
    for (size_t link = 0; link < values->net->link_count; link++) {
        values->status[link] = (uint8_t)status[link];
    }
    free(status);
}

static lane_values open_values(const water_rig *rig)
{
    const water_net *net = gm_model_constants(rig->model);
    size_t count = net->node_count + net->link_count + 1;
    return (lane_values){ .net = net,
                          .head = calloc(count, sizeof(double)),
                          .flow = calloc(count, sizeof(double)),
                          .level = calloc(count, sizeof(double)),
                          .reservoir = calloc(count, sizeof(double)),
                          .demand = calloc(count, sizeof(double)),
                          .status = calloc(count, 1) };
}

static void close_values(lane_values *values)
{
    free(values->head);
    free(values->flow);
    free(values->level);
    free(values->reservoir);
    free(values->demand);
    free(values->status);
}

static void compare_node(const lane_values *values, char **fields, score *worst)
{
    const water_net *net = values->net;
    uint32_t node = gm_water_find_node(net->plan, fields[1]);
    assert_true(node != WATER_NONE);
    size_t number = net->node_of[node], tank = number - net->junction_count;
    bool junction = number < net->junction_count, stores = !junction && tank < net->tank_count;
    double head = junction ? values->head[number]
                  : stores ? values->level[tank]
                           : values->reservoir[tank - net->tank_count];
    double off = fabs(head / net->plan->units.length_m - number_at(fields[3]));
    worst->head = junction ? fmax(worst->head, off) : worst->head;
    worst->level = junction ? worst->level : fmax(worst->level, off);
    worst->rows++;
    if (!(off <= head_tolerance) && worst->told++ < FIRST_LINES) {
        print_message("  at %s s node %s: head off by %g\n", fields[0], fields[1], off);
    }
}

static void compare_link(const lane_values *values, char **fields, score *worst)
{
    const water_net *net = values->net;
    uint32_t link = gm_water_find_link(net->plan, fields[1]);
    assert_true(link != WATER_NONE);
    size_t number = net->link_of[link];
    double unit = net->plan->units.flow_m3_s, expected = number_at(fields[2]) * unit;
    bool closed = water_is_closed(values->status[number]);
    double off = fabs((closed ? 0.0 : values->flow[number]) - expected);
    double relative = off > small_gpm_m3_s ? off / fabs(expected) : 0.0;
    worst->flow = fmax(worst->flow, relative);
    worst->rows++;
    bool shut = number_at(fields[5]) == 0.0;
    worst->statuses += shut != closed;
    if ((!(relative <= flow_tolerance) || shut != closed) && worst->told++ < FIRST_LINES) {
        print_message("  at %s s link %s: flow off by %g of itself, status %d\n", fields[0],
                      fields[1], relative, values->status[number]);
    }
}

static double head_of(const lane_values *values, size_t node)
{
    const water_net *net = values->net;
    size_t tank = node - net->junction_count;
    return node < net->junction_count ? values->head[node]
           : tank < net->tank_count   ? values->level[tank]
                                      : values->reservoir[tank - net->tank_count];
}

/// What flows into a junction flows out or is drawn there; a closed link lets a trace through.
static double worst_balance(const lane_values *values)
{
    const water_net *net = values->net;
    double *sum = calloc(net->node_count + 1, sizeof *sum);
    double *size = calloc(net->node_count + 1, sizeof *size);
    double worst = 0.0, most = 0.0;
    for (size_t link = 0; link < net->link_count; link++) {
        water_ends ends = net->ends[link];
        double trace =
            (head_of(values, ends.from) - head_of(values, ends.to)) / WATER_GRADIENT_CLOSED;
        double flow = water_is_closed(values->status[link]) ? trace : values->flow[link];
        sum[ends.from] -= flow;
        sum[ends.to] += flow;
        size[ends.from] += fabs(flow);
        size[ends.to] += fabs(flow);
    }
    for (size_t node = 0; node < net->junction_count; node++) {
        worst = fmax(worst, fabs(sum[node] - values->demand[node]));
        most = fmax(most, size[node]);
    }
    free(sum);
    free(size);
    return worst / most;
}

static score compare(const published *of, const char *text)
{
    water_rig rig = open_water(text, 1, 1);
    lane_values values = open_values(&rig);
    table nodes = open_table(of, "nodes"), links = open_table(of, "links");
    score worst = { 0 };
    while (!nodes.ended) {
        char copy[LINE_SIZE], *fields[FIELDS];
        double time_s = number_at(nodes.line);
        advance_water(rig.state, time_s);
        read_lane(&rig, &values);
        while (take_row(&nodes, time_s, copy, fields)) {
            compare_node(&values, fields, &worst);
        }
        while (take_row(&links, time_s, copy, fields)) {
            compare_link(&values, fields, &worst);
        }
        worst.balance = fmax(worst.balance, worst_balance(&values));
        worst.instants++;
    }
    close_table(&nodes);
    close_table(&links);
    close_values(&values);
    close_water(&rig);
    return worst;
}

static void published_networks_are_reproduced(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t index = 0; index < sizeof networks / sizeof *networks; index++) {
        char *text = read_text(networks[index].file);
        if (text == NULL) {
            print_message("skipped: no reference data\n");
            skip();
        }
        score worst = compare(&networks[index], text);
        print_message("%-7s %3zu times, %7zu rows: head %.1e, level %.1e, flow %.1e of itself, "
                      "balance %.1e, statuses wrong %zu\n",
                      networks[index].file, worst.instants, worst.rows, worst.head, worst.level,
                      worst.flow, worst.balance, worst.statuses);
        wrong += !(worst.head <= head_tolerance && worst.level <= head_tolerance &&
                   worst.flow <= flow_tolerance && worst.balance <= balance_tolerance &&
                   worst.statuses == 0);
        free(text);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_networks_are_reproduced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
