// SPDX-License-Identifier: Apache-2.0
/* What a synthesiser elsewhere is asked: OpenAI's POST …/audio/speech, or Coqui's GET …/api/tts. Pure. */
#pragma once

#include "base/str.h"

enum mouth_api : uint8_t { MOUTH_OPENAI, MOUTH_COQUI };

enum {
    MOUTH_ASK_MAX = 32 * 1024, /* bytes of an address, or of what is posted */
};

struct mouth_ask {
    enum mouth_api api;
    const char *url;                      /* without a slash at its end */
    const char *model, *voice, *language; /* as the server calls them; "": not named */
    float speed;
    struct str text; /* for mouth_ask_words */
};

/* Coqui's where the address says so; named: "openai", "coqui" or "auto". */
enum mouth_api mouth_api_of(const char *named, const char *url);
/* Can it be asked to speak at that speed? */
bool mouth_api_has_speed(enum mouth_api api, float speed);
/* Where, and what is posted there; an empty body is a GET. ERR_NOMEM, ERR_TOOBIG. */
enum err mouth_ask_write(const struct mouth_ask *ask, struct buf *url, struct buf *body);

/* What there is to be said of a clause: what is written for the eye alone (Markdown's marks, the addresses of links, the numbers of
 * citations, emoji) is left out, since not every server does that. Numbers and signs are the server's to read out. Nothing is added:
 * `into` is never longer than the text. */
enum err mouth_ask_words(struct str text, struct buf *into);
/* Where to go on in the clause when only a part of its sound has come: at a word's beginning, rather earlier than
 * later. share: of the sound that was expected, 0..1. */
size_t mouth_ask_rest(struct str text, double share);
/* Its last sign, which says how long a pause there is behind it. */
struct str mouth_ask_close(struct str text);
