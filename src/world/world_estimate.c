// `estimate:`, `record:`, `forecast:` and `replay:` -> lists of addresses with numbers.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "world/world_reader.h"

static const char *const estimate_keys[] = { "states",    "inputs", "parameters", "hypotheses",
                                             "inflation", "filter", "noise",      NULL };
static const char *const tuning_keys[] = { "spread", "drift", "within", "floor", NULL };
static const char *const forecast_keys[] = { "fields", "every", "at", NULL };
static const char *const replay_keys[] = { "time", "separator", NULL };
static const char *const time_keys[] = { "column", "unit", NULL };

enum { UNIT_MAX = 128 };

// ---- spreads and drifts ----

// A copy of a scalar with another text, for the parts of "5 %/day".
static gm_config part_of(const gm_config *config, const char *text)
{
    gm_config part = *config;
    part.text = text;
    return part;
}

gm_status gm_world_read_spread(const gm_config *config, const char *unit, double *spread,
                               bool *relative, gm_error *error)
{
    const char *text = NULL;
    gm_status status = gm_config_text(config, &text, error);
    if (status != GM_OK) {
        return status;
    }
    bool fraction = strchr(text, '%') != NULL;
    gm_quantity quantity = { .unit = fraction ? "1" : unit, .difference = true };
    double value = 0.0;
    status = gm_config_number(config, quantity, &value, error);
    if (status == GM_OK && value < 0.0) {
        status = gm_error_at(error, GM_INVALID, config->place,
                             "%s: expected a standard deviation, zero or more, got '%.40s'",
                             config->key != NULL ? config->key : "spread", text);
    }
    if (status == GM_OK) {
        *spread = value;
        *relative = fraction;
    }
    return status;
}

// "5 %/day": after one day the standard deviation is 5 %; drift is that over the square root of a
// day.
gm_status gm_world_read_drift(const gm_config *config, const char *unit, double *drift,
                              bool *relative, gm_error *error)
{
    const char *text = NULL;
    gm_status status = gm_config_text(config, &text, error);
    if (status != GM_OK) {
        return status;
    }
    const char *slash = strrchr(text, '/');
    size_t size = slash != NULL ? (size_t)(slash - text) : 0;
    if (slash == NULL || size >= UNIT_MAX || strlen(slash + 1) >= UNIT_MAX - 2) {
        return gm_error_at(error, GM_INVALID, config->place,
                           "drift: expected such as '5 %%/day' or '0.1 K/h', got '%.40s'", text);
    }
    char amount[UNIT_MAX] = { 0 }, time[UNIT_MAX] = "1 ";
    memcpy(amount, text, size);
    memcpy(time + 2, slash + 1, strlen(slash + 1) + 1);
    gm_config part = part_of(config, amount);
    double value = 0.0;
    bool fraction = false;
    int64_t time_ns = 0;
    status = gm_world_read_spread(&part, unit, &value, &fraction, error);
    if (status == GM_OK) {
        part = part_of(config, time);
        status = gm_world_read_span(&part, &time_ns, error);
    }
    if (status == GM_OK) {
        *drift = value / sqrt((double)time_ns / (double)GM_SECOND_NS);
        *relative = fraction;
    }
    return status;
}

// ---- estimate ----

// Estimates under way: later entries for the same address replace earlier ones.
typedef struct estimate_list {
    gm_world_estimate *items;
    size_t count, capacity;
} estimate_list;

// "within: [0, 1]": bounds that hold the initial value between them.
static gm_status read_bounds(const gm_world *world, const gm_config *bounds,
                             gm_world_estimate *estimate, gm_error *error)
{
    const gm_quantity quantity = { .unit = gm_world_field(world, estimate->ref)->unit };
    gm_status status = gm_config_is(bounds, GM_CONFIG_LIST, "a list [low, high]", error);
    if (status == GM_OK && bounds->count != 2) {
        status = gm_error_at(error, GM_INVALID, bounds->place,
                             "within: expected [low, high], got %zu values", bounds->count);
    }
    double ends[2] = { 0.0, 0.0 };
    for (size_t index = 0; index < 2 && status == GM_OK; index++) {
        status = gm_config_number(&bounds->children[index], quantity, &ends[index], error);
    }
    if (status != GM_OK) {
        return status;
    }
    const gm_ref ref = estimate->ref;
    double initial = gm_model_initial_at(world->systems[ref.system].model, ref.class_number,
                                         ref.field, ref.element);
    if (!(ends[0] < initial && initial < ends[1])) {
        return gm_error_at(error, GM_INVALID, bounds->place,
                           "within: the value starts at %g %s, which is not between '%.40s' and "
                           "'%.40s'",
                           initial, quantity.unit, bounds->children[0].text,
                           bounds->children[1].text);
    }
    estimate->bounded = true;
    estimate->low = ends[0];
    estimate->high = ends[1];
    return GM_OK;
}

