// Building models: complete tables only, names, roles, geometry, integrators, held unknowns.
#include "model/model_fixture.h"

#include "model/names.h"
#include "model/store_domain.h"

// ---- a rate domain whose declarations a test may spoil ----

enum { FIRST = 0, SECOND };
enum { SPEED = 0, WHERE };

static const gm_field first_fields[] = {
    [SPEED] = { "speed", "m/s", GM_PARAMETER, GM_F64, 1.0, -10.0, 10.0, "speed" },
    [WHERE] = { "where", "m", GM_STATE, GM_F64, 0.0, -1e6, 1e6, "place" },
};
static const gm_class first = {
    .name = "first", .doc = "moves at its speed", .fields = first_fields, .field_count = 2
};
static const gm_class second = {
    .name = "second", .doc = "moves at its speed", .fields = first_fields, .field_count = 2
};

typedef gm_status (*declare)(gm_model *model, gm_error *error);
static declare spoil; // what the build of this test does beyond

static gm_status build_movers(gm_model *model, const gm_config *config, gm_error *error)
{
    (void)config;
    gm_status status = gm_model_class(model, FIRST, &first, error);
    if (status == GM_OK) {
        status = gm_model_class(model, SECOND, &second, error);
    }
    static const char *const names[] = { "a", "b", "c" };
    for (size_t index = 0; status == GM_OK && index < 3; index++) {
        status = gm_model_element(model, FIRST, names[index], NULL, error);
        if (status == GM_OK && index > 0) {
            status = gm_model_element(model, SECOND, names[index], NULL, error);
        }
    }
    return status == GM_OK && spoil != NULL ? spoil(model, error) : status;
}

static void mover_rate(const gm_model *model, const gm_block *at, double *restrict rate)
{
    for (size_t number = FIRST; number <= SECOND; number++) {
        const double *speed = gm_column(at, number, SPEED), *where = gm_column(at, number, WHERE);
        double *change = gm_rate_column(at, rate, number, WHERE);
        size_t count = gm_model_element_count(model, number) * (size_t)at->width;
        for (size_t index = 0; index < count; index++) {
            change[index] = speed[index] - 0.5 * where[index];
        }
    }
}

static void mover_slopes(const gm_model *model, const gm_block *at, double *restrict values)
{
    for (size_t index = 0; index < gm_model_unknowns(model) * (size_t)at->width; index++) {
        values[index] = -0.5;
    }
}

static const gm_domain movers = { .name = "movers",
                                  .summary = "move",
                                  .source = "Newton",
                                  .schema = 1,
                                  .build = build_movers,
                                  .rate = mover_rate,
                                  .jacobian = mover_slopes };

// ---- the registry ----

static gm_status no_advance(const gm_model *model, gm_block *block, int64_t until_ns, gm_step *step)
{
    (void)model;
    (void)block;
    (void)until_ns;
    (void)step;
    return GM_OK;
}

static void incomplete_tables_are_refused(void **state)
{
    (void)state;
    static const char *const says[] = { "name",  "summary", "source", "schema",
                                        "build", "either",  "either", "jacobian" };
    for (size_t index = 0; index < sizeof says / sizeof *says; index++) {
        gm_domain table = movers;
        table.name = index == 0 ? "" : table.name;
        table.summary = index == 1 ? NULL : table.summary;
        table.source = index == 2 ? "" : table.source;
        table.schema = index == 3 ? 0 : 1;
        table.build = index == 4 ? NULL : table.build;
        table.advance = index == 5 || index == 7 ? no_advance : NULL;
        table.rate = index >= 6 ? NULL : table.rate;
        gm_error error = { 0 };
        assert_int_equal(gm_domain_check(&table, &error), GM_INVALID);
        assert_non_null(strstr(error.text, says[index]));
        gm_model *model = NULL;
        assert_int_equal(gm_model_build(&table, "s", NULL, &model, &error), GM_INVALID);
        assert_null(model);
    }
    gm_error error = { 0 };
    assert_int_equal(gm_domain_check(&movers, &error), GM_OK);
    const gm_domain *const list[] = { &movers, &store_domain };
    const gm_domain *found = NULL;
    assert_int_equal(gm_domain_find(list, 2, "store", &found, &error), GM_OK);
    assert_ptr_equal(found, &store_domain);
    assert_int_equal(gm_domain_find(list, 2, "movrs", &found, &error), GM_NOT_FOUND);
    assert_non_null(strstr(error.text, "did you mean 'movers'?"));
    assert_int_equal(gm_domain_find(list, 2, "zzz", &found, &error), GM_NOT_FOUND);
    assert_string_equal(gm_role_name(GM_OUTPUT), "output");
    assert_string_equal(gm_type_name(GM_U8), "u8");
}

