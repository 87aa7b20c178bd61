// The server's side of a connection: see mqtt_session.h.
#include "codec/mqtt_session.h"

#include <string.h>

#include "base/arena.h"
#include "base/require.h"

static const int64_t second_ns = INT64_C(1000000000);

typedef enum session_stage { FRESH = 1, DECIDING, OPEN, OVER } session_stage;

struct gm_mqtt_session {
    gm_mqtt_server server;
    session_stage stage;
    gm_mqtt_version version; // 0 before a CONNECT
    gm_mqtt_inbox inbox;
    int64_t begun_ns, heard_ns;
    uint16_t keep_alive_s; // in force; 0: none
    bool keep_alive_told;  // shorter than the client asked for
    bool clean_start, unnamed;
    bool says_why;            // the client wants reason strings
    uint32_t expiry_asked_s;  // by the CONNECT
    uint32_t expiry_s;        // in force
    uint32_t packet_size_max; // of what the client takes
    bool has_will;
    uint32_t will_delay_s;
    gm_mqtt_will will;      // its texts lie in will_bytes
    gm_string will_bytes;   // topic, payload, properties
    gm_string answer_bytes; // of an answer in the making
};

gm_mqtt_server gm_default_mqtt_server(void)
{
    return (gm_mqtt_server){ .receive_maximum = 1024,
                             .alias_maximum = 32,
                             .keep_alive_max_s = 3600,
                             .packet_size_max = 1 << 20,
                             .session_expiry_max_s = 7 * 24 * 3600,
                             .connect_within_ns = 10 * second_ns };
}

static gm_mqtt_reply nothing(void)
{
    return (gm_mqtt_reply){ .action = GM_MQTT_NOTHING };
}

/// Appends a packet, unless the client takes none of its size.
static bool send_packet(const gm_mqtt_session *session, gm_mqtt_version version,
                        const gm_mqtt_packet *packet, gm_string *out)
{
    size_t before = out->size;
    gm_mqtt_packet_write(out, version, packet);
    if (!out->failed && out->size - before > session->packet_size_max) {
        out->size = before;
        return false;
    }
    return true;
}

/// Sends a CONNACK that refuses, as far as the client's version has one.
static void send_refusal(gm_mqtt_session *session, uint8_t level, uint8_t reason, gm_string *out)
{
    // a later version is told in the latest that is known; mosquitto's bridges first try their
    // level with the highest bit set, and without it when that is refused
    bool new = (level & 0x7F) >= GM_MQTT_5;
    if (level == 0 || !gm_mqtt_reason_fits(reason, GM_MQTT_CONNACK, GM_MQTT_SERVER) ||
        (!new &&gm_mqtt_old_code(reason) < 0)) {
        return;
    }
    gm_mqtt_packet connack = { .type = GM_MQTT_CONNACK, .connack = { .reason = reason } };
    send_packet(session, new ? GM_MQTT_5 : GM_MQTT_3_1_1, &connack, out);
}

/// Sends a DISCONNECT, which 3.1.1 does not have, with the reason in words where wanted.
static void send_disconnect(gm_mqtt_session *session, uint8_t reason, const char *why,
                            gm_string *out)
{
    if (session->version != GM_MQTT_5 ||
        !gm_mqtt_reason_fits(reason, GM_MQTT_DISCONNECT, GM_MQTT_SERVER)) {
        return;
    }
    gm_mqtt_packet packet = { .type = GM_MQTT_DISCONNECT, .notice = { .reason = reason } };
    gm_string *words = &session->answer_bytes;
    words->size = 0;
    if (session->says_why && why != NULL) {
        gm_mqtt_property_put_text(words, GM_MQTT_REASON_STRING, gm_text_of(why));
        packet.notice.properties.raw = (gm_text){ words->data, words->size };
    }
    if (words->failed || !send_packet(session, GM_MQTT_5, &packet, out)) {
        packet.notice.properties.raw = (gm_text){ 0 };
        send_packet(session, GM_MQTT_5, &packet, out);
    }
}

/// Ends the connection because of `reason`.
static gm_mqtt_reply end(gm_mqtt_session *session, uint8_t reason, const char *why, gm_string *out)
{
    if (session->stage == OPEN) {
        send_disconnect(session, reason, why, out);
    } else if (session->stage != OVER) {
        send_refusal(session, (uint8_t)session->version, reason, out);
        session->has_will = false; // a CONNECT that was never accepted leaves nothing
        session->expiry_s = 0;
    }
    session->stage = OVER;
    return (gm_mqtt_reply){ .action = GM_MQTT_CLOSE, .reason = reason, .why = why };
}

