// Reading `devices:` and playing it: device_plant.h.
#include "study/device_plant.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/hash.h"
#include "base/require.h"
#include "study/device_meters.h"

enum { NOISE_PURPOSE = 1, LOSS_PURPOSE, SCATTER_PURPOSE };

static const char *const device_keys[] = { "seed",        "scatter", "set",     "swings",
                                           "thermostats", "faults",  "sensors", NULL };
static const char *const swing_keys[] = { "about", "by", "period", NULL };
static const char *const thermostat_keys[] = { "reads", "writes", "below", "above", "on", NULL };
static const char *const sensor_keys[] = { "noise", "bias", "lost", NULL };

typedef struct swing {
    gm_ref ref;
    double about, by, period_s;
} swing;

/// Addresses that are off what is declared, each by its own chance.
typedef struct scattering {
    gm_ref *refs; // [count]
    size_t count;
    double share; // standard deviation of the logarithm
} scattering;

typedef struct thermostat {
    gm_ref reads, writes;
    double below, above, on_value;
    bool on;
} thermostat;

typedef struct played_sensor {
    double noise, bias, lost; // SI; lost: share of samples
    int64_t every_ns, due_ns;
} played_sensor;

struct gm_device_plant {
    const gm_world *world;
    gm_world
        own; // the same world under another seed: its chances are not those of the twin's lanes
    gm_arena *arena;
    gm_layout *layout;
    gm_state *state;
    gm_world_work *work;
    gm_scenario start, faults;
    gm_scenario_run *run;
    gm_random random;
    gm_device_options options;
    int64_t start_ns, step_ns, next_ns;
    scattering *scatterings;
    swing *swings;
    thermostat *thermostats;
    played_sensor *sensors; // [sensor_count]
    gm_device_meters meters;
    size_t scattering_count, swing_count, thermostat_count;
};

static gm_status no_memory(gm_error *error)
{
    return gm_error_set(error, GM_MEMORY, "no memory for devices");
}

static const gm_config *part(const gm_device_plant *plant, const char *key)
{
    return gm_config_get(plant->world->devices, key);
}

/// A map of the devices; NULL when it is not there.
static gm_status read_map(const gm_device_plant *plant, const char *key, const char *what,
                          const gm_config **map, gm_error *error)
{
    *map = part(plant, key);
    return *map == NULL ? GM_OK : gm_config_is(*map, GM_CONFIG_MAP, what, error);
}

static gm_status read_child(const gm_config *map, const char *key, const gm_field *field,
                            bool difference, double *value, gm_error *error)
{
    gm_quantity quantity = { .unit = field->unit, .difference = difference };
    return gm_config_child_number(map, key, quantity, (double)NAN, value, error);
}

static gm_status read_address(const gm_device_plant *plant, const gm_config *map, const char *key,
                              gm_ref *ref, gm_error *error)
{
    const gm_config *child = NULL;
    const char *address = NULL;
    gm_status status = gm_config_need(map, key, &child, error);
    if (status == GM_OK) {
        status = gm_config_text(child, &address, error);
    }
    return status == GM_OK ? gm_world_find_one(plant->world, address, child->place, ref, error)
                           : status;
}

static gm_status needs_input(const gm_device_plant *plant, gm_ref ref, gm_place place,
                             gm_error *error)
{
    return gm_world_role(plant->world, ref) == GM_INPUT
               ? GM_OK
               : gm_error_at(error, GM_INVALID, place, "'%s' is not an input: nothing could set it",
                             gm_world_field(plant->world, ref)->name);
}

// ---- reading `devices:` ----

static gm_status read_seed(gm_device_plant *plant, gm_error *error)
{
    const gm_config *config = part(plant, "seed");
    int64_t seed = 1;
    gm_status status =
        config != NULL ? gm_config_integer(config, 0, INT64_MAX, &seed, error) : GM_OK;
    seed = plant->options.seed != 0 ? (int64_t)plant->options.seed : seed;
    plant->random = gm_random_for((uint64_t)seed, "devices");
    plant->own = *plant->world;
    plant->own.seed = plant->world->seed ^ gm_hash(&seed, sizeof seed, 0);
    plant->world = &plant->own;
    return status;
}

