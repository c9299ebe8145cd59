// SPDX-License-Identifier: Apache-2.0
#include "stt/whisper/whisper_check.h"

#include "stt/window/weights.h"

static_assert((int)WHISPER_WHY_BYTES == (int)WEIGHTS_FILE_WHY_BYTES);

enum {
    VOCABULARY_MIN = 51864,
    VOCABULARY_MAX = 51866, /* one and two more: many languages */
    WORD_BYTES_MAX = 1024,
    AUDIO_CONTEXT = 1500,
    TEXT_CONTEXT = 448,
    HEAD = 64, /* numbers of a head of attention */
    STATE_MAX = 2048,
    LAYERS_MAX = 64,
    BINS = 201,
    DIMS = 3,
};

struct numbers {
    uint32_t vocabulary, audio_context, state, audio_heads, audio_layers, text_context, text_state,
        text_heads, text_layers, mels, type;
};

struct reader {
    struct weights_file file;
    struct numbers n;
    enum ggml_type type, small_type;  /* of matrices, of the convolutions */
    uint64_t seen[2][LAYERS_MAX + 1]; /* a bit for each tensor of a layer; the last: of none */
};

/* --- the numbers at its head --- */

static bool are_of_whisper(const struct numbers *n)
{
    return n->vocabulary >= VOCABULARY_MIN && n->vocabulary <= VOCABULARY_MAX &&
           n->audio_context == AUDIO_CONTEXT && n->text_context == TEXT_CONTEXT && n->state > 0 &&
           n->state <= STATE_MAX && n->state % HEAD == 0 && n->text_state == n->state &&
           n->audio_heads == n->state / HEAD && n->text_heads == n->audio_heads &&
           n->audio_layers > 0 && n->audio_layers <= LAYERS_MAX && n->text_layers > 0 &&
           n->text_layers <= LAYERS_MAX && (n->mels == 80 || n->mels == 128);
}

static enum err take_numbers(struct reader *r)
{
    struct numbers *n = &r->n;
    uint32_t magic = 0;
    if (r->file.rest.n < 4 || weights_file_number(&r->file, &magic) != OK ||
        magic != WEIGHTS_FILE_MAGIC)
        return weights_file_refuse(
            &r->file, "this is no Whisper file of whisper.cpp, such as ggml-base.en.bin");
    uint32_t *const fields[] = {&n->vocabulary,  &n->audio_context, &n->state,
                                &n->audio_heads, &n->audio_layers,  &n->text_context,
                                &n->text_state,  &n->text_heads,    &n->text_layers,
                                &n->mels,        &n->type};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        try(weights_file_number(&r->file, fields[i]));
    if (!are_of_whisper(n))
        return weights_file_refuse(
            &r->file, "the numbers at the head of the model file are those of no Whisper");
    try(weights_type(&r->file, n->type, &r->type));
    if (n->state % (uint32_t)ggml_blck_size(r->type) != 0)
        return weights_file_refuse(&r->file, "the model file's rows are no whole blocks");
    r->small_type = r->type == GGML_TYPE_F32 ? GGML_TYPE_F32 : GGML_TYPE_F16;
    return OK;
}

static enum err check_filters(struct reader *r)
{
    uint32_t mels = 0, bins = 0;
    try(weights_file_number(&r->file, &mels));
    try(weights_file_number(&r->file, &bins));
    if (mels != r->n.mels || bins != BINS)
        return weights_file_refuse(&r->file, "the model file's filters do not fit its numbers");
    return weights_take(&r->file, GGML_TYPE_F32, (size_t)mels * bins * sizeof(float));
}