/// Answers with a packet; a client that takes none of its size is left.
static gm_mqtt_reply answer(gm_mqtt_session *session, const gm_mqtt_packet *packet, gm_string *out)
{
    return send_packet(session, session->version, packet, out)
               ? nothing()
               : end(session, GM_MQTT_TOO_LARGE, "the client takes no packet of this size", out);
}

// ---- CONNECT ----

static bool keep_will(gm_mqtt_session *session, const gm_mqtt_will *will)
{
    gm_string *bytes = &session->will_bytes;
    gm_string_add(bytes, will->topic.data, will->topic.size);
    gm_string_add(bytes, will->payload.data, will->payload.size);
    gm_string_add(bytes, will->properties.raw.data, will->properties.raw.size);
    if (bytes->failed) {
        return false;
    }
    session->will = *will;
    session->will.topic.data = bytes->data;
    session->will.payload.data = bytes->data + will->topic.size;
    session->will.properties.raw.data = bytes->data + will->topic.size + will->payload.size;
    session->will_delay_s = gm_mqtt_property_number(&will->properties, GM_MQTT_WILL_DELAY, 0);
    session->has_will = true;
    return true;
}

/// What a CONNECT asks for that is not offered; 0 when nothing is.
static uint8_t connect_wrong(const gm_mqtt_connect *connect, const char **why)
{
    bool new = connect->version == GM_MQTT_5;
    if (gm_mqtt_property_text(&connect->properties, GM_MQTT_AUTH_METHOD).data != NULL) {
        *why = "no authentication method is offered";
        return GM_MQTT_BAD_METHOD;
    }
    if (new && connect->has_will && connect->will.qos > 1) {
        *why = "a will has QoS 2, which is not offered";
        return GM_MQTT_NO_QOS;
    }
    if (connect->client_id.size > GM_MQTT_CLIENT_ID_MAX_SIZE) {
        *why = "a client identifier is too long";
        return GM_MQTT_BAD_CLIENT_ID;
    }
    if (!new && connect->client_id.size == 0 && !connect->clean_start) {
        *why = "a client without identifier wants to keep its session";
        return GM_MQTT_BAD_CLIENT_ID;
    }
    return 0;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static gm_mqtt_reply take_connect(gm_mqtt_session *session, const gm_mqtt_connect *connect,
                                  gm_string *out)
{
    const gm_mqtt_properties *properties = &connect->properties;
    const gm_mqtt_server *server = &session->server;
    bool new = connect->version == GM_MQTT_5;
    const char *why = NULL;
    uint8_t wrong = connect_wrong(connect, &why);
    session->version = connect->version;
    session->packet_size_max =
        gm_mqtt_property_number(properties, GM_MQTT_MAXIMUM_PACKET_SIZE, UINT32_MAX);
    if (wrong != 0) {
        return end(session, wrong, why, out);
    }
    if (connect->has_will && !keep_will(session, &connect->will)) {
        return end(session, GM_MQTT_BUSY, "no memory for a will", out);
    }
    session->says_why = gm_mqtt_property_number(properties, GM_MQTT_REQUEST_PROBLEM, 1) != 0;
    session->clean_start = connect->clean_start;
    session->unnamed = connect->client_id.size == 0;
    session->expiry_asked_s = gm_mqtt_property_number(properties, GM_MQTT_SESSION_EXPIRY, 0);
    if (!new) { // a session that is not clean has no end of its own
        session->expiry_asked_s = connect->clean_start ? 0 : UINT32_MAX;
    }
    session->expiry_s = smaller(session->expiry_asked_s, server->session_expiry_max_s);
    session->keep_alive_s = connect->keep_alive_s;
    uint16_t most = server->keep_alive_max_s;
    if (new &&most > 0 && (connect->keep_alive_s == 0 || connect->keep_alive_s > most)) {
        session->keep_alive_s = most;
        session->keep_alive_told = true;
    }
    session->stage = DECIDING;
    return (gm_mqtt_reply){ .action = GM_MQTT_DECIDE };
}

/// What a CONNACK of 5.0 tells of what is offered, where it is not what silence would say.
static void tell_offer(gm_mqtt_session *session, gm_text assigned_id)
{
    const gm_mqtt_server *server = &session->server;
    gm_string *raw = &session->answer_bytes;
    raw->size = 0;
    if (session->expiry_s != session->expiry_asked_s) {
        gm_mqtt_property_put_number(raw, GM_MQTT_SESSION_EXPIRY, session->expiry_s);
    }
    if (server->receive_maximum < UINT16_MAX) {
        gm_mqtt_property_put_number(raw, GM_MQTT_RECEIVE_MAXIMUM, server->receive_maximum);
    }
    gm_mqtt_property_put_number(raw, GM_MQTT_MAXIMUM_QOS, 1);
    gm_mqtt_property_put_number(raw, GM_MQTT_MAXIMUM_PACKET_SIZE, server->packet_size_max);
    if (session->unnamed) {
        gm_mqtt_property_put_text(raw, GM_MQTT_ASSIGNED_CLIENT_ID, assigned_id);
    }
    if (server->alias_maximum > 0) {
        gm_mqtt_property_put_number(raw, GM_MQTT_ALIAS_MAXIMUM, server->alias_maximum);
    }
    if (session->keep_alive_told) {
        gm_mqtt_property_put_number(raw, GM_MQTT_SERVER_KEEP_ALIVE, session->keep_alive_s);
    }
}

// ---- what else a client sends ----

/// The client says goodbye.
static gm_mqtt_reply take_disconnect(gm_mqtt_session *session, const gm_mqtt_notice *notice,
                                     gm_string *out)
{
    uint32_t expiry_s = gm_mqtt_property_number(&notice->properties, GM_MQTT_SESSION_EXPIRY,
                                                session->expiry_asked_s);
    if (session->expiry_asked_s == 0 && expiry_s != 0) {
        return end(session, GM_MQTT_PROTOCOL_ERROR,
                   "a session that was to end with its connection shall live on", out);
    }
    session->expiry_s = smaller(expiry_s, session->server.session_expiry_max_s);
    if (notice->reason == GM_MQTT_SUCCESS) {
        session->has_will = false;
    }
    session->stage = OVER;
    return (gm_mqtt_reply){ .action = GM_MQTT_CLOSE, .reason = notice->reason, .by_peer = true };
}

/// Refuses every filter of a SUBSCRIBE, or says that there was none to an UNSUBSCRIBE.
static gm_mqtt_reply refuse_filters(gm_mqtt_session *session, const gm_mqtt_packet *packet,
                                    gm_string *out)
{
    bool leaving = packet->type == GM_MQTT_UNSUBSCRIBE, new = session->version == GM_MQTT_5;
    gm_text rest = packet->subscribe.filters;
    gm_string *codes = &session->answer_bytes;
    codes->size = 0;
    gm_mqtt_subscription wanted;
    while (!leaving && gm_mqtt_subscription_next(&rest, &wanted)) {
        bool shared = gm_mqtt_is_shared(wanted.filter);
        uint8_t code = shared ? GM_MQTT_NO_SHARED : GM_MQTT_NOT_OFFERED;
        gm_string_add(codes, (const char[]){ (char)(new ? code : GM_MQTT_FAILED) }, 1);
    }
    for (size_t left = leaving && new ? packet->subscribe.count : 0; left > 0; left--) {
        gm_string_add(codes, (const char[]){ GM_MQTT_NO_SUBSCRIPTION }, 1);
    }
    if (codes->failed) {
        return end(session, GM_MQTT_QUOTA, "no memory for an answer", out);
    }
    gm_mqtt_packet back = { .type = leaving ? GM_MQTT_UNSUBACK : GM_MQTT_SUBACK,
                            .suback = { .id = packet->subscribe.id,
                                        .codes = { codes->data, codes->size } } };
    gm_mqtt_reply reply = answer(session, &back, out);
    if (reply.action == GM_MQTT_NOTHING && !leaving) {
        reply.reason = GM_MQTT_NOT_OFFERED;
        reply.why = "subscriptions are not offered";
    }
    return reply;
}

/// A step of QoS 2 for a message that neither side ever began.
static gm_mqtt_reply take_stray(gm_mqtt_session *session, const gm_mqtt_packet *packet,
                                gm_string *out)
{
    bool release = packet->type == GM_MQTT_PUBREL;
    if (!release && session->version == GM_MQTT_3_1_1) {
        return end(session, GM_MQTT_PROTOCOL_ERROR, "a message that was never sent is received",
                   out);
    }
    gm_mqtt_packet back = { .type = release ? GM_MQTT_PUBCOMP : GM_MQTT_PUBREL,
                            .ack = { .id = packet->ack.id, .reason = GM_MQTT_ID_UNKNOWN } };
    gm_mqtt_reply reply = answer(session, &back, out);
    if (reply.action == GM_MQTT_NOTHING) {
        reply.reason = GM_MQTT_ID_UNKNOWN;
        reply.why = "no message of QoS 2 has this identifier";
    }
    return reply;
}

static gm_mqtt_reply take_publish(gm_mqtt_session *session, const gm_mqtt_publish *publish,
                                  gm_string *out)
{
    if (publish->qos > 1) {
        return end(session, GM_MQTT_NO_QOS, "QoS 2 is not offered", out);
    }
    gm_mqtt_reply reply = gm_mqtt_inbox_take(&session->inbox, session->version, publish);
    return reply.action == GM_MQTT_CLOSE ? end(session, reply.reason, reply.why, out) : reply;
}

static gm_mqtt_reply take_open(gm_mqtt_session *session, const gm_mqtt_packet *packet,
                               gm_string *out)
{
    gm_mqtt_packet pong = { .type = GM_MQTT_PINGRESP };
    switch (packet->type) {
    case GM_MQTT_PINGREQ:
        return answer(session, &pong, out);
    case GM_MQTT_DISCONNECT:
        return take_disconnect(session, &packet->notice, out);
    case GM_MQTT_SUBSCRIBE:
    case GM_MQTT_UNSUBSCRIBE:
        return refuse_filters(session, packet, out);
    case GM_MQTT_PUBREC:
    case GM_MQTT_PUBREL:
        return take_stray(session, packet, out);
    case GM_MQTT_PUBACK:
    case GM_MQTT_PUBCOMP:
        return end(session, GM_MQTT_PROTOCOL_ERROR, "a message that was never sent is acknowledged",
                   out);
    case GM_MQTT_CONNECT:
        return end(session, GM_MQTT_PROTOCOL_ERROR, "a second CONNECT", out);
    default:
        return end(session, GM_MQTT_PROTOCOL_ERROR, "no such packet is expected", out);
    }
}

// ---- the session ----

gm_status gm_mqtt_session_create(const gm_mqtt_server *server, int64_t now_ns,
                                 gm_mqtt_session **session, gm_error *error)
{
    gm_mqtt_session *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for an MQTT connection");
    }
    gm_status status =
        gm_mqtt_inbox_open(&made->inbox, server->receive_maximum, server->alias_maximum, error);
    if (status != GM_OK) {
        gm_memory_free(made);
        return status;
    }
    made->server = *server;
    made->stage = FRESH;
    made->begun_ns = made->heard_ns = now_ns;
    made->packet_size_max = UINT32_MAX;
    *session = made;
    return GM_OK;
}

