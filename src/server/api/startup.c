// SPDX-License-Identifier: Apache-2.0
#include "server/api/startup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"
#include "server/access/auth.h"
#include "server/api/manual.h"
#include "server/api/server.h"
#include "server/engine/engine.h"
#include "server/rag/rag.h"

enum { FILES_MAX = 256, LEARN_MAX_MS = 30000 };

struct startup {
    struct server *server;
    struct rag_document document[FILES_MAX]; /* texts owned when `owns`, bytes referenced */
    size_t count;
    bool owns;
    bool complete; /* every document of the folder is among them: what else is shared has left it */
    bool accepted;
    bool stored;        /* the first documents are in the store, or have failed */
    uint32_t reading;   /* how often the words are being read in the store */
    bool told;          /* the recogniser has their words */
    bool learnt;        /* it hears with them, or is not waited for any more */
    struct timer learn; /* how long it is waited for */
    bool alone;         /* the recogniser's words are everybody's, since there is one person only */
    bool stale;         /* it could not be told the newest words */
};

/* --- the recogniser's words --- */

/* Once: what is learnt later does not make the server unready again. */
static void learning_is_over(struct startup *st)
{
    if (st->learnt)
        return;
    st->learnt = true;
    timer_stop(&st->learn);
    server_look(st->server);
}

static void on_late(void *arg)
{
    struct startup *st = arg;
    log_warn("the recogniser has not learnt the documents' words in %d s; it goes on without them "
             "until it has",
             LEARN_MAX_MS / 1000);
    learning_is_over(st);
}

void startup_learnt(struct startup *st)
{
    if (st->told)
        learning_is_over(st);
}

static void on_words(void *arg, enum err err, struct blob *text)
{
    struct startup *st = arg;
    struct engine_info info;
    st->stale = err != OK;
    if (err == OK)
        engine_set_words(st->server->stt, text);
    else
        log_warn("the recogniser cannot learn the documents' words: %s", err_text(err));
    st->reading--;
    st->told = st->stored && st->reading == 0;
    engine_info(st->server->stt, &info);
    if (st->told && (err != OK || info.learnt))
        learning_is_over(st);
}

static void learn(struct startup *st)
{
    st->alone = auth_is_one_person(st->server->auth);
    st->reading++;
    enum err err = rag_words(st->server->rag, st->alone, on_words, st);
    if (err != OK)
        on_words(st, err, nullptr);
}

void startup_tick(struct startup *st)
{
    if (st->stored && (st->stale || st->alone != auth_is_one_person(st->server->auth)))
        learn(st);
}

static void on_progress(void *arg)
{
    struct startup *st = arg;
    struct rag_stats stats;
    rag_stats(st->server->rag, &stats);
    bool stored = st->accepted && stats.shared_waiting == 0, is_news = stored && !st->stored;
    st->stored = st->stored || stored;
    if (is_news)
        timer_start(&st->learn, LEARN_MAX_MS);
    if (is_news || stats.jobs_waiting == 0) /* of many that come together, once */
        learn(st);
}

/* --- the first documents --- */

static void forget(struct startup *st)
{
    for (size_t i = 0; i < st->count; i++) {
        blob_unref(st->document[i].bytes);
        if (st->owns)
            free((char *)st->document[i].name.p);
    }
    st->count = 0;
}

static void on_deleted(void *arg, enum err err)
{
    (void)arg;
    if (err != OK && err != ERR_NOTFOUND)
        log_warn("an outdated document could not be deleted: %s", err_text(err));
}

static bool is_first_document(const struct startup *st, struct str source)
{
    for (size_t i = 0; i < st->count; i++)
        if (str_eq(st->document[i].source, source))
            return true;
    return false;
}

/* A page that an earlier version of the manual had, or a file that left the folder. */
static void on_list(void *arg, enum err err, const struct rag_listed *list, size_t count, bool more)
{
    (void)more;
    struct startup *st = arg;
    for (size_t i = 0; st->complete && err == OK && i < count; i++)
        if (list[i].shared && !is_first_document(st, list[i].source))
            err = rag_delete(st->server->rag, S(""), list[i].id, on_deleted, st);
    if (err != OK)
        log_warn("outdated documents could not be looked for: %s", err_text(err));
    forget(st);
}

