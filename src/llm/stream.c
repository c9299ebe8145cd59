// SPDX-License-Identifier: Apache-2.0
#include "llm/stream.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "llm/answer.h"
#include "llm/call.h"
#include "llm/pairing.h"
#include "llm/schema.h"
#include "llm/tools.h"

enum { SESSION_MAX = 128 };

static const struct llm_driver *driver; /* these are const after stream_use */
static enum tool_syntax syntax;

/* A segment whose text lies in the stream's `text`, which may still move. */
struct part {
    struct llm_segment segment; /* its texts are set last */
    size_t from, to;
    char id[TOOL_ID_BYTES + 1];
};

struct stream {
    struct worker_stream *wire;
    bool opened, more; /* more: the last segment goes on */
    struct buf session, text;
    struct part *part;
    size_t count, room;
    struct msg_llm_sampling sampling; /* its text is not kept */
    struct llm_bias *bias;
    size_t bias_count;
    bool has_format;
    struct grammar grammar;
    struct tools tools;
    struct call_reader calls;
    bool prefill, has_logprobs;
    uint32_t top_logprobs;
    struct answer answer;
    size_t said; /* bytes of text, calls among them */
    struct pairing pairing;
    enum err err; /* why a piece was refused */
    char why[LLM_WHY_BYTES];
};

void stream_use(const struct llm_driver *d, enum tool_syntax tools)
{
    driver = d;
    syntax = tools;
}

enum err stream_open(struct worker_stream *s, void **ret_state)
{
    struct stream *st = mem_zero(1, sizeof *st);
    if (!st)
        return ERR_NOMEM;
    st->wire = s;
    st->session = BUF(SESSION_MAX);
    st->text = BUF(LLM_PROMPT_MAX);
    st->sampling.repeat_penalty = 1;
    st->grammar = GRAMMAR;
    st->tools = TOOLS;
    *ret_state = st;
    return OK;
}

void stream_close(void *state)
{
    struct stream *st = state;
    buf_finish(&st->session);
    buf_finish(&st->text);
    free(st->part);
    free(st->bias);
    grammar_free(&st->grammar);
    tools_finish(&st->tools);
    call_reader_finish(&st->calls);
    pairing_finish(&st->pairing);
    free(st);
}

/* The name of a role, as a text that lives for ever. */
static enum err find_role(struct stream *st, struct str name, struct str *ret_role)
{
    static const char *const roles[] = {"system", "user", "assistant", "context", "call", "tool"};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (str_eq(name, str_of(roles[i]))) {
            *ret_role = str_of(roles[i]);
            return OK;
        }
    }
    worker_why(st->wire, "a segment's role is system, user, assistant, context, call or tool");
    return ERR_INVALID;
}

static enum err add_part(struct stream *st, const struct msg_llm_segment *m)
{
    struct str role;
    try(find_role(st, m->role, &role));
    if (st->count == LLM_SEGMENTS_MAX)
        return ERR_TOOBIG;
    void *part = st->part;
    enum err err = mem_grow(&part, &st->room, st->count + 1, sizeof *st->part);
    st->part = part;
    try(err);
    st->part[st->count++] = (struct part){
        .segment = {.role = role, .trusted = m->trusted, .priority = m->priority},
        .from = st->text.n,
    };
    tools_shorten_id(m->id, st->part[st->count - 1].id);
    return OK;
}

static enum err on_segment(struct stream *st, const struct msg_llm_segment *m)
{
    if (!st->more)
        try(add_part(st, m));
    try(buf_add(&st->text, m->text));
    st->part[st->count - 1].to = st->text.n;
    st->more = m->more;
    return OK;
}

/* --- how the answer is to be --- */

static bool is_between(float x, float min, float max)
{
    return x >= min && x <= max; /* no number is not */
}

static enum err read_bias(struct stream *st, const struct json_val *root)
{
    struct str token;
    const struct json_val *bias;
    size_t count = json_count(root);
    if (json_typeof(root) != JSON_OBJ)
        return ERR_INVALID;
    st->bias = mem_zero(count + 1, sizeof *st->bias);
    if (!st->bias)
        return ERR_NOMEM;
    for (size_t iter = 0; json_next(root, &iter, &token, &bias);) {
        int64_t n;
        float x = (float)json_num(bias, NAN);
        if (str_to_i64(token, &n) != OK || n < 0 || n > INT32_MAX || !is_between(x, -100, 100))
            return ERR_INVALID;
        st->bias[st->bias_count++] = (struct llm_bias){(int32_t)n, x};
    }
    return OK;
}

