// A progress bar: one line on a terminal's standard error, first drawn after a second.
#include <stdio.h>
#include <unistd.h>

#include "base/calendar.h"
#include "cli/command.h"

enum { BAR_WIDTH = 40 };

static const int64_t quiet_ns = GM_SECOND_NS, redraw_ns = GM_SECOND_NS / 10;

gm_progress gm_progress_start(const char *label)
{
    int64_t now_ns = gm_clock_monotonic_ns();
    return (gm_progress){ .label = label,
                          .started_ns = now_ns,
                          .shown_ns = now_ns + quiet_ns - redraw_ns,
                          .terminal = isatty(STDERR_FILENO) == 1 };
}

void gm_progress_show(gm_progress *progress, double done)
{
    if (!progress->terminal) {
        return;
    }
    int64_t now_ns = gm_clock_monotonic_ns();
    if (now_ns - progress->shown_ns < redraw_ns) {
        return;
    }
    progress->shown_ns = now_ns;
    progress->shown = true;
    done = done > 0.0 ? (done < 1.0 ? done : 1.0) : 0.0;
    double left_s =
        done > 0.0 ? (double)(now_ns - progress->started_ns) / 1e9 * (1.0 / done - 1.0) : 0.0;
    char bar[BAR_WIDTH + 1];
    for (int index = 0; index < BAR_WIDTH; index++) {
        bar[index] = index < done * BAR_WIDTH ? '#' : '.';
    }
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %3.0f %%, %.0f s left\033[K", progress->label, bar, 100.0 * done,
            left_s);
}

void gm_progress_end(gm_progress *progress)
{
    if (progress->shown) {
        fprintf(stderr, "\r\033[K");
    }
}
