// The gate and lanes of a state: reading, writing, refusing, failing, resampling, in every type.
#include "model/model_fixture.h"

#include "model/state_inside.h"
#include "model/store_domain.h"

enum { LANES = 19 };

static trial open_store(int width)
{
    return open_trial(&store_domain, (trial_options){ .config = "{bins: [a, b, c]}",
                                                      .lanes = LANES,
                                                      .width = width,
                                                      .seed = 6 });
}

static void initial_values_fill_every_lane(void **state)
{
    (void)state;
    trial made = open_store(8);
    double values[LANES];
    for (size_t bin = 0; bin < 3; bin++) {
        read_lanes(made.state, ref_of(STORE_BIN, BIN_LEVEL, bin), values);
        for (size_t lane = 0; lane < LANES; lane++) {
            assert_close(values[lane], 0.25 * (double)(bin + 1), 0.0);
        }
    }
    assert_int_equal(gm_state_lanes(made.state), LANES);
    assert_ptr_equal(gm_state_layout(made.state), made.layout);
    assert_int_equal(gm_layout_lanes(made.layout), LANES);
    assert_int_equal(gm_layout_systems(made.layout), 1);
    assert_int_equal(gm_layout_find_system(made.layout, "system"), 0);
    assert_true(gm_layout_find_system(made.layout, "sys") == SIZE_MAX);
    close_trial(&made);
}

static void what_is_written_is_read_in_every_type(void **state)
{
    (void)state;
    for (int width = 1; width <= 8; width += 7) {
        trial made = open_store(width);
        static const uint32_t fields[] = { BIN_SIZE, BIN_MODE, BIN_COUNT, BIN_LEVEL };
        for (size_t which = 0; which < 4; which++) {
            double written[LANES], values[LANES];
            for (size_t lane = 0; lane < LANES; lane++) {
                written[lane] = (double)(lane % 10);
            }
            write_lanes(made.state, ref_of(STORE_BIN, fields[which], 1), written);
            read_lanes(made.state, ref_of(STORE_BIN, fields[which], 1), values);
            assert_memory_equal(written, values, sizeof values);
        }
        double values[LANES];
        fill_lanes(made.state, ref_of(STORE_BIN, BIN_COUNT, 0), -2.6); // to nearest
        read_lanes(made.state, ref_of(STORE_BIN, BIN_COUNT, 0), values);
        assert_close(values[LANES - 1], -3.0, 0.0);
        fill_lanes(made.state, ref_of(STORE_BIN, BIN_MODE, 0), 300.0); // to its physical bounds
        read_lanes(made.state, ref_of(STORE_BIN, BIN_MODE, 0), values);
        assert_close(values[0], 9.0, 0.0);
        fill_lanes(made.state, ref_of(STORE_BIN, BIN_SIZE, 0), -1e300);
        read_lanes(made.state, ref_of(STORE_BIN, BIN_SIZE, 0), values);
        assert_close(values[0], 0.0, 0.0);
        close_trial(&made);
    }
}

static void outputs_are_computed_when_asked_for(void **state)
{
    (void)state;
    trial made = open_store(8);
    advance_state(made.state, 7 * second_ns, NULL);
    uint64_t hash = gm_state_hash(made.state);
    const gm_ref refs[] = { ref_of(STORE_BIN, BIN_LEVEL, 2),
                            ref_of(STORE_BIN, BIN_DOUBLE, 2),
                            { 0, STORE_JOB, GM_ROW_COUNT, GM_ROWS },
                            ref_of(STORE_BIN, BIN_DOUBLE, 0),
                            ref_of(STORE_BIN, BIN_LEVEL, 0) };
    double values[5][LANES];
    gm_error error = { 0 };
    must(gm_state_read_many(made.state, refs, 5, &values[0][0], &error), &error);
    for (size_t lane = 0; lane < LANES; lane++) {
        assert_close(values[1][lane], 2.0 * values[0][lane], 0.0);
        assert_close(values[3][lane], 2.0 * values[4][lane], 0.0);
        assert_close(values[2][lane], 7.0, 0.0);
    }
    assert_true(gm_state_hash(made.state) == hash);
    close_trial(&made);
}

