// Water distribution networks: pipes, pumps, valves, tanks and reservoirs under pressure.
//
// At every instant the heads of junctions and the flows of links balance: what flows into a
// junction flows out or is drawn there, and the head lost along a link is what its flow costs
// (Hazen-Williams, Darcy-Weisbach or Chezy-Manning; pump curves; valves that hold a setting). From
// one instant to the next tanks fill and drain, demands follow patterns, controls switch. The
// meaning of every element is EPANET's, and so are the instants and, within its accuracy, the
// results.
//
// Sources: Todini, Pilati, A gradient algorithm for the analysis of pipe networks, in Computer
// Applications in Water Supply 1 (1988) 1-20; Rossman et al., EPANET 2.2 User Manual,
// EPA/600/R-20/133 (2020), chapter 12.
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "domain/domains.h"
#include "domain/water/water_parts.h"

// ---- the tables ----

static const gm_field network_fields[] = {
    [NETWORK_DEMAND_FACTOR] = { "demand_factor", "1", GM_PARAMETER, GM_F64, 1.0, 0.0, 1e3,
                                "multiplies the demand of every junction" },
    [NETWORK_ITERATIONS] = { "iterations", "1", GM_STATE, GM_I32, 0.0, 0.0, 1e9,
                             "that the last instant took" },
    [NETWORK_CHANGE] = { "flow_change", "1", GM_STATE, GM_F64, 0.0, 0.0, 1e9,
                         "relative change of flows in the last iteration" },
    [NETWORK_INFLOW] = { "inflow", "m3/s", GM_OUTPUT, GM_F64, 0.0, -1e6, 1e6,
                         "what reservoirs give, all together" },
    [NETWORK_CONSUMPTION] = { "consumption", "m3/s", GM_OUTPUT, GM_F64, 0.0, -1e6, 1e6,
                              "what customers take, all together" },
    [NETWORK_LEAKAGE] = { "leakage", "m3/s", GM_OUTPUT, GM_F64, 0.0, -1e6, 1e6,
                          "what emitters and leaking pipes lose, all together" },
};

static const gm_field junction_fields[] = {
    [JUNCTION_ELEVATION] = { "elevation", "m", GM_PARAMETER, GM_F64, 0.0, -1e4, 1e4, "ground" },
    [JUNCTION_DEMAND_FACTOR] = { "demand_factor", "1", GM_PARAMETER, GM_F64, 1.0, 0.0, 1e3,
                                 "multiplies the demand by patterns" },
    [JUNCTION_EXTRA_DEMAND] = { "extra_demand", "m3/s", GM_INPUT, GM_F64, 0.0, -1e3, 1e3,
                                "drawn besides the demand by patterns; negative feeds in" },
    [JUNCTION_EMITTER] = { "emitter", "m3/s", GM_PARAMETER, GM_F64, 0.0, 0.0, 1e3,
                           "outflow at one metre of pressure through a sprinkler or a hole" },
    [JUNCTION_HEAD] = { "head", "m", GM_STATE, GM_F64, 0.0, -1e9, 1e9, "elevation and pressure" },
    [JUNCTION_CONSUMPTION] = { "consumption", "m3/s", GM_STATE, GM_F64, 0.0, -1e3, 1e3,
                               "what customers get" },
    [JUNCTION_EMISSION] = { "emission", "m3/s", GM_STATE, GM_F64, 0.0, -1e3, 1e3,
                            "outflow of the emitter" },
    [JUNCTION_HOLE_LEAKAGE] = { "hole_leakage", "m3/s", GM_STATE, GM_F64, 0.0, -1e3, 1e3,
                                "lost through holes of fixed area in pipes that end here" },
    [JUNCTION_CRACK_LEAKAGE] = { "crack_leakage", "m3/s", GM_STATE, GM_F64, 0.0, -1e3, 1e3,
                                 "lost through cracks that open with pressure" },
    [JUNCTION_PRESSURE] = { "pressure", "Pa", GM_OUTPUT, GM_F64, 0.0, -1e13, 1e13,
                            "above the air's, at the ground" },
    [JUNCTION_DEMAND] = { "demand", "m3/s", GM_OUTPUT, GM_F64, 0.0, -1e4, 1e4,
                          "all that leaves the network here" },
    [JUNCTION_LEAKAGE] = { "leakage", "m3/s", GM_OUTPUT, GM_F64, 0.0, -1e4, 1e4,
                           "lost by pipes that end here" },
};

