// Cases on disk: `suspects/ID` of the catalogue, ID the first event's, in 20 digits. It holds
// (codec/pack.h) version u16, start, raised, due and gap i64, events as count u32 and for each id
// u64 and the sensor's name; evaluated i64, samples u64, none f64, adopted u64, text, verdict,
// kind; suspects as count u32 and for each address, sensor, partner, kind, unit, size f64,
// probability f64, since i64.
//
// Open events of audits: `audits/ID`, as a replay does not raise them again. It holds version u16,
// id u64, start i64, raised i64, size f64, the sensor's name.
#include <stdio.h>
#include <string.h>

#include "twin/suspects.h"

enum { KEEP_VERSION = 3, KEY_SIZE = 64, SUSPECT_SIZE_LEAST = 44, EVENT_SIZE_LEAST = 12 };

enum { EVENT_VERSION = 1 };

static const char prefix[] = "suspects/", audit_prefix[] = "audits/";

static void key_of(char key[KEY_SIZE], const char *before, uint64_t event)
{
    snprintf(key, KEY_SIZE, "%s%020llu", before, (unsigned long long)event);
}

/// Puts a record in the catalogue and frees it.
static void put(gm_twin *twin, const char *before, uint64_t event, gm_string *bytes)
{
    char key[KEY_SIZE];
    gm_error error = { 0 };
    key_of(key, before, event);
    gm_status status = bytes->failed
                           ? gm_error_set(&error, GM_MEMORY, "no memory for it")
                           : gm_catalogue_put(twin->store, key, bytes->data, bytes->size, &error);
    if (status != GM_OK) {
        gm_log_write(&twin->log, GM_LOG_WARNING, "twin",
                     "what suspects were found will not survive a restart: %s", error.text);
    }
    gm_string_free(bytes);
}

static void pack_case(const gm_twin *twin, const gm_suspect_case *of, gm_string *out)
{
    const gm_suspicion *found = &of->found;
    gm_pack_u16(out, KEEP_VERSION);
    gm_pack_i64(out, of->start_ns);
    gm_pack_i64(out, of->raised_ns);
    gm_pack_i64(out, of->due_ns);
    gm_pack_i64(out, of->gap_ns);
    gm_pack_u32(out, (uint32_t)of->event_count);
    for (size_t index = 0; index < of->event_count; index++) {
        gm_pack_u64(out, of->events[index]);
        gm_pack_text(out, gm_text_of(twin->world->sensors[of->sensors[index]].name));
    }
    gm_pack_i64(out, found->evaluated_ns);
    gm_pack_u64(out, found->samples);
    gm_pack_f64(out, found->none);
    gm_pack_u64(out, of->adopted);
    gm_pack_text(out, gm_text_of(found->text));
    gm_pack_text(out, gm_text_of(found->verdict));
    gm_pack_text(out, gm_text_of(found->kind));
    gm_pack_u32(out, (uint32_t)found->count);
    for (size_t index = 0; index < found->count; index++) {
        const gm_suspect *suspect = &found->suspects[index];
        gm_pack_text(out, gm_text_of(suspect->address));
        gm_pack_text(out, gm_text_of(suspect->sensor));
        gm_pack_text(out, gm_text_of(suspect->partner));
        gm_pack_text(out, gm_text_of(suspect->kind));
        gm_pack_text(out, gm_text_of(suspect->unit));
        gm_pack_f64(out, suspect->size);
        gm_pack_f64(out, suspect->probability);
        gm_pack_i64(out, suspect->since_ns);
    }
}

void gm_suspects_keep(gm_twin *twin, const gm_suspect_case *of)
{
    if (twin->store == NULL) {
        return;
    }
    gm_string bytes = { 0 };
    pack_case(twin, of, &bytes);
    put(twin, prefix, of->events[0], &bytes);
}

void gm_suspects_forget(gm_twin *twin, const gm_suspect_case *of)
{
    if (twin->store != NULL) {
        char key[KEY_SIZE];
        key_of(key, prefix, of->events[0]);
        gm_catalogue_remove(twin->store, key, NULL);
    }
}

void gm_suspects_keep_event(gm_twin *twin, const gm_twin_event *event)
{
    if (twin->store == NULL) {
        return;
    }
    gm_string bytes = { 0 };
    gm_pack_u16(&bytes, EVENT_VERSION);
    gm_pack_u64(&bytes, event->id);
    gm_pack_i64(&bytes, event->start_ns);
    gm_pack_i64(&bytes, event->raised_ns);
    gm_pack_f64(&bytes, event->size);
    gm_pack_text(&bytes, gm_text_of(event->subject));
    put(twin, audit_prefix, event->id, &bytes);
}

void gm_suspects_forget_event(gm_twin *twin, uint64_t event)
{
    if (twin->store != NULL) {
        char key[KEY_SIZE];
        key_of(key, audit_prefix, event);
        gm_catalogue_remove(twin->store, key, NULL);
    }
}

// ---- reading back ----

static void take_text(char *to, size_t size, gm_unpack *in)
{
    gm_text text = gm_unpack_text(in);
    snprintf(to, size, "%.*s", (int)text.size, text.data != NULL ? text.data : "");
}

