// SPDX-License-Identifier: Apache-2.0
/* First byte: the syntax. The rest: what a model says, in pieces of changing length. Nothing is lost but calls and blanks. */
#include "base/check.h"
#include "fuzz.h"
#include "llm/call.h"

static size_t words, calls;

static enum err on_text(void *, struct str text)
{
    words += text.n;
    return OK;
}

static enum err on_call(void *, struct str name, struct str arguments_json)
{
    struct json_doc *doc;
    struct json_why why;
    check(str_eq(name, S("f")) && json_parse(arguments_json, &doc, &why) == OK);
    check(json_typeof(json_root(doc)) == JSON_OBJ);
    json_doc_destroy(doc);
    calls++;
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct tools t = TOOLS;
    char why[LLM_WHY_BYTES];
    if (size < 1 || tools_add(&t, &(struct msg_llm_tool){.name = S("f")}, why) != OK)
        return 0;
    struct call_reader r = {.tools = &t,
                            .syntax = data[0] % (TOOLS_MISTRAL_V13 + 1),
                            .on_text = on_text,
                            .on_call = on_call};
    words = calls = 0;
    size_t step = 1, said = 0;
    for (size_t at = 1; at < text.n; at += step, step = step % 9 + 1) {
        struct str piece = str_sub(text, at, at + step);
        said += piece.n;
        check(call_reader_add(&r, piece) == OK);
    }
    check(call_reader_end(&r) == OK && r.calls == calls);
    bool begins_blank = size > 1 && str_trim(str_sub(text, 1, 2)).n == 0;
    check(words <= said && (calls > 0 || begins_blank || words == said));
    call_reader_finish(&r);
    tools_finish(&t);
    return 0;
}
