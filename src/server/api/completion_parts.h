// SPDX-License-Identifier: Apache-2.0
/* One request to /v1/chat/completions on its way, and the shapes of its answer. The server's thread. */
#pragma once

#include "server/api/completion.h"
#include "server/api/route.h"
#include "server/engine/engine.h"

enum {
    COMPLETION_ANSWER_MAX = 1024 * 1024,
    COMPLETION_LOGPROBS_MAX = 8 * 1024 * 1024, /* of a whole answer; a stream gives them away */
};

struct completion {
    struct server *server;
    struct exchange *x;
    struct principal who;
    struct sse *sse; /* with stream */
    struct job *job;
    struct timer silence; /* of the engine; stopped while it waits for the client */
    size_t unread; /* of logprobs that the client has not taken and the engine got no credit for */
    struct completion_request request;
    char id[40], model[COMPLETION_MODEL_BYTES];
    int64_t created_s;
    struct buf answer;   /* without stream */
    struct buf calls;    /* without stream: the members of tool_calls */
    struct buf json;     /* one event */
    struct buf logprobs; /* members of `content`: of the whole answer, or of the next event */
    uint32_t call_count;
    struct msg_llm_done done; /* its texts are not kept */
    bool is_done, was_cut;
};

/* How likely a token was whose text comes next. ERR_SYNTAX, ERR_TOOBIG, ERR_NOMEM. */
enum err answer_keep_logprob(struct completion *c, struct str list);

/* With stream. The headers wait for the first word, so that what goes wrong before it has its status. */
enum err answer_begin_stream(struct completion *c);
void answer_send_text(struct completion *c, struct str text);
void answer_send_call(struct completion *c, const struct msg_llm_call *call);
void answer_end_stream(struct completion *c);
void answer_fail_stream(struct completion *c, enum err err, const char *message);

/* Without. */
enum err answer_keep_call(struct completion *c, const struct msg_llm_call *call);
void answer_reply(struct completion *c);
