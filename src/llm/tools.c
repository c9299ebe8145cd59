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

enum err tools_put_json(struct buf *into, struct str json)
{
    bool quoted = false, escaped = false;
    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];
        bool is_blank = c == ' ' || c == '\n' || c == '\r' || c == '\t';
        if (quoted || !is_blank)
            try(buf_add_byte(into, c));
        if (!quoted && (c == ',' || c == ':'))
            try(buf_add_byte(into, ' '));
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
    }
    return OK;
}

static enum err list(struct tools *t, const struct msg_llm_tool *m)
{
    autobuf json = BUF(TOOLS_BYTES_MAX);
    struct json_out j = {.to = &json};
    struct msg_llm_tool whole = *m;
    if (whole.parameters_json.n == 0)
        whole.parameters_json = S("{}");
    tool_put(&j, &whole);
    try(json_finish(&j));
    if (t->count > 0)
        try(buf_add_byte(&t->list, '\n'));
    return tools_put_json(&t->list, buf_str(&json));
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
    t->one = m->one;
    err = list(t, m);
    if (err == OK)
        t->count++;
    else
        json_doc_destroy(one->parameters);
    return err;
}

/* --- how the model is made to call --- */

const char *const *tools_marks(const struct tools *t, enum tool_syntax syntax, size_t *ret_count)
{
    static const char *const mistral[] = {"[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"};
    bool has_marks = t->count > 0 && syntax >= TOOLS_MISTRAL_V3;
    *ret_count = has_marks ? sizeof mistral / sizeof *mistral : 0;
    return has_marks ? mistral : nullptr;
}

#define NAME "\"{\" ws \"\\\"name\\\"\" colon \"\\\"\""
#define KEY(key) "\"\\\"\" comma \"\\\"" key "\\\"\" colon"
#define ID "[a-zA-Z0-9]{9}"
#define ARRAY                                                                                       \
    {                                                                                              \
        "mark-0 \"[\" ws", NAME, KEY("arguments"),                                                 \
            "( comma \"\\\"id\\\"\" colon \"\\\"\" " ID " \"\\\"\" )? ws \"}\"", "ws \"]\"",              \
    }

/* The grammar before all, before a name, between it and the arguments, after those, after all. */
static const struct {
    const char *begin, *name, *arguments, *after, *end;
} forms[] = {
    [TOOLS_HERMES] = {"\"<tool_call>\\n\"", NAME, KEY("arguments"), "ws \"}\"",
                      "\"\\n</tool_call>\""},
    [TOOLS_LLAMA3] = {"", NAME, KEY("parameters"), "ws \"}\"", ""},
    [TOOLS_MISTRAL_V3] = ARRAY,
    [TOOLS_MISTRAL_V7] = ARRAY,
    [TOOLS_MISTRAL_V11] = {"mark-0", "", "( mark-2 " ID " )? mark-1", "", ""},
    [TOOLS_MISTRAL_V13] = {"mark-0", "", "mark-1", "", ""},
};

static enum err add_call_rule(const struct tool *tool, size_t number, enum tool_syntax syntax,
                              const char *name, struct grammar *g, char why[LLM_WHY_BYTES])
{
    char arguments[64];
    snprintf(arguments, sizeof arguments, "%.16s-with-%zu", name, number);
    const struct json_val *schema = tool->parameters ? json_root(tool->parameters) : nullptr;
    bool says_nothing = !schema || json_count(schema) == 0;
    try(grammar_add_schema(g, arguments, says_nothing ? nullptr : schema, why));
    return buf_addf(&g->text, "%s-%zu ::= %s \"%s\" %s %s %s\n", name, number, forms[syntax].name,
                    tool->name, forms[syntax].arguments, arguments, forms[syntax].after);
}

enum err tools_add_grammar(const struct tools *t, enum tool_syntax syntax, const char *name,
                           struct grammar *g, char why[LLM_WHY_BYTES])
{
    for (size_t i = 0; i < t->count; i++)
        try(add_call_rule(&t->tool[i], i, syntax, name, g, why));
    try(buf_addf(&g->text, "%s ::= %s ", name, forms[syntax].begin));
    for (size_t i = 0; i < t->count; i++)
        try(buf_addf(&g->text, "%s%s-%zu ", i == 0 ? "( " : "| ", name, i));
    return buf_addf(&g->text, ") %s\n", forms[syntax].end);
}
