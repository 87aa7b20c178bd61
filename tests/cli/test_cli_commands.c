// Every command of the real program (GEMEL_PROGRAM): help, exit codes, broken input, and what it
// prints.
#include "cli/program_run.h"

#include <jansson.h>
#include <math.h>

#include "base/text.h"

static const char *const names[] = { "run",   "simulate", "ask",     "validate",
                                     "check", "models",   "history", "devices" };
enum { NAMES = sizeof names / sizeof *names };

static void every_command_has_help_with_examples(void **state)
{
    (void)state;
    for (size_t index = 0; index < NAMES; index++) {
        char line[64], usage[64];
        snprintf(line, sizeof line, "%s --help", names[index]);
        snprintf(usage, sizeof usage, "usage: gemel %s", names[index]);
        expect(line, 0, "run.out", usage);
        expect(line, 0, "run.out", "examples:\n  gemel ");
        expect("--help", 0, "run.out", names[index]);
    }
    expect("--version", 0, "run.out", "gemel ");
}

static void what_is_misspelt_is_suggested(void **state)
{
    (void)state;
    expect("", 2, "run.err", "usage: gemel COMMAND");
    expect("simulte w.yaml", 2, "run.err", "did you mean 'simulate'?");
    expect("fly", 2, "run.err", "there is no command 'fly'");
    expect("run w.yaml --lsten 5", 2, "run.err",
           "there is no option --lsten; did you mean --listen?");
    expect("run -l", 2, "run.err", "options begin with two dashes");
    expect("ask w.yaml lid-opn", 2, "run.err", "did you mean 'lid-open'?");
    expect("models thermol", 2, "run.err", "thermal");
    expect("validate thermol", 2, "run.err", "did you mean 'thermal'?");
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } bad[] = {
        { "run", "something is missing" },
        { "run w.yaml w.yaml", "one too many" },
        { "run w.yaml --listen", "ADDRESS:PORT is missing" },
        { "run w.yaml --listen 127.0.0.1:99999", "expected an address and a port" },
        { "run w.yaml --listen 127.0.0.1:x", "expected an address and a port" },
        { "run w.yaml --threads 0", "a whole number from 1" },
        { "run w.yaml --threads two", "a whole number from 1" },
        { "run w.yaml --threads 1 --threads 2", "given twice" },
        { "run w.yaml --lanes -3", "a whole number from 1" },
        { "run w.yaml --json", "--replay is missing" },
        { "run w.yaml --replay none.csv", "cannot open 'none.csv'" },
        { "run w.yaml --replay w.yaml --speed fast", "a number above zero" },
        { "run w.yaml --replay w.yaml --speed 0", "a number above zero" },
        { "run w.yaml --replay w.yaml --score-after 5", "a duration above zero" },
        { "run w.yaml --json=yes", "takes no value" },
        { "simulate w.yaml", "--until is missing" },
        { "simulate w.yaml --until 0s", "a duration above zero" },
        { "simulate w.yaml --until 1e30d", "a duration above zero" },
        { "simulate w.yaml --until 1parsec", "a duration above zero" },
        { "simulate w.yaml --until 1s --fields box/air/colour", "colour" },
        { "simulate w.yaml --until 1s --out no/such/folder.csv", "cannot write" },
        { "history nowhere", "cannot open 'nowhere'" },
        { "history w.yaml", "is not a data folder" },
        { "history . t2", "is not a data folder" },
        { "ask w.yaml", "something is missing" },
        { "ask w.yaml lid-open --data nowhere", "'nowhere' is not a data folder" },
        { "ask w.yaml lid-open --field box/roof/temperature", "roof" },
        { "ask w.yaml '{set: {box/air: 4}}'", "box/air" },
        { "ask w.yaml lid-open --points 0", "a whole number from 1" },
        { "ask w.yaml lid-open --to ftp://x", "ftp" },
        { "devices w.yaml --out x.csv", "--out needs --for" },
        { "devices w.yaml --for 1s --speed -1", "a number above zero" },
        { "devices w.yaml --for 1s --start noon", "expected a time" },
        { "devices w.yaml --to nowhere", "nowhere" },
        { "validate --reference /no/such/folder", "no such folder" },
    };
    for (size_t index = 0; index < sizeof bad / sizeof *bad; index++) {
        expect(bad[index].line, 2, "run.err", bad[index].says);
    }
}

static void broken_worlds_end_with_two_everywhere(void **state)
{
    (void)state;
    write_file("broken.yaml", "world: broken\ncycle: 3 K\n");
    static const char *const lines[] = {
        "run broken.yaml",
        "run broken.yaml --replay r.csv",
        "check broken.yaml --json",
        "ask broken.yaml lid-open",
        "simulate broken.yaml --until 1s",
        "check broken.yaml",
        "devices broken.yaml",
        "history broken.yaml",
        "models broken.yaml",
    };
    for (size_t index = 0; index < sizeof lines / sizeof *lines; index++) {
        expect(lines[index], 2, "run.err", "broken.yaml:2:8: ");
    }
    expect("check none.yaml", 2, "run.err", "cannot open 'none.yaml'");
    expect("check .", 2, "run.err", "'.' is not a file");
}

