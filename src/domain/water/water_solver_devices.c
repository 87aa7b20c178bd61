// Head loss of pumps and valves, one lane after the other: there are few of them, and each lane's
// may be in a status of its own.
//
// A valve that holds its setting is no law of flow but a condition. FCV: the network is cut there,
// the setting leaves it on one side and enters on the other. PRV and PSV: the head on one side is
// given, by a very large entry on the matrix's diagonal, and what flows through is what that side's
// balance left over at the flows before, as in EPANET: where several sets of statuses are
// consistent, the course decides which one is found.
// Source: Rossman et al., EPANET 2.2 User Manual, EPA/600/R-20/133 (2020), sections 12.1.2-12.1.4.
#include <math.h>

#include "domain/water/water_solver_parts.h"

static const double clamp = 1e8 * WATER_CUBIC_FOOT_M3 / WATER_FOOT_M; // m2/s
static const double flow_least = 1e-12;                               // of curves steep at zero
static const double opening_least = 1e-6;                             // relative flow of a PCV
static const double minor_most =
    1e8 * WATER_FOOT_M / (WATER_CUBIC_FOOT_M3 * WATER_CUBIC_FOOT_M3); // of a PCV, s2/m5

// the share of its flow below which a pump of constant power counts as standing: round-off
static const double still_share = 1e-9;

/// A straight line through zero.
static water_loss linear_loss(double gradient, double flow)
{
    return (water_loss){ .loss_m = gradient * flow, .gradient = gradient };
}

/// A line between two points of a curve: its value at zero, and its slope.
typedef struct curve_line {
    double start, slope;
} curve_line;

/// The line of a curve of two points or more at a place; the outer ones go on beyond the ends.
static curve_line line_at(const water_points *points, double x)
{
    size_t right = 1;
    while (right + 1 < points->count && points->x[right] < x) {
        right++;
    }
    double x0 = points->x[right - 1], y0 = points->y[right - 1];
    double slope = (points->y[right] - y0) / (points->x[right] - x0);
    return (curve_line){ .start = y0 - slope * x0, .slope = slope };
}

// ---- pumps ----

static water_loss power_pump_loss(const water_pump *pump, double speed, double flow)
{
    double exponent = fabs(pump->exponent - 1.0) < 1e-6 ? 1.0 : pump->exponent;
    double resistance = pump->resistance * pow(speed, 2.0 - exponent);
    double size = fmax(fabs(flow), flow_least);
    double gradient = exponent * resistance * pow(size, exponent - 1.0);
    bool flat = gradient < WATER_GRADIENT_LEAST;
    gradient = flat ? WATER_GRADIENT_LEAST : gradient;
    double slope = flat ? gradient : gradient / exponent;
    return (water_loss){ .loss_m = slope * flow - speed * speed * pump->shutoff_m,
                         .gradient = gradient };
}

static water_loss points_pump_loss(const water_pump *pump, double speed, double flow)
{
    curve_line line = line_at(&pump->head, fabs(flow) / speed);
    double gradient = fmax(-line.slope * speed, WATER_GRADIENT_LEAST);
    return (water_loss){ .loss_m = gradient * flow - line.start * speed * speed,
                         .gradient = gradient };
}

static water_loss constant_power_loss(const water_pump *pump, double speed, double flow)
{
    double product = pump->resistance * speed * speed * speed;
    double gradient = product / (flow * flow);
    if (!(gradient <= WATER_GRADIENT_CLOSED)) {
        return linear_loss(WATER_GRADIENT_CLOSED, flow);
    }
    if (gradient < WATER_GRADIENT_OPEN) {
        return linear_loss(WATER_GRADIENT_OPEN, flow);
    }
    return (water_loss){ .loss_m = -product / flow, .gradient = gradient };
}

