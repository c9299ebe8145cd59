// SPDX-License-Identifier: Apache-2.0
/*
 * Continuous batching: one thread takes the model one step forward after another, and each step
 * carries a token of every answer that is being written and a piece of the prompts that are being
 * read, so that who comes later need not wait for who is there, and who is there hardly notices. A step
 * that somebody waits for reads few tokens of prompts; one that nobody waits for reads many.
 *
 * An answer that was cancelled leaves its place before the next step; a step of its prompt alone is
 * broken off. An answer whose listener does not keep up pauses.
 *
 *     try(schedule_prepare(model, &limits, why));
 *     try(schedule_start());                                // once threads may be made
 *     try(schedule_generate(&prompt, request, &result));    // any thread, up to `slots` at once
 *     schedule_stop();                                      // nobody is in generate any more
 */
#pragma once

#include "llm/step.h"

/* Reserves the memory for all of it. ERR_NOMEM with a sentence in `why`. */
enum err schedule_prepare(struct llama_model *model, const struct step_limits *limits,
                          char why[LLM_WHY_BYTES]);
/* Once the process may make threads. ERR_INTERNAL: the model cannot be evaluated. */
enum err schedule_start(void);
/* Also after a failure of the two above, or without them. */
void schedule_stop(void);
/* Calls request->piece from the caller's thread. The prompt and max_tokens fit the context together.
 * ERR_CANCELED once request->stopped says so; ERR_INTERNAL when the model fails. */
enum err schedule_generate(const struct prompt *prompt, const struct llm_request *request,
                           struct sampler *sampler, struct llm_result *ret_result);