static const gm_field tank_fields[] = {
    [TANK_LEVEL] = { "level", "m", GM_STATE, GM_F64, 0.0, -1e4, 1e4, "water above the bottom" },
    [TANK_DEMAND] = { "demand", "m3/s", GM_STATE, GM_F64, 0.0, -1e4, 1e4,
                      "net inflow; negative feeds the network" },
    [TANK_HEAD] = { "head", "m", GM_OUTPUT, GM_F64, 0.0, -1e5, 1e5, "elevation and level" },
    [TANK_PRESSURE] = { "pressure", "Pa", GM_OUTPUT, GM_F64, 0.0, -1e9, 1e9, "at the bottom" },
    [TANK_VOLUME] = { "volume", "m3", GM_OUTPUT, GM_F64, 0.0, -1e9, 1e9, "of water" },
};

static const gm_field reservoir_fields[] = {
    [RESERVOIR_BASE_HEAD] = { "base_head", "m", GM_INPUT, GM_F64, 0.0, -1e5, 1e5,
                              "head before its pattern" },
    [RESERVOIR_HEAD] = { "head", "m", GM_STATE, GM_F64, 0.0, -1e5, 1e5, "head now" },
    [RESERVOIR_DEMAND] = { "demand", "m3/s", GM_STATE, GM_F64, 0.0, -1e4, 1e4,
                           "net inflow; negative feeds the network" },
    [RESERVOIR_PRESSURE] = { "pressure", "Pa", GM_OUTPUT, GM_F64, 0.0, -1e9, 1e9,
                             "none: the surface is the head" },
};

#define STATUS_DOC                                                                                 \
    "0 closed, 1 open, 2 holds its setting, 3 wide open, 4 shut against reverse flow, 5 stopped "  \
    "at a full or empty tank, 6 cannot lift, 7 cannot hold its setting"
#define STATUS(start)                                                                              \
    {                                                                                              \
        "status", "1", GM_STATE, GM_U8, (start), 0.0, WATER_STATUSES - 1.0, STATUS_DOC             \
    }
#define AUTOMATIC                                                                                  \
    {                                                                                              \
        "automatic", "1", GM_INPUT, GM_U8, 1.0, 0.0, 1.0,                                          \
            "1: controls and rules of the network move it; 0: they leave it alone"                 \
    }
#define FLOW                                                                                       \
    {                                                                                              \
        "flow", "m3/s", GM_STATE, GM_F64, 0.0, -1e4, 1e4, "from the first node to the second"      \
    }
#define VELOCITY                                                                                   \
    {                                                                                              \
        "velocity", "m/s", GM_OUTPUT, GM_F64, 0.0, 0.0, 1e9, "mean over the section"               \
    }
#define HEADLOSS(doc)                                                                              \
    {                                                                                              \
        "headloss", "m", GM_OUTPUT, GM_F64, 0.0, -1e9, 1e9, (doc)                                  \
    }
#define PIPE_TABLE(roughness_unit, roughness, roughness_doc)                                       \
    [PIPE_LENGTH] = { "length", "m", GM_PARAMETER, GM_F64, 100.0, 1e-6, 1e7, "length" },           \
    [PIPE_DIAMETER] = { "diameter", "m", GM_PARAMETER, GM_F64, 0.1, 1e-12, 100.0, "inside" },      \
    [PIPE_ROUGHNESS] = { "roughness", (roughness_unit), GM_PARAMETER, GM_F64, (roughness), 1e-12,  \
                         1e4,         (roughness_doc) },                                           \
    [PIPE_MINOR_LOSS] = { "minor_loss", "1", GM_PARAMETER, GM_F64,                                 \
                          0.0,          0.0, 1e12,         "coefficient of bends and fittings" },  \
    [PIPE_LEAK_AREA] = { "leak_area",  "m2",                                                       \
                         GM_PARAMETER, GM_F64,                                                     \
                         0.0,          0.0,                                                        \
                         100.0,        "of all holes in the pipe; half leaks at either end" },     \
    [PIPE_LEAK_GROWTH] = { "leak_growth", "m",                                                     \
                           GM_PARAMETER,  GM_F64,                                                  \
                           0.0,           0.0,                                                     \
                           1.0,           "by which the area grows per metre of pressure" },       \
    [PIPE_AUTOMATIC] = AUTOMATIC, [PIPE_STATUS] = STATUS(1.0), [PIPE_FLOW] = FLOW,                 \
    [PIPE_RESISTANCE] = { "resistance", "1",                                                       \
                          GM_STATE,     GM_F64,                                                    \
                          0.0,          0.0,                                                       \
                          1e300,        "of friction, from roughness, length and diameter" },      \
    [PIPE_VELOCITY] = VELOCITY, [PIPE_HEADLOSS] = HEADLOSS("between the ends")