static enum err on_sampling(struct stream *st, const struct msg_llm_sampling *m)
{
    struct json_why why;
    struct json_doc *doc = nullptr;
    bool is_right = is_between(m->min_p, 0, 1) && is_between(m->presence_penalty, -2, 2) &&
                    is_between(m->frequency_penalty, -2, 2) &&
                    is_between(m->repeat_penalty, 0.01f, 100);
    enum err err = !is_right || st->bias ? ERR_INVALID
                   : m->bias_json.n      ? json_parse(m->bias_json, &doc, &why)
                                         : OK;
    if (err == OK && doc)
        err = read_bias(st, json_root(doc));
    json_doc_destroy(doc);
    if (err != OK)
        worker_why(st->wire, "penalties, min_p and logit_bias must be within their ranges");
    st->sampling = *m;
    st->sampling.bias_json = S("");
    return err;
}

static enum err on_format(struct stream *st, const struct msg_llm_format *m)
{
    struct json_why why;
    struct json_doc *doc = nullptr;
    if (st->has_format)
        return ERR_SYNTAX;
    st->has_format = true;
    enum err err = m->schema_json.n ? json_parse(m->schema_json, &doc, &why) : OK;
    if (err == OK)
        err = grammar_add_schema(&st->grammar, "form", doc ? json_root(doc) : nullptr, st->why);
    json_doc_destroy(doc);
    if (err != OK)
        worker_why(st->wire, "%s", st->why[0] ? st->why : "the JSON schema is too large");
    return err;
}

static enum err on_tool(struct stream *st, const struct msg_llm_tool *m)
{
    enum err err = tools_add(&st->tools, m, st->why);
    if (err != OK)
        worker_why(st->wire, "%s", st->why[0] ? st->why : "there are too many functions");
    return err;
}

static enum err on_logprobs(struct stream *st, const struct msg_llm_logprobs *m)
{
    if (m->top > LOGPROBS_TOP_MAX) {
        worker_why(st->wire, "top_logprobs goes up to %d", LOGPROBS_TOP_MAX);
        return ERR_INVALID;
    }
    st->has_logprobs = true;
    st->top_logprobs = m->top;
    return OK;
}

/* A form and functions: the model chooses. Functions alone: it is free, unless it must. */
static enum err complete_grammar(struct stream *st, const char **ret_grammar)
{
    struct grammar *g = &st->grammar;
    bool has_calls = st->tools.count > 0 && (st->tools.must || st->has_format);
    *ret_grammar = nullptr;
    if (!has_calls && !st->has_format)
        return OK;
    if (has_calls)
        try(tools_add_grammar(&st->tools, syntax, "call", g, st->why));
    try(buf_addf(&g->text, "root ::= %s\n",
                 !has_calls       ? "form"
                 : st->tools.must ? "call"
                                  : "form | call"));
    try(grammar_finish(g));
    *ret_grammar = buf_z(&g->text);
    return *ret_grammar ? OK : ERR_NOMEM;
}

/* --- the answer --- */

static bool is_stopped(void *arg)
{
    const struct stream *st = arg;
    return worker_canceled(st->wire);
}

/* There is the one call that was wanted. */
static bool has_called(const struct stream *st)
{
    return st->tools.one && st->calls.calls > 0;
}

static bool has_enough(const struct stream *st)
{
    return answer_over(&st->answer) || has_called(st);
}

static enum err send_words(void *arg, struct str text)
{
    const struct stream *st = arg;
    return worker_send(st->wire, MSG_llm_token, &(struct msg_llm_token){text});
}

static enum err send_logprob(void *arg, struct str list)
{
    const struct stream *st = arg;
    return worker_send(st->wire, MSG_llm_logprob, &(struct msg_llm_logprob){list});
}

/* What the reader of calls gives is the front of what it holds, which ends where all that was said does. */
static enum err send_text(void *arg, struct str text)
{
    static const struct pairing_events events = {.token = send_logprob, .text = send_words};
    struct stream *st = arg;
    if (text.n == 0 || has_called(st))
        return OK;
    if (!st->has_logprobs)
        return send_words(st, text);
    size_t at = st->said - (st->tools.count ? st->calls.held.n : text.n);
    return pairing_send(&st->pairing, at, text, &events, st);
}

static enum err send_call(void *arg, struct str name, struct str arguments_json)
{
    const struct stream *st = arg;
    if (has_called(st))
        return OK;
    return worker_send(st->wire, MSG_llm_call, &(struct msg_llm_call){name, arguments_json});
}

static enum err say(struct stream *st, struct str text)
{
    st->said += text.n;
    return st->tools.count && text.n ? call_reader_add(&st->calls, text) : send_text(st, text);
}

static enum err add_piece(struct stream *st, struct str piece, struct str logprobs)
{
    struct str ready;
    if (st->has_logprobs)
        try(pairing_add(&st->pairing, piece, logprobs));
    try(answer_add(&st->answer, piece, &ready));
    return say(st, ready);
}

static bool on_piece(void *arg, struct str piece, struct str logprobs)
{
    struct stream *st = arg;
    st->err = add_piece(st, piece, logprobs);
    return st->err == OK && !has_enough(st);
}

