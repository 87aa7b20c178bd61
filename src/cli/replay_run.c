// A recording's rows of one time go to the twin together; when a newer time comes, what lies before
// it is as complete as a recording can know, and its cycles are run.
#include "cli/replay_run.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"

enum { ROWS_TOGETHER_MAX = 1024, STOP_EVERY_ROWS = 256 };

static const int64_t busy_pause_ns = GM_SECOND_NS / 1000;

typedef struct player {
    gm_twin *twin;
    double speed;
    int64_t first_ns, newest_ns; // source time
    int64_t started_ns;          // monotonic
    gm_replay_tally *tally;
    gm_sample samples[ROWS_TOGETHER_MAX];
    gm_sample_fate fates[ROWS_TOGETHER_MAX];
} player;

/// Waits until the clock has come to source time time_ns. @return false when asked to stop
static bool keep_pace(const player *play, int64_t time_ns)
{
    if (isinf(play->speed)) {
        return true;
    }
    double due_s = (double)(time_ns - play->first_ns) / (double)GM_SECOND_NS / play->speed;
    double gone_s = (double)(gm_clock_monotonic_ns() - play->started_ns) / (double)GM_SECOND_NS;
    int64_t wait_ns = 0;
    return due_s <= gone_s || !gm_ns_from_s(due_s - gone_s, &wait_ns) || !gm_stop_wait(wait_ns);
}

static gm_status submit(player *play, size_t count, gm_error *error)
{
    gm_submission submission = { .samples = play->samples, .count = count, .fates = play->fates };
    gm_status status;
    while ((status = gm_twin_submit(play->twin, &submission, error)) == GM_BUSY) {
        if (gm_stop_wait(busy_pause_ns)) {
            play->tally->stopped = true;
            return GM_OK;
        }
    }
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        play->tally->samples++;
        play->tally->accepted += play->fates[index] == GM_SAMPLE_ACCEPTED;
        play->tally->duplicates += play->fates[index] == GM_SAMPLE_DUPLICATE ||
                                   play->fates[index] == GM_SAMPLE_CONTRADICTING;
        play->tally->rejected += play->fates[index] == GM_SAMPLE_REJECTED;
    }
    return status;
}

/// Rows [from ...) of one time, as samples. @return how many
static size_t take_together(player *play, const gm_replay_row *rows, size_t count)
{
    size_t taken = 0;
    while (taken < count && taken < ROWS_TOGETHER_MAX && rows[taken].time_ns == rows[0].time_ns) {
        const gm_replay_row *row = &rows[taken];
        play->samples[taken++] = (gm_sample){ .sensor = row->sensor,
                                              .time_ns = row->time_ns,
                                              .value = row->value,
                                              .sequence = row->sequence,
                                              .has_sequence = row->has_sequence };
    }
    return taken;
}

static gm_status play_rows(player *play, const gm_replay_row *rows, size_t count, gm_error *error)
{
    gm_progress progress = gm_progress_start("replay");
    gm_status status = GM_OK;
    size_t at = 0, since = 0;
    while (status == GM_OK && at < count && !play->tally->stopped) {
        int64_t time_ns = rows[at].time_ns;
        size_t taken = take_together(play, rows + at, count - at);
        since += taken;
        if (!keep_pace(play, time_ns) || (since >= STOP_EVERY_ROWS && gm_stop_wait(0))) {
            play->tally->stopped = true;
            break;
        }
        since = since >= STOP_EVERY_ROWS ? 0 : since;
        status = submit(play, taken, error);
        if (status == GM_OK && time_ns > play->newest_ns) {
            play->newest_ns = time_ns;
            status = gm_twin_cycle(play->twin, time_ns - 1, error);
        }
        at += taken;
        gm_progress_show(&progress, (double)at / (double)count);
    }
    gm_progress_end(&progress);
    return status;
}

gm_status gm_replay_play(gm_twin *twin, const gm_replay *replay, double speed,
                         gm_replay_tally *tally, gm_error *error)
{
    size_t count = 0;
    const gm_replay_row *rows = gm_replay_rows(replay, &count);
    player *play = gm_memory_new(1, sizeof *play);
    if (play == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a recording");
    }
    *tally = (gm_replay_tally){ 0 };
    *play = (player){ .twin = twin,
                      .speed = speed,
                      .newest_ns = INT64_MIN,
                      .first_ns = count > 0 ? rows[0].time_ns : 0,
                      .started_ns = gm_clock_monotonic_ns(),
                      .tally = tally };
    gm_twin_status before, after;
    gm_twin_status_get(twin, &before);
    gm_status status = play_rows(play, rows, count, error);
    if (status == GM_OK) {
        status = gm_twin_settle(twin, error);
    }
    gm_twin_status_get(twin, &after);
    tally->cycles = after.cycles - before.cycles;
    tally->late = after.late - before.late;
    tally->span_ns =
        count > 0 && play->newest_ns > play->first_ns ? play->newest_ns - play->first_ns : 0;
    tally->elapsed_s = (double)(gm_clock_monotonic_ns() - play->started_ns) / (double)GM_SECOND_NS;
    gm_memory_free(play);
    return status;
}
