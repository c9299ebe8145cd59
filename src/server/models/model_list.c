// SPDX-License-Identifier: Apache-2.0
#include "server/models/model_list.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"

enum { WORDS_MAX = 120 };
constexpr double SIZE_MAX_BYTES = 1e15;

/* A model and what it has beside its first file. */
struct entry {
    struct model model;
    const struct json_val *more;
};
static_assert(offsetof(struct entry, model) == 0);

static const struct json_field fields[] = {
    {"name", JSON_STR, offsetof(struct model, name), .required = true},
    {"kind", JSON_STR, offsetof(struct model, kind), .required = true},
    {"source", JSON_STR, offsetof(struct model, file[0].source), .required = true},
    {"revision", JSON_STR, offsetof(struct model, revision)},
    {"licence", JSON_STR, offsetof(struct model, licence)},
    {"sha256", JSON_STR, offsetof(struct model, file[0].sha256)},
    {"size", JSON_INT, offsetof(struct model, file[0].size), .min = 1, .max = SIZE_MAX_BYTES},
    {"file", JSON_STR, offsetof(struct model, file[0].file)},
    {"more", JSON_ARR, offsetof(struct entry, more)},
    {"leaving", JSON_BOOL, offsetof(struct model, is_leaving)},
    {"languages", JSON_STR, offsetof(struct model, languages)},
    {"instead", JSON_STR, offsetof(struct model, instead)},
    {"memory_mib", JSON_INT, offsetof(struct model, memory_mib), .min = 1, .max = 1 << 30},
    {"gated", JSON_BOOL, offsetof(struct model, is_gated)},
    {"set_mib", JSON_INT, offsetof(struct model, set_mib), .min = 1, .max = 1 << 30},
};
static const struct json_field file_fields[] = {
    {"source", JSON_STR, offsetof(struct model_file, source), .required = true},
    {"sha256", JSON_STR, offsetof(struct model_file, sha256)},
    {"size", JSON_INT, offsetof(struct model_file, size), .min = 1, .max = SIZE_MAX_BYTES},
    {"file", JSON_STR, offsetof(struct model_file, file)},
};

/* --- what a model may say --- */

/* Words for people: no control characters. */
static bool is_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return s.n <= WORDS_MAX;
}

static bool is_revision(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
            return false;
    return s.n >= 40 && s.n <= 64;
}

static bool is_place(const struct model *m, struct str file)
{
    struct str kind;
    return str_cut(&file, '/', &kind) && str_eq(kind, m->kind) && model_file_is_good(file);
}

/* `source` as far as it could be read. A hub's revision is the model's, not a file's. */
static const char *wrong_in_file(const struct model *m, const struct model_file *f,
                                 enum model_list_use use, enum err read,
                                 const struct model_source *source)
{
    bool is_lock = use == LIST_LOCK;
    if (read != OK || (!is_lock && source->revision.n))
        return "source";
    if (!sha256_is_good(f->sha256) && (is_lock || f->sha256.n))
        return "sha256";
    if (is_lock && f->size == 0)
        return "size";
    return (is_lock ? !is_place(m, f->file) : f->file.n > 0) ? "file" : nullptr;
}

static const char *wrong_field(const struct model *m, enum model_list_use use)
{
    if (!model_name_is_good(m->name))
        return "name";
    if (!model_kind_is_good(m->kind))
        return "kind";
    if (m->revision.n && !is_revision(m->revision))
        return "revision";
    if (!is_text(m->licence))
        return "licence";
    if (!is_text(m->languages))
        return "languages";
    if (m->is_leaving && use != LIST_LOCK)
        return "leaving";
    return m->instead.n && !model_name_is_good(m->instead) ? "instead" : nullptr;
}

/* --- reading --- */

static enum err refuse(struct model_list_why *why, size_t number, const char *field,
                       const char *what)
{
    snprintf(why->text, sizeof why->text, "model %zu, %s: %s", number, field, what);
    return ERR_SYNTAX;
}

/* Two models, or two files of one, would overwrite each other. */
static bool has_file(const struct model *m, struct str file)
{
    for (size_t i = 0; i < m->file_count; i++)
        if (str_eq(m->file[i].file, file))
            return true;
    return false;
}

static bool is_taken(const struct model_list *l, const struct model *m, struct str file)
{
    for (size_t i = 0; i < l->count; i++)
        if (has_file(&l->model[i], file))
            return true;
    return has_file(m, file);
}

static enum err take_file(const struct model_list *l, struct model *m, const struct model_file *f,
                          enum model_list_use use, struct model_list_why *why)
{
    struct model_source source = {};
    enum err err = model_source_parse(f->source, &source);
    if (err == ERR_NOMEM)
        return err;
    const char *wrong = wrong_in_file(m, f, use, err, &source);
    if (wrong)
        return refuse(why, l->count + 1, wrong, "this value cannot be");
    if (f->file.n && is_taken(l, m, f->file))
        return refuse(why, l->count + 1, "file", "there are two of it");
    m->file[m->file_count++] = *f;
    return OK;
}