static gm_status element_twice(gm_model *model, gm_error *error)
{
    return gm_model_element(model, FIRST, "a", NULL, error);
}

static gm_status element_with_a_slash(gm_model *model, gm_error *error)
{
    return gm_model_element(model, FIRST, "a/b", NULL, error);
}

static gm_status element_without_a_name(gm_model *model, gm_error *error)
{
    return gm_model_element(model, FIRST, "", NULL, error);
}

static gm_status element_of_a_long_name(gm_model *model, gm_error *error)
{
    char name[GM_NAME_MAX + 1];
    memset(name, 'x', GM_NAME_MAX);
    name[GM_NAME_MAX] = '\0';
    return gm_model_element(model, FIRST, name, NULL, error);
}

static gm_status class_twice(gm_model *model, gm_error *error)
{
    return gm_model_class(model, 2, &first, error);
}

static gm_status start_out_of_bounds(gm_model *model, gm_error *error)
{
    return gm_model_initial(model, FIRST, SPEED, 1, 11.0, error);
}

static gm_status start_not_a_number(gm_model *model, gm_error *error)
{
    return gm_model_initial(model, FIRST, SPEED, 1, NAN, error);
}

static gm_status point_nowhere(gm_model *model, gm_error *error)
{
    const double point[1][3] = { { 0.0, INFINITY, 0.0 } };
    return gm_model_geometry(model, FIRST, 1, point, 1, error);
}

static const gm_field odd_fields[] = {
    { NULL, "m", GM_PARAMETER, GM_F64, 0.0, 0.0, 1.0, "no name" },
    { "x", NULL, GM_PARAMETER, GM_F64, 0.0, 0.0, 1.0, "no unit" },
    { "x", "m", GM_ROLE_NONE, GM_F64, 0.0, 0.0, 1.0, "no role" },
    { "x", "m", GM_PARAMETER, GM_F64, 0.0, 0.0, 1.0, NULL },
    { "x", "m", GM_PARAMETER, GM_F64, 2.0, 0.0, 1.0, "starts outside" },
    { "x", "m", GM_PARAMETER, GM_F64, NAN, 0.0, 1.0, "starts nowhere" },
    { "x", "m", GM_PARAMETER, GM_F64, 0.0, 1.0, 1.0, "no room" },
    { "x", "m", GM_STATE, GM_F32, 0.0, 0.0, 1.0, "integrated in f32" },
};
static size_t odd;
static gm_class odd_class;

static gm_status an_odd_field(gm_model *model, gm_error *error)
{
    odd_class =
        (gm_class){ .name = "odd", .doc = "odd", .fields = &odd_fields[odd], .field_count = 1 };
    return gm_model_class(model, 2, &odd_class, error);
}

static const gm_field row_output = { "x", "m", GM_OUTPUT, GM_F64, 0.0, 0.0, 1.0, "of a row" };
static const gm_field row_state = { "x", "m", GM_STATE, GM_F64, 0.0, 0.0, 1.0, "of a row" };

static gm_status rows_with_an_output(gm_model *model, gm_error *error)
{
    odd_class = (gm_class){
        .name = "odd", .doc = "odd", .fields = &row_output, .field_count = 1, .capacity = 3
    };
    return gm_model_class(model, 2, &odd_class, error);
}

