// SPDX-License-Identifier: Apache-2.0
#include "server/models/named.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/models/catalogue.h"

/* A name, and the same with its family before it; "": too long for one. */
struct names {
    char bare[MODEL_NAME_MAX + 1], full[2 * MODEL_NAME_MAX + 2];
};

static struct names names_of(const char *given, const char *family)
{
    struct names n = {};
    if (strlen(given) > MODEL_NAME_MAX || strlen(family) > MODEL_NAME_MAX)
        return n;
    snprintf(n.bare, sizeof n.bare, "%s", given);
    if (family[0])
        snprintf(n.full, sizeof n.full, "%s-%s", family, given);
    return n;
}

static const struct model *find_in(const struct model_list *list, const struct names *n)
{
    const struct model *m = n->bare[0] ? model_list_find(list, str_of(n->bare)) : nullptr;
    return m || !n->full[0] ? m : model_list_find(list, str_of(n->full));
}

bool model_is_called(struct str name, const char *given, const char *family)
{
    const struct names n = names_of(given, family);
    return (n.bare[0] && str_eq_nocase(name, str_of(n.bare))) ||
           (n.full[0] && str_eq_nocase(name, str_of(n.full)));
}

/* The name by which it can be pulled; "": there is none. */
static void find_known(const struct names *n, char into[MODEL_NAME_MAX + 1])
{
    struct model_list catalogue;
    into[0] = 0;
    if (catalogue_read(&catalogue) != OK)
        return;
    const struct model *m = find_in(&catalogue, n);
    if (m)
        snprintf(into, MODEL_NAME_MAX + 1, "%.*s", STR_FMT(m->name));
    model_list_free(&catalogue);
}

/* An installed model of this name, or whose file this is. */
static const struct model *find_installed(const struct models_dir *dir,
                                          const struct model_list *list, const struct names *n,
                                          const char *real)
{
    char path[MODELS_PATH_BYTES];
    const struct model *m = find_in(list, n);
    for (size_t i = 0; !m && real && i < list->count; i++)
        if (models_dir_file(dir, &list->model[i], path) == OK && strcmp(path, real) == 0)
            m = &list->model[i];
    return m;
}

enum err model_name_installed(const struct models_dir *dir, const struct model *m,
                              struct model_named *named)
{
    try(models_dir_file(dir, m, named->path));
    snprintf(named->sha256, sizeof named->sha256, "%.*s", STR_FMT(m->file[0].sha256));
    if (m->file_count > 1)
        snprintf(named->sha256_beside, sizeof named->sha256_beside, "%.*s",
                 STR_FMT(m->file[1].sha256));
    snprintf(named->name, sizeof named->name, "%.*s", STR_FMT(m->name));
    return OK;
}

/* ".onnx" of "b.onnx"; "": there is none. */
static struct str ending_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && dot > name && dot[1] ? str_of(dot) : S("");
}

/* A store such as the hub's cache keeps files by their hash and links to them by name. Then what belongs to a file is
 * beside the link, and its ending is that of the link, which is taken as it is, in its folder. Else a link is
 * followed to the end. An engine is not locked in yet when it opens a model, so it may lie anywhere. */
static void use_path(const char *given, const char *real, char into[MODELS_PATH_BYTES])
{
    char folder[MODELS_PATH_BYTES];
    const char *slash = strrchr(given, '/'), *name = slash ? slash + 1 : given;
    const struct str ending = ending_of(name);
    snprintf(into, MODELS_PATH_BYTES, "%s", real);
    if (ending.n == 0 || str_ends(str_of(real), ending) || strlen(given) >= sizeof folder)
        return;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(name - given) : 1, slash ? given : ".");
    char *whole = realpath(folder, nullptr);
    if (whole && strlen(whole) + strlen(name) + 2 <= MODELS_PATH_BYTES)
        snprintf(into, MODELS_PATH_BYTES, "%s/%s", strcmp(whole, "/") == 0 ? "" : whole, name);
    free(whole);
}

static void use_file(const char *given, const char *family, const struct models_dir *dir,
                     const struct model_list *list, struct model_named *named)
{
    char known[MODEL_NAME_MAX + 1] = "";
    const struct names names = names_of(given, family);
    char *real = given[0] ? realpath(given, nullptr) : nullptr;
    const struct model *m = find_installed(dir, list, &names, real);
    if (real)
        use_path(given, real, named->path);
    else
        snprintf(named->path, sizeof named->path, "%s", given);
    if ((!m || model_name_installed(dir, m, named) != OK) && !real)
        find_known(&names, known);
    if (known[0])
        snprintf(named->wrong, sizeof named->wrong,
                 "the model %.64s is not installed; 'repartee pull %s' brings it", given, known);
    free(real);
}

enum err model_read_installed(const char *models_dir, const char *data, struct models_dir *ret_dir,
                              struct model_list *ret_list, char wrong[MODEL_WRONG_BYTES])
{
    struct model_list_why why = {};
    enum err err = models_dir_init(ret_dir, models_dir, data);
    if (err == OK)
        err = models_dir_read(ret_dir, ret_list, &why);
    if (err != OK)
        snprintf(wrong, MODEL_WRONG_BYTES,
                 "%.90s/models.lock cannot be read (%.60s); restore it, or remove it and pull the "
                 "models anew",
                 ret_dir->path, why.text[0] ? why.text : err_text(err));
    return err;
}

void model_find_named(const char *given, const char *family, const char *models_dir,
                      const char *data, struct model_named *ret_named)
{
    struct models_dir dir;
    struct model_list list;
    if (model_read_installed(models_dir, data, &dir, &list, ret_named->wrong) != OK)
        return;
    use_file(given, family, &dir, &list, ret_named);
    model_list_free(&list);
}

void model_find_of_kind(struct str kind, const char *models_dir, const char *data,
                        struct model_named *ret_named)
{
    struct models_dir dir;
    struct model_list list;
    if (model_read_installed(models_dir, data, &dir, &list, ret_named->wrong) != OK)
        return;
    for (size_t i = list.count; i-- > 0 && !ret_named->path[0];)
        if (str_eq(list.model[i].kind, kind))
            (void)model_name_installed(&dir, &list.model[i], ret_named);
    model_list_free(&list);
}
