// SPDX-License-Identifier: Apache-2.0
#include "llm/tools.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

void tools_finish(struct tools *t)
{
    for (size_t i = 0; i < t->count; i++)
        json_doc_destroy(t->tool[i].parameters);
    free(t->tool);
    buf_finish(&t->list);
}

bool tools_have(const struct tools *t, struct str name)
{
    for (size_t i = 0; i < t->count; i++)
        if (str_eq(name, str_of(t->tool[i].name)))
            return true;
    return false;
}

/* --- which there are --- */

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-' || c == '.'))
            return false;
    }
    return name.n > 0 && name.n <= TOOL_NAME_MAX;
}

static enum err list(struct tools *t, const struct msg_llm_tool *m)
{
    struct json_out j = {.to = &t->list};
    struct msg_llm_tool whole = *m;
    if (whole.parameters_json.n == 0)
        whole.parameters_json = S("{}");
    if (t->count > 0)
        try(buf_add_byte(&t->list, '\n'));
    tool_put(&j, &whole);
    return json_finish(&j);
}

static bool describes_object(const struct json_val *schema)
{
    const struct json_val *type = json_get(schema, "type");
    return json_typeof(schema) == JSON_OBJ && !json_get(schema, "const") &&
           !json_get(schema, "enum") && (!type || str_eq(json_str(type), S("object")));
}

enum err tools_add(struct tools *t, const struct msg_llm_tool *m, char why[LLM_WHY_BYTES])
{
    struct json_why bad;
    if (!is_name(m->name) || tools_have(t, m->name)) {
        snprintf(why, LLM_WHY_BYTES,
                 "each function has a name of its own, of letters, digits, _ . and -, at most %d",
                 TOOL_NAME_MAX);
        return ERR_INVALID;
    }
    if (t->count == TOOLS_MAX)
        return ERR_TOOBIG;
    void *tool = t->tool;
    enum err err = mem_grow(&tool, &t->room, t->count + 1, sizeof *t->tool);
    t->tool = tool;
    try(err);
    struct tool *one = &t->tool[t->count];
    *one = (struct tool){};
    snprintf(one->name, sizeof one->name, "%.*s", STR_FMT(m->name));
    if (m->parameters_json.n)
        try(json_parse(m->parameters_json, &one->parameters, &bad));
    if (one->parameters && !describes_object(json_root(one->parameters))) {
        json_doc_destroy(one->parameters);
        snprintf(why, LLM_WHY_BYTES, "the parameters of %s must be an object's schema", one->name);
        return ERR_INVALID;
    }
    t->must = m->must;
    err = list(t, m);
    if (err == OK)
        t->count++;
    else
        json_doc_destroy(one->parameters);
    return err;
}

/* --- the form of a call --- */

static const struct {
    struct str before, after; /* the whole call */
    const char *arguments;    /* their key */
} forms[] = {
    [TOOLS_HERMES] = {S("<tool_call>\n"), S("\n</tool_call>"), "arguments"},
    [TOOLS_LLAMA3] = {S(""), S(""), "parameters"},
};

static enum err add_call_rule(const struct tool *tool, size_t number, enum tool_syntax syntax,
                              const char *name, struct grammar *g, char why[LLM_WHY_BYTES])
{
    char arguments[64], key[TOOL_NAME_MAX + 16];
    snprintf(arguments, sizeof arguments, "%.16s-with-%zu", name, number);
    const struct json_val *schema = tool->parameters ? json_root(tool->parameters) : nullptr;
    bool says_nothing = !schema || json_count(schema) == 0;
    try(grammar_add_schema(g, arguments, says_nothing ? nullptr : schema, why));
    try(buf_addf(&g->text, "%s-%zu ::= \"{\" ws \"\\\"name\\\"\" colon ", name, number));
    snprintf(key, sizeof key, "\"%s\"", tool->name);
    try(grammar_add_literal(g, str_of(key)));
    return buf_addf(&g->text, "comma \"\\\"%s\\\"\" colon %s ws \"}\"\n", forms[syntax].arguments,
                    arguments);
}

enum err tools_add_grammar(const struct tools *t, enum tool_syntax syntax, const char *name,
                           struct grammar *g, char why[LLM_WHY_BYTES])
{
    for (size_t i = 0; i < t->count; i++)
        try(add_call_rule(&t->tool[i], i, syntax, name, g, why));
    try(buf_addf(&g->text, "%s ::= ", name));
    try(grammar_add_literal(g, forms[syntax].before));
    for (size_t i = 0; i < t->count; i++)
        try(buf_addf(&g->text, "%s%s-%zu ", i == 0 ? "( " : "| ", name, i));
    try(buf_add(&g->text, S(") ")));
    try(grammar_add_literal(g, forms[syntax].after));
    return buf_add(&g->text, S("\n"));
}

