// SPDX-License-Identifier: Apache-2.0
/*
 * What a language model has to offer so that repartee-llm can answer with it. One `const struct
 * llm_driver` a file. The engine does the rest: collecting the prompt, stop strings, whole code points,
 * limits. The server owns every conversation; what a driver keeps of one is a cache and may be dropped.
 *
 * Threads. load, start and unload run alone, on the main thread; start, when the process has been locked
 * in, so that threads are made there and not in load. `generate` runs on one compute thread for each
 * answer, up to `slots` of them at once, and returns when its answer is over. A driver that computes for
 * all live sequences in one batch does so on a scheduler thread of its own, and its `generate` waits for
 * the pieces.
 *
 * Prompt. Segments come in the order in which the model shall read them. Text of a segment that is not
 * `trusted` comes from strangers: it is never tokenised with special tokens. When the context is too
 * small, whole segments are left out, the highest priority number first; those of priority 0 stay, and
 * if they alone do not fit the answer is ERR_TOOBIG. `session` names whose prefix may be in the cache;
 * two sessions never share text that is not trusted.
 *
 * Answer. A piece is what one token adds, in bytes as the model gives them: code points may be cut and
 * bytes malformed. When `piece` answers false the answer is long enough: stop and return OK. Where logprobs are
 * wanted, each piece has the list of wire/logprob.h: by the softmax of what the model thinks, before any setting
 * changes it.
 *
 * Cancel. Look at `stopped` before each step that takes over 50 ms or so, also while waiting for a slot,
 * and answer ERR_CANCELED once it is true.
 *
 * Files. The process is locked in after `load`; what is read later lies below `read_dir`.
 *
 * Mandatory: load and generate.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "wire/logprob.h"

enum {
    LLM_WHY_BYTES = 240,      /* room for a sentence about a failure, with its NUL */
    LLM_PROMPT_MAX = 2 << 20, /* bytes of all segments */
    LLM_SEGMENTS_MAX = 1024,
    LLM_TOKENS_MAX = 32768,            /* of one answer */
    LLM_PIECE_MAX = LOGPROB_TOKEN_MAX, /* bytes of one piece */
};

/* What `load` gets from the server (wire: load). Slices are borrowed. */
struct llm_load {
    struct str model_dir, model;
    struct str options; /* name=value, separated by commas; unknown names are refused */
    uint32_t threads;   /* compute threads that it may use at start */
    struct str sha256;  /* of the model's file, in hexadecimal digits; empty: not known */
};

/* How functions are called: llm/tools.h. */
enum tool_syntax : uint8_t {
    TOOLS_HERMES,
    TOOLS_LLAMA3,
    TOOLS_MISTRAL_V3,
    TOOLS_MISTRAL_V7,
    TOOLS_MISTRAL_V11,
    TOOLS_MISTRAL_V13,
};

/* What it answers. Texts live until unload. */
struct llm_loaded {
    const char *model, *languages, *notes;
    uint32_t slots; /* answers at once, at most LLM_SLOTS_MAX */
    enum tool_syntax tools;
};
enum {
    LLM_SLOTS_MAX = 64,
    LLM_MARKS_MAX = 4,
};

struct llm_segment {
    /* "system", "user", "assistant", "context"; where there are tools also llama3's "ipython" and mistral's "tools",
     * which stands in front of the question that follows. */
    struct str role;
    bool trusted;
    uint32_t priority; /* 0: never left out */
    struct str text;
    bool joined;                /* it goes on in the message of the segment before it */
    bool tied;                  /* it is left out when the segment before it is */
    bool open;                  /* what ends an answer does not follow it */
    const char *before, *after; /* markup around the text; NULL: none */
    struct str id;              /* of a call and of its result */
};

/* What is added to what the model thinks of a token. */
struct llm_bias {
    int32_t token;
    float bias; /* -100..100 */
};

/* Borrowed for the call. */
struct llm_request {
    struct str session;
    const struct llm_segment *segment;
    size_t count;
    uint32_t max_tokens; /* 1..LLM_TOKENS_MAX */
    float temperature;   /* 0..2; 0: always the likeliest token */
    float top_p;         /* 0..1 */
    uint32_t top_k;      /* 0: all */
    uint64_t seed;       /* 0: a driver's own choice */
    /* The penalties look at what was written so far: OpenAI's two are added, -2..2, the third divides, 1: none. */
    float min_p, presence_penalty, frequency_penalty, repeat_penalty;
    const struct llm_bias *bias;
    size_t bias_count;
    bool prefill;        /* the prompt is read as far as its last text goes, nothing is written */
    const char *grammar; /* GBNF with the rule "root", that the answer obeys; NULL: none */
    /* Special tokens that are said like words, where they are wanted: in pieces by their names, in the grammar by the
     * rules mark-0, mark-1 … */
    const char *const *mark;
    size_t mark_count; /* at most LLM_MARKS_MAX */

    bool has_logprobs;
    uint32_t top_logprobs; /* 0..LOGPROBS_TOP_MAX */

    bool (*piece)(void *arg, struct str piece, struct str logprobs);
    bool (*stopped)(void *arg);
    void *arg;
    char *why; /* LLM_WHY_BYTES: a sentence for the client when the call fails */
};

struct llm_result {
    bool cut; /* max_tokens ended it, not the model */
    uint32_t prompt_tokens, cached_tokens, completion_tokens, segments_left_out;
    uint64_t prefill_us, decode_us;
};

struct llm_driver {
    const char *name;
    /* Known after load; NULL when there is none. */
    const char *(*read_dir)(void);
    /* On failure `why` holds a sentence for the operator. */
    enum err (*load)(const struct llm_load *load, struct llm_loaded *ret_loaded,
                     char why[LLM_WHY_BYTES]);
    enum err (*start)(char why[LLM_WHY_BYTES]); /* optional */
    void (*unload)(void);
    enum err (*generate)(const struct llm_request *request, struct llm_result *ret_result);
};

extern const struct llm_driver llm_llama, llm_scripted;
