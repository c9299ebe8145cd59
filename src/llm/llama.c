// SPDX-License-Identifier: Apache-2.0
/*
 * Open-weight language models in GGUF files, by libllama. Options (a comma between them):
 *
 *     context=4096   tokens of one answer with its prompt; 0: as the model was trained, at most 8192, and as there is
 *                    room for
 *     parallel=4     answers at once; with context=0 fewer where there is not room for as many
 *     room=6000      MiB of memory that all of it may take; 0: it is not counted
 *     gpu_layers=99  layers on a graphics processor, where ggml finds one
 *     kv_bits=16     precision of what the model remembers: 8 (half the memory), 16, or 32 (an
 *                    answer is all but always the same whoever else is being answered; slower)
 *     template=NAME  the chat template, where the file's own is missing or not known
 */
#include <llama.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "llm/decode/room.h"
#include "llm/decode/sample.h"
#include "llm/decode/schedule.h"
#include "llm/model/model_file.h"
#include "wire/script.h"

enum {
    CONTEXT_MIN = 256,
    CONTEXT_USUAL = 8192,
    CONTEXT_MAX = 1 << 20,
    PARALLEL_USUAL = 4,
    NAME_BYTES = 128,
};

static struct llama_model *model;
static struct chat_template template;
static struct markers markers;
static uint32_t context;           /* const after load */
static char name[NAME_BYTES];      /* const after load */
static char notes[2 * NAME_BYTES]; /* const after load */

struct options {
    uint32_t context, parallel, gpu_layers, kv_bits, room_mib;
    struct buf template;
};

/* --- load --- */

static enum err parse(struct str text, struct options *o, char why[LLM_WHY_BYTES])
{
    const struct script_word words[] = {
        {"context", .number = &o->context},       {"parallel", .number = &o->parallel},
        {"gpu_layers", .number = &o->gpu_layers}, {"kv_bits", .number = &o->kv_bits},
        {"template", .text = &o->template},       {"room", .number = &o->room_mib},
    };
    try(script_parse(nullptr, text, words, sizeof words / sizeof *words, why));
    if (o->parallel == 0)
        o->parallel = PARALLEL_USUAL;
    if (o->parallel > LLM_SLOTS_MAX || o->context > CONTEXT_MAX ||
        (o->context && o->context < CONTEXT_MIN)) {
        snprintf(why, LLM_WHY_BYTES, "llm.parallel goes up to %d, llm.context from %d to %d",
                 LLM_SLOTS_MAX, CONTEXT_MIN, CONTEXT_MAX);
        return ERR_INVALID;
    }
    return OK;
}

static enum err check_bits(uint32_t bits, char why[LLM_WHY_BYTES])
{
    if (bits == 0 || bits == 8 || bits == 16 || bits == 32)
        return OK;
    snprintf(why, LLM_WHY_BYTES, "kv_bits is 8, 16 or 32");
    return ERR_INVALID;
}

static enum err open_model(const struct llm_load *load, const struct options *o,
                           char why[LLM_WHY_BYTES])
{
    try(model_file_open(load, MODEL_ANSWERS, o->gpu_layers, &model, why));
    if (!llama_model_has_decoder(model) || llama_model_has_encoder(model)) {
        model_name(model, name, sizeof name);
        snprintf(why, LLM_WHY_BYTES, "%.120s is a model, but none that answers", name);
        return ERR_UNSUPPORTED;
    }
    return OK;
}

static enum err open_template(const struct options *o, char why[LLM_WHY_BYTES])
{
    if (o->template.n)
        return template_init(&template, buf_str(&o->template), why);
    return template_init(&template, str_of(llama_model_chat_template(model, nullptr)), why);
}