static void broken_devices_name_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *devices, *says;
    } broken[] = {
        { "devices: 3\n", "expected a map" },
        { "devices: { sed: 1 }\n", "did you mean" },
        { "devices: { seed: -1 }\n", "d.yaml:" },
        { "devices: { scatter: { box/*/conductance: 10 K } }\n", "d.yaml:" },
        { "devices: { scatter: { box/*/flow: 10 % } }\n", "'flow' is an output" },
        { "devices: { set: { box/air/temperature: 1 W } }\n", "d.yaml:" },
        { "devices: { set: { box/air/temperature: {at: 1 s, to: 5 degC} } }\n", "goes under" },
        { "devices: { swings: { box/air/temperature: {about: 1 degC, by: 1 K, period: 1 s} } }\n",
          "is not an input" },
        { "devices: { swings: { box/room/temperature: {about: 1 degC, by: 1 K} } }\n", "period" },
        { "devices: { swings: { box/room/temperature: {about: 1 degC, by: 1 K, period: 0 s} } }\n",
          "more than zero" },
        { "devices: { thermostats: { h: {reads: box/air/temperature} } }\n", "writes" },
        { "devices: { thermostats: { h: {reads: box/air/temperature, writes: box/heater/power, "
          "below: 30 degC, above: 20 degC, on: 1 W} } }\n",
          "switches on above where it switches off" },
        { "devices: { faults: { box/lid/conductance: {at: 1 s, times: 2} } }\n", "lid" },
        { "devices: { sensors: { rom: {noise: 1 K} } }\n", "did you mean 'room'?" },
        { "devices: { sensors: { t2: {lost: 120 %} } }\n", "d.yaml:" },
        { "detect: { slak: 1 }\n", "did you mean" },
    };
    size_t head = (size_t)(strstr(quick_world, "devices:") - quick_world);
    for (size_t index = 0; index < sizeof broken / sizeof *broken; index++) {
        char text[sizeof quick_world + 1024];
        snprintf(text, sizeof text, "%.*s%s", (int)head, quick_world, broken[index].devices);
        write_file("d.yaml", text);
        expect("check d.yaml", 2, "run.err", broken[index].says);
        expect("check d.yaml", 2, "run.err", "d.yaml:");
    }
}

static void a_sound_world_is_described(void **state)
{
    (void)state;
    expect("check w.yaml", 0, "run.out", "world 'quick' is sound");
    expect("check w.yaml --json", 0, "run.out", "\"sound\": true");
    expect("models", 0, "run.out", "thermal");
    expect("models thermal", 0, "run.out", "source:");
    expect("models w.yaml", 0, "run.out", "conductance");
    expect("models w.yaml --json", 0, "run.out", "\"unit\": \"W/K\"");
    expect("models --json", 0, "run.out", "\"name\": \"thermal\"");
}

static void simulations_read_back_to_the_same_bits(void **state)
{
    (void)state;
    expect("simulate w.yaml --until 60s --every 20s --fields box/air/temperature --out s.csv", 0,
           "s.csv", "time_s,system,class,element,field,unit,value\n0,box,node,air,temperature,K,");
    char *text = read_file("s.csv");
    size_t rows = 0;
    for (char *at = strchr(text, '\n') + 1; *at != '\0'; at = strchr(at, '\n') + 1) {
        gm_text line = { at, strcspn(at, "\n") };
        double time_s = -1.0, value = 0.0;
        char *last = memrchr(at, ',', line.size) + 1, again[32];
        assert_true(gm_text_scan_f64(line, &time_s) > 0);
        assert_true(gm_text_to_f64((gm_text){ last, line.size - (size_t)(last - at) }, &value));
        gm_text_from_f64(value, again); // the shortest text of these bits
        assert_int_equal(strncmp(last, again, strlen(again)), 0);
        assert_true(value > 280.0 && value < 310.0);
        assert_true(time_s == 20.0 * (double)rows);
        rows++;
    }
    assert_int_equal(rows, 4);
    free(text);
    assert_int_equal(run_program("simulate w.yaml --until 60s --every 20s --threads 3"), 0);
    char *alone = read_file("run.out");
    assert_int_equal(run_program("simulate w.yaml --until 60s --every 20s"), 0);
    char *together = read_file("run.out");
    assert_string_equal(alone, together);
    free(alone);
    free(together);
}

static const char network_file[] = "[JUNCTIONS]\nwell 5 10\n"
                                   "[RESERVOIRS]\nlake 50\n"
                                   "[PIPES]\nmain lake well 1000 200 120 0 Open\n"
                                   "spare lake well 1000 200 120 0 Closed\n"
                                   "[LABELS]\n1 2 lake\n"
                                   "[TIMES]\nDuration %s\nReport Timestep 0:30\n"
                                   "[OPTIONS]\nUnits LPS\n[END]\n";

