// Decisions to take a change into the model: which suspects may be, from which probability on, and
// how a decision gets into the journal and back.
//
//   suspects: { town/pipe/*/leak_area: {add: 5 cm2}, adopt: 90 % }    # true: 90 %
//
// An adoption record of the journal (codec/pack.h): version u16, time i64, id u64, since i64,
// probability f64, count u32, then for each place: address text, share, size and spread f64. It
// stands behind the mark of the cycle that ended at its time and is carried out by the one that
// starts there, at every run of that cycle.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "twin/suspects.h"

enum { DECISION_VERSION = 1, ADDRESS_SIZE = 512, PLACE_SIZE_LEAST = 28, DECISIONS_MADE = 16 };

static const double adopt_default = 0.9, adopt_least = 0.5;
static const struct timespec busy_pause = { .tv_nsec = 1000000 };

static const char no_memory[] = "no memory for suspects";

// ---- reading ----

static bool is_same(gm_ref a, gm_ref b)
{
    return gm_suspects_alike(a, b) && a.element == b.element;
}

/// Whether a change stays where it is put: nothing else writes the field, estimates it, or moves it
/// by itself.
static bool stays(const gm_world *world, gm_ref ref)
{
    gm_role role = gm_world_role(world, ref);
    bool free = role == GM_PARAMETER || role == GM_INPUT;
    for (size_t index = 0; free && index < world->estimate_count; index++) {
        free = !is_same(world->estimates[index].ref, ref);
    }
    for (size_t index = 0; free && index < world->driver_count; index++) {
        free = !is_same(world->drivers[index].ref, ref);
    }
    for (size_t index = 0; free && index < world->sensor_count; index++) {
        free = !world->sensors[index].is_driver || !is_same(world->sensors[index].ref, ref);
    }
    return free;
}

static uint64_t name_of(const gm_world *world, gm_ref ref)
{
    char address[ADDRESS_SIZE];
    size_t length = gm_world_address(world, ref, address, sizeof address);
    return gm_hash(address, length < sizeof address ? length : sizeof address - 1, 0);
}

