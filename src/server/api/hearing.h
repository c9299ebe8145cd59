// SPDX-License-Identifier: Apache-2.0
/*
 * A recording that is heard: its bytes while they are received, a confined repartee-read that opens it, its samples on
 * their way to the recogniser as fast as that takes them, and the words. The routes differ in how a request and its
 * answer look; this is what they share. As long as it lives it is one of limit.uploads. Transcription uses the general
 * language model; conversations adapt to the documents. Loop thread only.
 *
 *     try(hearing_create(s, &events, me, &h));
 *     try(hearing_add(h, bytes)); …
 *     try(hearing_begin(h, &wish));
 *     … events.heard, then events.ended(OK), or events.ended with what went wrong: exactly once
 *
 * Sound that comes live is no file and needs no reader:
 *
 *     try(hearing_begin_live(h, 48000, &wish));
 *     try(hearing_sound(h, samples)); … hearing_is_behind(h) … events.eased …
 *     try(hearing_stop(h));
 *
 * No event fires from inside these calls, and none after hearing_destroy, which `ended` may call, and the others not.
 */
#pragma once

#include "server/engine/engine.h"

struct hearing;
struct server;

enum hearing_segments : uint8_t { HEARING_TEXT_ONLY, HEARING_SEGMENTS, HEARING_WORD_TIMES };

/* As stt_open has it. */
struct hearing_wish {
    struct str language, prompt;
    bool translate;
    double temperature;
    enum hearing_segments
        segments; /* with HEARING_WORD_TIMES it ends with ERR_INVALID where there are none */
    bool news;    /* words are told as soon as they are sure */
};

/* Those that return an error end it. */
struct hearing_events {
    /* With wish.news: more of the text, as it will stay. What came before `heard` is all of it. */
    enum err (*news)(void *arg, struct str text);
    enum err (*segment)(void *arg, const struct msg_stt_segment *segment);
    /* `final` is good for the call. */
    void (*heard)(void *arg, const struct msg_stt_final *final);
    /* It was behind with live sound, and no longer is. May be NULL where there is none. */
    void (*eased)(void *arg);
    /* A sentence fit for a client, or NULL. */
    void (*ended)(void *arg, enum err err, const char *sentence);
};

/* ERR_BUSY: others are sending recordings; ERR_NOMEM. */
enum err hearing_create(struct server *s, const struct hearing_events *events, void *arg,
                        struct hearing **ret_h);
void hearing_destroy(struct hearing *h); /* takes NULL */
/* More of the file. ERR_NOMEM, ERR_BUSY: no more can be open. */
enum err hearing_add(struct hearing *h, struct str bytes);
/* The language of what was heard, or else the one that it was to be; "": that was left open, and nothing was said. */
struct str hearing_language(const struct msg_stt_final *final, struct str wished);
uint64_t hearing_size(const struct hearing *h); /* bytes so far */
/* The file is whole. */
enum err hearing_begin(struct hearing *h, const struct hearing_wish *wish);
/* Instead of a file: sound of this rate (s16le, mono, whole samples) follows. */
enum err hearing_begin_live(struct hearing *h, uint32_t rate_hz, const struct hearing_wish *wish);
enum err hearing_sound(struct hearing *h, struct str s16le);
/* Much of it waits for the recogniser: no more before `eased`. */
bool hearing_is_behind(const struct hearing *h);
enum err hearing_stop(struct hearing *h); /* that was all of it */
/* From hearing_begin to now, and to the last sample of the file. */
uint64_t hearing_us(const struct hearing *h);
uint64_t hearing_read_us(const struct hearing *h);