/* --- in the conversation --- */

static const struct {
    const char *before, *after;
} introductions[] = {
    [TOOLS_HERMES] =
        {
            "\n\n# Tools\n\nYou may call one or more functions to help with what the user wants. "
            "These are the functions, within <tools></tools>:\n<tools>\n",
            "\n</tools>\n\nTo call a function, answer with a JSON object of its name and its "
            "arguments within <tool_call></tool_call>:\n<tool_call>\n{\"name\": <function-name>, "
            "\"arguments\": <args-json-object>}\n</tool_call>",
        },
    [TOOLS_LLAMA3] =
        {
            "\n\nEnvironment: ipython\n\nYou have access to the following functions. To call one, "
            "respond with JSON for a function call and nothing else, in the format {\"name\": "
            "function name, \"parameters\": dictionary of argument name and its value}. Do not use "
            "variables.\n\n",
            "",
        },
};

static bool has_role(const struct llm_segment *s, const char *role)
{
    return str_eq(s->role, str_of(role));
}

static struct llm_segment introduction(const struct tools *t, enum tool_syntax syntax,
                                       bool after_others)
{
    const char *before = introductions[syntax].before;
    return (struct llm_segment){
        .role = S("system"),
        .text = buf_str(&t->list),
        .joined = after_others,
        .before = after_others ? before : before + 2, /* the empty line */
        .after = introductions[syntax].after,
    };
}

/* An object of name and arguments under the syntax's own key; `made` has room. In what JSON quotes the mark cannot
 * stand: its quotes would be escaped. */
static enum err rewrite_call(enum tool_syntax syntax, struct buf *made, struct str *text)
{
    static const struct str mark = S(",\"arguments\":");
    size_t at = str_find(*text, mark), from = made->n;
    if (at == text->n)
        return ERR_SYNTAX;
    try(buf_add(made, str_sub(*text, 0, at)));
    try(buf_addf(made, ",\"%s\":", forms[syntax].arguments));
    try(buf_add(made, str_sub(*text, at + mark.n, text->n)));
    *text = str_sub(buf_str(made), from, made->n);
    return OK;
}

static enum err translate_call(enum tool_syntax syntax, const struct llm_segment *previous,
                               struct buf *made, struct llm_segment *s)
{
    bool goes_on = previous && (has_role(previous, "assistant") || has_role(previous, "call"));
    s->role = S("assistant");
    s->joined = s->tied = goes_on;
    if (syntax == TOOLS_HERMES) {
        s->before = goes_on ? "\n<tool_call>\n" : "<tool_call>\n";
        s->after = "\n</tool_call>";
    } else {
        s->before = goes_on ? "\n" : nullptr;
    }
    return rewrite_call(syntax, made, &s->text);
}

static void translate_result(enum tool_syntax syntax, const struct llm_segment *previous,
                             struct llm_segment *s)
{
    bool goes_on = previous && has_role(previous, "tool");
    s->tied = previous && (goes_on || has_role(previous, "call"));
    if (syntax == TOOLS_LLAMA3) { /* one message each */
        s->role = S("ipython");
        return;
    }
    s->role = S("user");
    s->joined = goes_on;
    s->before = goes_on ? "\n<tool_response>\n" : "<tool_response>\n";
    s->after = "\n</tool_response>";
}

/* Room for all that is rewritten, so that it stays where it is. */
static enum err reserve(const struct llm_segment *segment, size_t count, struct buf *made)
{
    enum { KEYS = 64 };
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        if (has_role(&segment[i], "call"))
            bytes += segment[i].text.n + KEYS;
    made->cap = bytes + 1;
    return buf_reserve(made, bytes);
}

enum err tools_tell(const struct tools *t, enum tool_syntax syntax,
                    const struct llm_segment *segment, size_t count, struct buf *made,
                    struct llm_segment **ret_segment, size_t *ret_count)
{
    autofree struct llm_segment *to = mem_zero(count + 1, sizeof *to);
    size_t n = 0;
    bool told = t->count == 0;
    if (!to)
        return ERR_NOMEM;
    try(reserve(segment, count, made));
    for (size_t i = 0; i < count; i++) {
        const struct llm_segment *previous = i > 0 ? &segment[i - 1] : nullptr;
        if (!told && !has_role(&segment[i], "system")) {
            to[n++] = introduction(t, syntax, i > 0);
            told = true;
        }
        to[n] = segment[i];
        if (has_role(&segment[i], "call"))
            try(translate_call(syntax, previous, made, &to[n]));
        else if (has_role(&segment[i], "tool"))
            translate_result(syntax, previous, &to[n]);
        n++;
    }
    if (!told) {
        to[n] = introduction(t, syntax, count > 0);
        n++;
    }
    *ret_segment = to;
    *ret_count = n;
    to = nullptr;
    return OK;
}