// "floor: 0.01 K": the least standard deviation, relative where the spread is.
static gm_status read_floor(const gm_config *floor, const char *unit, gm_world_estimate *estimate,
                            gm_error *error)
{
    bool relative = false;
    double size = 0.0;
    gm_status status = gm_world_read_spread(floor, unit, &size, &relative, error);
    if (status == GM_OK && relative != estimate->spread_relative) {
        status =
            gm_error_at(error, GM_INVALID, floor->place, "floor: expected %s, as the spread is",
                        relative ? "in the field's unit" : "in percent");
    }
    if (status == GM_OK) {
        estimate->floor = size;
    }
    return status;
}

static gm_status read_tuning(const gm_world *world, const gm_config *tuning,
                             gm_world_estimate *estimate, gm_error *error)
{
    const char *unit = gm_world_field(world, estimate->ref)->unit;
    estimate->spread = NAN;
    if (tuning == NULL) {
        return GM_OK;
    }
    gm_status status = gm_config_is(tuning, GM_CONFIG_MAP,
                                    "a map with `spread`, `drift`, `within`, `floor`", error);
    if (status == GM_OK) {
        status = gm_config_only(tuning, tuning_keys, error);
    }
    const gm_config *spread = gm_config_get(tuning, "spread"),
                    *drift = gm_config_get(tuning, "drift");
    if (status == GM_OK && spread == NULL && estimate->kind == GM_ESTIMATE_PARAMETER) {
        status = gm_config_need(tuning, "spread", &spread, error);
    }
    if (status == GM_OK && drift == NULL && estimate->kind == GM_ESTIMATE_INPUT) {
        status = gm_config_need(tuning, "drift", &drift, error);
    }
    if (status == GM_OK && spread != NULL) {
        status = gm_world_read_spread(spread, unit, &estimate->spread, &estimate->spread_relative,
                                      error);
    }
    if (status == GM_OK && drift != NULL) {
        status =
            gm_world_read_drift(drift, unit, &estimate->drift, &estimate->drift_relative, error);
    }
    if (status == GM_OK && gm_config_get(tuning, "within") != NULL) {
        status = read_bounds(world, gm_config_get(tuning, "within"), estimate, error);
    }
    if (status == GM_OK && gm_config_get(tuning, "floor") != NULL) {
        status = read_floor(gm_config_get(tuning, "floor"), unit, estimate, error);
    }
    return status;
}

// What to estimate: a pattern and where it stands.
typedef struct wish {
    const char *pattern;
    gm_place place;
    const gm_config *tuning; // NULL: as the twin sees fit
    gm_estimate_kind kind;
} wish;

static const gm_role roles[] = { [GM_ESTIMATE_STATE] = GM_STATE,
                                 [GM_ESTIMATE_INPUT] = GM_INPUT,
                                 [GM_ESTIMATE_PARAMETER] = GM_PARAMETER };
static const char *const nouns[] = { [GM_ESTIMATE_STATE] = "a state",
                                     [GM_ESTIMATE_INPUT] = "an input",
                                     [GM_ESTIMATE_PARAMETER] = "a parameter" };

