// SPDX-License-Identifier: Apache-2.0
#include "server/api/embedding_request.h"

#include <stdio.h>

#include "base/mem.h"

void embedding_request_finish(struct embedding_request *r)
{
    free(r->input);
    free(r->token);
    *r = (struct embedding_request){};
}

static enum err refuse(struct json_why *why, const char *text)
{
    *why = (struct json_why){.param = "input"};
    snprintf(why->text, sizeof why->text, "%s", text);
    return ERR_INVALID;
}

static enum err add_text(struct embedding_request *r, const struct json_val *v,
                         struct json_why *why)
{
    struct str text = json_str(v);
    if (text.n == 0)
        return refuse(why, "an input must not be empty");
    r->input[r->count++] = (struct embedding_input){.text = text};
    return OK;
}

static enum err add_tokens(struct embedding_request *r, const struct json_val *list,
                           struct json_why *why)
{
    size_t from = r->token_count, more = json_count(list);
    if (more == 0)
        return refuse(why, "an input must not be empty");
    if (more > EMBEDDING_TOKENS_MAX - from)
        return refuse(why,
                      "the inputs of a request hold at most 300000 tokens; send fewer at once");
    void *token = r->token;
    enum err err = mem_grow(&token, &r->token_room, from + more, sizeof *r->token);
    r->token = token;
    try(err);
    const struct json_val *v;
    for (size_t iter = 0; json_next(list, &iter, nullptr, &v);) {
        int64_t n = json_typeof(v) == JSON_INT ? json_int(v, -1) : -1;
        if (n < 0 || n > INT32_MAX)
            return refuse(why,
                          "a token is a whole number, and a list of tokens holds nothing else");
        r->token[r->token_count++] = (int32_t)n;
    }
    r->input[r->count++] = (struct embedding_input){.from = from, .to = r->token_count};
    return OK;
}

static enum err add_all(struct embedding_request *r, const struct json_val *list,
                        struct json_why *why)
{
    enum json_type type = json_typeof(json_at(list, 0));
    const struct json_val *v;
    for (size_t iter = 0; json_next(list, &iter, nullptr, &v);) {
        if (json_typeof(v) != type)
            return refuse(why, "the inputs are all texts or all lists of tokens");
        try(type == JSON_STR ? add_text(r, v, why) : add_tokens(r, v, why));
    }
    return OK;
}

static enum err read_input(struct embedding_request *r, const struct json_val *input,
                           struct json_why *why)
{
    enum json_type type = input ? json_typeof(input) : JSON_NULL;
    const struct json_val *head = type == JSON_ARR ? json_at(input, 0) : nullptr;
    enum json_type of = head ? json_typeof(head) : JSON_NULL;
    bool is_list = of == JSON_STR || of == JSON_ARR;
    size_t count = is_list ? json_count(input) : 1;
    if (type != JSON_STR && !is_list && of != JSON_INT)
        return refuse(why,
                      "input is a text, a list of texts, a list of tokens, or a list of those; "
                      "and not empty");
    if (count > EMBEDDING_INPUTS_MAX)
        return refuse(why, "a request holds at most 2048 inputs; send several requests");
    r->input = mem_zero(count, sizeof *r->input);
    if (!r->input)
        return ERR_NOMEM;
    if (type == JSON_STR)
        return add_text(r, input, why);
    return is_list ? add_all(r, input, why) : add_tokens(r, input, why);
}

struct scalars {
    struct str model, encoding_format;
    int64_t dimensions;
};

enum err embedding_request_read(const struct json_val *root, struct embedding_request *r,
                                char model[EMBEDDING_MODEL_BYTES], struct json_why *why)
{
    static const struct json_field fields[] = {
        {"model", JSON_STR, offsetof(struct scalars, model), .max = EMBEDDING_MODEL_BYTES - 1},
        {"encoding_format", JSON_STR, offsetof(struct scalars, encoding_format),
         .one_of = "float|base64"},
        {"dimensions", JSON_INT, offsetof(struct scalars, dimensions), .min = 1, .max = 65536},
    };
    struct scalars s = {};
    *r = (struct embedding_request){};
    try(json_read(root, fields, sizeof fields / sizeof *fields, JSON_IGNORE_UNKNOWN, &s, why));
    r->base64 = str_eq(s.encoding_format, S("base64"));
    r->dimensions = s.dimensions;
    if (s.model.n)
        snprintf(model, EMBEDDING_MODEL_BYTES, "%.*s", STR_FMT(s.model));
    return read_input(r, json_get(root, "input"), why);
}
