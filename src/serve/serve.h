// The twin on the network: the REST interface and the live WebSocket of docs/api.md, and the web
// page.
//
// The event loop answers what is quick from the twin's published state; what may take longer
// (forks, histories, what-ifs) goes to two threads with a bounded queue. Only loopback is listened
// on (net/http_server.h says why).
#ifndef GEMEL_SERVE_SERVE_H
#define GEMEL_SERVE_SERVE_H

#include <gemel/status.h>
#include <gemel/twin.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

typedef struct gm_serve gm_serve;

typedef struct gm_serve_options {
    const char *address; // "127.0.0.1"; only loopback
    uint16_t port;       // 0: a free one
    size_t threads;      // that a what-if may use, >= 1
    const gm_log *log;   // must outlive the server; NULL logs nothing
} gm_serve_options;

/// 127.0.0.1:8080, one thread for what-ifs.
gm_serve_options gm_default_serve_options(void);

/// Serves a twin until gm_serve_stop; takes the twin's one listener (gm_twin_listen).
/// @param twin  must outlive the server; may start, stop and run cycles meanwhile
/// @return GM_INVALID (an address that is not loopback), GM_BUSY (the port is taken), GM_IO,
/// GM_MEMORY
gm_status gm_serve_start(gm_twin *twin, const gm_serve_options *options, gm_serve **serve,
                         gm_error *error);

/// Answers what is at hand (two seconds at most; a what-if under way is finished), closes all
/// connections and frees. NULL is fine. Not from a listener or handler.
void gm_serve_stop(gm_serve *serve);

/// The port that is listened on.
uint16_t gm_serve_port(const gm_serve *serve);

#endif