static void the_gate_refuses_what_does_not_exist_or_is_not_open(void **state)
{
    (void)state;
    trial made = open_store(8);
    uint64_t hash = gm_state_hash(made.state);
    static const gm_ref missing[] = {
        { 1, STORE_BIN, BIN_LEVEL, 0 }, { 0, 2, 0, 0 },
        { 0, STORE_BIN, 5, 0 },         { 0, STORE_BIN, BIN_LEVEL, 3 },
        { 0, STORE_JOB, JOB_WORTH, 0 }, { 0, STORE_BIN, BIN_LEVEL, GM_ROWS },
        { 0, STORE_JOB, 2, GM_ROWS },   { 0, STORE_BIN, GM_ROW_COUNT, GM_ROWS },
    };
    double values[LANES] = { 0 };
    for (size_t index = 0; index < sizeof missing / sizeof *missing; index++) {
        gm_error error = { 0 };
        assert_int_equal(gm_state_read(made.state, missing[index], values, &error), GM_NOT_FOUND);
        assert_true(error.text[0] != '\0');
        assert_int_equal(gm_state_write(made.state, missing[index], values, &error), GM_NOT_FOUND);
    }
    gm_error error = { 0 };
    gm_ref output = ref_of(STORE_BIN, BIN_DOUBLE, 0), level = ref_of(STORE_BIN, BIN_LEVEL, 0);
    assert_int_equal(gm_state_fill(made.state, output, 1.0, &error), GM_INVALID);
    gm_ref rows = { 0, STORE_JOB, GM_ROW_COUNT, GM_ROWS };
    assert_int_equal(gm_state_fill(made.state, rows, 1.0, &error), GM_INVALID);
    assert_int_equal(gm_state_fill(made.state, level, NAN, &error), GM_NUMERIC);
    values[LANES - 1] = INFINITY;
    assert_int_equal(gm_state_write(made.state, level, values, &error), GM_NUMERIC);
    assert_true(gm_state_hash(made.state) == hash);
    gm_state_fail_lane(made.state, LANES - 1); // a failed lane's value is nobody's business
    assert_int_equal(gm_state_write(made.state, level, values, &error), GM_OK);
    read_lanes(made.state, level, values);
    assert_close(values[LANES - 1], 0.25, 0.0);
    close_trial(&made);
}

static void changed_makes_a_block_legal(void **state)
{
    (void)state;
    trial made = open_store(8);
    gm_error error = { 0 };
    fill_lanes(made.state, ref_of(STORE_BIN, BIN_LEVEL, 1), 50.0);
    must(gm_state_changed(made.state, 0, &error), &error);
    double values[LANES];
    read_lanes(made.state, ref_of(STORE_BIN, BIN_LEVEL, 1), values);
    assert_close(values[LANES - 1], 2.0, 0.0);
    close_trial(&made);
}

static void a_lane_that_is_not_a_number_leaves_the_others_their_bits(void **state)
{
    (void)state;
    for (int width = 1; width <= 8; width += 7) {
        trial whole = open_store(width), hurt = open_store(width);
        void *columns[STORE_COLUMNS];
        gm_block block;
        size_t lane = 10, inside = lane % (size_t)width;
        gm_block_place place = { 0, lane / (size_t)width };
        assert_true(gm_block_open(hurt.state, place, GM_ACCESS_STEP, columns, &block));
        double *level = gm_column(&block, STORE_BIN, BIN_LEVEL);
        level[2 * (size_t)width + inside] = NAN;
        advance_state(whole.state, 30 * second_ns, NULL);
        advance_state(hurt.state, 30 * second_ns, NULL);
        assert_int_equal(gm_state_lanes_left(hurt.state), LANES - 1);
        assert_true(gm_state_lane_failed(hurt.state, lane));
        uint32_t source[LANES];
        for (uint32_t index = 0; index < LANES; index++) {
            source[index] = index == lane ? 3 : index;
        }
        gm_error error = { 0 };
        must(gm_state_resample(whole.state, source, &error), &error);
        must(gm_state_resample(hurt.state, source, &error), &error);
        assert_true(gm_state_hash(whole.state) == gm_state_hash(hurt.state));
        close_trial(&whole);
        close_trial(&hurt);
    }
}

