// SPDX-License-Identifier: Apache-2.0
#include "llm/call.h"

/* What begins a call, and what ends it. */
static const struct form {
    struct str begin, end; /* an empty end: that of what is begun, or the answer's */
    bool at_start_only;
} forms[] = {
    [TOOLS_HERMES] = {S("<tool_call>"), S("</tool_call>"), false},
    [TOOLS_LLAMA3] = {S("{"), S(""), true},
    [TOOLS_MISTRAL_V3] = {S("[TOOL_CALLS]"), S(""), false},
    [TOOLS_MISTRAL_V7] = {S("[TOOL_CALLS]"), S(""), false},
    [TOOLS_MISTRAL_V11] = {S("[TOOL_CALLS]"), S(""), false},
    [TOOLS_MISTRAL_V13] = {S("[TOOL_CALLS]"), S(""), false},
};

void call_reader_finish(struct call_reader *r)
{
    buf_finish(&r->held);
}

static bool is_blank(struct str s)
{
    return str_trim(s).n == 0;
}

/* Blanks around calls are not words. */
static enum err give_text(struct call_reader *r, struct str text)
{
    if (text.n == 0 || (!r->spoke && is_blank(text)))
        return OK;
    r->spoke = true;
    return r->on_text(r->arg, text);
}

/* --- one call --- */

/* False: it is none. */
static bool find_call(const struct call_reader *r, const struct json_val *root,
                      struct str *ret_name, const struct json_val **ret_arguments)
{
    const struct json_val *arguments = json_get(root, "arguments");
    if (!arguments)
        arguments = json_get(root, "parameters");
    *ret_name = json_str(json_get(root, "name"));
    *ret_arguments = arguments;
    return tools_have(r->tools, *ret_name) && (!arguments || json_typeof(arguments) == JSON_OBJ);
}

static enum err give(struct call_reader *r, struct str name, const struct json_val *arguments)
{
    autobuf json = BUF(2 * TOOL_CALL_MAX);
    struct json_out j = {.to = &json};
    if (arguments) {
        json_put_val(&j, arguments);
    } else {
        json_obj(&j);
        json_end(&j);
    }
    try(json_finish(&j));
    try(r->on_call(r->arg, name, buf_str(&json)));
    r->calls++;
    return OK;
}

/* Looks at all of them before it gives one. ERR_NOTFOUND: not all are calls. */
static enum err give_array(struct call_reader *r, const struct json_val *array)
{
    struct str name;
    const struct json_val *call, *arguments;
    if (json_count(array) == 0)
        return ERR_NOTFOUND;
    for (size_t iter = 0; json_next(array, &iter, nullptr, &call);)
        if (!find_call(r, call, &name, &arguments))
            return ERR_NOTFOUND;
    for (size_t iter = 0; json_next(array, &iter, nullptr, &call);)
        if (find_call(r, call, &name, &arguments))
            try(give(r, name, arguments));
    return OK;
}

/* name: what stands before the JSON. ERR_NOTFOUND: it is none. */
static enum err give_json(struct call_reader *r, struct str name, const struct json_val *root)
{
    const struct json_val *arguments = root;
    if (name.n == 0 && json_typeof(root) == JSON_ARR)
        return give_array(r, root);
    bool is_call = name.n ? tools_have(r->tools, name) && json_typeof(root) == JSON_OBJ
                          : find_call(r, root, &name, &arguments);
    return is_call ? give(r, name, arguments) : ERR_NOTFOUND;
}

/* Where the JSON begins, which a name and mistral's [CALL_ID] and [ARGS] may stand before. */
static size_t find_json(struct str text)
{
    struct str words = str_trim(text);
    return str_find_byte(text, str_starts(words, S("[")) ? '[' : '{');
}

