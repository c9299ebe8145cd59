// SPDX-License-Identifier: Apache-2.0
/*
 * Looks at a Parakeet file before libparakeet does: whether its numbers are those of a Parakeet, and its filters, words and
 * tensors are all there, once, of the right shape and type, and end where the file ends. libparakeet believes most of
 * that: it reads past its memory where the window or the filters are longer than its spectrum, where there are more words
 * than rows, and where a duration is no small number it never ends. Format: that of whisper.cpp
 * ("ggml-parakeet-tdt-0.6b-v3-f16.bin"). Of the weights it looks whether they are numbers. Pure; reads the whole file.
 */
#pragma once

#include "base/str.h"

enum { PARAKEET_WHY_BYTES = 240 };

struct parakeet_facts {
    uint32_t state, layers, vocabulary;
    bool european;    /* it hears 25 languages: there are Cyrillic letters among its words */
    const char *type; /* of the weights, such as "q4_0" */
};

/* `file` is the whole file, mapped. ERR_INVALID with a sentence in `why`. */
enum err parakeet_check(struct str file, struct parakeet_facts *ret_facts,
                        char why[PARAKEET_WHY_BYTES]);
