// SPDX-License-Identifier: Apache-2.0
#include "server/engine/remote_prompt.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"

enum {
    BYTES_A_TOKEN = 3, /* a low guess: of English it is four */
    MARKUP_BYTES = 30, /* of a message */
    TOKENS_MAX = 32768,
};

enum role : uint8_t { SYSTEM, USER, ASSISTANT, CONTEXT, ROLES };
static const char *const role_names[ROLES] = {"system", "user", "assistant", "context"};

struct remote_part {
    enum role role;
    bool left_out;
    uint32_t priority;
    size_t from, to; /* of the text */
};

void remote_prompt_finish(struct remote_prompt *p)
{
    free(p->part);
    buf_finish(&p->text);
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
    p->part[p->count++] =
        (struct remote_part){.role = (enum role)role, .priority = m->priority, .from = p->text.n};
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
};

static void end_message(struct message *m, struct json_out *j)
{
    if (m->is_open) {
        json_obj(j);
        json_kstr(j, "role", str_of(role_names[m->role]));
        json_kstr(j, "content", buf_str(&m->text));
        json_end(j);
    }
    m->is_open = m->after_passage = false;
    buf_clear(&m->text);
}

static enum err add_to_message(struct message *m, const struct remote_part *part, struct str text,
                               struct json_out *j)
{
    bool is_passage = part->role == CONTEXT;
    enum role role = is_passage ? USER : part->role;
    if (m->is_open && m->role != role)
        end_message(m, j);
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

/* No template begins with an answer: one whose question was left out goes too. */
static enum err put_messages(const struct remote_prompt *p, struct json_out *j)
{
    struct message m = {.text = BUF(REMOTE_PROMPT_MAX + REMOTE_SEGMENTS_MAX * MARKUP_BYTES)};
    enum err err = OK;
    bool has_user = false;
    for (size_t i = 0; err == OK && i < p->count; i++) {
        const struct remote_part *part = &p->part[i];
        has_user = has_user || (!part->left_out && part->role != SYSTEM && part->role != ASSISTANT);
        if (part->left_out || (part->role == ASSISTANT && !has_user))
            continue;
        err = add_to_message(&m, part, str_sub(buf_str(&p->text), part->from, part->to), j);
    }
    if (err == OK)
        end_message(&m, j);
    buf_finish(&m.text);
    return err;
}

/* --- the request --- */

static bool is_between(float x, float min, float max)
{
    return x >= min && x <= max; /* no number is not */
}

static void put_settings(const struct remote_ask *ask, uint32_t max_tokens, struct json_out *j)
{
    const struct msg_llm_generate *g = ask->generate;
    json_kstr(j, "model", ask->model);
    json_kbool(j, "stream", true);
    json_key(j, "stream_options");
    json_obj(j);
    json_kbool(j, "include_usage", true);
    json_end(j);
    json_kint(j, "max_tokens", max_tokens);
    json_knum(j, "temperature", (double)g->temperature);
    json_knum(j, "top_p", (double)g->top_p);
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
    put_settings(ask, max_tokens, &j);
    json_key(&j, "messages");
    json_arr(&j);
    try(put_messages(p, &j));
    json_end(&j);
    json_end(&j);
    return json_finish(&j);
}
