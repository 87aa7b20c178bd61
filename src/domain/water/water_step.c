// Time: from instant to instant, each lane on its own clock.
//
// At an instant patterns give demands, heads of reservoirs and speeds of pumps; controls switch
// links; then heads and flows are solved. They hold until the next event: the end of a hydraulic
// step, a pattern's period or a report's; a tank full, empty, or at a control's level; a timer; a
// rule that acts. Tank volumes are straight lines in between. Events lie on whole seconds since the
// file's time 0, as EPANET rounds them, so that the same file has the same events.
//
// What the lane was solved for stays in its memory (water_memory). A call that ends between two
// events sets levels and energies from there and leaves it alone, so that stopping to look leaves
// no trace.
// Source: Rossman et al., EPANET 2.2 User Manual, EPA/600/R-20/133 (2020), sections 12.1 and 12.2;
// which event comes when, from tests against EPANET 2.3.
#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "base/require.h"
#include "domain/water/water_parts.h"

/// One call of advance.
typedef struct stepper {
    water_view view;
    gm_step *step;
    gm_lane_mask active;      // lanes that go on
    int64_t due_ns[GM_LANES]; // the next instant of each
    double *moved_m3;         // [tank_count]: a lane's volumes at a later moment
    void *rule_work;
} stepper;

static size_t aligned(size_t size)
{
    return (size + GM_ALIGNMENT - 1) / GM_ALIGNMENT * GM_ALIGNMENT;
}

size_t gm_water_step_size(const water_net *net)
{
    return aligned(net->tank_count * sizeof(double)) + gm_water_rules_size(net);
}

// ---- clocks ----

static int64_t floor_div(int64_t value, int64_t by)
{
    int64_t quotient = value / by;
    return quotient - (value % by < 0);
}

static water_clock clock_at(const water_net *net, int64_t time_ns)
{
    int64_t elapsed_ns = time_ns - net->plan->origin_ns;
    int64_t elapsed_s = floor_div(elapsed_ns, GM_SECOND_NS);
    int64_t rest_ns = elapsed_ns - elapsed_s * GM_SECOND_NS;
    return (water_clock){ .elapsed_s = elapsed_s,
                          .fraction_s = (double)rest_ns / (double)GM_SECOND_NS,
                          .strikes = rest_ns == 0 };
}

static int64_t period_at(const water_plan *plan, int64_t elapsed_s)
{
    return floor_div(elapsed_s + plan->pattern_start_s, plan->pattern_step_s);
}

static double factor_in(const water_plan *plan, uint32_t pattern, int64_t period)
{
    if (pattern == WATER_NONE) {
        return 1.0;
    }
    const water_pattern *of = &plan->patterns[pattern];
    int64_t count = (int64_t)of->count;
    return of->factors[period - floor_div(period, count) * count];
}

double gm_water_pattern_at(const water_net *net, uint32_t pattern, int64_t time_ns)
{
    return factor_in(net->plan, pattern, period_at(net->plan, clock_at(net, time_ns).elapsed_s));
}

// ---- what is given at an instant ----

/// Pattern values of the lanes of a set, the lane's own factor included; 0 in others.
static void set_patterns(const stepper *at, gm_lane_mask lanes)
{
    const water_view *view = &at->view;
    const water_plan *plan = view->net->plan;
    size_t width = (size_t)view->width;
    int64_t periods[GM_LANES] = { 0 };
    for (size_t lane = 0; lane < width; lane++) {
        periods[lane] = period_at(plan, clock_at(view->net, at->due_ns[lane]).elapsed_s);
    }
    for (size_t pattern = 0; pattern < plan->pattern_count; pattern++) {
        double *value = view->pattern_value + pattern * width;
        const double *own = view->pattern_factor + pattern * width;
        double shared = 0.0;
        int64_t period = INT64_MIN; // that `shared` is of
        for (size_t lane = 0; lane < width; lane++) {
            bool wanted = (lanes >> lane & 1) != 0;
            if (wanted && periods[lane] != period) {
                period = periods[lane];
                shared = factor_in(plan, (uint32_t)pattern, period);
            }
            value[lane] = wanted ? own[lane] * shared : 0.0;
        }
    }
}

