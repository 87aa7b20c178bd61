// What the solver of water networks is made of, for its own files.
//
//   water_solver.c          the iteration: gm_water_solve
//   water_solver_order.c    symbolic work: who stands where
//   water_solver_pipes.c    head loss of pipes, and the pass over them
//   water_solver_trees.c    junctions that hang on the loops by a single pipe
//   water_solver_devices.c  head loss of pumps and valves
//   water_solver_outlets.c  outflow that depends on pressure
//   water_solver_matrix.c   the linear system of one iteration
//   water_solver_status.c   what opens and closes by itself
//   water_solver_report.c   why there is no solution
//
// The iteration works on arrays of its own, [thing][width]. Nodes are numbered by their spot:
// junctions in the order of elimination, then tanks and reservoirs. Pipes are edges, in the order
// of their place in the matrix, each from the spot eliminated first to the other; pumps and valves
// are devices. In every one
//
//     new flow = conductance (head at its start - head at its end) - shift
//
// with conductance = 1 / (d loss / d flow) and shift = loss conductance - flow, so the junctions'
// balance of new flows is the linear system, and a step of it is one of Newton's. An outlet is a
// link of that kind whose far end is the air.
//
// Trees, which hang on the looped core, are the first spots, each with its edge to the spot it
// hangs on. Where nothing in them depends on pressure and no pipe is closed, their flows are sums
// of demands: the iteration leaves them out, and their heads follow from the core's. Lanes whose
// trees are not like that iterate over everything.
#ifndef GEMEL_DOMAIN_WATER_SOLVER_PARTS_H
#define GEMEL_DOMAIN_WATER_SOLVER_PARTS_H

#include "domain/water/water_parts.h"
#include "num/power_table.h"
#include "num/symmetric.h"

enum {
    // edges that are worked on together, and by whose number in it sums are kept apart: the same
    // at every width
    WATER_BUNDLE = 8,
    WATER_TRIALS_LEAST = 200, // allowed even where the file says less: files ask for less accuracy
};

/// The smallest gradient of a head loss, of EPANET's RQTOL, in m / (m3/s).
#define WATER_GRADIENT_LEAST (1e-7 * WATER_FOOT_M / WATER_CUBIC_FOOT_M3)
/// K v^2 / 2g as EPANET rounds it: head loss = this K / diameter^4 flow^2.
#define WATER_MINOR_FACTOR (0.02517 / WATER_FOOT_M)

/// Before a loop whose arrays do not overlap though the compiler cannot see it. Not under
/// sanitizers: they keep loops scalar, and clang complains of a promise it cannot use.
#if defined GM_ONE_CPU_LEVEL
#define WATER_APART
#elif defined __clang__
#define WATER_APART _Pragma("clang loop vectorize(assume_safety)")
#else
#define WATER_APART _Pragma("GCC ivdep")
#endif

/// What leaves junctions through a law of pressure.
typedef enum water_outlet_kind {
    WATER_EMITTERS = 0,
    WATER_HOLES,     // leaks of constant area
    WATER_CRACKS,    // leaks whose area grows with pressure
    WATER_CONSUMERS, // pressure-driven demand
    WATER_OUTLET_KINDS
} water_outlet_kind;

/// Two edges that start at a junction, and two that end there; the row behind the last edge where
/// there are fewer.
typedef struct water_near {
    uint32_t own[2], other[2];
} water_near;

/// A further edge of a junction: sign 1 where it starts there, -1 where it ends.
typedef struct water_more {
    uint32_t spot, edge;
    double sign;
} water_more;

/// Immutable.
struct water_solver {
    const water_net *net;
    gm_symmetric *matrix; // of junctions
    size_t junction_count, spot_count;
    size_t tree_count;        // spots in trees: the first ones; edge i is that of spot i
    const uint32_t *spot;     // [node] -> spot
    const uint32_t *junction; // [junction_count] spot -> junction
    // pipes
    size_t edge_count;         // of pipes, and idle ones up to whole bundles
    size_t core_edge;          // behind those of trees, at a whole bundle
    size_t own_count;          // edges that start at a junction: the first ones
    const uint32_t *pipe;      // [edge_count]; WATER_NONE: idle
    const uint32_t *edge;      // [pipe_count]
    const uint32_t *from, *to; // [edge_count] spots
    const double *direction;   // [edge_count] +1 where the pipe runs from `from` to `to`, or -1
    const uint32_t *slot;      // [own_count] in the matrix; one past its fill when `to` is fixed
    const water_near *near;    // [junction_count]
    size_t more_count;         // edges that do not fit there
    const water_more *more;
    size_t fixed_count; // edges from a junction to a tank or reservoir
    const uint32_t *fixed;
    size_t twin_count; // edges that share their slot with the next one
    const uint32_t *twin;
    size_t vacant_count; // slots that no edge sets
    const uint32_t *vacant;
    // pumps, then valves
    size_t device_count;
    const uint32_t *device_from, *device_to; // [device_count] spots
    const uint32_t *device_slot;             // [device_count]; one past the fill at a fixed end
    // links that status checks look at: check valves, pumps, flow control valves, links of tanks
    size_t checked_count;
    const uint32_t *checked;
    // junctions that no link, open or not, joins with a source
    size_t adrift_count;
    const uint32_t *adrift; // spots
    // of the formula of friction: a power of the flow, or of the Reynolds number and logarithms
    const gm_power_table *power, *log;
};