static gm_status read_scattering(gm_device_plant *plant, const gm_config *config, gm_error *error)
{
    const gm_quantity share = { .unit = "1", .min = 0.0, .max = 10.0 };
    scattering *made = &plant->scatterings[plant->scattering_count];
    gm_status status = gm_config_number(config, share, &made->share, error);
    if (status == GM_OK) {
        status = gm_world_find(plant->world, config->key, config->key_place, &made->refs,
                               &made->count, error);
        plant->scattering_count += status == GM_OK;
    }
    for (size_t index = 0; status == GM_OK && index < made->count; index++) {
        if (gm_world_role(plant->world, made->refs[index]) == GM_OUTPUT) {
            status = gm_error_at(error, GM_INVALID, config->key_place,
                                 "'%s' is an output: nothing could set it",
                                 gm_world_field(plant->world, made->refs[index])->name);
        }
    }
    return status;
}

static gm_status read_scatter(gm_device_plant *plant, gm_error *error)
{
    const gm_config *map = NULL;
    gm_status status = read_map(plant, "scatter", "a map of addresses and shares", &map, error);
    if (status != GM_OK || map == NULL) {
        return status;
    }
    plant->scatterings = gm_arena_new(plant->arena, map->count, sizeof *plant->scatterings);
    status = plant->scatterings == NULL ? no_memory(error) : GM_OK;
    for (size_t index = 0; status == GM_OK && index < map->count; index++) {
        status = read_scattering(plant, &map->children[index], error);
    }
    return status;
}

/// Changes written as in a scenario's `set`.
static gm_status read_changes(gm_device_plant *plant, const char *key, gm_scenario *scenario,
                              gm_error *error)
{
    const gm_config *changes = part(plant, key);
    if (changes == NULL) {
        return GM_OK;
    }
    GM_REQUIRE(plant->world->devices != NULL);
    gm_config *set = gm_arena_new(plant->arena, 1, sizeof *set);
    if (set == NULL) {
        return no_memory(error);
    }
    *set = *changes;
    set->key = "set";
    gm_config whole = *plant->world->devices;
    whole.children = set;
    whole.count = 1;
    return gm_scenario_build(plant->world, &whole, plant->arena, scenario, error);
}

static gm_status read_start(gm_device_plant *plant, gm_error *error)
{
    gm_status status = read_changes(plant, "set", &plant->start, error);
    for (size_t index = 0; status == GM_OK && index < plant->start.change_count; index++) {
        const gm_world_change *change = &plant->start.changes[index];
        if (change->kind != GM_CHANGE_SET || change->at_ns != 0 || change->for_ns != 0) {
            status = gm_error_at(error, GM_INVALID, change->place,
                                 "set: expected a value from the start; what happens later goes "
                                 "under `faults`");
        }
    }
    return status;
}

static gm_status read_faults(gm_device_plant *plant, gm_error *error)
{
    return read_changes(plant, "faults", &plant->faults, error);
}

static gm_status read_swing(gm_device_plant *plant, const gm_config *config, gm_error *error)
{
    swing *made = &plant->swings[plant->swing_count];
    const gm_config *period = NULL;
    int64_t period_ns = 0;
    gm_status status =
        gm_world_find_one(plant->world, config->key, config->key_place, &made->ref, error);
    if (status == GM_OK) {
        status = needs_input(plant, made->ref, config->key_place, error);
    }
    if (status == GM_OK) {
        status = gm_config_is(config, GM_CONFIG_MAP, "a map with about, by, period", error);
    }
    if (status == GM_OK) {
        status = gm_config_only(config, swing_keys, error);
    }
    if (status != GM_OK) {
        return status;
    }
    const gm_field *field = gm_world_field(plant->world, made->ref);
    status = read_child(config, "about", field, false, &made->about, error);
    if (status == GM_OK) {
        status = read_child(config, "by", field, true, &made->by, error);
    }
    if (status == GM_OK) {
        status = gm_config_need(config, "period", &period, error);
    }
    if (status == GM_OK) {
        status = gm_config_duration(period, &period_ns, error);
    }
    if (status == GM_OK && period_ns <= 0) {
        status = gm_error_at(error, GM_INVALID, period->place, "period: expected more than zero");
    }
    made->period_s = (double)period_ns / (double)GM_SECOND_NS;
    plant->swing_count += status == GM_OK;
    return status;
}

static gm_status read_swings(gm_device_plant *plant, gm_error *error)
{
    const gm_config *map = NULL;
    gm_status status = read_map(plant, "swings", "a map of inputs", &map, error);
    if (status != GM_OK || map == NULL) {
        return status;
    }
    plant->swings = gm_arena_new(plant->arena, map->count, sizeof *plant->swings);
    status = plant->swings == NULL ? no_memory(error) : GM_OK;
    for (size_t index = 0; status == GM_OK && index < map->count; index++) {
        status = read_swing(plant, &map->children[index], error);
    }
    return status;
}

