// SIGINT and SIGTERM as answers to a question instead of interruptions.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/calendar.h"
#include "cli/command.h"

static sigset_t stop_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    return signals;
}

void gm_stop_hold(void)
{
    sigset_t signals = stop_signals();
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

bool gm_stop_wait(int64_t wait_ns)
{
    sigset_t signals = stop_signals();
    int64_t deadline_ns = gm_clock_monotonic_ns() + wait_ns;
    for (;;) {
        int64_t left_ns = deadline_ns - gm_clock_monotonic_ns();
        left_ns = left_ns > 0 ? left_ns : 0;
        struct timespec wait = { .tv_sec = left_ns / GM_SECOND_NS,
                                 .tv_nsec = left_ns % GM_SECOND_NS };
        if (sigtimedwait(&signals, NULL, &wait) > 0) {
            return true;
        }
        if (errno != EINTR) {
            return false;
        }
    }
}
