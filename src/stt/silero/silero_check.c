// SPDX-License-Identifier: Apache-2.0
#include "stt/silero/silero_check.h"

#include <stdio.h>

enum {
    MAGIC = 0x67676d6c, /* "ggml" */
    VERSION_MAX = 999,
    NUMBERS = 19,
    DIMS_MAX = 3,
    NAME_BYTES_MAX = 64,
};

enum type : uint8_t { F32, F16 }; /* as ggml numbers them */

/* What stands behind the version: samples of a window and before it; layers, of each its channels in and out and its
 * kernel; the sizes of the recurrent layer and of the last one. */
static const uint32_t numbers[NUMBERS] = {512, 64, 4,  129, 128, 3,   128, 64,  3, 64,
                                          64,  3,  64, 128, 3,   128, 128, 128, 1};

static const struct tensor {
    const char *name;
    enum type type;
    uint32_t dims, size[DIMS_MAX];
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
    struct str rest;
    char *why;
    uint32_t seen; /* a bit for each tensor */
};

static enum err refuse(struct reader *r, const char *sentence)
{
    snprintf(r->why, SILERO_WHY_BYTES, "%s", sentence);
    return ERR_INVALID;
}

static enum err take(struct reader *r, size_t n, struct str *ret_bytes)
{
    if (n > r->rest.n)
        return refuse(r, "the voice detector's file ends too early; it was not copied whole");
    *ret_bytes = str_sub(r->rest, 0, n);
    r->rest = str_sub(r->rest, n, r->rest.n);
    return OK;
}

static enum err take_number(struct reader *r, uint32_t *ret_n)
{
    struct str s;
    try(take(r, 4, &s));
    const unsigned char *b = (const unsigned char *)s.p;
    *ret_n = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    return OK;
}

static enum err take_kind(struct reader *r)
{
    static const char no_silero[] =
        "this is no voice detector's file of whisper.cpp, such as ggml-silero-v6.2.0.bin";
    uint32_t magic = 0, length = 0;
    struct str kind;
    if (r->rest.n < 8 || take_number(r, &magic) != OK || magic != MAGIC)
        return refuse(r, no_silero);
    try(take_number(r, &length));
    if (length > NAME_BYTES_MAX)
        return refuse(r, no_silero);
    try(take(r, length, &kind));
    return str_eq(kind, S("silero-16k")) ? OK : refuse(r, no_silero);
}

static enum err take_head(struct reader *r, struct silero_facts *facts)
{
    try(take_kind(r));
    for (int i = 0; i < 3; i++) {
        try(take_number(r, &facts->version[i]));
        if (facts->version[i] > VERSION_MAX)
            return refuse(r, "the voice detector's file has no version");
    }
    for (int i = 0; i < NUMBERS; i++) {
        uint32_t n = 0;
        try(take_number(r, &n));
        if (n != numbers[i])
            return refuse(r, "the voice detector's file is of a network that is not known here; "
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
    uint32_t dims = 0, name_bytes = 0, type = 0, size[DIMS_MAX] = {};
    struct str name, weights;
    try(take_number(r, &dims));
    try(take_number(r, &name_bytes));
    try(take_number(r, &type));
    if (dims > DIMS_MAX || name_bytes == 0 || name_bytes > NAME_BYTES_MAX)
        return refuse(r, "the voice detector's file holds something that is no tensor");
    for (uint32_t i = 0; i < dims; i++)
        try(take_number(r, &size[i]));
    try(take(r, name_bytes, &name));
    const struct tensor *t = find_tensor(r, name);
    if (!t)
        return refuse(r, "the voice detector's file has a tensor twice, or one of another network");
    bool fits = dims == t->dims && type == t->type;
    size_t bytes = t->type == F16 ? 2 : 4;
    for (uint32_t i = 0; i < t->dims; i++) {
        fits = fits && size[i] == t->size[i];
        bytes *= t->size[i];
    }
    if (!fits) {
        snprintf(r->why, SILERO_WHY_BYTES,
                 "the voice detector's tensor %s has a wrong shape or type", t->name);
        return ERR_INVALID;
    }
    return take(r, bytes, &weights);
}

enum err silero_check(struct str file, struct silero_facts *ret_facts, char why[SILERO_WHY_BYTES])
{
    struct reader r = {.rest = file, .why = why};
    struct silero_facts facts = {};
    try(take_head(&r, &facts));
    while (r.rest.n > 0)
        try(skip_tensor(&r));
    if (r.seen != ((uint32_t)1 << TENSORS) - 1)
        return refuse(&r, "the voice detector's file lacks some of its tensors; it was not copied "
                          "whole");
    *ret_facts = facts;
    return OK;
}