static gm_status read_thermostat(gm_device_plant *plant, const gm_config *config, gm_error *error)
{
    thermostat *made = &plant->thermostats[plant->thermostat_count];
    gm_status status =
        gm_config_is(config, GM_CONFIG_MAP, "a map with reads, writes, below, above, on", error);
    if (status == GM_OK) {
        status = gm_config_only(config, thermostat_keys, error);
    }
    if (status == GM_OK) {
        status = read_address(plant, config, "reads", &made->reads, error);
    }
    if (status == GM_OK) {
        status = read_address(plant, config, "writes", &made->writes, error);
    }
    if (status == GM_OK) {
        status = needs_input(plant, made->writes, config->key_place, error);
    }
    if (status != GM_OK) {
        return status;
    }
    const gm_field *read_field = gm_world_field(plant->world, made->reads);
    const gm_field *written_field = gm_world_field(plant->world, made->writes);
    status = read_child(config, "below", read_field, false, &made->below, error);
    if (status == GM_OK) {
        status = read_child(config, "above", read_field, false, &made->above, error);
    }
    if (status == GM_OK && !(made->below <= made->above)) {
        status =
            gm_error_at(error, GM_INVALID, config->key_place,
                        "thermostat '%s' switches on above where it switches off", config->key);
    }
    if (status == GM_OK) {
        status = read_child(config, "on", written_field, false, &made->on_value, error);
    }
    plant->thermostat_count += status == GM_OK;
    return status;
}

static gm_status read_thermostats(gm_device_plant *plant, gm_error *error)
{
    const gm_config *map = NULL;
    gm_status status = read_map(plant, "thermostats", "a map of thermostats", &map, error);
    if (status != GM_OK || map == NULL) {
        return status;
    }
    plant->thermostats = gm_arena_new(plant->arena, map->count, sizeof *plant->thermostats);
    status = plant->thermostats == NULL ? no_memory(error) : GM_OK;
    for (size_t index = 0; status == GM_OK && index < map->count; index++) {
        status = read_thermostat(plant, &map->children[index], error);
    }
    return status;
}

static gm_status unknown_sensor(const gm_device_plant *plant, const gm_config *config,
                                gm_error *error)
{
    const gm_world *world = plant->world;
    const char **names = gm_arena_new(plant->arena, world->sensor_count, sizeof *names);
    for (size_t index = 0; names != NULL && index < world->sensor_count; index++) {
        names[index] = world->sensors[index].name;
    }
    const char *near =
        names != NULL ? gm_text_nearest(config->key, names, world->sensor_count) : NULL;
    return gm_error_at(error, GM_INVALID, config->key_place, "there is no sensor '%s'%s%s%s",
                       config->key, near != NULL ? "; did you mean '" : "",
                       near != NULL ? near : "", near != NULL ? "'?" : "");
}

static gm_status read_sensor(gm_device_plant *plant, const gm_config *config, gm_error *error)
{
    const gm_quantity share = { .unit = "1", .min = 0.0, .max = 1.0 };
    size_t number = gm_world_find_sensor(plant->world, config->key);
    if (number == GM_NO_INDEX) {
        return unknown_sensor(plant, config, error);
    }
    played_sensor *sensor = &plant->sensors[number];
    gm_quantity difference = { .unit = plant->world->sensors[number].field_unit,
                               .difference = true };
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, "a map with noise, bias, lost", error);
    if (status == GM_OK) {
        status = gm_config_only(config, sensor_keys, error);
    }
    if (status == GM_OK) {
        status = gm_config_child_number(config, "noise", difference, sensor->noise, &sensor->noise,
                                        error);
    }
    if (status == GM_OK) {
        status = gm_config_child_number(config, "bias", difference, 0.0, &sensor->bias, error);
    }
    return status == GM_OK
               ? gm_config_child_number(config, "lost", share, 0.0, &sensor->lost, error)
               : status;
}

