// SPDX-License-Identifier: Apache-2.0
/* A schema of a stranger's: a grammar within its bounds, or a sentence. */
#include "base/check.h"
#include "fuzz.h"
#include "llm/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[LLM_WHY_BYTES] = "";
    struct json_why bad;
    struct json_doc *doc;
    if (json_parse((struct str){(const char *)data, size}, &doc, &bad) != OK)
        return 0;
    struct grammar g = GRAMMAR;
    enum err err = grammar_add_schema(&g, "root", json_root(doc), why);
    if (err == OK)
        err = grammar_finish(&g);
    check(err == OK || err == ERR_TOOBIG ||
          (err == ERR_INVALID && why[0] && utf8_valid(str_of(why))));
    check(g.text.n <= GRAMMAR_BYTES_MAX);
    check(err != OK || (utf8_valid(buf_str(&g.text)) && memchr(g.text.p, 0, g.text.n) == nullptr));
    grammar_free(&g);
    json_doc_destroy(doc);
    return 0;
}