void gm_mqtt_session_close(gm_mqtt_session *session)
{
    if (session != NULL) {
        gm_mqtt_inbox_close(&session->inbox);
        gm_string_free(&session->will_bytes);
        gm_string_free(&session->answer_bytes);
        gm_memory_free(session);
    }
}

gm_mqtt_version gm_mqtt_session_version(const gm_mqtt_session *session)
{
    return session->version;
}

bool gm_mqtt_session_ready(const gm_mqtt_session *session)
{
    bool held = session->version == GM_MQTT_3_1_1 && gm_mqtt_inbox_full(&session->inbox);
    return session->stage == FRESH || (session->stage == OPEN && !held);
}

gm_mqtt_reply gm_mqtt_session_take(gm_mqtt_session *session, const gm_mqtt_packet *packet,
                                   int64_t now_ns, gm_string *out)
{
    GM_REQUIRE(gm_mqtt_session_ready(session));
    session->heard_ns = now_ns;
    if (session->stage == OPEN) {
        return packet->type == GM_MQTT_PUBLISH ? take_publish(session, &packet->publish, out)
                                               : take_open(session, packet, out);
    }
    GM_REQUIRE(packet->type == GM_MQTT_CONNECT); // no version, no other packet was read
    return take_connect(session, &packet->connect, out);
}

