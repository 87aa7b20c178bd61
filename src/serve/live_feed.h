// The live feed: what the twin publishes, as WebSocket messages to whoever listens. Private to
// src/serve.
#ifndef GEMEL_SERVE_LIVE_FEED_H
#define GEMEL_SERVE_LIVE_FEED_H

#include <gemel/twin.h>

#include "net/http_server.h"

typedef struct gm_feed gm_feed;

/// A feed of what the world records, forecasts and estimates; nothing is sent yet.
gm_status gm_feed_create(gm_twin *twin, gm_feed **feed, gm_error *error);

/// Starts the feed's thread and becomes the twin's listener.
/// @param server  must outlive gm_feed_stop
gm_status gm_feed_start(gm_feed *feed, gm_http_server *server, gm_error *error);

/// How many listen now; newcomers are told the state of things at once. Any thread.
void gm_feed_clients(gm_feed *feed, size_t count);

/// Nothing is sent any more once this returns. Twice is fine.
void gm_feed_stop(gm_feed *feed);
void gm_feed_close(gm_feed *feed); // stops first; NULL is fine

#endif
