// SPDX-License-Identifier: Apache-2.0
/* Brings models: by their name in the catalogue, from the hub, from an address, from a folder. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "server/cli/pull_parts.h"
#include "server/loop/loop.h"
#include "server/models/advice.h"
#include "server/models/catalogue.h"
#include "server/net/fetch.h"
#include "server/net/fetch_url.h"

enum { SHOW_EVERY_MS = 100, ALIVE_MS = 1000 };

/* --- what is wanted --- */

static int no_source(const struct pull *p, struct str source)
{
    struct str best = {};
    size_t least = source.n / 3 + 2;
    for (size_t i = 0; i < p->catalogue.count; i++) {
        size_t d = str_distance(source, p->catalogue.model[i].name);
        best = d < least ? p->catalogue.model[i].name : best;
        least = d < least ? d : least;
    }
    return cli_misuse(
        p->c,
        "\"%.*s\" is no model that is known%s%.*s%s; 'repartee models' shows them. Others: "
        "hf:owner/repo:file, or an https address and sha256:…",
        STR_FMT(str_sub(source, 0, 200)), best.n ? ", did you mean " : "", STR_FMT(best),
        best.n ? "?" : "");
}

int pull_take(struct pull *p, struct str source, struct str sha256, struct wish *w)
{
    const struct wish_words words = {
        .source = source,
        .sha256 = sha256,
        .kind = str_of(cli_given(p->c, "kind")),
        .as = str_of(cli_given(p->c, "as")),
    };
    switch (wish_take(&p->catalogue, &words, w)) {
    case WISH_SOURCE:
        return no_source(p, source);
    case WISH_KIND:
        return cli_misuse(p->c,
                          "what is %.*s? Say with --kind whether it is llm, stt, tts, embed or vad",
                          STR_FMT(str_sub(model_source_file(&w->source), 0, 200)));
    case WISH_NAME:
        return cli_misuse(p->c,
                          "the file's name makes no good name for a model; give it one with --as");
    case WISH_SHA256:
        return cli_misuse(
            p->c, "an address needs the file's SHA-256; write it behind the address: sha256:…");
    case WISH_NOMEM:
        return cli_no_memory(p->c);
    case WISH_GOOD:
        break;
    }
    return EXIT_OK;
}

/* --- progress --- */

void pull_begin_progress(struct pull *p)
{
    progress_begin(&p->progress, p->c->json);
    p->begun_ms = clock_ms();
    p->shown_ms = 0;
    p->first = -1;
    p->step = -1;
}

static void describe(const struct pull *p, const struct wish *w, int64_t done, int64_t total,
                     char text[160])
{
    uint64_t ms = clock_ms() - p->begun_ms;
    double rate = ms ? (double)(done - p->first) * 1000 / (double)ms : 0;
    int n = snprintf(text, 160, "%.40s: %.1f", w->name, (double)done / 1e6);
    if (total)
        n += snprintf(text + n, 160 - (size_t)n, " of %.1f", (double)total / 1e6);
    n += snprintf(text + n, 160 - (size_t)n, " MB");
    if (ms >= 1000 && rate > 0) {
        n += snprintf(text + n, 160 - (size_t)n, ", %.1f MB/s", rate / 1e6);
        uint64_t left = total > done ? (uint64_t)((double)(total - done) / rate) : 0;
        if (total)
            snprintf(text + n, 160 - (size_t)n, ", %" PRIu64 ":%02" PRIu64 " left", left / 60,
                     left % 60);
    }
}

void pull_show(struct pull *p, const struct wish *w, int64_t done, int64_t total)
{
    uint64_t now = clock_ms();
    if (p->first < 0)
        p->first = done;
    int64_t step = total ? done * 10 / total : done / 100000000;
    bool is_step = step != p->step;
    if (!is_step && now - p->shown_ms < SHOW_EVERY_MS)
        return;
    char text[160];
    pull_report_progress(p, w, done, total);
    describe(p, w, done, total, text);
    progress_show(&p->progress, (uint64_t)done, (uint64_t)total, text, is_step);
    p->shown_ms = now;
    p->step = step;
}

/* --- from the network --- */

struct pulling {
    struct pull *p;
    const struct wish *w;
    struct loop *loop;
    struct timer alive;
    bool keeps_token; /* there is one, but the hub would be told it for all to hear */
    int code;
};

