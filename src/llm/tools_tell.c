// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "llm/tools.h"

/* Where the tools are told. */
enum place : uint8_t { AFTER_SYSTEM, BEFORE_LAST_QUESTION, BEFORE_FIRST_QUESTION };
/* How a call is written, or a result, within its markup. */
enum shape : uint8_t {
    SHAPE_PLAIN,     /* a call: an object; a result: its text */
    SHAPE_JSON,      /* a call: objects with ids in an array; a result: an object with its id */
    SHAPE_NAMED,     /* a call: name, [ARGS], arguments */
    SHAPE_NAMED_IDS, /* the same with its id; a result: id, [TOOL_CONTENT], text */
};

/* Markup around a text; `next`: where one like it, or words, went before. */
struct markup {
    const char *before, *next, *after;
};

/* Mistral's results go on in the message of the call, whose end has to be written then. */
#define MISTRAL_CALL {"[TOOL_CALLS]", "[TOOL_CALLS]", nullptr}
#define MISTRAL_RESULT {"</s>[TOOL_RESULTS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]"}
#define MISTRAL_LIST "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]"

static const struct form {
    const char *before, *after; /* around the list of tools */
    struct markup call, result;
    const char *arguments, *role; /* the arguments' key, who tells results */
    enum shape call_shape, result_shape;
    enum place place;
    bool joins;   /* results are one message */
    bool goes_on; /* and one with the calls before them and the words after them */
} forms[] = {
    [TOOLS_HERMES] =
        {
            "\n\n# Tools\n\nYou may call one or more functions to help with what the user wants. "
            "These are the functions, within <tools></tools>:\n<tools>\n",
            "\n</tools>\n\nTo call a function, answer with a JSON object of its name and its "
            "arguments within <tool_call></tool_call>:\n<tool_call>\n{\"name\": <function-name>, "
            "\"arguments\": <args-json-object>}\n</tool_call>",
            {"<tool_call>\n", "\n<tool_call>\n", "\n</tool_call>"},
            {"<tool_response>\n", "\n<tool_response>\n", "\n</tool_response>"},
            "arguments",
            "user",
            .joins = true,
        },
    [TOOLS_LLAMA3] =
        {
            "\n\nEnvironment: ipython\n\nYou have access to the following functions. To call one, "
            "respond with JSON for a function call and nothing else, in the format {\"name\": "
            "function name, \"parameters\": dictionary of argument name and its value}. Do not use "
            "variables.\n\n",
            "",
            {nullptr, "\n", nullptr},
            {},
            "parameters",
            "ipython",
        },
    [TOOLS_MISTRAL_V3] = {MISTRAL_LIST, MISTRAL_CALL, MISTRAL_RESULT, "arguments", "assistant",
                          SHAPE_JSON, SHAPE_JSON, BEFORE_LAST_QUESTION, true, true},
    [TOOLS_MISTRAL_V7] = {MISTRAL_LIST, MISTRAL_CALL, MISTRAL_RESULT, "arguments", "assistant",
                          SHAPE_JSON, SHAPE_NAMED_IDS, BEFORE_LAST_QUESTION, true, true},
    [TOOLS_MISTRAL_V11] = {MISTRAL_LIST, MISTRAL_CALL, MISTRAL_RESULT, "arguments", "assistant",
                           SHAPE_NAMED_IDS, SHAPE_NAMED_IDS, BEFORE_LAST_QUESTION, true, true},
    [TOOLS_MISTRAL_V13] = {MISTRAL_LIST, MISTRAL_CALL, MISTRAL_RESULT, "arguments", "assistant",
                           SHAPE_NAMED, SHAPE_PLAIN, BEFORE_FIRST_QUESTION, true, true},
};
enum { PARTS_MAX = 3 }; /* of a call or a result */

struct telling {
    const struct tools *tools;
    const struct form *form;
    struct buf *made;
    struct llm_segment *to;
    size_t count;
};

void tools_shorten_id(struct str id, char into[TOOL_ID_BYTES + 1])
{
    size_t n = TOOL_ID_BYTES;
    into[n] = 0;
    for (size_t i = id.n; i > 0 && n > 0; i--) {
        char c = id.p[i - 1];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
            into[--n] = c;
    }
    memset(into, '0', n);
}

static bool has_role(const struct llm_segment *s, const char *role)
{
    return s && str_eq(s->role, str_of(role));
}

