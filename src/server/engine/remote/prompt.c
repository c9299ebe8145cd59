// SPDX-License-Identifier: Apache-2.0
#include "server/engine/remote/prompt.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "wire/tool.h"

enum {
    BYTES_A_TOKEN = 3, /* a low guess: of English it is four */
    MARKUP_BYTES = 30, /* of a message */
    TOKENS_MAX = 32768,
    REMOTE_IDS_MAX = 256 * 1024,
};

enum role : uint8_t { SYSTEM, USER, ASSISTANT, CONTEXT, CALL, TOOL, ROLES };
static const char *const role_names[ROLES] = {"system",  "user", "assistant",
                                              "context", "call", "tool"};

struct remote_part {
    enum role role;
    bool left_out;
    uint32_t priority;
    size_t from, to;       /* of the text */
    size_t id_from, id_to; /* of its id */
};

void remote_prompt_finish(struct remote_prompt *p)
{
    free(p->part);
    buf_finish(&p->text);
    buf_finish(&p->ids);
    buf_finish(&p->bias);
    buf_finish(&p->schema);
    buf_finish(&p->tools);
    buf_finish(&p->names);
    *p = (struct remote_prompt){};
}

static enum err add_part(struct remote_prompt *p, const struct msg_llm_segment *m)
{
    size_t role = 0;
    while (role < ROLES && !str_eq(m->role, str_of(role_names[role])))
        role++;
    if (role == ROLES)
        return ERR_INVALID;
    if (p->count == REMOTE_SEGMENTS_MAX)
        return ERR_TOOBIG;
    void *part = p->part;
    enum err err = mem_grow(&part, &p->room, p->count + 1, sizeof *p->part);
    p->part = part;
    try(err);
    p->ids.cap = REMOTE_IDS_MAX;
    size_t at = p->ids.n;
    try(buf_add(&p->ids, m->id));
    p->part[p->count++] = (struct remote_part){.role = (enum role)role,
                                               .priority = m->priority,
                                               .from = p->text.n,
                                               .id_from = at,
                                               .id_to = p->ids.n};
    return OK;
}

enum err remote_prompt_add(struct remote_prompt *p, const struct msg_llm_segment *m)
{
    p->text.cap = REMOTE_PROMPT_MAX;
    if (!p->more)
        try(add_part(p, m));
    try(buf_add(&p->text, m->text));
    p->part[p->count - 1].to = p->text.n;
    p->more = m->more;
    return OK;
}

/* --- room --- */

static size_t cost(const struct remote_part *part)
{
    return part->left_out ? 0 : part->to - part->from + MARKUP_BYTES;
}

static struct remote_part *first_to_go(const struct remote_prompt *p)
{
    struct remote_part *worst = nullptr;
    for (struct remote_part *part = p->part; part < p->part + p->count; part++)
        if (!part->left_out && part->priority > (worst ? worst->priority : 0))
            worst = part;
    return worst;
}

/* What must stay is sent, even if it seems too long: the server knows better. */
static uint32_t fit(const struct remote_prompt *p, size_t room_bytes)
{
    size_t all = 0;
    uint32_t count = 0;
    for (size_t i = 0; i < p->count; i++) {
        p->part[i].left_out = false;
        all += cost(&p->part[i]);
    }
    for (struct remote_part *part; all > room_bytes && (part = first_to_go(p)); count++) {
        all -= cost(part);
        part->left_out = true;
    }
    return count;
}

/* --- messages --- */

/* A message that is being put together: of one role, by any number of segments. */
struct message {
    enum role role;
    bool is_open, after_passage;
    struct buf text;
    struct str id;    /* of a result */
    struct buf calls; /* members of tool_calls */
};

static void end_message(struct message *m, struct json_out *j)
{
    if (m->is_open) {
        json_obj(j);
        json_kstr(j, "role", str_of(role_names[m->role]));
        json_kstr(j, "content", buf_str(&m->text));
        if (m->role == TOOL)
            json_kstr(j, "tool_call_id", m->id);
        if (m->calls.n) {
            json_key(j, "tool_calls");
            json_arr(j);
            json_put_raw(j, buf_str(&m->calls));
            json_end(j);
        }
        json_end(j);
    }
    m->is_open = m->after_passage = false;
    buf_clear(&m->text);
    buf_clear(&m->calls);
}

