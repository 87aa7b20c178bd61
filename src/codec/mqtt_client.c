// The client's side of a connection: see mqtt_client.h.
#include "codec/mqtt_client.h"

#include "base/arena.h"
#include "base/require.h"

static const int64_t second_ns = INT64_C(1000000000);

typedef enum client_stage { APART = 1, ASKING, TOGETHER } client_stage;

/// A packet of ours that the server has not answered yet.
typedef struct pending {
    uint16_t id; // 0: free
    gm_mqtt_type answer;
    size_t filter_count;
} pending;

struct gm_mqtt_client {
    gm_mqtt_client_options options;
    gm_mqtt_version version;
    client_stage stage;
    gm_mqtt_inbox inbox;
    gm_string properties; // of the CONNECT
    // what the server offers
    uint16_t send_maximum, keep_alive_s;
    uint32_t packet_size_max;
    uint8_t qos_max;
    bool retains;
    // what it owes
    pending pendings[GM_MQTT_PENDING_MAX];
    uint16_t last_id;
    size_t publish_count; // of the pendings
    int64_t sent_ns;      // our last packet
    int64_t asked_ns;     // CONNECT or PINGREQ that is not answered; INT64_MAX none
};

gm_mqtt_client_options gm_default_mqtt_client(void)
{
    return (gm_mqtt_client_options){ .connect = { .version = GM_MQTT_5, .keep_alive_s = 60 },
                                     .session_expiry_s = 24 * 3600,
                                     .receive_maximum = 1024,
                                     .alias_maximum = 32,
                                     .packet_size_max = 1 << 20,
                                     .answer_within_ns = 10 * second_ns };
}

static gm_mqtt_reply nothing(void)
{
    return (gm_mqtt_reply){ .action = GM_MQTT_NOTHING };
}

/// Ends the connection because of `reason`.
static gm_mqtt_reply end(gm_mqtt_client *client, uint8_t reason, const char *why, gm_string *out)
{
    if (client->stage == TOGETHER && client->version == GM_MQTT_5 &&
        gm_mqtt_reason_fits(reason, GM_MQTT_DISCONNECT, GM_MQTT_CLIENT)) {
        gm_mqtt_packet packet = { .type = GM_MQTT_DISCONNECT, .notice = { .reason = reason } };
        gm_mqtt_packet_write(out, client->version, &packet);
    }
    gm_mqtt_client_lost(client);
    return (gm_mqtt_reply){ .action = GM_MQTT_CLOSE, .reason = reason, .why = why };
}

// ---- what is sent ----

static pending *find_pending(gm_mqtt_client *client, uint16_t id)
{
    for (size_t index = 0; index < GM_MQTT_PENDING_MAX; index++) {
        if (client->pendings[index].id == id) {
            return &client->pendings[index];
        }
    }
    return NULL;
}

/// An identifier that is not in use, remembered with the answer it is for; 0 when too many are.
static uint16_t new_id(gm_mqtt_client *client, gm_mqtt_type answer, size_t filter_count)
{
    pending *free = find_pending(client, 0);
    if (free == NULL) {
        return 0;
    }
    do {
        client->last_id++;
    } while (find_pending(client, client->last_id) != NULL); // which 0 is, being free
    *free = (pending){ client->last_id, answer, filter_count };
    client->publish_count += answer == GM_MQTT_PUBACK;
    return client->last_id;
}

/// Takes back what the server was to answer with `answer`; false when it owed no such answer.
static bool take_pending(gm_mqtt_client *client, uint16_t id, gm_mqtt_type answer, pending *taken)
{
    pending *owed = find_pending(client, id);
    if (owed == NULL || owed->answer != answer) {
        return false;
    }
    *taken = *owed;
    *owed = (pending){ 0 };
    client->publish_count -= answer == GM_MQTT_PUBACK;
    return true;
}

static void forget_pendings(gm_mqtt_client *client, bool messages_too)
{
    pending taken;
    for (size_t index = 0; index < GM_MQTT_PENDING_MAX; index++) {
        pending *owed = &client->pendings[index];
        if (owed->id != 0 && (messages_too || owed->answer != GM_MQTT_PUBACK)) {
            take_pending(client, owed->id, owed->answer, &taken);
        }
    }
}

/// Appends a packet that is not larger than the server takes.
static bool send_packet(gm_mqtt_client *client, const gm_mqtt_packet *packet, gm_string *out)
{
    size_t before = out->size;
    gm_mqtt_packet_write(out, client->version, packet);
    if (!out->failed && out->size - before > client->packet_size_max) {
        out->size = before;
        return false;
    }
    return true;
}