static void on_accepted(void *arg, enum err err, const char *job_id)
{
    (void)job_id;
    static const struct rag_part all = {S(""), RAG_LIST_MAX};
    struct startup *st = arg;
    st->accepted = true;
    if (err != OK) {
        log_error("the first documents cannot be stored: %s", err_text(err));
        st->stored = true;
        timer_start(&st->learn, LEARN_MAX_MS);
    }
    on_progress(st); /* when they were there already, nothing else will tell */
    if (rag_list(st->server->rag, S(""), all, on_list, st) != OK)
        forget(st);
}

static enum err add(struct startup *st, struct str name, struct str bytes)
{
    const char *kind = rag_kind(name, S(""));
    if (!kind)
        return OK; /* pictures and the like may lie beside the texts */
    if (st->count == FILES_MAX) {
        if (st->complete)
            log_warn("the folder of documents holds more than %d files; add the others with "
                     "`repartee ingest`",
                     FILES_MAX);
        st->complete = false;
        return OK;
    }
    struct blob *blob = blob_create(bytes);
    char *own = st->owns ? mem_strdup(name) : nullptr;
    if (!blob || (st->owns && !own)) {
        blob_unref(blob);
        free(own);
        return ERR_NOMEM;
    }
    struct str kept = st->owns ? (struct str){own, name.n} : name;
    st->document[st->count++] =
        (struct rag_document){.name = kept, .source = kept, .kind = str_of(kind), .bytes = blob};
    return OK;
}

static enum err add_manual(struct startup *st)
{
    st->complete = true;
    for (size_t i = 0; i < manual_count; i++)
        try(add(st, str_of(manual[i].name), (struct str){manual[i].bytes, manual[i].n}));
    return OK;
}

/* What the store has of it stays. */
static void could_not_read(struct startup *st, const char *name, enum err err)
{
    log_warn("%.100s cannot be read (%s); what was stored before is kept", name, err_text(err));
    st->complete = false;
}

static enum err read_file(struct startup *st, int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat about;
    if (fd < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        if (fd < 0 && errno != ELOOP)
            could_not_read(st, name, err_from_errno(errno));
        if (fd >= 0)
            close(fd);
        return OK; /* a link, a folder: not a document */
    }
    autobuf bytes = BUF((size_t)st->server->conf->rag_max_doc);
    enum err err = buf_reserve(&bytes, (size_t)about.st_size);
    ssize_t n = 1;
    while (err == OK && bytes.n < (size_t)about.st_size && n > 0) {
        n = read(fd, bytes.p + bytes.n, (size_t)about.st_size - bytes.n);
        if (n > 0)
            bytes.n += (size_t)n;
        else
            could_not_read(st, name, n < 0 ? err_from_errno(errno) : ERR_IO);
    }
    close(fd);
    if (n <= 0)
        return OK; /* half a file must not replace a whole one */
    if (err == ERR_TOOBIG) {
        log_warn("%.100s is larger than rag.max_document and was left out", name);
        return OK;
    }
    return err == OK ? add(st, str_of(name), buf_str(&bytes)) : err;
}

static enum err add_folder(struct startup *st, const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) {
        log_error(
            "the folder of documents %.200s cannot be read (%s); what was stored before is kept",
            path, err_text(err_from_errno(errno)));
        return OK; /* the server is useful without it */
    }
    st->owns = st->complete = true;
    enum err err = OK;
    for (struct dirent *e; err == OK && (e = readdir(dir));)
        if (e->d_name[0] != '.')
            err = read_file(st, dirfd(dir), e->d_name);
    closedir(dir);
    return err;
}

enum err startup_begin(struct server *s, const char *docs, struct startup **ret_startup)
{
    struct startup *st = mem_zero(1, sizeof *st);
    if (!st)
        return ERR_NOMEM;
    st->server = s;
    timer_init(&st->learn, s->loop, on_late, st);
    rag_on_progress(s->rag, on_progress, st);
    enum err err = docs && docs[0] ? add_folder(st, docs) : add_manual(st);
    if (err == OK)
        err = rag_ingest(s->rag, S(""), st->document, st->count, on_accepted, st);
    if (err != OK) {
        startup_end(st);
        return err;
    }
    *ret_startup = st;
    return OK;
}

void startup_end(struct startup *st)
{
    if (!st)
        return;
    timer_stop(&st->learn);
    forget(st);
    free(st);
}

bool startup_is_over(const struct startup *st)
{
    return st->stored && st->learnt;
}
