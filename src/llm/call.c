// SPDX-License-Identifier: Apache-2.0
#include "llm/call.h"

/* What begins a call, and what ends it; an empty end: the answer's. */
static const struct {
    struct str begin, end;
    bool at_start_only;
} marks[] = {
    [TOOLS_HERMES] = {S("<tool_call>"), S("</tool_call>"), false},
    [TOOLS_LLAMA3] = {S("{"), S(""), true},
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

/* ERR_NOTFOUND: it is none. */
static enum err give_call(struct call_reader *r, struct str text)
{
    struct json_why why;
    struct json_doc *doc;
    struct str name;
    const struct json_val *arguments;
    enum err err = json_parse(str_trim(text), &doc, &why);
    if (err != OK)
        return err == ERR_NOMEM ? err : ERR_NOTFOUND;
    if (find_call(r, json_root(doc), &name, &arguments)) {
        autobuf json = BUF(2 * TOOL_CALL_MAX);
        struct json_out j = {.to = &json};
        if (arguments) {
            json_put_val(&j, arguments);
        } else {
            json_obj(&j);
            json_end(&j);
        }
        err = json_finish(&j);
        if (err == OK)
            err = r->on_call(r->arg, name, buf_str(&json));
        r->calls += err == OK;
    } else {
        err = ERR_NOTFOUND;
    }
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
    struct str held = buf_str(&r->held), begin = marks[r->syntax].begin;
    if (marks[r->syntax].at_start_only) {
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
    struct str held = buf_str(&r->held), begin = marks[r->syntax].begin, end = marks[r->syntax].end;
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

/* A model that was cut short before the closing mark may have said a whole call all the same. */
enum err call_reader_end(struct call_reader *r)
{
    struct str held = buf_str(&r->held), begin = marks[r->syntax].begin;
    if (!r->inside)
        return give_held(r, held.n);
    return take(r, marks[r->syntax].end.n ? str_sub(held, begin.n, held.n) : held, held.n);
}
