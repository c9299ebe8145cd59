// SPDX-License-Identifier: Apache-2.0
/* A model from the hub or from an address. Of one that has several files it is asked first what they are, so that it is
 * known how much will come and whether there is room for it; a hub's are all of one commit. */
#include <stdio.h>

#include "server/cli/pull_parts.h"
#include "server/loop/loop.h"
#include "server/net/fetch.h"
#include "server/net/fetch_url.h"

enum { ALIVE_MS = 1000 };

struct pulling {
    struct pull *p;
    const struct wish *w;
    struct loop *loop;
    struct fetcher *fetcher;
    struct timer alive;
    struct pull_files files;
    bool is_here[MODEL_FILES_MAX]; /* in its place */
    size_t at;                     /* the file that is asked about or comes */
    bool is_asking;                /* about them; else they come, the last one first */
    int64_t before;                /* bytes of the files that are here */
    struct buf url;                /* of that file */
    bool keeps_token;              /* there is one, but the hub would be told it for all to hear */
    bool may_tell_hub;             /* the token */
    int code;
};

static void next_question(struct pulling *g);
static void next_file(struct pulling *g);
static void begin_files(struct pulling *g);

/* --- the end --- */

/* Who the file is kept from needs to know what to do at the hub. */
static int tell_failure(const struct pulling *g, const struct download_result *r)
{
    const struct wish *w = g->w;
    const struct cli *c = g->p->c;
    const struct model_source *source = &w->source[g->at];
    bool is_kept = source->is_hub && (r->status == 401 || r->status == 403);
    struct str file = g->at > 0 ? model_source_file(source) : S("");
    const char *of = file.n ? ", " : "";
    if (!is_kept)
        return pull_fail(g->p, r->err, "%s%s%.*s: %s", w->name, of, STR_FMT(file), r->why);
    if (g->keeps_token)
        return pull_fail(
            g->p, r->err,
            "%s: %s; the token was not sent, because %s is asked without encryption: take an https address for models.hub",
            w->name, r->why, c->conf.models_hub);
    return pull_fail(
        g->p, r->err,
        "%s: %s; agree to its licence at %s/%.*s, make a token there and put it into HF_TOKEN%s%.*s%s",
        w->name, r->why, c->conf.models_hub, STR_FMT(source->repo),
        w->model.instead.n ? "; or take " : "", STR_FMT(w->model.instead),
        w->model.instead.n ? ", which is free for all" : "");
}

static void end(struct pulling *g, int code)
{
    progress_clear(&g->p->progress);
    g->code = code;
    loop_stop(g->loop);
}

static int cannot_ask(const struct pulling *g, enum err err)
{
    return pull_fail(g->p, err, "%s cannot be asked for (%s); check its source", g->w->name,
                     err_text(err));
}

/* --- one file --- */

static const char *hash_of(const struct hub_facts *is)
{
    return is->sha256[0] ? is->sha256 : is->git;
}

/* What the files that still come after this one will need of the disk. */
static int64_t others_need(const struct pulling *g)
{
    int64_t need = 0;
    for (size_t i = 0; i < g->at; i++) {
        const struct hub_facts *is = &g->files.is[i];
        int64_t there = hash_of(is)[0] ? part_there(g->p->dir.path, hash_of(is)) : 0;
        need += !g->is_here[i] && is->size > there ? is->size - there : 0;
    }
    return need;
}

static void on_progress(void *arg, int64_t done, int64_t total)
{
    struct pulling *g = arg;
    if (total)
        g->files.is[g->at].size = total;
    pull_show(g->p, g->w, g->before + done, pull_files_size(&g->files, g->w));
}

/* The hub is not asked about what is whole already: of which commit it is was known before. */
static void take_facts(struct hub_facts *is, const struct hub_facts *now)
{
    const struct hub_facts before = *is;
    *is = *now;
    if (!is->commit[0])
        memcpy(is->commit, before.commit, sizeof is->commit);
}

static void on_done(void *arg, const struct download_result *r)
{
    struct pulling *g = arg;
    if (r->err != OK)
        return end(g, tell_failure(g, r));
    take_facts(&g->files.is[g->at], &r->is);
    if (g->is_asking) {
        g->at++;
        return next_question(g);
    }
    g->files.part[g->at] = r->part;
    g->before += r->is.size;
    next_file(g);
}

