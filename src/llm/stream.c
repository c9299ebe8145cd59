// SPDX-License-Identifier: Apache-2.0
#include "llm/stream.h"

#include <stdlib.h>

#include "base/mem.h"

static const struct llm_driver *driver; /* const after start */

struct stream {
    struct worker_stream *worker;
    struct arena *prompt; /* texts of the segments */
    struct str session;
    struct llm_segment segment[STREAM_SEGMENTS_MAX];
    size_t count;
    struct buf unfinished; /* of the segment that goes on in the next message */
};

void stream_use(const struct llm_driver *d)
{
    driver = d;
}

enum err stream_open(struct worker_stream *s, void **ret_state)
{
    struct stream *st = mem_zero(1, sizeof *st);
    if (!st)
        return ERR_NOMEM;
    st->worker = s;
    st->unfinished = BUF(STREAM_PROMPT_MAX);
    st->prompt = arena_create(2 * STREAM_PROMPT_MAX);
    if (!st->prompt) {
        stream_close(st);
        return ERR_NOMEM;
    }
    *ret_state = st;
    return OK;
}

void stream_close(void *state)
{
    struct stream *st = state;
    arena_destroy(st->prompt);
    buf_finish(&st->unfinished);
    free(st);
}

static enum err add_segment(struct stream *st, const struct msg_llm_segment *m)
{
    try(buf_add(&st->unfinished, m->text));
    if (m->more)
        return OK;
    if (st->count == STREAM_SEGMENTS_MAX)
        return ERR_TOOBIG;
    struct llm_segment *s = &st->segment[st->count];
    s->trusted = m->trusted;
    s->priority = m->priority;
    try(arena_str(st->prompt, m->role, &s->role));
    try(arena_str(st->prompt, buf_str(&st->unfinished), &s->text));
    buf_clear(&st->unfinished);
    st->count++;
    return OK;
}

/* The driver's token: false once the stream is cancelled. */
static bool send_token(void *to, struct str text)
{
    struct stream *st = to;
    if (!text.p)
        return !worker_canceled(st->worker);
    const struct msg_llm_token token = {text};
    return worker_send(st->worker, MSG_llm_token, &token) == OK;
}

static enum err generate(struct stream *st, const struct msg_llm_generate *m)
{
    const struct llm_request request = {
        .session = st->session,
        .segment = st->segment,
        .count = st->count,
        .max_tokens = m->max_tokens,
        .temperature = m->temperature,
        .top_p = m->top_p,
        .top_k = m->top_k,
        .seed = m->seed,
        .stop_json = m->stop_json,
    };
    struct llm_result r = {};
    char why[WORKER_WHY_BYTES] = "";
    enum err err = driver->answer(&request, send_token, st, &r, why);
    if (err != OK) {
        worker_why(st->worker, "%s", why);
        return err;
    }
    const struct msg_llm_done done = {
        .reason = str_of(r.reason),
        .prompt_tokens = r.prompt_tokens,
        .cached_tokens = r.cached_tokens,
        .completion_tokens = r.completion_tokens,
        .segments_left_out = r.segments_left_out,
        .prefill_us = r.prefill_us,
        .decode_us = r.decode_us,
    };
    try(worker_send(st->worker, MSG_llm_done, &done));
    worker_end(st->worker);
    return OK;
}

enum err stream_message(void *state, struct worker_stream *s, uint16_t type, const union msg *msg)
{
    (void)s;
    struct stream *st = state;
    switch (type) {
    case MSG_llm_open:
        return arena_str(st->prompt, msg->llm_open.session, &st->session);
    case MSG_llm_segment:
        return add_segment(st, &msg->llm_segment);
    case MSG_llm_generate:
        return generate(st, &msg->llm_generate);
    default:
        return ERR_SYNTAX;
    }
}