static gm_status integrated_rows(gm_model *model, gm_error *error)
{
    odd_class = (gm_class){
        .name = "odd", .doc = "odd", .fields = &row_state, .field_count = 1, .capacity = 3
    };
    return gm_model_class(model, 2, &odd_class, error);
}

static void what_is_declared_wrong_is_refused(void **state)
{
    (void)state;
    static const struct {
        declare what;
        gm_status status;
        const char *says;
    } cases[] = {
        { element_twice, GM_EXISTS, "'a' already" },
        { element_with_a_slash, GM_INVALID, "'a/b'" },
        { element_without_a_name, GM_INVALID, "''" },
        { element_of_a_long_name, GM_INVALID, "255 bytes" },
        { class_twice, GM_EXISTS, "'first' twice" },
        { start_out_of_bounds, GM_INVALID, "11 m/s is outside -10 to 10" },
        { start_not_a_number, GM_INVALID, "outside" },
        { point_nowhere, GM_INVALID, "coordinate" },
        { rows_with_an_output, GM_INVALID, "cannot be an output" },
        { integrated_rows, GM_INVALID, "no population" },
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        spoil = cases[index].what;
        gm_model *model = NULL;
        gm_error error = { 0 };
        assert_int_equal(gm_model_build(&movers, "system", NULL, &model, &error),
                         cases[index].status);
        assert_null(model);
        if (strstr(error.text, cases[index].says) == NULL) {
            fail_msg("'%s' does not say '%s'", error.text, cases[index].says);
        }
    }
    for (odd = 0; odd < sizeof odd_fields / sizeof *odd_fields; odd++) {
        spoil = an_odd_field;
        gm_model *model = NULL;
        gm_error error = { 0 };
        assert_int_equal(gm_model_build(&movers, "system", NULL, &model, &error), GM_INVALID);
        assert_non_null(strstr(error.text, "odd"));
    }
    spoil = NULL;
}

static gm_status number_unknowns_early(gm_model *model, gm_error *error)
{
    (void)error;
    assert_int_equal(gm_unknown(model, FIRST, WHERE, 2), 2);
    assert_int_equal(gm_unknown(model, SECOND, WHERE, 1), 4);
    gm_entry entries[5];
    for (uint32_t index = 0; index < 5; index++) {
        entries[index] = (gm_entry){ index, index };
    }
    gm_status status = gm_model_role(model, SECOND, WHERE, 0, GM_INPUT, error);
    return status == GM_OK ? gm_model_jacobian(model, entries, 5, error) : status;
}

static void a_model_tells_what_was_declared(void **state)
{
    (void)state;
    spoil = number_unknowns_early;
    trial made = open_trial(&movers, (trial_options){ .lanes = 1 });
    spoil = NULL;
    assert_string_equal(gm_model_name(made.model), "system");
    assert_ptr_equal(gm_model_domain(made.model), &movers);
    assert_int_equal(gm_model_class_count(made.model), 2);
    assert_int_equal(gm_model_find_class(made.model, "second"), SECOND);
    assert_true(gm_model_find_class(made.model, "third") == SIZE_MAX);
    assert_int_equal(gm_model_find_element(made.model, SECOND, "c"), 1);
    assert_true(gm_model_find_element(made.model, SECOND, "a") == SIZE_MAX);
    assert_int_equal(gm_model_find_field(made.model, FIRST, "where"), WHERE);
    assert_string_equal(gm_model_element_name(made.model, FIRST, 1), "b");
    assert_int_equal(gm_model_unknowns(made.model), 5);
    assert_int_equal(gm_unknown(made.model, SECOND, WHERE, 1), 4);
    assert_int_equal(gm_model_column_count(made.model), 4);
    assert_int_equal(gm_model_column(made.model, SECOND, WHERE), 3);
    assert_int_equal(gm_model_role_at(made.model, SECOND, WHERE, 0), GM_INPUT);
    assert_int_equal(gm_model_role_at(made.model, SECOND, WHERE, 1), GM_STATE);
    close_trial(&made);
    trial store =
        open_trial(&store_domain, (trial_options){ .config = "{bins: [a, b]}", .lanes = 1 });
    size_t count = 0;
    const double(*points)[3] = gm_model_points(store.model, STORE_BIN, 1, &count);
    assert_int_equal(count, 1);
    assert_close(points[0][0], 1.0, 0.0);
    assert_int_equal(gm_model_element_count(store.model, STORE_JOB), STORE_JOBS_MAX);
    assert_string_equal(gm_model_element_name(store.model, STORE_JOB, 3), "");
    assert_int_equal(gm_model_hidden_size(store.model), GM_ALIGNMENT);
    assert_false(gm_model_is_large(store.model) || gm_model_is_single(store.model));
    close_trial(&store);
}