static enum err send_done(struct stream *st, const struct llm_result *r)
{
    bool cut = r->cut && !has_enough(st);
    const struct msg_llm_done done = {
        .reason = st->prefill       ? S("prefill")
                  : cut             ? S("length")
                  : st->calls.calls ? S("tool_calls")
                                    : S("stop"),
        .prompt_tokens = r->prompt_tokens,
        .cached_tokens = r->cached_tokens,
        .completion_tokens = r->completion_tokens,
        .segments_left_out = r->segments_left_out,
        .prefill_us = r->prefill_us,
        .decode_us = r->decode_us,
    };
    return worker_send(st->wire, MSG_llm_done, &done);
}

static enum err run(struct stream *st, const struct llm_request *request)
{
    struct llm_result result = {};
    struct str rest;
    enum err err = driver->generate(request, &result);
    try(st->err);
    try(err);
    try(answer_end(&st->answer, &rest));
    try(say(st, rest));
    if (st->tools.count)
        try(call_reader_end(&st->calls));
    return send_done(st, &result);
}

/* What the driver is asked. The segments are to be freed. */
static enum err tell(struct stream *st, struct buf *made, struct llm_segment **ret_segment,
                     size_t *ret_count)
{
    autofree struct llm_segment *segment = mem_zero(st->count, sizeof *segment);
    if (!segment)
        return ERR_NOMEM;
    for (size_t i = 0; i < st->count; i++) {
        segment[i] = st->part[i].segment;
        segment[i].text = str_sub(buf_str(&st->text), st->part[i].from, st->part[i].to);
        segment[i].id = str_of(st->part[i].id);
    }
    return tools_tell(&st->tools, syntax, segment, st->count, made, ret_segment, ret_count);
}

static enum err generate(struct stream *st, const struct msg_llm_generate *m)
{
    autobuf made = {};
    autofree struct llm_segment *segment = nullptr;
    size_t count, marks;
    const char *grammar;
    try(complete_grammar(st, &grammar));
    try(tell(st, &made, &segment, &count));
    st->calls = (struct call_reader){.tools = &st->tools,
                                     .syntax = syntax,
                                     .on_text = send_text,
                                     .on_call = send_call,
                                     .arg = st};
    const struct llm_request request = {
        .session = buf_str(&st->session),
        .segment = segment,
        .count = count,
        .max_tokens = m->max_tokens,
        .temperature = m->temperature,
        .top_p = m->top_p,
        .top_k = m->top_k,
        .seed = m->seed,
        .min_p = st->sampling.min_p,
        .presence_penalty = st->sampling.presence_penalty,
        .frequency_penalty = st->sampling.frequency_penalty,
        .repeat_penalty = st->sampling.repeat_penalty,
        .bias = st->bias,
        .bias_count = st->bias_count,
        .prefill = st->prefill,
        .grammar = grammar,
        .mark = tools_marks(&st->tools, syntax, &marks),
        .mark_count = marks,
        .has_logprobs = st->has_logprobs,
        .top_logprobs = st->top_logprobs,
        .piece = on_piece,
        .stopped = is_stopped,
        .arg = st,
        .why = st->why,
    };
    /* A text to stop at would stop within a call. */
    try(answer_init(&st->answer, st->tools.must ? S("") : m->stop_json, st->why));
    enum err err = run(st, &request);
    answer_finish(&st->answer);
    return err;
}

static enum err on_generate(struct stream *st, const struct msg_llm_generate *m)
{
    if (st->count == 0 || st->more || m->max_tokens == 0 || m->max_tokens > LLM_TOKENS_MAX ||
        !is_between(m->temperature, 0, 2) || !is_between(m->top_p, 0, 1)) {
        worker_why(st->wire, "a question and its settings must be whole and within their ranges");
        return ERR_INVALID;
    }
    enum err err = generate(st, m);
    if (err == OK)
        worker_end(st->wire);
    else if (st->why[0])
        worker_why(st->wire, "%s", st->why);
    return err;
}

enum err stream_message(void *state, struct worker_stream *, uint16_t type, const union msg *msg)
{
    struct stream *st = state;
    if (st->opened == (type == MSG_llm_open))
        return ERR_SYNTAX;
    switch (type) {
    case MSG_llm_open:
        st->opened = true;
        return buf_add(&st->session, msg->llm_open.session);
    case MSG_llm_segment:
        return on_segment(st, &msg->llm_segment);
    case MSG_llm_sampling:
        return on_sampling(st, &msg->llm_sampling);
    case MSG_llm_format:
        return on_format(st, &msg->llm_format);
    case MSG_llm_tool:
        return on_tool(st, &msg->llm_tool);
    case MSG_llm_logprobs:
        return on_logprobs(st, &msg->llm_logprobs);
    case MSG_llm_prefill:
        st->prefill = true;
        return on_generate(
            st, &(struct msg_llm_generate){.max_tokens = msg->llm_prefill.max_tokens, .top_p = 1});
    case MSG_llm_generate:
        return on_generate(st, &msg->llm_generate);
    default:
        return ERR_SYNTAX;
    }
}