GM_INLINE void sum_draws(const water_view *view, const size_t width)
{
    const water_net *net = view->net;
    const double *restrict value = view->pattern_value, *restrict whole = view->network_factor;
    for (size_t junction = 0; junction < net->junction_count; junction++) {
        double sum[GM_LANES] = { 0.0 };
        for (size_t draw = net->draw_start[junction]; draw < net->draw_start[junction + 1];
             draw++) {
            double base = net->draws[draw].base_m3_s;
            uint32_t pattern = net->draws[draw].pattern;
            if (pattern == WATER_NONE) {
                for (size_t lane = 0; lane < width; lane++) {
                    sum[lane] += base;
                }
                continue;
            }
            const double *now = value + pattern * width;
            for (size_t lane = 0; lane < width; lane++) {
                sum[lane] += base * now[lane];
            }
        }
        const double *factor = view->demand_factor + junction * width;
        const double *extra = view->extra_demand + junction * width;
        double *restrict demand = view->full_demand + junction * width;
        for (size_t lane = 0; lane < width; lane++) {
            demand[lane] = sum[lane] * (factor[lane] * whole[lane]) + extra[lane];
        }
    }
}

GM_KERNEL static void water_draws_1(const water_view *view)
{
    sum_draws(view, 1);
}

GM_KERNEL static void water_draws_8(const water_view *view)
{
    sum_draws(view, GM_LANES);
}

/// Reservoirs and pumps that follow a pattern, and the simple controls.
static void set_sources(const stepper *at, int lane, bool strikes)
{
    const water_view *view = &at->view;
    const water_net *net = view->net;
    size_t width = (size_t)view->width;
    water_clock clock = clock_at(net, at->due_ns[lane]);
    int64_t period = period_at(net->plan, clock.elapsed_s);
    clock.strikes = clock.strikes && strikes;
    for (size_t reservoir = 0; reservoir < net->reservoir_count; reservoir++) {
        size_t row = reservoir * width + (size_t)lane;
        view->reservoir_head[row] =
            view->base_head[row] * factor_in(net->plan, net->head_pattern[reservoir], period);
    }
    for (size_t pump = 0; pump < net->pump_count; pump++) {
        uint32_t pattern = net->pumps[pump].speed_pattern;
        if (pattern != WATER_NONE) {
            gm_water_follow_speed(view, pump, lane, factor_in(net->plan, pattern, period));
        }
    }
    gm_water_controls_act(view, lane, &clock);
}

static void set_fixed_heads(const water_view *view)
{
    const water_net *net = view->net;
    size_t width = (size_t)view->width, tanks = net->tank_count * width;
    for (size_t row = 0; row < tanks; row++) {
        view->fixed_head[row] = net->tanks[row / width].elevation_m + view->level[row];
    }
    for (size_t row = 0; row < net->reservoir_count * width; row++) {
        view->fixed_head[tanks + row] = view->reservoir_head[row];
    }
}

// ---- from the anchor on ----

/// A lane's tank volumes some time after its anchor.
static void move_tanks(const water_view *view, int lane, double time_s, double *volume_m3)
{
    const water_net *net = view->net;
    const water_memory *memory = gm_water_memory(view, lane);
    for (size_t tank = 0; tank < net->tank_count; tank++) {
        double inflow = view->tank_demand[tank * (size_t)view->width + (size_t)lane];
        volume_m3[tank] =
            gm_water_tank_later(&net->tanks[tank], memory->volume_m3[tank], inflow, time_s);
    }
}

static void show_levels(const water_view *view, int lane, const double *volume_m3)
{
    const water_net *net = view->net;
    for (size_t tank = 0; tank < net->tank_count; tank++) {
        view->level[tank * (size_t)view->width + (size_t)lane] =
            gm_water_tank_depth(&net->tanks[tank], volume_m3[tank]);
    }
}

