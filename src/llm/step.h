// SPDX-License-Identifier: Apache-2.0
/*
 * One step of the model: a batch that carries a token of each answer that is being written and a piece
 * of the prompts that are being read. One thread, the scheduler's, but for
 * step_expects_errors.
 */
#pragma once

#include "llm/prompt.h"

struct llama_model;
struct sampler;

struct step_limits {
    uint32_t slots;   /* answers at once, 1..LLM_SLOTS_MAX */
    uint32_t context; /* tokens of one: its prompt and its answer */
    uint32_t threads;
    uint32_t kv_bits; /* of a number in the memory: 8, 16, 32; 0: 16 */
};

enum stage : uint8_t {
    STAGE_WAITING,
    STAGE_PROMPT, /* its prompt is being read */
    STAGE_ANSWER, /* its answer is being written */
};

/* An answer in the making. The first four are the caller's. */
struct generation {
    const struct prompt *prompt;
    const struct llm_request *request;
    struct sampler *sampler;
    bool paused; /* its answer takes no part */
    /* What the last step brought. */
    enum err err; /* not OK: it has failed */
    bool over;    /* this was the last token */
    size_t piece_bytes;
    char piece[LLM_PIECE_MAX];
    struct buf logprobs; /* where they are wanted; its memory is the caller's to free */
    /* The step's. */
    enum stage stage;
    struct llm_result result;
    size_t sequence;
    int32_t token;     /* the newest, not computed yet */
    uint32_t in_batch; /* tokens in the present step */
    int32_t output;    /* where the step tells of its next token; -1: it does not */
    uint64_t began_us, first_us;
};

/* Reserves the memory. ERR_NOMEM with a sentence in `why`. */
enum err step_prepare(struct llama_model *model, const struct step_limits *limits,
                      char why[LLM_WHY_BYTES]);
/* Evaluates one token, so that the first answer finds everything in place; makes the compute threads. */
enum err step_warm_up(void);
/* Also after a failure of step_prepare, or without it. */
void step_finish(void);

/* Finds a sequence for it, with as much of its prompt as is there already. ERR_BUSY: there is none. */
enum err generation_begin(struct generation *g);
/* Also when it has not begun. Its result is complete. */
void generation_end(struct generation *g);
/* False: there was nothing to do. A step that nobody waits for any more is broken off: ERR_CANCELED. */
bool step_take(struct generation *const *generations, size_t count);
/* Something goes on that libllama complains about, and that is no error here. Any thread. */
bool step_expects_errors(void);