/// Events of sensors that the world file no longer has are left out.
static void take_events(const gm_twin *twin, gm_unpack *in, gm_suspect_case *of)
{
    size_t count = gm_unpack_count(in, EVENT_SIZE_LEAST);
    for (size_t index = 0; index < count && !in->failed; index++) {
        char name[GM_NAME_MAX + 1];
        uint64_t event = gm_unpack_u64(in);
        take_text(name, sizeof name, in);
        size_t sensor = gm_world_find_sensor(twin->world, name);
        if (sensor != GM_NO_INDEX && of->event_count < SUSPECT_MEMBERS) {
            of->group = twin->world->systems[twin->world->sensors[sensor].ref.system].group;
            of->events[of->event_count] = event;
            of->sensors[of->event_count++] = (uint32_t)sensor;
        }
    }
}

static void take_case(void *context, const char *key, const void *bytes, size_t size)
{
    const gm_twin *twin = context;
    gm_suspects *suspects = twin->suspects;
    if (suspects->case_count == SUSPECT_CASES) {
        return;
    }
    gm_suspect_case *of = &suspects->cases[suspects->case_count];
    *of = (gm_suspect_case){ 0 };
    gm_suspicion *found = &of->found;
    gm_unpack in = gm_unpack_of(bytes, size);
    bool known = gm_unpack_u16(&in) == KEEP_VERSION;
    of->start_ns = gm_unpack_i64(&in);
    of->raised_ns = gm_unpack_i64(&in);
    of->sharp_ns = of->start_ns;
    of->sharp_raised_ns = of->raised_ns;
    of->due_ns = gm_unpack_i64(&in);
    of->gap_ns = gm_unpack_i64(&in);
    take_events(twin, &in, of);
    found->evaluated_ns = gm_unpack_i64(&in);
    found->samples = gm_unpack_u64(&in);
    found->none = gm_unpack_f64(&in);
    of->adopted = gm_unpack_u64(&in);
    found->adopted = of->adopted != 0;
    take_text(found->text, sizeof found->text, &in);
    take_text(found->verdict, sizeof found->verdict, &in);
    take_text(found->kind, sizeof found->kind, &in);
    found->count = gm_unpack_count(&in, SUSPECT_SIZE_LEAST);
    in.failed = in.failed || found->count > GM_SUSPECT_ROWS;
    for (size_t index = 0; !in.failed && index < found->count; index++) {
        gm_suspect *suspect = &found->suspects[index];
        take_text(suspect->address, sizeof suspect->address, &in);
        take_text(suspect->sensor, sizeof suspect->sensor, &in);
        take_text(suspect->partner, sizeof suspect->partner, &in);
        take_text(suspect->kind, sizeof suspect->kind, &in);
        take_text(suspect->unit, sizeof suspect->unit, &in);
        suspect->size = gm_unpack_f64(&in);
        suspect->probability = gm_unpack_f64(&in);
        suspect->since_ns = gm_unpack_i64(&in);
    }
    known = known && of->gap_ns >= SUSPECT_GAP_CYCLES * twin->world->cycle_ns;
    if (known && gm_unpack_done(&in) && of->event_count > 0) {
        suspects->case_count++;
    } else {
        gm_log_write(&twin->log, GM_LOG_WARNING, "twin", "%s is left out: not as written", key);
    }
}

/// Events of sensors that the world file no longer has are left out.
static void take_audit(void *context, const char *key, const void *bytes, size_t size)
{
    gm_twin *twin = context;
    gm_unpack in = gm_unpack_of(bytes, size);
    bool known = gm_unpack_u16(&in) == EVENT_VERSION;
    gm_twin_event event = { .end_ns = INT64_MAX };
    event.id = gm_unpack_u64(&in);
    event.start_ns = gm_unpack_i64(&in);
    event.raised_ns = gm_unpack_i64(&in);
    event.size = gm_unpack_f64(&in);
    take_text(event.subject, sizeof event.subject, &in);
    size_t sensor = gm_world_find_sensor(twin->world, event.subject);
    if (!known || !gm_unpack_done(&in)) {
        gm_log_write(&twin->log, GM_LOG_WARNING, "twin", "%s is left out: not as written", key);
    } else if (sensor != GM_NO_INDEX && gm_suspects_can_witness(twin, sensor)) {
        twin->suspects->audit_events[sensor] = event.id;
        gm_monitor_disagree(twin, sensor, &event);
    }
}

void gm_suspects_restore_events(gm_twin *twin)
{
    gm_error error = { 0 };
    if (twin->store != NULL && twin->suspects != NULL &&
        gm_catalogue_list(twin->store, audit_prefix, take_audit, twin, &error) != GM_OK) {
        gm_log_write(&twin->log, GM_LOG_WARNING, "twin", "events of audits: %s", error.text);
    }
}

gm_status gm_suspects_load(gm_twin *twin, gm_error *error)
{
    return twin->store == NULL ? GM_OK
                               : gm_catalogue_list(twin->store, prefix, take_case, twin, error);
}