gm_mqtt_reply gm_mqtt_session_fault(gm_mqtt_session *session, const gm_mqtt_fault *fault,
                                    gm_string *out)
{
    if (session->stage == FRESH) {
        send_refusal(session, fault->version, fault->reason, out);
        session->stage = OVER;
    }
    return end(session, fault->reason, fault->what, out);
}

gm_mqtt_reply gm_mqtt_session_accept(gm_mqtt_session *session, bool session_present,
                                     gm_text assigned_id, gm_string *out)
{
    GM_REQUIRE(session->stage == DECIDING && (!session->unnamed || assigned_id.size > 0));
    bool new = session->version == GM_MQTT_5;
    gm_mqtt_packet connack = { .type = GM_MQTT_CONNACK };
    connack.connack.session_present = session_present && !session->clean_start;
    if (new) {
        tell_offer(session, assigned_id);
        connack.connack.properties.raw =
            (gm_text){ session->answer_bytes.data, session->answer_bytes.size };
    }
    if (new && session->answer_bytes.failed) {
        return end(session, GM_MQTT_BUSY, "no memory for an answer", out);
    }
    if (!send_packet(session, session->version, &connack, out)) {
        return end(session, GM_MQTT_TOO_LARGE, "the client takes no packet of this size", out);
    }
    session->stage = OPEN;
    return nothing();
}