static water_loss pump_loss(const water_view *view, size_t at, size_t lane, double flow)
{
    size_t index = at * (size_t)view->width + lane;
    const water_pump *pump = &view->net->pumps[at];
    double speed = view->speed[index];
    if (water_is_closed(view->pump_status[index]) || speed == 0.0) {
        return linear_loss(WATER_GRADIENT_CLOSED, flow);
    }
    switch (pump->law) {
    case PUMP_POWER_LAW:
        return power_pump_loss(pump, speed, flow);
    case PUMP_BY_POINTS:
        return points_pump_loss(pump, speed, flow);
    case PUMP_CONSTANT_POWER:
        return constant_power_loss(pump, speed, flow);
    case PUMP_NO_CURVE:
        break;
    }
    return linear_loss(WATER_GRADIENT_OPEN, flow);
}

// ---- valves ----

static double minor_of(const water_view *view, size_t index, double coefficient)
{
    double square = view->valve_diameter[index] * view->valve_diameter[index];
    return WATER_MINOR_FACTOR * coefficient / (square * square);
}

double gm_water_valve_minor(const water_view *view, size_t valve, int lane)
{
    size_t index = valve * (size_t)view->width + (size_t)lane;
    return minor_of(view, index, view->valve_minor_loss[index]);
}

/// Relative flow of a positional valve at an opening between 0 and 1.
static double relative_flow(const water_points *points, double opening)
{
    if (points->count == 0) {
        return opening;
    }
    size_t last = points->count - 1;
    if (opening < points->x[0]) {
        return opening / points->x[0] * points->y[0];
    }
    if (opening > points->x[last]) { // EPANET goes on like this, in percent
        double x = 100.0 * points->x[last], y = 100.0 * points->y[last];
        return 0.01 * ((100.0 * opening - x) / (1.0 - x) * (1.0 - y) + y);
    }
    if (last == 0) {
        return points->y[0];
    }
    curve_line line = line_at(points, opening);
    return line.start + line.slope * opening;
}

static double positional_minor(const water_view *view, size_t valve, size_t index)
{
    double opening = view->opening[index],
           wide = minor_of(view, index, view->valve_minor_loss[index]);
    if (opening >= 1.0) {
        return wide;
    }
    if (opening <= 0.0) {
        return minor_most;
    }
    double flow = relative_flow(&view->net->valves[valve].points, opening);
    flow = fmax(fmin(flow, 1.0), opening_least);
    return fmin(wide / (flow * flow), minor_most);
}

static water_loss minor_loss(double minor, double flow)
{
    if (!(minor > 0.0)) {
        return linear_loss(WATER_GRADIENT_OPEN, flow);
    }
    double bend = 0.5 * WATER_GRADIENT_LEAST / minor; // below this flow it turns linear
    double size = sqrt(flow * flow + bend * bend);
    return (water_loss){ .loss_m = minor * size * flow,
                         .gradient = minor * (size + flow * flow / size) };
}

static water_loss general_loss(const water_points *points, double flow)
{
    if (points->count < 2) {
        return linear_loss(WATER_GRADIENT_OPEN, flow);
    }
    double size = fmax(fabs(flow), WATER_FLOW_NONE);
    curve_line line = line_at(points, size);
    double gradient = fmax(line.slope, WATER_GRADIENT_OPEN);
    double loss = line.start + gradient * size;
    return (water_loss){ .loss_m = flow < 0.0 ? -loss : loss, .gradient = gradient };
}

