// SPDX-License-Identifier: Apache-2.0
#include "stt/libwhisper.h"

#include <whisper.h>

#include "base/log.h"
#include "base/str.h"

/* libwhisper tells much, and calls it an error when we stop it. */
static void on_log(enum ggml_log_level level, const char *text, void *arg)
{
    (void)arg;
    if (level != GGML_LOG_LEVEL_ERROR)
        return;
    struct str line = str_trim(str_of(text));
    bool is_ours =
        str_find(line, S("aborting")) < line.n || str_find(line, S("failed to")) < line.n;
    if (line.n > 1)
        log_line(is_ours ? LOG_DEBUG : LOG_WARN, 0, "libwhisper: %.*s",
                 (int)(line.n < 400 ? line.n : 400), line.p);
}

void libwhisper_begin(void)
{
    static bool is_ready; /* main thread */
    if (is_ready)
        return;
    is_ready = true;
    whisper_log_set(on_log, nullptr);
    ggml_backend_load_all(); /* a second time there would be two of each */
}
