// SPDX-License-Identifier: Apache-2.0
/*
 * Texts of all requests in common batches: one thread computes as many at once as fit a batch, a text of
 * each request in turn, so that who asks for one vector waits for one batch and not for the thousand
 * texts of somebody else. A request that was cancelled leaves before the next batch; a batch that nobody
 * waits for any more is broken off. A request whose vectors are not taken pauses.
 *
 *     try(embed_batch_prepare(model, threads, why));
 *     try(embed_batch_start());                             // once threads may be made
 *     try(embed_batch_run(texts, count, request));          // any thread
 *     embed_batch_stop();                                   // nobody is in run any more
 */
#pragma once

#include "llm/embed.h"

struct llama_model;

/* Tokens as the model reads them, at most embed_batch_room() of them. */
struct embed_tokens {
    const int32_t *token;
    size_t count;
};

/* Reserves the memory. ERR_NOMEM, ERR_UNSUPPORTED with a sentence in `why`. */
enum err embed_batch_prepare(struct llama_model *model, uint32_t threads, char why[LLM_WHY_BYTES]);
/* Computes once, so that the first request finds everything in place; makes the threads. ERR_INTERNAL: the
 * model cannot be evaluated. */
enum err embed_batch_start(void);
/* Also after a failure of the two above, or without them. */
void embed_batch_stop(void);
/* Tokens that the longest text may have. */
uint32_t embed_batch_room(void);
/* Calls request->vector from the caller's thread. ERR_CANCELED once request->stopped says so; ERR_INTERNAL
 * when the model fails. */
enum err embed_batch_run(const struct embed_tokens *texts, size_t count,
                         const struct embed_request *request);
/* A batch is being broken off, about which libllama complains. Any thread. */
bool embed_batch_is_breaking_off(void);