static const gm_field pipe_fields[] = { PIPE_TABLE(
    "1", 130.0, "coefficient of the head loss formula: Hazen-Williams C, Manning n") };
static const gm_field pipe_fields_by_height[] = { PIPE_TABLE("m", 1e-4,
                                                             "roughness height of the wall") };

static const gm_field pump_fields[] = {
    [PUMP_AUTOMATIC] = AUTOMATIC,
    [PUMP_STATUS] = STATUS(1.0),
    [PUMP_SPEED] = { "speed", "1", GM_STATE, GM_F64, 1.0, 0.0, 100.0,
                     "over nominal speed, when it runs" },
    [PUMP_FLOW] = FLOW,
    [PUMP_ENERGY] = { "energy", "J", GM_STATE, GM_F64, 0.0, 0.0, 1e30, "used so far" },
    [PUMP_PEAK_POWER] = { "peak_power", "W", GM_STATE, GM_F64, 0.0, 0.0, 1e15, "so far" },
    [PUMP_RUN_TIME] = { "run_time", "s", GM_STATE, GM_F64, 0.0, 0.0, 1e15, "so far" },
    [PUMP_VOLUME] = { "volume", "m3", GM_STATE, GM_F64, 0.0, 0.0, 1e15, "pumped so far" },
    [PUMP_COST] = { "cost", "1", GM_STATE, GM_F64, 0.0, -1e30, 1e30,
                    "of energy so far, in the currency of the prices" },
    [PUMP_POWER] = { "power", "W", GM_OUTPUT, GM_F64, 0.0, 0.0, 1e15, "taken now" },
    [PUMP_EFFICIENCY] = { "efficiency", "1", GM_OUTPUT, GM_F64, 0.0, 0.0, 1.0, "now" },
    [PUMP_VELOCITY] = VELOCITY,
    [PUMP_HEADLOSS] = HEADLOSS("negative: the head it adds"),
};

static const gm_field valve_fields[] = {
    [VALVE_DIAMETER] = { "diameter", "m", GM_PARAMETER, GM_F64, 0.1, 1e-12, 100.0, "inside" },
    [VALVE_MINOR_LOSS] = { "minor_loss", "1", GM_PARAMETER, GM_F64, 0.0, 0.0, 1e12,
                           "coefficient when wide open" },
    [VALVE_PRESSURE_SETTING] = { "pressure_setting", "Pa", GM_STATE, GM_F64, 0.0, -1e9, 1e9,
                                 "PRV: kept behind it; PSV: kept before it; PBV: taken away" },
    [VALVE_FLOW_SETTING] = { "flow_setting", "m3/s", GM_STATE, GM_F64, 0.0, -1e4, 1e4,
                             "FCV: lets no more through" },
    [VALVE_LOSS_COEFFICIENT] = { "loss_coefficient", "1", GM_STATE, GM_F64, 0.0, 0.0, 1e15,
                                 "TCV: its minor loss now" },
    [VALVE_OPENING] = { "opening", "1", GM_STATE, GM_F64, 1.0, 0.0, 1.0, "PCV: how far open" },
    [VALVE_AUTOMATIC] = AUTOMATIC,
    [VALVE_STATUS] = STATUS(2.0),
    [VALVE_FLOW] = FLOW,
    [VALVE_VELOCITY] = VELOCITY,
    [VALVE_HEADLOSS] = HEADLOSS("between the ends"),
};

