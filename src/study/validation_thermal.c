// Two heat capacities in a row against the closed form.
//
//     C1 x1' = P - G1 (x1 - x2)      C2 x2' = G1 (x1 - x2) - G2 x2      (above the room)
//
// Both start at the room's temperature. The steady state is x2 = P/G2, x1 = x2 + P/G1; what is left
// decays with the two eigenvalues of the matrix. Source: linear systems with constant coefficients,
// as in Incropera et al., Fundamentals of Heat and Mass Transfer, 6th ed., section 5.3.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "study/validation.h"

enum { TIMES = 4 };

static const double heater_j_k = 250.0, air_j_k = 690.0, inner_w_k = 0.9, outer_w_k = 0.7;
static const double power_w = 20.0, room_k = 294.15;
static const double every_s = 600.0, tolerance_k = 1e-3;

static const char world_text[] =
    "world: two-node\n"
    "systems:\n"
    "  box:\n"
    "    model: thermal\n"
    "    nodes:\n"
    "      heater: { capacity: 250 J/K, temperature: 294.15 K, power: 20 W }\n"
    "      air: { capacity: 690 J/K, temperature: 294.15 K }\n"
    "      room: { fixed: true, temperature: 294.15 K }\n"
    "    paths: { heater-air: {conductance: 0.9 W/K}, air-room: {conductance: 0.7 W/K} }\n"
    "record: { box/*/temperature: 600 s }\n";

/// Temperatures of heater and air after time_s.
static void closed_form(double time_s, double *heater_k, double *air_k)
{
    double a = -inner_w_k / heater_j_k, b = inner_w_k / heater_j_k;
    double c = inner_w_k / air_j_k, d = -(inner_w_k + outer_w_k) / air_j_k;
    double half = 0.5 * (a + d), root = sqrt(0.25 * (a - d) * (a - d) + b * c);
    double fast = half - root, slow = half + root;
    double air_end = power_w / outer_w_k, heater_end = air_end + power_w / inner_w_k;
    // the start, -end, in the two eigenvectors (b, lambda - a)
    double fast_share = (-air_end * b + heater_end * (slow - a)) / (b * (fast - slow));
    double slow_share = -heater_end / b - fast_share;
    double fast_left = fast_share * exp(fast * time_s), slow_left = slow_share * exp(slow * time_s);
    *heater_k = room_k + heater_end + b * (fast_left + slow_left);
    *air_k = room_k + air_end + (fast - a) * fast_left + (slow - a) * slow_left;
}

static gm_status take_row(void *context, const gm_world_row *row, gm_error *error)
{
    gm_validation_report *report = context;
    double heater_k = 0.0, air_k = 0.0;
    (void)error;
    closed_form(row->time_s, &heater_k, &air_k);
    bool heater = strcmp(row->element, "heater") == 0;
    if (strcmp(row->element, "room") == 0 || row->time_s <= 0.0) {
        return GM_OK;
    }
    gm_validation_number number = { .unit = "K",
                                    .relation = GM_NEAR,
                                    .expected = heater ? heater_k : air_k,
                                    .got = row->value,
                                    .tolerance = tolerance_k };
    snprintf(number.what, sizeof number.what, "%.40s after %.0f s", row->element, row->time_s);
    gm_validation_add(report, &number);
    return GM_OK;
}

static gm_status run(const gm_validation_context *context, gm_validation_report *report,
                     gm_error *error)
{
    gm_world *world = NULL;
    gm_status status = gm_validation_world(context, "two-node", world_text, &world, error);
    if (status == GM_OK) {
        int64_t every_ns = (int64_t)every_s * GM_SECOND_NS;
        gm_simulate_options options = {
            .until_ns = TIMES * every_ns, .every_ns = every_ns, .context = report, .row = take_row
        };
        status = gm_world_simulate(world, &options, error);
    }
    gm_world_close(world);
    return status;
}

const gm_validation_case gm_validation_thermal_step = {
    .name = "two heat capacities, heated from rest",
    .domain = "thermal",
    .source = "closed form of the linear system",
    .run = run,
};
