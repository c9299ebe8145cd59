// SPDX-License-Identifier: Apache-2.0
#include "gguf_write.h"

#include <ggml.h>
#include <gguf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BYTES = 256,
    SPECIALS = 5,
    WORD_BYTES = 24,
    TILE = 64,
    TOKEN_TYPES = 2,
    PRINTABLE = '~' - '!' + 1,
    TENSORS_MAX = 1024,
    ATTENTION_GAIN = 4
};

static const char llama3[] =
    "{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n{{ m['content'] "
    "}}<|eot_id|>{% endfor %}{% if add_generation_prompt "
    "%}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}";

static const char mistral[] =
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}[SYSTEM_PROMPT]{{ m['content'] "
    "}}[/SYSTEM_PROMPT]{% elif m['role'] == 'user' %}[INST]{{ m['content'] }}[/INST]{% elif m.tool_calls "
    "%}{% for c in m.tool_calls %}[TOOL_CALLS]{{ c.name }}[ARGS]{{ c.arguments }}{% endfor %}</s>{% else "
    "%}{{ m['content'] }}</s>{% endif %}{% endfor %}";

static const struct {
    const char *name;
    struct gguf_shape shape;
} shapes[] = {
    {"tiny", {2, 64, 128, 4, 2, 300, 2048, 10000, "f32", nullptr, 1, false}},
    {"small", {8, 256, 512, 8, 4, 300, 2048, 10000, "f32", nullptr, 1, false}},
    {"smol-135m", {30, 576, 1536, 9, 3, 49152, 8192, 100000, "q4_0", nullptr, 1, false}},
    {"llama-1b", {16, 2048, 8192, 32, 8, 128256, 131072, 500000, "q4_0", nullptr, 1, false}},
    {"llama-8b", {32, 4096, 14336, 32, 8, 128256, 131072, 500000, "q4_k", nullptr, 1, false}},
    {"tiny-mistral", {2, 64, 128, 4, 2, 310, 2048, 10000, "f32", .seed = 1, .mistral = true}},
    {"tiny-bert", {2, 64, 128, 4, 4, 300, 128, 0, "f32", .seed = 1, .reads = true}},
    {"e5-small", {12, 384, 1536, 12, 12, 30522, 512, 0, "q4_0", .seed = 1, .reads = true}},
};

struct gguf_shape gguf_tiny(void)
{
    return shapes[0].shape;
}

static struct gguf_shape named(const char *name)
{
    struct gguf_shape shape = {};
    (void)gguf_shape_named(name, &shape);
    return shape;
}

struct gguf_shape gguf_tiny_bert(void)
{
    return named("tiny-bert");
}

struct gguf_shape gguf_tiny_mistral(void)
{
    return named("tiny-mistral");
}

bool gguf_shape_named(const char *name, struct gguf_shape *ret_shape)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (strcmp(shapes[i].name, name) == 0) {
            *ret_shape = shapes[i].shape;
            return true;
        }
    }
    return false;
}

/* --- weights --- */

struct maker {
    const struct gguf_shape *shape;
    struct ggml_context *tensors;
    struct gguf_context *file;
    FILE *out; /* the second time: their bytes are written */
    uint64_t random;
};

static float uniform(struct maker *m)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return (float)(m->random >> 40) / (float)(1 << 23) - 1;
}

static enum ggml_type type_of(const struct maker *m, int64_t columns)
{
    static const struct {
        const char *name;
        enum ggml_type type;
    } types[] = {{"f32", GGML_TYPE_F32},
                 {"f16", GGML_TYPE_F16},
                 {"q8_0", GGML_TYPE_Q8_0},
                 {"q4_0", GGML_TYPE_Q4_0},
                 {"q4_k", GGML_TYPE_Q4_K}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, m->shape->type) == 0 &&
            columns % ggml_blck_size(types[i].type) == 0)
            return types[i].type;
    return GGML_TYPE_F32;
}

static void declare(struct maker *m, const char *name, enum ggml_type type, int64_t columns,
                    int64_t rows)
{
    struct ggml_tensor *t = rows ? ggml_new_tensor_2d(m->tensors, type, columns, rows)
                                 : ggml_new_tensor_1d(m->tensors, type, columns);
    ggml_set_name(t, name);
    gguf_add_tensor(m->file, t);
}

