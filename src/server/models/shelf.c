// SPDX-License-Identifier: Apache-2.0
#include "server/models/shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "server/loop/lane.h"
#include "server/models/bandwidth.h"
#include "server/models/catalogue.h"

enum { ASKS_MAX = 64, SENTENCE_BYTES = 400, MEASURE_AGAIN_MS = 60 * 1000 };

struct shelf {
    struct loop *loop;
    struct lane *lane;
    struct models_dir dir;       /* const after open; its lock is a removal's, on the lane */
    struct model_list catalogue; /* const after open */
    int64_t threads;             /* the same */

    struct stat seen; /* lane: models.lock as it was read; all 0: not there, or never read */
    bool has_read;    /* lane */

    struct model_list installed; /* loop */
    struct advice_machine machine;
    bool is_measured, is_closing;
    uint64_t measure_from_ms; /* not before */
    struct bandwidth *measuring;
    struct shelf_ask *waiting;  /* for that; answered by the lane */
    struct shelf_ask *removing; /* on their way to the lane or back */
};

struct shelf_ask {
    struct lane_job job;
    struct shelf *shelf;
    shelf_fn fn; /* NULL: forgotten */
    void *arg;
    struct shelf_ask *next;           /* of those that wait */
    struct shelf_ask *next_removing;  /* the same of those */
    char removes[MODEL_NAME_MAX + 1]; /* "": just looks */
    /* What the lane found. */
    bool is_new; /* list: what models.lock says now */
    struct model_list list;
    struct advice_machine machine; /* without its bandwidth */
    int64_t disk_free;
    enum err err;
    char sentence[SENTENCE_BYTES];
};

/* --- on the lane --- */

