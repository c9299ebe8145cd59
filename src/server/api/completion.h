// SPDX-License-Identifier: Apache-2.0
/* What a request to /v1/chat/completions may hold, read into what an engine takes. Pure. */
#pragma once

#include "base/json.h"

enum {
    COMPLETION_MESSAGES_MAX = 1000, /* an engine takes 1024 segments */
    COMPLETION_MODEL_BYTES = 128,
};

struct completion_message {
    struct str role; /* "system", "user", "assistant", "call", "tool"; lives for ever */
    struct buf id;   /* of a call, and of its result */
    struct buf text; /* of a call: an object of name and arguments */
};

/* A function that the client offers; texts as llm_tool has them. */
struct completion_tool {
    struct buf name, description, parameters_json;
};

struct completion_request {
    struct completion_message *message;
    size_t count, room;
    struct completion_tool *tool;
    size_t tools;
    bool must_call, one_call;
    bool stream, include_usage, logprobs;
    int64_t top_logprobs;
    int64_t max_tokens; /* 0: it does not say */
    int64_t seed;       /* 0: by chance */
    int64_t top_k;      /* 0: all */
    double temperature, top_p, min_p, presence_penalty, frequency_penalty, repeat_penalty;
    bool has_format;        /* JSON, by schema_json */
    struct buf stop_json;   /* as llm_generate has it */
    struct buf bias_json;   /* as llm_sampling */
    struct buf schema_json; /* as llm_format */
};

/* model: the name the request calls the model by, if any; unchanged otherwise. On failure `request` still has
 * to be finished. ERR_INVALID, ERR_UNSUPPORTED, ERR_NOMEM. */
enum err completion_request_read(const struct json_val *root, struct completion_request *request,
                                 char model[COMPLETION_MODEL_BYTES], struct json_why *why);
void completion_request_finish(struct completion_request *request);
