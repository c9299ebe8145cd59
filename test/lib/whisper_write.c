// SPDX-License-Identifier: Apache-2.0
#include "whisper_write.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weights_write.h"

enum {
    VOCABULARY = 51864, /* of a model for English; one for many languages has one token more */
    WORDS = 50257,      /* of them text */
    AUDIO_CONTEXT = 1500,
    TEXT_CONTEXT = 448,
    MELS = 80,
    BINS = 201, /* of a spectrum of 400 samples at 16 kHz */
    LANGUAGES = 99,
    SAID_FIRST = 1000, /* the words that it shall say */
    SAID_MAX = 200,
    WORD_BYTES = 32,
    GERMAN = 2, /* among the languages */
    /* Behind the text: end, start, 99 languages, translate, transcribe, speaker, previous, nobody, no times; of a model
     * for many languages each is one more. */
    END = 50256,
    START = 50257,
    NOBODY = START + LANGUAGES + 5,
    NO_TIMES = NOBODY + 1,
    TIMES = NO_TIMES + 1, /* 0 s, and 1500 more, of 20 ms each */
    LAST_TIME = TIMES + 1500,
    TRANSCRIBE = START + LANGUAGES + 2,
};
static constexpr float SAID_GAIN = 4;
static constexpr float SAID_SURE = 4;
static constexpr float SAID_UNSURE = 0.6f;
static constexpr float NOBODY_LENGTH = 8;      /* of its vector, so that it is sure all the same */
static constexpr float SAID_THRESHOLD = 0.65f; /* of the length of a token's vector */
static constexpr float HUSHED = 0.05f;

static const struct {
    const char *name;
    struct whisper_shape shape;
} shapes[] = {
    {"tiny", {64, 1, 1, 1, "f16"}},
    {"tiny.en", {384, 6, 4, 4, "f16"}},
    {"base.en", {512, 8, 6, 6, "f16"}},
    {"small.en", {768, 12, 12, 12, "f16"}},
};

struct whisper_shape whisper_tiny_made(void)
{
    return shapes[0].shape;
}

