// SPDX-License-Identifier: Apache-2.0
/*
 * The segments of a job as the messages of a chat completion. A server elsewhere has the model's chat
 * template and counts tokens; we know neither, so that passages become part of the question that follows
 * them, messages of one role in a row become one, as many templates want it, and room is guessed by bytes.
 *
 *     try(remote_prompt_add(&p, &segment));     // as often as pieces come
 *     try(remote_prompt_wish(&p, type, msg));   // llm_sampling, llm_format, llm_tool, llm_logprobs
 *     try(remote_prompt_write(&p, &ask, &json));
 *     remote_prompt_finish(&p);                 // also of one that is zeroed
 */
#pragma once

#include "base/str.h"
#include "wire/msg.h"

enum {
    REMOTE_PROMPT_MAX = 2 * 1024 * 1024, /* bytes of all segments */
    REMOTE_SEGMENTS_MAX = 1024,
    REMOTE_BODY_MAX = 8 * REMOTE_PROMPT_MAX, /* of the request: a control character takes six */
};

struct remote_part;
struct remote_prompt {
    struct remote_part *part;
    size_t count, room;
    struct buf text, ids;
    bool more;                        /* the last segment goes on */
    struct msg_llm_sampling sampling; /* its text is not kept; repeat_penalty 0: none was told */
    struct buf bias, schema, tools;   /* JSON; of the tools the members of the list */
    struct buf names;                 /* of the tools, each with a NUL */
    bool has_sampling, has_format, has_logprobs, must_call, one_call;
    uint32_t top_logprobs;
};

struct remote_ask {
    struct str model;
    uint32_t context;       /* tokens */
    bool counts_completion; /* max_tokens is called max_completion_tokens there */
    const struct msg_llm_generate *generate;
};

/* ERR_INVALID: an unknown role; ERR_TOOBIG, ERR_NOMEM. */
enum err remote_prompt_add(struct remote_prompt *p, const struct msg_llm_segment *m);
/* Any other message of the job before llm_generate. ERR_SYNTAX: it is none of these; ERR_TOOBIG, ERR_NOMEM. */
enum err remote_prompt_wish(struct remote_prompt *p, enum msg_type type, const union msg *msg);
/* Is there a function of this name among the tools? */
bool remote_prompt_offers(const struct remote_prompt *p, struct str name);
/* Leaves out what is too much, the highest priority number first, of equals the oldest. ERR_INVALID: there
 * is no whole question, or a setting is out of its range. */
enum err remote_prompt_write(const struct remote_prompt *p, const struct remote_ask *ask,
                             struct buf *json, uint32_t *ret_left_out);
void remote_prompt_finish(struct remote_prompt *p);