static const gm_field pattern_fields[] = {
    [PATTERN_FACTOR] = { "factor", "1", GM_PARAMETER, GM_F64, 1.0, 0.0, 1e3,
                         "multiplies the pattern wherever demands use it" },
    [PATTERN_VALUE] = { "value", "1", GM_OUTPUT, GM_F64, 0.0, -1e12, 1e12, "now" },
};

#define TABLE(fields_) .fields = (fields_), .field_count = sizeof(fields_) / sizeof *(fields_)

const gm_class gm_water_classes[WATER_CLASSES] = {
    [CLASS_NETWORK] = { .name = "network", .doc = "all of it", TABLE(network_fields) },
    [CLASS_JUNCTION] = { .name = "junction",
                         .doc = "where links meet and water is drawn",
                         TABLE(junction_fields),
                         .shape = GM_SHAPE_POINT },
    [CLASS_TANK] = { .name = "tank",
                     .doc = "a vessel whose level moves",
                     TABLE(tank_fields),
                     .shape = GM_SHAPE_POINT },
    [CLASS_RESERVOIR] = { .name = "reservoir",
                          .doc = "a source of given head",
                          TABLE(reservoir_fields),
                          .shape = GM_SHAPE_POINT },
    [CLASS_PIPE] = { .name = "pipe",
                     .doc = "a pipe, perhaps with a check valve",
                     TABLE(pipe_fields),
                     .shape = GM_SHAPE_LINE },
    [CLASS_PUMP] = { .name = "pump", .doc = "a pump", TABLE(pump_fields), .shape = GM_SHAPE_LINE },
    [CLASS_VALVE] = { .name = "valve",
                      .doc = "a valve that controls pressure or flow",
                      TABLE(valve_fields),
                      .shape = GM_SHAPE_LINE },
    [CLASS_PATTERN] = { .name = "pattern",
                        .doc = "how demands and others vary over time",
                        TABLE(pattern_fields) },
};

const gm_class gm_water_pipe_by_height = { .name = "pipe",
                                           .doc = "a pipe, perhaps with a check valve",
                                           TABLE(pipe_fields_by_height),
                                           .shape = GM_SHAPE_LINE };

// ---- a block's columns ----

static size_t aligned(size_t size)
{
    return (size + GM_ALIGNMENT - 1) / GM_ALIGNMENT * GM_ALIGNMENT;
}

/// The parts of a scratch, one behind the other.
static void lay_scratch(const water_net *net, unsigned char *scratch, water_view *view)
{
    size_t row = GM_BLOCK_LANES * sizeof(double);
    view->full_demand = (double *)(void *)scratch;
    scratch += net->junction_count * row;
    view->fixed_head = (double *)(void *)scratch;
    scratch += (net->tank_count + net->reservoir_count) * row;
    view->pattern_value = (double *)(void *)scratch;
    scratch += net->plan->pattern_count * row;
    view->solver_work = scratch;
    scratch += aligned(gm_water_solver_size(net->solver));
    view->step_work = scratch;
}

size_t gm_water_scratch_size(const water_net *net)
{
    size_t rows = net->node_count + net->plan->pattern_count;
    return rows * GM_BLOCK_LANES * sizeof(double) + aligned(gm_water_solver_size(net->solver)) +
           aligned(gm_water_step_size(net));
}

