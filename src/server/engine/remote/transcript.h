// SPDX-License-Identifier: Apache-2.0
/*
 * What a server elsewhere answers to a recording: {"text"} and, where it was asked for more and has it, its segments,
 * the times of words and the language, in the shapes of OpenAI, faster-whisper and whisper.cpp. Hostile: bounded,
 * well-formed or refused. Pure.
 *
 *     try(remote_transcript_read(body, &t));
 *     … buf_str(&t.text), remote_transcript_language(&t) …
 *     try(remote_transcript_tell(&t, &wish, tell, self));
 *     remote_transcript_finish(&t);             // also of one that is zeroed
 */
#pragma once

#include "base/str.h"
#include "wire/msg.h"

enum {
    REMOTE_TRANSCRIPT_MAX = 40 * 1024, /* bytes of its text */
    REMOTE_TRANSCRIPT_BODY_MAX =
        4 * 1024 * 1024, /* with the words and tokens of a long recording */
};

struct json_doc;

struct remote_transcript {
    struct json_doc *doc;
    struct buf text; /* words between single blanks, without [BLANK_AUDIO] and the like */
};

/* ERR_SYNTAX: this is no transcript; ERR_TOOBIG, ERR_NOMEM. *ret_t is to be finished when it is OK. */
enum err remote_transcript_read(struct str body, struct remote_transcript *ret_t);
/* A code such as "en"; empty: it was not told, or is unknown. */
struct str remote_transcript_language(const struct remote_transcript *t);

/* What was said as words between single blanks, behind those that are there already, without [BLANK_AUDIO] and the like. ERR_TOOBIG,
 * ERR_NOMEM. */
enum err remote_transcript_words(struct str said, struct buf *into);

struct remote_transcript_wish {
    uint32_t audio_ms; /* nothing begins or ends later */
    bool needs_times;  /* of words: ERR_INVALID where there are none */
};
/* Each segment, with its words where they were told, good for the call; one of everything where there are none. The first error of `tell` ends it. */
enum err remote_transcript_tell(const struct remote_transcript *t,
                                const struct remote_transcript_wish *wish,
                                enum err (*tell)(void *arg, const struct msg_stt_segment *segment),
                                void *arg);
void remote_transcript_finish(struct remote_transcript *t);
