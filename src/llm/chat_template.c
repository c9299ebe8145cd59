// SPDX-License-Identifier: Apache-2.0
#include "llm/chat_template.h"

#include <limits.h>
#include <llama.h>
#include <stdio.h>

#include "base/mem.h"

enum {
    TEMPLATE_BYTES_MAX = 256 * 1024,
    PLACEHOLDER_BYTES = 32,
    MARKUP_BYTES = 512, /* of a message, generously */
};

/* Private-use code points: no template treats them in any way of its own. */
static void put_placeholder(char into[PLACEHOLDER_BYTES], size_t number)
{
    snprintf(into, PLACEHOLDER_BYTES, "\uE000%zu\uE001", number);
}

static bool holds(struct str text, const char *part)
{
    return str_find(text, str_of(part)) < text.n;
}

/* The first row that is in the text decides. */
static enum tool_syntax find_tools(struct str text)
{
    static const struct {
        const char *part;
        enum tool_syntax tools;
    } signs[] = {
        {"<|start_header_id|>", TOOLS_LLAMA3},   {"[CALL_ID]", TOOLS_MISTRAL_V11},
        {"[ARGS]", TOOLS_MISTRAL_V13},           {"[SYSTEM_PROMPT]", TOOLS_MISTRAL_V7},
        {"[AVAILABLE_TOOLS]", TOOLS_MISTRAL_V3}, {"mistral-v7", TOOLS_MISTRAL_V7},
        {"mistral-v3", TOOLS_MISTRAL_V3},
    };
    if (str_eq(text, S("llama3")))
        return TOOLS_LLAMA3;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (holds(text, signs[i].part))
            return signs[i].tools;
    return TOOLS_HERMES;
}

/* libllama takes each template with a system prompt of mistral's for that of v7, which has blanks before words. */
static struct str correct(struct str text)
{
    bool is_tekken = holds(text, "[INST]") && holds(text, "[SYSTEM_PROMPT]") &&
                     !holds(text, "[SYSTEM_PROMPT] ") && !holds(text, "[INST] ");
    return is_tekken ? S("mistral-v7-tekken") : text;
}

enum err template_init(struct chat_template *t, struct str text, char why[LLM_WHY_BYTES])
{
    static const struct llama_chat_message probe[] = {{"user", "x"}};
    char *copy = text.n <= TEMPLATE_BYTES_MAX ? mem_strdup(correct(text)) : nullptr;
    if (!copy)
        return ERR_NOMEM;
    if (text.n == 0 || llama_chat_apply_template(copy, probe, 1, true, nullptr, 0) <= 0) {
        free(copy);
        snprintf(why, LLM_WHY_BYTES,
                 "%s; name the one it is like with llm.template (chatml, llama3, gemma …)",
                 text.n ? "the model's chat template is not known here"
                        : "the model file has no chat template");
        return ERR_UNSUPPORTED;
    }
    t->text = copy;
    t->tools = find_tools(text);
    return OK;
}

void template_finish(struct chat_template *t)
{
    free(t->text);
    t->text = nullptr;
}

void spans_finish(struct spans *spans)
{
    free(spans->span);
    buf_finish(&spans->own);
    *spans = (struct spans){};
}

static enum err add(struct spans *spans, struct span span)
{
    if (span.text.n == 0)
        return OK;
    void *at = spans->span;
    enum err err = mem_grow(&at, &spans->room, spans->count + 1, sizeof *spans->span);
    spans->span = at;
    try(err);
    spans->span[spans->count++] = span;
    return OK;
}

/* --- messages: a run of segments that the model sees as one --- */

struct message {
    size_t from, to; /* segments */
    char placeholder[PLACEHOLDER_BYTES];
};

static bool is_context(const struct llm_segment *s)
{
    return str_eq(s->role, S("context"));
}

static bool is_tools(const struct llm_segment *s)
{
    return str_eq(s->role, S("tools"));
}

static const char *role_of(const struct llm_segment *s)
{
    static const char *const roles[] = {"system", "assistant", "ipython", "user"};
    for (size_t i = 0; i < 3; i++)
        if (str_eq(s->role, str_of(roles[i])))
            return roles[i];
    return roles[3];
}

static size_t find_messages(const struct llm_segment *segment, size_t count, struct message *into)
{
    size_t n = 0;
    for (size_t i = 0; i < count; n++) {
        into[n].from = i;
        while (i + 1 < count && is_context(&segment[i]))
            i++;
        i++;
        while (i < count && segment[i].joined)
            i++;
        into[n].to = i;
        put_placeholder(into[n].placeholder, n);
    }
    return n;
}

static enum err add_markup(struct spans *spans, const char *text)
{
    return text ? add(spans, (struct span){str_of(text), SPAN_OWN, true, true}) : OK;
}

