// SPDX-License-Identifier: Apache-2.0
/*
 * POST /v1/embeddings: vectors of texts for programs that speak OpenAI's API. The answer is written while the
 * vectors come, and sent when the last one is there, so that what goes wrong has its status and the engine's
 * place is free however slowly the client reads. What all clients together have not taken yet has a limit.
 * Texts are taken as they are: a model that wants "query: " in front gets it from the client.
 * Shapes: OpenAI's published OpenAPI file.
 */
#include <math.h>
#include <stdio.h>

#include "base/conf.h"
#include "server/api/admit.h"
#include "server/api/base64.h"
#include "server/api/embedding_request.h"
#include "server/api/route.h"
#include "server/engine/engine.h"

enum {
    BODY_MAX = JOB_BACKLOG_MAX - 128 * 1024, /* as frames it is a little longer */
    REPLIES_MAX = 64 * 1024 * 1024,          /* all that are being made or taken */
    PIECE = 60 * 1024,                       /* of a text, or of a reply */
    VECTOR_BYTES = 64,                       /* of a reply, around a vector */
    FRAME_BYTES = 2048,                      /* around all of them */
    DIGITS = 9,                              /* of a number, as many as it has */
    NUMBER_BYTES = DIGITS + 4,
};

struct embedding {
    struct server *server;
    struct exchange *x;
    struct principal who;
    struct job *job;
    struct timer silence; /* of the engine, then the end of the client's time */
    bool base64;
    char model[EMBEDDING_MODEL_BYTES];
    size_t count;        /* of inputs */
    size_t given;        /* of vectors so far */
    size_t reserved;     /* of server->embedding_bytes */
    size_t vector_bytes; /* of each, as the engine sends it */
    size_t sent;         /* of the reply */
    struct buf reply;    /* what is written of it */
    struct buf text;     /* one vector */
    struct json_out out; /* into `reply` */
};

static void embedding_free(struct embedding *e)
{
    job_cancel(e->job);
    timer_stop(&e->silence);
    e->server->embedding_bytes -= e->reserved;
    buf_finish(&e->reply);
    buf_finish(&e->text);
    free(e);
}

static void fail(struct embedding *e, enum err err, const char *message, const char *param)
{
    if (exchange_begun(e->x))
        exchange_abort(e->x); /* a cut body says that it is not whole */
    else
        exchange_error(e->x, err, message, param);
    embedding_free(e);
}

/* --- the answer --- */

static float number_at(struct str numbers, size_t at)
{
    float x;
    memcpy(&x, numbers.p + at, sizeof x);
    return x;
}

/* As in a vector whose length is 1. */
static bool are_numbers(struct str numbers)
{
    bool are = numbers.n > 0 && numbers.n % sizeof(float) == 0;
    for (size_t at = 0; are && at < numbers.n; at += sizeof(float))
        are = fabsf(number_at(numbers, at)) < 2; /* what is no number is not */
    return are;
}

/* None needs an exponent. */
static enum err put_number(struct buf *into, float x)
{
    char text[NUMBER_BYTES];
    size_t n = sizeof text;
    bool below = x < 0;
    uint64_t rest = (uint64_t)llround(fabs((double)x) * 1e9);
    for (int i = 0; i < DIGITS; i++, rest /= 10)
        text[--n] = (char)('0' + rest % 10);
    text[--n] = '.';
    text[--n] = (char)('0' + rest % 10);
    if (below)
        text[--n] = '-';
    return buf_add(into, (struct str){text + n, sizeof text - n});
}

static enum err put_numbers(struct buf *into, struct str numbers)
{
    try(buf_add_byte(into, '['));
    for (size_t at = 0; at < numbers.n; at += sizeof(float)) {
        float x = number_at(numbers, at);
        if (at > 0)
            try(buf_add_byte(into, ','));
        try(put_number(into, x));
    }
    return buf_add_byte(into, ']');
}

static enum err put_base64(struct buf *into, struct str numbers)
{
    try(buf_add_byte(into, '"'));
    try(base64_add(into, numbers));
    return buf_add_byte(into, '"');
}