static gm_status add_wish(const gm_world *world, const wish *wanted, estimate_list *list,
                          gm_error *error)
{
    gm_ref *refs = NULL;
    size_t count = 0, added = 0;
    gm_role role = roles[wanted->kind];
    gm_status status = gm_world_find(world, wanted->pattern, wanted->place, &refs, &count, error);
    for (size_t at = 0; at < count && status == GM_OK; at++) {
        if (gm_world_role(world, refs[at]) != role) {
            if (!gm_world_is_pattern(wanted->pattern)) {
                status =
                    gm_world_wrong_role(world, refs[at], wanted->place, nouns[wanted->kind], error);
            }
            continue;
        }
        gm_world_estimate estimate = {
            .ref = refs[at], .kind = wanted->kind, .unknown = GM_NO_INDEX, .place = wanted->place
        };
        status = read_tuning(world, wanted->tuning, &estimate, error);
        gm_world_estimate *grown =
            gm_memory_grow(list->items, &list->capacity, list->count + 1, sizeof *grown);
        if (grown == NULL) {
            status = gm_world_no_memory(error);
            break;
        }
        list->items = grown;
        list->items[list->count++] = estimate;
        added++;
    }
    gm_memory_free(refs);
    if (status == GM_OK && added == 0) {
        status = gm_error_at(error, GM_INVALID, wanted->place, "'%.80s' matches no %s",
                             wanted->pattern, gm_role_name(role));
    }
    return status;
}

static gm_status read_wishes(const gm_world *world, const gm_config *config, gm_estimate_kind kind,
                             estimate_list *list, gm_error *error)
{
    if (config == NULL) {
        return GM_OK;
    }
    bool listed = kind == GM_ESTIMATE_STATE, plain = config->kind == GM_CONFIG_LIST && listed;
    gm_status status =
        plain ? GM_OK
              : gm_config_is(config, GM_CONFIG_MAP,
                             listed ? "a list or map of addresses" : "a map of addresses", error);
    for (size_t index = 0; index < config->count && status == GM_OK; index++) {
        const gm_config *child = &config->children[index];
        wish wanted = { .pattern = child->key,
                        .place = plain ? child->place : child->key_place,
                        .tuning = plain ? NULL : child,
                        .kind = kind };
        if (plain) {
            status = gm_config_text(child, &wanted.pattern, error);
        }
        if (status == GM_OK) {
            status = add_wish(world, &wanted, list, error);
        }
    }
    return status;
}

// By kind and address; among equals the place decides, and it is unique within the file.
static int compare_estimates(const void *a, const void *b)
{
    const gm_world_estimate *one = a, *other = b;
    if (one->kind != other->kind) {
        return one->kind < other->kind ? -1 : 1;
    }
    int order = gm_world_compare_refs(&one->ref, &other->ref);
    if (order != 0) {
        return order;
    }
    if (one->place.line != other->place.line) {
        return one->place.line < other->place.line ? -1 : 1;
    }
    return (one->place.column > other->place.column) - (one->place.column < other->place.column);
}

static size_t keep_last_estimates(gm_world_estimate *items, size_t count)
{
    if (count > 1) {
        qsort(items, count, sizeof *items, compare_estimates);
    }
    size_t kept = 0;
    for (size_t index = 0; index < count; index++) {
        bool again = index + 1 < count &&
                     gm_world_compare_refs(&items[index].ref, &items[index + 1].ref) == 0;
        if (!again) {
            items[kept++] = items[index];
        }
    }
    return kept;
}

// "hypotheses: [as known, drifting, unknown input]": at least two different ones.
static gm_status read_hypotheses(gm_world *world, const gm_config *config, gm_error *error)
{
    gm_status status = gm_config_is(config, GM_CONFIG_LIST, "a list of hypotheses", error);
    const char *words[GM_HYPOTHESES + 1] = { NULL };
    for (gm_hypothesis each = 0; each < GM_HYPOTHESES; each++) {
        words[each] = gm_hypothesis_name(each);
    }
    if (status == GM_OK && (config->count < 2 || config->count > GM_HYPOTHESES)) {
        status = gm_error_at(error, GM_INVALID, config->place,
                             "hypotheses: expected 2 to %d that run side by side, got %zu",
                             GM_HYPOTHESES, config->count);
    }
    for (size_t index = 0; index < config->count && status == GM_OK; index++) {
        size_t choice = 0;
        status = gm_config_choice(&config->children[index], words, &choice, error);
        for (size_t before = 0; status == GM_OK && before < index; before++) {
            if (world->hypotheses[before] == (gm_hypothesis)choice) {
                status = gm_error_at(error, GM_INVALID, config->children[index].place,
                                     "hypotheses: '%s' stands there twice", words[choice]);
            }
        }
        world->hypotheses[index] = (gm_hypothesis)choice;
    }
    world->hypothesis_count = status == GM_OK ? config->count : 1;
    return status;
}

