// SPDX-License-Identifier: Apache-2.0
/*
 * Looks at a model file before a library does: whether its counts, types, dimensions and offsets agree
 * with one another and with the file's length. What passes may still be no model, but no number in its
 * header leads anywhere outside the file. Format: GGUF version 3 (ggml's docs/gguf.md); 2 is the same
 * but for its number. Pure; reads each byte of the header once and none of the weights.
 */
#pragma once

#include "base/str.h"

enum { GGUF_WHY_BYTES = 240 };

/* What the header says that the model is for. */
struct gguf_facts {
    /* Each token sees those after it: it reads a text as a whole, and cannot write one. */
    bool looks_ahead;
    bool pools; /* it makes one vector of a text */
};

/* `file` is the whole file, mapped. ERR_INVALID with a sentence in `why`. */
enum err gguf_check(struct str file, struct gguf_facts *ret_facts, char why[GGUF_WHY_BYTES]);