/* Strangers may read it: nothing of where it lies. */
static enum err refuse(struct shelf_ask *a, enum err err, const struct model_list_why *why)
{
    if (err == ERR_SYNTAX)
        snprintf(a->sentence, sizeof a->sentence,
                 "models.lock is damaged: %s; restore it, or remove it and pull the models anew",
                 why->text);
    else if (err != ERR_NOMEM)
        snprintf(a->sentence, sizeof a->sentence,
                 "the folder of models cannot be read or written (%s); look at its rights",
                 err_text(err));
    /* ERR_DENIED would mean that who asks may not. */
    bool is_ours = err == ERR_SYNTAX || err == ERR_INVALID || err == ERR_DENIED;
    return is_ours ? ERR_INTERNAL : err;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* It is looked at before it is read: what changes in between is read once more the next time. */
static enum err read_list(struct shelf *s, struct shelf_ask *a)
{
    char path[MODELS_PATH_BYTES + 16];
    struct stat now = {};
    struct model_list_why why = {};
    snprintf(path, sizeof path, "%s/models.lock", s->dir.path);
    if (stat(path, &now) != 0)
        now = (struct stat){};
    if (s->has_read && is_same_file(&now, &s->seen))
        return OK;
    enum err err = models_dir_read(&s->dir, &a->list, &why);
    s->has_read = err == OK;
    if (err != OK)
        return refuse(a, err, &why);
    s->seen = now;
    a->is_new = true;
    return OK;
}

static enum err remove_one(struct shelf *s, struct shelf_ask *a)
{
    char holder[MODELS_HOLDER_BYTES];
    struct model_list_why why = {};
    enum err err = models_dir_lock(&s->dir, "serve", holder);
    if (err == ERR_CONFLICT) {
        snprintf(a->sentence, sizeof a->sentence,
                 "%s changes the models now; wait for its end, then try again", holder);
        return err;
    }
    if (err == OK)
        err = models_dir_remove(&s->dir, str_of(a->removes), &why);
    models_dir_unlock(&s->dir);
    if (err == ERR_NOTFOUND)
        snprintf(a->sentence, sizeof a->sentence, "no model of this name is installed");
    return err == OK || err == ERR_NOTFOUND ? err : refuse(a, err, &why);
}

static int64_t free_on_disk(const struct shelf *s)
{
    char path[MODELS_PATH_BYTES];
    struct statvfs disk;
    snprintf(path, sizeof path, "%s", s->dir.path);
    /* Before the first pull the folder does not exist: the one above is on the same disk. */
    for (int up = 0; up < 2; up++) {
        if (statvfs(path, &disk) == 0)
            return (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
        char *end = strrchr(path, '/');
        if (!end || end == path)
            return 0;
        *end = 0;
    }
    return 0;
}

static void run(struct lane_job *job)
{
    struct shelf_ask *a = (struct shelf_ask *)job;
    struct shelf *s = a->shelf;
    if (a->removes[0])
        a->err = remove_one(s, a);
    if (a->err == OK)
        a->err = read_list(s, a);
    advice_look(&a->machine);
    a->disk_free = free_on_disk(s);
}

/* --- on the loop --- */

static void ask_free(struct shelf_ask *a)
{
    model_list_free(&a->list);
    free(a);
}

static void answer(struct shelf_ask *a)
{
    struct shelf *s = a->shelf;
    const struct shelf_view view = {
        .catalogue = &s->catalogue,
        .installed = &s->installed,
        .machine = s->machine,
        .disk_free = a->disk_free,
    };
    if (a->fn)
        a->fn(a->arg, a->err, a->sentence[0] ? a->sentence : err_text(a->err),
              a->err == OK ? &view : nullptr);
    ask_free(a);
}

static void on_measured(void *arg, double bytes_s)
{
    struct shelf *s = arg;
    struct bandwidth *b = s->measuring;
    s->measuring = nullptr;
    s->is_measured = bytes_s > 0;
    s->measure_from_ms = clock_ms() + MEASURE_AGAIN_MS;
    s->machine.read_bytes_s = bytes_s;
    bandwidth_end(b);
    while (s->waiting) {
        struct shelf_ask *a = s->waiting;
        s->waiting = a->next;
        answer(a);
    }
}

/* Is somebody measuring, so that the answer will come? When that cannot be begun, or memory is short, it is not known
 * for now. */
static bool measures(struct shelf *s)
{
    bool wants = !s->is_measured && !s->is_closing && clock_ms() >= s->measure_from_ms;
    if (wants && !s->measuring &&
        bandwidth_measure(s->loop, advice_threads(&s->machine, s->threads), on_measured, s,
                          &s->measuring) != OK)
        s->measuring = nullptr;
    return s->measuring;
}

static void take_from_removing(struct shelf_ask *a)
{
    for (struct shelf_ask **at = &a->shelf->removing; *at; at = &(*at)->next_removing)
        if (*at == a) {
            *at = a->next_removing;
            return;
        }
}

static void done(struct lane_job *job)
{
    struct shelf_ask *a = (struct shelf_ask *)job;
    struct shelf *s = a->shelf;
    take_from_removing(a);
    if (a->is_new) {
        struct model_list old = s->installed;
        s->installed = a->list;
        a->list = old;
    }
    double read_bytes_s = s->machine.read_bytes_s;
    s->machine = a->machine;
    s->machine.read_bytes_s = read_bytes_s;
    if (a->fn && measures(s)) {
        a->next = s->waiting;
        s->waiting = a;
    } else {
        answer(a);
    }
}

static enum err ask(struct shelf *s, struct str removes, shelf_fn fn, void *arg,
                    struct shelf_ask **ret_ask)
{
    struct shelf_ask *a = mem_zero(1, sizeof *a);
    if (!a)
        return ERR_NOMEM;
    a->job = (struct lane_job){.run = run, .done = done};
    a->shelf = s;
    a->fn = fn;
    a->arg = arg;
    snprintf(a->removes, sizeof a->removes, "%.*s", STR_FMT(removes));
    enum err err = lane_post(s->lane, &a->job);
    if (err != OK) {
        ask_free(a);
        return err;
    }
    if (a->removes[0]) {
        a->next_removing = s->removing;
        s->removing = a;
    }
    *ret_ask = a;
    return OK;
}

enum err shelf_look(struct shelf *s, shelf_fn fn, void *arg, struct shelf_ask **ret_ask)
{
    return ask(s, S(""), fn, arg, ret_ask);
}

enum err shelf_remove(struct shelf *s, struct str name, shelf_fn fn, void *arg,
                      struct shelf_ask **ret_ask)
{
    return name.n && name.n <= MODEL_NAME_MAX ? ask(s, name, fn, arg, ret_ask) : ERR_NOTFOUND;
}

bool shelf_is_removing(const struct shelf *s, struct str name)
{
    for (const struct shelf_ask *a = s->removing; a; a = a->next_removing)
        if (str_eq_nocase(str_of(a->removes), name))
            return true;
    return false;
}

void shelf_forget(struct shelf_ask *ask)
{
    if (ask)
        ask->fn = nullptr;
}

/* --- its life --- */

static enum err make_absolute(struct models_dir *d)
{
    char path[MODELS_PATH_BYTES], here[MODELS_PATH_BYTES];
    if (d->path[0] == '/')
        return OK;
    if (!getcwd(here, sizeof here))
        return ERR_IO;
    int n = snprintf(path, sizeof path, "%s/%s", here, d->path);
    if (n >= (int)sizeof path)
        return ERR_TOOBIG;
    memcpy(d->path, path, sizeof path);
    return OK;
}

enum err shelf_open(struct loop *loop, const char *configured, const char *data, int64_t threads,
                    struct shelf **ret_s)
{
    struct shelf *s = mem_zero(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->loop = loop;
    s->threads = threads;
    enum err err = models_dir_init(&s->dir, configured, data);
    if (err == OK)
        err = make_absolute(&s->dir);
    if (err == OK)
        err = catalogue_read(&s->catalogue);
    if (err == OK)
        err = lane_create(loop, "models", ASKS_MAX, &s->lane);
    if (err != OK) {
        shelf_close(s);
        return err;
    }
    *ret_s = s;
    return OK;
}

void shelf_close(struct shelf *s)
{
    if (!s)
        return;
    s->is_closing = true;
    lane_destroy(s->lane);
    bandwidth_end(s->measuring);
    while (s->waiting) {
        struct shelf_ask *a = s->waiting;
        s->waiting = a->next;
        ask_free(a);
    }
    model_list_free(&s->installed);
    model_list_free(&s->catalogue);
    free(s);
}

const struct models_dir *shelf_dir(const struct shelf *s)
{
    return &s->dir;
}

const struct model_list *shelf_catalogue(const struct shelf *s)
{
    return &s->catalogue;
}