// A hypothesis that lets move what is not declared would be the same as another.
static gm_status check_hypotheses(const gm_world *world, const gm_config *config, gm_error *error)
{
    bool declared[GM_ESTIMATE_PARAMETER + 1] = { false };
    for (size_t index = 0; index < world->estimate_count; index++) {
        declared[world->estimates[index].kind] = true;
    }
    for (size_t index = 0; index < world->hypothesis_count; index++) {
        gm_hypothesis hypothesis = world->hypotheses[index];
        bool parameters = gm_hypothesis_moves(hypothesis, GM_ESTIMATE_PARAMETER);
        bool inputs = gm_hypothesis_moves(hypothesis, GM_ESTIMATE_INPUT);
        if ((parameters && !declared[GM_ESTIMATE_PARAMETER]) ||
            (inputs && !declared[GM_ESTIMATE_INPUT])) {
            return gm_error_at(
                error, GM_INVALID, config->children[index].place,
                "hypotheses: '%s' needs `estimate: %s`", gm_hypothesis_name(hypothesis),
                parameters && !declared[GM_ESTIMATE_PARAMETER] ? "parameters" : "inputs");
        }
    }
    return GM_OK;
}

static gm_status read_estimates(const gm_world *world, const gm_config *config, estimate_list *list,
                                gm_error *error)
{
    gm_status status = gm_config_is(config, GM_CONFIG_MAP,
                                    "a map with `states`, `inputs` and `parameters`", error);
    if (status == GM_OK) {
        status = gm_config_only(config, estimate_keys, error);
    }
    if (status == GM_OK) {
        status =
            read_wishes(world, gm_config_get(config, "states"), GM_ESTIMATE_STATE, list, error);
    }
    if (status == GM_OK) {
        status =
            read_wishes(world, gm_config_get(config, "inputs"), GM_ESTIMATE_INPUT, list, error);
    }
    if (status == GM_OK) {
        status = read_wishes(world, gm_config_get(config, "parameters"), GM_ESTIMATE_PARAMETER,
                             list, error);
    }
    return status;
}

gm_status gm_world_read_estimate(gm_world_reader *reader, const gm_config *config, gm_error *error)
{
    gm_world *world = reader->world;
    world->hypothesis_count = 1;
    if (config == NULL) {
        return GM_OK;
    }
    estimate_list list = { 0 };
    gm_status status = read_estimates(world, config, &list, error);
    if (status == GM_OK) {
        status = gm_world_read_filters(reader, config, error);
    }
    if (status != GM_OK) {
        gm_memory_free(list.items);
        return status;
    }
    world->estimates = list.items;
    world->estimate_count = keep_last_estimates(list.items, list.count);
    for (size_t index = 0; index < world->estimate_count; index++) {
        if (world->estimates[index].kind == GM_ESTIMATE_INPUT) {
            world->estimates[index].unknown = world->unknown_count++;
        }
    }
    const gm_config *hypotheses = gm_config_get(config, "hypotheses");
    if (hypotheses != NULL) {
        status = read_hypotheses(world, hypotheses, error);
    }
    return status == GM_OK && hypotheses != NULL ? check_hypotheses(world, hypotheses, error)
                                                 : status;
}

// ---- record ----

// One match, with the number of its pattern, so that a later pattern replaces an earlier one.
typedef struct numbered_record {
    gm_ref ref;
    size_t number;
    int64_t every_ns;
} numbered_record;

static int compare_records(const void *a, const void *b)
{
    const numbered_record *one = a, *other = b;
    int order = gm_world_compare_refs(&one->ref, &other->ref);
    return order != 0 ? order : (one->number > other->number) - (one->number < other->number);
}

typedef struct record_list {
    numbered_record *items;
    size_t count, capacity;
} record_list;

