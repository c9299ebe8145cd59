// SPDX-License-Identifier: Apache-2.0
/* The weights in a file of whisper.cpp (weights_file.h): of which kind they are, where a layer's number stands in a name,
 * and whether they are numbers. Pure. */
#pragma once

#include <ggml.h>

#include "stt/weights_file.h"

/* From the number of the file's type at its head. ERR_INVALID with a sentence. */
enum err weights_type(struct weights_file *f, uint32_t file_type, enum ggml_type *ret_type);
/* The number of a layer before the next full stop; digits alone, without a nought in front. */
bool weights_cut_layer(struct str *name, uint32_t layers, uint32_t *ret_layer);
/* So many bytes of numbers. */
enum err weights_take(struct weights_file *f, enum ggml_type type, size_t bytes);
/* Those behind a tensor's head. */
enum err weights_take_tensor(struct weights_file *f, const struct weights_head *h,
                             enum ggml_type type);
