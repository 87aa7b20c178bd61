// Particles in the live twin: lanes of a system of events are copied as wholes, never moved by a
// gain, and what feeds it is learned.
//
// The system is a desk: in every second somebody comes, or is served, with a probability that is a
// rate times a second.
#include <gemel/model.h>

#include "rig_steps.h"
#include "world/world_units.h"

enum { DESK = 0 };
enum { ARRIVALS = 0, SERVICES, WAITING };
enum { PURPOSE_ARRIVAL = 0, PURPOSE_SERVICE };
enum { STEPS = 400, CYCLE_S = 5 };

static const gm_field desk_fields[] = {
    [ARRIVALS] = { "arrivals", "1/s", GM_PARAMETER, GM_F64, 0.2, 0.0, 1.0, "rate" },
    [SERVICES] = { "services", "1/s", GM_PARAMETER, GM_F64, 0.5, 0.0, 1.0, "rate" },
    [WAITING] = { "waiting", "1", GM_STATE, GM_F64, 0.0, 0.0, 1e6, "people" },
};
static const gm_class desk_class = { .name = "desk",
                                     .doc = "who serves",
                                     .fields = desk_fields,
                                     .field_count = sizeof desk_fields / sizeof *desk_fields };

static gm_status build_desk(gm_model *model, const gm_config *config, gm_error *error)
{
    (void)config;
    gm_model_single(model);
    gm_status status = gm_model_class(model, DESK, &desk_class, error);
    return status == GM_OK ? gm_model_element(model, DESK, "desk", NULL, error) : status;
}

/// Somebody comes or goes. @param rates  a second
static double next_waiting(gm_random random, uint32_t lane, int64_t second, const double rates[2],
                           double waiting)
{
    gm_draw draw = { .lane = lane, .purpose = PURPOSE_ARRIVAL, .occurrence = (uint64_t)second };
    double came = gm_random_uniform(random, draw) < rates[0];
    draw.purpose = PURPOSE_SERVICE;
    double served = waiting > 0.0 && gm_random_uniform(random, draw) < rates[1];
    return waiting + came - served;
}

static gm_status advance_desk(const gm_model *model, gm_block *block, int64_t until_ns,
                              gm_step *step)
{
    (void)model;
    const double *arrivals = gm_column(block, DESK, ARRIVALS);
    const double *services = gm_column(block, DESK, SERVICES);
    double *waiting = gm_column(block, DESK, WAITING);
    const double rates[2] = { *arrivals, *services };
    int64_t last = until_ns / GM_SECOND_NS;
    for (int64_t second = *block->time_ns / GM_SECOND_NS; second < last; second++) {
        *waiting = next_waiting(step->random, block->first_lane, second, rates, *waiting);
    }
    *block->time_ns = until_ns;
    return GM_OK;
}

static const gm_domain desk = { .name = "desk",
                                .summary = "people wait",
                                .source = "Kleinrock, Queueing Systems I, Wiley 1975",
                                .schema = 1,
                                .build = build_desk,
                                .advance = advance_desk };
static const gm_domain *const domains[] = { &desk };

static const char desk_world[] =
    "world: shop\ncycle: 5 s\nlanes: 256\nlateness: 30 s\n"
    "systems: { shop: {model: desk}, other: {model: desk} }\n"
    "sensors:\n"
    "  camera: { field: shop/desk/waiting, from: http, noise: 0.7, every: 5 s }\n"
    "estimate:\n"
    "  parameters: { shop/desk/arrivals: {spread: 40 %, drift: 5 %/day} }\n"
    "  filter: { shop: particles }\n";