static void a_native_file_alone_is_simulated(void **state)
{
    (void)state;
    char text[1024];
    snprintf(text, sizeof text, network_file, "2:00");
    write_file("town.inp", text);
    expect("simulate town.inp --fields */junction/*/head --out n.csv", 0, "run.err",
           "warning: town.inp:");
    char *rows = read_file("n.csv");
    size_t count = 0;
    for (const char *at = rows; (at = strchr(at, '\n')) != NULL; at++) {
        count++;
    }
    assert_int_equal(count, 1 + 5); // what the file asks for: every half hour for two
    assert_non_null(strstr(rows, "\n0,town,junction,well,head,m,4"));
    assert_non_null(strstr(rows, "\n7200,town,junction,well,head,m,4"));
    free(rows);
    expect("check town.inp", 0, "run.out", " warning");
    expect("check town.inp --json", 0, "run.out", "\"warnings\": [");
    expect("models town.inp", 0, "run.out", "junction");
    snprintf(text, sizeof text, network_file, "0:00");
    write_file("snap.INP", text);
    expect("simulate snap.INP --fields */junction/*/head", 0, "run.out",
           "value\n0,snap,junction,well,head,m,4");
    write_file("broken.inp", "[PIPES]\nmain lake\n");
    expect("check broken.inp", 2, "run.err", "broken.inp:2:");
    expect("simulate w.yaml", 2, "run.err", "--until is missing");
}

static void a_question_may_build_otherwise(void **state)
{
    (void)state;
    char text[1024];
    snprintf(text, sizeof text, network_file, "2:00");
    write_file("town.inp", text);
    expect("ask town.inp '{structure: {town: {remove: [pipe/spare]}}, for: 1 h}' --field "
           "'town/pipe/*/flow,town/well/pressure' --points 4",
           0, "run.out", "note: town/pipe/spare/flow is left out: it is not there under");
    expect("ask town.inp '{structure: {town: {pipes: {new: {from: lake, to: well, length: 1 km, "
           "diameter: 200 mm, roughness: 120}}}}, for: 1 h}' --field town/well/pressure --json",
           0, "run.out", "\"address\": \"town/junction/well/pressure\"");
    // alone, what is new can be seen, for as long as the scenario lasts
    expect("simulate town.inp --scenario '{structure: {town: {pipes: {new: {from: lake, to: well, "
           "length: 1 km, diameter: 200 mm, roughness: 120}}}}, set: {town/pipe/main/status: 0}, "
           "for: 30 min}' --fields town/pipe/*/flow",
           0, "run.out", "\n0,town,pipe,new,flow,m3/s,0.0099");
    char *rows = read_file("run.out");
    assert_non_null(strstr(rows, "\n1800,town,pipe,new,"));
    assert_null(strstr(rows, "\n3600,"));
    free(rows);
    expect("simulate w.yaml --scenario lid-open --fields box/air-room/conductance --every 30s", 0,
           "run.out", "\n60,box,path,air-room,conductance,W/K,2.8\n");
    expect("simulate w.yaml --scenario lid-opne", 2, "run.err", "did you mean 'lid-open'?");
    expect("ask town.inp '{structure: {twon: {}}, for: 1 h}'", 2, "run.err",
           "there is no system 'twon'; did you mean 'town'?");
    expect("ask town.inp '{structure: {town: {remove: [pipe/spree]}}, for: 1 h}'", 2, "run.err",
           "spree");
}

static void a_full_disk_is_a_failure(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        skip();
    }
    expect("simulate w.yaml --until 60s --out /dev/full", 3, "run.err", "cannot write '/dev/full'");
    expect("devices w.yaml --for 60s --out /dev/full", 3, "run.err", "cannot write '/dev/full'");
}

static void validations_pass_and_say_so(void **state)
{
    (void)state;
    expect("validate thermal", 0, "run.out", "pass");
    assert_int_equal(run_program("validate thermal --json"), 0);
    char *text = read_file("run.out");
    json_t *list = json_loads(text, 0, NULL);
    assert_true(json_array_size(list) > 0);
    for (size_t index = 0; index < json_array_size(list); index++) {
        const char *result =
            json_string_value(json_object_get(json_array_get(list, index), "result"));
        assert_true(strcmp(result, "pass") == 0 || strcmp(result, "skipped") == 0);
    }
    json_decref(list);
    free(text);
}

static int set_up(void **state)
{
    if (make_folder(state) != 0) {
        return -1;
    }
    write_file("w.yaml", quick_world);
    write_file("r.csv", "time,series,value\n2026-01-31T00:00:00Z,t2,24\n");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_has_help_with_examples),
        cmocka_unit_test(what_is_misspelt_is_suggested),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(broken_worlds_end_with_two_everywhere),
        cmocka_unit_test(broken_devices_name_the_place),
        cmocka_unit_test(a_sound_world_is_described),
        cmocka_unit_test(simulations_read_back_to_the_same_bits),
        cmocka_unit_test(a_native_file_alone_is_simulated),
        cmocka_unit_test(a_question_may_build_otherwise),
        cmocka_unit_test(a_full_disk_is_a_failure),
        cmocka_unit_test(validations_pass_and_say_so),
    };
    return cmocka_run_group_tests(tests, set_up, remove_folder);
}