static void keep_tallies(const water_view *view, int lane)
{
    water_tally *tallies = gm_water_tallies(view, lane);
    for (size_t pump = 0; pump < view->net->pump_count; pump++) {
        size_t row = pump * (size_t)view->width + (size_t)lane;
        tallies[pump] = (water_tally){ .energy_j = view->energy[row],
                                       .run_time_s = view->run_time[row],
                                       .volume_m3 = view->pumped_volume[row],
                                       .cost = view->cost[row] };
    }
}

static double seconds_between(int64_t from_ns, int64_t to_ns)
{
    return (double)(to_ns - from_ns) / (double)GM_SECOND_NS;
}

/// The last time before `elapsed_s` that the rules were looked at.
static int64_t last_look(const water_plan *plan, int64_t anchor_s, int64_t elapsed_s)
{
    int64_t before = floor_div(elapsed_s - 1, plan->rule_step_s) * plan->rule_step_s;
    return before > anchor_s ? before : anchor_s;
}

/// Brings a lane to the event after its anchor, where it is to be solved again.
static void arrive(const stepper *at, int lane)
{
    const water_view *view = &at->view;
    const water_plan *plan = view->net->plan;
    water_memory *memory = gm_water_memory(view, lane);
    int64_t time_ns = at->due_ns[lane];
    gm_water_energy_until(view, lane, time_ns);
    keep_tallies(view, lane);
    move_tanks(view, lane, seconds_between(memory->anchor_ns, time_ns), at->moved_m3);
    if (plan->rule_count > 0) {
        int64_t now_s = clock_at(view->net, time_ns).elapsed_s;
        int64_t anchor_s = clock_at(view->net, memory->anchor_ns).elapsed_s;
        water_moment moment = { .elapsed_s = now_s,
                                .volume_m3 = at->moved_m3,
                                .step_s = now_s - last_look(plan, anchor_s, now_s) };
        gm_water_rules_fire(view, lane, &moment, at->rule_work, true);
    }
    memcpy(memory->volume_m3, at->moved_m3, view->net->tank_count * sizeof *at->moved_m3);
    show_levels(view, lane, memory->volume_m3);
    memory->anchor_ns = time_ns;
}

/// Takes what the columns say at the lane's own time, after somebody wrote.
/// @return whether timers of this instant are still to strike
static bool start_afresh(const stepper *at, int lane)
{
    const water_view *view = &at->view;
    const water_net *net = view->net;
    water_memory *memory = gm_water_memory(view, lane);
    // solved at this very instant before: its timers struck, and what was written came after them
    bool struck = memory->next_ns > memory->anchor_ns && memory->anchor_ns == at->due_ns[lane];
    for (size_t tank = 0; tank < net->tank_count; tank++) {
        double level = view->level[tank * (size_t)view->width + (size_t)lane];
        memory->volume_m3[tank] = gm_water_tank_volume(&net->tanks[tank], level);
    }
    keep_tallies(view, lane);
    memory->anchor_ns = at->due_ns[lane];
    return !struck;
}

// ---- the next event ----

/// Seconds until a tank is full or empty, if that is before `step_s`.
static int64_t next_of_tanks(const water_view *view, int lane, double fraction_s, int64_t step_s)
{
    const water_net *net = view->net;
    const water_memory *memory = gm_water_memory(view, lane);
    for (size_t index = 0; index < net->tank_count; index++) {
        const water_tank *tank = &net->tanks[index];
        size_t row = index * (size_t)view->width + (size_t)lane;
        double inflow = view->tank_demand[row], level = view->level[row], end;
        if (inflow > WATER_FLOW_NONE && level < tank->max_depth_m) {
            end = tank->max_volume_m3;
        } else if (inflow < -WATER_FLOW_NONE && level > tank->min_depth_m) {
            end = tank->min_volume_m3;
        } else {
            continue;
        }
        double wait = (end - memory->volume_m3[index]) / inflow + fraction_s;
        if (wait < (double)step_s) {
            int64_t rounded = (int64_t)floor(wait + 0.5);
            step_s = rounded > 0 && rounded < step_s ? rounded : step_s;
        }
    }
    return step_s;
}

