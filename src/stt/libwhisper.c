// SPDX-License-Identifier: Apache-2.0
#include "stt/libwhisper.h"

#include <parakeet.h>
#include <stdio.h>
#include <whisper.h>

#include "base/log.h"
#include "base/str.h"

enum { ERROR_BYTES = 160, LINE_MAX_BYTES = 400 };

static thread_local struct {
    bool (*is_meant)(void *arg);
    void *arg;
    char error[ERROR_BYTES];
} present;

/* They tell much, and call it an error when we stop them. */
static void on_log(enum ggml_log_level level, const char *text, void *library)
{
    struct str line = str_trim(str_of(text));
    if (level != GGML_LOG_LEVEL_ERROR || line.n < 2)
        return;
    line = str_sub(line, 0, LINE_MAX_BYTES);
    bool is_meant = present.is_meant && present.is_meant(present.arg);
    if (!is_meant)
        snprintf(present.error, sizeof present.error, "%.*s", STR_FMT(line));
    log_line(is_meant ? LOG_DEBUG : LOG_WARN, 0, "%s: %.*s", (const char *)library, STR_FMT(line));
}

void libwhisper_explain(char *why, size_t size, const char *what)
{
    snprintf(why, size, present.error[0] ? "%s (%.120s)" : "%s", what, present.error);
}

void libwhisper_forget(void)
{
    present.error[0] = 0;
}

void libwhisper_expect(bool (*is_meant)(void *arg), void *arg)
{
    present.is_meant = is_meant;
    present.arg = arg;
}

void libwhisper_begin(void)
{
    static bool is_ready; /* main thread */
    if (is_ready)
        return;
    is_ready = true;
    static char whisper[] = "libwhisper", parakeet[] = "libparakeet";
    parakeet_log_set(on_log, parakeet);
    whisper_log_set(on_log, whisper); /* and ggml's */
    ggml_backend_load_all();          /* a second time there would be two of each */
}
