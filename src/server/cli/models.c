// SPDX-License-Identifier: Apache-2.0
/* The models that are there: listed, removed, looked at whether they are still what they were. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "server/cli/advise.h"
#include "server/models/catalogue.h"
#include "server/models/models_dir.h"

enum { LIST_MAX = 4 * 1024 * 1024 };

static int fail(const struct cli *c, const struct models_dir *d, enum err err,
                const struct model_list_why *why)
{
    if (err == ERR_NOMEM)
        return cli_no_memory(c);
    if (err == ERR_SYNTAX)
        return cli_fail(
            c, "%s/models.lock is damaged: %s; restore it, or remove it and pull the models anew",
            d->path, why->text);
    return cli_fail(c, "%s cannot be read or written (%s); look at its rights", d->path,
                    err_text(err));
}

/* --- list --- */

struct listing {
    const struct models_dir *dir;
    const struct model_list *there;
    struct model_list catalogue;
    struct advice_machine machine;
};

static void put_file(struct json_out *j, const struct model_file *f)
{
    json_obj(j);
    if (f->file.n)
        json_kstr(j, "file", f->file);
    if (f->size)
        json_kint(j, "size", f->size);
    json_kstr(j, "sha256", f->sha256);
    json_kstr(j, "source", f->source);
    json_end(j);
}

/* `size` is of all files, what else is said of one file of the first. */
static void put_json(struct json_out *j, const struct listing *l, const struct model *m)
{
    const struct model_file *first = &m->file[0];
    int64_t size = model_size(m);
    struct advice a = advice_on(&l->machine, &l->catalogue, m);
    json_obj(j);
    json_kstr(j, "name", m->name);
    json_kstr(j, "kind", m->kind);
    if (first->file.n)
        json_kstr(j, "file", first->file);
    if (size)
        json_kint(j, "size", size);
    json_kstr(j, "sha256", first->sha256);
    json_kstr(j, "licence", m->licence);
    json_kstr(j, "source", first->source);
    json_kstr(j, "revision", m->revision);
    json_key(j, "files");
    json_arr(j);
    for (size_t i = 0; i < m->file_count; i++)
        put_file(j, &m->file[i]);
    json_end(j);
    if (!first->file.n) {
        json_kstr(j, "languages", m->languages);
        json_kbool(j, "gated", m->is_gated);
    }
    advise_put(j, &a);
    json_end(j);
}

static int list_json(const struct cli *c, const struct listing *l)
{
    const struct model_list *there = l->there, *catalogue = &l->catalogue;
    autobuf out = BUF(LIST_MAX);
    struct json_out j = {.to = &out};
    json_obj(&j);
    json_kstr(&j, "folder", str_of(l->dir->path));
    json_key(&j, "installed");
    json_arr(&j);
    for (size_t i = 0; i < there->count; i++)
        put_json(&j, l, &there->model[i]);
    json_end(&j);
    json_key(&j, "catalogue");
    json_arr(&j);
    for (size_t i = 0; i < catalogue->count; i++)
        put_json(&j, l, &catalogue->model[i]);
    json_end(&j);
    json_end(&j);
    if (json_finish(&j) != OK)
        return cli_no_memory(c);
    printf("%.*s\n", STR_FMT(out));
    return EXIT_OK;
}

static void put_size(int64_t size)
{
    if (size)
        printf("%8.1f MB  ", (double)size / 1e6);
    else
        printf("%11s  ", "");
}

static void list_known(const struct listing *l, const struct model *m)
{
    char words[64];
    struct advice a = advice_on(&l->machine, &l->catalogue, m);
    advise_words(&a, words);
    printf("  %-24.*s %-6.*s", STR_FMT(m->name), STR_FMT(m->kind));
    put_size(model_size(m));
    printf("%.*s%s, %.1f GB of memory, %.*s%s%s%s\n", STR_FMT(m->licence),
           m->is_gated ? " (gated: needs HF_TOKEN)" : "", (double)m->memory_mib * 1.048576e-3,
           STR_FMT(m->languages), words[0] ? "; " : "", words,
           a.suits ? "; suits this machine" : "");
}

static void list_text(const struct listing *l)
{
    const struct models_dir *d = l->dir;
    const struct model_list *there = l->there, *catalogue = &l->catalogue;
    printf(there->count ? "Installed in %s\n" : "No models are installed in %s\n", d->path);
    for (size_t i = 0; i < there->count; i++) {
        const struct model *m = &there->model[i];
        printf("  %-24.*s %-6.*s", STR_FMT(m->name), STR_FMT(m->kind));
        put_size(model_size(m));
        printf("%.*s\n", STR_FMT(m->licence));
    }
    printf(
        "Known; 'repartee pull NAME' brings one, 'repartee pull' a small set for this machine\n");
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct model *m = &catalogue->model[i];
        if (!model_list_find(there, m->name))
            list_known(l, m);
    }
    unsigned unfinished;
    int64_t bytes;
    models_dir_unfinished(d, &unfinished, &bytes);
    if (unfinished)
        printf("Unfinished: %.1f MB in %s/.part; pull the same again, or delete that folder\n",
               (double)bytes / 1e6, d->path);
}

