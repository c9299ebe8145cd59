// SPDX-License-Identifier: Apache-2.0
/* Models from a folder, for machines without a network: what a browser has saved, or another machine's models. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/cli/pull_parts.h"
#include "server/models/disk.h"

enum { PIECE = 1 << 20 };

/* A model's files below `folder`, open. */
struct found {
    int fd[MODEL_FILES_MAX]; /* -1: not open */
    int64_t size[MODEL_FILES_MAX];
    char path[MODEL_FILES_MAX][MODELS_PATH_BYTES];
};

static void close_files(struct found *f)
{
    for (size_t i = 0; i < MODEL_FILES_MAX; i++)
        if (f->fd[i] >= 0)
            close(f->fd[i]);
}

/* By what models.lock there says, by its own name or by the hub's. ERR_NOTFOUND, or what is wrong with its path. */
static enum err open_file(const char *folder, const struct model *there, const struct wish *w,
                          size_t i, struct found *f)
{
    char place[WISH_FILE_BYTES];
    wish_file(w, i, place);
    const struct str names[] = {
        there && i < there->file_count ? there->file[i].file : S(""),
        model_source_file(&w->source[i]),
        str_sub(str_of(place), w->model.kind.n + 1, sizeof place),
        i == 0 ? str_of(w->name) : S(""),
    };
    enum err err = ERR_NOTFOUND;
    for (size_t n = 0; n < sizeof names / sizeof *names && err == ERR_NOTFOUND; n++) {
        if (!names[n].n || snprintf(f->path[i], MODELS_PATH_BYTES, "%s/%.*s", folder,
                                    STR_FMT(names[n])) >= MODELS_PATH_BYTES)
            continue;
        err = disk_open_file(f->path[i], &f->fd[i], &f->size[i]);
    }
    return err;
}

/* All of them, before the first one is copied. */
static int open_files(const struct pull *p, const char *folder, const struct model *there,
                      const struct wish *w, struct found *f)
{
    for (size_t i = 0; i < w->model.file_count; i++) {
        enum err err = open_file(folder, there, w, i, f);
        if (err == ERR_NOTFOUND)
            return cli_fail(p->c, "there is no file %.*s in %s; copy it there",
                            STR_FMT(model_source_file(&w->source[i])), folder);
        if (err == ERR_INVALID)
            return cli_fail(p->c, "%s is no plain file; put the model's file in its place",
                            f->path[i]);
        if (err != OK)
            return cli_cannot_read(p->c, f->path[i], errno);
        int64_t size = w->model.file[i].size;
        if (f->size[i] == 0)
            return cli_fail(p->c, "%s is empty; copy it anew", f->path[i]);
        if (size && f->size[i] != size)
            return cli_fail(
                p->c,
                "%s is not the file that was meant: its size is %lld bytes, not %lld; copy it anew",
                f->path[i], (long long)f->size[i], (long long)size);
    }
    return EXIT_OK;
}

/* A model that is being copied. */
struct copying {
    const struct found *from;
    struct pull_files to;
    int64_t before, total; /* bytes of the files before, and of all */
};

/* `ret_unread`: by which error number the file could not be read, or 0. What a pull from the network has brought of the
 * model stays until there is something to put in its place. */
static enum err copy(struct pull *p, const struct wish *w, const struct copying *g, int fd,
                     struct part *part, int *ret_unread)
{
    autofree char *piece = malloc(PIECE);
    if (!piece)
        return ERR_NOMEM;
    ssize_t n = read(fd, piece, PIECE);
    if (n > 0)
        try(part_restart(part));
    while (n > 0) {
        try(part_write(part, (struct str){piece, (size_t)n}));
        pull_show(p, w, g->before + part_size(part), g->total);
        n = read(fd, piece, PIECE);
    }
    *ret_unread = n < 0 ? errno : 0;
    return OK;
}

static int take_file(struct pull *p, const struct wish *w, size_t i, struct copying *g)
{
    struct hub_facts *is = &g->to.is[i];
    const char *path = g->from->path[i];
    bool is_whole = false;
    int unread = 0;
    enum err err = part_open(p->dir.path, is->sha256, &g->to.part[i]);
    if (err != OK)
        return pull_cannot_store(p, err);
    struct part *part = g->to.part[i];
    err = copy(p, w, g, g->from->fd[i], part, &unread);
    if (err == OK && !unread)
        err = part_is_whole(part, w->model.file[i].size, &is_whole);
    is->size = part_size(part);
    g->before += is->size;
    if (err == OK && is_whole)
        return EXIT_OK;
    progress_clear(&p->progress);
    if (!unread || part_size(part) == 0)
        part_discard(part);
    if (unread)
        return cli_cannot_read(p->c, path, unread);
    return err != OK
               ? pull_cannot_store(p, err)
               : cli_fail(p->c,
                          "%s is not the file that was meant: its SHA-256 is not %s; copy it anew",
                          path, is->sha256);
}

