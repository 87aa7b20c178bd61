// Proof model (e): a live state moves into a model with one element more or one less; and states as
// bytes: the same bits come back, damaged bytes never do.
#include "model/model_fixture.h"

#include "base/hash.h"
#include "model/state_inside.h"
#include "model/store_domain.h"

enum { LANES = 11 };

typedef struct two_systems {
    gm_arena *arena;
    gm_model *models[2];
    gm_layout *layout;
    gm_state *state;
} two_systems;

static two_systems open_stores(const char *first, const char *second, int width)
{
    two_systems made = { .arena = gm_arena_create(0) };
    gm_error error = { 0 };
    const gm_section sections[] = { { "drivers", 100, 1 }, { "nothing", 0, 1 } };
    gm_layout_options options = {
        .seed = 4, .width = width, .sections = sections, .section_count = 2
    };
    must(gm_model_build(&store_domain, "one", config_of(made.arena, NULL, first), &made.models[0],
                        &error),
         &error);
    must(gm_model_build(&store_domain, "two", config_of(made.arena, NULL, second), &made.models[1],
                        &error),
         &error);
    const gm_model *systems[] = { made.models[0], made.models[1] };
    must(gm_layout_create(systems, 2, LANES, &options, &made.layout, &error), &error);
    must(gm_state_create(made.layout, 0, &made.state, &error), &error);
    return made;
}

static void close_stores(two_systems *made)
{
    gm_state_close(made->state);
    gm_layout_close(made->layout);
    gm_model_close(made->models[0]);
    gm_model_close(made->models[1]);
    gm_arena_close(made->arena);
}

static void live(two_systems *made, int seconds)
{
    gm_error error = { 0 };
    int64_t until_ns = gm_state_time(made->state) + seconds * second_ns;
    for (size_t system = 0; system < 2; system++) {
        must(gm_state_advance(made->state, system, until_ns, NULL, &error), &error);
    }
    must(gm_state_set_time(made->state, until_ns, &error), &error);
    gm_state_set_tick(made->state, gm_state_tick(made->state) + 1);
    unsigned char *section = gm_state_section_write(made->state, 0);
    section[seconds % 100]++;
}

static const char *const abc = "{bins: [a, b, c]}";

static void save_of(const gm_state *state, unsigned char **bytes, size_t *size)
{
    gm_error error = { 0 };
    void *saved = NULL;
    must(gm_state_save(state, &saved, size, &error), &error);
    *bytes = saved;
}

static void saved_states_come_back_with_the_same_bits(void **state)
{
    (void)state;
    two_systems made = open_stores(abc, "{bins: [x, y]}", 8);
    live(&made, 37);
    gm_state_fail_lane(made.state, 3);
    unsigned char *bytes;
    size_t size;
    save_of(made.state, &bytes, &size);
    gm_error error = { 0 };
    for (int width = 1; width <= 8; width += 7) {
        two_systems other = open_stores(abc, "{bins: [x, y]}", width);
        gm_state *loaded = NULL;
        must(gm_state_load(other.layout, bytes, size, &loaded, &error), &error);
        assert_true(gm_state_hash(loaded) == gm_state_hash(made.state));
        assert_true(gm_state_lane_failed(loaded, 3));
        assert_int_equal(gm_state_tick(loaded), 1);
        assert_int_equal(gm_state_time(loaded), 37 * second_ns);
        assert_memory_equal(gm_state_section(loaded, 0), gm_state_section(made.state, 0), 100);
        // and lives on as if nothing had been
        gm_state_close(other.state);
        other.state = loaded;
        gm_state *here = NULL;
        must(gm_state_fork(made.state, &here, &error), &error);
        two_systems same = made;
        same.state = here;
        live(&same, 5);
        live(&other, 5);
        assert_true(gm_state_hash(other.state) == gm_state_hash(here));
        gm_state_close(here);
        close_stores(&other);
    }
    gm_memory_free(bytes);
    close_stores(&made);
}