gm_mqtt_reply gm_mqtt_session_refuse(gm_mqtt_session *session, uint8_t reason, gm_string *out)
{
    GM_REQUIRE(session->stage == DECIDING && reason >= GM_MQTT_FAILED);
    GM_REQUIRE(gm_mqtt_reason_fits(reason, GM_MQTT_CONNACK, GM_MQTT_SERVER));
    return end(session, reason, gm_mqtt_reason_name(reason, GM_MQTT_CONNACK), out);
}

void gm_mqtt_session_reject(gm_mqtt_session *session, uint64_t ticket, uint8_t reason)
{
    gm_mqtt_inbox_refuse(&session->inbox, ticket, reason);
}

size_t gm_mqtt_session_committed(gm_mqtt_session *session, uint64_t ticket, gm_string *out)
{
    return session->stage == OPEN
               ? gm_mqtt_inbox_settle(&session->inbox, session->version, ticket, out)
               : 0;
}

int64_t gm_mqtt_session_due_ns(const gm_mqtt_session *session)
{
    if (session->stage == FRESH || session->stage == DECIDING) {
        return session->begun_ns + session->server.connect_within_ns;
    }
    bool watched = session->keep_alive_s > 0 && gm_mqtt_session_ready(session);
    return watched ? session->heard_ns + session->keep_alive_s * second_ns * 3 / 2 : INT64_MAX;
}

gm_mqtt_reply gm_mqtt_session_tick(gm_mqtt_session *session, int64_t now_ns, gm_string *out)
{
    if (now_ns < gm_mqtt_session_due_ns(session)) {
        return nothing();
    }
    return end(session, GM_MQTT_SILENT,
               session->stage == OPEN ? "the client is silent" : "the client does not connect",
               out);
}

void gm_mqtt_session_excuse(gm_mqtt_session *session, int64_t now_ns)
{
    session->heard_ns = now_ns;
}

gm_mqtt_reply gm_mqtt_session_stop(gm_mqtt_session *session, uint8_t reason, gm_string *out)
{
    return end(session, reason, gm_mqtt_reason_name(reason, GM_MQTT_DISCONNECT), out);
}

const gm_mqtt_will *gm_mqtt_session_will(const gm_mqtt_session *session)
{
    return session->has_will ? &session->will : NULL;
}

gm_mqtt_ending gm_mqtt_session_ending(const gm_mqtt_session *session, int64_t now_ns)
{
    bool for_ever = session->expiry_s == UINT32_MAX;
    uint32_t delay_s = smaller(session->will_delay_s, session->expiry_s);
    return (gm_mqtt_ending){
        .session_ns = for_ever ? INT64_MAX : now_ns + session->expiry_s * second_ns,
        .will_ns = session->has_will ? now_ns + delay_s * second_ns : INT64_MAX,
    };
}

gm_mqtt_meeting gm_mqtt_ending_meet(const gm_mqtt_ending *ending, bool clean_start, int64_t now_ns)
{
    bool over = clean_start || now_ns >= ending->session_ns;
    return (gm_mqtt_meeting){
        .session_present = !over,
        .publish_will = ending->will_ns != INT64_MAX && (over || now_ns >= ending->will_ns),
    };
}
