// SPDX-License-Identifier: Apache-2.0
/* A voice's files in memory: found by what `tts.model` says, mapped, and given back. Main thread, in a driver's load. */
#pragma once

#include "tts/driver.h"

enum { MAPPED_PATH_BYTES = 4096, MAPPED_NAME_BYTES = 64 };

/* Where the model lies: below `model_dir` unless its path is a whole one. ERR_INVALID with a sentence, which ends with `like`:
 * none is named. `path` has a NUL behind it afterwards. */
enum err mapped_path(const struct tts_load *load, const char *like, struct buf *path,
                     char why[TTS_WHY_BYTES]);
bool mapped_is_folder(const char *path);
/* All of a file that is one and is not empty. `why` holds a sentence. */
enum err mapped_open(const char *path, struct str *ret_bytes, char why[TTS_WHY_BYTES]);
void mapped_close(struct str *bytes); /* also of none */
/* "…/en_US-lessac-medium.onnx" is en_US-lessac-medium. */
void mapped_name(struct str path, char name[MAPPED_NAME_BYTES]);
