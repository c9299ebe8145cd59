// SPDX-License-Identifier: Apache-2.0
/* The tensors that a Parakeet has, by the numbers at the head of its file: a FastConformer that encodes, an LSTM that
 * predicts, and what joins them into tokens and durations (Xu et al., "Efficient Sequence Transduction by Jointly
 * Predicting Tokens and Durations", 2023). Pure. */
#pragma once

#include <stdint.h>

#include "base/str.h"

enum { TENSOR_DIMS = 4, TENSORS_LAYERS_MAX = 24, TENSORS_INNER_LAYERS_MAX = 2 };

/* In the order of the file. */
struct parakeet_numbers {
    uint32_t vocabulary, context, state, heads, layers, mels, type, spectrum, subsampling, channels,
        kernel, inner, inner_layers, durations, tokens_at_once;
};

/* f32; the file's type; that type where its blocks fill rows of `inner`, else f32. */
enum tensor_kind : uint8_t { TENSOR_VECTOR, TENSOR_MATRIX, TENSOR_INNER };
enum tensor_size : uint8_t {
    SIZE_NONE,
    SIZE_ONE,
    SIZE_THREE,
    SIZE_CHANNELS,
    SIZE_SUBSAMPLED,
    SIZE_STATE,
    SIZE_STATE2,
    SIZE_STATE4,
    SIZE_KERNEL,
    SIZE_HEADS,
    SIZE_HEAD,
    SIZE_INNER,
    SIZE_GATES,
    SIZE_TOKENS, /* with the blank */
    SIZE_JOINED, /* and the durations */
};

struct tensor {
    const char *name; /* behind the prefix of its layer */
    enum tensor_kind kind;
    enum tensor_size size[TENSOR_DIMS];
};

/* A bit for each. */
struct tensors_seen {
    uint64_t whole, layer[TENSORS_LAYERS_MAX], inner[TENSORS_INNER_LAYERS_MAX];
};

/* NULL: there is none of this name, or it has been found before. */
const struct tensor *tensors_find(const struct parakeet_numbers *n, struct tensors_seen *seen,
                                  struct str name);
bool tensors_are_whole(const struct parakeet_numbers *n, const struct tensors_seen *seen);
uint32_t tensors_size(const struct parakeet_numbers *n, enum tensor_size size);