static gm_status add_records(const gm_world *world, const gm_config *child, size_t number,
                             record_list *list, gm_error *error)
{
    int64_t every_ns = 0;
    gm_ref *refs = NULL;
    size_t count = 0;
    gm_status status = gm_world_read_span(child, &every_ns, error);
    if (status == GM_OK) {
        status = gm_world_find(world, child->key, child->key_place, &refs, &count, error);
    }
    if (status == GM_OK) {
        numbered_record *grown =
            gm_memory_grow(list->items, &list->capacity, list->count + count, sizeof *grown);
        if (grown == NULL) {
            status = gm_world_no_memory(error);
        } else {
            list->items = grown;
        }
    }
    for (size_t at = 0; status == GM_OK && at < count; at++) {
        list->items[list->count++] = (numbered_record){ refs[at], number, every_ns };
    }
    gm_memory_free(refs);
    return status;
}

gm_status gm_world_read_record(gm_world_reader *reader, const gm_config *config, gm_error *error)
{
    gm_world *world = reader->world;
    if (config == NULL) {
        return GM_OK;
    }
    record_list list = { 0 };
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, "a map of `address: every`", error);
    for (size_t index = 0; status == GM_OK && index < config->count; index++) {
        gm_error why = { 0 };
        status = add_records(world, &config->children[index], index, &list, &why);
        status = gm_reader_forgive(reader, status, &why, error);
    }
    if (status == GM_OK && list.count > 0) {
        qsort(list.items, list.count, sizeof *list.items, compare_records);
        world->records = gm_memory_new(list.count, sizeof *world->records);
        status = world->records == NULL ? gm_world_no_memory(error) : GM_OK;
    }
    for (size_t index = 0; status == GM_OK && index < list.count; index++) {
        const numbered_record *item = &list.items[index];
        bool again = index + 1 < list.count && gm_world_compare_refs(item, item + 1) == 0;
        if (!again) {
            world->records[world->record_count++] = (gm_world_record){ item->ref, item->every_ns };
        }
    }
    gm_memory_free(list.items);
    return status;
}

// ---- forecast ----