static void make_properties(gm_mqtt_client *client)
{
    const gm_mqtt_client_options *options = &client->options;
    gm_string *raw = &client->properties;
    if (options->session_expiry_s > 0) {
        gm_mqtt_property_put_number(raw, GM_MQTT_SESSION_EXPIRY, options->session_expiry_s);
    }
    if (options->receive_maximum < UINT16_MAX) {
        gm_mqtt_property_put_number(raw, GM_MQTT_RECEIVE_MAXIMUM, options->receive_maximum);
    }
    gm_mqtt_property_put_number(raw, GM_MQTT_MAXIMUM_PACKET_SIZE, options->packet_size_max);
    if (options->alias_maximum > 0) {
        gm_mqtt_property_put_number(raw, GM_MQTT_ALIAS_MAXIMUM, options->alias_maximum);
    }
}

// ---- what arrives ----

static gm_mqtt_reply take_connack(gm_mqtt_client *client, const gm_mqtt_connack *connack,
                                  gm_string *out)
{
    const gm_mqtt_properties *offer = &connack->properties;
    const gm_mqtt_connect *asked = &client->options.connect;
    if (connack->reason != GM_MQTT_SUCCESS) {
        gm_mqtt_client_lost(client);
        return (gm_mqtt_reply){ .action = GM_MQTT_CLOSE,
                                .reason = connack->reason,
                                .by_peer = true,
                                .why = gm_mqtt_reason_name(connack->reason, GM_MQTT_CONNACK) };
    }
    client->stage = TOGETHER;
    client->asked_ns = INT64_MAX;
    if (connack->session_present && asked->clean_start) {
        return end(client, GM_MQTT_PROTOCOL_ERROR, "a session is there after a clean start", out);
    }
    if (!connack->session_present) {
        forget_pendings(client, true);
    }
    client->send_maximum =
        (uint16_t)gm_mqtt_property_number(offer, GM_MQTT_RECEIVE_MAXIMUM, UINT16_MAX);
    client->packet_size_max =
        gm_mqtt_property_number(offer, GM_MQTT_MAXIMUM_PACKET_SIZE, UINT32_MAX);
    client->qos_max = (uint8_t)gm_mqtt_property_number(offer, GM_MQTT_MAXIMUM_QOS, 2);
    client->retains = gm_mqtt_property_number(offer, GM_MQTT_RETAIN_AVAILABLE, 1) != 0;
    client->keep_alive_s =
        (uint16_t)gm_mqtt_property_number(offer, GM_MQTT_SERVER_KEEP_ALIVE, asked->keep_alive_s);
    return (gm_mqtt_reply){ .action = GM_MQTT_CONNECTED };
}

static gm_mqtt_reply take_publish(gm_mqtt_client *client, const gm_mqtt_publish *publish,
                                  gm_string *out)
{
    if (publish->qos > 1) {
        return end(client, GM_MQTT_PROTOCOL_ERROR, "QoS 2 was never asked for", out);
    }
    gm_mqtt_reply reply = gm_mqtt_inbox_take(&client->inbox, client->version, publish);
    return reply.action == GM_MQTT_CLOSE ? end(client, reply.reason, reply.why, out) : reply;
}

static gm_mqtt_reply take_suback(gm_mqtt_client *client, const gm_mqtt_packet *packet,
                                 gm_string *out)
{
    pending owed;
    if (!take_pending(client, packet->suback.id, packet->type, &owed)) {
        return end(client, GM_MQTT_PROTOCOL_ERROR, "an answer to a packet that was not sent", out);
    }
    if (owed.filter_count != packet->suback.codes.size) {
        return end(client, GM_MQTT_PROTOCOL_ERROR, "not one code for each filter", out);
    }
    return (gm_mqtt_reply){ .action = GM_MQTT_SUBSCRIBED };
}

static gm_mqtt_reply take_puback(gm_mqtt_client *client, const gm_mqtt_ack *ack)
{
    pending owed;
    if (!take_pending(client, ack->id, GM_MQTT_PUBACK, &owed)) {
        return (gm_mqtt_reply){ .action = GM_MQTT_NOTHING,
                                .reason = GM_MQTT_ID_UNKNOWN,
                                .why = "an acknowledgement of a message that was not sent" };
    }
    return (gm_mqtt_reply){ .action = GM_MQTT_DELIVERED, .reason = ack->reason };
}

static gm_mqtt_reply take_disconnect(gm_mqtt_client *client, const gm_mqtt_notice *notice)
{
    gm_mqtt_client_lost(client);
    return (gm_mqtt_reply){ .action = GM_MQTT_CLOSE,
                            .reason = notice->reason,
                            .by_peer = true,
                            .why = gm_mqtt_reason_name(notice->reason, GM_MQTT_DISCONNECT) };
}

