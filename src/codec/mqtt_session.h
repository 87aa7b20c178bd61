// The rules of an MQTT server towards one client: what may come when, what is answered, when the
// connection is silent for too long, what remains when it has ended.
//
// MQTT 3.1.1 and 5.0 (OASIS 2014, 2019); docs/mqtt.md lists the statements and their tests. Pure:
// packets that were read and times go in, bytes to send and what is to be done come out. Times are
// nanoseconds of one clock that never goes back.
//
// A connection's life: create; then for every packet that gm_mqtt_packet_read gave, while
// gm_mqtt_session_ready says so: gm_mqtt_session_take, or gm_mqtt_session_fault when it was
// refused. A CONNECT must be decided by gm_mqtt_session_accept or _refuse. Messages of QoS 1 are
// acknowledged by gm_mqtt_session_committed and by nothing else. gm_mqtt_session_tick watches the
// time. Once a reply says GM_MQTT_CLOSE nothing more is taken or written, and
// gm_mqtt_session_ending tells how long the session and its will live on. One thread at a time.
#ifndef GEMEL_CODEC_MQTT_SESSION_H
#define GEMEL_CODEC_MQTT_SESSION_H

#include "codec/mqtt_inbox.h"

enum { GM_MQTT_CLIENT_ID_MAX_SIZE = 256 }; // bytes of a client identifier

/// What the server offers. Start with gm_default_mqtt_server.
typedef struct gm_mqtt_server {
    uint16_t receive_maximum;      // messages of QoS 1 not acknowledged, >= 1
    uint16_t alias_maximum;        // topic aliases of a client
    uint16_t keep_alive_max_s;     // longest silence a 5.0 client may ask for; 0: any
    uint32_t packet_size_max;      // what 5.0 clients are told; the stream must take as much
    uint32_t session_expiry_max_s; // longest life after a connection; UINT32_MAX: any, for ever too
    int64_t connect_within_ns;     // time for a CONNECT and its decision
} gm_mqtt_server;

/// 1,024 in flight, 32 aliases, silence of at most 1 h, packets of 1 MiB, sessions of a week, 10 s
/// to connect.
gm_mqtt_server gm_default_mqtt_server(void);

typedef struct gm_mqtt_session gm_mqtt_session;

/// @param session  out; owned by the caller: gm_mqtt_session_close
/// @return GM_OK; GM_MEMORY
gm_status gm_mqtt_session_create(const gm_mqtt_server *server, int64_t now_ns,
                                 gm_mqtt_session **session, gm_error *error);

/// Frees a session; NULL is fine.
void gm_mqtt_session_close(gm_mqtt_session *session);

/// What the client speaks, for gm_mqtt_packet_read; 0 before its CONNECT.
gm_mqtt_version gm_mqtt_session_version(const gm_mqtt_session *session);

/// true while packets may be taken. false: a CONNECT waits for its decision, or as many messages as
/// offered wait for a commit and the client (3.1.1) cannot know it: leave its bytes unread; or the
/// connection has ended.
bool gm_mqtt_session_ready(const gm_mqtt_session *session);

/// Takes a packet of the client; the session must be ready. Answers are appended to `out`.
gm_mqtt_reply gm_mqtt_session_take(gm_mqtt_session *session, const gm_mqtt_packet *packet,
                                   int64_t now_ns, gm_string *out);

/// The stream or the packet reader found a fault: appends what the version says to that.
/// @return CLOSE
gm_mqtt_reply gm_mqtt_session_fault(gm_mqtt_session *session, const gm_mqtt_fault *fault,
                                    gm_string *out);

/// Accepts the CONNECT that was to be decided: appends the CONNACK.
/// @param session_present  there is a session of this client identifier that lives on: see
///                         gm_mqtt_ending_meet. A clean start never has one.
/// @param assigned_id      the client identifier chosen for a client without one; else ignored
/// @return NOTHING; CLOSE when the client cannot take a CONNACK of this size, or without memory
gm_mqtt_reply gm_mqtt_session_accept(gm_mqtt_session *session, bool session_present,
                                     gm_text assigned_id, gm_string *out);

/// Refuses the CONNECT that was to be decided: appends the CONNACK, if the version has one for it.
/// @param reason  one that a CONNACK may carry, >= GM_MQTT_FAILED
/// @return CLOSE
gm_mqtt_reply gm_mqtt_session_refuse(gm_mqtt_session *session, uint8_t reason, gm_string *out);

/// A message was not kept; its acknowledgement, which follows in its turn, says why.
/// @param reason  one that a PUBACK may carry
void gm_mqtt_session_reject(gm_mqtt_session *session, uint64_t ticket, uint8_t reason);

/// All messages up to `ticket` are on disk or rejected: appends their acknowledgements. When the
/// connection has ended nothing is written: the client will send them again.
/// @return how many were acknowledged
size_t gm_mqtt_session_committed(gm_mqtt_session *session, uint64_t ticket, gm_string *out);

/// When gm_mqtt_session_tick has something to do next; INT64_MAX for never.
int64_t gm_mqtt_session_due_ns(const gm_mqtt_session *session);

/// Ends a connection that is silent for one and a half times its keep alive, or did not connect in
/// time.
/// @return NOTHING or CLOSE
gm_mqtt_reply gm_mqtt_session_tick(gm_mqtt_session *session, int64_t now_ns, gm_string *out);

/// What is silent because we ourselves did not read it is not held against it: call this when
/// reading goes on.
void gm_mqtt_session_excuse(gm_mqtt_session *session, int64_t now_ns);

/// Ends the connection from our side: GM_MQTT_TAKEN_OVER, GM_MQTT_SHUTTING_DOWN ...
/// @param reason  one that a server's DISCONNECT may carry
/// @return CLOSE
gm_mqtt_reply gm_mqtt_session_stop(gm_mqtt_session *session, uint8_t reason, gm_string *out);

/// The will that the client left with us: NULL when it has none or took it back.
const gm_mqtt_will *gm_mqtt_session_will(const gm_mqtt_session *session);

/// What remains of a session when its connection has ended.
typedef struct gm_mqtt_ending {
    int64_t session_ns; // until when the session lives; INT64_MAX: for ever
    int64_t will_ns;    // when its will is to be published; INT64_MAX: not at all
} gm_mqtt_ending;

/// @param now_ns  when the connection was closed, whoever closed it
gm_mqtt_ending gm_mqtt_session_ending(const gm_mqtt_session *session, int64_t now_ns);

/// What a new CONNECT of the same client identifier means for what remained.
typedef struct gm_mqtt_meeting {
    bool session_present; // for gm_mqtt_session_accept
    bool publish_will;    // now; if not, it is never published
} gm_mqtt_meeting;

/// @param ending  of the connection before; one that is still open is stopped first, as taken over.
///                Once its will was published, will_ns is INT64_MAX.
gm_mqtt_meeting gm_mqtt_ending_meet(const gm_mqtt_ending *ending, bool clean_start, int64_t now_ns);

#endif