static enum err reserve(struct embedding *e, size_t vector_bytes)
{
    size_t *all = &e->server->embedding_bytes;
    size_t vector =
        e->base64 ? base64_bytes(vector_bytes) : vector_bytes / sizeof(float) * NUMBER_BYTES;
    size_t bytes = FRAME_BYTES + e->count * (VECTOR_BYTES + vector);
    if (bytes > REPLIES_MAX)
        return ERR_TOOBIG;
    if (bytes > REPLIES_MAX - *all)
        return ERR_BUSY;
    *all += bytes;
    e->reserved = bytes;
    e->vector_bytes = vector_bytes;
    e->reply = BUF(bytes);
    return buf_reserve(&e->reply, bytes);
}

static enum err begin_reply(struct embedding *e, size_t vector_bytes)
{
    try(reserve(e, vector_bytes));
    e->out = (struct json_out){.to = &e->reply};
    json_obj(&e->out);
    json_kstr(&e->out, "object", S("list"));
    json_key(&e->out, "data");
    json_arr(&e->out);
    return e->out.err;
}

static enum err on_vector(struct embedding *e, struct str numbers)
{
    if (!are_numbers(numbers) || e->given == e->count)
        return ERR_ENGINE;
    if (e->given == 0)
        try(begin_reply(e, numbers.n));
    if (numbers.n != e->vector_bytes)
        return ERR_ENGINE;
    buf_clear(&e->text);
    try(e->base64 ? put_base64(&e->text, numbers) : put_numbers(&e->text, numbers));
    json_obj(&e->out);
    json_kstr(&e->out, "object", S("embedding"));
    json_kint(&e->out, "index", (int64_t)e->given++);
    json_key(&e->out, "embedding");
    json_put_raw(&e->out, buf_str(&e->text));
    json_end(&e->out);
    return e->out.err;
}

static enum err end_reply(struct embedding *e, uint32_t tokens)
{
    if (e->given != e->count)
        return ERR_ENGINE;
    json_end(&e->out);
    json_kstr(&e->out, "model", str_of(e->model));
    json_key(&e->out, "usage");
    json_obj(&e->out);
    json_kint(&e->out, "prompt_tokens", tokens);
    json_kint(&e->out, "total_tokens", tokens);
    json_end(&e->out);
    json_end(&e->out);
    return json_finish(&e->out);
}

/* As much as the client takes. */
static void send_reply(struct embedding *e)
{
    struct str reply = buf_str(&e->reply);
    size_t queued = 0;
    while (e->sent < reply.n && queued <= EXCHANGE_QUEUE) {
        struct str piece = str_sub(reply, e->sent, e->sent + PIECE);
        queued = exchange_write(e->x, piece);
        e->sent += piece.n;
    }
    if (e->sent < reply.n)
        return;
    exchange_end(e->x);
    embedding_free(e);
}

static void on_writable(struct exchange *, void *arg)
{
    send_reply(arg);
}

/* --- the job --- */

static const char too_much[] =
    "these vectors are too much for one reply; send fewer texts at a time, or ask for base64";

static void on_message(void *arg, enum msg_type type, const union msg *msg)
{
    struct embedding *e = arg;
    enum err err = OK;
    timer_start(&e->silence, (uint64_t)e->server->conf->turn_ms);
    if (type == MSG_embed_vector) {
        err = on_vector(e, msg->embed_vector.numbers);
        job_consumed(e->job, msg->embed_vector.numbers.n);
    } else if (type == MSG_embed_done) {
        err = end_reply(e, msg->embed_done.tokens);
    }
    if (err != OK)
        fail(e, err, err == ERR_TOOBIG ? too_much : nullptr, nullptr);
}

static void on_ended(void *arg, enum err err, const char *text)
{
    struct embedding *e = arg;
    e->job = nullptr;
    if (err != OK) {
        fail(e, err, text && text[0] ? text : nullptr, nullptr);
        return;
    }
    buf_finish(&e->text);
    timer_start(&e->silence, (uint64_t)e->server->conf->turn_ms);
    if (e->reply.n > EXCHANGE_QUEUE) {
        exchange_begin(e->x, 200, "application/json");
        send_reply(e);
    } else {
        exchange_reply(e->x, 200, "application/json", buf_str(&e->reply));
        embedding_free(e);
    }
}

