// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

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
    int64_t now_ms = clock_wall_ms();
    time_t now_s = now_ms / 1000;
    struct tm utc;
    gmtime_r(&now_s, &utc);
    size_t n = strftime(into, size, "%Y-%m-%dT%H:%M:%S", &utc);
    return n + (size_t)snprintf(into + n, size - n, ".%03dZ ", (int)(now_ms % 1000));
}

/* What ends a line or moves a cursor, in one of the sets that terminals know. */
static bool is_control(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0x2028 || cp == 0x2029;
}

/* The text with control characters and malformed UTF-8 as \xNN: at most four times as long. */
static size_t put_escaped(char *into, struct str text)
{
    size_t n = 0;
    while (text.n) {
        uint32_t cp;
        size_t len = utf8_next(text, &cp);
        if (len && !is_control(cp)) {
            memcpy(into + n, text.p, len);
            n += len;
        } else {
            len = len ? len : 1;
            for (size_t i = 0; i < len; i++)
                n += (size_t)snprintf(into + n, 5, "\\x%02x", (unsigned char)text.p[i]);
        }
        text = str_sub(text, len, text.n);
    }
    return n;
}

/* One line, one write: lines of several threads and programs do not mix. */
void log_line(enum log_level level, uint64_t turn, const char *fmt, ...)
{
    if (!log_enabled(level))
        return;
    static const char *const name[] = {"error", "warn ", "info ", "debug"};
    int saved = errno;
    char text[1024], line[4 * sizeof text + 128]; /* the stamp and the names are short */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);

    size_t n = put_stamp(line, sizeof line);
    n += (size_t)snprintf(line + n, sizeof line - n, "%s ", name[level]);
    if (program_name[0])
        n += (size_t)snprintf(line + n, sizeof line - n, "%.16s: ", program_name);
    if (turn)
        n += (size_t)snprintf(line + n, sizeof line - n, "turn=%llu ", (unsigned long long)turn);
    n += put_escaped(line + n, str_of(text));
    line[n++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, n);
    (void)written; /* nobody is left to tell */
    errno = saved;
}