/// Outlets of one kind. The law: pressure above `offset` = span (flow / capacity)^exponent.
typedef struct water_outlets {
    size_t count;
    uint32_t *spot;                                // [count]
    double *capacity, *flow, *conductance, *shift; // [count][width]; capacity 0: none in this lane
    double exponent, span_m, offset_m;
    bool bounded_below;  // never negative
    bool bounded_above;  // never above its capacity
    gm_lane_mask stored; // lanes whose column is 0 where there is no outlet
    bool is_checked;     // against the law, before a lane counts as done
} water_outlets;

/// The arrays that a block is worked on in; they live in view->solver_work, this first.
typedef struct water_work {
    size_t width;
    bool begun;  // flows of edges are those of the columns, but for failed lanes
    bool felled; // the iteration leaves trees out: their lines give their flows whatever the heads
    bool linear; // conductances and shifts of edges are of their present flows and statuses
    uint8_t *seen; // [pipe_count][width]: statuses that edges have
    // edges, [edge_count][width]; conductance and shift have one more row, of zeros
    double *flow, *conductance, *shift;
    double *slip;   // the flow that a small loss of head drives through; negated while closed
    double *minor;  // loss = minor flow^2
    uint8_t *rough; // [edge_count / WATER_BUNDLE]: whether a bundle has minor losses
    // Darcy-Weisbach: 1 / (viscosity diameter), roughness / (3.7 diameter), and the friction factor
    // and its slope where the flow turns fully turbulent; NULL otherwise
    double *fluid, *roughness, *factor_a, *factor_b;
    double *tree_loss;           // [core_edge][width] of head, along the edges of trees
    double tree_total[GM_LANES]; // sum of |flow| in trees; 0 while they take part
    // devices, [device_count][width]
    double *device_flow, *device_conductance, *device_shift;
    // nodes
    double *head;     // [spot_count][width]; of junctions also the right-hand side
    double *diagonal; // [junction_count][width]
    double *lower;    // [fill + 1][width]
    double *demand;   // [junction_count][width] that does not depend on pressure
    water_outlets outlets[WATER_OUTLET_KINDS];
    // for reports: which links let through, where that leads
    uint8_t *link_open, *reached; // [link_count], [node_count]
    uint32_t *queue;              // [3 * node_count]
} water_work;

/// What an iteration did to each lane.
typedef struct water_motion {
    double relax[GM_LANES]; // in: the share of its step that a lane takes; 0: it stays as it is
    double moved[GM_LANES]; // out: sum of |flow change|
    double total[GM_LANES]; // out: sum of |flow|
    double most[GM_LANES];  // out: largest |flow change| in a link or outlet
} water_motion;

/// Head lost by the present flow, and how it grows with flow.
typedef struct water_loss {
    double loss_m, gradient;
} water_loss;

static inline water_work *gm_water_work(const water_view *view)
{
    return view->solver_work;
}

// ---- water_solver_pipes.c ----

/// Fills the solver's tables. @param tables  [2], kept
void gm_water_pipes_tables(water_solver *solver, gm_power_table *tables);
/// Takes over what pipes are made of.
void gm_water_pipes_open(const water_view *view);
/// Flows and statuses from the columns.
void gm_water_pipes_begin(const water_view *view);
/// Statuses that somebody changed since the last solution.
void gm_water_pipes_turn(const water_view *view);
/// Flows into the columns.
void gm_water_pipes_store(const water_view *view, gm_lane_mask lanes);
/// A status of one pipe changed.
void gm_water_pipe_set(const water_view *view, size_t pipe, int lane);
/// New flows from new heads, and their head losses for the next step. Starts the sums.
void gm_water_pipes_move(const water_view *view, water_motion *motion);

/// Head losses of the edges of trees by their flows, which stay from now on whatever the heads.
void gm_water_pipes_fell(const water_view *view);

// ---- water_solver_trees.c ----

