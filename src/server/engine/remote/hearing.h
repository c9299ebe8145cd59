// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of an utterance that a server elsewhere hears: hearing.c (its life, and the final) and
 * partial.c (what was said so far). Its sound is kept until it ends. Never more than one request is under way: the
 * final one ends that of a partial.
 */
#pragma once

#include "server/engine/remote/parts.h"
#include "server/engine/remote/sound.h"
#include "server/engine/remote/transcript.h"
#include "wire/agree.h"

enum hearing_phase : uint8_t {
    COLLECTING, /* and perhaps asking for a partial */
    ASKING,
    PAUSING,
    FAILED,  /* the job hears of it at the end of the step */
    UNHEARD, /* so it does that there was nothing to hear */
    CANCELED,
};

struct remote_hearing {
    struct remote_work work;
    struct remote *remote;
    enum hearing_phase phase;
    uint8_t tries;
    struct msg_stt_open wish; /* without its texts, which are those below */
    struct buf language, prompt;
    struct remote_sound sound;
    struct buf copy;     /* a partial's request */
    struct fetch *fetch; /* NULL: nothing is under way */
    struct buf reply;
    bool asked_verbose, asks_text_alone;
    uint64_t ended_us, asked_us;
    uint32_t asked_ms; /* of sound, by the last partial */
    bool gives_up;     /* on partials */
    struct agree agree;
    struct buf shown; /* the last partial */
    size_t stable;
    struct timer timer; /* of the phase */
    struct deferred say;
    enum err err; /* FAILED */
    const char *sentence;
};

/* The request of `body`, which is borrowed until it is over. */
enum err remote_hearing_start(struct remote_hearing *h, struct str body);
void remote_hearing_hang_up(struct remote_hearing *h);
/* Also from inside a write. */
void remote_hearing_fail_later(struct remote_hearing *h, enum err err, const char *sentence);
/* For the text alone. */
struct remote_sound_ask remote_hearing_question(const struct remote_hearing *h);
/* A code, or empty: it is to be found out. */
struct str remote_hearing_language(const struct remote_hearing *h);

/* partial.c: more sound has come; a partial's request is over. */
void remote_partial_ask(struct remote_hearing *h);
void remote_partial_end(struct remote_hearing *h); /* no more of them */
void remote_partial_hear(struct remote_hearing *h, const struct fetch_result *result);
