// SPDX-License-Identifier: Apache-2.0
/*
 * One line an event on standard error: "2026-01-31T12:00:00.123Z warn  turn=17 text". Control
 * characters of the text are escaped, so that nothing a client sends can forge a line. Only talk/,
 * api/ and main log above debug, once per failure. Any thread.
 */
#pragma once

#include <stdint.h>

enum log_level : uint8_t { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level max);
/* A short word put before every text, for the programs around the server: "stt", "llm"… */
void log_set_name(const char *name);
bool log_enabled(enum log_level level);
/* turn 0: none. Keeps errno. */
void log_line(enum log_level level, uint64_t turn, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(...) log_line(LOG_ERROR, 0, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, 0, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, 0, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, 0, __VA_ARGS__)