static void hashes_see_everything_that_steers_the_future(void **state)
{
    (void)state;
    two_systems made = open_stores(abc, abc, 8);
    live(&made, 5);
    gm_error error = { 0 };
    uint64_t hash = gm_state_hash(made.state);
    for (int what = 0; what < 6; what++) {
        gm_state *fork = NULL;
        must(gm_state_fork(made.state, &fork, &error), &error);
        assert_true(gm_state_hash(fork) == hash);
        if (what == 0) {
            gm_state_set_tick(fork, 77);
        } else if (what == 1) {
            must(gm_state_set_time(fork, 1, &error), &error);
        } else if (what == 2) {
            gm_state_fail_lane(fork, 10);
        } else if (what == 3) {
            *(unsigned char *)gm_state_section_write(fork, 0) ^= 1;
        } else if (what == 4) {
            must(gm_state_fill(fork, (gm_ref){ 1, STORE_BIN, BIN_MODE, 2 }, 3.0, &error), &error);
        } else {
            void *columns[STORE_COLUMNS];
            gm_block block;
            assert_true(
                gm_block_open(fork, (gm_block_place){ 1, 1 }, GM_ACCESS_STEP, columns, &block));
            store_diary_of(&block, 2)->steps++;
        }
        assert_true(gm_state_hash(fork) != hash);
        gm_state_close(fork);
        assert_true(gm_state_hash(made.state) == hash);
    }
    close_stores(&made);
}

static void damaged_bytes_are_refused(void **state)
{
    (void)state;
    two_systems made = open_stores(abc, "{bins: [x]}", 8);
    live(&made, 9);
    unsigned char *bytes;
    size_t size;
    save_of(made.state, &bytes, &size);
    gm_error error = { 0 };
    gm_state *loaded = NULL;
    for (size_t cut = 0; cut < size; cut++) {
        // exactly `cut` bytes, so that a read past their end is seen
        unsigned char *prefix = gm_memory_new(cut > 0 ? cut : 1, 1);
        memcpy(prefix, bytes, cut);
        assert_int_equal(gm_state_load(made.layout, prefix, cut, &loaded, &error), GM_CORRUPT);
        gm_memory_free(prefix);
    }
    for (size_t at = 0; at < size; at++) {
        bytes[at] ^= (unsigned char)(1u << at % 8);
        assert_int_equal(gm_state_load(made.layout, bytes, size, &loaded, &error), GM_CORRUPT);
        bytes[at] ^= (unsigned char)(1u << at % 8);
    }
    assert_null(loaded);
    gm_memory_free(bytes);
    close_stores(&made);
}

/// Bytes whose hash is right and whose content is not: what a bug, not a disk, would leave.
static void contradictions_never_crash(void **state)
{
    (void)state;
    two_systems made = open_stores(abc, "{bins: [x]}", 8);
    live(&made, 30);
    unsigned char *bytes;
    size_t size, refused = 0;
    save_of(made.state, &bytes, &size);
    for (size_t at = 0; at < size - sizeof(uint64_t); at++) {
        for (size_t kind = 0; kind < 3; kind++) {
            unsigned char before = bytes[at];
            bytes[at] = kind == 0 ? 0 : kind == 1 ? 0xff : (unsigned char)(before ^ 0x10);
            uint64_t hash = gm_hash(bytes, size - sizeof hash, 0);
            memcpy(bytes + size - sizeof hash, &hash, sizeof hash); // little-endian machines
            gm_state *loaded = NULL;
            gm_error error = { 0 };
            gm_status status = gm_state_load(made.layout, bytes, size, &loaded, &error);
            assert_true((status == GM_OK) == (loaded != NULL));
            refused += status != GM_OK;
            gm_state_close(loaded);
            bytes[at] = before;
        }
    }
    assert_true(refused > 100);
    gm_memory_free(bytes);
    close_stores(&made);
}

static double value_of(const gm_state *state, gm_ref ref, size_t lane)
{
    double values[LANES];
    read_lanes(state, ref, values);
    return values[lane];
}

static store_diary diary_of(const gm_state *state, uint32_t system, size_t lane)
{
    void *columns[STORE_COLUMNS], *copies[STORE_COLUMNS + GM_SPAN_COLUMNS];
    gm_block block;
    size_t width = (size_t)gm_plan_of(state, system)->width;
    gm_block_place place = { system, lane / width };
    assert_true(gm_block_view(state, place, columns, copies, &block));
    store_diary found = *store_diary_of(&block, lane % width);
    gm_block_view_close(state, system, copies);
    return found;
}