static size_t place_of(const gm_suspects *suspects, uint64_t name)
{
    size_t low = 0, high = suspects->trial_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (suspects->trials[suspects->by_name[middle]].name < name) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t gm_suspects_named(const gm_suspects *suspects, uint64_t name)
{
    size_t place = place_of(suspects, name);
    bool there =
        place < suspects->trial_count && suspects->trials[suspects->by_name[place]].name == name;
    return there ? suspects->by_name[place] : GM_NO_INDEX;
}

/// Trials in the order of their names' hashes.
static void sort_names(const gm_world *world, gm_suspects *suspects)
{
    size_t count = suspects->trial_count;
    suspects->trial_count = 0;
    for (size_t index = 0; index < count; index++) {
        suspects->trials[index].name = name_of(world, suspects->trials[index].ref);
        size_t place = place_of(suspects, suspects->trials[index].name);
        memmove(suspects->by_name + place + 1, suspects->by_name + place,
                (suspects->trial_count++ - place) * sizeof *suspects->by_name);
        suspects->by_name[place] = (uint32_t)index;
    }
}

static gm_status read_threshold(const gm_config *config, double *from, gm_error *error)
{
    bool word = config->kind == GM_CONFIG_SCALAR && !config->quoted;
    if (word && strcmp(config->text, "true") == 0) {
        *from = adopt_default;
        return GM_OK;
    }
    if (word && strcmp(config->text, "false") == 0) {
        *from = gm_never_adopted;
        return GM_OK;
    }
    gm_quantity quantity = { .unit = "1", .min = adopt_least, .max = 1.0 };
    gm_status status = gm_config_number(config, quantity, from, error);
    return status == GM_OK
               ? GM_OK
               : gm_error_at(error, status, config->place,
                             "adopt: expected true, false or a probability of %g to 1, got '%.40s'",
                             adopt_least,
                             config->kind == GM_CONFIG_SCALAR ? config->text : "a map");
}

gm_status gm_adoption_open(gm_twin *twin, const gm_config *config, gm_error *error)
{
    gm_suspects *suspects = twin->suspects;
    const gm_config *adopt = gm_config_get(config, "adopt");
    suspects->adopt_from = gm_never_adopted;
    if (adopt == NULL) {
        return GM_OK;
    }
    size_t count = suspects->trial_count, adoptable = 0;
    suspects->by_name = gm_arena_new(twin->arena, count, sizeof *suspects->by_name);
    suspects->counts = gm_arena_new(twin->arena, count, sizeof *suspects->counts);
    suspects->decisions = gm_arena_new(twin->arena, DECISIONS_MAX, sizeof *suspects->decisions);
    if (suspects->by_name == NULL || suspects->counts == NULL || suspects->decisions == NULL) {
        return gm_error_set(error, GM_MEMORY, "%s", no_memory);
    }
    sort_names(twin->world, suspects);
    for (size_t index = 0; index < count; index++) {
        gm_suspect_trial *trial = &suspects->trials[index];
        trial->adoptable = stays(twin->world, trial->ref);
        adoptable += trial->adoptable;
    }
    gm_status status = read_threshold(adopt, &suspects->adopt_from, error);
    if (status == GM_OK && suspects->adopt_from <= 1.0 && adoptable == 0) {
        status = gm_error_at(error, GM_INVALID, adopt->place,
                             "adopt: sensors, drivers or estimates write every suspect: none of "
                             "them can be taken into the model");
    }
    return status;
}

// ---- decisions ----

/// Forgets decisions of cycles that no rewind comes by again.
static void forget_old(gm_twin *twin)
{
    gm_suspects *suspects = twin->suspects;
    int64_t oldest_ns = gm_window_at(&twin->window, 0)->held->time_ns;
    size_t gone = 0;
    while (gone < suspects->decision_count && suspects->decisions[gone].time_ns < oldest_ns) {
        gone++;
    }
    suspects->decision_count -= gone;
    memmove(suspects->decisions, suspects->decisions + gone,
            suspects->decision_count * sizeof *suspects->decisions);
}

static void pack_decision(const gm_twin *twin, const gm_decision *decision, gm_string *out)
{
    gm_pack_u16(out, DECISION_VERSION);
    gm_pack_i64(out, decision->time_ns);
    gm_pack_u64(out, decision->id);
    gm_pack_i64(out, decision->since_ns);
    gm_pack_f64(out, decision->probability);
    gm_pack_u32(out, (uint32_t)decision->count);
    for (size_t index = 0; index < decision->count; index++) {
        const gm_decided_place *place = &decision->places[index];
        char address[ADDRESS_SIZE];
        gm_world_address(twin->world, twin->suspects->trials[place->trial].ref, address,
                         sizeof address);
        gm_pack_text(out, gm_text_of(address));
        gm_pack_f64(out, place->share);
        gm_pack_f64(out, place->size);
        gm_pack_f64(out, place->spread);
    }
}

static gm_status journal_decision(gm_twin *twin, const gm_decision *decision)
{
    gm_string bytes = { 0 };
    pack_decision(twin, decision, &bytes);
    gm_status status = bytes.failed ? GM_MEMORY : GM_BUSY;
    while (status == GM_BUSY && !atomic_load(&twin->stopping)) {
        status =
            gm_journal_append(twin->journal, GM_JOURNAL_ADOPTION, bytes.data, bytes.size, NULL);
        if (status == GM_BUSY) {
            nanosleep(&busy_pause, NULL);
        }
    }
    gm_string_free(&bytes);
    return status;
}

bool gm_adoption_decide(gm_twin *twin, const gm_decision *decision)
{
    gm_suspects *suspects = twin->suspects;
    forget_old(twin);
    gm_status status = suspects->decision_count < DECISIONS_MADE ? GM_OK : GM_LIMIT;
    if (status == GM_OK && twin->journal != NULL) {
        status = journal_decision(twin, decision);
    }
    if (status != GM_OK) {
        gm_log_write(&twin->log, GM_LOG_WARNING, "twin",
                     "a change of the plant is not taken into the model: %s",
                     status == GM_LIMIT ? "too many were of late" : "the journal does not take it");
        return false;
    }
    suspects->decisions[suspects->decision_count++] = *decision;
    return true;
}

// ---- reading back ----

/// Places that the world file no longer has are left out.
static bool read_places(const gm_twin *twin, gm_unpack *in, gm_decision *decision)
{
    size_t count = gm_unpack_count(in, PLACE_SIZE_LEAST);
    double sum = 0.0;
    in->failed = in->failed || count > ADOPTED_PLACES;
    for (size_t index = 0; index < count && !in->failed; index++) {
        gm_text address = gm_unpack_text(in);
        gm_decided_place place = { .share = gm_unpack_f64(in),
                                   .size = gm_unpack_f64(in),
                                   .spread = gm_unpack_f64(in) };
        bool sane = place.share >= 0.0 && isfinite(place.share) && isfinite(place.size) &&
                    place.spread >= 0.0 && isfinite(place.spread);
        in->failed = in->failed || !sane;
        size_t trial =
            in->failed ? GM_NO_INDEX
                       : gm_suspects_named(twin->suspects, gm_hash(address.data, address.size, 0));
        if (trial != GM_NO_INDEX) {
            place.trial = (uint32_t)trial;
            sum += place.share;
            decision->places[decision->count++] = place;
        }
    }
    for (size_t index = 0; index < decision->count; index++) {
        decision->places[index].share /= sum;
    }
    return !in->failed;
}

gm_status gm_adoption_restore(gm_twin *twin, gm_text record, uint64_t number, gm_error *error)
{
    gm_suspects *suspects = twin->suspects;
    if (suspects == NULL || suspects->adopt_from > 1.0 || twin->state == NULL) {
        return GM_OK; // the world file no longer asks for it
    }
    gm_unpack in = gm_unpack_of(record.data, record.size);
    gm_decision decision = { 0 };
    bool read = gm_unpack_u16(&in) == DECISION_VERSION;
    decision.time_ns = gm_unpack_i64(&in);
    decision.id = gm_unpack_u64(&in);
    decision.since_ns = gm_unpack_i64(&in);
    decision.probability = gm_unpack_f64(&in);
    read = read_places(twin, &in, &decision) && read && gm_unpack_done(&in) && decision.id != 0;
    if (!read) {
        return gm_error_set(error, GM_CORRUPT, "journal record %llu: not as written",
                            (unsigned long long)number);
    }
    forget_old(twin);
    bool past = decision.time_ns < gm_window_at(&twin->window, 0)->held->time_ns;
    if (past || decision.count == 0) {
        return GM_OK; // the state knows of it
    }
    if (suspects->decision_count == DECISIONS_MAX) {
        return gm_error_set(error, GM_LIMIT, "journal record %llu: more changes than are taken in",
                            (unsigned long long)number);
    }
    gm_suspects_decided(twin, decision.id);
    suspects->decisions[suspects->decision_count++] = decision;
    return GM_OK;
}
