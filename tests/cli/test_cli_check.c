// `gemel check --observability` of the real program: what it prints, its JSON and its exit codes.
#include "cli/program_run.h"

#include <jansson.h>

// A warm box with a joint that nobody measures: its two conductances act only together.
#define JOINED                                                                                     \
    "world: joined\n"                                                                              \
    "cycle: 10 s\n"                                                                                \
    "systems:\n"                                                                                   \
    "  box:\n"                                                                                     \
    "    model: thermal\n"                                                                         \
    "    nodes: { body: {capacity: 1000 J/K, temperature: 50 degC},\n"                             \
    "             joint: {capacity: 1 J/K, temperature: 35 degC},\n"                               \
    "             room: {fixed: true, temperature: 20 degC} }\n"                                   \
    "    paths: { body-joint: {conductance: 2 W/K}, joint-room: {conductance: 2 W/K} }\n"          \
    "estimate:\n"                                                                                  \
    "  states: { box/body/temperature: {spread: 1 K} }\n"                                          \
    "  parameters: { box/*/conductance: {spread: 10 %} }\n"                                        \
    "sensors:\n"                                                                                   \
    "  t: { field: box/body/temperature, unit: degC, noise: 0.05 K, every: 10 s }\n"

static const char joined_world[] = JOINED;
static const char measured_world[] =
    JOINED "  j: { field: box/joint/temperature, unit: degC, noise: 0.05 K, every: 10 s }\n";

static void what_cannot_be_told_apart_ends_with_one(void **state)
{
    (void)state;
    const char *line = "check joined.yaml --observability --horizon 10min";
    expect(line, 1, "run.out", "what 1 sensor tells of 3 estimated values in 10 min");
    expect(line, 1, "run.out",
           "box/path/body-joint/conductance is seen only together with "
           "box/path/joint-room/conductance");
    expect(line, 1, "run.out", "box/node/joint/temperature (noise 0.05 K, every 10 s)");
    expect(line, 1, "run.out", "2 of 3 values cannot be determined");
    expect("check joined.yaml", 0, "run.out", "is sound"); // the question was not asked
}

static void what_can_be_determined_ends_with_zero(void **state)
{
    (void)state;
    const char *line = "check measured.yaml --observability --horizon 10min --threads 2";
    expect(line, 0, "run.out", "what 2 sensors tell of 3 estimated values");
    expect(line, 0, "run.out", "no place is left for a further sensor");
    expect("check measured.yaml --observability --candidates 'box/*/flow=10 mW' --horizon 10min", 0,
           "run.out", "box/path/body-joint/flow (noise 0.01 W, every 10 s)");
}

static void json_says_the_same(void **state)
{
    (void)state;
    assert_int_equal(run_program("check joined.yaml --observability --json --seed 3 --lanes 16"),
                     1);
    char *text = read_file("run.out");
    json_error_t why;
    json_t *root = json_loads(text, 0, &why);
    assert_non_null(root);
    assert_true(json_is_false(json_object_get(root, "determined")));
    json_t *values = json_object_get(root, "values"), *value = json_array_get(values, 1);
    assert_int_equal(json_array_size(values), 3);
    assert_string_equal(json_string_value(json_object_get(value, "address")),
                        "box/path/body-joint/conductance");
    assert_string_equal(json_string_value(json_object_get(value, "verdict")), "tangled");
    assert_string_equal(json_string_value(json_object_get(value, "unit")), "fraction");
    json_t *with = json_array_get(json_object_get(value, "with"), 0);
    assert_string_equal(json_string_value(json_object_get(with, "address")),
                        "box/path/joint-room/conductance");
    assert_true(json_number_value(json_object_get(with, "correlation")) < -0.9);
    json_t *best = json_array_get(json_object_get(root, "best_together"), 0);
    assert_true(json_number_value(json_object_get(best, "gain")) > 0.3);
    json_decref(root);
    free(text);
}

static void wrong_questions_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } bad[] = {
        { "check joined.yaml --horizon 1h", "--horizon belongs to --observability" },
        { "check joined.yaml --lanes 5", "--lanes belongs to --observability" },
        { "check joined.yaml --observability --lanes 5", "5 lanes: 8 to" },
        { "check joined.yaml --observability --horizon 1s", "a horizon must last a cycle" },
        { "check joined.yaml --observability --horizon soon", "a duration above zero" },
        { "check joined.yaml --observability --candidates box/roof/temperature", "roof" },
        { "check joined.yaml --observability --candidates box/body-joint/conductance",
          "is a parameter" },
        { "check joined.yaml --observability --candidates box/body-joint/flow", "say its noise" },
        { "check joined.yaml --observability --candidates 'box/body-joint/flow=1 kg'", "kg" },
    };
    for (size_t index = 0; index < sizeof bad / sizeof *bad; index++) {
        expect(bad[index].line, 2, "run.err", bad[index].says);
    }
    write_file("empty.yaml", "world: empty\nsystems: { box: { model: thermal, nodes: { body: "
                             "{capacity: 1000 J/K} } } }\n");
    expect("check empty.yaml --observability", 2, "run.err", "the world estimates nothing");
}

static int set_up(void **state)
{
    if (make_folder(state) != 0) {
        return -1;
    }
    write_file("joined.yaml", joined_world);
    write_file("measured.yaml", measured_world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_told_apart_ends_with_one),
        cmocka_unit_test(what_can_be_determined_ends_with_zero),
        cmocka_unit_test(json_says_the_same),
        cmocka_unit_test(wrong_questions_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, remove_folder);
}