/* A small model's rows are all random; a big one's are those of a tile in turns, which costs no minutes. */
static void write_rows(struct maker *m, enum ggml_type type, int64_t columns, int64_t rows,
                       float gain, bool is_bias)
{
    bool is_big = rows > 4 * TILE;
    int64_t made = is_big ? TILE : rows ? rows : 1;
    size_t row = ggml_row_size(type, columns), total = 0;
    float *numbers = malloc(sizeof *numbers * (size_t)(columns * made));
    char *bytes = malloc(row * (size_t)made);
    const float scale = gain * 1.7f / sqrtf((float)m->shape->embedding);
    for (int64_t i = 0; i < columns * made; i++)
        numbers[i] = rows ? uniform(m) * scale : is_bias ? uniform(m) / 8 : 1;
    ggml_quantize_chunk(type, numbers, bytes, 0, made, columns, nullptr);
    for (int64_t r = 0; r < (rows ? rows : 1); r++, total += row)
        fwrite(bytes + (size_t)(is_big ? r * 37 % TILE : r) * row, 1, row, m->out);
    for (; total % GGUF_DEFAULT_ALIGNMENT; total++)
        fputc(0, m->out);
    free(numbers);
    free(bytes);
}

static bool is_named(const char *name, const char *part)
{
    return strstr(name, part) != nullptr;
}

/* rows 0: a vector of ones, or a bias. layer -1: of none. */
static void tensor(struct maker *m, const char *name, int layer, int64_t columns, int64_t rows)
{
    char full[GGML_MAX_NAME];
    bool is_whole = rows == 0 || is_named(name, "position") || is_named(name, "types");
    enum ggml_type type = is_whole ? GGML_TYPE_F32 : type_of(m, columns);
    if (m->out) {
        /* With weights of one size every token would attend to all others alike, and the last one alone decide. */
        write_rows(m, type, columns, rows, strncmp(name, "attn_", 5) == 0 ? ATTENTION_GAIN : 1,
                   is_named(name, ".bias"));
        return;
    }
    if (layer < 0)
        snprintf(full, sizeof full, "%s", name);
    else
        snprintf(full, sizeof full, "blk.%d.%s", layer, name);
    declare(m, full, type, columns, rows);
}

/* A matrix or a vector, and its bias. */
static void biased(struct maker *m, const char *name, int layer, int64_t columns, int64_t rows)
{
    char full[GGML_MAX_NAME];
    snprintf(full, sizeof full, "%s.weight", name);
    tensor(m, full, layer, columns, rows);
    snprintf(full, sizeof full, "%s.bias", name);
    tensor(m, full, layer, rows ? rows : columns, 0);
}

static void tensors_of_bert(struct maker *m)
{
    const struct gguf_shape *s = m->shape;
    const int64_t d = s->embedding, ff = s->feed_forward;
    tensor(m, "token_embd.weight", -1, d, s->vocabulary);
    tensor(m, "position_embd.weight", -1, d, s->context);
    tensor(m, "token_types.weight", -1, d, TOKEN_TYPES);
    biased(m, "token_embd_norm", -1, d, 0);
    for (int i = 0; i < (int)s->layers; i++) {
        biased(m, "attn_q", i, d, d);
        biased(m, "attn_k", i, d, d);
        biased(m, "attn_v", i, d, d);
        biased(m, "attn_output", i, d, d);
        biased(m, "attn_output_norm", i, d, 0);
        biased(m, "ffn_up", i, d, ff);
        biased(m, "ffn_down", i, ff, d);
        biased(m, "layer_output_norm", i, d, 0);
    }
}

static void tensors_of_llama(struct maker *m)
{
    const struct gguf_shape *s = m->shape;
    const int64_t d = s->embedding, kv = d / s->heads * s->heads_kv;
    tensor(m, "token_embd.weight", -1, d, s->vocabulary);
    for (int i = 0; i < (int)s->layers; i++) {
        tensor(m, "attn_norm.weight", i, d, 0);
        tensor(m, "attn_q.weight", i, d, d);
        tensor(m, "attn_k.weight", i, d, kv);
        tensor(m, "attn_v.weight", i, d, kv);
        tensor(m, "attn_output.weight", i, d, d);
        tensor(m, "ffn_norm.weight", i, d, 0);
        tensor(m, "ffn_gate.weight", i, d, s->feed_forward);
        tensor(m, "ffn_up.weight", i, d, s->feed_forward);
        tensor(m, "ffn_down.weight", i, s->feed_forward, d);
    }
    tensor(m, "output_norm.weight", -1, d, 0);
    tensor(m, "output.weight", -1, d, s->vocabulary);
}

