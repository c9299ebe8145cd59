// SPDX-License-Identifier: Apache-2.0
/*
 * Looks at an ONNX file before ONNX Runtime does: that it is one graph with the inputs and outputs of a Piper voice, that all
 * its messages end where they say, and that every tensor lies in the file, has as many numbers as its shape says and is of
 * a kind that a voice needs. ONNX Runtime would otherwise open further files by their names (external data), and
 * reserves memory by what a file claims. Reads heads alone, and none of the weights. Pure.
 */
#pragma once

#include "base/str.h"

enum { ONNX_WHY_BYTES = 240 };

struct onnx_facts {
    bool has_speakers; /* it takes the number of a speaker */
    uint32_t nodes;
};

/* `file` is the whole file, mapped. ERR_INVALID with a sentence in `why`. */
enum err onnx_check(struct str file, struct onnx_facts *ret_facts, char why[ONNX_WHY_BYTES]);