static enum err skip_words(struct reader *r)
{
    uint32_t count = 0, bytes = 0;
    bool has_blank = false; /* libwhisper looks it up and does not expect to miss it */
    try(weights_file_number(&r->file, &count));
    if (count > r->n.vocabulary)
        return weights_file_refuse(&r->file, "the model file has more words than tokens");
    for (uint32_t i = 0; i < count; i++) {
        struct str word;
        try(weights_file_number(&r->file, &bytes));
        if (bytes > WORD_BYTES_MAX)
            return weights_file_refuse(&r->file, "the model file has a word that is too long");
        try(weights_file_take(&r->file, bytes, &word));
        has_blank = has_blank || str_eq(word, S(" "));
    }
    return has_blank
               ? OK
               : weights_file_refuse(&r->file, "the model file lacks the blank among its words");
}

/* --- tensors --- */

enum kind : uint8_t { VECTOR, MATRIX, SMALL }; /* f32; the file's type; that of the convolutions */
enum size : uint8_t { NONE, ONE, THREE, STATE, STATE4, MELS, AUDIO, TEXT, TOKENS };

struct tensor {
    const char *name;
    enum kind kind;
    enum size size[DIMS];
};

static const struct tensor audio_whole[] = {
    {"positional_embedding", VECTOR, {STATE, AUDIO}},
    {"conv1.weight", SMALL, {THREE, MELS, STATE}},
    {"conv1.bias", VECTOR, {ONE, STATE}},
    {"conv2.weight", SMALL, {THREE, STATE, STATE}},
    {"conv2.bias", VECTOR, {ONE, STATE}},
    {"ln_post.weight", VECTOR, {STATE}},
    {"ln_post.bias", VECTOR, {STATE}},
};
static const struct tensor text_whole[] = {
    {"positional_embedding", VECTOR, {STATE, TEXT}},
    {"token_embedding.weight", MATRIX, {STATE, TOKENS}},
    {"ln.weight", VECTOR, {STATE}},
    {"ln.bias", VECTOR, {STATE}},
};
static const struct tensor layer[] = {
    {"mlp_ln.weight", VECTOR, {STATE}},
    {"mlp_ln.bias", VECTOR, {STATE}},
    {"mlp.0.weight", MATRIX, {STATE, STATE4}},
    {"mlp.0.bias", VECTOR, {STATE4}},
    {"mlp.2.weight", MATRIX, {STATE4, STATE}},
    {"mlp.2.bias", VECTOR, {STATE}},
    {"attn_ln.weight", VECTOR, {STATE}},
    {"attn_ln.bias", VECTOR, {STATE}},
    {"attn.query.weight", MATRIX, {STATE, STATE}},
    {"attn.query.bias", VECTOR, {STATE}},
    {"attn.key.weight", MATRIX, {STATE, STATE}},
    {"attn.value.weight", MATRIX, {STATE, STATE}},
    {"attn.value.bias", VECTOR, {STATE}},
    {"attn.out.weight", MATRIX, {STATE, STATE}},
    {"attn.out.bias", VECTOR, {STATE}},
    {"cross_attn_ln.weight", VECTOR, {STATE}},
    {"cross_attn_ln.bias", VECTOR, {STATE}},
    {"cross_attn.query.weight", MATRIX, {STATE, STATE}},
    {"cross_attn.query.bias", VECTOR, {STATE}},
    {"cross_attn.key.weight", MATRIX, {STATE, STATE}},
    {"cross_attn.value.weight", MATRIX, {STATE, STATE}},
    {"cross_attn.value.bias", VECTOR, {STATE}},
    {"cross_attn.out.weight", MATRIX, {STATE, STATE}},
    {"cross_attn.out.bias", VECTOR, {STATE}},
};
enum { AUDIO_LAYER = 15 }; /* of them: an encoder looks at nothing but sound */

/* One half of the model. */
struct half {
    struct str prefix;
    const struct tensor *whole;
    uint32_t whole_n, layer_n, layers;
};

static void find_halves(const struct numbers *n, struct half ret_half[2])
{
    ret_half[0] =
        (struct half){S("encoder."), audio_whole, sizeof audio_whole / sizeof *audio_whole,
                      AUDIO_LAYER, n->audio_layers};
    ret_half[1] = (struct half){S("decoder."), text_whole, sizeof text_whole / sizeof *text_whole,
                                sizeof layer / sizeof *layer, n->text_layers};
}