/// Everything that has a name on both sides moves; what is new starts as declared.
static void moves_by_name(const char *second, int width)
{
    two_systems from = open_stores(abc, "{bins: [x, y]}", 8);
    live(&from, 25);
    gm_state_fail_lane(from.state, 6);
    two_systems to = open_stores(second, "{bins: [x, y]}", width);
    gm_error error = { 0 };
    uint64_t before = gm_state_hash(from.state);
    must(gm_state_transfer(from.state, to.state, &error), &error);
    assert_true(gm_state_hash(from.state) == before);
    assert_int_equal(gm_state_time(to.state), 25 * second_ns);
    assert_true(gm_state_lane_failed(to.state, 6));
    assert_int_equal(gm_state_lanes_left(to.state), LANES - 1);
    const gm_model *model = to.models[0];
    for (size_t bin = 0; bin < gm_model_element_count(model, STORE_BIN); bin++) {
        size_t old = gm_model_find_element(from.models[0], STORE_BIN,
                                           gm_model_element_name(model, STORE_BIN, bin));
        for (uint32_t field = BIN_SIZE; field <= BIN_DOUBLE; field++) {
            for (size_t lane = 0; lane < LANES; lane++) {
                double now = value_of(to.state, ref_of(STORE_BIN, field, bin), lane);
                double expected = old != SIZE_MAX
                                      ? value_of(from.state, ref_of(STORE_BIN, field, old), lane)
                                  : field == BIN_DOUBLE
                                      ? 2.0 * gm_model_initial_at(model, STORE_BIN, BIN_LEVEL, bin)
                                      : gm_model_initial_at(model, STORE_BIN, field, bin);
                assert_close(now, expected, 0.0);
            }
        }
    }
    gm_ref rows = { 0, STORE_JOB, GM_ROW_COUNT, GM_ROWS }, worth = { 0, STORE_JOB, 0, GM_ROWS };
    for (size_t lane = 0; lane < LANES; lane++) {
        assert_close(value_of(to.state, rows, lane), value_of(from.state, rows, lane), 0.0);
        assert_close(value_of(to.state, worth, lane), value_of(from.state, worth, lane), 0.0);
        // hidden data: as it was where nothing changed, by migrate where something did
        store_diary moved = diary_of(to.state, 0, lane), kept = diary_of(to.state, 1, lane);
        assert_int_equal(moved.steps, width == 8 ? 25 : 0);
        assert_int_equal(moved.moves, 1);
        assert_int_equal(kept.steps, 25);
        assert_int_equal(kept.moves, 0);
    }
    live(&to, 5);
    close_stores(&to);
    close_stores(&from);
}

static void a_state_moves_into_a_model_with_one_element_more(void **state)
{
    (void)state;
    moves_by_name("{bins: [a, b, new, c]}", 8);
    moves_by_name("{bins: [a, b, new, c]}", 1);
}

static void a_state_moves_into_a_model_with_one_element_less(void **state)
{
    (void)state;
    moves_by_name("{bins: [c, a]}", 8);
    moves_by_name("{bins: [c, a]}", 1);
}

// ---- the same domain, a version later: fields in another order, of other types and bounds ----

enum { NEW_AGE = 0, NEW_LEVEL, NEW_COUNT, NEW_SIZE, NEW_MODE, NEW_ROWS = 6 };

static const gm_field new_bin_fields[] = {
    [NEW_AGE] = { "age", "s", GM_STATE, GM_F64, 42.0, 0.0, 1e9, "not there before" },
    [NEW_LEVEL] = { "level", "m3", GM_STATE, GM_F32, 0.0, 0.0, 0.5, "narrower" },
    [NEW_COUNT] = { "count", "1", GM_STATE, GM_F64, 0.0, -1e9, 1e9, "wider" },
    [NEW_SIZE] = { "size", "m3", GM_OUTPUT, GM_F64, 0.0, 0.0, 1e9, "no longer stored" },
    [NEW_MODE] = { "mode", "1", GM_PARAMETER, GM_I32, 0.0, 0.0, 9.0, "another role" },
};
static const gm_field new_job_fields[] = {
    [0] = { "kind", "1", GM_STATE, GM_F64, 0.0, 0.0, 3.0, "at most three kinds now" },
    [1] = { "worth", "EUR", GM_STATE, GM_F32, 0.0, -1e6, 1e6, "what it brings" },
};
static const gm_class new_job = {
    .name = "job", .doc = "a job", .fields = new_job_fields, .field_count = 2, .capacity = NEW_ROWS
};
static const gm_class new_bin = {
    .name = "bin", .doc = "a bin", .fields = new_bin_fields, .field_count = 5
};