/// Seconds until a rule acts, if that is before `step_s`. At its end they are looked at anyway.
static int64_t next_of_rules(const stepper *at, int lane, const water_clock *clock, int64_t step_s)
{
    const water_plan *plan = at->view.net->plan;
    int64_t end_s = clock->elapsed_s + step_s, now_s = clock->elapsed_s;
    for (;;) {
        int64_t look_s = (floor_div(now_s, plan->rule_step_s) + 1) * plan->rule_step_s;
        if (look_s >= end_s) {
            return step_s;
        }
        double time_s = (double)(look_s - clock->elapsed_s) - clock->fraction_s;
        move_tanks(&at->view, lane, time_s, at->moved_m3);
        water_moment moment = { .elapsed_s = look_s,
                                .volume_m3 = at->moved_m3,
                                .step_s = look_s - now_s };
        if (gm_water_rules_fire(&at->view, lane, &moment, at->rule_work, false)) {
            return look_s - clock->elapsed_s;
        }
        now_s = look_s;
    }
}

/// The event after an anchor that was just solved; at least the next whole second.
static int64_t next_event(const stepper *at, int lane)
{
    const water_view *view = &at->view;
    const water_plan *plan = view->net->plan;
    water_clock clock = clock_at(view->net, gm_water_memory(view, lane)->anchor_ns);
    int64_t step_s = plan->step_s;
    // EPANET leaves the patterns' start out here, though not where it looks a factor up
    int64_t period_s =
        (period_at(plan, clock.elapsed_s) + 1) * plan->pattern_step_s - clock.elapsed_s;
    int64_t report_s = (floor_div(clock.elapsed_s, plan->report_step_s) + 1) * plan->report_step_s -
                       clock.elapsed_s;
    step_s = period_s > 0 && period_s < step_s ? period_s : step_s;
    step_s = report_s < step_s ? report_s : step_s;
    step_s = next_of_tanks(view, lane, clock.fraction_s, step_s);
    step_s = gm_water_controls_next(view, lane, &clock, step_s);
    if (plan->rule_count > 0) {
        step_s = next_of_rules(at, lane, &clock, step_s);
    }
    return plan->origin_ns + (clock.elapsed_s + step_s) * GM_SECOND_NS;
}

// ---- the call ----

static void report(const stepper *at, gm_lane_mask failed, const char *why)
{
    gm_error *error = at->step->error;
    for (int lane = 0; lane < at->view.width && failed != 0; lane++) {
        if ((failed >> lane & 1) == 0 || error == NULL || error->status != GM_OK) {
            continue;
        }
        int64_t elapsed_s = clock_at(at->view.net, at->due_ns[lane]).elapsed_s;
        gm_error_set(error, GM_NUMERIC, "%s, lane %u, %lld:%02lld:%02lld after its start: %s",
                     gm_model_name(at->view.model), at->view.block->first_lane + (uint32_t)lane,
                     (long long)(elapsed_s / 3600), (long long)(elapsed_s / 60 % 60),
                     (long long)(elapsed_s % 60), why);
    }
}

static void drop(stepper *at, gm_lane_mask failed, const char *why)
{
    report(at, failed, why);
    at->step->failed |= failed;
    at->active &= (gm_lane_mask)~failed;
}

