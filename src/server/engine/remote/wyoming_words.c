// SPDX-License-Identifier: Apache-2.0
#include "server/engine/remote/wyoming_words.h"

#include <stdio.h>

#include "server/engine/remote/transcript.h"
#include "wire/language_name.h"

void wyoming_words_init(struct wyoming_words *w)
{
    *w = (struct wyoming_words){.pieces = BUF(REMOTE_TRANSCRIPT_MAX),
                                .text = BUF(REMOTE_TRANSCRIPT_MAX)};
}

void wyoming_words_finish(struct wyoming_words *w)
{
    buf_finish(&w->pieces);
    buf_finish(&w->text);
}

struct told {
    struct str text, language, code;
};

static enum err read(const struct wyoming_event *event, struct told *ret_told)
{
    static const struct json_field fields[] = {
        {"text", JSON_STR, offsetof(struct told, text)},
        {"language", JSON_STR, offsetof(struct told, language)},
        {"code", JSON_STR, offsetof(struct told, code)},
    };
    struct told told = {};
    struct json_why why;
    if (wyoming_read(event, fields, sizeof fields / sizeof *fields, &told, &why) != OK)
        return ERR_SYNTAX;
    *ret_told = told;
    return OK;
}

static void take_language(struct wyoming_words *w, struct str told)
{
    struct str code = language_code(told);
    if (code.n)
        snprintf(w->language, sizeof w->language, "%.*s", STR_FMT(code));
}

static enum err take_whole(struct wyoming_words *w, struct str text)
{
    if (!text.p)
        return ERR_SYNTAX;
    buf_clear(&w->text);
    try(remote_transcript_words(text, &w->text));
    w->is_whole = true;
    return OK;
}

static enum err take_piece(struct wyoming_words *w, struct str text)
{
    if (!text.p)
        return ERR_SYNTAX;
    w->has_pieces = true;
    return buf_add(&w->pieces, text);
}

/* One that has too much to do is told from one that cannot; what Repartee calls that (base/err.h) is the only word for
 * it that is known. */
static enum err take_error(struct wyoming_words *w, const struct told *told)
{
    said_line(told->text, w->said, sizeof w->said);
    return str_eq(told->code, str_of(err_code(ERR_BUSY))) ? ERR_BUSY : ERR_ENGINE;
}

/* A transcript-stop without a transcript, which should not be, says that the pieces were all. */
enum err wyoming_words_take(struct wyoming_words *w, const struct wyoming_event *event)
{
    struct told told = {};
    bool is_start = str_eq(event->type, S("transcript-start")),
         is_piece = str_eq(event->type, S("transcript-chunk")),
         is_text = str_eq(event->type, S("transcript")),
         is_stop = str_eq(event->type, S("transcript-stop")),
         is_error = str_eq(event->type, S("error"));
    if (w->is_whole || !(is_start || is_piece || is_text || is_stop || is_error))
        return OK;
    enum err err = read(event, &told);
    if (is_error)
        return take_error(w, &told); /* whatever it looks like */
    try(err);
    take_language(w, told.language);
    if (is_piece)
        return take_piece(w, told.text);
    if (is_text)
        return take_whole(w, told.text);
    if (is_stop)
        return w->has_pieces ? take_whole(w, buf_str(&w->pieces)) : ERR_SYNTAX;
    buf_clear(&w->pieces);
    return OK;
}

enum err wyoming_words_so_far(const struct wyoming_words *w, struct buf *into)
{
    return remote_transcript_words(buf_str(&w->pieces), into);
}