static void on_silence(void *arg)
{
    fail(arg, ERR_LATE, "the embedding model has fallen silent; please try again", nullptr);
}

static enum err send_text(struct embedding *e, struct str text)
{
    do {
        size_t n = utf8_prefix(text, PIECE);
        const struct msg_embed_text piece = {n < text.n, str_sub(text, 0, n)};
        try(job_send(e->job, MSG_embed_text, &piece));
        text = str_sub(text, n, text.n);
    } while (text.n);
    return OK;
}

static enum err send_tokens(struct embedding *e, const int32_t *token, size_t count)
{
    const size_t most = PIECE / sizeof *token;
    do {
        size_t n = count < most ? count : most;
        const struct msg_embed_tokens piece = {n < count, {(const char *)token, n * sizeof *token}};
        try(job_send(e->job, MSG_embed_tokens, &piece));
        token += n;
        count -= n;
    } while (count);
    return OK;
}

static enum err send_all(struct embedding *e, const struct embedding_request *r)
{
    try(job_send(e->job, MSG_embed_open,
                 &(struct msg_embed_open){.dimensions = (uint32_t)r->dimensions}));
    for (size_t i = 0; i < r->count; i++) {
        const struct embedding_input *in = &r->input[i];
        if (in->to > 0)
            try(send_tokens(e, r->token + in->from, in->to - in->from));
        else
            try(send_text(e, in->text));
    }
    return job_send(e->job, MSG_embed_finish, &(struct msg_embed_finish){});
}

static enum err begin(struct embedding *e, const struct embedding_request *r)
{
    static const struct job_events events = {.message = on_message, .ended = on_ended};
    try(admit_request(e->server, &e->who, e->x));
    e->count = r->count;
    e->base64 = r->base64;
    try(engine_open(e->server->embed, &events, e, &e->job));
    try(send_all(e, r));
    timer_start(&e->silence, (uint64_t)e->server->conf->turn_ms);
    return OK;
}

/* --- the request --- */

static const char no_model[] =
    "no embedding model is installed here; name a GGUF file such as e5-small-v2's with embed.model";

static void on_request(struct exchange *x, void *arg, struct str body)
{
    (void)x;
    struct embedding *e = arg;
    struct json_doc *doc = nullptr;
    struct json_why why = {};
    struct embedding_request request = {};
    enum err err = json_parse(body, &doc, &why);
    if (err == OK)
        err = embedding_request_read(json_root(doc), &request, e->model, &why);
    if (err == OK && !e->server->embed) {
        err = ERR_UNSUPPORTED;
        snprintf(why.text, sizeof why.text, "%s", no_model);
    }
    if (err == OK)
        err = begin(e, &request);
    embedding_request_finish(&request);
    json_doc_destroy(doc);
    if (err != OK)
        fail(e, err, why.text[0] ? why.text : nullptr, why.param[0] ? why.param : nullptr);
}

static void on_gone(struct exchange *x, void *arg)
{
    (void)x;
    embedding_free(arg);
}

void handle_embedding(struct server *s, struct exchange *x, const struct principal *who,
                      struct str id)
{
    (void)id;
    static const struct exchange_events events = {
        .on_request = on_request, .on_gone = on_gone, .on_writable = on_writable};
    struct embedding *e = mem_zero(1, sizeof *e);
    if (!e) {
        exchange_error(x, ERR_NOMEM, nullptr, nullptr);
        return;
    }
    e->server = s;
    e->x = x;
    e->who = *who;
    e->text = BUF(WIRE_PAYLOAD_MAX * 4);
    if (s->embed) {
        struct engine_info info;
        engine_info(s->embed, &info);
        snprintf(e->model, sizeof e->model, "%s", info.model);
    }
    timer_init(&e->silence, s->loop, on_silence, e);
    exchange_read_body(x, BODY_MAX, &events, e);
}
