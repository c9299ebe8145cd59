// SPDX-License-Identifier: Apache-2.0
/* From the name of a Piper voice to its two files: NAME.onnx, mapped and looked over, and NAME.onnx.json, read. Main thread,
 * in a driver's load. */
#pragma once

#include "tts/driver.h"
#include "tts/onnx/onnx_check.h"
#include "tts/piper/voice_json.h"

/* Zero at first. */
struct piper_file {
    struct str onnx; /* mapped */
    struct voice_json json;
    struct onnx_facts facts;
    char name[VOICE_NAME_BYTES]; /* as people call it, such as "en_US-lessac-medium" */
};

/* The files are checked, the first by its SHA-256 where that is known too. `why` holds a sentence. */
enum err piper_file_open(const struct tts_load *load, struct piper_file *f,
                         char why[TTS_WHY_BYTES]);
/* Gives back what the mapping holds; the rest stays. */
void piper_file_unmap(struct piper_file *f);
void piper_file_close(struct piper_file *f);
