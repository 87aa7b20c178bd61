// The system's map of the world file: a network file, and what is laid over it. Without a file the
// map is the whole network, in SI.
#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "domain/water/overlay_parts.h"

static const double column_pa_m = 9806.65; // of a metre of water

static const char *const keys[] = {
    "network",      "junctions", "reservoirs", "tanks",     "pipes",   "pumps",
    "valves",       "patterns",  "remove",     "commanded", "options", "step",
    "pattern step", "rule step", "origin",     NULL,
};

gm_status gm_overlay_pattern(const overlay *in, const gm_config *named, uint32_t *pattern)
{
    const char *name = NULL;
    gm_status status = gm_config_text(named, &name, in->error);
    if (status != GM_OK) {
        return status;
    }
    const water_plan *plan = in->plan;
    water_table table = gm_water_patterns_of(plan);
    uint32_t found = gm_water_names_find(&plan->pattern_names, table, gm_text_of(name));
    if (found == WATER_NONE) {
        char meant[300];
        return gm_error_at(in->error, GM_INVALID, named->place, "there is no pattern '%.60s'%s",
                           name, gm_water_meant(table, gm_text_of(name), meant));
    }
    *pattern = found;
    return GM_OK;
}

gm_status gm_overlay_pressure(const overlay *in, const gm_config *config, double *pressure_m)
{
    double value = 0.0;
    gm_quantity pascal = { .unit = "Pa" }, metre = { .unit = "m" };
    gm_status status = gm_config_number(config, pascal, &value, in->error);
    if (status == GM_OK) {
        *pressure_m = value / (column_pa_m * in->plan->specific_gravity);
    } else if (gm_config_number(config, metre, &value, NULL) == GM_OK) {
        *pressure_m = value;
        status = GM_OK;
    }
    return status;
}

static gm_status read_pattern(const overlay *in, const gm_config *list)
{
    water_plan *plan = in->plan;
    gm_text name = gm_text_of(list->key);
    gm_quantity factor = { .unit = "1" };
    gm_status status = gm_config_is(list, GM_CONFIG_LIST, "a list of factors", in->error);
    if (status == GM_OK && (name.size == 0 || name.size >= GM_NAME_MAX || list->count == 0)) {
        return gm_error_at(in->error, GM_INVALID, list->key_place,
                           "a pattern has a name of 1 to %d bytes and at least one factor",
                           GM_NAME_MAX - 1);
    }
    uint32_t index = gm_water_names_find(&plan->pattern_names, gm_water_patterns_of(plan), name);
    if (status == GM_OK && index == WATER_NONE) {
        status = gm_water_add_pattern(plan, name, &index, in->error);
    }
    if (status != GM_OK) {
        return status;
    }
    water_pattern *pattern = &plan->patterns[index];
    pattern->place = list->key_place;
    pattern->count = 0;
    for (size_t at = 0; at < list->count && status == GM_OK; at++) {
        double value = 0.0;
        status = gm_config_number(&list->children[at], factor, &value, in->error);
        if (status == GM_OK) {
            status = gm_water_add_factor(plan, pattern, value, in->error);
        }
    }
    return status;
}

static gm_status read_patterns(const overlay *in, const gm_config *map)
{
    gm_status status = GM_OK;
    if (map != NULL) {
        status = gm_config_is(map, GM_CONFIG_MAP, "a map from names to factors", in->error);
    }
    for (size_t index = 0; map != NULL && index < map->count && status == GM_OK; index++) {
        status = read_pattern(in, &map->children[index]);
    }
    return status;
}

// ---- options ----

static gm_status read_words(const overlay *in, const gm_config *options, bool from_file)
{
    static const char *const formulas[] = { [HAZEN_WILLIAMS] = "Hazen-Williams",
                                            [DARCY_WEISBACH] = "Darcy-Weisbach",
                                            [CHEZY_MANNING] = "Chezy-Manning",
                                            NULL };
    static const char *const models[] = { "demand-driven", "pressure-driven", NULL };
    water_plan *plan = in->plan;
    const gm_config *headloss = gm_config_get(options, "headloss");
    const gm_config *model = gm_config_get(options, "demand model");
    const gm_config *backflow = gm_config_get(options, "emitter backflow");
    const gm_config *pattern = gm_config_get(options, "default pattern");
    size_t word = plan->formula;
    gm_status status = GM_OK;
    if (headloss != NULL) {
        status = gm_config_choice(headloss, formulas, &word, in->error);
    }
    if (status == GM_OK && word != plan->formula && from_file) {
        return gm_error_at(in->error, GM_INVALID, headloss->place,
                           "headloss: the file's roughnesses are those of %s",
                           formulas[plan->formula]);
    }
    plan->formula = (water_formula)word;
    word = plan->pressure_driven;
    if (status == GM_OK && model != NULL) {
        status = gm_config_choice(model, models, &word, in->error);
    }
    plan->pressure_driven = word == 1;
    if (status == GM_OK && backflow != NULL) {
        status = gm_config_flag(backflow, &plan->emitters_backflow, in->error);
    }
    if (status == GM_OK && pattern != NULL) {
        status = gm_overlay_pattern(in, pattern, &plan->default_pattern);
    }
    return status;
}