/* The engines' way: an object of name and arguments; OpenAI's: the arguments as a text. */
static enum err add_call(struct message *m, struct str id, struct str text)
{
    autobuf arguments = BUF(REMOTE_PROMPT_MAX);
    struct json_doc *doc;
    struct json_why why;
    try(json_parse(text, &doc, &why));
    struct json_out a = {.to = &arguments}, j = {.to = &m->calls};
    json_put_val(&a, json_get(json_root(doc), "arguments"));
    enum err err = json_finish(&a);
    if (err == OK && m->calls.n)
        err = buf_add_byte(&m->calls, ',');
    json_obj(&j);
    json_kstr(&j, "id", id);
    json_kstr(&j, "type", S("function"));
    json_key(&j, "function");
    json_obj(&j);
    json_kstr(&j, "name", json_str(json_get(json_root(doc), "name")));
    json_kstr(&j, "arguments", buf_str(&arguments));
    json_end(&j);
    json_end(&j);
    json_doc_destroy(doc);
    return err == OK ? json_finish(&j) : err;
}

static enum err add_to_message(struct message *m, const struct remote_part *part, struct str text,
                               struct str id, struct json_out *j)
{
    bool is_passage = part->role == CONTEXT;
    enum role role = is_passage ? USER : part->role == CALL ? ASSISTANT : part->role;
    if (m->is_open && (m->role != role || role == TOOL || (m->calls.n && part->role != CALL)))
        end_message(m, j);
    if (part->role == CALL) {
        m->is_open = true;
        m->role = role;
        return add_call(m, id, text);
    }
    m->id = id;
    struct str before = is_passage && !m->after_passage   ? S("Passages from the documents:\n\n")
                        : m->after_passage && !is_passage ? S("Question: ")
                                                          : S("");
    if (m->is_open)
        try(buf_add(&m->text, S("\n\n")));
    try(buf_add(&m->text, before));
    try(buf_add(&m->text, text));
    m->is_open = true;
    m->role = role;
    m->after_passage = is_passage;
    return OK;
}

static struct str id_of(const struct remote_prompt *p, const struct remote_part *part)
{
    return str_sub(buf_str(&p->ids), part->id_from, part->id_to);
}

static bool has_call(const struct remote_prompt *p, const struct remote_part *result)
{
    for (const struct remote_part *part = p->part; part < result; part++)
        if (part->role == CALL && !part->left_out && str_eq(id_of(p, part), id_of(p, result)))
            return true;
    return false;
}

/* No template begins with an answer, and a result without its call is none: what has lost its other half to the
 * want of room goes too. */
static enum err put_messages(const struct remote_prompt *p, struct json_out *j)
{
    struct message m = {.text = BUF(REMOTE_PROMPT_MAX + REMOTE_SEGMENTS_MAX * MARKUP_BYTES),
                        .calls = BUF(REMOTE_BODY_MAX / 2)};
    enum err err = OK;
    bool has_user = false;
    for (size_t i = 0; err == OK && i < p->count; i++) {
        const struct remote_part *part = &p->part[i];
        bool asks = part->role == USER || part->role == CONTEXT;
        has_user = has_user || (!part->left_out && asks);
        if (part->left_out || (part->role != SYSTEM && !has_user) ||
            (part->role == TOOL && !has_call(p, part)))
            continue;
        err = add_to_message(&m, part, str_sub(buf_str(&p->text), part->from, part->to),
                             id_of(p, part), j);
    }
    if (err == OK)
        end_message(&m, j);
    buf_finish(&m.text);
    buf_finish(&m.calls);
    return err;
}

/* --- wishes --- */

static enum err add_tool(struct remote_prompt *p, const struct msg_llm_tool *m)
{
    p->tools.cap = REMOTE_PROMPT_MAX;
    p->names.cap = REMOTE_PROMPT_MAX;
    p->must_call = m->must;
    p->one_call = m->one;
    try(buf_add(&p->names, m->name));
    try(buf_add_byte(&p->names, 0));
    if (p->tools.n)
        try(buf_add_byte(&p->tools, ','));
    struct json_out j = {.to = &p->tools};
    tool_put(&j, m);
    return json_finish(&j);
}

bool remote_prompt_offers(const struct remote_prompt *p, struct str name)
{
    struct str rest = buf_str(&p->names);
    while (rest.n) {
        size_t n = str_find_byte(rest, 0);
        if (str_eq(str_sub(rest, 0, n), name))
            return true;
        rest = str_sub(rest, n + 1, rest.n);
    }
    return false;
}

enum err remote_prompt_wish(struct remote_prompt *p, enum msg_type type, const union msg *msg)
{
    switch (type) {
    case MSG_llm_sampling:
        p->has_sampling = true;
        p->sampling = msg->llm_sampling;
        p->bias.cap = WIRE_PAYLOAD_MAX;
        return buf_add(&p->bias, msg->llm_sampling.bias_json);
    case MSG_llm_format:
        p->has_format = true;
        p->schema.cap = WIRE_PAYLOAD_MAX;
        return buf_add(&p->schema, msg->llm_format.schema_json);
    case MSG_llm_logprobs:
        p->has_logprobs = true;
        p->top_logprobs = msg->llm_logprobs.top;
        return OK;
    case MSG_llm_tool:
        return add_tool(p, &msg->llm_tool);
    default:
        return ERR_SYNTAX;
    }
}