/* What lies in its place already is copied once more: that costs less than to know it. */
static int take_files(struct pull *p, const struct wish *w, const struct found *from)
{
    struct copying g = {.from = from};
    int code = EXIT_OK;
    pull_files_begin(&g.to, w);
    pull_begin_progress(p);
    for (size_t i = 0; i < w->model.file_count; i++)
        g.total += from->size[i];
    for (size_t i = w->model.file_count; i-- > 0 && code == EXIT_OK;)
        code = take_file(p, w, i, &g);
    if (code == EXIT_OK)
        code = pull_install(p, w, &g.to);
    pull_files_close(&g.to);
    return code;
}

static int no_sha256(const struct pull *p, const struct wish *w, size_t i)
{
    if (i == 0)
        return cli_misuse(p->c, "no SHA-256 is known for %s; write it behind it: sha256:…",
                          w->name);
    return cli_misuse(p->c,
                      "no SHA-256 is known for %.*s, which %s needs; write it behind the other "
                      "one: sha256:… sha256:…",
                      STR_FMT(model_source_file(&w->source[i])), w->name);
}

static int take(struct pull *p, const char *folder, const struct model *there, struct wish *w)
{
    struct found *from = mem_zero(1, sizeof *from);
    bool is_there = false;
    if (!from)
        return cli_no_memory(p->c);
    int code = pull_look(p, w, &is_there);
    if (code != EXIT_OK || is_there) {
        free(from);
        return code;
    }
    for (size_t i = 0; i < MODEL_FILES_MAX; i++)
        from->fd[i] = -1;
    for (size_t i = 0; i < w->model.file_count && code == EXIT_OK; i++)
        if (!w->model.file[i].sha256.n)
            code = no_sha256(p, w, i);
    if (code == EXIT_OK)
        code = open_files(p, folder, there, w, from);
    if (code == EXIT_OK)
        code = take_files(p, w, from);
    close_files(from);
    free(from);
    return code;
}

/* As models.lock there has it. */
static enum err take_listed(const struct pull *p, const struct model *there,
                            const struct pull_words *words, struct wish *w)
{
    const char *name = cli_given(p->c, "as");
    *w = (struct wish){.model = *there};
    snprintf(w->name, sizeof w->name, "%.*s", STR_FMT(name ? str_of(name) : there->name));
    if (words->sha256.n)
        wish_expect(w, words->sha256, words->more_sha256);
    for (size_t i = 0; i < there->file_count; i++)
        try(model_source_parse(there->file[i].source, &w->source[i]));
    return OK;
}

/* What models.lock there says counts where nothing else is known. */
static int take_operand(struct pull *p, const char *folder, const struct model_list *others,
                        const struct pull_words *words)
{
    const struct model *there = model_list_find(others, words->source);
    struct wish w;
    int code = EXIT_OK;
    if (there && !model_list_find(&p->catalogue, words->source)) {
        enum err err = take_listed(p, there, words, &w);
        if (err != OK)
            return pull_cannot_store(p, err == ERR_NOMEM ? err : ERR_SYNTAX);
    } else {
        code = pull_take(p, words, &w);
    }
    for (size_t i = 0; code == EXIT_OK && there && i < there->file_count; i++)
        if (i < w.model.file_count && !w.model.file[i].sha256.n)
            w.model.file[i].sha256 = there->file[i].sha256;
    return code == EXIT_OK ? take(p, folder, there, &w) : code;
}

static int take_all(struct pull *p, const char *folder, const struct model_list *others)
{
    int code = EXIT_OK;
    if (others->count == 0)
        return cli_misuse(
            p->c, "%s has no models.lock that says what is there; name the models that you want",
            folder);
    for (size_t i = 0; i < others->count && code == EXIT_OK; i++) {
        const struct model *m = &others->model[i];
        struct pull_words words = {.source = m->name, .sha256 = m->file[0].sha256};
        if (m->file_count > 1)
            words.more_sha256 = m->file[1].sha256;
        code = take_operand(p, folder, others, &words);
    }
    return code;
}

static int take_operands(struct pull *p, const char *folder, const struct model_list *others)
{
    int code = EXIT_OK, at = 0;
    while (at < p->c->count && code == EXIT_OK) {
        struct pull_words words;
        code = pull_next(p, &at, &words);
        if (code == EXIT_OK)
            code = take_operand(p, folder, others, &words);
    }
    return code;
}

int pull_from(struct pull *p, const char *folder)
{
    struct models_dir other;
    struct model_list others;
    struct model_list_why why;
    if (models_dir_init(&other, folder, "") != OK)
        return cli_misuse(p->c, "the name of the folder is too long; copy the files elsewhere");
    if (access(other.path, R_OK | X_OK) != 0)
        return cli_cannot_read(p->c, folder, errno);
    enum err err = models_dir_read(&other, &others, &why);
    if (err == ERR_NOMEM)
        return cli_no_memory(p->c);
    if (err != OK)
        return cli_fail(p->c, "%s/models.lock is damaged: %s; copy it anew, or remove it", folder,
                        why.text[0] ? why.text : err_text(err));
    int code =
        p->c->count ? take_operands(p, other.path, &others) : take_all(p, other.path, &others);
    model_list_free(&others);
    return code;
}