static gm_mqtt_reply take_other(gm_mqtt_client *client, const gm_mqtt_packet *packet,
                                gm_string *out)
{
    switch (packet->type) {
    case GM_MQTT_PUBLISH:
        return take_publish(client, &packet->publish, out);
    case GM_MQTT_PUBACK:
        return take_puback(client, &packet->ack);
    case GM_MQTT_SUBACK:
        return take_suback(client, packet, out);
    case GM_MQTT_PINGRESP:
        client->asked_ns = INT64_MAX;
        return nothing();
    case GM_MQTT_DISCONNECT:
        return take_disconnect(client, &packet->notice);
    default:
        return end(client, GM_MQTT_PROTOCOL_ERROR, "no such packet is expected", out);
    }
}

// ---- the client ----

static const char *options_wrong(const gm_mqtt_connect *connect)
{
    bool old = connect->version == GM_MQTT_3_1_1;
    if (!gm_mqtt_is_text(connect->client_id)) {
        return "a client identifier is UTF-8 without NUL of at most 65,535 bytes";
    }
    if (old && connect->client_id.size == 0 && !connect->clean_start) {
        return "with MQTT 3.1.1 a client without identifier keeps no session";
    }
    if (connect->has_user && !gm_mqtt_is_text(connect->user)) {
        return "a user name is UTF-8 without NUL of at most 65,535 bytes";
    }
    if (connect->has_password && connect->password.size > GM_MQTT_TEXT_MAX_SIZE) {
        return "a password has at most 65,535 bytes";
    }
    if (old && connect->has_password && !connect->has_user) {
        return "with MQTT 3.1.1 a password needs a user name";
    }
    const gm_mqtt_will *will = &connect->will;
    if (connect->has_will && (!gm_mqtt_is_topic(will->topic) || will->qos > 2 ||
                              will->payload.size > GM_MQTT_TEXT_MAX_SIZE)) {
        return "a will has a topic without wildcards, QoS 0 to 2 and at most 65,535 bytes";
    }
    return NULL;
}

gm_status gm_mqtt_client_create(const gm_mqtt_client_options *options, gm_mqtt_client **client,
                                gm_error *error)
{
    const char *wrong = options_wrong(&options->connect);
    if (wrong != NULL) {
        return gm_error_set(error, GM_INVALID, "%s", wrong);
    }
    gm_mqtt_client *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for an MQTT client");
    }
    made->options = *options;
    made->version = options->connect.version;
    made->stage = APART;
    made->asked_ns = INT64_MAX;
    if (made->version == GM_MQTT_5) {
        make_properties(made);
    }
    gm_status status = made->properties.failed
                           ? gm_error_set(error, GM_MEMORY, "no memory for an MQTT client")
                           : gm_mqtt_inbox_open(&made->inbox, options->receive_maximum,
                                                options->alias_maximum, error);
    if (status != GM_OK) {
        gm_mqtt_client_close(made);
        return status;
    }
    *client = made;
    return GM_OK;
}

void gm_mqtt_client_close(gm_mqtt_client *client)
{
    if (client != NULL) {
        gm_mqtt_inbox_close(&client->inbox);
        gm_string_free(&client->properties);
        gm_memory_free(client);
    }
}

void gm_mqtt_client_connect(gm_mqtt_client *client, int64_t now_ns, gm_string *out)
{
    gm_mqtt_client_lost(client);
    gm_mqtt_packet packet = { .type = GM_MQTT_CONNECT, .connect = client->options.connect };
    packet.connect.properties.raw = (gm_text){ client->properties.data, client->properties.size };
    gm_mqtt_packet_write(out, client->version, &packet);
    client->stage = ASKING;
    client->sent_ns = client->asked_ns = now_ns;
}

bool gm_mqtt_client_ready(const gm_mqtt_client *client)
{
    return client->stage != APART && !gm_mqtt_inbox_full(&client->inbox);
}

gm_mqtt_reply gm_mqtt_client_take(gm_mqtt_client *client, const gm_mqtt_packet *packet,
                                  int64_t now_ns, gm_string *out)
{
    GM_REQUIRE(gm_mqtt_client_ready(client));
    size_t before = out->size;
    bool connack = packet->type == GM_MQTT_CONNACK, asking = client->stage == ASKING;
    gm_mqtt_reply reply;
    if (connack && asking) {
        reply = take_connack(client, &packet->connack, out);
    } else if (connack || asking) {
        reply = end(client, GM_MQTT_PROTOCOL_ERROR,
                    connack ? "a second CONNACK" : "the first packet is not a CONNACK", out);
    } else {
        reply = take_other(client, packet, out);
    }
    client->sent_ns = out->size > before ? now_ns : client->sent_ns;
    return reply;
}

gm_mqtt_reply gm_mqtt_client_fault(gm_mqtt_client *client, const gm_mqtt_fault *fault,
                                   gm_string *out)
{
    return end(client, fault->reason, fault->what, out);
}

