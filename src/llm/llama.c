// SPDX-License-Identifier: Apache-2.0
/*
 * Open-weight language models in GGUF files, by libllama. Options (a comma between them):
 *
 *     context=4096   tokens of one answer with its prompt; 0: as the model was trained, at most 8192
 *     parallel=4     answers at once
 *     gpu_layers=99  layers on a graphics processor, where ggml finds one
 *     kv_bits=16     precision of what the model remembers: 8 (half the memory), 16, or 32 (exact,
 *                    so that an answer is the same whoever else is being answered; slower)
 *     template=NAME  the chat template, where the file's own is missing or not known
 *
 * ggml's back ends are loaded before the model, so that the process can be locked in afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <llama.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "llm/gguf_check.h"
#include "llm/sample.h"
#include "llm/schedule.h"
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
static uint32_t context;       /* const after load */
static char name[NAME_BYTES];  /* const after load */
static char notes[NAME_BYTES]; /* const after load */

struct options {
    uint32_t context, parallel, gpu_layers, kv_bits;
    struct buf template;
};

/* --- the file --- */

static enum err check_open(int fd, const char *path, char why[LLM_WHY_BYTES])
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
        snprintf(why, LLM_WHY_BYTES, "%.180s is no model file", path);
        return ERR_INVALID;
    }
    void *bytes = mmap(nullptr, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return err_from_errno(errno);
    enum err err = gguf_check((struct str){bytes, (size_t)st.st_size}, why);
    munmap(bytes, (size_t)st.st_size);
    return err;
}

static enum err check_file(const char *path, char why[LLM_WHY_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum err err = err_from_errno(errno);
        snprintf(why, LLM_WHY_BYTES, "cannot open the model %.160s: %s", path, err_text(err));
        return err;
    }
    enum err err = check_open(fd, path, why);
    close(fd);
    return err;
}

/* --- load --- */

/* libllama tells much; what went wrong is enough. */
static void on_log(enum ggml_log_level level, const char *text, void *)
{
    struct str line = str_trim(str_of(text));
    if (level == GGML_LOG_LEVEL_ERROR && line.n > 1 && !step_is_breaking_off())
        log_warn("libllama: %.*s", (int)(line.n < 400 ? line.n : 400), line.p);
}

static enum err parse(struct str text, struct options *o, char why[LLM_WHY_BYTES])
{
    const struct script_word words[] = {
        {"context", .number = &o->context},       {"parallel", .number = &o->parallel},
        {"gpu_layers", .number = &o->gpu_layers}, {"kv_bits", .number = &o->kv_bits},
        {"template", .text = &o->template},
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

static enum err open_model(const char *path, const struct options *o, char why[LLM_WHY_BYTES])
{
    try(check_file(path, why));
    struct llama_model_params p = llama_model_default_params();
    p.n_gpu_layers = (int32_t)o->gpu_layers;
    model = llama_model_load_from_file(path, p);
    if (!model) {
        snprintf(why, LLM_WHY_BYTES, "libllama cannot load the model %.160s; see the log", path);
        return ERR_INVALID;
    }
    if (!llama_model_has_decoder(model) || llama_model_has_encoder(model)) {
        snprintf(why, LLM_WHY_BYTES, "%.160s is a model, but none that answers", path);
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

static enum err prepare(const struct options *o, uint32_t threads, char why[LLM_WHY_BYTES])
{
    uint32_t trained = (uint32_t)llama_model_n_ctx_train(model);
    if (trained < CONTEXT_MIN) {
        snprintf(why, LLM_WHY_BYTES,
                 "the model file says that it was trained for %u tokens, which cannot be", trained);
        return ERR_INVALID;
    }
    context = o->context ? o->context : trained < CONTEXT_USUAL ? trained : CONTEXT_USUAL;
    const struct step_limits limits = {o->parallel, context, threads ? threads : 1, o->kv_bits};
    return schedule_prepare(model, &limits, why);
}

static void describe(void)
{
    if (llama_model_meta_val_str(model, "general.name", name, sizeof name) <= 0)
        llama_model_desc(model, name, sizeof name);
    char what[64];
    llama_model_desc(model, what, sizeof what);
    snprintf(notes, sizeof notes, "%s, %u tokens of context", what, context);
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
    autobuf path = BUF(4096);
    try(parse(load->options, o, why));
    try(check_bits(o->kv_bits, why));
    if (load->model.n == 0) {
        snprintf(why, LLM_WHY_BYTES, "llm.model must name a GGUF file");
        return ERR_INVALID;
    }
    bool absolute = load->model.p[0] == '/' || load->model_dir.n == 0;
    if (!absolute) {
        try(buf_add(&path, load->model_dir));
        try(buf_add_byte(&path, '/'));
    }
    try(buf_add(&path, load->model));
    try(buf_add_byte(&path, 0));
    try(open_model(path.p, o, why));
    try(open_template(o, why));
    try(markers_init(&markers, llama_model_get_vocab(model)));
    return prepare(o, load->threads, why);
}

static enum err llama_load(const struct llm_load *load, struct llm_loaded *ret_loaded,
                           char why[LLM_WHY_BYTES])
{
    llama_log_set(on_log, nullptr);
    ggml_backend_load_all();
    llama_backend_init();
    struct options o = {.template = BUF(64)};
    enum err err = open_all(load, &o, why);
    buf_finish(&o.template);
    if (err != OK)
        return err;
    describe();
    *ret_loaded = (struct llm_loaded){.model = name,
                                      .languages = "",
                                      .notes = notes,
                                      .slots = o.parallel,
                                      .tools = template_tools(&template)};
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
