// How much water a tank holds: a cylinder above its lowest level, or a curve of volume over depth.
// Source: Rossman et al., EPANET 2.2 User Manual, EPA/600/R-20/133 (2020), section 3.1.
#include <math.h>

#include "domain/water/water_parts.h"

static const double last_second = 1.0; // full or empty within it counts as full or empty

/// Straight lines between points (x ascending), flat beyond the ends; 0 without points.
static double between(const double *x, const double *y, size_t count, double at)
{
    if (count == 0) {
        return 0.0;
    }
    if (!(at > x[0])) {
        return y[0];
    }
    size_t low = 0, high = count; // x[low] < at
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (x[middle] < at) {
            low = middle;
        } else {
            high = middle;
        }
    }
    if (high == count) {
        return y[count - 1];
    }
    double run = x[high] - x[low];
    return run > 0.0 ? y[high] - (x[high] - at) * (y[high] - y[low]) / run : y[high];
}

double gm_water_interpolate(const water_points *points, double x)
{
    return between(points->x, points->y, points->count, x);
}

double gm_water_tank_volume(const water_tank *tank, double depth_m)
{
    if (tank->by_level.count > 0) {
        return gm_water_interpolate(&tank->by_level, depth_m);
    }
    return tank->min_volume_m3 + (depth_m - tank->min_depth_m) * tank->area_m2;
}

double gm_water_tank_depth(const water_tank *tank, double volume_m3)
{
    // full and empty are compared with later, so they are exact
    if (volume_m3 == tank->max_volume_m3) {
        return tank->max_depth_m;
    }
    if (volume_m3 == tank->min_volume_m3) {
        return tank->min_depth_m;
    }
    if (tank->by_level.count > 0) {
        return between(tank->by_level.y, tank->by_level.x, tank->by_level.count, volume_m3);
    }
    return tank->min_depth_m + (volume_m3 - tank->min_volume_m3) / tank->area_m2;
}

double gm_water_tank_later(const water_tank *tank, double volume_m3, double inflow_m3_s,
                           double time_s)
{
    if (!(fabs(inflow_m3_s) > WATER_FLOW_NONE) || time_s == 0.0) {
        return volume_m3;
    }
    double later = volume_m3 + inflow_m3_s * time_s, soon = inflow_m3_s * last_second;
    if (later + soon >= tank->max_volume_m3) {
        return tank->max_volume_m3;
    }
    return later - soon <= tank->min_volume_m3 ? tank->min_volume_m3 : later;
}