/* ERR_NOTFOUND: it is none. */
static enum err give_call(struct call_reader *r, struct str text)
{
    struct json_why why;
    struct json_doc *doc;
    size_t at = find_json(text);
    struct str name = str_sub(text, 0, at);
    enum err err = json_parse(str_trim(str_sub(text, at, text.n)), &doc, &why);
    if (err != OK)
        return err == ERR_NOMEM ? err : ERR_NOTFOUND;
    err = give_json(r, str_trim(str_sub(name, 0, str_find_byte(name, '['))), json_root(doc));
    json_doc_destroy(doc);
    return err;
}

/* --- the stream --- */

/* How many bytes at the end of s may be the beginning of mark. */
static size_t begun(struct str s, struct str mark)
{
    for (size_t n = mark.n - 1; n > 0; n--)
        if (n <= s.n && str_eq(str_sub(s, s.n - n, s.n), str_sub(mark, 0, n)))
            return n;
    return 0;
}

static enum err give_held(struct call_reader *r, size_t n)
{
    try(give_text(r, str_sub(buf_str(&r->held), 0, n)));
    buf_eat(&r->held, n);
    return OK;
}

/* Outside of a call: true when one begins at the front of `held`, which then may have its end, too. */
static enum err look_for_begin(struct call_reader *r)
{
    struct str held = buf_str(&r->held), begin = forms[r->syntax].begin;
    if (forms[r->syntax].at_start_only) {
        struct str words = str_trim(held);
        r->inside = !r->spoke && str_starts(words, begin);
        if (!r->spoke && words.n == 0)
            buf_clear(&r->held); /* blanks before all words are none */
        return r->inside || (!r->spoke && words.n == 0) ? OK : give_held(r, held.n);
    }
    size_t at = str_find(held, begin);
    r->inside = at < held.n;
    return give_held(r, r->inside ? at : held.n - begun(held, begin));
}

/* Inside of a call that is whole. */
static enum err take(struct call_reader *r, struct str text, size_t whole)
{
    enum err err = give_call(r, text);
    r->inside = false;
    if (err == ERR_NOTFOUND)
        return give_held(r, whole);
    buf_eat(&r->held, whole);
    return err;
}

static enum err advance(struct call_reader *r, bool *ret_again)
{
    *ret_again = false;
    if (!r->inside)
        try(look_for_begin(r));
    if (!r->inside)
        return OK;
    struct str held = buf_str(&r->held), begin = forms[r->syntax].begin, end = forms[r->syntax].end;
    size_t at = end.n ? str_find(held, end) : held.n;
    if (at < held.n) {
        *ret_again = true;
        return take(r, str_sub(held, begin.n, at), at + end.n);
    }
    if (held.n <= TOOL_CALL_MAX)
        return OK;
    r->inside = false;
    return give_held(r, held.n);
}

enum err call_reader_add(struct call_reader *r, struct str text)
{
    bool again = true;
    r->held.cap = 2 * TOOL_CALL_MAX;
    try(buf_add(&r->held, text));
    while (again)
        try(advance(r, &again));
    return OK;
}

/* How far the JSON goes that begins there. */
static size_t json_bytes(struct str s)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '"')
            quoted = !quoted;
        else if (quoted)
            i += c == '\\';
        else if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return i + 1;
    }
    return s.n;
}

/* What has no mark at its end is over with its JSON; what was cut short before the mark may be a whole call all the
 * same. */
static enum err take_last(struct call_reader *r)
{
    const struct form *form = &forms[r->syntax];
    struct str held = buf_str(&r->held);
    if (form->at_start_only)
        return take(r, held, held.n);
    struct str text = str_sub(held, form->begin.n, held.n);
    size_t at = find_json(text);
    if (form->end.n == 0)
        text = str_sub(text, 0, at + json_bytes(str_sub(text, at, text.n)));
    return take(r, text, form->begin.n + text.n);
}

enum err call_reader_end(struct call_reader *r)
{
    while (r->inside) {
        try(take_last(r));
        if (r->held.n)
            try(look_for_begin(r));
    }
    return give_held(r, r->held.n);
}
