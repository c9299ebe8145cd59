// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static atomic_int max_level = LOG_INFO;
static const char *program_name = ""; /* const after start */

void log_set_level(enum log_level max)
{
    atomic_store_explicit(&max_level, max, memory_order_relaxed);
}

void log_set_name(const char *name)
{
    program_name = name;
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

static size_t put_stamp(char *into, size_t size)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(into, size, "%Y-%m-%dT%H:%M:%S", &utc);
    return n + (size_t)snprintf(into + n, size - n, ".%03ldZ ", now.tv_nsec / 1000000);
}

/* One line, one write: lines of several threads and programs do not mix. Control characters are
 * shown as \xNN, so that no text can forge a line or move a terminal's cursor. */
void log_line(enum log_level level, uint64_t turn, const char *fmt, ...)
{
    if (!log_enabled(level))
        return;
    static const char *const name[] = {"error", "warn ", "info ", "debug"};
    int saved = errno;
    char text[1024], line[4 * sizeof text + 128];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);

    size_t n = put_stamp(line, sizeof line);
    n += (size_t)snprintf(line + n, sizeof line - n, "%s ", name[level]);
    if (program_name[0])
        n += (size_t)snprintf(line + n, sizeof line - n, "%s: ", program_name);
    if (turn)
        n += (size_t)snprintf(line + n, sizeof line - n, "turn=%llu ", (unsigned long long)turn);
    for (const char *at = text; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < 0x20 || c == 0x7f)
            n += (size_t)snprintf(line + n, sizeof line - n, "\\x%02x", c);
        else
            line[n++] = *at;
    }
    line[n++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, n);
    (void)written; /* nobody is left to tell */
    errno = saved;
}
