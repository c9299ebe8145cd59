// SPDX-License-Identifier: Apache-2.0
#include "weights_write.h"

#include <stdlib.h>
#include <string.h>

float weights_number(uint64_t tensor, uint64_t at)
{
    uint64_t x = tensor * 0x9E3779B97F4A7C15u + at * 0xD1B54A32D192ED03u + 1;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return (float)((x ^ x >> 31) >> 40) / (float)(1 << 23) - 1;
}

void weights_put_i32(FILE *out, int32_t n)
{
    fwrite(&n, sizeof n, 1, out);
}

void weights_put_head(FILE *out, const char *name, enum ggml_type type, int32_t dims,
                      const int32_t *ne)
{
    weights_put_i32(out, dims);
    weights_put_i32(out, (int32_t)strlen(name));
    weights_put_i32(out, (int32_t)type);
    for (int32_t i = 0; i < dims; i++)
        weights_put_i32(out, ne[i]);
    fputs(name, out);
}

void weights_put_row(FILE *out, enum ggml_type type, const float *numbers, int64_t columns)
{
    char *bytes = malloc(ggml_row_size(type, columns));
    ggml_quantize_chunk(type, numbers, bytes, 0, 1, columns, nullptr);
    fwrite(bytes, 1, ggml_row_size(type, columns), out);
    free(bytes);
}

enum ggml_ftype weights_file_type(enum ggml_type type)
{
    return type == GGML_TYPE_F32    ? GGML_FTYPE_ALL_F32
           : type == GGML_TYPE_F16  ? GGML_FTYPE_MOSTLY_F16
           : type == GGML_TYPE_Q4_0 ? GGML_FTYPE_MOSTLY_Q4_0
           : type == GGML_TYPE_Q4_1 ? GGML_FTYPE_MOSTLY_Q4_1
           : type == GGML_TYPE_Q2_K ? GGML_FTYPE_MOSTLY_Q2_K
           : type == GGML_TYPE_Q3_K ? GGML_FTYPE_MOSTLY_Q3_K
           : type == GGML_TYPE_Q4_K ? GGML_FTYPE_MOSTLY_Q4_K
           : type == GGML_TYPE_Q5_K ? GGML_FTYPE_MOSTLY_Q5_K
           : type == GGML_TYPE_Q6_K ? GGML_FTYPE_MOSTLY_Q6_K
           : type == GGML_TYPE_Q5_0 ? GGML_FTYPE_MOSTLY_Q5_0
           : type == GGML_TYPE_Q5_1 ? GGML_FTYPE_MOSTLY_Q5_1
                                    : GGML_FTYPE_MOSTLY_Q8_0;
}

enum ggml_type weights_type_named(const char *name)
{
    static const enum ggml_type types[] = {GGML_TYPE_F32,  GGML_TYPE_F16,  GGML_TYPE_Q4_0,
                                           GGML_TYPE_Q4_1, GGML_TYPE_Q5_0, GGML_TYPE_Q5_1,
                                           GGML_TYPE_Q8_0, GGML_TYPE_Q2_K, GGML_TYPE_Q3_K,
                                           GGML_TYPE_Q4_K, GGML_TYPE_Q5_K, GGML_TYPE_Q6_K};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(name, ggml_type_name(types[i])) == 0)
            return types[i];
    return GGML_TYPE_F16;
}