static gm_status read_option_numbers(const overlay *in, const gm_config *options)
{
    water_plan *plan = in->plan;
    const struct {
        const char *key;
        gm_quantity quantity;
        double *value;
    } numbers[] = {
        { "specific gravity", { "1", 1e-3, 1e3, false }, &plan->specific_gravity },
        { "viscosity", { "m2/s", 1e-12, 1.0, false }, &plan->viscosity_m2_s },
        { "demand multiplier", { "1", 0.0, 1e6, false }, &plan->demand_multiplier },
        { "accuracy", { "1", 1e-9, 0.1, false }, &plan->accuracy },
        { "head error", { "m", 0.0, 1e3, true }, &plan->head_error_m },
        { "flow change", { "m3/s", 0.0, 1e3, true }, &plan->flow_change_m3_s },
        { "emitter exponent", { "1", 1e-3, 10.0, false }, &plan->emitter_exponent },
        { "pressure exponent", { "1", 0.0, 10.0, false }, &plan->pressure_exponent },
    };
    gm_status status = GM_OK;
    for (size_t index = 0; index < sizeof numbers / sizeof *numbers && status == GM_OK; index++) {
        status = gm_config_child_number(options, numbers[index].key, numbers[index].quantity,
                                        *numbers[index].value, numbers[index].value, in->error);
    }
    const gm_config *trials = gm_config_get(options, "trials");
    int64_t count = plan->trials;
    if (status == GM_OK && trials != NULL) {
        status = gm_config_integer(trials, 1, 100000, &count, in->error);
    }
    plan->trials = (uint32_t)count;
    return status;
}

static gm_status read_pressures(const overlay *in, const gm_config *options)
{
    const double least_m = 0.07; // EPANET's 0.1 psi
    water_plan *plan = in->plan;
    const gm_config *minimum = gm_config_get(options, "minimum pressure");
    const gm_config *required = gm_config_get(options, "required pressure");
    gm_status status = GM_OK;
    if (minimum != NULL) {
        status = gm_overlay_pressure(in, minimum, &plan->minimum_pressure_m);
    }
    if (status == GM_OK && required != NULL) {
        status = gm_overlay_pressure(in, required, &plan->required_pressure_m);
    }
    bool apart = plan->required_pressure_m - plan->minimum_pressure_m >= least_m;
    if (status == GM_OK && (minimum != NULL || required != NULL) &&
        !(apart && plan->minimum_pressure_m >= 0.0)) {
        status = gm_error_at(in->error, GM_INVALID, (required ? required : minimum)->place,
                             "the required pressure must lie above the minimum one, by %g m at "
                             "least, and neither below 0",
                             least_m);
    }
    return status;
}

static gm_status read_options(const overlay *in, const gm_config *options, bool from_file)
{
    static const char *const known[] = {
        "headloss",
        "demand model",
        "default pattern",
        "emitter backflow",
        "specific gravity",
        "viscosity",
        "demand multiplier",
        "accuracy",
        "head error",
        "flow change",
        "trials",
        "emitter exponent",
        "minimum pressure",
        "required pressure",
        "pressure exponent",
        NULL,
    };
    if (options == NULL) {
        return GM_OK;
    }
    gm_status status = gm_config_is(options, GM_CONFIG_MAP, "a map of options", in->error);
    if (status == GM_OK) {
        status = gm_config_only(options, known, in->error);
    }
    if (status == GM_OK) {
        status = read_words(in, options, from_file);
    }
    if (status == GM_OK) {
        status = read_option_numbers(in, options);
    }
    return status == GM_OK ? read_pressures(in, options) : status;
}