static void a_held_unknown_stays_where_it_is(void **state)
{
    (void)state;
    static const char *const methods[] = { "{integrator: {method: dopri5}}",
                                           "{integrator: {method: rodas3}}",
                                           "{integrator: {method: rk4, step: 0.1}}" };
    for (size_t method = 0; method < 3; method++) {
        gm_arena *arena = gm_arena_create(0);
        gm_model *model = NULL;
        gm_layout *layout = NULL;
        gm_state *lanes = NULL;
        gm_error error = { 0 };
        const gm_config *config = config_of(arena, NULL, methods[method]);
        spoil = number_unknowns_early;
        // scalars with units need a database; these have none
        gm_status status = gm_model_build(&movers, "s", config, &model, &error);
        spoil = NULL;
        must(status, &error);
        const gm_model *systems[] = { model };
        must(gm_layout_create(systems, 1, 9, NULL, &layout, &error), &error);
        must(gm_state_create(layout, 0, &lanes, &error), &error);
        fill_lanes(lanes, ref_of(SECOND, WHERE, 0), 7.0);
        advance_state(lanes, 20 * second_ns, NULL);
        double values[9];
        read_lanes(lanes, ref_of(SECOND, WHERE, 0), values);
        assert_close(values[8], 7.0, 0.0);
        read_lanes(lanes, ref_of(SECOND, WHERE, 1), values);
        assert_close(values[8], 2.0 * (1.0 - exp(-10.0)), 1e-4);
        gm_state_close(lanes);
        gm_layout_close(layout);
        gm_model_close(model);
        gm_arena_close(arena);
    }
}

static void integrators_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "{integrator: {method: euler}}", "euler" },
        { "{integrator: {method: rk4}}", "rk4 needs `step`" },
        { "{integrator: {method: rk4, step: 0}}", "step" },
        { "{integrator: {relative: 2}}", "relative" },
        { "{integrator: {limit: 0}}", "limit" },
        { "{integrator: {tolerance: 1}}", "tolerance" },
        { "{integrator: dopri5}", "a map" },
        { "{integrator: {method: rodas3}}", "has no Jacobian" },
    };
    gm_arena *arena = gm_arena_create(0);
    gm_domain plain = movers;
    plain.jacobian = NULL;
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        gm_model *model = NULL;
        gm_error error = { 0 };
        const gm_config *config = config_of(arena, NULL, cases[index].text);
        assert_int_not_equal(gm_model_build(&plain, "s", config, &model, &error), GM_OK);
        if (strstr(error.text, cases[index].says) == NULL) {
            fail_msg("'%s' does not say '%s'", error.text, cases[index].says);
        }
    }
    gm_model *model = NULL;
    gm_error error = { 0 };
    const gm_config *config = config_of(arena, NULL, "{bins: [a], integrator: {method: rk4}}");
    assert_int_equal(gm_model_build(&store_domain, "s", config, &model, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "steps itself"));
    gm_arena_close(arena);
}