/* All files are of the commit that the first one was found at. */
static enum err put_url(struct pulling *g)
{
    struct model_source source = g->w->source[g->at];
    if (source.is_hub && !source.revision.n)
        source.revision = str_of(g->files.is[0].commit);
    buf_clear(&g->url);
    try(model_source_url(&source, g->p->c->conf.models_hub, &g->url));
    return buf_z(&g->url) ? OK : ERR_NOMEM;
}

static void ask(struct pulling *g)
{
    static const struct download_events events = {.progress = on_progress, .done = on_done};
    const struct conf *conf = &g->p->c->conf;
    const struct hub_facts *is = &g->files.is[g->at];
    bool is_hub = g->w->source[g->at].is_hub;
    struct download *d;
    enum err err = put_url(g);
    const struct download_request request = {
        .url = g->url.p,
        .is_hub = is_hub,
        .token = is_hub && g->may_tell_hub ? conf->models_token : "",
        .allow = conf->fetch_allow,
        .folder = g->p->dir.path,
        .sha256 = is->sha256,
        .git = is->git,
        .size = is->size,
        .others = g->is_asking ? 0 : others_need(g),
        .facts_only = g->is_asking,
        .silence_ms = (uint32_t)conf->fetch_silence_ms,
    };
    if (err == OK)
        err = download_start(g->loop, g->fetcher, &request, &events, g, &d);
    if (err != OK)
        end(g, cannot_ask(g, err));
}

/* --- all of them --- */

static void next_question(struct pulling *g)
{
    const struct hub_facts *is = g->files.is;
    while (g->at < g->w->model.file_count && hash_of(&is[g->at])[0] && is[g->at].size)
        g->at++;
    if (g->at < g->w->model.file_count)
        return ask(g);
    begin_files(g);
}

/* From the last one to the first, as they get their names in the end. */
static void next_file(struct pulling *g)
{
    while (g->at > 0)
        if (!g->is_here[--g->at])
            return ask(g);
    end(g, pull_install(g->p, g->w, &g->files));
}

static void begin_files(struct pulling *g)
{
    size_t count = g->w->model.file_count;
    for (size_t i = 0; i < count; i++) {
        g->is_here[i] = pull_in_place(g->p, g->w, i, &g->files.is[i]);
        g->before += g->is_here[i] ? g->files.is[i].size : 0;
    }
    g->is_asking = false;
    g->at = count;
    next_file(g);
}

static void on_alive(void *arg)
{
    struct pulling *g = arg;
    pull_report_alive(g->p);
    timer_start(&g->alive, ALIVE_MS);
}

/* A single file tells what it is when it comes. */
static void begin(struct pulling *g)
{
    timer_init(&g->alive, g->loop, on_alive, g);
    timer_start(&g->alive, ALIVE_MS);
    g->is_asking = g->w->model.file_count > 1;
    if (g->is_asking)
        next_question(g);
    else
        begin_files(g);
}

static enum err run(struct pulling *g)
{
    enum err err = loop_create(&g->loop);
    if (err == OK)
        err = fetcher_create(g->loop, &g->fetcher);
    if (err == OK) {
        begin(g);
        loop_run(g->loop);
        timer_stop(&g->alive);
    }
    fetcher_destroy(g->fetcher);
    loop_destroy(g->loop);
    return err;
}

static const char NO_HUB[] = "models.hub must be an address such as https://huggingface.co";

int pull_from_network(struct pull *p, const struct wish *w)
{
    const struct conf *conf = &p->c->conf;
    struct url_parts hub;
    if (url_read(conf->models_hub, &hub) != OK)
        return p->reports ? pull_fail(p, ERR_INVALID, "%s", NO_HUB)
                          : cli_misuse(p->c, "%s", NO_HUB);
    bool may_tell_hub = hub.is_https || url_is_this_machine(conf->models_hub);
    struct pulling g = {
        .p = p,
        .w = w,
        .url = BUF(URL_MAX),
        .may_tell_hub = may_tell_hub,
        .keeps_token = conf->models_token[0] && !may_tell_hub,
        .code = EXIT_FAILED,
    };
    pull_files_begin(&g.files, w);
    pull_begin_progress(p);
    enum err err = run(&g);
    pull_files_close(&g.files);
    buf_finish(&g.url);
    return err == OK ? g.code : cannot_ask(&g, err);
}
