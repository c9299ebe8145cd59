// SPDX-License-Identifier: Apache-2.0
/*
 * Makes Parakeet files: the true format of whisper.cpp and random weights, the same in every run. How fast a model is
 * depends on shapes and types alone, so with a public model's shape it stands in for that model in benchmarks; a tiny one
 * serves tests. With random weights it hears what means nothing, and is not sure of it; told what to say, it hears that,
 * whatever the sound, a piece of a word each 80 ms for as long as there is sound: what predicts knows the last piece by one
 * number of its own, and the joint is a table of which follows which.
 */
#pragma once

#include <stdint.h>

struct parakeet_shape {
    int32_t vocabulary, state, heads, layers, mels, channels, inner, inner_layers;
    const char *type; /* as of struct whisper_shape */
    /* Words with blanks between them that it says in turn; long ones are two pieces, and "|" parts pieces where it stands:
     * "|a" is one that only begins a word, and one of a single byte. There are fewer pieces than `inner`. NULL: whatever the
     * weights give. */
    const char *says;
    float sure;    /* of what the weights give; 0: not at all */
    bool endless;  /* after the last word it begins anew */
    bool still;    /* no piece takes time: there are ten in each frame */
    bool european; /* there are Cyrillic letters among its words */
};

enum { PARAKEET_PIECE_MS = 80 };

/* 0.5 MB; one layer. */
struct parakeet_shape parakeet_tiny_made(void);
/* "least" (of each the least that there can be), "tiny" (as above), "tiny-european", "0.6b"; false: none of them. */
bool parakeet_shape_named(const char *name, struct parakeet_shape *ret_shape);
/* False, with a word on standard error: it could not be written. */
bool parakeet_write(const char *path, const struct parakeet_shape *shape);