static void a_row_that_is_not_a_number_fails_its_lane(void **state)
{
    (void)state;
    trial made = open_store(8);
    advance_state(made.state, 5 * second_ns, NULL);
    void *columns[STORE_COLUMNS];
    gm_block block;
    assert_true(
        gm_block_open(made.state, (gm_block_place){ 0, 1 }, GM_ACCESS_STEP, columns, &block));
    double *worth = gm_column(&block, STORE_JOB, JOB_WORTH);
    worth[4 * GM_BLOCK_LANES + 2] = NAN;                         // in use
    worth[(STORE_JOBS_MAX - 1) * GM_BLOCK_LANES + 3] = INFINITY; // not in use
    advance_state(made.state, 6 * second_ns, NULL);
    assert_int_equal(gm_state_lanes_left(made.state), LANES - 1);
    assert_true(gm_state_lane_failed(made.state, 10));
    close_trial(&made);
}

static void resampling_copies_whole_lanes(void **state)
{
    (void)state;
    uint64_t hashes[2];
    for (int width = 1; width <= 8; width += 7) {
        trial made = open_store(width);
        advance_state(made.state, 26 * second_ns, NULL);
        gm_state_fail_lane(made.state, 2);
        uint32_t source[LANES];
        for (uint32_t lane = 0; lane < LANES; lane++) {
            source[lane] = (lane * 7 + 2) % LANES;
        }
        const gm_ref refs[] = { ref_of(STORE_BIN, BIN_LEVEL, 0),
                                ref_of(STORE_BIN, BIN_COUNT, 1),
                                { 0, STORE_JOB, JOB_WORTH, GM_ROWS },
                                { 0, STORE_JOB, GM_ROW_COUNT, GM_ROWS } };
        double before[4][LANES], after[4][LANES];
        gm_error error = { 0 };
        must(gm_state_read_many(made.state, refs, 4, &before[0][0], &error), &error);
        must(gm_state_resample(made.state, source, &error), &error);
        must(gm_state_read_many(made.state, refs, 4, &after[0][0], &error), &error);
        for (size_t lane = 0; lane < LANES; lane++) {
            for (size_t which = 0; which < 4; which++) {
                assert_close(after[which][lane], before[which][source[lane]], 0.0);
            }
            assert_int_equal(gm_state_lane_failed(made.state, lane), source[lane] == 2);
        }
        hashes[width / 8] = gm_state_hash(made.state);
        advance_state(made.state, 40 * second_ns, NULL);
        close_trial(&made);
    }
    assert_true(hashes[0] == hashes[1]);
}

static void only_chosen_systems_are_resampled(void **state)
{
    (void)state;
    uint32_t source[LANES];
    for (uint32_t lane = 0; lane < LANES; lane++) {
        source[lane] = (lane * 7 + 2) % LANES;
    }
    gm_error error = { 0 };
    trial made = open_store(8), whole = open_store(8);
    advance_state(made.state, 26 * second_ns, NULL);
    advance_state(whole.state, 26 * second_ns, NULL);
    uint64_t before = gm_state_hash(made.state);
    const bool none = false, all = true;
    must(gm_state_resample_systems(made.state, &none, source, &error), &error);
    assert_true(gm_state_hash(made.state) == before);
    must(gm_state_resample_systems(made.state, &all, source, &error), &error);
    must(gm_state_resample(whole.state, source, &error), &error);
    assert_true(gm_state_hash(made.state) == gm_state_hash(whole.state));
    gm_state_fail_lane(made.state, 2);
    must(gm_state_resample_systems(made.state, &all, source, &error), &error);
    assert_true(gm_state_lane_failed(made.state, 2));
    assert_int_equal(gm_state_lanes_left(made.state), LANES - 1);
    close_trial(&made);
    close_trial(&whole);
}

