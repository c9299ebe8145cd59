// SPDX-License-Identifier: Apache-2.0
#include "silero_write.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAGIC = 0x67676d6c, F32 = 0, F16 = 1, DIMS_MAX = 3 };

static const struct tensor {
    const char *name;
    uint32_t type, dims, size[DIMS_MAX];
    float spread; /* of its weights around 0 */
} tensors[] = {
    {"_model.encoder.0.reparam_conv.weight", F16, 3, {3, 129, 128}, 0.05f},
    {"_model.encoder.0.reparam_conv.bias", F32, 1, {128}, 0.1f},
    {"_model.encoder.1.reparam_conv.weight", F16, 3, {3, 128, 64}, 0.1f},
    {"_model.encoder.1.reparam_conv.bias", F32, 1, {64}, 0.1f},
    {"_model.encoder.2.reparam_conv.weight", F16, 3, {3, 64, 64}, 0.1f},
    {"_model.encoder.2.reparam_conv.bias", F32, 1, {64}, 0.1f},
    {"_model.encoder.3.reparam_conv.weight", F16, 3, {3, 64, 128}, 0.1f},
    {"_model.encoder.3.reparam_conv.bias", F32, 1, {128}, 0.1f},
    {"_model.decoder.rnn.weight_ih", F32, 2, {128, 512}, 0.1f},
    {"_model.decoder.rnn.weight_hh", F32, 2, {128, 512}, 0.1f},
    {"_model.decoder.rnn.bias_ih", F32, 1, {512}, 0.1f},
    {"_model.decoder.rnn.bias_hh", F32, 1, {512}, 0.1f},
    {"_model.decoder.decoder.2.weight", F16, 1, {128}, 1},
    {"_model.decoder.decoder.2.bias", F32, 0, {}, 0.1f},
    {"_model.stft.forward_basis_buffer", F16, 3, {256, 1, 258}, 0.1f},
};

static void put_number(FILE *f, uint32_t n)
{
    fwrite(&n, sizeof n, 1, f);
}

static void put_weights(FILE *f, const struct tensor *t, bool is_broken)
{
    static uint32_t x;
    size_t n = 1;
    for (uint32_t i = 0; i < t->dims; i++)
        n *= t->size[i];
    x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        float w = is_broken ? NAN : t->spread * ((float)(x >> 8) / (1 << 23) - 1);
        _Float16 half = (_Float16)w;
        if (t->type == F16)
            fwrite(&half, sizeof half, 1, f);
        else
            fwrite(&w, sizeof w, 1, f);
    }
}

static void put_tensor(FILE *f, const struct tensor *t, bool is_broken)
{
    put_number(f, t->dims);
    put_number(f, (uint32_t)strlen(t->name));
    put_number(f, t->type);
    for (uint32_t i = 0; i < t->dims; i++)
        put_number(f, t->size[i]);
    fputs(t->name, f);
    put_weights(f, t, is_broken);
}

static void put_head(FILE *f, const struct silero_shape *shape)
{
    /* Samples of a window and before it; layers, of each its channels and its kernel; the recurrent layer, the last one. */
    static const uint32_t numbers[] = {512, 64, 4,  129, 128, 3,   128, 64,  3, 64,
                                       64,  3,  64, 128, 3,   128, 128, 128, 1};
    static const char kind[] = "silero-16k";
    put_number(f, MAGIC);
    put_number(f, sizeof kind - 1);
    fputs(kind, f);
    for (int i = 0; i < 3; i++)
        put_number(f, shape->version[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        put_number(f, numbers[i]);
}

bool silero_write(const char *path, const struct silero_shape *shape)
{
    FILE *f = fopen(path, "wb");
    if (!f) {
        perror(path);
        return false;
    }
    put_head(f, shape);
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        put_tensor(f, &tensors[i], shape->is_broken && tensors[i].dims == 0);
    bool is_written = !ferror(f);
    is_written = fclose(f) == 0 && is_written;
    if (!is_written)
        perror(path);
    return is_written;
}
