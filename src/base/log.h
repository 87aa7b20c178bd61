// The program's log: one line an entry on standard error, `time level room: text`. The pure rooms
// never log.
#ifndef GEMEL_BASE_LOG_H
#define GEMEL_BASE_LOG_H

typedef enum gm_log_level {
    GM_LOG_ERROR = 1,
    GM_LOG_WARNING,
    GM_LOG_INFO,
    GM_LOG_DEBUG
} gm_log_level;

/// A log somebody owns and passes along; plain value. NULL logs nothing.
typedef struct gm_log {
    gm_log_level level; // entries above it are dropped
    int descriptor;     // where to write, 2 for standard error
} gm_log;

/// Writes one entry in one write call; any thread.
void gm_log_write(const gm_log *log, gm_log_level level, const char *room, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