void gm_water_view(const gm_model *model, gm_block *block, void *scratch, water_view *view)
{
    const water_net *net = gm_model_constants(model);
    *view = (water_view){
        .model = model,
        .net = net,
        .block = block,
        .width = block->width,
        .network_factor = gm_column(block, CLASS_NETWORK, NETWORK_DEMAND_FACTOR),
        .iterations = gm_column(block, CLASS_NETWORK, NETWORK_ITERATIONS),
        .change = gm_column(block, CLASS_NETWORK, NETWORK_CHANGE),
        .elevation = gm_column(block, CLASS_JUNCTION, JUNCTION_ELEVATION),
        .demand_factor = gm_column(block, CLASS_JUNCTION, JUNCTION_DEMAND_FACTOR),
        .extra_demand = gm_column(block, CLASS_JUNCTION, JUNCTION_EXTRA_DEMAND),
        .emitter = gm_column(block, CLASS_JUNCTION, JUNCTION_EMITTER),
        .head = gm_column(block, CLASS_JUNCTION, JUNCTION_HEAD),
        .consumption = gm_column(block, CLASS_JUNCTION, JUNCTION_CONSUMPTION),
        .emission = gm_column(block, CLASS_JUNCTION, JUNCTION_EMISSION),
        .hole_leakage = gm_column(block, CLASS_JUNCTION, JUNCTION_HOLE_LEAKAGE),
        .crack_leakage = gm_column(block, CLASS_JUNCTION, JUNCTION_CRACK_LEAKAGE),
        .level = gm_column(block, CLASS_TANK, TANK_LEVEL),
        .tank_demand = gm_column(block, CLASS_TANK, TANK_DEMAND),
        .base_head = gm_column(block, CLASS_RESERVOIR, RESERVOIR_BASE_HEAD),
        .reservoir_head = gm_column(block, CLASS_RESERVOIR, RESERVOIR_HEAD),
        .reservoir_demand = gm_column(block, CLASS_RESERVOIR, RESERVOIR_DEMAND),
        .length = gm_column(block, CLASS_PIPE, PIPE_LENGTH),
        .diameter = gm_column(block, CLASS_PIPE, PIPE_DIAMETER),
        .roughness = gm_column(block, CLASS_PIPE, PIPE_ROUGHNESS),
        .minor_loss = gm_column(block, CLASS_PIPE, PIPE_MINOR_LOSS),
        .leak_area = gm_column(block, CLASS_PIPE, PIPE_LEAK_AREA),
        .leak_growth = gm_column(block, CLASS_PIPE, PIPE_LEAK_GROWTH),
        .pipe_automatic = gm_column(block, CLASS_PIPE, PIPE_AUTOMATIC),
        .pipe_status = gm_column(block, CLASS_PIPE, PIPE_STATUS),
        .pipe_flow = gm_column(block, CLASS_PIPE, PIPE_FLOW),
        .resistance = gm_column(block, CLASS_PIPE, PIPE_RESISTANCE),
        .pump_automatic = gm_column(block, CLASS_PUMP, PUMP_AUTOMATIC),
        .pump_status = gm_column(block, CLASS_PUMP, PUMP_STATUS),
        .pump_flow = gm_column(block, CLASS_PUMP, PUMP_FLOW),
        .speed = gm_column(block, CLASS_PUMP, PUMP_SPEED),
        .energy = gm_column(block, CLASS_PUMP, PUMP_ENERGY),
        .peak_power = gm_column(block, CLASS_PUMP, PUMP_PEAK_POWER),
        .run_time = gm_column(block, CLASS_PUMP, PUMP_RUN_TIME),
        .pumped_volume = gm_column(block, CLASS_PUMP, PUMP_VOLUME),
        .cost = gm_column(block, CLASS_PUMP, PUMP_COST),
        .valve_diameter = gm_column(block, CLASS_VALVE, VALVE_DIAMETER),
        .valve_minor_loss = gm_column(block, CLASS_VALVE, VALVE_MINOR_LOSS),
        .pressure_setting = gm_column(block, CLASS_VALVE, VALVE_PRESSURE_SETTING),
        .flow_setting = gm_column(block, CLASS_VALVE, VALVE_FLOW_SETTING),
        .loss_coefficient = gm_column(block, CLASS_VALVE, VALVE_LOSS_COEFFICIENT),
        .opening = gm_column(block, CLASS_VALVE, VALVE_OPENING),
        .valve_automatic = gm_column(block, CLASS_VALVE, VALVE_AUTOMATIC),
        .valve_status = gm_column(block, CLASS_VALVE, VALVE_STATUS),
        .valve_flow = gm_column(block, CLASS_VALVE, VALVE_FLOW),
        .pattern_factor = gm_column(block, CLASS_PATTERN, PATTERN_FACTOR),
    };
    if (scratch != NULL) {
        lay_scratch(net, scratch, view);
    }
}

// ---- outputs ----

