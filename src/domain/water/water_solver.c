// Heads and flows of a water network at one instant, for one or eight lanes at once: the global
// gradient method.
//
// Newton's method on flows and heads together: every iteration linearises the head loss of each
// link at its present flow, solves the junctions' balance for heads, and moves flows by these
// (water_solver_parts.h). It ends when flows move no more than the accuracy, and no status wants to
// change. Lanes share all symbolic work and memory traffic; each has its own statuses, course and
// end. A lane that is done is written out and stays at rest while others go on.
// Sources: Todini, Pilati, A gradient algorithm for the analysis of pipe networks, in Computer
// Applications in Water Supply 1 (1988) 1-20; Todini, Rossman, Unified framework for deriving
// simultaneous equation algorithms for water distribution networks, J. Hydraulic Engineering 139
// (2013) 511-526.
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "domain/water/water_solver_parts.h"

static const double damped = 0.6; // share of a step once the change is below DAMPLIMIT

/// How far a lane has come.
typedef struct water_course {
    uint32_t trials;     // iterations done
    uint32_t next_check; // iteration after which statuses are looked at next
    uint32_t changing;   // the last link whose status changed since the flows last settled
    uint32_t bad_spot;   // where the matrix broke down; WATER_NONE
    double relax;
} water_course;

// ---- memory ----

static void *take(unsigned char *base, size_t *used, size_t count, size_t size)
{
    size_t at = *used;
    *used += (count * size + GM_ALIGNMENT - 1) / GM_ALIGNMENT * GM_ALIGNMENT;
    return base != NULL ? base + at : NULL;
}

static double *take_rows(unsigned char *base, size_t *used, size_t count, size_t width)
{
    return take(base, used, count > 0 ? count : 1, width * sizeof(double));
}

/// Lays the arrays out behind `work`, which stands at `base`; base NULL: only sums their bytes up.
static size_t lay_out(const water_net *net, const water_solver *solver, unsigned char *base,
                      water_work *work)
{
    const bool is_darcy = net->plan->formula == DARCY_WEISBACH;
    size_t used = 0, width = work->width, edges = solver->edge_count;
    size_t junctions = solver->junction_count;
    take(base, &used, 1, sizeof *work);
    double **of_edges[] = { &work->flow, &work->conductance, &work->shift, &work->slip,
                            &work->minor };
    double **of_darcy[] = { &work->fluid, &work->roughness, &work->factor_a, &work->factor_b };
    work->rough = take(base, &used, edges / WATER_BUNDLE, 1);
    work->seen = take(base, &used, net->pipe_count * width, 1);
    for (size_t at = 0; at < sizeof of_edges / sizeof *of_edges; at++) {
        *of_edges[at] = take_rows(base, &used, edges + 1, width);
    }
    for (size_t at = 0; at < sizeof of_darcy / sizeof *of_darcy; at++) {
        *of_darcy[at] = is_darcy ? take_rows(base, &used, edges, width) : NULL;
    }
    work->tree_loss = take_rows(base, &used, solver->core_edge, width);
    work->device_flow = take_rows(base, &used, solver->device_count, width);
    work->device_conductance = take_rows(base, &used, solver->device_count, width);
    work->device_shift = take_rows(base, &used, solver->device_count, width);
    work->head = take_rows(base, &used, solver->spot_count, width);
    work->diagonal = take_rows(base, &used, junctions, width);
    work->lower = take_rows(base, &used, gm_symmetric_fill(solver->matrix) + 1, width);
    work->demand = take_rows(base, &used, junctions, width);
    for (int kind = WATER_EMITTERS; kind < WATER_OUTLET_KINDS; kind++) {
        water_outlets *outlets = &work->outlets[kind];
        size_t most = kind == WATER_CONSUMERS && !net->plan->pressure_driven ? 0 : junctions;
        outlets->spot = take(base, &used, most, sizeof *outlets->spot);
        outlets->capacity = take_rows(base, &used, most, width);
        outlets->flow = take_rows(base, &used, most, width);
        outlets->conductance = take_rows(base, &used, most, width);
        outlets->shift = take_rows(base, &used, most, width);
    }
    work->link_open = take(base, &used, net->link_count, 1);
    work->reached = take(base, &used, net->node_count, 1);
    work->queue = take(base, &used, 3 * net->node_count, sizeof *work->queue);
    return used;
}

