// SPDX-License-Identifier: Apache-2.0
/*
 * How the next token is chosen from what the model thinks of each: a chain of libllama's samplers in the
 * order of llama-server's, so that the same numbers mean the same thing. One thread at a time.
 */
#pragma once

#include "llm/driver.h"

struct llama_sampler;

/* temperature 0: always the likeliest. seed 0: one by chance. ERR_NOMEM. */
enum err sample_create(const struct llm_request *request, struct llama_sampler **ret_sampler);