static gm_status read_sensors(gm_device_plant *plant, gm_error *error)
{
    const gm_world *world = plant->world;
    plant->sensors = gm_arena_new(plant->arena, world->sensor_count, sizeof *plant->sensors);
    if (plant->sensors == NULL) {
        return no_memory(error);
    }
    plant->step_ns = INT64_MAX;
    for (size_t number = 0; number < world->sensor_count; number++) {
        played_sensor *sensor = &plant->sensors[number];
        const gm_world_sensor *declared = &world->sensors[number];
        sensor->noise = declared->noise;
        sensor->every_ns = declared->every_ns > 0 ? declared->every_ns : world->cycle_ns;
        plant->step_ns = sensor->every_ns < plant->step_ns ? sensor->every_ns : plant->step_ns;
    }
    plant->step_ns = plant->step_ns < world->cycle_ns ? plant->step_ns : world->cycle_ns;
    const gm_config *map = NULL;
    gm_status status = read_map(plant, "sensors", "a map of sensors", &map, error);
    for (size_t index = 0; status == GM_OK && map != NULL && index < map->count; index++) {
        status = read_sensor(plant, &map->children[index], error);
    }
    return status;
}

static gm_status read_devices(gm_device_plant *plant, gm_error *error)
{
    static gm_status (*const readers[])(gm_device_plant *, gm_error *) = {
        read_seed,        read_scatter, read_start,   read_swings,
        read_thermostats, read_faults,  read_sensors,
    };
    const gm_config *devices = plant->world->devices;
    gm_status status = GM_OK;
    if (devices != NULL) {
        status = gm_config_is(devices, GM_CONFIG_MAP, "a map", error);
    }
    if (status == GM_OK && devices != NULL) {
        status = gm_config_only(devices, device_keys, error);
    }
    for (size_t index = 0; status == GM_OK && index < sizeof readers / sizeof *readers; index++) {
        status = readers[index](plant, error);
    }
    return status;
}

// ---- playing ----

static gm_status fill(gm_device_plant *plant, gm_ref ref, double value, gm_error *error)
{
    gm_status status = gm_state_fill(plant->state, ref, value, error);
    return status == GM_OK ? gm_state_changed(plant->state, ref.system, error) : status;
}

/// What is declared times a factor of its own for every address, its logarithm normal.
static gm_status scatter(gm_device_plant *plant, gm_error *error)
{
    gm_status status = GM_OK;
    uint32_t element = 0;
    for (size_t at = 0; at < plant->scattering_count; at++) {
        const scattering *from = &plant->scatterings[at];
        for (size_t index = 0; status == GM_OK && index < from->count; index++) {
            gm_draw draw = { .element = element++, .purpose = SCATTER_PURPOSE };
            double value = 0.0;
            status = gm_state_read(plant->state, from->refs[index], &value, error);
            if (status == GM_OK) {
                value *= exp(from->share * gm_random_normal(plant->random, draw));
                status = fill(plant, from->refs[index], value, error);
            }
        }
    }
    return status;
}

static gm_status open_state(gm_device_plant *plant, gm_error *error)
{
    const gm_world *world = plant->world;
    gm_status status = gm_world_layout(world, 1, NULL, 0, &plant->layout, error);
    if (status == GM_OK) {
        status = gm_state_create(plant->layout, plant->start_ns, &plant->state, error);
    }
    if (status == GM_OK) {
        status = gm_world_work_create(world, 1, &plant->work, error);
    }
    if (status == GM_OK && plant->faults.change_count > 0 && !plant->options.faultless) {
        status = gm_scenario_start(&plant->faults, 1, plant->start_ns, &plant->run, error);
    }
    if (status == GM_OK) {
        status = scatter(plant, error);
    }
    for (size_t index = 0; status == GM_OK && index < plant->start.change_count; index++) {
        const gm_world_change *change = &plant->start.changes[index];
        status = fill(plant, change->ref, change->value, error);
    }
    return status;
}

/// Inputs that somebody turns: after the models came to this time, before the sensors look.
static gm_status act(gm_device_plant *plant, gm_error *error)
{
    const double turn = 6.283185307179586;
    double gone_s = (double)(gm_state_time(plant->state) - plant->start_ns) / (double)GM_SECOND_NS;
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < plant->swing_count; index++) {
        const swing *at = &plant->swings[index];
        status =
            fill(plant, at->ref, at->about + at->by * sin(turn * gone_s / at->period_s), error);
    }
    for (size_t index = 0; status == GM_OK && index < plant->thermostat_count; index++) {
        thermostat *at = &plant->thermostats[index];
        double value = 0.0;
        status = gm_state_read(plant->state, at->reads, &value, error);
        if (status == GM_OK) {
            at->on = value < at->below || (at->on && value <= at->above);
            status = fill(plant, at->writes, at->on ? at->on_value : 0.0, error);
        }
    }
    for (size_t system = 0; status == GM_OK && system < plant->world->system_count; system++) {
        status = gm_state_settle(plant->state, system, NULL, error); // sensors see what was done
    }
    return status;
}

