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

/* Opens the model's file below `folder`, by what models.lock there says, by its own name or by the hub's.
 * ERR_NOTFOUND, or what is wrong with `path`. */
static enum err open_file(const char *folder, const struct model *there, const struct wish *w,
                          char path[MODELS_PATH_BYTES], int *ret_fd, int64_t *ret_size)
{
    struct str own = model_source_file(&w->source);
    const struct str names[] = {there ? there->file : S(""), own, str_of(w->name)};
    enum err err = ERR_NOTFOUND;
    for (size_t i = 0; i < sizeof names / sizeof *names && err == ERR_NOTFOUND; i++) {
        if (!names[i].n || snprintf(path, MODELS_PATH_BYTES, "%s/%.*s", folder,
                                    STR_FMT(names[i])) >= MODELS_PATH_BYTES)
            continue;
        err = disk_open_file(path, ret_fd, ret_size);
    }
    return err;
}

/* `ret_unread`: by which error number the file could not be read, or 0. What a pull from the network has brought of the
 * model stays until there is something to put in its place. */
static enum err copy(struct pull *p, const struct wish *w, int fd, int64_t size, struct part *part,
                     int *ret_unread)
{
    autofree char *piece = malloc(PIECE);
    if (!piece)
        return ERR_NOMEM;
    ssize_t n = read(fd, piece, PIECE);
    if (n > 0)
        try(part_restart(part));
    while (n > 0) {
        try(part_write(part, (struct str){piece, (size_t)n}));
        pull_show(p, w, part_size(part), size);
        n = read(fd, piece, PIECE);
    }
    *ret_unread = n < 0 ? errno : 0;
    return OK;
}

static int take_file(struct pull *p, const struct wish *w, const char *path, int fd, int64_t size)
{
    struct hub_facts is = {};
    struct part *part;
    bool is_whole = false;
    int unread = 0;
    if (size == 0)
        return cli_fail(p->c, "%s is empty; copy it anew", path);
    if (w->model.size && size != w->model.size)
        return cli_fail(
            p->c,
            "%s is not the file that was meant: its size is %lld bytes, not %lld; copy it anew",
            path, (long long)size, (long long)w->model.size);
    snprintf(is.sha256, sizeof is.sha256, "%.*s", STR_FMT(w->model.sha256));
    enum err err = part_open(p->dir.path, is.sha256, &part);
    if (err != OK)
        return pull_cannot_store(p, err);
    pull_begin_progress(p);
    err = copy(p, w, fd, size, part, &unread);
    if (err == OK && !unread)
        err = part_is_whole(part, w->model.size, &is_whole);
    progress_clear(&p->progress);
    is.size = part_size(part);
    if (err == OK && is_whole)
        return pull_install(p, w, part, &is);
    if (!unread || part_size(part) == 0)
        part_discard(part);
    part_close(part);
    if (unread)
        return cli_cannot_read(p->c, path, unread);
    return err != OK
               ? pull_cannot_store(p, err)
               : cli_fail(p->c,
                          "%s is not the file that was meant: its SHA-256 is not %s; copy it anew",
                          path, is.sha256);
}

static int take(struct pull *p, const char *folder, const struct model *there, struct wish *w)
{
    char path[MODELS_PATH_BYTES];
    bool is_there;
    int code = pull_look(p, w, &is_there);
    if (code != EXIT_OK || is_there)
        return code;
    if (!w->model.sha256.n)
        return cli_misuse(p->c, "no SHA-256 is known for %s; write it behind it: sha256:…",
                          w->name);
    int fd;
    int64_t size;
    enum err err = open_file(folder, there, w, path, &fd, &size);
    if (err == ERR_NOTFOUND)
        return cli_fail(p->c, "there is no file %.*s in %s; copy it there",
                        STR_FMT(model_source_file(&w->source)), folder);
    if (err == ERR_INVALID)
        return cli_fail(p->c, "%s is no plain file; put the model's file in its place", path);
    if (err != OK)
        return cli_cannot_read(p->c, path, errno);
    code = take_file(p, w, path, fd, size);
    close(fd);
    return code;
}

/* What models.lock there says counts where nothing else is known. */
static int take_operand(struct pull *p, const char *folder, const struct model_list *others,
                        struct str source, struct str sha256)
{
    const struct model *there = model_list_find(others, source);
    const char *name = cli_given(p->c, "as");
    struct wish w;
    int code = EXIT_OK;
    if (there && !model_list_find(&p->catalogue, source)) {
        w = (struct wish){.model = *there};
        snprintf(w.name, sizeof w.name, "%.*s", STR_FMT(name ? str_of(name) : there->name));
        if (sha256.n)
            wish_expect(&w, sha256);
        enum err err = model_source_parse(there->source, &w.source);
        if (err != OK)
            return pull_cannot_store(p, err == ERR_NOMEM ? err : ERR_SYNTAX);
    } else {
        code = pull_take(p, source, sha256, &w);
    }
    if (code == EXIT_OK && there && !w.model.sha256.n)
        w.model.sha256 = there->sha256;
    return code == EXIT_OK ? take(p, folder, there, &w) : code;
}

static int take_all(struct pull *p, const char *folder, const struct model_list *others)
{
    int code = EXIT_OK;
    if (others->count == 0)
        return cli_misuse(
            p->c, "%s has no models.lock that says what is there; name the models that you want",
            folder);
    for (size_t i = 0; i < others->count && code == EXIT_OK; i++)
        code = take_operand(p, folder, others, others->model[i].name, others->model[i].sha256);
    return code;
}

static int take_operands(struct pull *p, const char *folder, const struct model_list *others)
{
    int code = EXIT_OK, at = 0;
    while (at < p->c->count && code == EXIT_OK) {
        struct str source, sha256;
        code = pull_next(p, &at, &source, &sha256);
        if (code == EXIT_OK)
            code = take_operand(p, folder, others, source, sha256);
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