static void add(struct telling *t, struct llm_segment s)
{
    t->to[t->count++] = s;
}

/* More of the last one's message: nothing else stays when the rest is left out. */
static void add_more(struct telling *t, struct llm_segment s)
{
    s.joined = s.tied = true;
    add(t, s);
}

/* --- the tools --- */

static size_t find_place(const struct form *form, const struct llm_segment *segment, size_t count)
{
    size_t at = count, i = 0;
    if (form->place == AFTER_SYSTEM) {
        while (i < count && has_role(&segment[i], "system"))
            i++;
        return i;
    }
    for (; i < count && (at == count || form->place == BEFORE_LAST_QUESTION); i++)
        if (has_role(&segment[i], "user"))
            at = i;
    while (at < count && at > 0 && has_role(&segment[at - 1], "context"))
        at--;
    return at;
}

static enum err make_array(struct telling *t, struct str *ret_text)
{
    size_t from = t->made->n;
    struct str lines = buf_str(&t->tools->list), line;
    for (bool first = true; str_cut(&lines, '\n', &line); first = false) {
        try(buf_add(t->made, first ? S("[") : S(", ")));
        try(buf_add(t->made, line));
    }
    try(buf_add(t->made, S("]")));
    *ret_text = str_sub(buf_str(t->made), from, t->made->n);
    return OK;
}

static enum err introduce(struct telling *t, bool after_others)
{
    const char *before = t->form->before;
    struct llm_segment s = {.text = buf_str(&t->tools->list), .after = t->form->after};
    if (t->form->place == AFTER_SYSTEM) {
        s.role = S("system");
        s.joined = after_others;
        s.before = after_others ? before : before + 2; /* the empty line */
    } else {
        s.role = S("tools");
        s.before = before;
        try(make_array(t, &s.text));
    }
    add(t, s);
    return OK;
}

/* --- calls --- */

/* {"name":"…","arguments":…}. In what JSON quotes the mark cannot stand: its quotes would be escaped. */
static enum err split_call(struct str call, struct str *ret_name, struct str *ret_arguments)
{
    static const struct str begin = S("{\"name\":\""), mark = S("\",\"arguments\":");
    size_t at = str_find(call, mark);
    if (at == call.n || !str_starts(call, begin) || !str_ends(call, S("}")))
        return ERR_SYNTAX;
    *ret_name = str_sub(call, begin.n, at);
    *ret_arguments = str_sub(call, at + mark.n, call.n - 1);
    return OK;
}

static enum err put_object(struct telling *t, struct str name, struct str arguments, struct str id)
{
    try(buf_add(t->made, S("{\"name\": \"")));
    try(buf_add(t->made, name));
    try(buf_addf(t->made, "\", \"%s\": ", t->form->arguments));
    try(tools_put_json(t->made, arguments));
    if (id.n)
        try(buf_addf(t->made, ", \"id\": \"%.*s\"", STR_FMT(id)));
    return buf_add(t->made, S("}"));
}

/* Calls in a row are in one array: it is reopened for the next. */
static enum err add_to_array(struct telling *t, struct llm_segment s, bool reopen, struct str name,
                             struct str arguments)
{
    struct str *text = reopen ? &t->to[t->count - 1].text : &s.text;
    size_t from = reopen ? t->made->n - text->n : t->made->n;
    if (reopen)
        t->made->n--;
    try(buf_add(t->made, reopen ? S(", ") : S("[")));
    try(put_object(t, name, arguments, s.id));
    try(buf_add(t->made, S("]")));
    *text = str_sub(buf_str(t->made), from, t->made->n);
    if (!reopen)
        add(t, s);
    return OK;
}

static enum err add_call(struct telling *t, struct llm_segment s, bool follows_call)
{
    struct str name, arguments;
    size_t from = t->made->n;
    try(split_call(s.text, &name, &arguments));
    if (t->form->call_shape == SHAPE_JSON)
        return add_to_array(t, s, follows_call, name, arguments);
    bool is_named = t->form->call_shape != SHAPE_PLAIN;
    try(is_named ? tools_put_json(t->made, arguments) : put_object(t, name, arguments, S("")));
    struct str text = str_sub(buf_str(t->made), from, t->made->n);
    s.text = is_named ? name : text;
    add(t, s);
    if (t->form->call_shape == SHAPE_NAMED_IDS)
        add_more(t,
                 (struct llm_segment){
                     .role = s.role, .text = s.id, .priority = s.priority, .before = "[CALL_ID]"});
    if (is_named)
        add_more(t, (struct llm_segment){
                        .role = s.role, .text = text, .priority = s.priority, .before = "[ARGS]"});
    return OK;
}