/* What nobody has said is as the machine has memory for. */
static enum err fit(struct options *o, char why[LLM_WHY_BYTES])
{
    const struct room room = {.bytes = (uint64_t)o->room_mib << 20,
                              .model_bytes = llama_model_size(model),
                              .token_bytes =
                                  model_token_numbers(model) * (o->kv_bits ? o->kv_bits : 16) / 8};
    uint32_t slots = o->parallel, tokens = context;
    if (room_fit(&room, &o->parallel, &context)) {
        if (slots != o->parallel || tokens != context)
            log_info("memory for %u answers at once, of %u tokens each with their questions "
                     "(llm.parallel and llm.context say otherwise)",
                     o->parallel, context);
        return OK;
    }
    model_name(model, name, sizeof name);
    snprintf(why, LLM_WHY_BYTES,
             "%.80s needs %llu MiB of memory at least, and may have %u of this machine's; choose a "
             "smaller model, or set llm.context to take what there is",
             name, (unsigned long long)(room_least_bytes(&room) >> 20), o->room_mib);
    return ERR_TOOBIG;
}

static enum err prepare(struct options *o, uint32_t threads, char why[LLM_WHY_BYTES])
{
    uint32_t trained = (uint32_t)llama_model_n_ctx_train(model);
    if (trained < CONTEXT_MIN) {
        snprintf(why, LLM_WHY_BYTES,
                 "the model file says that it was trained for %u tokens, which cannot be", trained);
        return ERR_INVALID;
    }
    context = o->context ? o->context : trained < CONTEXT_USUAL ? trained : CONTEXT_USUAL;
    bool is_counted = !o->context && o->room_mib && !(o->gpu_layers && model_library_has_gpu());
    if (is_counted)
        try(fit(o, why));
    const struct step_limits limits = {o->parallel, context, threads ? threads : 1, o->kv_bits};
    return schedule_prepare(model, &limits, why);
}

static void describe(const struct options *o)
{
    model_name(model, name, sizeof name);
    char what[64], devices[96];
    llama_model_desc(model, what, sizeof what);
    model_devices(devices, sizeof devices);
    snprintf(notes, sizeof notes, "%s, %u answers at once of %u tokens of context, computed by %s",
             what, o->parallel, context, devices);
}

static void llama_unload(void)
{
    schedule_stop();
    template_finish(&template);
    markers_finish(&markers);
    llama_model_free(model);
    llama_backend_free();
}

static enum err open_all(const struct llm_load *load, struct options *o, char why[LLM_WHY_BYTES])
{
    try(parse(load->options, o, why));
    try(check_bits(o->kv_bits, why));
    try(open_model(load, o, why));
    try(open_template(o, why));
    try(markers_init(&markers, llama_model_get_vocab(model)));
    return prepare(o, load->threads, why);
}

static enum err llama_load(const struct llm_load *load, struct llm_loaded *ret_loaded,
                           char why[LLM_WHY_BYTES])
{
    model_library_open(step_expects_errors);
    struct options o = {.template = BUF(64)};
    enum err err = open_all(load, &o, why);
    buf_finish(&o.template);
    if (err != OK)
        return err;
    describe(&o);
    *ret_loaded = (struct llm_loaded){.model = name,
                                      .languages = "",
                                      .notes = notes,
                                      .slots = o.parallel,
                                      .tools = template.tools};
    return OK;
}

static enum err llama_start(char why[LLM_WHY_BYTES])
{
    enum err err = schedule_start();
    if (err != OK)
        snprintf(why, LLM_WHY_BYTES, "the model %.100s cannot be evaluated", name);
    return err;
}

/* --- answers --- */

static enum err llama_generate(const struct llm_request *request, struct llm_result *ret_result)
{
    /* The answer keeps a quarter of the context at least for the prompt. */
    struct llm_request r = *request;
    uint32_t most = context - context / 4;
    if (r.max_tokens > most)
        r.max_tokens = most;
    const struct llama_vocab *vocab = llama_model_get_vocab(model);
    const struct prompt_maker maker = {&template, vocab, &markers};
    struct sampler *sampler;
    struct prompt prompt;
    try(sample_create(vocab, &r, &sampler));
    enum err err = prompt_build(&maker, &r, context - r.max_tokens, &prompt);
    if (err == OK) {
        err = schedule_generate(&prompt, &r, sampler, ret_result);
        prompt_finish(&prompt);
    }
    sample_destroy(sampler);
    return err;
}

const struct llm_driver llm_llama = {
    .name = "llama",
    .load = llama_load,
    .start = llama_start,
    .unload = llama_unload,
    .generate = llama_generate,
};
