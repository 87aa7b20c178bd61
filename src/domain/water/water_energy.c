// What pumps use: power from the head they add and the flow they carry, over their efficiency.
//
//     power = weight flow head / efficiency
//     efficiency at speed s = 1 - (1 - curve(flow / s)) (1 / s)^0.1
//
// Between two events nothing of it changes, so a call that ends between them adds what was used
// since the last one to what was used until then.
// Sources: Rossman et al., EPANET 2.2 User Manual, EPA/600/R-20/133 (2020), section 8.1 and
// appendix C ([ENERGY]); Sarbu, Borza, Energetic optimization of water pumping in distribution
// systems, Periodica Polytechnica Mechanical Engineering 42 (1998) 141-152.
#include <math.h>

#include "base/calendar.h"
#include "domain/water/water_parts.h"

// of a cubic metre of water: EPANET takes one foot times 8.814 ft3/s to be one horsepower
static const double weight_n_m3 = 745.7 / (8.814 * WATER_FOOT_M * WATER_CUBIC_FOOT_M3);
static const double efficiency_least = 0.01, speed_exponent = 0.1;
static const double joules_per_kwh = 3.6e6;

/// Head when the lane was last solved: the level of a tank moves on from there.
static double anchor_head(const water_view *view, uint32_t node, int lane)
{
    const water_net *net = view->net;
    const water_memory *memory = gm_water_memory(view, lane);
    size_t tank = node - net->junction_count;
    if (!memory->solved || node < net->junction_count || tank >= net->tank_count) {
        return gm_water_head(view, node, lane);
    }
    return net->tanks[tank].elevation_m +
           gm_water_tank_depth(&net->tanks[tank], memory->volume_m3[tank]);
}

double gm_water_pump_power(const water_view *view, size_t pump, int lane, double *efficiency)
{
    const water_net *net = view->net;
    const water_pump *of = &net->pumps[pump];
    size_t at = pump * (size_t)view->width + (size_t)lane;
    *efficiency = 0.0;
    if (water_is_closed(view->pump_status[at])) {
        return 0.0;
    }
    double flow = fabs(view->pump_flow[at]), speed = view->speed[at];
    double share = net->plan->efficiency;
    if (of->efficiency.count > 0 && speed > 0.0) {
        double nominal = gm_water_interpolate(&of->efficiency, flow / speed);
        share = 1.0 - (1.0 - nominal) * pow(1.0 / speed, speed_exponent);
    }
    share = fmin(fmax(share, efficiency_least), 1.0);
    water_ends ends = net->ends[net->pipe_count + pump];
    double head = fabs(anchor_head(view, ends.to, lane) - anchor_head(view, ends.from, lane));
    *efficiency = share;
    return weight_n_m3 * net->plan->specific_gravity * flow * head / share;
}

void gm_water_energy_until(const water_view *view, int lane, int64_t time_ns)
{
    const water_net *net = view->net;
    const water_memory *memory = gm_water_memory(view, lane);
    double time_s = (double)(time_ns - memory->anchor_ns) / (double)GM_SECOND_NS;
    for (size_t pump = 0; time_s > 0.0 && pump < net->pump_count; pump++) {
        const water_tally *tally = &gm_water_tallies(view, lane)[pump];
        size_t at = pump * (size_t)view->width + (size_t)lane;
        double efficiency = 0.0, power = gm_water_pump_power(view, pump, lane, &efficiency);
        if (!(efficiency > 0.0)) {
            continue;
        }
        double price = net->pumps[pump].price *
                       gm_water_pattern_at(net, net->pumps[pump].price_pattern, memory->anchor_ns);
        view->energy[at] = tally->energy_j + power * time_s;
        view->run_time[at] = tally->run_time_s + time_s;
        view->pumped_volume[at] = tally->volume_m3 + fabs(view->pump_flow[at]) * time_s;
        view->cost[at] = tally->cost + price * power * time_s / joules_per_kwh;
        view->peak_power[at] = fmax(view->peak_power[at], power);
    }
}
