// SPDX-License-Identifier: Apache-2.0
/*
 * Makes a Kokoro: a folder with a model, voices and symbols as the hub has it. The model has the inputs and outputs of a true one
 * and its kinds of layers (StyleTTS 2; Li, Han, Raghavan, Mischler and Mesgarani, 2023; with the generator of iSTFTNet;
 * Kaneko, Tanaka, Kameoka and Seki, 2022), and random weights, the same in every run. How long it takes is up to the shapes, so that
 * one of the public shape stands in for it in benchmarks; what it says is noise, of a length that fits the text.
 */
#pragma once

#include "base/str.h"
#include "tts/onnx/onnx.h"

struct kokoro_shape {
    int hidden;              /* of the text's part */
    int wide, blocks;        /* of the decoder: its channels, and how many of them */
    int channels;            /* of the generator at first */
    int kernels, dilations;  /* of its residual blocks */
    bool is_older;           /* names its values as exports of 2025 do: "tokens", "audio" */
    enum onnx_element speed; /* 0: float */
    bool is_mute;            /* gives no sample */
    bool is_endless;         /* computes for centuries at the speed of 4 */
    bool is_silent, is_nan;  /* gives zeros; gives what is no number */
};

/* A few hundred kilobytes. */
struct kokoro_shape kokoro_tiny_made(void);
/* As large as the public one, 82 million weights or so. */
struct kokoro_shape kokoro_full_made(void);

void kokoro_write_onnx(const struct kokoro_shape *shape, struct buf *into);
/* The numbers of a voice; of each number another voice. */
void kokoro_write_style(int number, struct buf *into);
/* An archive of some voices. */
void kokoro_write_archive(const char *const *names, size_t n, struct buf *into);
/* FOLDER, which may be there already: model.onnx, tokenizer.json, and in voices the files af_heart, bm_george, ef_dora and jf_alpha.
 * False, with a word on standard error: it could not be written. */
bool kokoro_write(const char *folder, const struct kokoro_shape *shape);
