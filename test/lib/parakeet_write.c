// SPDX-License-Identifier: Apache-2.0
#include "parakeet_write.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "weights_write.h"

enum {
    CONTEXT = 5000,
    SPECTRUM = 512,
    BINS = SPECTRUM / 2 + 1,
    WINDOW = 400, /* 25 ms */
    SUBSAMPLING = 8,
    KERNEL = 9,
    DURATIONS = 5, /* 0 … 4 frames */
    TOKENS_AT_ONCE = 10,
    SAID_FIRST = 100, /* the pieces that it shall say */
    SAID_MAX = 100,
    PIECE_BYTES = 32,
    PIECE_LETTERS = 5, /* of the first piece of a long word */
    NAME_BYTES = 64,
};
static constexpr float SAID_GAIN = 40;
static constexpr float GATE_OPEN = 20; /* of a sigmoid: as good as 1 */
static constexpr float EMBEDDED = 4;   /* the tanh of it is as good as 1 */

static const struct {
    const char *name;
    struct parakeet_shape shape;
} shapes[] = {
    {"least", {8, 2, 1, 1, 8, 1, 2, 1, "f32"}},
    {"tiny", {256, 64, 2, 1, 16, 32, 64, 2, "f16"}},
    {"0.6b", {8192, 1024, 8, 24, 128, 256, 640, 2, "f16"}},
};

struct parakeet_shape parakeet_tiny_made(void)
{
    return shapes[1].shape;
}

bool parakeet_shape_named(const char *name, struct parakeet_shape *ret_shape)
{
    if (strcmp(name, "tiny-european") == 0) {
        *ret_shape = parakeet_tiny_made();
        ret_shape->european = true;
        return true;
    }
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (strcmp(shapes[i].name, name) == 0) {
            *ret_shape = shapes[i].shape;
            return true;
        }
    }
    return false;
}

struct maker {
    const struct parakeet_shape *shape;
    FILE *out;
    enum ggml_type type, inner_type;
    uint64_t tensor; /* counts them: each has numbers of its own */
    char said[SAID_MAX][PIECE_BYTES];
    int32_t said_n;
};

/* --- what it says: piece i is the column i + 1 of what predicts, and nothing said yet the column 0 --- */

static void add_piece(struct maker *m, const char *before, const char *letters, size_t n)
{
    if (m->said_n < SAID_MAX && m->said_n + 1 < m->shape->inner)
        snprintf(m->said[m->said_n++], PIECE_BYTES, "%s%.*s", before, (int)n, letters);
}

static void learn_words(struct maker *m)
{
    const char *rest = m->shape->says ? m->shape->says : "", *before = "\u2581";
    while (*rest) {
        size_t n = strcspn(rest, " |"), first = n > PIECE_LETTERS + 1 ? PIECE_LETTERS : n;
        add_piece(m, before, rest, first);
        if (n > first)
            add_piece(m, "", rest + first, n - first);
        before = rest[n] == '|' ? "" : "\u2581";
        rest += n + (rest[n] != 0);
    }
}

/* What stands in a place of a matrix; NULL of `value`: a number by chance. */
typedef float value_fn(const struct maker *m, int32_t row, int32_t column, float chance);

static float nothing(const struct maker *m, int32_t row, int32_t column, float chance)
{
    (void)row, (void)column;
    return m->said_n ? 0 : chance;
}

static float value_of_embedding(const struct maker *m, int32_t row, int32_t column, float chance)
{
    int32_t piece = row == m->shape->vocabulary ? 0 : row - SAID_FIRST + 1;
    if (!m->said_n)
        return chance;
    return piece >= 0 && piece <= m->said_n && piece == column ? EMBEDDED : 0;
}

/* The last of the gates i, f, o, c takes what comes. */
static float value_of_gate(const struct maker *m, int32_t row, int32_t column, float chance)
{
    return m->said_n ? (row - 3 * m->shape->inner == column) * EMBEDDED : chance;
}

static float value_of_gate_bias(const struct maker *m, int32_t row, int32_t column, float value)
{
    (void)column;
    int32_t gate = row / m->shape->inner;
    if (!m->said_n)
        return value;
    return gate == 3 ? 0 : gate == 1 ? -GATE_OPEN : GATE_OPEN;
}

