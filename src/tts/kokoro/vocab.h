// SPDX-License-Identifier: Apache-2.0
/*
 * The symbols of a Kokoro model and their numbers: those of Kokoro-82M, or what a file beside the model says, config.json
 * ({"vocab": {"a": 43, …}}) or tokenizer.json ({"model": {"vocab": …}}). A stranger's file, so everything is bounded. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
    VOCAB_JSON_BYTES = 1 << 20, /* a published one has 4 KB */
    VOCAB_WHY_BYTES = 240,
    VOCAB_SYMBOLS_MAX = 4096,
    VOCAB_IDS_MAX = 4096,
    VOCAB_PAD = 0, /* around each utterance, and never of a text */
};

struct vocab_symbol {
    uint32_t cp;
    uint16_t id; /* 1 … VOCAB_IDS_MAX - 1 */
};

/* The caller's memory; zero at first. */
struct vocab {
    const struct vocab_symbol *symbols; /* by code point */
    size_t n;
    struct vocab_symbol *own; /* NULL: they are Kokoro-82M's */
};

void vocab_usual(struct vocab *ret_v);
/* ERR_NOTFOUND: the file has no vocabulary; ERR_INVALID with a sentence; ERR_NOMEM. On failure *ret_v is untouched. */
enum err vocab_read(struct str text, struct vocab *ret_v, char why[VOCAB_WHY_BYTES]);
void vocab_finish(struct vocab *v);
/* 0: the model does not know it. */
int64_t vocab_id(const struct vocab *v, uint32_t cp);