static enum err add_message(struct spans *spans, const struct llm_segment *segment,
                            const struct message *m)
{
    static const struct str before = S("Passages from the documents:\n\n"), between = S("\n\n"),
                            after = S("\n\nQuestion: ");
    for (size_t i = m->from; i < m->to; i++) {
        const struct llm_segment *s = &segment[i];
        if (is_context(s))
            try(add(spans, (struct span){i == m->from ? before : between, SPAN_OWN, false, true}));
        else if (i > m->from && is_context(&segment[i - 1]))
            try(add(spans, (struct span){after, SPAN_OWN, false, true}));
        try(add_markup(spans, s->before));
        try(add(spans, (struct span){s->text, i, false, s->trusted}));
        try(add_markup(spans, s->after));
    }
    return OK;
}

/* --- --- */

static enum err apply(const struct chat_template *t, const struct llama_chat_message *chat,
                      size_t n, struct buf *into)
{
    size_t room = n * (MARKUP_BYTES + PLACEHOLDER_BYTES);
    for (int tries = 0; tries < 2; tries++) {
        try(buf_reserve(into, room + 1));
        int32_t bytes = llama_chat_apply_template(t->text, chat, n, true, into->p, (int32_t)room);
        if (bytes < 0)
            return ERR_UNSUPPORTED;
        into->n = (size_t)bytes;
        if (into->n <= room)
            return OK;
        room = into->n;
        into->n = 0;
    }
    return ERR_TOOBIG;
}

/* libllama has no place for tools: theirs is before what begins the message that follows. */
static enum err place_tools(struct buf *own, const struct message *tools, const char *following)
{
    static const struct str begin = S("[INST]");
    struct str placeholder = str_of(tools->placeholder), rest = buf_str(own);
    size_t at = own->n, next;
    rest = str_sub(rest, 0, following ? str_find(rest, str_of(following)) : 0);
    for (size_t from = 0; (next = from + str_find(str_sub(rest, from, rest.n), begin)) < rest.n;
         from = next + begin.n)
        at = next;
    try(buf_reserve(own, placeholder.n));
    memmove(own->p + at + placeholder.n, own->p + at, own->n - at);
    memcpy(own->p + at, placeholder.p, placeholder.n);
    own->n += placeholder.n;
    return OK;
}

/* The next placeholder in s, wherever the template has put it. */
static bool find_placeholder(struct str s, size_t messages, size_t *ret_from, size_t *ret_to,
                             size_t *ret_number)
{
    static const struct str begin = S("\uE000"), end = S("\uE001");
    size_t at = str_find(s, begin), stop;
    if (at == s.n)
        return false;
    struct str digits = str_sub(s, at + begin.n, s.n);
    stop = str_find(digits, end);
    int64_t n;
    if (str_to_i64(str_sub(digits, 0, stop), &n) != OK || n < 0 || (size_t)n >= messages)
        return false;
    *ret_from = at;
    *ret_to = at + begin.n + stop + end.n;
    *ret_number = (size_t)n;
    return true;
}

/* Some templates put messages in an order of their own, or have no place for some. Not for the last one:
 * that would be no answer to the question. */
static enum err cut(struct spans *spans, const struct llm_segment *segment, const struct message *m,
                    size_t n)
{
    static const struct str answer_end = S("</s>");
    struct str rest = buf_str(&spans->own);
    size_t from, to, number;
    bool has_last = false;
    while (find_placeholder(rest, n, &from, &to, &number)) {
        try(add(spans, (struct span){str_sub(rest, 0, from), SPAN_OWN, true, true}));
        try(add_message(spans, segment, &m[number]));
        has_last = has_last || number + 1 == n;
        rest = str_sub(rest, to, rest.n);
        if (segment[m[number].to - 1].open && str_starts(rest, answer_end))
            rest = str_sub(rest, answer_end.n, rest.n);
    }
    if (!has_last)
        return ERR_UNSUPPORTED;
    return add(spans, (struct span){rest, SPAN_OWN, true, true});
}

enum err template_render(const struct chat_template *t, const struct llm_segment *segment,
                         size_t count, struct spans *ret_spans)
{
    autofree struct message *m = mem_zero(count + 1, sizeof *m);
    autofree struct llama_chat_message *chat = mem_zero(count + 1, sizeof *chat);
    if (!m || !chat)
        return ERR_NOMEM;
    size_t n = find_messages(segment, count, m), said = 0, tools = n;
    for (size_t i = 0; i < n; i++)
        if (is_tools(&segment[m[i].from]))
            tools = i;
        else
            chat[said++] =
                (struct llama_chat_message){role_of(&segment[m[i].to - 1]), m[i].placeholder};
    struct spans spans = {.own = BUF((LLM_SEGMENTS_MAX + 1) * (MARKUP_BYTES + PLACEHOLDER_BYTES))};
    enum err err = apply(t, chat, said, &spans.own);
    if (err == OK && tools < n)
        err =
            place_tools(&spans.own, &m[tools], tools + 1 < n ? m[tools + 1].placeholder : nullptr);
    if (err == OK)
        err = cut(&spans, segment, m, n);
    if (err == OK)
        *ret_spans = spans;
    else
        spans_finish(&spans);
    return err;
}
