// SPDX-License-Identifier: Apache-2.0
#include "llm/embed_stream.h"

#include <math.h>

#include "base/mem.h"

static const struct embed_driver *driver; /* const after embed_stream_use */
static uint32_t model_dimensions;         /* const after embed_stream_use */

/* A text, or tokens, between two places of the stream's `bytes`, which may still move. */
struct part {
    size_t from, to;
    bool is_tokens;
};

struct stream {
    struct worker_stream *wire;
    bool opened, more; /* more: the last part goes on */
    struct msg_embed_open open;
    uint32_t dimensions;
    struct buf bytes;
    struct part *part;
    size_t count, room;
    float *numbers; /* the vector that is sent */
    enum err err;   /* why a vector was refused */
    char why[LLM_WHY_BYTES];
};

void embed_stream_use(const struct embed_driver *d, uint32_t dimensions)
{
    driver = d;
    model_dimensions = dimensions;
}

enum err embed_stream_open(struct worker_stream *s, void **ret_state)
{
    struct stream *st = mem_zero(1, sizeof *st);
    if (!st)
        return ERR_NOMEM;
    st->wire = s;
    st->bytes = BUF(EMBED_BYTES_MAX);
    *ret_state = st;
    return OK;
}

void embed_stream_close(void *state)
{
    struct stream *st = state;
    buf_finish(&st->bytes);
    free(st->part);
    free(st->numbers);
    free(st);
}

static enum err on_open(struct stream *st, const struct msg_embed_open *m)
{
    st->opened = true;
    st->open = *m;
    st->dimensions = m->dimensions ? m->dimensions : model_dimensions;
    if (m->purpose >= EMBED_PURPOSES)
        return ERR_INVALID;
    if (st->dimensions > model_dimensions) {
        worker_why(st->wire, "this model's vectors have %u dimensions; ask for that many or fewer",
                   model_dimensions);
        return ERR_INVALID;
    }
    st->numbers = mem_zero(st->dimensions, sizeof *st->numbers);
    return st->numbers ? OK : ERR_NOMEM;
}

/* --- texts --- */

static enum err add_part(struct stream *st, bool is_tokens)
{
    if (st->count == EMBED_TEXTS_MAX)
        return ERR_TOOBIG;
    void *part = st->part;
    enum err err = mem_grow(&part, &st->room, st->count + 1, sizeof *st->part);
    st->part = part;
    try(err);
    /* Tokens are numbers of four bytes; the memory itself is aligned for any. */
    while (st->bytes.n % sizeof(int32_t) != 0)
        try(buf_add_byte(&st->bytes, 0));
    st->part[st->count++] = (struct part){st->bytes.n, st->bytes.n, is_tokens};
    return OK;
}

static enum err on_part(struct stream *st, bool is_tokens, uint32_t more, struct str bytes)
{
    if (!st->more)
        try(add_part(st, is_tokens));
    struct part *p = &st->part[st->count - 1];
    if (p->is_tokens != is_tokens || (is_tokens && bytes.n % sizeof(int32_t) != 0))
        return ERR_SYNTAX;
    try(buf_add(&st->bytes, bytes));
    p->to = st->bytes.n;
    st->more = more;
    return OK;
}

/* --- vectors --- */

static bool is_stopped(void *arg)
{
    const struct stream *st = arg;
    return worker_canceled(st->wire);
}

/* The first dimensions of it, of length 1. ERR_INTERNAL: they have none. */
static enum err make_unit(const float *from, float *to, uint32_t dimensions)
{
    double sum = 0;
    for (uint32_t i = 0; i < dimensions; i++)
        sum += (double)from[i] * from[i];
    if (!(sum > 0) || !isfinite(sum))
        return ERR_INTERNAL;
    double scale = 1 / sqrt(sum);
    for (uint32_t i = 0; i < dimensions; i++)
        to[i] = (float)(from[i] * scale);
    return OK;
}

static bool on_vector(void *arg, const float *numbers)
{
    struct stream *st = arg;
    st->err = make_unit(numbers, st->numbers, st->dimensions);
    if (st->err != OK) {
        worker_why(st->wire, "the model has made a vector that is none; is its file damaged?");
        return false;
    }
    const struct msg_embed_vector m = {
        {(const char *)st->numbers, st->dimensions * sizeof *st->numbers}};
    st->err = worker_send(st->wire, MSG_embed_vector, &m);
    return st->err == OK;
}

static struct embed_input input_of(const struct stream *st, const struct part *p)
{
    struct str bytes = str_sub(buf_str(&st->bytes), p->from, p->to);
    if (!p->is_tokens)
        return (struct embed_input){.text = bytes};
    return (struct embed_input){.token = (const void *)bytes.p, .count = bytes.n / sizeof(int32_t)};
}

static enum err on_finish(struct stream *st)
{
    if (st->count == 0 || st->more)
        return ERR_SYNTAX;
    autofree struct embed_input *input = mem_zero(st->count, sizeof *input);
    if (!input)
        return ERR_NOMEM;
    for (size_t i = 0; i < st->count; i++)
        input[i] = input_of(st, &st->part[i]);
    const struct embed_request request = {
        .input = input,
        .count = st->count,
        .purpose = (enum embed_purpose)st->open.purpose,
        .shorten = st->open.shorten,
        .vector = on_vector,
        .stopped = is_stopped,
        .arg = st,
        .why = st->why,
    };
    struct embed_result r = {};
    enum err err = driver->embed(&request, &r);
    try(st->err);
    if (err != OK && st->why[0])
        worker_why(st->wire, "%s", st->why);
    try(err);
    const struct msg_embed_done done = {r.tokens, r.shortened, r.compute_us};
    try(worker_send(st->wire, MSG_embed_done, &done));
    worker_end(st->wire);
    return OK;
}

enum err embed_stream_message(void *state, struct worker_stream *, uint16_t type,
                              const union msg *msg)
{
    struct stream *st = state;
    if (st->opened == (type == MSG_embed_open))
        return ERR_SYNTAX;
    switch (type) {
    case MSG_embed_open:
        return on_open(st, &msg->embed_open);
    case MSG_embed_text:
        return on_part(st, false, msg->embed_text.more, msg->embed_text.text);
    case MSG_embed_tokens:
        return on_part(st, true, msg->embed_tokens.more, msg->embed_tokens.tokens);
    case MSG_embed_finish:
        return on_finish(st);
    default:
        return ERR_SYNTAX;
    }
}