static enum err take_more(const struct model_list *l, struct model *m, const struct json_val *more,
                          enum model_list_use use, struct model_list_why *why)
{
    const struct json_val *one;
    size_t iter = 0;
    if (more && json_count(more) > MODEL_FILES_MAX - 1)
        return refuse(why, l->count + 1, "more", "it holds too many files");
    while (more && json_next(more, &iter, nullptr, &one)) {
        struct model_file f = {};
        struct json_why json = {};
        enum err err = json_read(one, file_fields, sizeof file_fields / sizeof *file_fields,
                                 JSON_IGNORE_UNKNOWN, &f, &json);
        if (err == ERR_NOMEM)
            return err;
        if (err != OK)
            return refuse(why, l->count + 1, "more", json.text);
        try(take_file(l, m, &f, use, why));
    }
    return OK;
}

static enum err take_model(struct model_list *l, const struct json_val *one,
                           enum model_list_use use, struct model_list_why *why)
{
    struct entry e = {};
    struct model *m = &e.model;
    struct json_why json = {};
    size_t number = l->count + 1;
    enum err err =
        json_read(one, fields, sizeof fields / sizeof *fields, JSON_IGNORE_UNKNOWN, &e, &json);
    if (err == ERR_NOMEM)
        return err;
    if (err != OK)
        return refuse(why, number, json.param, json.text);
    const char *wrong = wrong_field(m, use);
    if (wrong)
        return refuse(why, number, wrong, "this value cannot be");
    if (model_list_find(l, m->name))
        return refuse(why, number, "name", "there are two of it");
    const struct model_file first = m->file[0];
    try(take_file(l, m, &first, use, why));
    try(take_more(l, m, e.more, use, why));
    l->model[l->count++] = *m;
    return OK;
}

static enum err take_models(struct model_list *l, const struct json_val *root,
                            enum model_list_use use, struct model_list_why *why)
{
    const struct json_val *models = json_get(root, "models"), *one;
    if (!models || json_typeof(models) != JSON_ARR || json_int(json_get(root, "version"), 0) != 1) {
        snprintf(why->text, sizeof why->text, "it is no list of models of version 1");
        return ERR_SYNTAX;
    }
    size_t count = json_count(models), iter = 0;
    if (count > MODELS_MAX) {
        snprintf(why->text, sizeof why->text, "it holds more than %d models", MODELS_MAX);
        return ERR_SYNTAX;
    }
    l->model = mem_zero(count + 1, sizeof *l->model);
    if (!l->model)
        return ERR_NOMEM;
    while (json_next(models, &iter, nullptr, &one))
        try(take_model(l, one, use, why));
    return OK;
}

enum err model_list_parse(struct str text, enum model_list_use use, struct model_list *ret_list,
                          struct model_list_why *why)
{
    struct model_list l = {};
    struct json_why json = {};
    enum err err = json_parse(text, &l.doc, &json);
    if (err != OK && err != ERR_NOMEM) {
        snprintf(why->text, sizeof why->text, "%s", json.text);
        err = ERR_SYNTAX;
    }
    if (err == OK)
        err = take_models(&l, json_root(l.doc), use, why);
    if (err != OK) {
        model_list_free(&l);
        return err;
    }
    *ret_list = l;
    return OK;
}

void model_list_free(struct model_list *l)
{
    free(l->model);
    json_doc_destroy(l->doc);
    *l = (struct model_list){};
}

const struct model *model_list_find(const struct model_list *l, struct str name)
{
    for (size_t i = 0; i < l->count; i++)
        if (str_eq_nocase(l->model[i].name, name))
            return &l->model[i];
    return nullptr;
}

int64_t model_size(const struct model *m)
{
    int64_t size = 0;
    for (size_t i = 0; i < m->file_count; i++) {
        if (!m->file[i].size)
            return 0;
        size += m->file[i].size;
    }
    return size;
}

/* --- writing --- */

static void put_file(struct json_out *j, const struct model_file *f)
{
    json_kstr(j, "file", f->file);
    json_kint(j, "size", f->size);
    json_kstr(j, "sha256", f->sha256);
    json_kstr(j, "source", f->source);
}

static enum err print_model(const struct model *m, bool is_first, struct buf *into)
{
    try(buf_add(into, is_first ? S("\n  ") : S(",\n  ")));
    struct json_out j = {.to = into};
    json_obj(&j);
    json_kstr(&j, "name", m->name);
    json_kstr(&j, "kind", m->kind);
    put_file(&j, &m->file[0]);
    json_kstr(&j, "licence", m->licence);
    json_kstr(&j, "revision", m->revision);
    if (m->is_leaving)
        json_kbool(&j, "leaving", true);
    if (m->file_count > 1) {
        json_key(&j, "more");
        json_arr(&j);
        for (size_t i = 1; i < m->file_count; i++) {
            json_obj(&j);
            put_file(&j, &m->file[i]);
            json_end(&j);
        }
        json_end(&j);
    }
    json_end(&j);
    return json_finish(&j);
}

enum err model_list_print(const struct model_list *l, const struct model *but,
                          const struct model *more, struct buf *into)
{
    bool is_first = true;
    try(buf_add(into, S("{\"version\": 1, \"models\": [")));
    for (size_t i = 0; i < l->count; i++) {
        if (&l->model[i] == but)
            continue;
        try(print_model(&l->model[i], is_first, into));
        is_first = false;
    }
    if (more)
        try(print_model(more, is_first, into));
    return buf_add(into, S("\n]}\n"));
}
