// SPDX-License-Identifier: Apache-2.0
/* Models into their places and into models.lock, and what is there already. */
#include <stdio.h>
#include <sys/stat.h>

#include "server/cli/pull_parts.h"

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

/* Is there an option that names a model of this kind? */
static bool has_option(struct str kind)
{
    size_t count;
    const struct conf_option *o = conf_options(&count);
    for (size_t i = 0; i < count; i++) {
        struct str name = str_of(o[i].name);
        if (str_starts(name, kind) && str_eq(str_sub(name, kind.n, name.n), S(".model")))
            return true;
    }
    return false;
}

static void tell(const struct pull *p, const struct model *m)
{
    if (p->c->json)
        return;
    printf("%.*s is installed (%.*s, %.1f MB%s%.*s).", STR_FMT(m->name), STR_FMT(m->kind),
           (double)model_size(m) / 1e6, m->licence.n ? ", licence " : "", STR_FMT(m->licence));
    if (has_option(m->kind))
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

static int enter(struct pull *p, const struct wish *w, const struct hub_facts *is)
{
    char file[MODEL_FILES_MAX][WISH_FILE_BYTES];
    struct model_list_why why;
    struct model m = w->model;
    m.name = str_of(w->name);
    for (size_t i = 0; i < m.file_count; i++) {
        wish_file(w, i, file[i]);
        m.file[i].file = str_of(file[i]);
        m.file[i].sha256 = str_of(is[i].sha256);
        m.file[i].size = is[i].size;
    }
    if (is[0].commit[0])
        m.revision = str_of(is[0].commit);
    enum err err = models_dir_add(&p->dir, &m, &why);
    if (err == ERR_INVALID && why.text[0])
        return pull_fail(
            p, ERR_CONFLICT,
            "%s cannot be entered into %s/models.lock (%s); take another name with --as", w->name,
            p->dir.path, why.text);
    if (err == OK)
        err = pull_read_installed(p);
    if (err != OK)
        return pull_cannot_store(p, err);
    p->done++;
    tell(p, &m);
    return EXIT_OK;
}

/* --- files --- */

void pull_files_begin(struct pull_files *f, const struct wish *w)
{
    *f = (struct pull_files){};
    for (size_t i = 0; i < w->model.file_count; i++) {
        const struct model_file *file = &w->model.file[i];
        snprintf(f->is[i].sha256, sizeof f->is[i].sha256, "%.*s", STR_FMT(file->sha256));
        f->is[i].size = file->size;
    }
}

void pull_files_close(struct pull_files *f)
{
    for (size_t i = 0; i < MODEL_FILES_MAX; i++) {
        part_close(f->part[i]);
        f->part[i] = nullptr;
    }
}

int64_t pull_files_size(const struct pull_files *f, const struct wish *w)
{
    int64_t size = 0;
    for (size_t i = 0; i < w->model.file_count; i++) {
        if (!f->is[i].size)
            return 0;
        size += f->is[i].size;
    }
    return size;
}

bool pull_in_place(const struct pull *p, const struct wish *w, size_t i, struct hub_facts *is)
{
    char file[WISH_FILE_BYTES], path[MODELS_PATH_BYTES], sha256[SHA256_HEX + 1];
    struct stat about;
    int64_t size;
    wish_file(w, i, file);
    if (!is->sha256[0] || models_dir_path(&p->dir, str_of(file), path) != OK ||
        stat(path, &about) != 0 || about.st_size == 0 || (is->size && about.st_size != is->size) ||
        models_hash_file(path, sha256, &size) != OK || strcmp(sha256, is->sha256) != 0)
        return false;
    is->size = size;
    return true;
}

/* Is the file in its place what the list has by this name, so that a better one may take that place? */
static bool is_own(const struct pull *p, const struct wish *w, const char *file)
{
    const struct model *m = model_list_find(&p->installed, str_of(w->name));
    for (size_t i = 0; m && i < m->file_count; i++)
        if (str_eq(m->file[i].file, str_of(file)))
            return true;
    return false;
}

static int is_taken(const struct pull *p, const char *file)
{
    return pull_fail(
        p, ERR_CONFLICT,
        "%s/%s is another file, of which models.lock knows nothing; move it away, or take another name with --as",
        p->dir.path, file);
}

/* Before the first one gets its name: a file of somebody else's in the place of one of them stops all. */
static int see_places(const struct pull *p, const struct wish *w, struct pull_files *f)
{
    for (size_t i = 0; i < w->model.file_count; i++) {
        char file[WISH_FILE_BYTES], path[MODELS_PATH_BYTES];
        struct stat about;
        wish_file(w, i, file);
        if (!f->part[i] || is_own(p, w, file) ||
            models_dir_path(&p->dir, str_of(file), path) != OK || lstat(path, &about) != 0)
            continue;
        if (!pull_in_place(p, w, i, &f->is[i]))
            return is_taken(p, file);
        part_discard(f->part[i]);
        part_close(f->part[i]);
        f->part[i] = nullptr;
    }
    return EXIT_OK;
}

static int install_one(const struct pull *p, const struct wish *w, size_t i, struct part *part)
{
    char file[WISH_FILE_BYTES], kind[16];
    wish_file(w, i, file);
    snprintf(kind, sizeof kind, "%.*s", STR_FMT(w->model.kind));
    enum err err = part_install(part, kind, file, is_own(p, w, file));
    if (err == ERR_CONFLICT)
        return is_taken(p, file);
    return err == OK ? EXIT_OK : pull_cannot_store(p, err);
}

/* An engine finds the others by the first one, so that one comes last. */
int pull_install(struct pull *p, const struct wish *w, struct pull_files *f)
{
    progress_clear(&p->progress);
    int code = see_places(p, w, f);
    for (size_t i = w->model.file_count; i-- > 0 && code == EXIT_OK;)
        if (f->part[i])
            code = install_one(p, w, i, f->part[i]);
    return code == EXIT_OK ? enter(p, w, f->is) : code;
}

/* --- what is there --- */

/* One that lacks files may get them; none loses any, or changes its kind. */
static bool is_same(const struct model *m, const struct wish *w)
{
    if (!str_eq(m->kind, w->model.kind) || m->file_count > w->model.file_count)
        return false;
    for (size_t i = 0; i < m->file_count; i++) {
        const struct model_file *there = &m->file[i], *wanted = &w->model.file[i];
        if (wanted->sha256.n ? !str_eq(there->sha256, wanted->sha256)
                             : !str_eq(there->source, wanted->source))
            return false;
    }
    return true;
}

static bool is_listed_whole(const struct pull *p, const struct model *m, const struct wish *w)
{
    char path[MODELS_PATH_BYTES];
    struct stat about;
    for (size_t i = 0; i < m->file_count; i++)
        if (models_dir_path(&p->dir, m->file[i].file, path) != OK || stat(path, &about) != 0 ||
            about.st_size != m->file[i].size)
            return false;
    return m->file_count == w->model.file_count;
}

/* What a crash or a full disk has left in its place, but not in the list. */
static int enter_unlisted(struct pull *p, const struct wish *w, bool *ret_is)
{
    struct pull_files f;
    pull_files_begin(&f, w);
    *ret_is = true;
    for (size_t i = 0; i < w->model.file_count && *ret_is; i++)
        *ret_is = pull_in_place(p, w, i, &f.is[i]);
    return *ret_is ? enter(p, w, f.is) : EXIT_OK;
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
    if (!m || !is_listed_whole(p, m, w))
        return enter_unlisted(p, w, ret_is);
    if (!p->c->json)
        fprintf(stderr, "%s is there already.\n", w->name);
    *ret_is = true;
    return EXIT_OK;
}