static void put_sampling(const struct remote_prompt *p, struct json_out *j)
{
    const struct msg_llm_sampling *s = &p->sampling;
    if (s->presence_penalty != 0)
        json_knum(j, "presence_penalty", (double)s->presence_penalty);
    if (s->frequency_penalty != 0)
        json_knum(j, "frequency_penalty", (double)s->frequency_penalty);
    if (s->min_p > 0)
        json_knum(j, "min_p", (double)s->min_p);
    if (s->repeat_penalty > 0 && s->repeat_penalty != 1) {
        json_knum(j, "repetition_penalty", (double)s->repeat_penalty); /* vLLM's name */
        json_knum(j, "repeat_penalty", (double)s->repeat_penalty);     /* llama-server's */
    }
    if (p->bias.n) {
        json_key(j, "logit_bias");
        json_put_raw(j, buf_str(&p->bias));
    }
}

static void put_format(const struct remote_prompt *p, struct json_out *j)
{
    json_key(j, "response_format");
    json_obj(j);
    json_kstr(j, "type", p->schema.n ? S("json_schema") : S("json_object"));
    if (p->schema.n) {
        json_key(j, "json_schema");
        json_obj(j);
        json_kstr(j, "name", S("answer"));
        json_key(j, "schema");
        json_put_raw(j, buf_str(&p->schema));
        json_end(j);
    }
    json_end(j);
}

static void put_wishes(const struct remote_prompt *p, struct json_out *j)
{
    put_sampling(p, j);
    if (p->has_format)
        put_format(p, j);
    if (p->has_logprobs)
        json_kbool(j, "logprobs", true);
    if (p->top_logprobs)
        json_kint(j, "top_logprobs", p->top_logprobs);
    if (!p->tools.n)
        return;
    json_key(j, "tools");
    json_arr(j);
    json_put_raw(j, buf_str(&p->tools));
    json_end(j);
    json_kstr(j, "tool_choice", p->must_call ? S("required") : S("auto"));
    if (p->one_call)
        json_kbool(j, "parallel_tool_calls", false);
}

/* --- the request --- */

static bool is_between(float x, float min, float max)
{
    return x >= min && x <= max; /* no number is not */
}

/* Not every server knows top_k, and some refuse what they do not know: only who names settings of sampling
 * means it. */
static void put_settings(const struct remote_prompt *p, const struct remote_ask *ask,
                         uint32_t max_tokens, struct json_out *j)
{
    const struct msg_llm_generate *g = ask->generate;
    json_kstr(j, "model", ask->model);
    json_kbool(j, "stream", true);
    json_key(j, "stream_options");
    json_obj(j);
    json_kbool(j, "include_usage", true);
    json_end(j);
    json_kint(j, ask->counts_completion ? "max_completion_tokens" : "max_tokens", max_tokens);
    json_knum(j, "temperature", (double)g->temperature);
    json_knum(j, "top_p", (double)g->top_p);
    if (p->has_sampling && g->top_k)
        json_kint(j, "top_k", g->top_k);
    if (g->seed)
        json_kint(j, "seed", (int64_t)(g->seed & INT64_MAX));
    if (g->stop_json.n > 2) { /* not [] */
        json_key(j, "stop");
        json_put_raw(j, g->stop_json);
    }
}

enum err remote_prompt_write(const struct remote_prompt *p, const struct remote_ask *ask,
                             struct buf *json, uint32_t *ret_left_out)
{
    const struct msg_llm_generate *g = ask->generate;
    if (p->count == 0 || p->more || g->max_tokens == 0 || g->max_tokens > TOKENS_MAX ||
        !is_between(g->temperature, 0, 2) || !is_between(g->top_p, 0, 1))
        return ERR_INVALID;
    uint32_t half = ask->context / 2, max_tokens = g->max_tokens < half ? g->max_tokens : half;
    *ret_left_out = fit(p, (size_t)(ask->context - max_tokens) * BYTES_A_TOKEN);
    struct json_out j = {.to = json};
    json_obj(&j);
    put_settings(p, ask, max_tokens, &j);
    put_wishes(p, &j);
    json_key(&j, "messages");
    json_arr(&j);
    try(put_messages(p, &j));
    json_end(&j);
    json_end(&j);
    return json_finish(&j);
}
