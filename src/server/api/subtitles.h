// SPDX-License-Identifier: Apache-2.0
/*
 * A transcript as subtitles: SubRip (.srt) or WebVTT (W3C). Cues have a length, follow one another and hold one line,
 * whatever they are given. Pure.
 *
 *     struct subtitles s = {.vtt = true, .text = BUF(MAX)};
 *     try(subtitles_add(&s, start_ms, end_ms, text)); …
 *     try(subtitles_end(&s));
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct subtitles {
    bool vtt;
    struct buf text; /* so far */
    uint32_t cues;
    uint64_t last_ms; /* the end of the last one */
};

/* A text of blanks alone makes no cue. */
enum err subtitles_add(struct subtitles *s, uint64_t start_ms, uint64_t end_ms, struct str text);
/* Now the text is a file, also without any cue. */
enum err subtitles_end(struct subtitles *s);
