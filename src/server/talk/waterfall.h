// SPDX-License-Identifier: Apache-2.0
/*
 * Where a turn's time went, by stage. The same names appear in `end.timings`, in the page's
 * waterfall and as the label of repartee_stage_seconds in /metrics. Loop thread.
 *
 * Time zero is the end of speech for a spoken turn, the request for a typed one. Of an answer that was begun before (wager.c)
 * what was ready then took no time: it is said how long before, and its stages are as short as they were for the listener.
 */
#pragma once

#include "base/json.h"
#include "base/metrics.h"

//        name        label         from → to
#define STAGE_TABLE(X)                                                                             \
    X(STAGE_TRANSCRIBE, "transcribe") /* end of speech → final words */                            \
    X(STAGE_RETRIEVE,   "retrieve")   /* words → passages */                                       \
    X(STAGE_ANSWER,     "answer")     /* passages → first token */                                 \
    X(STAGE_CLAUSE,     "clause")     /* first token → first clause that can be spoken */          \
    X(STAGE_SYNTHESIZE, "synthesize") /* clause → first sound sent */                              \
    X(STAGE_GENERATE,   "generate")   /* first token → last token */                               \
    X(STAGE_SPEAK,      "speak")      /* first sound sent → last sound sent */

enum stage : uint8_t {
#define X(name, label) name,
    STAGE_TABLE(X)
#undef X
        STAGE_COUNT
};

struct waterfall {
    uint64_t zero_us;
    uint64_t ahead_us; /* the answer was begun then, before the words were sure; 0: afterwards */
    struct {
        uint64_t from_us, to_us; /* 0: not reached */
    } stage[STAGE_COUNT];
};

/* How long each stage took, over all turns. */
extern struct histogram stage_seconds[STAGE_COUNT];

const char *stage_label(enum stage s);
void waterfall_start(struct waterfall *w, uint64_t now_us);
/* Each may be called again; only the first call counts. */
void waterfall_open(struct waterfall *w, enum stage s, uint64_t now_us);
void waterfall_close(struct waterfall *w, enum stage s, uint64_t now_us); /* needs an open before */
/* When the turn's first token and first sound left, ms after zero; -1 when there was none. */
double waterfall_first_token_ms(const struct waterfall *w);
double waterfall_first_audio_ms(const struct waterfall *w);
/* {"stages":[{"name","start_ms","ms"}…],"first_token_ms","first_audio_ms","total_ms"}, and "ahead_ms": so long before time
 * zero the answer was begun, where it was. */
void waterfall_json(const struct waterfall *w, uint64_t now_us, struct json_out *j);
