// SPDX-License-Identifier: Apache-2.0
#include "stt/parakeet/parakeet_check.h"

#include "stt/parakeet/tensors.h"
#include "stt/window/weights.h"

static_assert((int)PARAKEET_WHY_BYTES == (int)WEIGHTS_FILE_WHY_BYTES);

enum { WORD_BYTES_MAX = 256, DURATION_MAX = 64, CONTEXT_MIN = 2432, SPECTRUM_MIN = 64 };

struct reader {
    struct weights_file file;
    struct parakeet_numbers n;
    enum ggml_type type, inner_type; /* of matrices; of those whose rows are as long as `inner` */
    struct tensors_seen seen;
    bool has_cyrillic;
};

/* --- the numbers at its head --- */

static bool is_between(uint32_t n, uint32_t least, uint32_t most)
{
    return n >= least && n <= most;
}

/* The upper bounds are libparakeet's; below some it computes what makes no sense, or stops the program. */
static bool are_of_parakeet(const struct parakeet_numbers *n)
{
    bool is_spectrum =
        is_between(n->spectrum, SPECTRUM_MIN, 512) && (n->spectrum & (n->spectrum - 1)) == 0;
    return is_spectrum && is_between(n->vocabulary, 1, 8192) &&
           is_between(n->context, CONTEXT_MIN, 5000) && is_between(n->state, 2, 1024) &&
           is_between(n->heads, 1, 8) && n->state % (2 * n->heads) == 0 &&
           is_between(n->layers, 1, TENSORS_LAYERS_MAX) && is_between(n->mels, 8, 128) &&
           n->mels % 8 == 0 && n->subsampling == 8 && is_between(n->channels, 1, 256) &&
           is_between(n->kernel, 1, 9) && n->kernel % 2 == 1 && is_between(n->inner, 1, 640) &&
           is_between(n->inner_layers, 1, TENSORS_INNER_LAYERS_MAX) &&
           is_between(n->durations, 1, 5) && is_between(n->tokens_at_once, 1, 10);
}

/* As libparakeet does it: where rows are no whole blocks they are not quantised. */
static enum err find_types(struct reader *r)
{
    try(weights_type(&r->file, r->n.type, &r->type));
    uint32_t block = (uint32_t)ggml_blck_size(r->type);
    if (r->n.state % block != 0 || r->n.mels / 8 * r->n.channels % block != 0)
        return weights_file_refuse(&r->file, "the model file's rows are no whole blocks");
    r->inner_type = r->n.inner % block == 0 ? r->type : GGML_TYPE_F32;
    return OK;
}

static enum err take_numbers(struct reader *r)
{
    struct parakeet_numbers *n = &r->n;
    uint32_t magic = 0;
    if (r->file.rest.n < 4 || weights_file_number(&r->file, &magic) != OK ||
        magic != WEIGHTS_FILE_MAGIC)
        return weights_file_refuse(&r->file, "this is no Parakeet file of whisper.cpp, such as "
                                             "ggml-parakeet-tdt-0.6b-v3-f16.bin");
    uint32_t *const fields[] = {&n->vocabulary,   &n->context,   &n->state,         &n->heads,
                                &n->layers,       &n->mels,      &n->type,          &n->spectrum,
                                &n->subsampling,  &n->channels,  &n->kernel,        &n->inner,
                                &n->inner_layers, &n->durations, &n->tokens_at_once};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        try(weights_file_number(&r->file, fields[i]));
    if (!are_of_parakeet(n))
        return weights_file_refuse(
            &r->file, "the numbers at the head of the model file are those of no Parakeet");
    return find_types(r);
}

/* --- what makes a spectrum of sound, and what it becomes --- */

static enum err check_filters(struct reader *r)
{
    uint32_t mels = 0, bins = 0, window = 0;
    try(weights_file_number(&r->file, &mels));
    try(weights_file_number(&r->file, &bins));
    if (mels != r->n.mels || bins != r->n.spectrum / 2 + 1)
        return weights_file_refuse(&r->file, "the model file's filters do not fit its numbers");
    try(weights_take(&r->file, GGML_TYPE_F32, (size_t)mels * bins * sizeof(float)));
    try(weights_file_number(&r->file, &window));
    if (!is_between(window, 1, r->n.spectrum))
        return weights_file_refuse(&r->file, "the model file's window does not fit its numbers");
    return weights_take(&r->file, GGML_TYPE_F32, window * sizeof(float));
}

static enum err check_durations(struct reader *r)
{
    for (uint32_t i = 0; i < r->n.durations; i++) {
        uint32_t frames = 0;
        try(weights_file_number(&r->file, &frames));
        if (frames > DURATION_MAX)
            return weights_file_refuse(&r->file, "the model file has a duration that is too long");
    }
    return OK;
}

/* U+0400 … U+047F */
static bool has_cyrillic(struct str word)
{
    for (size_t i = 0; i + 1 < word.n; i++)
        if (((unsigned char)word.p[i] == 0xd0 || (unsigned char)word.p[i] == 0xd1) &&
            ((unsigned char)word.p[i + 1] & 0xc0) == 0x80)
            return true;
    return false;
}

static enum err check_words(struct reader *r)
{
    uint32_t count = 0, bytes = 0;
    try(weights_file_number(&r->file, &count));
    if (count != r->n.vocabulary)
        return weights_file_refuse(&r->file, "the model file has not as many words as tokens");
    for (uint32_t i = 0; i < count; i++) {
        struct str word;
        try(weights_file_number(&r->file, &bytes));
        if (bytes > WORD_BYTES_MAX)
            return weights_file_refuse(&r->file, "the model file has a word that is too long");
        try(weights_file_take(&r->file, bytes, &word));
        r->has_cyrillic = r->has_cyrillic || has_cyrillic(word);
    }
    return OK;
}

/* --- tensors --- */

static enum err check_tensor(struct reader *r)
{
    struct weights_head h;
    try(weights_file_head(&r->file, &h));
    const struct tensor *t = tensors_find(&r->n, &r->seen, h.name);
    if (!t)
        return weights_file_refuse(&r->file,
                                   "the model file has a tensor twice, or one of no Parakeet");
    enum ggml_type want = t->kind == TENSOR_MATRIX  ? r->type
                          : t->kind == TENSOR_INNER ? r->inner_type
                                                    : GGML_TYPE_F32;
    bool fits = h.type == (uint32_t)want;
    for (int i = 0; i < TENSOR_DIMS; i++)
        fits = fits && h.size[i] == tensors_size(&r->n, t->size[i]);
    if (!fits)
        return weights_file_refuse(&r->file, "the model file's tensor %s has a wrong shape or type",
                                   t->name);
    return weights_take_tensor(&r->file, &h, want);
}

enum err parakeet_check(struct str file, struct parakeet_facts *ret_facts,
                        char why[PARAKEET_WHY_BYTES])
{
    struct reader r = {.file = {file, "the model file", why, TENSOR_DIMS}};
    try(take_numbers(&r));
    try(check_filters(&r));
    try(check_durations(&r));
    try(check_words(&r));
    while (r.file.rest.n > 0)
        try(check_tensor(&r));
    if (!tensors_are_whole(&r.n, &r.seen))
        return weights_file_refuse(
            &r.file, "the model file lacks some of its tensors; it was not copied whole");
    *ret_facts = (struct parakeet_facts){.state = r.n.state,
                                         .layers = r.n.layers,
                                         .vocabulary = r.n.vocabulary,
                                         .european = r.has_cyrillic,
                                         .type = ggml_type_name(r.type)};
    return OK;
}