/// Lanes, of a set, whose trees the iteration can leave out.
gm_lane_mask gm_water_trees_idle(const water_view *view, gm_lane_mask lanes);
/// Flows of trees by their demands, in the lanes of the mask: the iteration leaves them out.
void gm_water_trees_fell(const water_view *view, gm_lane_mask lanes);
/// Heads in trees from those of the core.
void gm_water_trees_grow(const water_view *view);

// ---- water_solver_devices.c ----

/// Flows from the columns.
void gm_water_devices_begin(const water_view *view);
/// Head losses into conductances and shifts of pumps and valves, but for valves that hold a
/// pressure.
void gm_water_devices_linearise(const water_view *view, gm_lane_mask lanes);
/// Their share in the linear system, after everybody else's.
void gm_water_devices_assemble(const water_view *view, gm_lane_mask lanes);
/// New flows from new heads; after all others.
void gm_water_devices_move(const water_view *view, water_motion *motion);
/// At the end valves that hold a pressure let through what balances the flows now.
void gm_water_devices_settle(const water_view *view, gm_lane_mask lanes);
/// The head a valve that holds a pressure wants where it holds it, and the spot.
double gm_water_valve_target(const water_view *view, size_t valve, int lane, uint32_t *spot);
/// The coefficient of minor loss of a valve wide open: loss = this flow^2.
double gm_water_valve_minor(const water_view *view, size_t valve, int lane);

// ---- water_solver_outlets.c ----

/// Which outlets there are.
void gm_water_outlets_open(const water_view *view);
/// Flows from the columns.
void gm_water_outlets_begin(const water_view *view);
/// Laws into conductances and shifts.
void gm_water_outlets_linearise(const water_view *view);
/// Their share in the linear system.
void gm_water_outlets_assemble(const water_view *view);
/// New flows from new heads.
void gm_water_outlets_move(const water_view *view, water_motion *motion);
/// Lanes of which an outlet is off its law.
gm_lane_mask gm_water_outlets_astray(const water_view *view, gm_lane_mask lanes);
/// Flows into the columns.
void gm_water_outlets_store(const water_view *view, gm_lane_mask lanes);

// ---- water_solver_matrix.c ----

/// Demands from what is wanted, heads of tanks and reservoirs as given.
void gm_water_nodes_begin(const water_view *view);
/// Values of junctions into a column, in the lanes of the mask.
/// @param rows  [junction_count][width] by spot; NULL: nothing everywhere
void gm_water_rows_store(const water_view *view, const double *rows, double *column,
                         gm_lane_mask lanes);
/// Assembles the linear system of one iteration and solves it: heads.
/// @param bad  out, in failed lanes: the spot whose pivot failed
gm_lane_mask gm_water_heads_solve(const water_view *view, gm_lane_mask lanes, uint32_t *bad);
/// What flows into a junction more than out of it by the present flows, one device left out.
double gm_water_excess(const water_view *view, uint32_t spot, size_t without_device, int lane);

// ---- water_solver_status.c ----

/// Valves that hold a pressure. @return the last link whose status changed, or WATER_NONE
uint32_t gm_water_check_valves(const water_view *view, int lane);
/// Check valves, pumps, flow control valves, links of full and empty tanks.
uint32_t gm_water_check_links(const water_view *view, int lane);
/// Simple controls of junction pressures.
uint32_t gm_water_check_pressures(const water_view *view, int lane);
/// A valve at the spot whose setting made the equations contradict each other gives its setting
/// up. @return whether there was one
bool gm_water_release_valve(const water_view *view, uint32_t spot, int lane);

// ---- water_solver_report.c ----

/// Why a lane has no solution, with names.
/// @param changing  a link whose status would not settle, or WATER_NONE
/// @param bad_spot  where the matrix broke down, or WATER_NONE
void gm_water_complain(const water_view *view, int lane, uint32_t changing, uint32_t bad_spot,
                       gm_error *error);

// ---- of links, by spot and direction ----

static inline double gm_water_spot_head(const water_view *view, uint32_t node, int lane)
{
    const water_work *work = gm_water_work(view);
    return work->head[view->net->solver->spot[node] * work->width + (size_t)lane];
}

/// The present flow of a link, in its own direction.
static inline double gm_water_present_flow(const water_view *view, uint32_t link, int lane)
{
    const water_work *work = gm_water_work(view);
    const water_solver *solver = view->net->solver;
    if (link >= view->net->pipe_count) {
        return work->device_flow[(link - view->net->pipe_count) * work->width + (size_t)lane];
    }
    uint32_t edge = solver->edge[link];
    return solver->direction[edge] * work->flow[edge * work->width + (size_t)lane];
}

#endif
