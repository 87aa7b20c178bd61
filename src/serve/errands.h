// Two threads that do what the event loop must not wait for. Private to src/serve.
//
// One of them leaves long errands (what-ifs, running a branch ahead) alone, so that short ones
// never wait behind them.
#ifndef GEMEL_SERVE_ERRANDS_H
#define GEMEL_SERVE_ERRANDS_H

#include <gemel/status.h>
#include <stdbool.h>

enum { GM_ERRANDS_MAX = 64 }; // waiting, of both kinds

typedef struct gm_errands gm_errands;

typedef struct gm_errand {
    /// cancelled: the threads are ending, only say so
    void (*run)(void *context, bool cancelled);
    void *context;
    bool lengthy;
} gm_errand;

/// Starts the threads.
gm_status gm_errands_create(gm_errands **errands, gm_error *error);

/// @return GM_BUSY when as many wait as may, or the threads are ending: then `run` is not called
gm_status gm_errands_add(gm_errands *errands, gm_errand errand);

/// Takes no more, cancels all that wait, and ends the threads once what they do is done.
void gm_errands_finish(gm_errands *errands);
void gm_errands_close(gm_errands *errands); // finishes first; NULL is fine

#endif