static void observe_network(const water_view *at, gm_block *block)
{
    size_t width = (size_t)at->width, junctions = at->net->junction_count;
    double *inflow = gm_column(block, CLASS_NETWORK, NETWORK_INFLOW),
           *consumption = gm_column(block, CLASS_NETWORK, NETWORK_CONSUMPTION),
           *leakage = gm_column(block, CLASS_NETWORK, NETWORK_LEAKAGE);
    for (size_t lane = 0; lane < width; lane++) {
        double given = 0.0, taken = 0.0, lost = 0.0;
        for (size_t index = lane; index < at->net->reservoir_count * width; index += width) {
            given -= at->reservoir_demand[index];
        }
        for (size_t index = lane; index < junctions * width; index += width) {
            taken += at->consumption[index];
            lost += at->emission[index] + at->hole_leakage[index] + at->crack_leakage[index];
        }
        if (inflow != NULL) {
            inflow[lane] = given;
        }
        if (consumption != NULL) {
            consumption[lane] = taken;
        }
        if (leakage != NULL) {
            leakage[lane] = lost;
        }
    }
}

static void observe_nodes(const water_view *at, gm_block *block)
{
    size_t width = (size_t)at->width;
    double column_pa = WATER_COLUMN_PA * at->net->plan->specific_gravity;
    double *pressure = gm_column(block, CLASS_JUNCTION, JUNCTION_PRESSURE),
           *demand = gm_column(block, CLASS_JUNCTION, JUNCTION_DEMAND),
           *leakage = gm_column(block, CLASS_JUNCTION, JUNCTION_LEAKAGE);
    for (size_t index = 0; index < at->net->junction_count * width; index++) {
        double lost = at->hole_leakage[index] + at->crack_leakage[index];
        if (pressure != NULL) {
            pressure[index] = (at->head[index] - at->elevation[index]) * column_pa;
        }
        if (demand != NULL) {
            demand[index] = at->consumption[index] + at->emission[index] + lost;
        }
        if (leakage != NULL) {
            leakage[index] = lost;
        }
    }
    double *tank_head = gm_column(block, CLASS_TANK, TANK_HEAD),
           *tank_pressure = gm_column(block, CLASS_TANK, TANK_PRESSURE),
           *volume = gm_column(block, CLASS_TANK, TANK_VOLUME);
    for (size_t index = 0; index < at->net->tank_count * width; index++) {
        const water_tank *tank = &at->net->tanks[index / width];
        if (tank_head != NULL) {
            tank_head[index] = tank->elevation_m + at->level[index];
        }
        if (tank_pressure != NULL) {
            tank_pressure[index] = at->level[index] * column_pa;
        }
        if (volume != NULL) {
            volume[index] = gm_water_tank_volume(tank, at->level[index]);
        }
    }
    double *surface = gm_column(block, CLASS_RESERVOIR, RESERVOIR_PRESSURE);
    if (surface != NULL) {
        memset(surface, 0, at->net->reservoir_count * width * sizeof *surface);
    }
}

/// Columns of the links of one class.
typedef struct link_outputs {
    size_t first, count; // links
    const uint8_t *status;
    const double *flow;
    const double *diameter;      // NULL: a velocity means nothing
    double *velocity, *headloss; // NULL: not wanted
    bool is_signed;              // head loss: a pump's is negative
} link_outputs;

static void observe_links(const water_view *at, const link_outputs *links)
{
    size_t width = (size_t)at->width;
    for (size_t index = 0; index < links->count * width; index++) {
        water_ends ends = at->net->ends[links->first + index / width];
        bool closed = water_is_closed(links->status[index]);
        if (links->velocity != NULL) {
            double diameter = links->diameter != NULL ? links->diameter[index] : INFINITY;
            double area = 0.25 * M_PI * diameter * diameter;
            links->velocity[index] = closed ? 0.0 : fabs(links->flow[index]) / area;
        }
        if (links->headloss != NULL) {
            int lane = (int)(index % width);
            double loss = gm_water_head(at, ends.from, lane) - gm_water_head(at, ends.to, lane);
            links->headloss[index] = closed ? 0.0 : links->is_signed ? loss : fabs(loss);
        }
    }
}