static void on_progress(void *arg, int64_t done, int64_t total)
{
    struct pulling *g = arg;
    pull_show(g->p, g->w, done, total);
}

/* Who the file is kept from needs to know what to do at the hub. */
static int tell_failure(const struct pulling *g, const struct download_result *r)
{
    const struct wish *w = g->w;
    const struct cli *c = g->p->c;
    bool is_kept = w->source.is_hub && (r->status == 401 || r->status == 403);
    if (!is_kept)
        return pull_fail(g->p, r->err, "%s: %s", w->name, r->why);
    if (g->keeps_token)
        return pull_fail(
            g->p, r->err,
            "%s: %s; the token was not sent, because %s is asked without encryption: take an https address for models.hub",
            w->name, r->why, c->conf.models_hub);
    return pull_fail(
        g->p, r->err,
        "%s: %s; agree to its licence at %s/%.*s, make a token there and put it into HF_TOKEN%s%.*s%s",
        w->name, r->why, c->conf.models_hub, STR_FMT(w->source.repo),
        w->model.instead.n ? "; or take " : "", STR_FMT(w->model.instead),
        w->model.instead.n ? ", which is free for all" : "");
}

static void on_done(void *arg, const struct download_result *r)
{
    struct pulling *g = arg;
    progress_clear(&g->p->progress);
    g->code = r->err == OK ? pull_install(g->p, g->w, r->part, &r->is) : tell_failure(g, r);
    loop_stop(g->loop);
}

static void on_alive(void *arg)
{
    struct pulling *g = arg;
    pull_report_alive(g->p);
    timer_start(&g->alive, ALIVE_MS);
}

static enum err download(struct pulling *g, const struct download_request *request)
{
    static const struct download_events events = {.progress = on_progress, .done = on_done};
    struct fetcher *fetcher = nullptr;
    struct download *d;
    enum err err = loop_create(&g->loop);
    if (err == OK)
        err = fetcher_create(g->loop, &fetcher);
    if (err == OK)
        err = download_start(g->loop, fetcher, request, &events, g, &d);
    if (err == OK) {
        timer_init(&g->alive, g->loop, on_alive, g);
        timer_start(&g->alive, ALIVE_MS);
        loop_run(g->loop);
        timer_stop(&g->alive);
    }
    fetcher_destroy(fetcher);
    loop_destroy(g->loop);
    return err;
}

static const char NO_HUB[] = "models.hub must be an address such as https://huggingface.co";

static int pull_one(struct pull *p, const struct wish *w)
{
    const struct conf *conf = &p->c->conf;
    struct url_parts hub;
    bool is_there;
    int code = pull_look(p, w, &is_there);
    if (code != EXIT_OK || is_there)
        return code;
    if (url_read(conf->models_hub, &hub) != OK)
        return p->reports ? pull_fail(p, ERR_INVALID, "%s", NO_HUB)
                          : cli_misuse(p->c, "%s", NO_HUB);
    bool may_have_token =
        w->source.is_hub && (hub.is_https || url_is_this_machine(conf->models_hub));
    autobuf url = BUF(URL_MAX);
    enum err err = model_source_url(&w->source, conf->models_hub, &url);
    char sha256[SHA256_HEX + 1];
    snprintf(sha256, sizeof sha256, "%.*s", STR_FMT(w->model.sha256));
    const struct download_request request = {
        .url = buf_z(&url),
        .is_hub = w->source.is_hub,
        .token = may_have_token ? conf->models_token : "",
        .allow = conf->fetch_allow,
        .folder = p->dir.path,
        .sha256 = sha256,
        .size = w->model.size,
        .silence_ms = (uint32_t)conf->fetch_silence_ms,
    };
    struct pulling g = {
        .p = p,
        .w = w,
        .keeps_token = w->source.is_hub && conf->models_token[0] && !may_have_token,
        .code = EXIT_FAILED,
    };
    pull_begin_progress(p);
    if (err == OK)
        err = request.url ? download(&g, &request) : ERR_NOMEM;
    return err == OK ? g.code
                     : pull_fail(p, err, "%s cannot be asked for (%s); check its source", w->name,
                                 err_text(err));
}

/* --- the command --- */