static const struct tensor *find_in(const struct tensor *list, uint32_t count, struct str name)
{
    for (uint32_t i = 0; i < count; i++)
        if (str_eq(str_of(list[i].name), name))
            return &list[i];
    return nullptr;
}

/* NULL: none of this model, or it has come before. */
static const struct tensor *find_tensor(struct reader *r, struct str name)
{
    struct half half[2];
    find_halves(&r->n, half);
    for (int i = 0; i < 2; i++) {
        if (!str_starts(name, half[i].prefix))
            continue;
        name = str_sub(name, half[i].prefix.n, name.n);
        const struct tensor *list = half[i].whole;
        uint32_t count = half[i].whole_n, at = LAYERS_MAX;
        if (str_starts(name, S("blocks."))) {
            name = str_sub(name, sizeof "blocks." - 1, name.n);
            if (!weights_cut_layer(&name, half[i].layers, &at))
                return nullptr;
            list = layer;
            count = half[i].layer_n;
        }
        const struct tensor *t = find_in(list, count, name);
        uint64_t bit = t ? (uint64_t)1 << (t - list) : 0;
        bool is_new = t && !(r->seen[i][at] & bit);
        r->seen[i][at] |= bit;
        return is_new ? t : nullptr;
    }
    return nullptr;
}

static bool is_whole(const struct reader *r)
{
    struct half half[2];
    find_halves(&r->n, half);
    for (int i = 0; i < 2; i++) {
        if (r->seen[i][LAYERS_MAX] != ((uint64_t)1 << half[i].whole_n) - 1)
            return false;
        for (uint32_t at = 0; at < half[i].layers; at++)
            if (r->seen[i][at] != ((uint64_t)1 << half[i].layer_n) - 1)
                return false;
    }
    return true;
}

static uint32_t size_of(const struct numbers *n, enum size size)
{
    switch (size) {
    case NONE:
    case ONE:
        return 1;
    case THREE:
        return 3;
    case STATE:
        return n->state;
    case STATE4:
        return 4 * n->state;
    case MELS:
        return n->mels;
    case AUDIO:
        return n->audio_context;
    case TEXT:
        return n->text_context;
    case TOKENS:
        return n->vocabulary;
    }
    return 0;
}

static enum err check_tensor(struct reader *r)
{
    struct weights_head h;
    try(weights_file_head(&r->file, &h));
    const struct tensor *t = find_tensor(r, h.name);
    if (!t)
        return weights_file_refuse(&r->file,
                                   "the model file has a tensor twice, or one of no Whisper");
    enum ggml_type want = t->kind == VECTOR  ? GGML_TYPE_F32
                          : t->kind == SMALL ? r->small_type
                                             : r->type;
    bool fits = h.type == (uint32_t)want;
    for (int i = 0; i < DIMS; i++)
        fits = fits && h.size[i] == size_of(&r->n, t->size[i]);
    if (!fits)
        return weights_file_refuse(&r->file, "the model file's tensor %s has a wrong shape or type",
                                   t->name);
    return weights_take_tensor(&r->file, &h, want);
}

enum err whisper_check(struct str file, struct whisper_facts *ret_facts,
                       char why[WHISPER_WHY_BYTES])
{
    struct reader r = {.file = {file, "the model file", why, DIMS}};
    try(take_numbers(&r));
    try(check_filters(&r));
    try(skip_words(&r));
    while (r.file.rest.n > 0)
        try(check_tensor(&r));
    if (!is_whole(&r))
        return weights_file_refuse(
            &r.file, "the model file lacks some of its tensors; it was not copied whole");
    *ret_facts = (struct whisper_facts){.state = r.n.state,
                                        .audio_layers = r.n.audio_layers,
                                        .text_layers = r.n.text_layers,
                                        .multilingual = r.n.vocabulary > VOCABULARY_MIN,
                                        .type = ggml_type_name(r.type)};
    return OK;
}
