// Messages that arrive: see mqtt_inbox.h.
#include "codec/mqtt_inbox.h"

#include <string.h>

#include "base/arena.h"
#include "base/require.h"

enum { ID_COUNT = 65536, BITS = 64 };

static bool is_in_flight(const gm_mqtt_inbox *inbox, uint16_t id)
{
    return (inbox->in_flight[id / BITS] >> id % BITS & 1) != 0;
}

static void flip_in_flight(gm_mqtt_inbox *inbox, uint16_t id)
{
    inbox->in_flight[id / BITS] ^= UINT64_C(1) << id % BITS;
}

static gm_mqtt_reply refuse(uint8_t reason, const char *why)
{
    return (gm_mqtt_reply){ .action = GM_MQTT_CLOSE, .reason = reason, .why = why };
}

gm_status gm_mqtt_inbox_open(gm_mqtt_inbox *inbox, uint16_t receive_maximum, uint16_t alias_maximum,
                             gm_error *error)
{
    GM_REQUIRE(receive_maximum >= 1);
    gm_mqtt_inbox made = {
        .capacity = receive_maximum,
        .ids = gm_memory_new(receive_maximum, sizeof *made.ids),
        .reasons = gm_memory_new(receive_maximum, sizeof *made.reasons),
        .in_flight = gm_memory_new(ID_COUNT / BITS, sizeof *made.in_flight),
        .aliases = gm_memory_new(alias_maximum + (size_t)1, sizeof *made.aliases),
        .alias_count = alias_maximum,
    };
    if (made.ids == NULL || made.reasons == NULL || made.in_flight == NULL ||
        made.aliases == NULL) {
        gm_mqtt_inbox_close(&made);
        return gm_error_set(error, GM_MEMORY, "no memory for an MQTT connection");
    }
    *inbox = made;
    return GM_OK;
}

void gm_mqtt_inbox_close(gm_mqtt_inbox *inbox)
{
    for (size_t index = 0; inbox->aliases != NULL && index < inbox->alias_count; index++) {
        gm_string_free(&inbox->aliases[index]);
    }
    gm_memory_free(inbox->ids);
    gm_memory_free(inbox->reasons);
    gm_memory_free(inbox->in_flight);
    gm_memory_free(inbox->aliases);
    *inbox = (gm_mqtt_inbox){ 0 };
}

void gm_mqtt_inbox_forget(gm_mqtt_inbox *inbox)
{
    inbox->settled += inbox->count;
    inbox->first = inbox->count = 0;
    memset(inbox->in_flight, 0, ID_COUNT / BITS * sizeof *inbox->in_flight);
    for (size_t index = 0; index < inbox->alias_count; index++) {
        inbox->aliases[index].size = 0;
    }
}

bool gm_mqtt_inbox_full(const gm_mqtt_inbox *inbox)
{
    return inbox->count == inbox->capacity;
}

/// The topic of a PUBLISH with an alias, which it may set.
static gm_mqtt_reply resolve_alias(gm_mqtt_inbox *inbox, const gm_mqtt_publish *publish)
{
    gm_text topic = publish->topic;
    if (publish->alias > inbox->alias_count) {
        return refuse(GM_MQTT_BAD_ALIAS, "a topic alias is higher than was offered");
    }
    gm_string *known = &inbox->aliases[publish->alias - 1];
    if (topic.size == 0) {
        if (known->size == 0) {
            return refuse(GM_MQTT_PROTOCOL_ERROR, "a topic alias was never set");
        }
        topic = (gm_text){ known->data, known->size };
    } else if (known->size != topic.size || memcmp(known->data, topic.data, topic.size) != 0) {
        known->size = 0;
        gm_string_add(known, topic.data, topic.size);
        if (known->failed) {
            *known = (gm_string){ .data = known->data, .capacity = known->capacity };
            return refuse(GM_MQTT_QUOTA, "no memory for a topic alias");
        }
    }
    return (gm_mqtt_reply){ .action = GM_MQTT_DELIVER, .topic = topic };
}

gm_mqtt_reply gm_mqtt_inbox_take(gm_mqtt_inbox *inbox, gm_mqtt_version version,
                                 const gm_mqtt_publish *publish)
{
    GM_REQUIRE(publish->qos <= 1);
    gm_mqtt_reply reply = { .action = GM_MQTT_DELIVER, .topic = publish->topic };
    if (publish->alias > 0) {
        reply = resolve_alias(inbox, publish);
    }
    if (publish->qos == 0 || reply.action == GM_MQTT_CLOSE) {
        return reply;
    }
    if (is_in_flight(inbox, publish->id)) {
        if (version == GM_MQTT_3_1_1 && publish->duplicate) { // impatient: its PUBACK is to come
            return (gm_mqtt_reply){ .action = GM_MQTT_NOTHING };
        }
        return refuse(GM_MQTT_PROTOCOL_ERROR, "a packet identifier is still in use");
    }
    if (gm_mqtt_inbox_full(inbox)) {
        return refuse(GM_MQTT_TOO_MANY_IN_FLIGHT, "more messages in flight than was offered");
    }
    size_t at = inbox->first + inbox->count;
    at -= at >= inbox->capacity ? inbox->capacity : 0;
    inbox->ids[at] = publish->id;
    inbox->reasons[at] = GM_MQTT_SUCCESS;
    inbox->count++;
    flip_in_flight(inbox, publish->id);
    reply.ticket = inbox->settled + inbox->count;
    return reply;
}

void gm_mqtt_inbox_refuse(gm_mqtt_inbox *inbox, uint64_t ticket, uint8_t reason)
{
    GM_REQUIRE(gm_mqtt_reason_fits(reason, GM_MQTT_PUBACK, GM_MQTT_SERVER));
    if (ticket > inbox->settled && ticket - inbox->settled <= inbox->count) {
        size_t at = inbox->first + (size_t)(ticket - inbox->settled) - 1;
        at -= at >= inbox->capacity ? inbox->capacity : 0;
        inbox->reasons[at] = reason;
    }
}

size_t gm_mqtt_inbox_settle(gm_mqtt_inbox *inbox, gm_mqtt_version version, uint64_t ticket,
                            gm_string *out)
{
    if (ticket <= inbox->settled) {
        return 0;
    }
    GM_REQUIRE(ticket - inbox->settled <= inbox->count); // nobody commits what was not delivered
    size_t count = (size_t)(ticket - inbox->settled);
    for (size_t left = count; left > 0;) { // twice where the ring wraps
        size_t straight = inbox->capacity - inbox->first;
        size_t run = left < straight ? left : straight;
        const uint16_t *ids = inbox->ids + inbox->first;
        gm_mqtt_pubacks_write(out, version, ids, inbox->reasons + inbox->first, run);
        for (size_t index = 0; index < run; index++) {
            flip_in_flight(inbox, ids[index]);
        }
        inbox->first = run == straight ? 0 : inbox->first + run;
        left -= run;
    }
    inbox->count -= count;
    inbox->settled = ticket;
    return count;
}
