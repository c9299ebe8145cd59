// SPDX-License-Identifier: Apache-2.0
/* The body of a request to /v1/embeddings: what is accepted is bounded, and what is refused has a sentence. */
#include "base/check.h"
#include "base/json.h"
#include "fuzz.h"
#include "server/api/embedding_request.h"

static void check_inputs(const struct embedding_request *r)
{
    size_t at = 0;
    check(r->count > 0 && r->count <= EMBEDDING_INPUTS_MAX);
    check(r->token_count <= EMBEDDING_TOKENS_MAX);
    check(r->dimensions >= 0 && r->dimensions <= 65536);
    for (size_t i = 0; i < r->count; i++) {
        const struct embedding_input *in = &r->input[i];
        check(in->to > 0 ? in->from == at && in->to > at : in->text.n > 0);
        at = in->to > 0 ? in->to : at;
    }
    check(at == r->token_count);
    for (size_t i = 0; i < r->token_count; i++)
        check(r->token[i] >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_doc *doc;
    struct json_why why = {};
    struct embedding_request r;
    char model[EMBEDDING_MODEL_BYTES] = "";
    if (json_parse((struct str){(const char *)data, size}, &doc, &why) != OK)
        return 0;
    if (embedding_request_read(json_root(doc), &r, model, &why) == OK)
        check_inputs(&r);
    else
        check(why.text[0] && utf8_valid(str_of(why.text)));
    check(utf8_valid(str_of(model)));
    embedding_request_finish(&r);
    json_doc_destroy(doc);
    return 0;
}