static gm_world *open_world(const char *text)
{
    gm_world_options options = { .units = units, .domains = domains, .domain_count = 1 };
    gm_world *world = NULL;
    gm_error error = { 0 };
    if (gm_world_read("shop.yaml", text, strlen(text), &options, &world, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return world;
}

/// What a camera sees of a desk where more people come than the world file says.
/// @param waiting  out: how many were there in the end
static gm_sample *record(double arrivals, double *waiting)
{
    gm_sample *samples = gm_memory_new(STEPS, sizeof *samples);
    gm_random random = gm_random_for(31, "people");
    const double rates[2] = { arrivals, 0.5 };
    *waiting = 0.0;
    for (int64_t step = 0; step < STEPS; step++) {
        for (int64_t second = 0; second < CYCLE_S; second++) {
            *waiting = next_waiting(random, 0, step * CYCLE_S + second, rates, *waiting);
        }
        gm_draw draw = { .element = 1, .purpose = 2, .occurrence = (uint64_t)step };
        samples[step] = (gm_sample){ .time_ns = RIG_START_NS + (step + 1) * CYCLE_S * GM_SECOND_NS,
                                     .value = *waiting + 0.7 * gm_random_normal(random, draw) };
    }
    return samples;
}

static void read_lanes(gm_twin *twin, const char *address, double *values)
{
    gm_ref ref;
    gm_twin_view view;
    assert_int_equal(gm_world_find_one(gm_twin_world(twin), address, (gm_place){ 0 }, &ref, NULL),
                     GM_OK);
    assert_int_equal(gm_twin_look(twin, NULL, &view, NULL), GM_OK);
    assert_int_equal(gm_state_read(view.state, ref, values, NULL), GM_OK);
    gm_twin_look_away(twin, &view);
}

static double mean_of(const double *values)
{
    double sum = 0.0;
    for (size_t lane = 0; lane < 256; lane++) {
        sum += values[lane] / 256.0;
    }
    return sum;
}

static void people_stay_whole_and_their_rate_is_learned(void **state)
{
    (void)state;
    double waiting = 0.0, lanes[256];
    gm_sample *samples = record(0.42, &waiting);
    gm_world *world = open_world(desk_world);
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    rig_feed(twin, samples, STEPS);
    rig_settle(twin);
    read_lanes(twin, "shop/desk/waiting", lanes);
    print_message("%.0f people wait, %.2f think the lanes\n", waiting, mean_of(lanes));
    assert_true(fabs(mean_of(lanes) - waiting) < 2.0); // the noise, and caution
    for (size_t lane = 0; lane < 256; lane++) {
        assert_true(lanes[lane] == floor(lanes[lane]) && lanes[lane] >= 0.0);
    }
    read_lanes(twin, "shop/desk/arrivals", lanes);
    print_message("%.3f come in a second\n", mean_of(lanes));
    assert_true(fabs(mean_of(lanes) - 0.42) < 0.06);
    bool differ = false;
    for (size_t lane = 1; lane < 256; lane++) {
        differ = differ || lanes[lane] != lanes[0];
    }
    assert_true(differ);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
}

/// The other desk, which nobody looks at, with and without the first one's particles.
static void other_groups_are_left_alone(void **state)
{
    (void)state;
    double waiting = 0.0, lanes[2][256];
    gm_sample *samples = record(0.42, &waiting);
    for (size_t serial = 0; serial < 2; serial++) {
        char text[sizeof desk_world];
        memcpy(text, desk_world, sizeof text);
        if (serial == 1) {
            memcpy(strstr(text, "particles"), "serial   ", 9);
        }
        gm_world *world = open_world(text);
        gm_twin *twin = rig_twin_open(world, NULL, 1);
        rig_feed(twin, samples, STEPS);
        rig_settle(twin);
        read_lanes(twin, "other/desk/waiting", lanes[serial]);
        gm_twin_close(twin);
        gm_world_close(world);
    }
    assert_memory_equal(lanes[0], lanes[1], sizeof lanes[0]);
    gm_memory_free(samples);
}

static uint64_t hash_after(const gm_sample *samples, size_t swapped, size_t threads)
{
    gm_world *world = open_world(desk_world);
    gm_twin *twin = rig_twin_open(world, NULL, threads);
    for (size_t index = 0; index < STEPS; index++) {
        size_t at = index == swapped ? index + 1 : index == swapped + 1 ? swapped : index;
        rig_feed(twin, samples + at, 1);
    }
    rig_settle(twin);
    uint64_t hash = gm_twin_hash(twin);
    gm_twin_close(twin);
    gm_world_close(world);
    return hash;
}

static void workers_and_lateness_change_no_bit(void **state)
{
    (void)state;
    double waiting = 0.0;
    gm_sample *samples = record(0.42, &waiting);
    uint64_t whole = hash_after(samples, STEPS, 1);
    assert_int_equal(hash_after(samples, STEPS, 7), whole);
    assert_int_equal(hash_after(samples, 200, 1), whole);
    gm_memory_free(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_stay_whole_and_their_rate_is_learned),
        cmocka_unit_test(other_groups_are_left_alone),
        cmocka_unit_test(workers_and_lateness_change_no_bit),
    };
    return cmocka_run_group_tests(tests, read_units, close_units);
}