gm_status gm_device_plant_open(const gm_world *world, const gm_device_options *options,
                               gm_device_plant **plant, gm_error *error)
{
    gm_device_plant *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return no_memory(error);
    }
    made->world = world;
    made->options = *options;
    made->arena = gm_arena_create(0);
    gm_status status = made->arena == NULL ? no_memory(error) : read_devices(made, error);
    if (status == GM_OK) {
        made->start_ns = (options->start_ns + made->step_ns - 1) / made->step_ns * made->step_ns;
        made->next_ns = made->start_ns;
        status = open_state(made, error);
    }
    if (status == GM_OK) {
        status =
            gm_device_meters_open(&made->own, made->step_ns, made->arena, &made->meters, error);
    }
    if (status != GM_OK) {
        gm_device_plant_close(made);
        return status;
    }
    for (size_t number = 0; number < world->sensor_count; number++) {
        made->sensors[number].due_ns = made->start_ns;
    }
    *plant = made;
    return GM_OK;
}

void gm_device_plant_close(gm_device_plant *plant)
{
    if (plant == NULL) {
        return;
    }
    for (size_t index = 0; index < plant->scattering_count; index++) {
        gm_memory_free(plant->scatterings[index].refs);
    }
    gm_scenario_stop(plant->run);
    gm_world_work_close(plant->work);
    gm_state_close(plant->state);
    gm_layout_close(plant->layout);
    gm_arena_close(plant->arena);
    gm_memory_free(plant);
}

int64_t gm_device_plant_next(const gm_device_plant *plant)
{
    return plant->next_ns;
}

static gm_status read_due(gm_device_plant *plant, size_t number, gm_device_reading *readings,
                          size_t *count, gm_error *error)
{
    const gm_world_sensor *declared = &plant->world->sensors[number];
    played_sensor *sensor = &plant->sensors[number];
    gm_draw draw = { .element = (uint32_t)number,
                     .purpose = LOSS_PURPOSE,
                     .occurrence = (uint64_t)(plant->next_ns / plant->step_ns) };
    double value = 0.0;
    sensor->due_ns += sensor->every_ns;
    if (gm_random_uniform(plant->random, draw) < sensor->lost) {
        return GM_OK;
    }
    gm_status status =
        gm_sensor_is_plain(declared)
            ? gm_state_read(plant->state, declared->ref, &value, error)
            : gm_device_meter_read(&plant->meters, plant->state, number, &value, error);
    if (status != GM_OK || isnan(value)) {
        return status; // its span has not passed yet
    }
    draw.purpose = NOISE_PURPOSE;
    value += sensor->bias + sensor->noise * gm_random_normal(plant->random, draw);
    readings[*count] = (gm_device_reading){
        .sensor = number,
        .time_ns = plant->next_ns,
        .value = (value - declared->to_si.offset) / declared->to_si.factor,
    };
    ++*count;
    return GM_OK;
}

gm_status gm_device_plant_read(gm_device_plant *plant, gm_device_reading *readings, size_t *count,
                               gm_error *error)
{
    gm_advance_options advance = { .mode = GM_ADVANCE_PAST,
                                   .work = plant->work,
                                   .run = plant->run };
    *count = 0;
    gm_status status =
        gm_world_advance(plant->world, plant->state, &advance, plant->next_ns, error);
    if (status == GM_OK) {
        gm_state_set_tick(plant->state, (uint64_t)(plant->next_ns / plant->world->cycle_ns));
        status = gm_device_meters_run(&plant->meters, plant->state, error);
    }
    if (status == GM_OK) {
        status = act(plant, error);
    }
    if (status == GM_OK) {
        status = gm_device_meters_turn(&plant->meters, plant->state, error);
    }
    for (size_t number = 0; status == GM_OK && number < plant->world->sensor_count; number++) {
        if (plant->sensors[number].due_ns <= plant->next_ns) {
            status = read_due(plant, number, readings, count, error);
        }
    }
    plant->next_ns += plant->step_ns;
    return status;
}

const gm_state *gm_device_plant_state(const gm_device_plant *plant)
{
    return plant->state;
}

gm_status gm_device_plant_set(gm_device_plant *plant, gm_ref ref, double value, gm_error *error)
{
    return fill(plant, ref, value, error);
}