static void fewer_lanes_are_drawn_as_they_are(void **state)
{
    (void)state;
    enum { FEW = 5 };
    static const uint32_t source[FEW] = { 7, 0, 2, 7, 10 };
    const uint32_t *const sources[] = { source };
    for (int width = 1; width <= 8; width += 7) {
        trial made = open_store(width);
        const gm_layout_options options = { .width = width };
        const gm_model *const models[] = { made.model };
        const gm_ref refs[] = { ref_of(STORE_BIN, BIN_LEVEL, 0),
                                { 0, STORE_JOB, JOB_WORTH, GM_ROWS },
                                { 0, STORE_JOB, GM_ROW_COUNT, GM_ROWS } };
        double all[3][LANES], few[3][FEW];
        gm_error error = { 0 };
        gm_layout *layout = NULL;
        gm_state *drawn = NULL;
        advance_state(made.state, 26 * second_ns, NULL);
        gm_state_fail_lane(made.state, 2);
        uint64_t before = gm_state_hash(made.state);
        must(gm_layout_create(models, 1, FEW, &options, &layout, &error), &error);
        must(gm_state_draw(made.state, sources, layout, &drawn, &error), &error);
        must(gm_state_read_many(made.state, refs, 3, &all[0][0], &error), &error);
        must(gm_state_read_many(drawn, refs, 3, &few[0][0], &error), &error);
        for (size_t lane = 0; lane < FEW; lane++) {
            for (size_t which = 0; which < 3; which++) {
                assert_close(few[which][lane], all[which][source[lane]], 0.0);
            }
            assert_int_equal(gm_state_lane_failed(drawn, lane), source[lane] == 2);
        }
        assert_int_equal(gm_state_time(drawn), gm_state_time(made.state));
        assert_int_equal(gm_state_tick(drawn), gm_state_tick(made.state));
        advance_state(drawn, 40 * second_ns, NULL);
        assert_true(gm_state_hash(made.state) == before);
        gm_state_close(drawn);
        gm_layout_close(layout);
        close_trial(&made);
    }
}

static void width_workers_and_forks_leave_the_hash_alone(void **state)
{
    (void)state;
    uint64_t hashes[4];
    static const size_t workers_of[] = { 1, 2, 7, 1 };
    for (size_t index = 0; index < 4; index++) {
        trial made = open_store(index == 3 ? 1 : 8);
        gm_workers *workers = NULL;
        assert_int_equal(gm_workers_create(workers_of[index], &workers, NULL), GM_OK);
        for (int step = 1; step < 20; step++) {
            advance_state(made.state, step * 3 * second_ns, workers);
            gm_state *fork = NULL;
            assert_int_equal(gm_state_fork(made.state, &fork, NULL), GM_OK);
            fill_lanes(fork, ref_of(STORE_BIN, BIN_MODE, 1), 0.0);
            advance_state(fork, step * 4 * second_ns, workers);
            gm_state_close(fork);
        }
        hashes[index] = gm_state_hash(made.state);
        gm_workers_close(workers);
        close_trial(&made);
    }
    assert_true(hashes[0] == hashes[1] && hashes[0] == hashes[2] && hashes[0] == hashes[3]);
}

static void gathering_and_scattering_a_lane_changes_nothing(void **state)
{
    (void)state;
    trial made = open_store(8);
    advance_state(made.state, 23 * second_ns, NULL);
    uint64_t hash = gm_state_hash(made.state);
    void *memory = gm_memory_new(gm_block_lane_size(made.model), 1);
    void *columns[STORE_COLUMNS];
    gm_block block, single;
    assert_true(
        gm_block_open(made.state, (gm_block_place){ 0, 1 }, GM_ACCESS_STEP, columns, &block));
    for (int lane = 0; lane < GM_BLOCK_LANES; lane++) {
        gm_block_gather(&block, lane, memory, &single);
        assert_int_equal(single.first_lane, GM_BLOCK_LANES + lane);
        assert_int_equal(gm_rows_count(&single, STORE_JOB, 0),
                         gm_rows_count(&block, STORE_JOB, lane));
        gm_block_scatter(&single, &block, lane);
    }
    assert_true(gm_state_hash(made.state) == hash);
    gm_memory_free(memory);
    close_trial(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initial_values_fill_every_lane),
        cmocka_unit_test(what_is_written_is_read_in_every_type),
        cmocka_unit_test(outputs_are_computed_when_asked_for),
        cmocka_unit_test(the_gate_refuses_what_does_not_exist_or_is_not_open),
        cmocka_unit_test(changed_makes_a_block_legal),
        cmocka_unit_test(a_lane_that_is_not_a_number_leaves_the_others_their_bits),
        cmocka_unit_test(a_row_that_is_not_a_number_fails_its_lane),
        cmocka_unit_test(resampling_copies_whole_lanes),
        cmocka_unit_test(fewer_lanes_are_drawn_as_they_are),
        cmocka_unit_test(only_chosen_systems_are_resampled),
        cmocka_unit_test(width_workers_and_forks_leave_the_hash_alone),
        cmocka_unit_test(gathering_and_scattering_a_lane_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
