// `gemel check`: is a world file sound? Reads it as `run` would, and says what it declares. With
// --observability: do its sensors determine what it estimates?
#include <gemel/twin.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "cli/check_observability.h"
#include "cli/command.h"
#include "study/device_plant.h"

enum { JSON, OBSERVABILITY, HORIZON, CANDIDATES, LANES, SEED, THREADS, OPTIONS };

static const gm_option options[OPTIONS] = {
    [JSON] = { "json", NULL, "print as JSON" },
    [OBSERVABILITY] = { "observability", NULL,
                        "say what the sensors can determine, and which further one helps most" },
    [HORIZON] = { "horizon", "DURATION", "how long readings are gathered [600 cycles]" },
    [CANDIDATES] = { "candidates", "LIST",
                     "places for a sensor, ADDRESS or ADDRESS=NOISE [kinds that are measured]" },
    [LANES] = { "lanes", "N", "possible worlds that follow what is left to chance [128]" },
    [SEED] = { "seed", "N", "of all chances [the world's]" },
    [THREADS] = { "threads", "N", "workers; never changes a result [1]" },
};

/// What --observability was asked with.
typedef struct question {
    gm_observability_options options;
    char *list; // the candidates' texts
    const char *candidates[GM_CLI_LIST_MAX];
    size_t threads;
    gm_progress progress;
} question;

/// All that can be wrong in a world file: what the world reads, what the twin reads of it, and what
/// its devices are played from.
static gm_status check(const gm_world *world, gm_error *error)
{
    gm_twin_options twin_options = gm_default_twin_options();
    twin_options.replay = true; // and no folder: nothing is written
    gm_twin *twin = NULL;
    gm_status status = gm_twin_open(world, &twin_options, &twin, error);
    gm_twin_close(twin);
    if (status == GM_OK && world->devices != NULL) {
        gm_device_plant *plant = NULL;
        status = gm_device_plant_open(world, &(gm_device_options){ 0 }, &plant, error);
        gm_device_plant_close(plant);
    }
    return status;
}

static void print_text(const gm_world *world)
{
    printf("%s: world '%s' is sound\n", world->file, world->name);
    for (size_t index = 0; index < world->system_count; index++) {
        const gm_world_system *system = &world->systems[index];
        printf("  system %s: %s", system->name, system->domain->name);
        for (size_t at = 0; at < gm_model_class_count(system->model); at++) {
            printf(", %zu %s", gm_model_element_count(system->model, at),
                   gm_model_class_at(system->model, at)->name);
        }
        printf("\n");
    }
    printf("  %zu links, %zu sensors, %zu estimated, %zu recorded, %zu forecast, %zu scenarios\n",
           world->link_count, world->sensor_count, world->estimate_count, world->record_count,
           world->forecast.ref_count, world->scenario_count);
    printf("  %zu lane%s, a cycle every %g s\n", world->lanes, world->lanes == 1 ? "" : "s",
           (double)world->cycle_ns / 1e9);
    size_t warnings = gm_world_warning_count(world);
    if (warnings > 0) {
        printf("  %zu warning%s\n", warnings, warnings == 1 ? "" : "s");
    }
}

static void print_json(const gm_world *world)
{
    json_t *systems = json_array();
    for (size_t index = 0; index < world->system_count; index++) {
        json_t *classes = json_object();
        const gm_model *model = world->systems[index].model;
        for (size_t at = 0; at < gm_model_class_count(model); at++) {
            json_object_set_new(classes, gm_model_class_at(model, at)->name,
                                json_integer((json_int_t)gm_model_element_count(model, at)));
        }
        json_array_append_new(
            systems, json_pack("{s:s, s:s, s:o}", "name", world->systems[index].name, "model",
                               world->systems[index].domain->name, "elements", classes));
    }
    json_t *warnings = json_array();
    for (size_t index = 0; index < gm_world_warning_count(world); index++) {
        json_array_append_new(warnings, json_string(gm_world_warning_at(world, index)));
    }
    json_t *root = json_pack(
        "{s:s, s:s, s:b, s:o, s:I, s:I, s:I, s:I, s:I, s:f, s:o}", "file", world->file, "world",
        world->name, "sound", 1, "systems", systems, "links", (json_int_t)world->link_count,
        "sensors", (json_int_t)world->sensor_count, "estimates", (json_int_t)world->estimate_count,
        "scenarios", (json_int_t)world->scenario_count, "lanes", (json_int_t)world->lanes,
        "cycle_s", (double)world->cycle_ns / 1e9, "warnings", warnings);
    json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    printf("\n");
    json_decref(root);
}

// ---- observability ----