static int compare_leads(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

static gm_status read_leads(gm_world_forecast *forecast, const gm_config *config, gm_error *error)
{
    gm_status status =
        gm_config_is(config, GM_CONFIG_LIST, "a list of durations such as [1 min, 10 min]", error);
    if (status == GM_OK && (config->count == 0 || config->count > GM_WORLD_LEADS_MAX)) {
        status =
            gm_error_at(error, GM_INVALID, config->place, "at: expected 1 to %d durations, got %zu",
                        GM_WORLD_LEADS_MAX, config->count);
    }
    if (status != GM_OK) {
        return status;
    }
    forecast->leads_ns = gm_memory_new(config->count, sizeof *forecast->leads_ns);
    if (forecast->leads_ns == NULL) {
        return gm_world_no_memory(error);
    }
    for (size_t index = 0; index < config->count && status == GM_OK; index++) {
        status = gm_world_read_span(&config->children[index], &forecast->leads_ns[index], error);
    }
    if (status != GM_OK) {
        return status;
    }
    qsort(forecast->leads_ns, config->count, sizeof *forecast->leads_ns, compare_leads);
    for (size_t index = 0; index < config->count; index++) {
        int64_t lead = forecast->leads_ns[index];
        if (index == 0 || lead != forecast->leads_ns[forecast->lead_count - 1]) {
            forecast->leads_ns[forecast->lead_count++] = lead;
        }
    }
    return GM_OK;
}

static gm_status read_fields(gm_world *world, const gm_config *config, gm_error *error)
{
    gm_world_forecast *forecast = &world->forecast;
    gm_status status = gm_config_is(config, GM_CONFIG_LIST, "a list of addresses", error);
    if (status == GM_OK && config->count == 0) {
        status = gm_error_at(error, GM_INVALID, config->place, "fields: expected an address");
    }
    size_t capacity = 0, kept = 0;
    for (size_t index = 0; status == GM_OK && index < config->count; index++) {
        const char *pattern = NULL;
        gm_ref *refs = NULL;
        size_t count = 0;
        status = gm_config_text(&config->children[index], &pattern, error);
        if (status == GM_OK) {
            status =
                gm_world_find(world, pattern, config->children[index].place, &refs, &count, error);
        }
        gm_ref *grown = status == GM_OK ? gm_memory_grow(forecast->refs, &capacity,
                                                         forecast->ref_count + count, sizeof *grown)
                                        : NULL;
        if (grown != NULL) {
            memcpy(grown + forecast->ref_count, refs, count * sizeof *refs);
            forecast->refs = grown;
            forecast->ref_count += count;
        } else if (status == GM_OK) {
            status = gm_world_no_memory(error);
        }
        gm_memory_free(refs);
    }
    if (status != GM_OK) {
        return status;
    }
    qsort(forecast->refs, forecast->ref_count, sizeof *forecast->refs, gm_world_compare_refs);
    for (size_t index = 0; index < forecast->ref_count; index++) {
        if (index == 0 ||
            gm_world_compare_refs(&forecast->refs[kept - 1], &forecast->refs[index]) != 0) {
            forecast->refs[kept++] = forecast->refs[index];
        }
    }
    forecast->ref_count = kept;
    return GM_OK;
}

gm_status gm_world_read_forecast(gm_world_reader *reader, const gm_config *config, gm_error *error)
{
    gm_world *world = reader->world;
    if (config == NULL) {
        return GM_OK;
    }
    const gm_config *fields = NULL, *every = gm_config_get(config, "every"), *leads = NULL;
    gm_status status =
        gm_config_is(config, GM_CONFIG_MAP, "a map with `fields`, `every` and `at`", error);
    if (status == GM_OK) {
        status = gm_config_only(config, forecast_keys, error);
    }
    if (status == GM_OK) {
        status = gm_config_need(config, "fields", &fields, error);
    }
    if (status == GM_OK) {
        status = gm_config_need(config, "at", &leads, error);
    }
    if (status == GM_OK) {
        status = read_fields(world, fields, error);
    }
    if (status == GM_OK) {
        status = read_leads(&world->forecast, leads, error);
    }
    int64_t every_ns = world->cycle_ns;
    if (status == GM_OK && every != NULL) {
        status = gm_world_read_span(every, &every_ns, error);
    }
    if (status == GM_OK) {
        world->forecast.every_ns = every_ns;
    }
    return status;
}

// ---- replay ----

static gm_status read_separator(gm_world *world, const gm_config *config, gm_error *error)
{
    static const char *const words[] = { ",", ";", "tab", "\t", NULL };
    static const char separators[] = { ',', ';', '\t', '\t' };
    size_t choice = 0;
    gm_status status = gm_config_choice(config, words, &choice, error);
    if (status == GM_OK) {
        world->replay.separator = separators[choice];
    }
    return status;
}

gm_status gm_world_read_replay(gm_world_reader *reader, const gm_config *config, gm_error *error)
{
    static const char *const units[] = { "ns", "ms", "s", "iso", NULL };
    static const gm_time_unit unit_of[] = { GM_TIME_NS, GM_TIME_MS, GM_TIME_S, GM_TIME_ISO };
    gm_world *world = reader->world;
    world->replay = (gm_world_replay){ .time_column = "time", .separator = ',' };
    if (config == NULL) {
        return GM_OK;
    }
    const gm_config *time = NULL, *column = NULL, *unit = NULL,
                    *separator = gm_config_get(config, "separator");
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, "a map with `time`", error);
    if (status == GM_OK) {
        status = gm_config_only(config, replay_keys, error);
    }
    if (status == GM_OK) {
        status = gm_config_need(config, "time", &time, error);
    }
    if (status == GM_OK) {
        status = gm_config_is(time, GM_CONFIG_MAP, "a map with `column` and `unit`", error);
    }
    if (status == GM_OK) {
        status = gm_config_only(time, time_keys, error);
    }
    column = gm_config_get(time, "column");
    if (status == GM_OK && column != NULL) {
        status = gm_config_text(column, &world->replay.time_column, error);
    }
    size_t choice = 0;
    if (status == GM_OK) {
        status = gm_config_need(time, "unit", &unit, error);
    }
    if (status == GM_OK) {
        status = gm_config_choice(unit, units, &choice, error);
    }
    if (status == GM_OK && separator != NULL) {
        status = read_separator(world, separator, error);
    }
    world->replay.unit = unit_of[choice];
    return status;
}