static gm_status choose_and_narrow(gm_model *model, gm_error *error)
{
    (void)error;
    const gm_integrator integrator = { .method = 1, .step_s = 0.5, .step_limit = 100 };
    gm_model_integrator(model, &integrator);
    gm_model_single(model);
    return GM_OK;
}

static gm_status build_nothing(gm_model *model, const gm_config *config, gm_error *error)
{
    (void)model;
    (void)config;
    (void)error;
    return GM_OK;
}

static void a_domain_chooses_its_integrator_and_width(void **state)
{
    (void)state;
    spoil = choose_and_narrow;
    trial made = open_trial(&movers, (trial_options){ .lanes = 9, .width = 8 });
    spoil = NULL;
    trial wide = open_trial(&movers, (trial_options){ .lanes = 9, .width = 8 });
    assert_true(gm_model_is_single(made.model));
    assert_int_equal(gm_state_lanes(made.state), 9);
    advance_state(made.state, 40 * second_ns, NULL);
    advance_state(wide.state, 40 * second_ns, NULL);
    double single[9], exact = 2.0;
    read_lanes(made.state, ref_of(FIRST, WHERE, 0), single);
    assert_close(single[8], exact, 1e-6);
    gm_error error = { 0 };
    assert_int_equal(gm_state_advance(made.state, 0, 100 * second_ns, NULL, &error), GM_NUMERIC);
    close_trial(&made);
    close_trial(&wide);
    gm_domain empty = movers;
    empty.build = build_nothing;
    gm_model *model = NULL;
    assert_int_equal(gm_model_build(&empty, "s", NULL, &model, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "no class"));
}

static void layouts_have_limits(void **state)
{
    (void)state;
    trial made = open_trial(&movers, (trial_options){ .lanes = 1 });
    const gm_model *systems[] = { made.model };
    gm_layout *layout = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_layout_create(systems, 1, 0, NULL, &layout, &error), GM_LIMIT);
    assert_int_equal(gm_layout_create(systems, 1, GM_LANES_MAX + 1, NULL, &layout, &error),
                     GM_LIMIT);
    gm_layout_options options = { .width = 4 };
    assert_int_equal(gm_layout_create(systems, 1, 8, &options, &layout, &error), GM_INVALID);
    options = (gm_layout_options){ .section_count = GM_SECTIONS_MAX + 1 };
    assert_int_equal(gm_layout_create(systems, 1, 8, &options, &layout, &error), GM_LIMIT);
    assert_null(layout);
    gm_layout_close(NULL);
    close_trial(&made);
}

static void a_hundred_thousand_names_are_found(void **state)
{
    (void)state;
    gm_names names = { 0 };
    char name[32];
    assert_true(gm_names_find(&names, "n0") == SIZE_MAX);
    for (size_t index = 0; index < 100000; index++) {
        snprintf(name, sizeof name, "n%zu", index);
        assert_int_equal(gm_names_add(&names, name), GM_OK);
    }
    for (size_t index = 0; index < 100000; index += 7) {
        snprintf(name, sizeof name, "n%zu", index);
        assert_int_equal(gm_names_find(&names, name), index);
        assert_string_equal(gm_names_at(&names, index), name);
        assert_int_equal(gm_names_add(&names, name), GM_EXISTS);
    }
    assert_true(gm_names_find(&names, "n100000") == SIZE_MAX);
    assert_int_equal(names.count, 100000);
    gm_names_free(&names);
    gm_names_free(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(incomplete_tables_are_refused),
        cmocka_unit_test(what_is_declared_wrong_is_refused),
        cmocka_unit_test(a_model_tells_what_was_declared),
        cmocka_unit_test(a_held_unknown_stays_where_it_is),
        cmocka_unit_test(integrators_are_read_strictly),
        cmocka_unit_test(a_domain_chooses_its_integrator_and_width),
        cmocka_unit_test(layouts_have_limits),
        cmocka_unit_test(a_hundred_thousand_names_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
