// SPDX-License-Identifier: Apache-2.0
/*
 * Makes Whisper files: the true format of whisper.cpp with the mel filters of Whisper and random weights, the same in
 * every run. How fast a model is depends on shapes and types alone, so with a public model's shape it stands in for that
 * model in benchmarks; a tiny one serves tests. With random weights it hears words that mean nothing; told what to
 * say, it hears that, whatever the sound: the last layer of its decoder is a table of which word follows which.
 */
#pragma once

#include <stdint.h>

struct whisper_shape {
    int32_t state, heads, audio_layers, text_layers;
    /* "f32", "f16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"; where the state is 256 or a multiple "q6_K" … "q2_K" */
    const char *type;
    /* Words with blanks between them that it says in turn, to the end; NULL: whatever the weights give. */
    const char *says;
    float sure;        /* how much; 0: usual, which without words to say is not at all */
    bool endless;      /* after the last word it begins anew */
    bool silent;       /* it is sure that nobody speaks, and not at all of its words */
    bool multilingual; /* it knows 99 languages, and takes all for German */
};

/* 8 MB; one layer. */
struct whisper_shape whisper_tiny_made(void);
/* "tiny" (as above), "tiny-many" (the same, multilingual), "tiny.en", "base.en", "small.en"; false: none of them. */
bool whisper_shape_named(const char *name, struct whisper_shape *ret_shape);
/* False, with a word on standard error: it could not be written. */
bool whisper_write(const char *path, const struct whisper_shape *shape);
