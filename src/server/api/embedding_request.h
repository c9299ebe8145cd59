// SPDX-License-Identifier: Apache-2.0
/* What a request to /v1/embeddings may hold, read into what an engine takes. Pure. */
#pragma once

#include "base/json.h"

enum {
    EMBEDDING_INPUTS_MAX = 2048,
    EMBEDDING_TOKENS_MAX = 300000, /* of all inputs that are given as tokens, as OpenAI has it */
    EMBEDDING_MODEL_BYTES = 128,
};

struct embedding_input {
    struct str text;
    size_t from, to; /* of the request's tokens; both 0: it is a text */
};

/* Texts lie in the document that was read. */
struct embedding_request {
    struct embedding_input *input;
    size_t count;
    int32_t *token;
    size_t token_count, token_room;
    bool base64;
    int64_t dimensions; /* 0: all */
};

/* model: the name the request calls the model by, if any; unchanged otherwise. On failure `request` still has
 * to be finished. ERR_INVALID with a sentence, ERR_NOMEM. */
enum err embedding_request_read(const struct json_val *root, struct embedding_request *request,
                                char model[EMBEDDING_MODEL_BYTES], struct json_why *why);
void embedding_request_finish(struct embedding_request *request);