/// A valve that stands open, is closed, or throttles; not one that holds a pressure.
static water_loss valve_loss(const water_view *view, size_t valve, size_t lane, double flow)
{
    size_t index = valve * (size_t)view->width + lane;
    uint8_t status = view->valve_status[index];
    double minor = minor_of(view, index, view->valve_minor_loss[index]);
    if (water_is_closed(status)) {
        return linear_loss(WATER_GRADIENT_CLOSED, flow);
    }
    if (view->net->valves[valve].kind == WATER_GPV) {
        return general_loss(&view->net->valves[valve].points, flow);
    }
    if (status != WATER_ACTIVE) {
        return minor_loss(minor, flow);
    }
    double setting = gm_water_setting(
        view, (uint32_t)(view->net->pipe_count + view->net->pump_count + valve), (int)lane);
    switch (view->net->valves[valve].kind) {
    case WATER_FCV:
        return (water_loss){ .loss_m = (flow - setting) * WATER_GRADIENT_CLOSED,
                             .gradient = WATER_GRADIENT_CLOSED };
    case WATER_PBV:
        return setting == 0.0 || minor * flow * flow > setting
                   ? minor_loss(minor, flow)
                   : (water_loss){ .loss_m = setting + WATER_GRADIENT_OPEN * flow,
                                   .gradient = WATER_GRADIENT_OPEN };
    case WATER_TCV:
        return minor_loss(minor_of(view, index, setting), flow);
    case WATER_PCV:
        return minor_loss(positional_minor(view, valve, index), flow);
    default:
        return minor_loss(minor, flow);
    }
}

/// Whether a device holds a pressure now: 1 behind it, -1 before it, 0 not.
static int held_side(const water_view *view, size_t device, size_t lane)
{
    size_t pumps = view->net->pump_count;
    if (device < pumps ||
        view->valve_status[(device - pumps) * (size_t)view->width + lane] != WATER_ACTIVE) {
        return 0;
    }
    water_valve_kind kind = view->net->valves[device - pumps].kind;
    return (kind == WATER_PRV) - (kind == WATER_PSV);
}

double gm_water_valve_target(const water_view *view, size_t valve, int lane, uint32_t *spot)
{
    const water_net *net = view->net;
    uint32_t link = (uint32_t)(net->pipe_count + net->pump_count + valve);
    uint32_t node =
        net->valves[valve].kind == WATER_PSV ? net->ends[link].from : net->ends[link].to;
    *spot = net->solver->spot[node];
    return view->elevation[node * (size_t)view->width + (size_t)lane] +
           gm_water_setting(view, link, lane);
}

// ---- all devices ----

void gm_water_devices_begin(const water_view *view)
{
    water_work *work = gm_water_work(view);
    size_t pumps = view->net->pump_count * work->width;
    for (size_t at = 0; at < view->net->solver->device_count * work->width; at++) {
        work->device_flow[at] = at < pumps ? view->pump_flow[at] : view->valve_flow[at - pumps];
    }
}

void gm_water_devices_linearise(const water_view *view, gm_lane_mask lanes)
{
    water_work *work = gm_water_work(view);
    size_t width = work->width, pumps = view->net->pump_count;
    for (size_t device = 0; device < view->net->solver->device_count; device++) {
        for (size_t lane = 0; lane < width; lane++) {
            size_t at = device * width + lane;
            if ((lanes >> lane & 1u) == 0 || held_side(view, device, lane) != 0) {
                continue;
            }
            double flow = work->device_flow[at];
            water_loss loss = device < pumps ? pump_loss(view, device, lane, flow)
                                             : valve_loss(view, device - pumps, lane, flow);
            work->device_conductance[at] = 1.0 / loss.gradient;
            work->device_shift[at] = loss.loss_m / loss.gradient - flow;
        }
    }
}

/// A valve that holds a pressure: its side gets the head, the other side the flow.
static void assemble_held(const water_view *view, size_t device, size_t lane, int side)
{
    const water_solver *solver = view->net->solver;
    water_work *work = gm_water_work(view);
    size_t width = work->width;
    uint32_t spot;
    double head = gm_water_valve_target(view, device - view->net->pump_count, (int)lane, &spot);
    work->diagonal[spot * width + lane] += clamp;
    work->head[spot * width + lane] += clamp * head;
    // taken in behind the valve, given out before it: only in the valve's direction
    double excess = gm_water_excess(view, spot, device, (int)lane) * side;
    work->device_conductance[device * width + lane] = 0.0;
    work->device_shift[device * width + lane] = excess;
    uint32_t far = side > 0 ? solver->device_from[device] : solver->device_to[device];
    if (excess < 0.0) {
        work->head[far * width + lane] += side * excess;
    }
    if (side < 0) { // the far side might hang in the air
        double link = 1.0 / WATER_GRADIENT_CLOSED;
        work->lower[solver->device_slot[device] * width + lane] -= link;
        work->diagonal[far * width + lane] += link;
    }
}