// ---- times, commands ----

static gm_status read_times(const overlay *in, const gm_config *config)
{
    water_plan *plan = in->plan;
    const struct {
        const char *key;
        int64_t *value_s;
    } steps[] = { { "step", &plan->step_s },
                  { "pattern step", &plan->pattern_step_s },
                  { "rule step", &plan->rule_step_s } };
    for (size_t index = 0; index < sizeof steps / sizeof *steps; index++) {
        const gm_config *child = gm_config_get(config, steps[index].key);
        int64_t step_ns = 0;
        if (child == NULL) {
            continue;
        }
        gm_status status = gm_config_duration(child, &step_ns, in->error);
        if (status == GM_OK && (step_ns <= 0 || step_ns % GM_SECOND_NS != 0)) {
            status = gm_error_at(in->error, GM_INVALID, child->place,
                                 "%s: expected whole seconds, one at least", steps[index].key);
        }
        if (status != GM_OK) {
            return status;
        }
        *steps[index].value_s = step_ns / GM_SECOND_NS;
    }
    const gm_config *origin = gm_config_get(config, "origin");
    const char *text = NULL;
    gm_status status = origin != NULL ? gm_config_text(origin, &text, in->error) : GM_OK;
    if (status == GM_OK && origin != NULL && !gm_time_parse(gm_text_of(text), &plan->origin_ns)) {
        status =
            gm_error_at(in->error, GM_INVALID, origin->place,
                        "origin: expected a time such as 2026-01-31T00:00:00Z, got '%.60s'", text);
    }
    return status;
}

static gm_status read_commanded(const overlay *in, const gm_config *list)
{
    gm_status status = GM_OK;
    if (list != NULL) {
        status = gm_config_is(list, GM_CONFIG_LIST, "a list such as [pump/P1]", in->error);
    }
    for (size_t index = 0; list != NULL && index < list->count && status == GM_OK; index++) {
        overlay_element element;
        status = gm_overlay_find(in, &list->children[index], &element);
        if (status == GM_OK && !element.is_link) {
            status = gm_error_at(in->error, GM_INVALID, list->children[index].place,
                                 "a pipe, pump or valve can be commanded, a node cannot");
        }
        if (status == GM_OK) {
            in->plan->links[element.index].commanded = true;
        }
    }
    return status;
}

// ---- the whole ----

static gm_status lay_over(const overlay *in, const gm_config *config, bool from_file)
{
    const gm_config *removed = gm_config_get(config, "remove");
    gm_status status = read_patterns(in, gm_config_get(config, "patterns"));
    if (status == GM_OK) {
        status = read_options(in, gm_config_get(config, "options"), from_file);
    }
    if (status == GM_OK) {
        status = read_times(in, config);
    }
    if (status == GM_OK) {
        status = gm_overlay_elements(in, config);
    }
    if (status == GM_OK) {
        status = read_commanded(in, gm_config_get(config, "commanded"));
    }
    return status == GM_OK && removed != NULL ? gm_overlay_remove(in, removed) : status;
}

static gm_status read_plan(const gm_config *config, water_plan *plan, gm_error *error)
{
    const overlay in = { plan, error };
    const gm_config *file = gm_config_get(config, "network");
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, "a map of a water network", error);
    if (status == GM_OK) {
        status = gm_config_only(config, keys, error);
    }
    if (status != GM_OK) {
        return status;
    }
    if (file != NULL) {
        status = gm_water_inp_parse(file, plan, error);
        // from here on names are those of addresses
        status = status == GM_OK ? gm_water_plan_name(plan, error) : status;
    } else {
        plan->units = (water_units){ 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, true };
        plan->place = config->place;
    }
    if (status == GM_OK) {
        status = lay_over(&in, config, file != NULL);
    }
    if (status == GM_OK) {
        bool whole = gm_config_get(config, "remove") == NULL;
        status = gm_water_plan_check(plan, whole, error);
    }
    return status == GM_OK ? gm_water_plan_settle(plan, error) : status;
}

gm_status gm_water_plan_read(const gm_config *config, gm_model *model, gm_arena *arena,
                             water_plan **plan, gm_error *error)
{
    water_plan *read = gm_arena_new(arena, 1, sizeof *read);
    if (read == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the network");
    }
    gm_water_plan_default(read, arena, model);
    gm_status status = read_plan(config, read, error);
    if (status == GM_OK) {
        *plan = read;
    }
    return status;
}