/// Solves the lanes of a set at the instants they are due. @param fresh  those that somebody wrote
static void solve_instant(stepper *at, gm_lane_mask lanes, gm_lane_mask fresh)
{
    const water_view *view = &at->view;
    set_patterns(at, lanes);
    for (int lane = 0; lane < view->width; lane++) {
        bool strikes = true;
        if ((lanes >> lane & 1) == 0) {
            continue;
        }
        if ((fresh >> lane & 1) != 0) {
            strikes = start_afresh(at, lane);
        } else {
            arrive(at, lane);
        }
        set_sources(at, lane, strikes);
    }
    view->width == 1 ? water_draws_1(view) : water_draws_8(view);
    set_fixed_heads(view);
    gm_error error = { 0 };
    gm_lane_mask failed = gm_water_solve(view, lanes, &error) & lanes;
    drop(at, failed, error.text);
    for (int lane = 0; lane < view->width; lane++) {
        water_memory *memory = gm_water_memory(view, lane);
        if ((lanes & at->active) >> lane & 1) {
            memory->solved = 1;
            memory->next_ns = at->due_ns[lane] = next_event(at, lane);
        }
    }
}

/// Lanes that somebody wrote, or moved in time, since they were last solved.
static gm_lane_mask find_fresh(const stepper *at)
{
    gm_lane_mask fresh = 0;
    for (int lane = 0; lane < at->view.width; lane++) {
        const water_memory *memory = gm_water_memory(&at->view, lane);
        bool moved = memory->time_ns != at->view.block->time_ns[lane];
        fresh |= (gm_lane_mask)((!memory->solved || moved) << lane);
    }
    return fresh & at->active;
}

static gm_lane_mask lanes_due(const stepper *at, int64_t until_ns)
{
    gm_lane_mask due = 0;
    for (int lane = 0; lane < at->view.width; lane++) {
        due |= (gm_lane_mask)((at->due_ns[lane] <= until_ns) << lane);
    }
    return due & at->active;
}

/// Shows a lane at a time up to its next event.
static void look(const stepper *at, int lane, int64_t until_ns)
{
    const water_view *view = &at->view;
    water_memory *memory = gm_water_memory(view, lane);
    if (until_ns > memory->anchor_ns) {
        move_tanks(view, lane, seconds_between(memory->anchor_ns, until_ns), at->moved_m3);
        show_levels(view, lane, at->moved_m3);
        gm_water_energy_until(view, lane, until_ns);
    }
    view->block->time_ns[lane] = memory->time_ns = until_ns;
}

static stepper open_stepper(const gm_model *model, gm_block *block, gm_step *step)
{
    stepper at = { .step = step, .active = block->lanes };
    gm_water_view(model, block, step->scratch, &at.view);
    const water_net *net = at.view.net;
    GM_REQUIRE(net->plan->step_s > 0 && net->plan->pattern_step_s > 0 &&
               net->plan->report_step_s > 0 && net->plan->rule_step_s > 0);
    at.moved_m3 = at.view.step_work;
    at.rule_work = (unsigned char *)at.view.step_work + aligned(net->tank_count * sizeof(double));
    gm_water_rules_open(net, at.rule_work);
    return at;
}

gm_status gm_water_advance(const gm_model *model, gm_block *block, int64_t until_ns, gm_step *step)
{
    stepper at = open_stepper(model, block, step);
    gm_lane_mask fresh = find_fresh(&at);
    for (int lane = 0; lane < at.view.width; lane++) {
        bool now = (fresh >> lane & 1) != 0;
        at.due_ns[lane] = now ? block->time_ns[lane] : gm_water_memory(&at.view, lane)->next_ns;
    }
    gm_lane_mask due = lanes_due(&at, until_ns);
    if (due != 0) {
        gm_water_resistances(&at.view, fresh);
        gm_water_solver_open(&at.view);
    }
    for (size_t instants = 0; due != 0; instants++) {
        if (instants == WATER_INSTANTS_MAX) {
            drop(&at, due, "too many events in one step of time; ask for shorter ones");
            break;
        }
        solve_instant(&at, due, fresh);
        fresh = 0;
        due = lanes_due(&at, until_ns);
    }
    for (int lane = 0; lane < at.view.width; lane++) {
        if (at.active >> lane & 1) {
            look(&at, lane, until_ns);
        }
    }
    return GM_OK;
}