/// A device with a law.
static void assemble_law(const water_view *view, size_t device, size_t lane)
{
    const water_solver *solver = view->net->solver;
    water_work *work = gm_water_work(view);
    size_t width = work->width, junctions = solver->junction_count;
    size_t from = solver->device_from[device], to = solver->device_to[device];
    double conductance = work->device_conductance[device * width + lane];
    double shift = work->device_shift[device * width + lane];
    if (from < junctions) {
        work->diagonal[from * width + lane] += conductance;
        work->head[from * width + lane] +=
            shift + (to < junctions ? 0.0 : conductance * work->head[to * width + lane]);
    }
    if (to < junctions) {
        work->diagonal[to * width + lane] += conductance;
        work->head[to * width + lane] +=
            (from < junctions ? 0.0 : conductance * work->head[from * width + lane]) - shift;
    }
    work->lower[solver->device_slot[device] * width + lane] -= conductance;
}

void gm_water_devices_assemble(const water_view *view, gm_lane_mask lanes)
{
    size_t width = (size_t)view->width;
    for (size_t device = 0; device < view->net->solver->device_count; device++) {
        for (size_t lane = 0; lane < width; lane++) {
            if ((lanes >> lane & 1u) == 0) {
                continue;
            }
            int side = held_side(view, device, lane);
            if (side != 0) {
                assemble_held(view, device, lane, side);
            } else {
                assemble_law(view, device, lane);
            }
        }
    }
}

static void move_device(const water_view *view, size_t device, size_t lane, double wanted,
                        water_motion *motion)
{
    water_work *work = gm_water_work(view);
    double *flow = &work->device_flow[device * work->width + lane];
    double change = motion->relax[lane] * (wanted - *flow);
    bool constant_power =
        device < view->net->pump_count && view->net->pumps[device].law == PUMP_CONSTANT_POWER;
    if (constant_power &&
        !(*flow + change > still_share * *flow)) { // it cannot stand, or run backwards
        change = -0.5 * *flow;
    }
    *flow += change;
    motion->moved[lane] += fabs(change);
    motion->total[lane] += fabs(*flow);
    motion->most[lane] = fmax(motion->most[lane], fabs(change));
}

void gm_water_devices_move(const water_view *view, water_motion *motion)
{
    const water_solver *solver = view->net->solver;
    const water_work *work = gm_water_work(view);
    size_t width = work->width;
    for (size_t device = 0; device < solver->device_count; device++) {
        for (size_t lane = 0; lane < width; lane++) {
            if (motion->relax[lane] > 0.0) {
                double fall = work->head[solver->device_from[device] * width + lane] -
                              work->head[solver->device_to[device] * width + lane];
                size_t at = device * width + lane;
                double wanted = work->device_conductance[at] * fall - work->device_shift[at];
                move_device(view, device, lane, wanted, motion);
            }
        }
    }
}

void gm_water_devices_settle(const water_view *view, gm_lane_mask lanes)
{
    const water_solver *solver = view->net->solver;
    water_work *work = gm_water_work(view);
    size_t width = work->width;
    for (size_t device = view->net->pump_count; device < solver->device_count; device++) {
        for (size_t lane = 0; lane < width; lane++) {
            int side = lanes >> lane & 1u ? held_side(view, device, lane) : 0;
            if (side != 0) {
                uint32_t spot = side > 0 ? solver->device_to[device] : solver->device_from[device];
                double excess = gm_water_excess(view, spot, device, (int)lane);
                work->device_flow[device * width + lane] = -side * excess;
            }
        }
    }
}
