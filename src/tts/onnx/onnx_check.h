// SPDX-License-Identifier: Apache-2.0
/*
 * Looks at an ONNX file before ONNX Runtime does: that it is one graph with the inputs and outputs of a voice that is known
 * here, that all its messages end where they say, and that every tensor lies in the file, has as many numbers as its shape
 * says and is of a kind that a voice needs. ONNX Runtime would otherwise open further files by their names (external data), and
 * reserves memory by what a file claims. Reads heads alone, and none of the weights. Pure.
 */
#pragma once

#include "base/str.h"
#include "tts/onnx/onnx.h"

enum { ONNX_WHY_BYTES = 240 };

enum onnx_kind : uint8_t { ONNX_PIPER, ONNX_KOKORO };

struct onnx_facts {
    enum onnx_kind kind;
    bool has_speakers; /* of Piper: it takes the number of a speaker */
    /* Of Kokoro, whose exports differ; the names are literals. */
    const char *tokens, *sound; /* of what it takes and gives */
    enum onnx_element speed;    /* float, int32_t or int64_t */
};

/* `file` is the whole file, mapped. ERR_INVALID with a sentence in `why`. */
enum err onnx_check(struct str file, struct onnx_facts *ret_facts, char why[ONNX_WHY_BYTES]);