static void observe_pumps(const water_view *at, gm_block *block)
{
    double *power = gm_column(block, CLASS_PUMP, PUMP_POWER),
           *efficiency = gm_column(block, CLASS_PUMP, PUMP_EFFICIENCY);
    if (power == NULL && efficiency == NULL) {
        return;
    }
    size_t width = (size_t)at->width;
    for (size_t index = 0; index < at->net->pump_count * width; index++) {
        double share = 0.0,
               taken = gm_water_pump_power(at, index / width, (int)(index % width), &share);
        if (power != NULL) {
            power[index] = taken;
        }
        if (efficiency != NULL) {
            efficiency[index] = share;
        }
    }
}

static void observe(const gm_model *model, gm_block *block, const gm_wanted *wanted)
{
    (void)wanted;
    water_view at;
    gm_water_view(model, block, NULL, &at);
    const water_net *net = at.net;
    observe_network(&at, block);
    observe_nodes(&at, block);
    observe_pumps(&at, block);
    const link_outputs links[] = {
        { .first = 0,
          .count = net->pipe_count,
          .status = at.pipe_status,
          .flow = at.pipe_flow,
          .diameter = at.diameter,
          .velocity = gm_column(block, CLASS_PIPE, PIPE_VELOCITY),
          .headloss = gm_column(block, CLASS_PIPE, PIPE_HEADLOSS) },
        { .first = net->pipe_count,
          .count = net->pump_count,
          .status = at.pump_status,
          .flow = at.pump_flow,
          .velocity = gm_column(block, CLASS_PUMP, PUMP_VELOCITY),
          .headloss = gm_column(block, CLASS_PUMP, PUMP_HEADLOSS),
          .is_signed = true },
        { .first = net->pipe_count + net->pump_count,
          .count = net->valve_count,
          .status = at.valve_status,
          .flow = at.valve_flow,
          .diameter = at.valve_diameter,
          .velocity = gm_column(block, CLASS_VALVE, VALVE_VELOCITY),
          .headloss = gm_column(block, CLASS_VALVE, VALVE_HEADLOSS) },
    };
    for (size_t index = 0; index < sizeof links / sizeof *links; index++) {
        observe_links(&at, &links[index]);
    }
    double *value = gm_column(block, CLASS_PATTERN, PATTERN_VALUE);
    size_t width = (size_t)at.width;
    for (size_t index = 0; value != NULL && index < net->plan->pattern_count * width; index++) {
        value[index] =
            at.pattern_factor[index] *
            gm_water_pattern_at(net, (uint32_t)(index / width), block->time_ns[index % width]);
    }
}

// ---- after writes ----

/// Levels within their tanks; the rest is solved again when time next moves, or asks to be settled.
static void changed(const gm_model *model, gm_block *block)
{
    water_view at;
    gm_water_view(model, block, NULL, &at);
    size_t width = (size_t)at.width;
    for (size_t index = 0; index < at.net->tank_count * width; index++) {
        const water_tank *tank = &at.net->tanks[index / width];
        at.level[index] = fmin(fmax(at.level[index], tank->min_depth_m), tank->max_depth_m);
    }
    for (int lane = 0; lane < at.width; lane++) {
        gm_water_memory(&at, lane)->solved = 0;
    }
}

static gm_status migrate(const gm_model *from, const gm_block *old, const gm_model *to,
                         gm_block *block, gm_error *error)
{
    (void)from;
    (void)old;
    (void)error;
    changed(to, block);
    return GM_OK;
}

static void release(gm_model *model)
{
    water_net *net = gm_model_attached(model);
    if (net != NULL) {
        gm_network_close(net->topology);
        gm_water_solver_close(net->solver);
        gm_arena_close(net->arena);
    }
}

const gm_domain gm_water = {
    .name = "water",
    .summary = "water distribution networks, from .inp files: pressures, flows, tanks, controls",
    .source = "Todini, Pilati (1988); Rossman et al., EPANET 2.2 User Manual, EPA/600/R-20/133",
    .schema = 1,
    .tickless = true,
    .file_key = "network",
    .file_suffix = ".inp",
    .build = gm_water_build,
    .advance = gm_water_advance,
    .observe = observe,
    .changed = changed,
    .migrate = migrate,
    .release = release,
};