bool whisper_shape_named(const char *name, struct whisper_shape *ret_shape)
{
    if (strcmp(name, "tiny-many") == 0) {
        *ret_shape = whisper_tiny_made();
        ret_shape->multilingual = true;
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

struct step {
    int32_t from, to;
    float weight;
};

struct maker {
    const struct whisper_shape *shape;
    FILE *out;
    enum ggml_type type;
    uint64_t tensor; /* counts them: each has numbers of its own */
    char said[SAID_MAX][WORD_BYTES];
    int32_t said_n;
    struct step step[SAID_MAX + 8]; /* which token follows which */
    int32_t steps;
};

/* --- numbers --- */

enum { TOKENS = 1 }; /* the tensor of the tokens' vectors */

static float token_at(const struct maker *m, int32_t token, int32_t column)
{
    int32_t d = m->shape->state;
    bool is_loud = m->shape->silent && token == NOBODY + m->shape->multilingual;
    return (is_loud ? NOBODY_LENGTH : 1) *
           weights_number(TOKENS, (uint64_t)token * (uint64_t)d + (uint64_t)column) * 1.7f /
           sqrtf((float)d);
}

/* What stands in a place of a matrix; NULL of `value`: a number by chance. */
typedef float value_fn(const struct maker *m, int32_t row, int32_t column, float chance);

static void put_matrix(struct maker *m, const char *name, enum ggml_type type, int32_t dims,
                       const int32_t *ne, value_fn *value)
{
    int32_t columns = ne[0], rows = ne[1] * (dims > 2 ? ne[2] : 1);
    float *row = malloc(sizeof *row * (size_t)columns);
    float scale = 1.7f / sqrtf((float)m->shape->state);
    m->tensor++;
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

static void put_vector(struct maker *m, const char *name, bool is_column, int32_t n, float value,
                       value_fn *made)
{
    const int32_t flat[] = {n}, column[] = {1, n};
    m->tensor++;
    weights_put_head(m->out, name, GGML_TYPE_F32, is_column ? 2 : 1, is_column ? column : flat);
    for (int32_t i = 0; i < n; i++) {
        float x = made ? made(m, i, 0, value) : value;
        fwrite(&x, sizeof x, 1, m->out);
    }
}

/* --- what it says: x is about the vector of a token; its row of the first matrix fires, and by the second the vector
 * of the next one is added, many times as large --- */

static float hush(const struct maker *m, int32_t row, int32_t column, float chance)
{
    (void)row, (void)column;
    return m->said_n ? chance * HUSHED : chance;
}

static float value_of_token(const struct maker *m, int32_t row, int32_t column, float chance)
{
    (void)chance;
    return token_at(m, row, column);
}

static float value_of_matcher(const struct maker *m, int32_t row, int32_t column, float chance)
{
    return row < m->steps ? SAID_GAIN * token_at(m, m->step[row].from, column)
                          : hush(m, row, column, chance);
}

static float value_of_threshold(const struct maker *m, int32_t row, int32_t column, float value)
{
    (void)column;
    return row < m->steps ? -SAID_GAIN * SAID_THRESHOLD * sqrtf((float)m->shape->state) : value;
}

static float value_of_next(const struct maker *m, int32_t row, int32_t column, float chance)
{
    return column < m->steps ? m->step[column].weight * token_at(m, m->step[column].to, row)
                             : hush(m, row, column, chance);
}

static int32_t special(const struct maker *m, int32_t token)
{
    return token + m->shape->multilingual;
}

static void follow(struct maker *m, int32_t from, int32_t to)
{
    m->step[m->steps++] = (struct step){from, to, 1};
}

/* Where times are asked for, one stands before the words and one behind them; where not, libwhisper forbids them. */
static void follow_times(struct maker *m, int32_t last)
{
    follow(m, special(m, m->shape->multilingual ? TRANSCRIBE : START), special(m, TIMES));
    follow(m, special(m, TIMES), SAID_FIRST);
    m->step[m->steps++] = (struct step){last, special(m, LAST_TIME), 1.1f};
    follow(m, special(m, LAST_TIME), special(m, END));
}

static void learn_words(struct maker *m)
{
    const char *rest = m->shape->says ? m->shape->says : "";
    while (*rest && m->said_n < SAID_MAX) {
        size_t n = strcspn(rest, " ");
        snprintf(m->said[m->said_n++], WORD_BYTES, " %.*s", (int)n, rest);
        rest += n + (rest[n] == ' ');
    }
    if (!m->said_n)
        return;
    follow(m, special(m, NO_TIMES), SAID_FIRST);
    for (int32_t i = 0; i + 1 < m->said_n; i++)
        follow(m, SAID_FIRST + i, SAID_FIRST + i + 1);
    int32_t last = SAID_FIRST + m->said_n - 1;
    follow(m, last, m->shape->endless ? SAID_FIRST : special(m, END));
    if (m->shape->silent)
        follow(m, special(m, START), special(m, NOBODY));
    else if (m->shape->multilingual)
        follow(m, special(m, START), special(m, START) + 1 + GERMAN);
    if (!m->shape->silent && !m->shape->endless)
        follow_times(m, last);
}

/* --- tensors --- */

__attribute__((format(printf, 3, 4))) static const char *name_of(char into[64], int size,
                                                                 const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(into, (size_t)size, format, ap);
    va_end(ap);
    return into;
}

static void attention(struct maker *m, const char *block, const char *part, bool is_text)
{
    static const char *const names[] = {"query", "key", "value", "out"};
    const int32_t d = m->shape->state, square[] = {d, d};
    char name[64];
    put_vector(m, name_of(name, 64, "%s.%s_ln.weight", block, part), false, d, 1, nullptr);
    put_vector(m, name_of(name, 64, "%s.%s_ln.bias", block, part), false, d, 0, nullptr);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        put_matrix(m, name_of(name, 64, "%s.%s.%s.weight", block, part, names[i]), m->type, 2,
                   square, is_text ? hush : nullptr);
        if (strcmp(names[i], "key") != 0)
            put_vector(m, name_of(name, 64, "%s.%s.%s.bias", block, part, names[i]), false, d, 0,
                       nullptr);
    }
}

static void perceptron(struct maker *m, const char *block, bool is_text, bool is_last)
{
    const int32_t d = m->shape->state, up[] = {d, 4 * d}, down[] = {4 * d, d};
    bool says = is_text && is_last && m->said_n;
    value_fn *usual = is_text ? hush : nullptr;
    char name[64];
    put_vector(m, name_of(name, 64, "%s.mlp_ln.weight", block), false, d, 1, nullptr);
    put_vector(m, name_of(name, 64, "%s.mlp_ln.bias", block), false, d, 0, nullptr);
    put_matrix(m, name_of(name, 64, "%s.mlp.0.weight", block), m->type, 2, up,
               says ? value_of_matcher : usual);
    put_vector(m, name_of(name, 64, "%s.mlp.0.bias", block), false, 4 * d, 0,
               says ? value_of_threshold : nullptr);
    put_matrix(m, name_of(name, 64, "%s.mlp.2.weight", block), m->type, 2, down,
               says ? value_of_next : usual);
    put_vector(m, name_of(name, 64, "%s.mlp.2.bias", block), false, d, 0, nullptr);
}

static void encoder(struct maker *m)
{
    const int32_t d = m->shape->state, places[] = {d, AUDIO_CONTEXT};
    const int32_t first[] = {3, MELS, d}, second[] = {3, d, d};
    enum ggml_type small = m->type == GGML_TYPE_F32 ? GGML_TYPE_F32 : GGML_TYPE_F16;
    put_matrix(m, "encoder.positional_embedding", GGML_TYPE_F32, 2, places, nullptr);
    put_matrix(m, "encoder.conv1.weight", small, 3, first, nullptr);
    put_vector(m, "encoder.conv1.bias", true, d, 0, nullptr);
    put_matrix(m, "encoder.conv2.weight", small, 3, second, nullptr);
    put_vector(m, "encoder.conv2.bias", true, d, 0, nullptr);
    for (int32_t i = 0; i < m->shape->audio_layers; i++) {
        char block[64];
        name_of(block, 64, "encoder.blocks.%d", i);
        attention(m, block, "attn", false);
        perceptron(m, block, false, false);
    }
    put_vector(m, "encoder.ln_post.weight", false, d, 1, nullptr);
    put_vector(m, "encoder.ln_post.bias", false, d, 0, nullptr);
}

static int32_t vocabulary_of(const struct whisper_shape *s)
{
    return VOCABULARY + s->multilingual;
}

static void decoder(struct maker *m)
{
    const int32_t d = m->shape->state, places[] = {d, TEXT_CONTEXT};
    const int32_t tokens[] = {d, vocabulary_of(m->shape)};
    put_matrix(m, "decoder.positional_embedding", GGML_TYPE_F32, 2, places, hush);
    put_matrix(m, "decoder.token_embedding.weight", m->type, 2, tokens, value_of_token);
    for (int32_t i = 0; i < m->shape->text_layers; i++) {
        char block[64];
        name_of(block, 64, "decoder.blocks.%d", i);
        attention(m, block, "attn", true);
        attention(m, block, "cross_attn", true);
        perceptron(m, block, true, i + 1 == m->shape->text_layers);
    }
    float usual = m->shape->silent ? SAID_UNSURE : m->said_n ? SAID_SURE : 1;
    float sure = m->shape->sure > 0 ? m->shape->sure : usual;
    put_vector(m, "decoder.ln.weight", false, d, sure, nullptr);
    put_vector(m, "decoder.ln.bias", false, d, 0, nullptr);
}

/* --- header --- */

/* Slaney's scale: even up to 1 kHz, then by ratio. */
static double mel_hz(double mel)
{
    return mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * log(6.4) / 27);
}

static void filters(struct maker *m)
{
    const double top = 15 + 27 * log(8) / log(6.4); /* 8 kHz */
    weights_put_i32(m->out, MELS);
    weights_put_i32(m->out, BINS);
    for (int mel = 0; mel < MELS; mel++) {
        double low = mel_hz(top * mel / (MELS + 1)), mid = mel_hz(top * (mel + 1) / (MELS + 1)),
               high = mel_hz(top * (mel + 2) / (MELS + 1));
        for (int bin = 0; bin < BINS; bin++) {
            double hz = bin * 40.0, up = (hz - low) / (mid - low),
                   down = (high - hz) / (high - mid);
            float x = (float)(fmax(0, fmin(up, down)) * 2 / (high - low));
            fwrite(&x, sizeof x, 1, m->out);
        }
    }
}

/* Single characters, then words that can be spoken, among them those that are to be said. */
static void put_word(struct maker *m, int32_t token)
{
    static const char consonants[] = "bdfgklmnprstvz", vowels[] = "aeiou";
    char word[WORD_BYTES] = " ";
    int32_t said = token - SAID_FIRST;
    int n = 1;
    if (token < 95)
        snprintf(word, sizeof word, "%c", (char)(' ' + token));
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
    const struct whisper_shape *s = m->shape;
    const int32_t numbers[] = {
        WEIGHTS_MAGIC, vocabulary_of(s), AUDIO_CONTEXT, s->state,
        s->heads,      s->audio_layers,  TEXT_CONTEXT,  s->state,
        s->heads,      s->text_layers,   MELS,          (int32_t)weights_file_type(m->type)};
    fwrite(numbers, sizeof *numbers, sizeof numbers / sizeof *numbers, m->out);
    filters(m);
    weights_put_i32(m->out, WORDS);
    for (int32_t i = 0; i < WORDS; i++)
        put_word(m, i);
}

bool whisper_write(const char *path, const struct whisper_shape *shape)
{
    struct maker *m = calloc(1, sizeof *m);
    *m = (struct maker){.shape = shape,
                        .out = fopen(path, "wb"),
                        .type = weights_type_named(shape->type),
                        .tensor = TOKENS};
    if (m->out) {
        learn_words(m);
        header(m);
        encoder(m);
        decoder(m);
    }
    bool ok = m->out && ferror(m->out) == 0;
    ok = m->out && fclose(m->out) == 0 && ok;
    if (!ok)
        perror(path);
    free(m);
    return ok;
}