gm_status gm_mqtt_client_subscribe(gm_mqtt_client *client, gm_text filters, size_t count,
                                   uint16_t *id, gm_string *out)
{
    uint16_t made = client->stage == TOGETHER ? new_id(client, GM_MQTT_SUBACK, count) : (uint16_t)0;
    if (made == 0) {
        return GM_BUSY;
    }
    gm_mqtt_packet packet = { .type = GM_MQTT_SUBSCRIBE,
                              .subscribe = { .id = made, .count = count, .filters = filters } };
    if (!send_packet(client, &packet, out)) {
        pending taken;
        take_pending(client, made, GM_MQTT_SUBACK, &taken);
        return GM_LIMIT;
    }
    *id = made;
    return GM_OK;
}

/// Why a message cannot be sent now; GM_OK when it can.
static gm_status publish_wrong(gm_mqtt_client *client, const gm_mqtt_publish *publish)
{
    if (client->stage != TOGETHER) {
        return GM_BUSY;
    }
    if (publish->qos > 1 || publish->qos > client->qos_max ||
        (publish->retain && !client->retains)) {
        return GM_UNSUPPORTED;
    }
    if (publish->qos == 0) {
        return GM_OK;
    }
    if (publish->id != 0) {
        const pending *owed = find_pending(client, publish->id);
        return owed != NULL && owed->answer == GM_MQTT_PUBACK ? GM_OK : GM_NOT_FOUND;
    }
    return client->publish_count < client->send_maximum ? GM_OK : GM_BUSY;
}

gm_status gm_mqtt_client_publish(gm_mqtt_client *client, const gm_mqtt_publish *publish,
                                 uint16_t *id, gm_string *out)
{
    gm_status status = publish_wrong(client, publish);
    if (status != GM_OK) {
        return status;
    }
    gm_mqtt_packet packet = { .type = GM_MQTT_PUBLISH, .publish = *publish };
    bool again = publish->qos > 0 && publish->id != 0;
    packet.publish.duplicate = again;
    if (publish->qos > 0 && !again) {
        packet.publish.id = new_id(client, GM_MQTT_PUBACK, 0);
        if (packet.publish.id == 0) {
            return GM_BUSY;
        }
    }
    if (!send_packet(client, &packet, out)) {
        pending taken;
        if (publish->qos > 0 && !again) {
            take_pending(client, packet.publish.id, GM_MQTT_PUBACK, &taken);
        }
        return GM_LIMIT;
    }
    *id = publish->qos > 0 ? packet.publish.id : 0;
    return GM_OK;
}

void gm_mqtt_client_reject(gm_mqtt_client *client, uint64_t ticket, uint8_t reason)
{
    gm_mqtt_inbox_refuse(&client->inbox, ticket, reason);
}

size_t gm_mqtt_client_committed(gm_mqtt_client *client, uint64_t ticket, gm_string *out)
{
    return client->stage == TOGETHER
               ? gm_mqtt_inbox_settle(&client->inbox, client->version, ticket, out)
               : 0;
}

int64_t gm_mqtt_client_due_ns(const gm_mqtt_client *client)
{
    if (client->stage == APART) {
        return INT64_MAX;
    }
    if (client->asked_ns != INT64_MAX) {
        return gm_mqtt_client_ready(client) ? client->asked_ns + client->options.answer_within_ns
                                            : INT64_MAX;
    }
    return client->keep_alive_s > 0 ? client->sent_ns + client->keep_alive_s * second_ns
                                    : INT64_MAX;
}

gm_mqtt_reply gm_mqtt_client_tick(gm_mqtt_client *client, int64_t now_ns, gm_string *out)
{
    if (now_ns < gm_mqtt_client_due_ns(client)) {
        return nothing();
    }
    if (client->asked_ns != INT64_MAX) {
        return end(client, GM_MQTT_FAILED, "the server is silent", out);
    }
    gm_mqtt_packet ping = { .type = GM_MQTT_PINGREQ };
    gm_mqtt_packet_write(out, client->version, &ping);
    client->sent_ns = client->asked_ns = now_ns;
    return nothing();
}

gm_mqtt_reply gm_mqtt_client_leave(gm_mqtt_client *client, gm_string *out)
{
    if (client->stage == TOGETHER) {
        gm_mqtt_packet packet = { .type = GM_MQTT_DISCONNECT };
        gm_mqtt_packet_write(out, client->version, &packet);
    }
    gm_mqtt_client_lost(client);
    return (gm_mqtt_reply){ .action = GM_MQTT_CLOSE };
}

void gm_mqtt_client_lost(gm_mqtt_client *client)
{
    client->stage = APART;
    client->asked_ns = INT64_MAX;
    forget_pendings(client, false);
    gm_mqtt_inbox_forget(&client->inbox);
}
