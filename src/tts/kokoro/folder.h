// SPDX-License-Identifier: Apache-2.0
/*
 * From what tts.model says to a Kokoro: its model, its voices and its symbols. It is the file of the model, or a folder as the
 * hub has it:
 *
 *     FOLDER/model.onnx, or FOLDER/onnx/model.onnx, or the only file of FOLDER that ends with .onnx, or of FOLDER/onnx
 *     FOLDER/voices/af_heart.bin …, or one archive FOLDER/voices-v1.0.bin or voices….npz
 *     FOLDER/tokenizer.json or config.json, where there is one: the symbols
 *
 * Main thread, in a driver's load.
 */
#pragma once

#include "tts/kokoro/styles.h"
#include "tts/kokoro/vocab.h"
#include "tts/onnx/mapped.h"
#include "tts/onnx/onnx_check.h"

/* Zero at first. */
struct kokoro_files {
    struct str onnx; /* mapped */
    struct onnx_facts facts;
    struct styles styles;
    struct vocab vocab;
    char name[MAPPED_NAME_BYTES]; /* as people call it, such as "kokoro-v1.0" */
};

/* All is checked, the model by its SHA-256 where that is known too. `why` holds a sentence. */
enum err kokoro_files_open(const struct tts_load *load, struct kokoro_files *f,
                           char why[TTS_WHY_BYTES]);
/* Gives back what the mapping holds; the rest stays. */
void kokoro_files_unmap(struct kokoro_files *f);
void kokoro_files_close(struct kokoro_files *f);