static void all_tensors(struct maker *m)
{
    m->random = 88172645463325252u ^ m->shape->seed << 32;
    if (m->shape->reads)
        tensors_of_bert(m);
    else
        tensors_of_llama(m);
}

/* --- vocabulary: 256 bytes, words that can be spoken, the special tokens last --- */

/* GPT-2 writes each byte as a printable character. */
static void put_byte(char *into, int byte, int *others)
{
    bool prints = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    int cp = prints ? byte : 256 + (*others)++;
    if (cp < 0x80)
        snprintf(into, WORD_BYTES, "%c", cp);
    else
        snprintf(into, WORD_BYTES, "%c%c", 0xC0 | cp >> 6, 0x80 | (cp & 0x3F));
}

static void put_word(char *into, const char *blank, uint32_t number)
{
    static const char consonants[] = "bdfgklmnprstvz", vowels[] = "aeiou";
    int n = snprintf(into, WORD_BYTES, "%s", blank);
    for (uint32_t k = number; k; k /= 70)
        n += snprintf(into + n, (size_t)(WORD_BYTES - n), "%c%c", consonants[k % 14],
                      vowels[k / 14 % 5]);
}

static const struct family {
    const char *special[16];
    uint32_t specials, bos, eos;
    const char *template;
} families[] = {
    {{"<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|start_header_id|>",
      "<|end_header_id|>"},
     5,
     0,
     2,
     llama3},
    {{"<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]",
      "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]",
      "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CONTENT]"},
     14,
     0,
     1,
     mistral},
};

static void vocabulary(struct maker *m)
{
    enum { NORMAL = 1, CONTROL = 3, USER_DEFINED = 4 };
    const struct family *f = &families[m->shape->mistral];
    uint32_t n = m->shape->vocabulary, first = n - f->specials;
    char (*word)[WORD_BYTES] = calloc(n, sizeof *word);
    const char **list = calloc(n, sizeof *list);
    int32_t *type = calloc(n, sizeof *type);
    int others = 0;
    for (uint32_t i = 0; i < n; i++) {
        list[i] = word[i];
        type[i] = i < first ? NORMAL : m->shape->loose ? USER_DEFINED : CONTROL;
        if (i < BYTES)
            put_byte(word[i], (int)i, &others);
        else if (i < first)
            put_word(word[i], "\u0120", i);
        else
            snprintf(word[i], WORD_BYTES, "%s", f->special[i - first]);
    }
    const char *merge = "b a"; /* a list of none is refused */
    gguf_set_val_str(m->file, "tokenizer.ggml.model", "gpt2");
    gguf_set_val_str(m->file, "tokenizer.ggml.pre", "llama-bpe");
    gguf_set_arr_str(m->file, "tokenizer.ggml.tokens", list, n);
    gguf_set_arr_data(m->file, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, type, n);
    gguf_set_arr_str(m->file, "tokenizer.ggml.merges", &merge, 1);
    gguf_set_val_u32(m->file, "tokenizer.ggml.bos_token_id", first + f->bos);
    gguf_set_val_u32(m->file, "tokenizer.ggml.eos_token_id", first + f->eos);
    const char *template = m->shape->template ? m->shape->template : f->template;
    if (template[0])
        gguf_set_val_str(m->file, "tokenizer.chat_template", template);
    free(word);
    free(list);
    free(type);
}

