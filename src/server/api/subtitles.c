// SPDX-License-Identifier: Apache-2.0
#include "server/api/subtitles.h"

static enum err begin(struct subtitles *s)
{
    return s->vtt && s->text.n == 0 ? buf_add(&s->text, S("WEBVTT\n\n")) : OK;
}

static enum err put_time(struct subtitles *s, uint64_t ms)
{
    return buf_addf(&s->text, "%02llu:%02u:%02u%c%03u", (unsigned long long)(ms / 3600000),
                    (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60), s->vtt ? '.' : ',',
                    (unsigned)(ms % 1000));
}

/* WebVTT has markup, and ways to write its characters; SubRip has only an arrow, which nobody says. */
static enum err put_character(struct subtitles *s, char c, char before)
{
    if ((unsigned char)c < ' ' || c == 0x7f)
        c = ' ';
    if (!s->vtt)
        return c == '>' && before == '-' ? buf_add(&s->text, S(" >")) : buf_add_byte(&s->text, c);
    switch (c) {
    case '&':
        return buf_add(&s->text, S("&amp;"));
    case '<':
        return buf_add(&s->text, S("&lt;"));
    case '>':
        return buf_add(&s->text, S("&gt;"));
    default:
        return buf_add_byte(&s->text, c);
    }
}

static enum err put_line(struct subtitles *s, struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        try(put_character(s, text.p[i], i ? text.p[i - 1] : ' '));
    return buf_add(&s->text, S("\n\n"));
}

enum err subtitles_add(struct subtitles *s, uint64_t start_ms, uint64_t end_ms, struct str text)
{
    struct str line = str_trim(text);
    if (line.n == 0)
        return OK;
    if (start_ms < s->last_ms)
        start_ms = s->last_ms;
    if (end_ms <= start_ms)
        end_ms = start_ms + 1;
    s->last_ms = end_ms;
    try(begin(s));
    if (!s->vtt)
        try(buf_addf(&s->text, "%u\n", s->cues + 1));
    s->cues++;
    try(put_time(s, start_ms));
    try(buf_add(&s->text, S(" --> ")));
    try(put_time(s, end_ms));
    try(buf_add_byte(&s->text, '\n'));
    return put_line(s, line);
}

enum err subtitles_end(struct subtitles *s)
{
    return begin(s);
}
