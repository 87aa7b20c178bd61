// Recordings through the real program (GEMEL_PROGRAM): played by devices, replayed to twins, asked
// afterwards.
#include "cli/program_run.h"

#include <jansson.h>
#include <math.h>

#include "base/text.h"

static json_t *replay(const char *line)
{
    int code = run_program(line);
    char *text = read_file("run.out"), *err = read_file("run.err");
    json_t *root = json_loads(text, 0, NULL);
    if (code != 0 || root == NULL) {
        fail_msg("gemel %s: exit %d, '%.300s', errors: %.500s", line, code, text, err);
    }
    free(text);
    free(err);
    return root;
}

static long long count_of(json_t *root, const char *key)
{
    json_t *value = json_object_get(root, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void same_hash(json_t *one, json_t *other)
{
    const char *a = json_string_value(json_object_get(one, "hash"));
    const char *b = json_string_value(json_object_get(other, "hash"));
    assert_int_equal(strlen(a), 16);
    assert_string_equal(a, b);
}

static void the_summary_says_all_that_is_promised(void **state)
{
    (void)state;
    json_t *root = replay("run w.yaml --replay box.csv --speed max --json");
    char *csv = read_file("box.csv");
    long long rows = -1; // the header
    for (const char *at = csv; *at != '\0'; at++) {
        rows += *at == '\n';
    }
    free(csv);
    assert_int_equal(count_of(root, "samples"), rows);
    assert_int_equal(count_of(root, "accepted"), rows);
    assert_int_equal(count_of(root, "duplicates"), 0);
    assert_int_equal(count_of(root, "rejected"), 0);
    assert_int_equal(count_of(root, "late"), 0);
    assert_true(count_of(root, "cycles") >= 300);
    assert_true(json_is_array(json_object_get(root, "events")));
    assert_true(json_is_number(json_object_get(root, "elapsed_s")));
    assert_true(json_number_value(json_object_get(root, "realtime_factor")) > 1.0);
    json_t *forecast = json_object_get(root, "forecast");
    assert_int_equal(json_array_size(forecast), 2);
    json_t *first = json_array_get(forecast, 0);
    assert_string_equal(json_string_value(json_object_get(first, "field")),
                        "box/node/air/temperature");
    assert_true(json_number_value(json_object_get(first, "horizon_s")) == 1.0);
    assert_true(json_number_value(json_object_get(first, "rmse")) > 0.0);
    assert_true(json_number_value(json_object_get(first, "persistence_rmse")) > 0.0);
    assert_true(json_number_value(json_object_get(first, "crps")) > 0.0);
    double coverage = json_number_value(json_object_get(first, "coverage90"));
    double inner = json_number_value(json_object_get(first, "coverage50"));
    assert_true(inner > 0.0 && inner <= coverage && coverage <= 1.0);
    double width = json_number_value(json_object_get(first, "width50"));
    assert_true(width > 0.0 && width < json_number_value(json_object_get(first, "width90")));
    assert_true(json_number_value(json_object_get(first, "raw_crps")) > 0.0);
    assert_true(json_is_number(json_object_get(first, "bias")));
    assert_true(count_of(first, "count") > 30);
    json_decref(root);
    expect("run w.yaml --replay box.csv", 0, "run.out", "times real time");
    expect("run w.yaml --replay box.csv", 0, "run.out", "in 50 %  in 90 %  width 50  width 90");
}

static void workers_do_not_change_a_bit(void **state)
{
    (void)state;
    json_t *one = replay("run w.yaml --replay box.csv --json");
    json_t *three = replay("run w.yaml --replay box.csv --json --threads 3 --data deep/down/three");
    same_hash(one, three);
    json_decref(one);
    json_decref(three);
}

/// Every tenth row comes five rows later, every twentieth comes twice. @return how many do
static long long mix(const char *csv, gm_string *mixed)
{
    long long doubled = 0;
    size_t row = 0, header = strcspn(csv, "\n") + 1;
    gm_text held = { 0 };
    gm_string_add(mixed, csv, header);
    for (const char *at = csv + header; *at != '\0'; row++) {
        gm_text line = { at, strcspn(at, "\n") + 1 };
        at += line.size;
        if (row % 10 == 3) {
            held = line;
            continue;
        }
        gm_string_add(mixed, line.data, line.size);
        if (row % 20 == 5) {
            gm_string_add(mixed, line.data, line.size);
            doubled++;
        }
        if (row % 10 == 8) {
            gm_string_add(mixed, held.data, held.size);
            held = (gm_text){ 0 };
        }
    }
    gm_string_add(mixed, held.size > 0 ? held.data : "", held.size);
    return doubled;
}

static void late_and_doubled_rows_end_in_the_same_bits(void **state)
{
    (void)state;
    char *csv = read_file("box.csv");
    gm_string mixed = { 0 };
    long long doubled = mix(csv, &mixed);
    write_file("mixed.csv", mixed.data);
    json_t *one = replay("run w.yaml --replay box.csv --json");
    json_t *other = replay("run w.yaml --replay mixed.csv --json");
    same_hash(one, other);
    assert_int_equal(count_of(other, "duplicates"), doubled);
    assert_int_equal(count_of(other, "accepted"), count_of(one, "accepted"));
    json_decref(one);
    json_decref(other);
    gm_string_free(&mixed);
    free(csv);
}

static void a_second_replay_into_a_folder_adds_nothing(void **state)
{
    (void)state;
    json_t *one = replay("run w.yaml --replay box.csv --json --data kept");
    json_t *again = replay("run w.yaml --replay box.csv --json --data kept");
    same_hash(one, again);
    assert_int_equal(count_of(again, "accepted"), 0);
    assert_int_equal(count_of(again, "duplicates"), count_of(one, "samples"));
    json_decref(one);
    json_decref(again);
}

static void a_replay_killed_again_and_again_ends_in_the_same_bits(void **state)
{
    (void)state;
    enum { KILLS = 12 };
    for (int kills = 0; kills < KILLS; kills++) {
        pid_t child = start_program("cut", "run w.yaml --replay box.csv --data cut --speed 200");
        pause_ms(20 + 23 * kills);
        kill(child, SIGKILL);
        int code = wait_for_program(child);
        assert_true(code == 256 + SIGKILL || code == 0);
    }
    json_t *whole = replay("run w.yaml --replay box.csv --json");
    json_t *cut = replay("run w.yaml --replay box.csv --json --data cut");
    same_hash(whole, cut);
    assert_true(count_of(cut, "duplicates") > 0);
    json_decref(whole);
    json_decref(cut);
}

static void forecasts_of_the_start_can_be_left_out(void **state)
{
    (void)state;
    json_t *all = replay("run w.yaml --replay box.csv --json");
    json_t *late = replay("run w.yaml --replay box.csv --json --score-after 30s");
    json_t *first = json_array_get(json_object_get(all, "forecast"), 0);
    json_t *fewer = json_array_get(json_object_get(late, "forecast"), 0);
    long long left_out = count_of(first, "count") - count_of(fewer, "count");
    assert_true(left_out >= 28 && left_out <= 32); // one a second
    same_hash(all, late);
    json_decref(all);
    json_decref(late);
}

static void a_paced_replay_takes_its_time(void **state)
{
    (void)state;
    json_t *root = replay("run w.yaml --replay box.csv --json --speed 120 --listen 127.0.0.1:0");
    double elapsed_s = json_number_value(json_object_get(root, "elapsed_s"));
    assert_true(elapsed_s > 0.49); // 60 s at 120 times real time
    json_t *fast = replay("run w.yaml --replay box.csv --json");
    same_hash(root, fast);
    json_decref(root);
    json_decref(fast);
}

static void broken_recordings_end_with_two(void **state)
{
    (void)state;
    static const struct {
        const char *csv, *says;
    } broken[] = {
        { "", "bad.csv:1:1: " },
        { "time,series,value\n2026-01-31,t4,1\n", "bad.csv:2:12: there is no sensor 't4'" },
        { "time,series,value\nsoon,t2,1\n", "bad.csv:2:1: 'soon'" },
        { "time,series,value\n2026-01-31,t2,hot\n", "bad.csv:2:15: 'hot'" },
        { "time,series,value\n2026-01-31,t2\n", "bad.csv:2" },
        { "\x01\x02\xff\xfe", "bad.csv:" },
        { "one line without an end", "bad.csv:1:1: " },
    };
    for (size_t index = 0; index < sizeof broken / sizeof *broken; index++) {
        write_file("bad.csv", broken[index].csv);
        expect("run w.yaml --replay bad.csv --json", 2, "run.err", broken[index].says);
    }
    expect("run w.yaml --replay . --json", 2, "run.err", "'.' is not a file");
}

static void what_was_replayed_can_be_asked_and_read(void **state)
{
    (void)state;
    json_decref(replay("run w.yaml --replay box.csv --json --data asked"));
    expect("ask w.yaml lid-open --data asked", 0, "run.out", "difference");
    json_t *answer = replay("ask w.yaml lid-open --data asked --json --points 6");
    assert_true(json_number_value(json_object_get(answer, "horizon_s")) == 60.0);
    json_t *field = json_array_get(json_object_get(answer, "fields"), 0);
    json_t *difference = json_object_get(json_object_get(field, "difference"), "mean");
    assert_int_equal(json_array_size(difference), 7);
    assert_true(json_number_value(json_array_get(difference, 0)) == 0.0);
    assert_true(json_number_value(json_array_get(difference, 6)) < 0.0);
    json_decref(answer);
    answer = replay("ask w.yaml '{set: {box/heater/power: 40 W}, for: 10 s}' --data asked --json");
    field = json_array_get(json_object_get(answer, "fields"), 0);
    assert_true(json_is_number(
        json_array_get(json_object_get(json_object_get(field, "what_if"), "q95"), 3)));
    json_decref(answer);
    expect("history asked", 0, "run.out", "sensor/t2");
    expect("history w.yaml --data asked", 0, "run.out", "box/node/air/temperature");
    expect("history asked box/air/temperature --rows 6", 0, "run.out", "mean,spread");
    expect("history asked sensor/t2 --csv", 0, "run.out", "time,known,quality,value\n2026-01-31T");
    expect("history asked box/air/temperature --json --to 2026-01-31T00:00:10Z", 0, "run.out",
           "\"rows\"");
    expect("history asked box/air/temperatur", 2, "run.err", "did you mean");
    expect("history asked box/air/temperature --from noon", 2, "run.err", "expected a time");
}

static void a_fresh_world_can_be_asked(void **state)
{
    (void)state;
    expect("ask w.yaml lid-open --json", 0, "run.err", "starting from the world's initial values");
}

static void devices_play_the_same_again(void **state)
{
    (void)state;
    assert_int_equal(
        run_program("devices w.yaml --for 60s --start 2026-01-31T00:00:00Z --out again.csv"), 0);
    char *one = read_file("box.csv"), *again = read_file("again.csv");
    assert_string_equal(one, again);
    assert_true(strstr(one, "heat,1\n") != NULL && strstr(one, "heat,0\n") != NULL);
    free(one);
    free(again);
}

static int set_up(void **state)
{
    if (make_folder(state) != 0) {
        return -1;
    }
    write_file("w.yaml", quick_world);
    return run_program("devices w.yaml --for 60s --start 2026-01-31T00:00:00Z --out box.csv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_summary_says_all_that_is_promised),
        cmocka_unit_test(workers_do_not_change_a_bit),
        cmocka_unit_test(late_and_doubled_rows_end_in_the_same_bits),
        cmocka_unit_test(a_second_replay_into_a_folder_adds_nothing),
        cmocka_unit_test(a_replay_killed_again_and_again_ends_in_the_same_bits),
        cmocka_unit_test(forecasts_of_the_start_can_be_left_out),
        cmocka_unit_test(a_paced_replay_takes_its_time),
        cmocka_unit_test(broken_recordings_end_with_two),
        cmocka_unit_test(what_was_replayed_can_be_asked_and_read),
        cmocka_unit_test(a_fresh_world_can_be_asked),
        cmocka_unit_test(devices_play_the_same_again),
    };
    return cmocka_run_group_tests(tests, set_up, remove_folder);
}