static int pull_set(struct pull *p)
{
    static const char *const kinds[] = {"llm", "embed", "stt", "vad"};
    struct advice_machine machine;
    advice_look(&machine);
    int code = EXIT_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && code == EXIT_OK; i++) {
        const struct model *m =
            catalogue_choose(&p->catalogue, str_of(kinds[i]), (uint64_t)machine.memory_mib);
        struct wish w;
        if (!m)
            return cli_fail(
                p->c,
                "this machine has too little memory for any language model; Repartee answers without one, too");
        code = pull_take(p, m->name, S(""), &w);
        if (code == EXIT_OK)
            code = pull_one(p, &w);
    }
    return code;
}

int pull_next(struct pull *p, int *at, struct str *ret_source, struct str *ret_sha256)
{
    struct cli *c = p->c;
    struct str source = str_of(c->operand[(*at)++]), sha256 = {};
    if (*at < c->count && str_starts(str_of(c->operand[*at]), S("sha256:"))) {
        sha256 = str_of(c->operand[(*at)++] + 7);
        if (!sha256_is_good(sha256))
            return cli_misuse(
                c,
                "sha256: takes 64 hexadecimal digits in small letters, such as sha256sum prints");
    }
    *ret_source = source;
    *ret_sha256 = sha256;
    return EXIT_OK;
}

static int pull_operands(struct pull *p)
{
    int code = EXIT_OK, at = 0;
    while (at < p->c->count && code == EXIT_OK) {
        struct str source, sha256;
        struct wish w;
        code = pull_next(p, &at, &source, &sha256);
        if (code == EXIT_OK)
            code = pull_take(p, source, sha256, &w);
        if (code == EXIT_OK)
            code = pull_one(p, &w);
    }
    return code;
}

/* Whether the options can be meant. */
static int check_options(const struct cli *c)
{
    const char *name = cli_given(c, "as"), *kind = cli_given(c, "kind");
    int sources = c->count > 0;
    for (int i = 1; i < c->count; i++)
        sources += !str_starts(str_of(c->operand[i]), S("sha256:"));
    if (name && sources != 1)
        return cli_misuse(c, "--as names one model; say which, and pull others by themselves");
    if (name && !model_name_is_good(str_of(name)))
        return cli_misuse(
            c, "\"%.100s\" is no name for a model: take letters, digits, \".\", - and _", name);
    if (kind && !model_kind_is_good(str_of(kind)))
        return cli_misuse(c, "\"%.100s\" is none of llm, stt, tts, embed and vad", kind);
    return EXIT_OK;
}

static int pull(struct pull *p)
{
    struct cli *c = p->c;
    char holder[MODELS_HOLDER_BYTES];
    const char *from = cli_given(c, "from");
    enum err err = models_dir_lock(&p->dir, "pull", holder);
    if (err == ERR_CONFLICT)
        return pull_fail(p, err, "%s changes %s now; wait for its end, then try again", holder,
                         p->dir.path);
    if (err == OK)
        err = catalogue_read(&p->catalogue);
    if (err == OK)
        err = pull_read_installed(p);
    if (err != OK)
        return pull_cannot_store(p, err);
    return from ? pull_from(p, from) : c->count ? pull_operands(p) : pull_set(p);
}

/* A server says in the environment what it wants: an address may hold a signature, and arguments are for all to see. */
static void take_source(struct cli *c, char *words[2])
{
    words[0] = getenv("PULL_SOURCE");
    words[1] = c->count == 1 ? c->operand[0] : nullptr; /* sha256:… */
    if (!words[0] || c->count > 1)
        return;
    c->operand = words;
    c->count++;
}

int cli_pull(struct cli *c)
{
    struct pull p = {.c = c};
    const char *fd = cli_given(c, "fd");
    char *words[2];
    if (fd)
        take_source(c, words);
    if (models_dir_init(&p.dir, c->conf.models_dir, c->data) != OK)
        return cli_misuse(
            c, "the name of the folder of models is too long; choose another with --models-dir");
    int code = check_options(c);
    if (code == EXIT_OK && fd && pull_report_begin(&p, fd) != OK)
        code = cli_misuse(c, "--fd is for the server that pulls; leave it out");
    if (code == EXIT_OK)
        code = pull(&p);
    if (code == EXIT_OK)
        pull_report_done(&p);
    if (c->json && code == EXIT_OK)
        printf("{\"installed\":%u}\n", p.done);
    models_dir_unlock(&p.dir);
    model_list_free(&p.catalogue);
    model_list_free(&p.installed);
    return code;
}
