// One log entry is one line and one write call, so entries of many threads never mix.
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/calendar.h"

enum { LINE_SIZE = 2048 }; // longer entries are cut

static const char *const level_names[] = {
    [GM_LOG_ERROR] = "error",
    [GM_LOG_WARNING] = "warning",
    [GM_LOG_INFO] = "info",
    [GM_LOG_DEBUG] = "debug",
};

void gm_log_write(const gm_log *log, gm_log_level level, const char *room, const char *format, ...)
{
    if (!log || level > log->level || level < GM_LOG_ERROR || level > GM_LOG_DEBUG) {
        return;
    }
    int saved = errno;
    char line[LINE_SIZE], time[40];
    gm_time_format(gm_clock_wall_ns(), time);
    snprintf(line, sizeof line, "%s %s %.64s: ", time, level_names[level], room);
    size_t used = strlen(line), text = used;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + used, sizeof line - 1 - used, format, arguments);
    va_end(arguments);
    used = strlen(line);
    for (size_t at = text; at < used; at++) {
        if ((unsigned char)line[at] < 0x20 || line[at] == 0x7F) {
            line[at] = ' '; // quoted input must not forge a second entry
        }
    }
    line[used++] = '\n';
    ssize_t written = 0;
    do {
        written = write(log->descriptor, line, used);
    } while (written < 0 && errno == EINTR); // a log that cannot be written is not worth an error
    errno = saved;
}
