// SPDX-License-Identifier: Apache-2.0
/*
 * Somebody speaks while the answer is spoken: does he want to interrupt? Real words do; "uh-huh", noise
 * and the answer itself, coming back from the loudspeaker, do not. Pure; a table of cases tests it.
 */
#pragma once

#include "base/str.h"

enum {
    BARGE_SILENCE_MS = 240, /* after which a short remark is over */
    BARGE_DEAF_MS = 600,    /* so much voice means something, also where nobody knows the words */
    BARGE_LIMIT_MS = 2500,  /* when so much was decoded it is decided by what is known, */
    BARGE_STUCK_MS =
        7000, /* and at the latest after so much sound: a recogniser may be slow or hang */
};

struct barge_evidence {
    struct str heard;  /* the recogniser's words so far */
    bool final;        /* which will not change any more */
    bool deaf;         /* there is no recogniser */
    struct str spoken; /* what the listener hears of the answer about now */
    bool doubted;      /* it was found to be nothing before: more is needed to change that */
    uint32_t voiced_ms, silence_ms, total_ms; /* of the voice, after it, since it began */
    uint32_t decoded_ms;                      /* of total_ms, what `heard` was made of */
};

enum barge_verdict : uint8_t {
    BARGE_WAIT,
    BARGE_NOTHING, /* a murmur, or noise */
    BARGE_ECHO,    /* our own answer */
    BARGE_INTERRUPT,
};

enum barge_verdict barge_judge(const struct barge_evidence *e);
/* Is one of the words the same as this one, as far as a recogniser can tell? */
bool barge_echoes(struct str word, struct str words);