static float value_of_itself(const struct maker *m, int32_t row, int32_t column, float chance)
{
    return m->said_n ? row == column : chance;
}

static float value_of_next(const struct maker *m, int32_t row, int32_t column, float chance)
{
    int32_t last = m->shape->endless ? SAID_FIRST : m->shape->vocabulary;
    if (!m->said_n)
        return m->shape->sure > 0 ? chance * m->shape->sure : chance;
    if (column > m->said_n)
        return 0;
    return row == (column < m->said_n ? SAID_FIRST + column : last) ? SAID_GAIN : 0;
}

/* One frame for each, or none. */
static float value_of_next_bias(const struct maker *m, int32_t row, int32_t column, float value)
{
    (void)column;
    int32_t frames = m->shape->still ? 0 : 1;
    return m->said_n && row == m->shape->vocabulary + 1 + frames ? SAID_GAIN : value;
}

/* --- tensors --- */

__attribute__((format(printf, 2, 3))) static const char *name_of(char into[NAME_BYTES],
                                                                 const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(into, NAME_BYTES, format, ap);
    va_end(ap);
    return into;
}

static void put_tensor(struct maker *m, const char *name, enum ggml_type type, int32_t dims,
                       const int32_t *ne, value_fn *value)
{
    int32_t columns = ne[0], rows = 1;
    float *row = malloc(sizeof *row * (size_t)columns);
    m->tensor++;
    for (int32_t i = 1; i < dims; i++)
        rows *= ne[i];
    float scale = 1.7f / sqrtf((float)(columns > 9 ? columns : 9));
    weights_put_head(m->out, name, type, dims, ne);
    for (int32_t r = 0; r < rows; r++) {
        for (int32_t c = 0; c < columns; c++) {
            float chance =
                scale * weights_number(m->tensor, (uint64_t)r * (uint64_t)columns + (uint64_t)c);
            row[c] = value ? value(m, r, c, chance) : chance;
        }
        weights_put_row(m->out, type, row, columns);
    }
    free(row);
}

static void put_matrix(struct maker *m, const char *name, int32_t columns, int32_t rows)
{
    const int32_t ne[] = {columns, rows};
    put_tensor(m, name, m->type, 2, ne, nullptr);
}

static void put_vector(struct maker *m, const char *name, int32_t n, float value, value_fn *made)
{
    m->tensor++;
    weights_put_head(m->out, name, GGML_TYPE_F32, 1, &n);
    for (int32_t i = 0; i < n; i++) {
        float x = made ? made(m, i, 0, value) : value;
        fwrite(&x, sizeof x, 1, m->out);
    }
}

/* Three halvings of the time; those of 1 x 1 mix the channels. */
static void subsampling(struct maker *m)
{
    static const struct {
        int32_t number, size;
        bool mixes;
    } convolutions[] = {{0, 3, false}, {2, 3, false}, {3, 1, true}, {5, 3, false}, {6, 1, true}};
    const struct parakeet_shape *s = m->shape;
    char name[NAME_BYTES];
    for (size_t i = 0; i < sizeof convolutions / sizeof *convolutions; i++) {
        int32_t size = convolutions[i].size, number = convolutions[i].number;
        const int32_t ne[] = {size, size, convolutions[i].mixes ? s->channels : 1, s->channels};
        const int32_t bias[] = {1, 1, s->channels, 1};
        put_tensor(m, name_of(name, "encoder.pre_encode.conv.%d.weight", number), GGML_TYPE_F32, 4,
                   ne, nullptr);
        put_tensor(m, name_of(name, "encoder.pre_encode.conv.%d.bias", number), GGML_TYPE_F32, 4,
                   bias, nullptr);
    }
    put_matrix(m, "encoder.pre_encode.out.weight", s->mels / SUBSAMPLING * s->channels, s->state);
    put_vector(m, "encoder.pre_encode.out.bias", s->state, 0, nullptr);
}

