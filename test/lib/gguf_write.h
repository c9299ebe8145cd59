// SPDX-License-Identifier: Apache-2.0
/*
 * Makes model files: a true GGUF with random weights, the same in every run: of the llama architecture with a
 * byte-level vocabulary and a chat template, or of BERT's. How fast a model is depends on shapes and types alone, so
 * with a public model's shape it stands in for that model in benchmarks; a tiny one serves tests.
 * Each row of the output is another (nothing is tied): different prompts give different answers.
 */
#pragma once

#include <stdint.h>

struct gguf_shape {
    uint32_t layers, embedding, feed_forward, heads, heads_kv, vocabulary, context;
    float rope_base;
    const char *type;     /* "f32", "f16", "q8_0", "q4_0", "q4_k" */
    const char *template; /* NULL: llama3's; "": none */
    uint64_t seed;
    bool loose;   /* its markers are called user-defined instead of control */
    bool mistral; /* they are Mistral's, and the template (NULL: that of v13) */
    bool reads;   /* BERT with mean pooling and WordPiece, as e5-small-v2 is: it makes vectors */
};

/* A megabyte; 300 tokens. */
struct gguf_shape gguf_tiny(void);
/* The same of one that reads; texts of up to 128 tokens. */
struct gguf_shape gguf_tiny_bert(void);
/* Tiny, with Mistral's markers. */
struct gguf_shape gguf_tiny_mistral(void);
/* "tiny", "small" (20 MB, some milliseconds a token), "smol-135m", "llama-1b", "llama-8b", "tiny-mistral", "tiny-bert",
 * "e5-small"; false: none of them. */
bool gguf_shape_named(const char *name, struct gguf_shape *ret_shape);
/* False, with a word on standard error: it could not be written. */
bool gguf_write(const char *path, const struct gguf_shape *shape);