static int list(const struct cli *c, const struct models_dir *d, const struct model_list *there)
{
    struct listing l = {.dir = d, .there = there};
    if (catalogue_read(&l.catalogue) != OK)
        return cli_no_memory(c);
    advise_measure(&c->conf, &l.machine);
    int code = EXIT_OK;
    if (c->json)
        code = list_json(c, &l);
    else
        list_text(&l);
    model_list_free(&l.catalogue);
    return code;
}

/* --- verify --- */

static int verify_file(const struct cli *c, const struct models_dir *d, const struct model *m,
                       const struct model_file *f)
{
    char path[MODELS_PATH_BYTES], sha256[SHA256_HEX + 1];
    int64_t size = 0;
    enum err err = models_dir_path(d, f->file, path);
    if (err == OK)
        err = models_hash_file(path, sha256, &size);
    if (err != OK)
        return cli_fail(
            c,
            "%.*s: %s cannot be read (%s); remove it with 'repartee models rm %.*s' and pull it anew",
            STR_FMT(m->name), path, err_text(err), STR_FMT(m->name));
    if (size != f->size || !str_eq(f->sha256, str_of(sha256)))
        return cli_fail(
            c,
            "%.*s: %s is not what was installed (SHA-256 %s); remove it with 'repartee models rm %.*s' and pull it anew",
            STR_FMT(m->name), path, sha256, STR_FMT(m->name));
    return EXIT_OK;
}

static int verify_one(const struct cli *c, const struct models_dir *d, const struct model *m)
{
    int code = EXIT_OK;
    for (size_t i = 0; i < m->file_count; i++)
        if (verify_file(c, d, m, &m->file[i]) != EXIT_OK)
            code = EXIT_FAILED;
    if (code == EXIT_OK && !c->json)
        printf("%.*s is as it was installed.\n", STR_FMT(m->name));
    return code;
}

static int no_such(const struct cli *c, const char *name)
{
    return cli_fail(c, "there is no model named %.100s; 'repartee models' shows them all", name);
}

static int verify(const struct cli *c, const struct models_dir *d, const struct model_list *there,
                  const char *name)
{
    int code = EXIT_OK;
    if (name && !model_list_find(there, str_of(name)))
        return no_such(c, name);
    for (size_t i = 0; i < there->count; i++)
        if ((!name || str_eq_nocase(there->model[i].name, str_of(name))) &&
            verify_one(c, d, &there->model[i]) != EXIT_OK)
            code = EXIT_FAILED;
    if (!c->json && there->count == 0)
        puts("No models are installed.");
    if (c->json && code == EXIT_OK)
        printf("{\"verified\":%zu}\n", name ? 1 : there->count);
    return code;
}

/* --- rm --- */

static int remove_one(const struct cli *c, struct models_dir *d, const char *name)
{
    char holder[MODELS_HOLDER_BYTES];
    struct model_list_why why = {};
    enum err err = models_dir_lock(d, "models", holder);
    if (err == ERR_CONFLICT)
        return cli_fail(c, "%s changes %s now; wait for its end, then try again", holder, d->path);
    if (err == OK)
        err = models_dir_remove(d, str_of(name), &why);
    models_dir_unlock(d);
    if (err == ERR_NOTFOUND)
        return no_such(c, name);
    if (err != OK)
        return fail(c, d, err, &why);
    if (c->json)
        printf("{\"removed\":1}\n");
    else
        printf("%s is removed.\n", name);
    return EXIT_OK;
}

/* --- --- */

int cli_models(struct cli *c)
{
    const char *what = c->count ? c->operand[0] : "list";
    const char *name = c->count > 1 ? c->operand[1] : nullptr;
    bool is_list = strcmp(what, "list") == 0, is_rm = strcmp(what, "rm") == 0;
    struct models_dir d;
    struct model_list there;
    struct model_list_why why;
    if (!is_list && !is_rm && strcmp(what, "verify") != 0)
        return cli_misuse(c, "\"%s\" is none of list, rm NAME and verify", what);
    if (is_list && name)
        return cli_misuse(c, "\"%s\" is one argument too many; leave it out", name);
    if (is_rm && !name)
        return cli_misuse(c, "which model? Write: repartee models rm NAME");
    if (models_dir_init(&d, c->conf.models_dir, c->data) != OK)
        return cli_misuse(
            c, "the name of the folder of models is too long; choose another with --models-dir");
    if (is_rm)
        return remove_one(c, &d, name);
    enum err err = models_dir_read(&d, &there, &why);
    if (err != OK)
        return fail(c, &d, err, &why);
    int code = is_list ? list(c, &d, &there) : verify(c, &d, &there, name);
    model_list_free(&there);
    return code;
}