static void put_norm(struct maker *m, const char *block, const char *part)
{
    char name[NAME_BYTES];
    put_vector(m, name_of(name, "%s.%s.weight", block, part), m->shape->state, 1, nullptr);
    put_vector(m, name_of(name, "%s.%s.bias", block, part), m->shape->state, 0, nullptr);
}

static void perceptron(struct maker *m, const char *block, int32_t which)
{
    int32_t d = m->shape->state;
    char name[NAME_BYTES];
    put_norm(m, block, name_of((char[NAME_BYTES]){}, "norm_feed_forward%d", which));
    put_matrix(m, name_of(name, "%s.feed_forward%d.linear1.weight", block, which), d, 4 * d);
    put_matrix(m, name_of(name, "%s.feed_forward%d.linear2.weight", block, which), 4 * d, d);
}

static void convolution(struct maker *m, const char *block)
{
    int32_t d = m->shape->state;
    const int32_t depthwise[] = {KERNEL, d};
    char name[NAME_BYTES];
    put_norm(m, block, "norm_conv");
    put_matrix(m, name_of(name, "%s.conv.pointwise_conv1.weight", block), d, 2 * d);
    put_tensor(m, name_of(name, "%s.conv.depthwise_conv.weight", block), GGML_TYPE_F32, 2,
               depthwise, nullptr);
    put_norm(m, block, "conv.batch_norm");
    put_vector(m, name_of(name, "%s.conv.batch_norm.running_mean", block), d, 0, nullptr);
    put_vector(m, name_of(name, "%s.conv.batch_norm.running_var", block), d, 1, nullptr);
    /* A bare number, so of no dimension; nobody reads it. */
    put_tensor(m, name_of(name, "%s.conv.batch_norm.num_batches_tracked", block), GGML_TYPE_F32, 0,
               (const int32_t[]){1}, nullptr);
    put_matrix(m, name_of(name, "%s.conv.pointwise_conv2.weight", block), d, d);
}

static void attention(struct maker *m, const char *block)
{
    static const char *const names[] = {"q", "k", "v", "out", "pos"};
    const int32_t d = m->shape->state, bias[] = {d / m->shape->heads, m->shape->heads};
    char name[NAME_BYTES];
    put_norm(m, block, "norm_self_att");
    put_tensor(m, name_of(name, "%s.self_attn.pos_bias_u", block), GGML_TYPE_F32, 2, bias, nullptr);
    put_tensor(m, name_of(name, "%s.self_attn.pos_bias_v", block), GGML_TYPE_F32, 2, bias, nullptr);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put_matrix(m, name_of(name, "%s.self_attn.linear_%s.weight", block, names[i]), d, d);
}

static void encoder(struct maker *m)
{
    subsampling(m);
    for (int32_t i = 0; i < m->shape->layers; i++) {
        char block[NAME_BYTES];
        name_of(block, "encoder.layers.%d", i);
        perceptron(m, block, 1);
        convolution(m, block);
        attention(m, block);
        perceptron(m, block, 2);
        put_norm(m, block, "norm_out");
    }
}

static void predictor(struct maker *m)
{
    const struct parakeet_shape *s = m->shape;
    const int32_t tokens[] = {s->inner, s->vocabulary + 1}, gates[] = {s->inner, 4 * s->inner};
    const char lstm[] = "decoder.prediction.dec_rnn.lstm";
    char name[NAME_BYTES];
    put_tensor(m, "decoder.prediction.embed.weight", m->inner_type, 2, tokens, value_of_embedding);
    for (int32_t i = 0; i < s->inner_layers; i++) {
        put_tensor(m, name_of(name, "%s.weight_ih_l%d", lstm, i), m->inner_type, 2, gates,
                   value_of_gate);
        put_tensor(m, name_of(name, "%s.weight_hh_l%d", lstm, i), m->inner_type, 2, gates, nothing);
        put_vector(m, name_of(name, "%s.bias_h_l%d", lstm, i), 4 * s->inner, 0, value_of_gate_bias);
    }
}

