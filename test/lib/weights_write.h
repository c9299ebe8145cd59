// SPDX-License-Identifier: Apache-2.0
/* What makers of files in the format of whisper.cpp share (src/stt/weights_file.h). Numbers of four bytes are written as
 * the machine has them: those with the other order are none of Debian's two. */
#pragma once

#include <ggml.h>
#include <stdint.h>
#include <stdio.h>

enum { WEIGHTS_MAGIC = 0x67676d6c }; /* "ggml" */

/* -1 … 1, by place and not by turn: a row of a tensor can be had again. */
float weights_number(uint64_t tensor, uint64_t at);
void weights_put_i32(FILE *out, int32_t n);
void weights_put_head(FILE *out, const char *name, enum ggml_type type, int32_t dims,
                      const int32_t *ne);
/* A row of that type. */
void weights_put_row(FILE *out, enum ggml_type type, const float *numbers, int64_t columns);
/* As the file's head says it. */
enum ggml_ftype weights_file_type(enum ggml_type type);
/* Of "f32", "q4_0" and so on; f16 of what is not known. */
enum ggml_type weights_type_named(const char *name);