static enum err translate_call(struct telling *t, struct llm_segment s,
                               const struct llm_segment *previous)
{
    bool follows_call = has_role(previous, "call");
    s.role = S("assistant");
    s.joined = s.tied = follows_call || has_role(previous, "assistant") ||
                        (t->form->goes_on && has_role(previous, "tool"));
    s.before = s.joined ? t->form->call.next : t->form->call.before;
    s.after = t->form->call.after;
    return add_call(t, s, follows_call);
}

/* --- results --- */

/* What is JSON stays it. */
static enum err make_result(struct telling *t, struct str id, struct str *text)
{
    size_t from = t->made->n;
    struct json_doc *doc;
    struct json_why why;
    enum err err = json_parse(*text, &doc, &why);
    try(err == ERR_NOMEM ? err : OK);
    try(buf_add(t->made, S("{\"content\": ")));
    if (err == OK) {
        json_doc_destroy(doc);
        try(tools_put_json(t->made, *text));
    } else {
        struct json_out j = {.to = t->made};
        json_put_str(&j, *text);
        try(json_finish(&j));
    }
    try(buf_addf(t->made, ", \"call_id\": \"%.*s\"}", STR_FMT(id)));
    *text = str_sub(buf_str(t->made), from, t->made->n);
    return OK;
}

static enum err translate_result(struct telling *t, struct llm_segment s,
                                 const struct llm_segment *previous)
{
    bool is_next = has_role(previous, "tool"), follows = is_next || has_role(previous, "call");
    s.role = str_of(t->form->role);
    s.tied = follows;
    s.joined = t->form->joins && (is_next || (t->form->goes_on && follows));
    s.before = is_next ? t->form->result.next : t->form->result.before;
    s.after = t->form->result.after;
    s.open = t->form->goes_on;
    if (t->form->result_shape == SHAPE_JSON)
        try(make_result(t, s.id, &s.text));
    if (t->form->result_shape != SHAPE_NAMED_IDS) {
        add(t, s);
        return OK;
    }
    struct llm_segment text = s;
    text.before = nullptr;
    s.text = s.id;
    s.after = "[TOOL_CONTENT]";
    add(t, s);
    add_more(t, text);
    return OK;
}

/* --- --- */

static enum err translate(struct telling *t, struct llm_segment s,
                          const struct llm_segment *previous)
{
    if (has_role(&s, "call"))
        return translate_call(t, s, previous);
    if (has_role(&s, "tool"))
        return translate_result(t, s, previous);
    if (t->form->goes_on && has_role(&s, "assistant") && has_role(previous, "tool"))
        add_more(t, s);
    else
        add(t, s);
    return OK;
}

/* Room for all that is rewritten, so that it stays where it is. */
static enum err reserve(struct telling *t, const struct llm_segment *segment, size_t count)
{
    enum { QUOTED = 6, KEYS = 96, BETWEEN = 2 };
    size_t bytes = t->tools->list.n + t->tools->count * BETWEEN + 1;
    for (size_t i = 0; i < count; i++)
        if (has_role(&segment[i], "call") || has_role(&segment[i], "tool"))
            bytes += QUOTED * segment[i].text.n + KEYS;
    t->made->cap = bytes;
    return buf_reserve(t->made, bytes);
}

enum err tools_tell(const struct tools *t, enum tool_syntax syntax,
                    const struct llm_segment *segment, size_t count, struct buf *made,
                    struct llm_segment **ret_segment, size_t *ret_count)
{
    autofree struct llm_segment *to = mem_zero(PARTS_MAX * count + 1, sizeof *to);
    if (!to)
        return ERR_NOMEM;
    struct telling telling = {t, &forms[syntax], made, to, 0};
    size_t place = t->count ? find_place(telling.form, segment, count) : SIZE_MAX;
    try(reserve(&telling, segment, count));
    for (size_t i = 0; i < count; i++) {
        if (i == place)
            try(introduce(&telling, i > 0));
        try(translate(&telling, segment[i], i > 0 ? &segment[i - 1] : nullptr));
    }
    if (place == count)
        try(introduce(&telling, count > 0));
    *ret_segment = to;
    *ret_count = telling.count;
    to = nullptr;
    return OK;
}
