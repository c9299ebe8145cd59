// SPDX-License-Identifier: Apache-2.0
/* Whatever a list of models says: what is taken from it leads nowhere, and is the same when it was written and read. */
#include "base/check.h"
#include "fuzz.h"
#include "server/models/model_list.h"

static void check_model(const struct model *m, enum model_list_use use)
{
    struct model_source s;
    check(model_name_is_good(m->name) && model_kind_is_good(m->kind));
    check(m->file_count >= 1 && m->file_count <= MODEL_FILES_MAX);
    for (size_t i = 0; i < m->file_count; i++) {
        const struct model_file *f = &m->file[i];
        check(model_source_parse(f->source, &s) == OK);
        check(str_find(f->source, S("/../")) == f->source.n || !s.is_hub);
        if (use == LIST_LOCK)
            check(str_find(f->file, S("..")) >= m->kind.n &&
                  str_find(f->file, S("/../")) == f->file.n && f->file.p[0] != '/' &&
                  sha256_is_good(f->sha256) && f->size > 0);
    }
}

static void check_written(const struct model_list *l)
{
    autobuf text = BUF(4 * MODEL_LIST_BYTES);
    struct model_list again;
    struct model_list_why why;
    check(model_list_print(l, nullptr, nullptr, &text) == OK);
    check(model_list_parse(buf_str(&text), LIST_LOCK, &again, &why) == OK);
    check(again.count == l->count);
    for (size_t i = 0; i < l->count; i++) {
        const struct model *one = &l->model[i], *two = &again.model[i];
        check(one->file_count == two->file_count && one->is_leaving == two->is_leaving);
        for (size_t f = 0; f < one->file_count; f++)
            check(str_eq(one->file[f].file, two->file[f].file) &&
                  str_eq(one->file[f].sha256, two->file[f].sha256));
    }
    model_list_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str text = {(const char *)bytes, size};
    for (int use = LIST_CATALOGUE; use <= LIST_LOCK; use++) {
        struct model_list l;
        struct model_list_why why;
        if (model_list_parse(text, (enum model_list_use)use, &l, &why) != OK)
            continue;
        check(l.count <= MODELS_MAX);
        for (size_t i = 0; i < l.count; i++)
            check_model(&l.model[i], (enum model_list_use)use);
        if (use == LIST_LOCK)
            check_written(&l);
        model_list_free(&l);
    }
    struct model_source s;
    if (model_source_parse(text, &s) == OK && s.is_hub)
        check(!str_starts(s.path, S("/")) && !str_starts(s.path, S(".")) &&
              str_find(s.path, S("/.")) == s.path.n);
    return 0;
}
