// SPDX-License-Identifier: Apache-2.0
/*
 * Encoders in GGUF files that make one vector of a text (BERT and its like), by libllama. Options:
 *
 *     gpu_layers=99  layers on a graphics processor, where ggml finds one
 */
#include <ctype.h>
#include <llama.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "llm/embed/embed_batch.h"
#include "llm/model/model_file.h"
#include "llm/prompt/tokenize.h"
#include "wire/script.h"

enum {
    SLOTS = 16,              /* requests at once */
    FIRST_BYTES = 16 * 1024, /* of a text, which tell whether it is much too long */
    TEXT_BYTES = EMBED_BYTES_MAX + 64,
    NAME_BYTES = 128,
};

/* What models are told about a text, by a word in their name. */
static const struct prefixes {
    const char *name;
    const char *by_purpose[EMBED_PURPOSES];
} prefixes[] = {
    {"e5", {"", "query: ", "passage: "}},
    {"nomic", {"", "search_query: ", "search_document: "}},
    {"", {"", "", ""}},
};

static struct llama_model *model;
static const struct prefixes *prefix; /* const after load */
static char name[NAME_BYTES];         /* const after load */
static char notes[NAME_BYTES];        /* const after load */

static bool is_letter(struct str s, size_t i)
{
    return i < s.n && isalnum((unsigned char)s.p[i]);
}

static bool has_word(struct str s, struct str word)
{
    for (size_t i = 0; i + word.n <= s.n; i++)
        if (str_eq_nocase(str_sub(s, i, i + word.n), word) && !is_letter(s, i + word.n) &&
            (i == 0 || !is_letter(s, i - 1)))
            return true;
    return word.n == 0;
}

/* The last one fits all. */
static const struct prefixes *find_prefixes(struct str file)
{
    const struct prefixes *p = prefixes;
    while (!has_word(str_of(name), str_of(p->name)) && !has_word(file, str_of(p->name)))
        p++;
    return p;
}

static enum err embed_llama_load(const struct llm_load *load, struct embed_loaded *ret_loaded,
                                 char why[LLM_WHY_BYTES])
{
    uint32_t gpu_layers = 0;
    const struct script_word words[] = {{"gpu_layers", .number = &gpu_layers}};
    try(script_parse(nullptr, load->options, words, sizeof words / sizeof *words, why));
    model_library_open(embed_batch_is_breaking_off);
    try(model_file_open(load, MODEL_EMBEDS, gpu_layers, &model, why));
    try(embed_batch_prepare(model, load->threads ? load->threads : 1, why));
    model_name(model, name, sizeof name);
    prefix = find_prefixes(str_file_name(load->model));
    int32_t dimensions = llama_model_n_embd_out(model);
    char what[64];
    llama_model_desc(model, what, sizeof what);
    snprintf(notes, sizeof notes, "%s, %d dimensions, texts of up to %u tokens", what, dimensions,
             embed_batch_room());
    *ret_loaded = (struct embed_loaded){
        .model = name, .notes = notes, .slots = SLOTS, .dimensions = (uint32_t)dimensions};
    return OK;
}

static enum err embed_llama_start(char why[LLM_WHY_BYTES])
{
    enum err err = embed_batch_start();
    if (err != OK)
        snprintf(why, LLM_WHY_BYTES, "the model %.100s cannot be evaluated", name);
    return err;
}

static void embed_llama_unload(void)
{
    embed_batch_stop();
    llama_model_free(model);
    llama_backend_free();
}

/* --- texts as tokens --- */

/* Those of one request, one after another. */
struct draft {
    const struct embed_request *request;
    struct embed_tokens *text; /* where they lie is set last: `tokens` may still move */
    size_t *from;
    struct tokens tokens;
    struct buf bytes; /* a text with its prefix */
    uint32_t shortened;
};

static void draft_finish(struct draft *d)
{
    free(d->text);
    free(d->from);
    free(d->tokens.token);
    buf_finish(&d->bytes);
}

/* Nobody can stop libllama in the middle of a text, so of a long one it gets more and more, until that has
 * too many tokens anyhow (then ret_is_whole is false) or is all of it. */