static gm_status read_candidates(const gm_arguments *arguments, question *asked, gm_error *error)
{
    const char *given = arguments->values[CANDIDATES];
    if (given == NULL) {
        return GM_OK;
    }
    asked->list = gm_memory_new(strlen(given) + 1, 1);
    if (asked->list == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the candidates");
    }
    memcpy(asked->list, given, strlen(given));
    size_t count = 0;
    for (char *at = asked->list; at != NULL; count++) {
        if (count == GM_CLI_LIST_MAX) {
            return gm_error_set(error, GM_LIMIT, "--candidates: more than %d; a pattern names many",
                                GM_CLI_LIST_MAX);
        }
        char *comma = strchr(at, ',');
        if (comma != NULL) {
            *comma = '\0';
        }
        asked->candidates[count] = at + strspn(at, " ");
        at = comma != NULL ? comma + 1 : NULL;
    }
    asked->options.candidates = asked->candidates;
    asked->options.candidate_count = count;
    return GM_OK;
}

static gm_status read_question(const gm_arguments *arguments, question *asked, gm_error *error)
{
    size_t seed = 0;
    gm_observability_options *with = &asked->options;
    gm_status status = GM_OK;
    for (size_t option = HORIZON; option <= THREADS && status == GM_OK; option++) {
        if (gm_option_given(arguments, option) && !gm_option_given(arguments, OBSERVABILITY)) {
            status = gm_error_set(error, GM_INVALID, "--%s belongs to --observability",
                                  options[option].name);
        }
    }
    if (status == GM_OK) {
        status = gm_option_duration(arguments, HORIZON, &with->horizon_ns, error);
    }
    if (status == GM_OK) {
        status = gm_option_count(arguments, LANES, GM_OBSERVABILITY_LANES_MAX, &with->lanes, error);
    }
    if (status == GM_OK) {
        status = gm_option_count(arguments, SEED, INT64_MAX, &seed, error);
    }
    if (status == GM_OK) {
        status = gm_option_count(arguments, THREADS, GM_WORKERS_MAX, &asked->threads, error);
    }
    with->seed = seed;
    return status == GM_OK ? read_candidates(arguments, asked, error) : status;
}

static void show_progress(void *context, double done)
{
    gm_progress_show(context, done);
}

/// @param complete  out: everything can be determined
static gm_status observe(const gm_arguments *arguments, const gm_world *world, question *asked,
                         bool *complete, gm_error *error)
{
    gm_observability_answer answer = { 0 };
    gm_status status = GM_OK;
    if (asked->threads > 1) {
        status = gm_workers_create(asked->threads, &asked->options.workers, error);
    }
    if (status == GM_OK) {
        asked->progress = gm_progress_start("playing the world");
        asked->options.progress = show_progress;
        asked->options.context = &asked->progress;
        status = gm_observability_study(world, &asked->options, &answer, error);
        gm_progress_end(&asked->progress);
    }
    gm_workers_close(asked->options.workers);
    if (status == GM_OK) {
        *complete = gm_observability_is_complete(&answer);
        (gm_option_given(arguments, JSON) ? gm_cli_observability_json
                                          : gm_cli_observability_text)(world, &answer);
    }
    gm_observability_answer_free(&answer);
    return status;
}

static int run(const gm_arguments *arguments)
{
    gm_error error = { 0 };
    gm_world *world = NULL;
    question asked = { .options = gm_default_observability_options(), .threads = 1 };
    bool complete = true;
    gm_status status = read_question(arguments, &asked, &error);
    if (status == GM_OK) {
        status = gm_cli_world(arguments->words[0], &world, &error);
    }
    if (status == GM_OK) {
        status = check(world, &error);
    }
    if (status == GM_OK && gm_option_given(arguments, OBSERVABILITY)) {
        status = observe(arguments, world, &asked, &complete, &error);
    } else if (status == GM_OK && gm_option_given(arguments, JSON)) {
        print_json(world);
    } else if (status == GM_OK) {
        print_text(world);
    }
    gm_memory_free(asked.list);
    gm_world_close(world);
    if (status != GM_OK) {
        return gm_cli_fail(arguments, gm_exit_of(status), &error);
    }
    int code = gm_cli_finish(arguments);
    return code == GM_EXIT_DONE && !complete ? GM_EXIT_NO : code;
}

const gm_command gm_command_check = {
    .name = "check",
    .summary = "say whether a world file is sound, and what it declares",
    .words = "WORLD",
    .words_min = 1,
    .words_max = 1,
    .about = "Reads a world file with everything it names and refuses the first thing that is "
             "wrong, as\n"
             "`file:line:column: what, expected, did you mean`, with exit code 2.\n"
             "With --observability it plays the world ahead without assimilation and works out how "
             "much of each\n"
             "estimated value's spread the present sensors would leave, which values they cannot "
             "tell apart, and\n"
             "which further sensors would help most; exit code 1 when something estimated cannot "
             "be determined.",
    .examples = "  gemel check examples/incubator/world.yaml\n"
                "  gemel check plant.yaml --json\n"
                "  gemel check plant.yaml --observability --horizon 24h\n"
                "  gemel check plant.yaml --observability --candidates 'box/*/temperature=0.1 "
                "K'\n",
    .options = options,
    .option_count = OPTIONS,
    .run = run,
};