/* WordPiece: its special tokens, characters at the beginning of a word and inside, then words. */
static void word_pieces(struct maker *m)
{
    static const char *const specials[SPECIALS] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    enum { NORMAL = 1, CONTROL = 3 };
    uint32_t n = m->shape->vocabulary;
    char (*word)[WORD_BYTES] = calloc(n, sizeof *word);
    const char **list = calloc(n, sizeof *list);
    int32_t *type = calloc(n, sizeof *type);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = i - SPECIALS;
        list[i] = word[i];
        type[i] = i < SPECIALS ? CONTROL : NORMAL;
        if (i < SPECIALS)
            snprintf(word[i], WORD_BYTES, "%s", specials[i]);
        else if (k < 2 * PRINTABLE)
            snprintf(word[i], WORD_BYTES, "%s%c", k % 2 ? "" : "\u2581", (char)('!' + k / 2));
        else
            put_word(word[i], "\u2581", i);
    }
    gguf_set_val_str(m->file, "tokenizer.ggml.model", "bert");
    gguf_set_val_str(m->file, "tokenizer.ggml.pre", "default");
    gguf_set_arr_str(m->file, "tokenizer.ggml.tokens", list, n);
    gguf_set_arr_data(m->file, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, type, n);
    gguf_set_val_u32(m->file, "tokenizer.ggml.token_type_count", TOKEN_TYPES);
    static const char *const roles[SPECIALS] = {"padding", "unknown", "cls", "seperator", "mask"};
    for (uint32_t i = 0; i < SPECIALS; i++) {
        char key[64];
        snprintf(key, sizeof key, "tokenizer.ggml.%s_token_id", roles[i]);
        gguf_set_val_u32(m->file, key, i);
    }
    free(word);
    free(list);
    free(type);
}

static void header_of_bert(struct maker *m)
{
    const struct gguf_shape *s = m->shape;
    enum { POOLING_MEAN = 1 };
    gguf_set_val_str(m->file, "general.architecture", "bert");
    gguf_set_val_str(m->file, "general.name", "e5 made for tests");
    gguf_set_val_u32(m->file, "bert.block_count", s->layers);
    gguf_set_val_u32(m->file, "bert.context_length", s->context);
    gguf_set_val_u32(m->file, "bert.embedding_length", s->embedding);
    gguf_set_val_u32(m->file, "bert.feed_forward_length", s->feed_forward);
    gguf_set_val_u32(m->file, "bert.attention.head_count", s->heads);
    gguf_set_val_f32(m->file, "bert.attention.layer_norm_epsilon", 1e-12f);
    gguf_set_val_bool(m->file, "bert.attention.causal", false);
    gguf_set_val_u32(m->file, "bert.pooling_type", POOLING_MEAN);
}

static void header_of_llama(struct maker *m)
{
    const struct gguf_shape *s = m->shape;
    gguf_set_val_str(m->file, "general.architecture", "llama");
    gguf_set_val_str(m->file, "general.name", "made for tests");
    gguf_set_val_u32(m->file, "llama.block_count", s->layers);
    gguf_set_val_u32(m->file, "llama.context_length", s->context);
    gguf_set_val_u32(m->file, "llama.embedding_length", s->embedding);
    gguf_set_val_u32(m->file, "llama.feed_forward_length", s->feed_forward);
    gguf_set_val_u32(m->file, "llama.attention.head_count", s->heads);
    gguf_set_val_u32(m->file, "llama.attention.head_count_kv", s->heads_kv);
    gguf_set_val_f32(m->file, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    gguf_set_val_u32(m->file, "llama.rope.dimension_count", s->embedding / s->heads);
    gguf_set_val_f32(m->file, "llama.rope.freq_base", s->rope_base);
    gguf_set_val_u32(m->file, "llama.vocab_size", s->vocabulary);
}

bool gguf_write(const char *path, const struct gguf_shape *shape)
{
    const struct ggml_init_params no_data = {ggml_tensor_overhead() * TENSORS_MAX, nullptr, true};
    struct maker m = {.shape = shape, .tensors = ggml_init(no_data), .file = gguf_init_empty()};
    if (shape->reads) {
        header_of_bert(&m);
        word_pieces(&m);
    } else {
        header_of_llama(&m);
        vocabulary(&m);
    }
    all_tensors(&m);
    bool ok = gguf_write_to_file(m.file, path, true);
    m.out = ok ? fopen(path, "ab") : nullptr;
    if (m.out) {
        all_tensors(&m);
        ok = ferror(m.out) == 0;
        ok = fclose(m.out) == 0 && ok;
    }
    ok = ok && m.out;
    if (!ok)
        perror(path);
    gguf_free(m.file);
    ggml_free(m.tensors);
    return ok;
}
