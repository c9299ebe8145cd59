// SPDX-License-Identifier: Apache-2.0
#include "llm/model/model_file.h"

#include <errno.h>
#include <fcntl.h>
#include <llama.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "llm/model/gguf_check.h"
#include "wire/model_hash.h"

enum { PATH_MAX_BYTES = 4096 };

static bool (*expects_errors)(void); /* const after model_library_open */

/* libllama tells much; what went wrong is enough. */
static void on_log(enum ggml_log_level level, const char *text, void *)
{
    struct str line = str_trim(str_of(text));
    if (level == GGML_LOG_LEVEL_ERROR && line.n > 1 && !expects_errors())
        log_warn("libllama: %.*s", (int)(line.n < 400 ? line.n : 400), line.p);
}

void model_library_open(bool (*does_expect_errors)(void))
{
    expects_errors = does_expect_errors;
    llama_log_set(on_log, nullptr);
    ggml_backend_load_all();
    llama_backend_init();
}

void model_devices(char *into, size_t size)
{
    size_t n = 0;
    into[0] = 0;
    for (size_t i = 0; i < ggml_backend_dev_count() && n < size; i++)
        n += (size_t)snprintf(into + n, size - n, "%s%s", i ? ", " : "",
                              ggml_backend_dev_name(ggml_backend_dev_get(i)));
}

bool model_library_has_gpu(void)
{
    for (size_t i = 0; i < ggml_backend_dev_count(); i++) {
        enum ggml_backend_dev_type type = ggml_backend_dev_type(ggml_backend_dev_get(i));
        if (type == GGML_BACKEND_DEVICE_TYPE_GPU || type == GGML_BACKEND_DEVICE_TYPE_IGPU)
            return true;
    }
    return false;
}

/* --- the file --- */

static enum err check_open(int fd, const char *path, struct gguf_facts *ret_facts,
                           char why[LLM_WHY_BYTES])
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
        snprintf(why, LLM_WHY_BYTES, "%.180s is no model file", path);
        return ERR_INVALID;
    }
    void *bytes = mmap(nullptr, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return err_from_errno(errno);
    enum err err = gguf_check((struct str){bytes, (size_t)st.st_size}, ret_facts, why);
    munmap(bytes, (size_t)st.st_size);
    return err;
}

static enum err check_file(const char *path, struct gguf_facts *ret_facts, char why[LLM_WHY_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum err err = err_from_errno(errno);
        snprintf(why, LLM_WHY_BYTES, "cannot open the model %.160s: %s", path, err_text(err));
        return err;
    }
    enum err err = check_open(fd, path, ret_facts, why);
    close(fd);
    return err;
}

static enum err check_use(const char *path, enum model_use use, const struct gguf_facts *facts,
                          char why[LLM_WHY_BYTES])
{
    const char *remedy = nullptr;
    if (use == MODEL_ANSWERS && facts->looks_ahead)
        remedy = "makes vectors of texts and answers nothing; name it with embed.model";
    else if (use == MODEL_EMBEDS && !facts->looks_ahead)
        remedy =
            "writes texts; embed.model takes an encoder such as e5-small-v2, and llm.model this";
    else if (use == MODEL_EMBEDS && !facts->pools)
        remedy = "does not say how it makes one vector of a text (pooling); convert it anew";
    if (!remedy)
        return OK;
    snprintf(why, LLM_WHY_BYTES, "the model %.120s %s", path, remedy);
    return ERR_UNSUPPORTED;
}

/* --- the model --- */

static enum err make_path(const struct llm_load *load, enum model_use use, struct buf *path,
                          char why[LLM_WHY_BYTES])
{
    if (load->model.n == 0) {
        snprintf(why, LLM_WHY_BYTES, "%s.model must name a GGUF file",
                 use == MODEL_EMBEDS ? "embed" : "llm");
        return ERR_INVALID;
    }
    bool absolute = load->model.p[0] == '/' || load->model_dir.n == 0;
    if (!absolute) {
        try(buf_add(path, load->model_dir));
        try(buf_add_byte(path, '/'));
    }
    try(buf_add(path, load->model));
    return buf_add_byte(path, 0);
}

enum err model_file_open(const struct llm_load *load, enum model_use use, uint32_t gpu_layers,
                         struct llama_model **ret_model, char why[LLM_WHY_BYTES])
{
    autobuf path = BUF(PATH_MAX_BYTES);
    struct gguf_facts facts;
    try(make_path(load, use, &path, why));
    if (load->sha256.n)
        try(model_hash_check(path.p, load->sha256, why));
    try(check_file(path.p, &facts, why));
    try(check_use(path.p, use, &facts, why));
    struct llama_model_params p = llama_model_default_params();
    p.n_gpu_layers = (int32_t)gpu_layers;
    struct llama_model *model = llama_model_load_from_file(path.p, p);
    if (!model) {
        snprintf(why, LLM_WHY_BYTES, "libllama cannot load the model %.160s; see the log", path.p);
        return ERR_INVALID;
    }
    *ret_model = model;
    return OK;
}

static uint64_t number_of(const struct llama_model *model, const char *key, uint64_t otherwise)
{
    char name[96], text[32];
    int64_t n = 0;
    int used = llama_model_meta_val_str(model, "general.architecture", text, sizeof text);
    if (used <= 0 || used >= (int)sizeof text)
        return otherwise;
    snprintf(name, sizeof name, "%s.attention.%s", text, key);
    used = llama_model_meta_val_str(model, name, text, sizeof text);
    bool is_number = used > 0 && used < (int)sizeof text && str_to_i64(str_of(text), &n) == OK;
    return is_number && n > 0 ? (uint64_t)n : otherwise;
}

uint64_t model_token_numbers(const struct llama_model *model)
{
    if (llama_model_is_recurrent(model))
        return 0;
    uint64_t heads = (uint64_t)llama_model_n_head(model), head = 0;
    if (heads > 0)
        head = (uint64_t)llama_model_n_embd(model) / heads;
    uint64_t of_head =
        number_of(model, "key_length", head) + number_of(model, "value_length", head);
    return (uint64_t)llama_model_n_layer(model) * (uint64_t)llama_model_n_head_kv(model) * of_head;
}

void model_name(const struct llama_model *model, char *into, size_t size)
{
    if (llama_model_meta_val_str(model, "general.name", into, size) <= 0)
        llama_model_desc(model, into, size);
}
