// SPDX-License-Identifier: Apache-2.0
/*
 * Makes Piper voices: both files, with the inputs, outputs and layers of a true one (VITS; Kim, Kong and Son, "Conditional
 * Variational Autoencoder with Adversarial Learning for End-to-End Text-to-Speech", 2021) and random weights, the same in every
 * run. How long they take depends on shapes alone, so one of a public voice's shape stands in for it in benchmarks; a tiny
 * one serves tests. What it says is noise, of a length that fits the text.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

enum { VOICE_WRITE_SYMBOLS = 256 }; /* phonemes' numbers */

struct voice_shape {
    int hidden, layers, heads; /* of the text encoder */
    int couplings, waves;      /* of the flow, and the layers of each */
    int channels;              /* of the decoder at first */
    bool is_high;              /* the decoder of high quality */
    int speakers;              /* 1: it is not asked for one */
    uint32_t rate_hz;
    bool takes_letters; /* and no phonemes */
    bool is_tangled;    /* the decoder looks at the text, too, so that it cannot be cut off */
    const char *espeak; /* "en-us" where it is NULL */
    float loudness;     /* 0: usual */
    bool is_endless;    /* it computes for centuries at the speed of 4 */
    bool is_steady;     /* it says the same twice */
};

/* Half a megabyte. */
struct voice_shape voice_tiny_made(void);
/* "tiny" (as above), "least" (a seed for fuzzing), "x_low", "low", "medium", "high"; false: none of them. */
bool voice_shape_named(const char *name, struct voice_shape *ret_shape);
/* NAME.onnx, and beside it NAME.onnx.json. False, with a word on standard error: it could not be written. */
bool voice_write(const char *path, const struct voice_shape *shape);
/* The two files' bytes. */
void voice_write_onnx(const struct voice_shape *shape, struct buf *into);
void voice_write_json(const struct voice_shape *shape, struct buf *into);