static gm_status build_newer(gm_model *model, const gm_config *config, gm_error *error)
{
    (void)config;
    gm_status status = gm_model_class(model, 0, &new_job, error); // classes trade places too
    if (status == GM_OK) {
        status = gm_model_class(model, 1, &new_bin, error);
    }
    return status == GM_OK ? gm_model_element(model, 1, "b", NULL, error) : status;
}

static void a_state_moves_into_a_newer_version(void **state)
{
    (void)state;
    two_systems from = open_stores(abc, abc, 8);
    live(&from, 17);
    gm_domain newer = store_domain;
    newer.schema = 2;
    newer.build = build_newer;
    newer.observe = NULL;
    newer.changed = NULL;
    newer.migrate = NULL;
    gm_model *model = NULL;
    gm_layout *layout = NULL;
    gm_state *moved = NULL;
    gm_error error = { 0 };
    must(gm_model_build(&newer, "one", NULL, &model, &error), &error);
    const gm_model *systems[] = { model };
    must(gm_layout_create(systems, 1, LANES, NULL, &layout, &error), &error);
    must(gm_state_create(layout, 0, &moved, &error), &error);
    must(gm_state_transfer(from.state, moved, &error), &error); // `two` has no counterpart
    for (size_t lane = 0; lane < LANES; lane++) {
        double level = value_of(from.state, ref_of(STORE_BIN, BIN_LEVEL, 1), lane);
        assert_close(value_of(moved, ref_of(1, NEW_AGE, 0), lane), 42.0, 0.0);
        assert_close(value_of(moved, ref_of(1, NEW_LEVEL, 0), lane), fmin(level, 0.5), 1e-6);
        assert_close(value_of(moved, ref_of(1, NEW_COUNT, 0), lane),
                     value_of(from.state, ref_of(STORE_BIN, BIN_COUNT, 1), lane), 0.0);
        assert_close(value_of(moved, ref_of(1, NEW_MODE, 0), lane), 1.0, 0.0);
        gm_ref rows = { 0, 0, GM_ROW_COUNT, GM_ROWS }, kind = { 0, 0, 0, GM_ROWS };
        assert_close(value_of(moved, rows, lane), NEW_ROWS, 0.0); // 17 do not fit
        assert_close(value_of(moved, kind, lane), (0 + 1 + 2 + 3 + 3 + 3) / 6.0, 1e-12);
    }
    gm_state_close(moved);
    gm_layout_close(layout);
    gm_model_close(model);
    close_stores(&from);
}

static void a_transfer_that_fails_leaves_its_target_alone(void **state)
{
    (void)state;
    two_systems from = open_stores(abc, abc, 8), to = open_stores(abc, "{bins: [x]}", 8);
    live(&to, 5);
    uint64_t hash = gm_state_hash(to.state);
    // a layout of another number of lanes
    const gm_model *systems[] = { from.models[0], from.models[1] };
    gm_layout *small = NULL;
    gm_state *few = NULL;
    gm_error error = { 0 };
    must(gm_layout_create(systems, 2, 3, NULL, &small, &error), &error);
    must(gm_state_create(small, 0, &few, &error), &error);
    assert_int_equal(gm_state_transfer(few, to.state, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "lanes"));
    assert_true(gm_state_hash(to.state) == hash);
    gm_state_close(few);
    gm_layout_close(small);
    close_stores(&from);
    close_stores(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saved_states_come_back_with_the_same_bits),
        cmocka_unit_test(hashes_see_everything_that_steers_the_future),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(contradictions_never_crash),
        cmocka_unit_test(a_state_moves_into_a_model_with_one_element_more),
        cmocka_unit_test(a_state_moves_into_a_model_with_one_element_less),
        cmocka_unit_test(a_state_moves_into_a_newer_version),
        cmocka_unit_test(a_transfer_that_fails_leaves_its_target_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
