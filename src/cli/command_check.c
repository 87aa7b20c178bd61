// `gemel check`: is a world file sound? Reads it as `run` would, and says what it declares.
#include <gemel/twin.h>
#include <jansson.h>
#include <stdio.h>

#include "cli/command.h"
#include "study/device_plant.h"

enum { JSON, OPTIONS };

static const gm_option options[OPTIONS] = {
    [JSON] = { "json", NULL, "print as JSON" },
};

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
    printf("  %zu lanes, a cycle every %g s\n", world->lanes, (double)world->cycle_ns / 1e9);
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

static int run(const gm_arguments *arguments)
{
    gm_error error = { 0 };
    gm_world *world = NULL;
    gm_status status = gm_cli_world(arguments->words[0], &world, &error);
    if (status == GM_OK) {
        status = check(world, &error);
    }
    if (status == GM_OK && gm_option_given(arguments, JSON)) {
        print_json(world);
    } else if (status == GM_OK) {
        print_text(world);
    }
    gm_world_close(world);
    return status == GM_OK ? gm_cli_finish(arguments)
                           : gm_cli_fail(arguments, gm_exit_of(status), &error);
}

const gm_command gm_command_check = {
    .name = "check",
    .summary = "say whether a world file is sound, and what it declares",
    .words = "WORLD",
    .words_min = 1,
    .words_max = 1,
    .about = "Reads a world file with everything it names and refuses the first thing that is "
             "wrong, as\n"
             "`file:line:column: what, expected, did you mean`, with exit code 2.",
    .examples = "  gemel check examples/incubator/world.yaml\n  gemel check plant.yaml --json\n",
    .options = options,
    .option_count = OPTIONS,
    .run = run,
};
