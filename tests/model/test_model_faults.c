// The n-th allocation fails, for every n: models and states say GM_MEMORY, leak nothing, and what
// was there stays as it was.
#include "base/failing_memory.h"
#include "model/model_fixture.h"

#include "model/store_domain.h"

enum { ALLOCATIONS_MAX = 400, LANES = 19 };

/// A large name list and geometry, so that arrays have to grow while building.
static const char *const many_bins =
    "{bins: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t]}";

static void building_says_that_memory_is_out(void **state)
{
    (void)state;
    gm_arena *arena = gm_arena_create(0);
    const gm_config *config = config_of(arena, NULL, many_bins);
    gm_status status = GM_MEMORY;
    long allowed = 0;
    for (; status != GM_OK && allowed < ALLOCATIONS_MAX; allowed++) {
        gm_model *model = NULL;
        gm_layout *layout = NULL;
        gm_state *made = NULL;
        gm_error error = { 0 };
        const gm_section section = { "drivers", 100, 1 };
        const gm_layout_options options = { .sections = &section, .section_count = 1 };
        allocations_left = allowed;
        status = gm_model_build(&store_domain, "s", config, &model, &error);
        const gm_model *systems[] = { model };
        if (status == GM_OK) {
            status = gm_layout_create(systems, 1, LANES, &options, &layout, &error);
        }
        if (status == GM_OK) {
            status = gm_state_create(layout, 0, &made, &error);
        }
        allocations_left = LONG_MAX;
        assert_true(status == GM_OK || (status == GM_MEMORY && made == NULL));
        assert_int_equal(error.status, status);
        gm_state_close(made);
        gm_layout_close(layout);
        gm_model_close(model);
    }
    assert_int_equal(status, GM_OK);
    assert_true(allowed > 20);
    gm_arena_close(arena);
}

/// Something that writes a fork of a state; it may fail.
typedef gm_status (*deed)(gm_state *fork, const gm_state *other, gm_error *error);

static gm_status write_one(gm_state *fork, const gm_state *other, gm_error *error)
{
    (void)other;
    return gm_state_fill(fork, ref_of(STORE_BIN, BIN_LEVEL, 2), 0.125, error);
}

static gm_status write_section(gm_state *fork, const gm_state *other, gm_error *error)
{
    (void)other;
    unsigned char *bytes = gm_state_section_write(fork, 0);
    if (bytes == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a section");
    }
    bytes[5]++;
    return GM_OK;
}

static gm_status set_time(gm_state *fork, const gm_state *other, gm_error *error)
{
    (void)other;
    return gm_state_set_time(fork, 99, error);
}

static gm_status resample(gm_state *fork, const gm_state *other, gm_error *error)
{
    (void)other;
    uint32_t source[LANES];
    for (uint32_t lane = 0; lane < LANES; lane++) {
        source[lane] = LANES - 1 - lane;
    }
    return gm_state_resample(fork, source, error);
}

static gm_status transfer(gm_state *fork, const gm_state *other, gm_error *error)
{
    return gm_state_transfer(other, fork, error);
}

static gm_status save_and_read(gm_state *fork, const gm_state *other, gm_error *error)
{
    double values[LANES];
    void *bytes = NULL;
    size_t size = 0;
    gm_state *loaded = NULL;
    gm_status status = gm_state_read(other, ref_of(STORE_BIN, BIN_DOUBLE, 1), values, error);
    if (status == GM_OK) {
        status = gm_state_save(other, &bytes, &size, error);
    }
    if (status == GM_OK) {
        status = gm_state_load(gm_state_layout(fork), bytes, size, &loaded, error);
    }
    gm_memory_free(bytes);
    gm_state_close(loaded);
    return status == GM_OK ? write_one(fork, other, error) : status; // and change something
}

/// Forks, does the deed with a pool that is empty, and looks whether it was all or nothing.
static void all_or_nothing(deed what)
{
    gm_status status = GM_MEMORY;
    long allowed = 0;
    for (; status != GM_OK && allowed < ALLOCATIONS_MAX; allowed++) {
        gm_arena *arena = gm_arena_create(0);
        gm_model *models[2] = { NULL };
        gm_layout *layouts[2] = { NULL };
        gm_state *states[2] = { NULL }, *fork = NULL;
        gm_error error = { 0 };
        const gm_section section = { "drivers", 100, 1 };
        const gm_layout_options options = { .sections = &section, .section_count = 1 };
        static const char *const configs[] = { "{bins: [a, b, c]}", "{bins: [b, c, d, a]}" };
        for (size_t index = 0; index < 2; index++) {
            must(gm_model_build(&store_domain, "s", config_of(arena, NULL, configs[index]),
                                &models[index], &error),
                 &error);
            const gm_model *systems[] = { models[index] };
            must(gm_layout_create(systems, 1, LANES, &options, &layouts[index], &error), &error);
            must(gm_state_create(layouts[index], 0, &states[index], &error), &error);
        }
        must(gm_state_advance(states[0], 0, 4 * second_ns, NULL, &error), &error);
        must(gm_state_advance(states[1], 0, 9 * second_ns, NULL, &error), &error);
        uint64_t hash = gm_state_hash(states[0]);
        allocations_left = allowed;
        status = gm_state_fork(states[0], &fork, &error);
        if (status == GM_OK) {
            status = what(fork, states[1], &error);
        }
        allocations_left = LONG_MAX;
        assert_true(status == GM_OK || status == GM_MEMORY);
        if (fork != NULL) {
            bool moved = gm_state_hash(fork) != hash;
            assert_int_equal(moved, status == GM_OK);
        }
        assert_true(gm_state_hash(states[0]) == hash);
        gm_state_close(fork);
        for (size_t index = 0; index < 2; index++) {
            gm_state_close(states[index]);
            gm_layout_close(layouts[index]);
            gm_model_close(models[index]);
        }
        gm_arena_close(arena);
    }
    assert_int_equal(status, GM_OK);
    assert_true(allowed > 1);
}

static void a_deed_is_done_whole_or_not_at_all(void **state)
{
    (void)state;
    all_or_nothing(write_one);
    all_or_nothing(write_section);
    all_or_nothing(set_time);
    all_or_nothing(resample);
    all_or_nothing(transfer);
    all_or_nothing(save_and_read);
}

static void steady_state_does_not_allocate(void **state)
{
    (void)state;
    trial made = open_trial(&store_domain, (trial_options){ .config = many_bins, .lanes = LANES });
    double values[LANES];
    gm_error error = { 0 };
    for (int64_t cycle = 1; cycle < 20; cycle++) {
        allocations_left = cycle < 3 ? LONG_MAX : 0; // the first cycles fill the pool
        must(gm_state_advance(made.state, 0, cycle * second_ns, NULL, &error), &error);
        must(gm_state_read(made.state, ref_of(STORE_BIN, BIN_DOUBLE, 0), values, &error), &error);
        must(gm_state_fill(made.state, ref_of(STORE_BIN, BIN_LEVEL, 0), 0.5, &error), &error);
        must(gm_state_changed(made.state, 0, &error), &error);
        gm_state *fork = NULL;
        must(gm_state_fork(made.state, &fork, &error), &error);
        must(gm_state_advance(fork, 0, (cycle + 5) * second_ns, NULL, &error), &error);
        gm_state_close(fork);
        uint32_t source[LANES] = { 0 };
        must(gm_state_resample(made.state, source, &error), &error);
        allocations_left = LONG_MAX;
    }
    close_trial(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(building_says_that_memory_is_out),
        cmocka_unit_test(a_deed_is_done_whole_or_not_at_all),
        cmocka_unit_test(steady_state_does_not_allocate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
