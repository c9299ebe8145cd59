// SPDX-License-Identifier: Apache-2.0
#include "stt/silero/silero_check.h"

#include "stt/weights_file.h"

static_assert((int)SILERO_WHY_BYTES == (int)WEIGHTS_FILE_WHY_BYTES);

enum {
    VERSION_MAX = 999,
    NUMBERS = 19,
    KIND_BYTES_MAX = 64,
};

enum type : uint8_t { F32, F16 }; /* as ggml numbers them */

/* What stands behind the version: samples of a window and before it; layers, of each its channels in and out and its
 * kernel; the sizes of the recurrent layer and of the last one. */
static const uint32_t numbers[NUMBERS] = {512, 64, 4,  129, 128, 3,   128, 64,  3, 64,
                                          64,  3,  64, 128, 3,   128, 128, 128, 1};

static const struct tensor {
    const char *name;
    enum type type;
    uint32_t dims, size[WEIGHTS_FILE_DIMS_MAX];
} tensors[] = {
    {"_model.stft.forward_basis_buffer", F16, 3, {256, 1, 258}},
    {"_model.encoder.0.reparam_conv.weight", F16, 3, {3, 129, 128}},
    {"_model.encoder.0.reparam_conv.bias", F32, 1, {128}},
    {"_model.encoder.1.reparam_conv.weight", F16, 3, {3, 128, 64}},
    {"_model.encoder.1.reparam_conv.bias", F32, 1, {64}},
    {"_model.encoder.2.reparam_conv.weight", F16, 3, {3, 64, 64}},
    {"_model.encoder.2.reparam_conv.bias", F32, 1, {64}},
    {"_model.encoder.3.reparam_conv.weight", F16, 3, {3, 64, 128}},
    {"_model.encoder.3.reparam_conv.bias", F32, 1, {128}},
    {"_model.decoder.rnn.weight_ih", F32, 2, {128, 512}},
    {"_model.decoder.rnn.weight_hh", F32, 2, {128, 512}},
    {"_model.decoder.rnn.bias_ih", F32, 1, {512}},
    {"_model.decoder.rnn.bias_hh", F32, 1, {512}},
    {"_model.decoder.decoder.2.weight", F16, 1, {128}},
    {"_model.decoder.decoder.2.bias", F32, 0, {}},
};
enum { TENSORS = sizeof tensors / sizeof *tensors };

struct reader {
    struct weights_file file;
    uint32_t seen; /* a bit for each tensor */
};

static enum err take_kind(struct reader *r)
{
    static const char no_silero[] =
        "this is no voice detector's file of whisper.cpp, such as ggml-silero-v6.2.0.bin";
    uint32_t magic = 0, length = 0;
    struct str kind;
    if (r->file.rest.n < 8 || weights_file_number(&r->file, &magic) != OK ||
        magic != WEIGHTS_FILE_MAGIC)
        return weights_file_refuse(&r->file, "%s", no_silero);
    try(weights_file_number(&r->file, &length));
    if (length > KIND_BYTES_MAX)
        return weights_file_refuse(&r->file, "%s", no_silero);
    try(weights_file_take(&r->file, length, &kind));
    return str_eq(kind, S("silero-16k")) ? OK : weights_file_refuse(&r->file, "%s", no_silero);
}

static enum err take_head(struct reader *r, struct silero_facts *facts)
{
    try(take_kind(r));
    for (int i = 0; i < 3; i++) {
        try(weights_file_number(&r->file, &facts->version[i]));
        if (facts->version[i] > VERSION_MAX)
            return weights_file_refuse(&r->file, "the voice detector's file has no version");
    }
    for (int i = 0; i < NUMBERS; i++) {
        uint32_t n = 0;
        try(weights_file_number(&r->file, &n));
        if (n != numbers[i])
            return weights_file_refuse(
                &r->file, "the voice detector's file is of a network that is not known here; "
                          "a newer Repartee may read it");
    }
    return OK;
}

/* NULL: none of this network, or it has come before. */
static const struct tensor *find_tensor(struct reader *r, struct str name)
{
    for (int i = 0; i < TENSORS; i++) {
        if (!str_eq(str_of(tensors[i].name), name))
            continue;
        bool is_new = !(r->seen >> i & 1);
        r->seen |= (uint32_t)1 << i;
        return is_new ? &tensors[i] : nullptr;
    }
    return nullptr;
}

static enum err skip_tensor(struct reader *r)
{
    struct weights_head h;
    struct str weights;
    try(weights_file_head(&r->file, &h));
    const struct tensor *t = find_tensor(r, h.name);
    if (!t)
        return weights_file_refuse(
            &r->file, "the voice detector's file has a tensor twice, or one of another network");
    bool fits = h.dims == t->dims && h.type == t->type;
    size_t bytes = t->type == F16 ? 2 : 4;
    for (uint32_t i = 0; i < t->dims; i++) {
        fits = fits && h.size[i] == t->size[i];
        bytes *= t->size[i];
    }
    if (!fits)
        return weights_file_refuse(
            &r->file, "the voice detector's tensor %s has a wrong shape or type", t->name);
    return weights_file_take(&r->file, bytes, &weights);
}

enum err silero_check(struct str file, struct silero_facts *ret_facts, char why[SILERO_WHY_BYTES])
{
    struct reader r = {.file = {file, "the voice detector's file", why, 3}};
    struct silero_facts facts = {};
    try(take_head(&r, &facts));
    while (r.file.rest.n > 0)
        try(skip_tensor(&r));
    if (r.seen != ((uint32_t)1 << TENSORS) - 1)
        return weights_file_refuse(
            &r.file, "the voice detector's file lacks some of its tensors; it was not copied "
                     "whole");
    *ret_facts = facts;
    return OK;
}
