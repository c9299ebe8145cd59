// SPDX-License-Identifier: Apache-2.0
/* Models into their places and into models.lock, and what is there already. */
#include <stdio.h>
#include <sys/stat.h>

#include "server/cli/pull_parts.h"

/* --- its place --- */

static void file_of(const struct wish *w, char into[MODEL_FILE_MAX + 16])
{
    struct str file = model_source_file(&w->source), ending = {};
    for (size_t i = file.n; i > 0 && !ending.p; i--)
        if (file.p[i - 1] == '.')
            ending = str_sub(file, i - 1, file.n);
    char name[MODEL_FILE_MAX + 1];
    snprintf(name, sizeof name, "%s%.*s", w->name, STR_FMT(str_sub(ending, 0, 16)));
    bool is_good = model_file_is_good(str_of(name));
    snprintf(into, MODEL_FILE_MAX + 16, "%.*s/%s", STR_FMT(w->model.kind),
             is_good ? name : w->name);
}

/* --- the list --- */

int pull_cannot_store(const struct pull *p, enum err err)
{
    switch (err) {
    case ERR_NOMEM:
        return pull_fail(p, err, "there is not enough memory; end some programs and try again");
    case ERR_NOTFOUND:
        return pull_fail(
            p, err,
            "%s cannot be made, because a folder above it is missing; make that, or choose another with --models-dir",
            p->dir.path);
    case ERR_NOSPACE:
        return pull_fail(p, err, "the disk is full at %s; make room and try again", p->dir.path);
    case ERR_SYNTAX:
        return pull_fail(
            p, err, "%s/models.lock is damaged; restore it, or remove it and pull the models anew",
            p->dir.path);
    case ERR_TOOBIG:
        return pull_fail(p, err,
                         "%s holds %d models already; remove some with 'repartee models rm NAME'",
                         p->dir.path, MODELS_MAX);
    default:
        return pull_fail(
            p, err,
            "%s cannot be read or written (%s); look at its rights, or choose another folder with --models-dir",
            p->dir.path, err_text(err));
    }
}

static void tell(const struct pull *p, const struct model *m)
{
    if (p->c->json)
        return;
    printf("%.*s is installed (%.*s, %.1f MB%s%.*s).", STR_FMT(m->name), STR_FMT(m->kind),
           (double)m->size / 1e6, m->licence.n ? ", licence " : "", STR_FMT(m->licence));
    if (str_eq(m->kind, S("llm")) || str_eq(m->kind, S("embed")))
        printf(" Use it with --%.*s-model %.*s", STR_FMT(m->kind), STR_FMT(m->name));
    putchar('\n');
}

enum err pull_read_installed(struct pull *p)
{
    struct model_list installed;
    struct model_list_why why;
    try(models_dir_read(&p->dir, &installed, &why));
    model_list_free(&p->installed);
    p->installed = installed;
    return OK;
}

static int enter(struct pull *p, const struct wish *w, const char *file, const struct hub_facts *is)
{
    struct model_list_why why;
    struct model m = w->model;
    m.name = str_of(w->name);
    m.file = str_of(file);
    m.sha256 = str_of(is->sha256);
    m.size = is->size;
    if (is->commit[0])
        m.revision = str_of(is->commit);
    enum err err = models_dir_add(&p->dir, &m, &why);
    if (err == ERR_INVALID && why.text[0])
        return cli_fail(
            p->c, "%s cannot be entered into %s/models.lock (%s); take another name with --as",
            w->name, p->dir.path, why.text);
    if (err == OK)
        err = pull_read_installed(p);
    if (err != OK)
        return pull_cannot_store(p, err);
    p->done++;
    tell(p, &m);
    return EXIT_OK;
}

/* A file that stands where the model belongs, perhaps since a crash: is it the one? Then is->size is known, too. */
static bool is_it(const struct pull *p, const char *file, struct hub_facts *is)
{
    char path[MODELS_PATH_BYTES], sha256[SHA256_HEX + 1];
    struct stat about;
    if (models_dir_file(&p->dir, &(struct model){.file = str_of(file)}, path) != OK ||
        stat(path, &about) != 0 || about.st_size == 0 || (is->size && about.st_size != is->size))
        return false;
    return models_hash_file(path, sha256, &is->size) == OK && strcmp(sha256, is->sha256) == 0;
}

/* Is the file in its place what the list has by this name, so that a better one may take that place? */
static bool is_own(const struct pull *p, const struct wish *w, const char *file)
{
    const struct model *m = model_list_find(&p->installed, str_of(w->name));
    return m && str_eq(m->file, str_of(file));
}

int pull_install(struct pull *p, const struct wish *w, struct part *part,
                 const struct hub_facts *is)
{
    char file[MODEL_FILE_MAX + 16], kind[16];
    file_of(w, file);
    snprintf(kind, sizeof kind, "%.*s", STR_FMT(w->model.kind));
    enum err err = part_install(part, kind, file, is_own(p, w, file));
    struct hub_facts there = *is;
    if (err == ERR_CONFLICT && is_it(p, file, &there)) {
        part_discard(part);
        err = OK;
    }
    part_close(part);
    progress_clear(&p->progress);
    if (err == ERR_CONFLICT)
        return pull_fail(
            p, err,
            "%s/%s is another file, of which models.lock knows nothing; move it away, or take another name with --as",
            p->dir.path, file);
    return err == OK ? enter(p, w, file, is) : pull_cannot_store(p, err);
}

/* --- what is there --- */

static bool is_same(const struct model *m, const struct wish *w)
{
    return w->model.sha256.n ? str_eq(m->sha256, w->model.sha256)
                             : str_eq(m->source, w->model.source);
}

static bool is_listed_whole(const struct pull *p, const struct model *m)
{
    char path[MODELS_PATH_BYTES];
    struct stat about;
    return models_dir_file(&p->dir, m, path) == OK && stat(path, &about) == 0 &&
           about.st_size == m->size;
}

/* What a crash or a full disk has left in its place, but not in the list. */
static int enter_unlisted(struct pull *p, const struct wish *w, bool *ret_is)
{
    char file[MODEL_FILE_MAX + 16];
    struct hub_facts is = {.size = w->model.size};
    file_of(w, file);
    snprintf(is.sha256, sizeof is.sha256, "%.*s", STR_FMT(w->model.sha256));
    *ret_is = is.sha256[0] && is_it(p, file, &is);
    return *ret_is ? enter(p, w, file, &is) : EXIT_OK;
}

int pull_look(struct pull *p, const struct wish *w, bool *ret_is)
{
    const struct model *m = model_list_find(&p->installed, str_of(w->name));
    *ret_is = false;
    if (m && !is_same(m, w))
        return pull_fail(
            p, ERR_CONFLICT,
            "there is another model named %s; remove it with 'repartee models rm %s', or take another name with --as",
            w->name, w->name);
    if (!m || !is_listed_whole(p, m))
        return enter_unlisted(p, w, ret_is);
    if (!p->c->json)
        fprintf(stderr, "%s is there already.\n", w->name);
    *ret_is = true;
    return EXIT_OK;
}