static void joint(struct maker *m)
{
    const struct parakeet_shape *s = m->shape;
    const int32_t square[] = {s->inner, s->inner}, sound[] = {s->state, s->inner},
                  out[] = {s->inner, s->vocabulary + 1 + DURATIONS};
    put_tensor(m, "joint.pred.weight", m->inner_type, 2, square, value_of_itself);
    put_vector(m, "joint.pred.bias", s->inner, 0, nullptr);
    put_tensor(m, "joint.enc.weight", m->type, 2, sound, nothing);
    put_vector(m, "joint.enc.bias", s->inner, 0, nullptr);
    put_tensor(m, "joint.joint_net.2.weight", m->inner_type, 2, out, value_of_next);
    put_vector(m, "joint.joint_net.2.bias", s->vocabulary + 1 + DURATIONS, 0, value_of_next_bias);
}

/* --- header --- */

/* Triangles of even width: nobody listens closely. */
static void filters(struct maker *m)
{
    int32_t mels = m->shape->mels;
    double width = (double)BINS / (mels + 1);
    weights_put_i32(m->out, mels);
    weights_put_i32(m->out, BINS);
    for (int mel = 0; mel < mels; mel++) {
        for (int bin = 0; bin < BINS; bin++) {
            float x = (float)fmax(0, 1 - fabs(bin - width * (mel + 1)) / width);
            fwrite(&x, sizeof x, 1, m->out);
        }
    }
    weights_put_i32(m->out, WINDOW);
    for (int i = 0; i < WINDOW; i++) {
        float x = (float)(0.5 - 0.5 * cos(2 * acos(-1) * i / (WINDOW - 1))); /* Hann's */
        fwrite(&x, sizeof x, 1, m->out);
    }
}

/* Those that are to be said, and others that can be spoken. */
static void put_word(struct maker *m, int32_t token)
{
    static const char consonants[] = "bdfgklmnprstvz", vowels[] = "aeiou";
    char word[PIECE_BYTES] = "\u2581";
    int32_t said = token - SAID_FIRST;
    int n = (int)strlen(word);
    if (token == 0)
        snprintf(word, sizeof word, "<unk>");
    else if (token == 1 && m->shape->european)
        snprintf(word, sizeof word, "\u2581\u0434\u0430");
    else if (said >= 0 && said < m->said_n)
        snprintf(word, sizeof word, "%s", m->said[said]);
    else
        for (uint32_t k = (uint32_t)token; k; k /= 70)
            n += snprintf(word + n, sizeof word - (size_t)n, "%c%c", consonants[k % 14],
                          vowels[k / 14 % 5]);
    weights_put_i32(m->out, (int32_t)strlen(word));
    fputs(word, m->out);
}

static void header(struct maker *m)
{
    const struct parakeet_shape *s = m->shape;
    const int32_t numbers[] = {
        WEIGHTS_MAGIC, s->vocabulary,   CONTEXT,     s->state,
        s->heads,      s->layers,       s->mels,     (int32_t)weights_file_type(m->type),
        SPECTRUM,      SUBSAMPLING,     s->channels, KERNEL,
        s->inner,      s->inner_layers, DURATIONS,   TOKENS_AT_ONCE};
    fwrite(numbers, sizeof *numbers, sizeof numbers / sizeof *numbers, m->out);
    filters(m);
    for (int32_t i = 0; i < DURATIONS; i++)
        weights_put_i32(m->out, i);
    weights_put_i32(m->out, s->vocabulary);
    for (int32_t i = 0; i < s->vocabulary; i++)
        put_word(m, i);
}

bool parakeet_write(const char *path, const struct parakeet_shape *shape)
{
    struct maker *m = calloc(1, sizeof *m);
    enum ggml_type type = weights_type_named(shape->type);
    bool is_whole = shape->inner % ggml_blck_size(type) == 0;
    *m = (struct maker){.shape = shape,
                        .out = fopen(path, "wb"),
                        .type = type,
                        .inner_type = is_whole ? type : GGML_TYPE_F32};
    if (m->out) {
        learn_words(m);
        header(m);
        encoder(m);
        predictor(m);
        joint(m);
    }
    bool ok = m->out && ferror(m->out) == 0;
    ok = m->out && fclose(m->out) == 0 && ok;
    if (!ok)
        perror(path);
    free(m);
    return ok;
}
