// SPDX-License-Identifier: Apache-2.0
/*
 * The model's memory (its KV cache) and the books about it (llm/cache.h), kept in step. Whatever lies in that
 * memory costs every step of everybody: attention passes over the cells of all conversations, and masks the
 * others'. So those that nobody works with are set aside, as bytes, and put back when they go on; copying one
 * takes milliseconds, reading it anew seconds.
 *
 * One thread, the scheduler's, but for memory_expects_errors.
 */
#pragma once

#include "llm/cache.h"

struct llama_context;

enum : size_t { MEMORY_ASIDE_MAX = (size_t)1 << 30 }; /* bytes of all that is set aside */

/* aside: bytes that may be set aside, at most MEMORY_ASIDE_MAX. The context is borrowed. */
enum err memory_init(struct llama_context *context, size_t sequences, size_t aside);
/* Also without memory_init, or after its failure. */
void memory_finish(void);

/* Finds a sequence for the prompt, with as much of it as is there already. ERR_BUSY: there is none. */
enum err memory_take(struct str session, const struct prompt_tokens *prompt, size_t *ret_sequence);
/* The answer is over; what the sequence holds stays as long as there is room. */
void memory_release(size_t sequence);
/* What it holds: tokens, and how many. */
const struct cache_sequence *memory_sequence(size_t sequence);
/* These tokens have been computed. open: nothing of strangers. */
enum err memory_note(size_t sequence, const int32_t *token, size_t count, bool open);
/* A step has failed: the memory goes back to what the books say. */
void memory_undo(size_t sequence);

/* Sets somebody idle aside, or forgets him. False: all that is there is being worked with. */
bool memory_make_room(void);
/* Sets one of the idle aside, when there are more than may stay. False: it did not. */
bool memory_tidy(size_t stay);
/* A state is tried that may not fit, about which libllama complains. Any thread. */
bool memory_expects_errors(void);
