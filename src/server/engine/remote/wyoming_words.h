// SPDX-License-Identifier: Apache-2.0
/*
 * The words of one utterance as a recogniser behind Wyoming tells them: a `transcript`, and before it, where it can,
 * pieces of it as `transcript-chunk`. Hostile: bounded, well-formed or refused. Pure.
 *
 *     wyoming_words_init(&w);
 *     try(wyoming_words_take(&w, &event)); …    // whatever comes
 *     … w.is_whole: buf_str(&w.text), w.language
 *     wyoming_words_finish(&w);
 */
#pragma once

#include "server/engine/remote/said.h"
#include "server/net/wyoming.h"

struct wyoming_words {
    struct buf pieces;            /* as they came, one behind the other */
    struct buf text;              /* once it is whole: words between single blanks */
    char language[8];             /* a code such as "en"; "": it was not told, or is unknown */
    char said[REMOTE_SAID_BYTES]; /* of an error, for the log */
    bool has_pieces, is_whole;
};

void wyoming_words_init(struct wyoming_words *w);
void wyoming_words_finish(struct wyoming_words *w);
/* ERR_ENGINE: the server tells of a failure, ERR_BUSY: that it has too much to do; ERR_SYNTAX: this is no transcript;
 * ERR_TOOBIG, ERR_NOMEM. What is not about words is ignored, and so is all that comes when they are whole. */
enum err wyoming_words_take(struct wyoming_words *w, const struct wyoming_event *event);
/* The pieces so far as words. */
enum err wyoming_words_so_far(const struct wyoming_words *w, struct buf *into);
