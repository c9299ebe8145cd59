// SPDX-License-Identifier: Apache-2.0
/*
 * The contract of a language model. One `const struct llm_driver` a file; stream.c is its only caller.
 *
 * Order of calls. `load` once, on the main thread. Then answers: `answer` is called with the whole
 * prompt and calls `token` for each piece of text, whole UTF-8 characters only, until it is done.
 * Different answers run on different threads at once; a driver that batches them has a scheduler thread
 * of its own behind this face and lets the callers wait.
 *
 * Segments come in the order [system][history][passages][question]. Only `trusted` text may contain
 * markup that the model obeys; all other text is data, whatever it looks like. When they do not fit the
 * context, those with the highest priority number are left out first (0: never), and counted.
 *
 * `token` answers false when nobody wants the rest: return ERR_CANCELED within one step.
 */
#pragma once

#include "wire/worker.h"

struct llm_segment {
    struct str role; /* "system", "user", "assistant", "context" */
    bool trusted;
    uint32_t priority;
    struct str text;
};

struct llm_request {
    struct str session; /* whose cached prefix to look for; "" for none */
    const struct llm_segment *segment;
    size_t count;
    uint32_t max_tokens;
    float temperature, top_p;
    uint32_t top_k;
    uint64_t seed;
    struct str stop_json; /* an array of strings */
};

struct llm_result {
    const char *reason; /* "stop", "length" */
    uint32_t prompt_tokens, cached_tokens, completion_tokens, segments_left_out;
    uint64_t prefill_us, decode_us;
};

/* Told every piece of the answer. NULL text asks whether any more is wanted. */
typedef bool (*llm_token_fn)(void *to, struct str text);

struct llm_driver {
    const char *name;

    /* Mandatory. Loads the model and says how many answers can be given at once (slots). */
    enum err (*load)(const struct msg_load *load, struct worker_ready *ret_ready,
                     char why[WORKER_WHY_BYTES]);
    void (*unload)(void); /* optional */

    /* Mandatory. `why` is a sentence for the user when it fails. */
    enum err (*answer)(const struct llm_request *request, llm_token_fn token, void *to,
                       struct llm_result *ret_result, char why[WORKER_WHY_BYTES]);
};

extern const struct llm_driver llm_scripted;
