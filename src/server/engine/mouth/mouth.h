// SPDX-License-Identifier: Apache-2.0
/*
 * A synthesiser elsewhere that speaks in the place of ours: OpenAI's POST /audio/speech or Coqui's GET /api/tts. It
 * belongs to the engine `tts`, whose program runs as ever: the sound from elsewhere goes through it (tts_sound), and it
 * speaks itself whatever the server does not, or not in time. Nobody waits for a server that is away: it is
 * asked for a word now and then, and used again once it has spoken it. Loop thread only.
 *
 * Which jobs it speaks for: those that name no voice, or its own. One that has once fallen back to the local voice stays with it,
 * so that no answer changes its voice more than once.
 */
#pragma once

#include <stdint.h>

#include "server/engine/mouth/ask.h"

struct engine;
struct mouth;

/* However much a listener has still to hear: a server that sends nothing for so long, and then for first_sound_ms, hangs. */
enum { MOUTH_AHEAD_MS = 10000 };

/* Why a clause is spoken by the local voice. */
#define MOUTH_REASONS(X)                                                                           \
    X(away)     /* it was known to be: nothing was asked */                                        \
    X(busy)     /* it says so, or it has as many requests of ours as it gets at once */            \
    X(broken)   /* the connection was refused, or cut */                                           \
    X(late)     /* nothing came in time */                                                         \
    X(stalled)  /* it began, and did not keep up with the listener */                              \
    X(refused)  /* 4xx: the key, the model, the voice */                                           \
    X(failed)   /* any other status */                                                             \
    X(no_sound) /* what came is none, or silence */                                                \
    X(endless)  /* more sound than such a text can have */                                         \
    X(memory)   /* ours */
enum mouth_reason : uint8_t {
#define X(name) MOUTH_##name,
    MOUTH_REASONS(X)
#undef X
        MOUTH_REASON_COUNT
};
const char *mouth_reason_name(enum mouth_reason reason);

/* Texts are copied. */
struct engine_mouth {
    enum mouth_api api;
    const char *url;                      /* see remote/address.h */
    const char *key;                      /* or "" */
    const char *model, *voice, *language; /* as the server calls them, or "" */
    const char *local_voice;              /* whose jobs it speaks for; "": the program's standard */
    uint32_t connect_ms, first_sound_ms, reply_ms;
};

struct mouth_info {
    const char *url;
    const char *name; /* under which a client may ask for it */
    bool is_judged;   /* it has answered once, or failed to */
    bool is_up;
    const char *notes; /* why it is not used, in a sentence; or whose voice it is */
    uint64_t clauses;  /* that it spoke, to their end */
    uint64_t again;    /* of these, those whose sound was kept from an earlier time */
    uint64_t fallbacks[MOUTH_REASON_COUNT]; /* clauses, by reason */
};

enum err mouth_create(struct engine *e, const struct engine_mouth *config, struct mouth **ret_m);
void mouth_destroy(struct mouth *m); /* after the engine's jobs; takes NULL */
void mouth_info(const struct mouth *m, struct mouth_info *ret_info);
/* The same of who speaks in the place of an engine; false: nobody does. */
bool engine_mouth_info(const struct engine *e, struct mouth_info *ret_info);