static enum err put_text(struct draft *d, struct str text, size_t *ret_count, bool *ret_is_whole)
{
    const struct llama_vocab *vocab = llama_model_get_vocab(model);
    size_t from = d->tokens.count, count = 0, n = 0;
    buf_clear(&d->bytes);
    try(buf_add(&d->bytes, str_of(prefix->by_purpose[d->request->purpose])));
    try(buf_add(&d->bytes, text));
    for (size_t most = FIRST_BYTES; count <= embed_batch_room(); most *= 2) {
        if (d->request->stopped(d->request->arg))
            return ERR_CANCELED;
        n = utf8_prefix(buf_str(&d->bytes), most);
        try(tokens_add_text(&d->tokens, vocab, str_sub(buf_str(&d->bytes), 0, n), TOKENIZE_AROUND));
        count = d->tokens.count - from;
        d->tokens.count = from;
        if (n == d->bytes.n)
            break;
    }
    *ret_is_whole = n == d->bytes.n;
    *ret_count = count;
    return OK;
}

static enum err put_tokens(struct draft *d, const struct embed_input *in)
{
    int32_t vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));
    try(tokens_make_room(&d->tokens, in->count));
    for (size_t i = 0; i < in->count; i++) {
        int32_t token = in->token[i];
        if (token < 0 || token >= vocabulary) {
            snprintf(d->request->why, LLM_WHY_BYTES,
                     "%d is no token of this model; its own go from 0 to %d, so send texts instead "
                     "of another model's tokens",
                     token, vocabulary - 1);
            return ERR_INVALID;
        }
        d->tokens.token[d->tokens.count + i] = token;
    }
    return OK;
}

/* What ends a text stays its end. */
static enum err fit(struct draft *d, size_t number, size_t *count, bool is_whole)
{
    uint32_t room = embed_batch_room();
    int32_t *token = d->tokens.token + d->tokens.count;
    if (*count <= room)
        return OK;
    if (!d->request->shorten) {
        snprintf(d->request->why, LLM_WHY_BYTES,
                 "text %zu has %s%zu tokens, and this model reads %u at most; send it in pieces",
                 number, is_whole ? "" : "more than ", *count, room);
        return ERR_INVALID;
    }
    if (!d->request->input[number].token)
        token[room - 1] = token[*count - 1];
    *count = room;
    d->shortened++;
    return OK;
}

static enum err put_input(struct draft *d, size_t number)
{
    const struct embed_input *in = &d->request->input[number];
    size_t count = in->count;
    bool is_whole = true;
    if (d->request->stopped(d->request->arg))
        return ERR_CANCELED;
    if (in->token)
        try(put_tokens(d, in));
    else
        try(put_text(d, in->text, &count, &is_whole));
    if (count == 0)
        return ERR_INVALID;
    try(fit(d, number, &count, is_whole));
    d->from[number] = d->tokens.count;
    d->text[number].count = count;
    d->tokens.count += count;
    return OK;
}

static enum err put_all(struct draft *d)
{
    size_t count = d->request->count;
    d->text = mem_zero(count, sizeof *d->text);
    d->from = mem_zero(count, sizeof *d->from);
    if (!d->text || !d->from)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        try(put_input(d, i));
    for (size_t i = 0; i < count; i++)
        d->text[i].token = d->tokens.token + d->from[i];
    return OK;
}

static enum err embed_llama_embed(const struct embed_request *request,
                                  struct embed_result *ret_result)
{
    struct draft d = {.request = request, .bytes = BUF(TEXT_BYTES)};
    uint64_t began_us = clock_us();
    enum err err = put_all(&d);
    if (err == OK)
        err = embed_batch_run(d.text, request->count, request);
    if (err == OK)
        *ret_result =
            (struct embed_result){(uint32_t)d.tokens.count, d.shortened, clock_us() - began_us};
    draft_finish(&d);
    return err;
}

const struct embed_driver embed_llama = {
    .name = "llama",
    .load = embed_llama_load,
    .start = embed_llama_start,
    .unload = embed_llama_unload,
    .embed = embed_llama_embed,
};