size_t gm_water_solver_size(const water_solver *solver)
{
    water_work work = { .width = GM_LANES };
    return lay_out(solver->net, solver, NULL, &work);
}

void gm_water_solver_open(const water_view *view)
{
    water_work *work = view->solver_work;
    *work = (water_work){ .width = (size_t)view->width };
    lay_out(view->net, view->net->solver, view->solver_work, work);
    size_t end = view->net->solver->edge_count * work->width;
    memset(work->conductance + end, 0, work->width * sizeof *work->conductance);
    memset(work->shift + end, 0, work->width * sizeof *work->shift);
    gm_water_pipes_open(view);
    gm_water_outlets_open(view);
}

// ---- from and to the columns ----

static void begin(const water_view *view)
{
    water_work *work = gm_water_work(view);
    gm_water_nodes_begin(view);
    if (work->begun) {
        gm_water_pipes_turn(view);
    } else {
        gm_water_pipes_begin(view);
        work->begun = true;
        work->linear = false;
    }
    gm_water_devices_begin(view);
    gm_water_outlets_begin(view);
}

/// Lines of all edges by their present flows; or of the core's, and trees out of the way.
static void linearise(const water_view *view, gm_lane_mask lanes, bool felled)
{
    water_work *work = gm_water_work(view);
    work->linear = work->linear && (felled || !work->felled);
    work->felled = felled;
    if (felled) {
        gm_water_trees_fell(view, lanes);
    }
    if (!work->linear) {
        gm_water_pipes_move(view, &(water_motion){ .relax = { 0.0 } }); // stays, and linearises
        work->linear = true;
    }
}

static void store_flows(const water_view *view, gm_lane_mask lanes)
{
    const water_net *net = view->net;
    const water_work *work = gm_water_work(view);
    size_t width = work->width, pumps = net->pump_count * width;
    gm_water_pipes_store(view, lanes);
    for (size_t at = 0; at < net->solver->device_count * width; at++) {
        if (lanes >> at % width & 1u) {
            bool pump = at < pumps;
            double *column = pump ? &view->pump_flow[at] : &view->valve_flow[at - pumps];
            bool closed =
                water_is_closed(pump ? view->pump_status[at] : view->valve_status[at - pumps]);
            *column = closed ? 0.0 : work->device_flow[at]; // what is left there is round-off
        }
    }
}

/// What flows into tanks and reservoirs through open links.
static void store_inflows(const water_view *view, gm_lane_mask lanes)
{
    const water_net *net = view->net;
    size_t width = (size_t)view->width, tanks = net->tank_count * width;
    for (size_t at = 0; at < tanks + net->reservoir_count * width; at++) {
        size_t lane = at % width, count;
        if ((lanes >> lane & 1u) == 0) {
            continue;
        }
        uint32_t node = (uint32_t)(net->junction_count + at / width);
        const gm_incidence *incident = gm_network_incident(net->topology, node, &count);
        double inflow = 0.0;
        for (size_t index = 0; index < count; index++) {
            uint32_t link = incident[index].link;
            if (!water_is_closed(gm_water_status(view, link)[lane])) {
                inflow -=
                    (double)incident[index].sign * gm_water_present_flow(view, link, (int)lane);
            }
        }
        double *column = at < tanks ? &view->tank_demand[at] : &view->reservoir_demand[at - tanks];
        *column = inflow;
    }
}

/// Writes lanes out that are done.
static void store(const water_view *view, gm_lane_mask lanes)
{
    gm_water_devices_settle(view, lanes);
    gm_water_rows_store(view, gm_water_work(view)->head, view->head, lanes);
    store_flows(view, lanes);
    store_inflows(view, lanes);
    gm_water_outlets_store(view, lanes);
}

