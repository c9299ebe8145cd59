// SPDX-License-Identifier: Apache-2.0
/*
 * What an embedding model has to offer so that `repartee-llm --embed` can make vectors of texts with it.
 * One `const struct embed_driver` a file. The engine does the rest: collecting the texts, cutting a vector
 * to the dimensions that were asked for, giving it the length 1.
 *
 * Threads. load, start and unload run alone, on the main thread; start, when the process has been locked
 * in. `embed` runs on one compute thread for each request, up to `slots` of them at once, and returns when
 * its last vector has been given away. A driver that computes for all of them in one batch does so on a
 * thread of its own, and its `embed` waits for the vectors.
 *
 * Texts come from strangers: they are never tokenised with special tokens. Tokens are taken as they are.
 *
 * Cancel. Look at `stopped` before each step that takes over 50 ms or so, also while waiting, and answer
 * ERR_CANCELED once it is true.
 *
 * Mandatory: load and embed.
 */
#pragma once

#include "llm/driver.h"

enum {
    EMBED_TEXTS_MAX = 2048,    /* of one request, as OpenAI has it */
    EMBED_BYTES_MAX = 4 << 20, /* of all of them, or of their tokens */
    EMBED_DIMENSIONS_MAX = 8192,
    EMBED_SLOTS_MAX = 64,
};

enum embed_purpose : uint8_t {
    EMBED_AS_IS,
    EMBED_QUERY,   /* looks for passages */
    EMBED_PASSAGE, /* is to be found */
    EMBED_PURPOSES,
};

/* Texts live until unload. */
struct embed_loaded {
    const char *model, *notes;
    uint32_t slots;      /* requests at once, at most EMBED_SLOTS_MAX */
    uint32_t dimensions; /* of every vector, at most EMBED_DIMENSIONS_MAX */
};

struct embed_input {
    struct str text;
    const int32_t *token; /* instead of the text; NULL: the text */
    size_t count;
};

/* Borrowed for the call. */
struct embed_request {
    const struct embed_input *input;
    size_t count;
    enum embed_purpose purpose; /* of texts */
    /* What the model has no room for is cut off; otherwise ERR_INVALID, and no vector is made. */
    bool shorten;

    /* In the order of the inputs; of any length but 0. False: no more are wanted, return OK. */
    bool (*vector)(void *arg, const float *numbers);
    bool (*stopped)(void *arg);
    void *arg;
    char *why; /* LLM_WHY_BYTES: a sentence for the client when the call fails */
};

struct embed_result {
    uint32_t tokens, shortened;
    uint64_t compute_us; /* until the last vector was there */
};

struct embed_driver {
    const char *name;
    /* On failure `why` holds a sentence for the operator. */
    enum err (*load)(const struct llm_load *load, struct embed_loaded *ret_loaded,
                     char why[LLM_WHY_BYTES]);
    enum err (*start)(char why[LLM_WHY_BYTES]); /* optional */
    void (*unload)(void);
    enum err (*embed)(const struct embed_request *request, struct embed_result *ret_result);
};

extern const struct embed_driver embed_llama, embed_scripted;
