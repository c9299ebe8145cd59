// SPDX-License-Identifier: Apache-2.0
#include "stt/window/weights.h"

#include <stdckdint.h>

/* libwhisper and libparakeet take the number for one with a sign, and stop the program where what is left of it is none of these. */
static bool find_type(uint32_t file_type, enum ggml_type *ret_type)
{
    static const struct {
        uint32_t file;
        enum ggml_type type;
    } types[] = {
        {0, GGML_TYPE_F32},   {1, GGML_TYPE_F16},   {2, GGML_TYPE_Q4_0},  {3, GGML_TYPE_Q4_1},
        {7, GGML_TYPE_Q8_0},  {8, GGML_TYPE_Q5_0},  {9, GGML_TYPE_Q5_1},  {10, GGML_TYPE_Q2_K},
        {11, GGML_TYPE_Q3_K}, {12, GGML_TYPE_Q4_K}, {13, GGML_TYPE_Q5_K}, {14, GGML_TYPE_Q6_K},
    };
    if (file_type / GGML_QNT_VERSION_FACTOR > GGML_QNT_VERSION)
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].file == file_type % GGML_QNT_VERSION_FACTOR) {
            *ret_type = types[i].type;
            return true;
        }
    }
    return false;
}

enum err weights_type(struct weights_file *f, uint32_t file_type, enum ggml_type *ret_type)
{
    if (find_type(file_type, ret_type))
        return OK;
    return weights_file_refuse(f,
                               "%s's weights are of a kind that is not known here; a newer "
                               "Repartee may read it",
                               f->what);
}

bool weights_cut_layer(struct str *name, uint32_t layers, uint32_t *ret_layer)
{
    struct str digits;
    int64_t n = -1;
    if (!str_cut(name, '.', &digits) || digits.n == 0 || digits.n > 2 ||
        str_to_i64(digits, &n) != OK || n < 0 || n >= layers || (digits.n == 2) != (n > 9))
        return false;
    *ret_layer = (uint32_t)n;
    return true;
}

enum err weights_take(struct weights_file *f, enum ggml_type type, size_t bytes)
{
    struct str weights;
    try(weights_file_take(f, bytes, &weights));
    return ggml_validate_row_data(type, weights.p, weights.n)
               ? OK
               : weights_file_refuse(f, "%s has weights that are no numbers; it is damaged",
                                     f->what);
}

enum err weights_take_tensor(struct weights_file *f, const struct weights_head *h,
                             enum ggml_type type)
{
    size_t bytes = ggml_row_size(type, h->size[0]);
    for (int i = 1; i < WEIGHTS_FILE_DIMS_MAX; i++)
        if (ckd_mul(&bytes, bytes, (size_t)h->size[i]))
            return weights_file_refuse(f, "%s has a tensor of an impossible size", f->what);
    return weights_take(f, type, bytes);
}