// ---- the course of a lane ----

/// Trials the file allows before statuses are frozen, and after.
static uint32_t trials_free(const water_plan *plan)
{
    uint32_t trials = plan->trials > WATER_TRIALS_LEAST ? plan->trials : WATER_TRIALS_LEAST;
    return trials < WATER_TRIALS_MAX ? trials : WATER_TRIALS_MAX;
}

static uint32_t trials_most(const water_plan *plan)
{
    uint64_t trials = (uint64_t)trials_free(plan) + plan->extra_trials;
    return trials < WATER_TRIALS_MAX ? (uint32_t)trials : WATER_TRIALS_MAX;
}

static double accuracy_of(const water_plan *plan)
{
    return plan->accuracy < WATER_ACCURACY_MOST ? plan->accuracy : WATER_ACCURACY_MOST;
}

/// The largest difference between a link's head loss by its law and by its ends' heads.
static double head_error(const water_view *view, size_t lane)
{
    const water_solver *solver = view->net->solver;
    const water_work *work = gm_water_work(view);
    size_t width = work->width;
    double most = 0.0;
    for (size_t edge = work->felled ? solver->core_edge : 0; edge < solver->edge_count; edge++) {
        size_t at = edge * width + lane;
        double fall = work->head[solver->from[edge] * width + lane] -
                      work->head[solver->to[edge] * width + lane];
        double loss = (work->shift[at] + work->flow[at]) / work->conductance[at];
        if (work->slip[at] >= 0.0) {
            most = fmax(most, fabs(fall - loss));
        }
    }
    return most;
}

/// Whether a lane's flows have settled.
static bool has_settled(const water_view *view, const water_motion *motion, size_t lane)
{
    const water_plan *plan = view->net->plan;
    if (!(view->change[lane] <= accuracy_of(plan))) {
        return false;
    }
    if (plan->flow_change_m3_s > 0.0 && motion->most[lane] > plan->flow_change_m3_s) {
        return false;
    }
    if (plan->head_error_m > 0.0 && head_error(view, lane) > plan->head_error_m) {
        return false;
    }
    return gm_water_outlets_astray(view, (gm_lane_mask)(1u << lane)) == 0;
}

/// After an iteration of a lane. @return whether it is done
static bool judge(const water_view *view, const water_motion *motion, int lane,
                  water_course *course)
{
    const water_plan *plan = view->net->plan;
    double accuracy = accuracy_of(plan);
    double total = motion->total[lane], moved = motion->moved[lane];
    double scale = total > accuracy * WATER_CUBIC_FOOT_M3 ? total : WATER_CUBIC_FOOT_M3;
    view->change[lane] = moved / scale;
    view->iterations[lane] = (int32_t)++course->trials;
    uint32_t changed = WATER_NONE;
    course->relax = 1.0;
    if (!(plan->damp_below > 0.0)) {
        changed = gm_water_check_valves(view, lane);
    } else if (view->change[lane] <= plan->damp_below) {
        course->relax = damped;
        changed = gm_water_check_valves(view, lane);
    }
    uint32_t free = trials_free(plan);
    if (has_settled(view, motion, (size_t)lane)) {
        if (course->trials > free) {
            return true;
        }
        uint32_t others[] = { gm_water_check_links(view, lane),
                              gm_water_check_pressures(view, lane) };
        changed = others[0] != WATER_NONE ? others[0] : changed;
        changed = others[1] != WATER_NONE ? others[1] : changed;
        course->changing = changed;
        course->next_check = course->trials + plan->check_every;
        return changed == WATER_NONE;
    }
    course->changing = changed != WATER_NONE ? changed : course->changing;
    if (course->trials <= plan->check_until && course->trials == course->next_check) {
        gm_water_check_links(view, lane);
        course->next_check += plan->check_every;
    }
    return false;
}

