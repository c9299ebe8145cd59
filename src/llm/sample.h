// SPDX-License-Identifier: Apache-2.0
/*
 * How the next token is chosen from what the model thinks of each: a chain of libllama's samplers in the
 * order of llama-server's, so that the same numbers mean the same thing. One thread at a time.
 */
#pragma once

#include "llm/driver.h"

struct llama_context;
struct llama_vocab;
struct sampler;

/* temperature 0: always the likeliest. seed 0: one by chance. ERR_INVALID with a sentence in request->why: a
 * bias for a token that there is not; ERR_UNSUPPORTED: a grammar that libllama does not read; ERR_NOMEM. */
enum err sample_create(const struct llama_vocab *vocab, const struct llm_request *request,
                       struct sampler **ret_sampler);
void sample_destroy(struct sampler *s); /* takes NULL */
/* Whether it is one of the request's marks. */
bool sample_is_mark(const struct sampler *s, int32_t token);
/* The next token after output number `output` of the context's last step. ERR_NOTFOUND: the grammar allows
 * none of the vocabulary's. */
enum err sample_next(struct sampler *s, struct llama_context *context, int32_t output,
                     int32_t *ret_token);
