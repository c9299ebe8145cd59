// SPDX-License-Identifier: Apache-2.0
/*
 * From segments to the tokens that the model reads: markup of the chat template with its special
 * tokens, text by its origin without any, and as many segments left out, the highest priority number
 * first, as it takes to fit. Any thread.
 */
#pragma once

#include "llm/prompt/cache.h"
#include "llm/prompt/chat_template.h"
#include "llm/prompt/marker.h"

struct llama_vocab;

struct prompt_maker {
    const struct chat_template *template;
    const struct llama_vocab *vocab;
    const struct markers *markers;
};

struct prompt {
    struct prompt_tokens tokens;
    uint32_t left_out;
};

/* max_tokens: room for the prompt. ERR_TOOBIG, with a sentence in request->why: what may not be left out
 * does not fit. ERR_CANCELED: request->stopped said so meanwhile. */
enum err prompt_build(const struct prompt_maker *maker, const struct llm_request *request,
                      size_t max_tokens, struct prompt *ret_prompt);
void prompt_finish(struct prompt *p);