/// Lanes whose matrix broke down: a valve that asks for the impossible gives up, then the lane
/// tries again. @return lanes that cannot
static gm_lane_mask mend(const water_view *view, gm_lane_mask broken, const uint32_t *bad,
                         water_course *courses)
{
    unsigned lost = 0;
    for (int lane = 0; lane < view->width; lane++) {
        if ((broken >> lane & 1u) && !gm_water_release_valve(view, bad[lane], lane)) {
            courses[lane].bad_spot = bad[lane];
            lost |= 1u << lane;
        }
    }
    return (gm_lane_mask)lost;
}

/// One iteration of the lanes still under way. @return those that are done
static gm_lane_mask iterate(const water_view *view, gm_lane_mask lanes, water_course *courses,
                            gm_lane_mask *lost)
{
    uint32_t bad[GM_LANES] = { 0 };
    water_motion motion = { 0 };
    gm_water_devices_linearise(view, lanes);
    gm_water_outlets_linearise(view);
    gm_lane_mask broken = gm_water_heads_solve(view, lanes, bad);
    *lost = mend(view, broken, bad, courses);
    gm_lane_mask moving = lanes & (gm_lane_mask)~broken;
    for (int lane = 0; lane < view->width; lane++) {
        motion.relax[lane] = moving >> lane & 1u ? courses[lane].relax : 0.0;
    }
    gm_water_pipes_move(view, &motion);
    gm_water_outlets_move(view, &motion);
    gm_water_devices_move(view, &motion);
    unsigned done = 0;
    for (int lane = 0; lane < view->width; lane++) {
        if ((moving >> lane & 1u) && judge(view, &motion, lane, &courses[lane])) {
            done |= 1u << lane;
        }
    }
    return (gm_lane_mask)done;
}

/// Lanes that ran out of trials: a file that says so lets them go on as they are.
static gm_lane_mask out_of_trials(const water_view *view, gm_lane_mask lanes,
                                  const water_course *courses)
{
    unsigned over = 0;
    for (int lane = 0; lane < view->width; lane++) {
        over |= (unsigned)(courses[lane].trials >= trials_most(view->net->plan)) << lane;
    }
    return (gm_lane_mask)over & lanes;
}

/// Iterates lanes until they are done, without trees or with. @return those that failed
static gm_lane_mask solve_lanes(const water_view *view, gm_lane_mask lanes, bool felled,
                                gm_error *error)
{
    const water_plan *plan = view->net->plan;
    water_work *work = gm_water_work(view);
    water_course courses[GM_LANES];
    for (int lane = 0; lane < GM_LANES; lane++) {
        courses[lane] = (water_course){ .next_check = plan->check_every,
                                        .changing = WATER_NONE,
                                        .bad_spot = WATER_NONE,
                                        .relax = 1.0 };
    }
    linearise(view, lanes, felled);
    gm_lane_mask active = lanes, failed = 0;
    while (active != 0) {
        gm_lane_mask lost, done = iterate(view, active, courses, &lost);
        gm_lane_mask over = out_of_trials(view, active & (gm_lane_mask) ~(done | lost), courses);
        if (!plan->unbalanced_stops) {
            done |= over;
        } else {
            lost |= over;
        }
        for (int lane = 0; lane < view->width; lane++) {
            if ((lost >> lane & 1u) && failed == 0 && error != NULL && error->status == GM_OK) {
                gm_water_complain(view, lane, courses[lane].changing, courses[lane].bad_spot,
                                  error);
            }
        }
        if (done != 0) {
            store(view, done);
        }
        failed |= lost;
        work->begun &= lost == 0;
        active &= (gm_lane_mask) ~(done | lost);
    }
    return failed;
}

gm_lane_mask gm_water_solve(const water_view *view, gm_lane_mask lanes, gm_error *error)
{
    begin(view);
    gm_lane_mask idle = gm_water_trees_idle(view, lanes), failed = 0;
    if (idle != 0) {
        failed |= solve_lanes(view, idle, true, error);
    }
    if (idle != lanes) {
        failed |= solve_lanes(view, lanes & (gm_lane_mask)~idle, false, error);
    }
    return failed;
}
