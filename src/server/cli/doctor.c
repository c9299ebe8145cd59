// SPDX-License-Identifier: Apache-2.0
/* What is installed, which engines run, what the machine offers, and what to do next. */
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/cores.h"
#include "base/json.h"
#include "server/cli/advise.h"
#include "server/cli/connect.h"
#include "server/models/catalogue.h"
#include "server/models/models_dir.h"

/* --- the machine --- */

static void processor_name(char *into, size_t size)
{
    snprintf(into, size, "unknown processor");
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[512];
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, "model name", 10) == 0) {
            struct str s = str_of(line);
            s = str_trim(str_sub(s, str_find_byte(s, ':') + 1, s.n));
            snprintf(into, size, "%.*s", STR_FMT(s));
            break;
        }
    }
    if (f)
        fclose(f);
}

struct machine {
    char cpu[128];
    uint32_t cores;
    double memory_gib, free_gib, disk_gib; /* disk: what is free below the data directory */
    bool has_landlock;
};

static void look_at(struct machine *m, const char *data)
{
    struct sysinfo info;
    struct statvfs disk;
    processor_name(m->cpu, sizeof m->cpu);
    m->cores = cores_online();
    m->has_landlock = confine_has_landlock();
    if (sysinfo(&info) == 0) {
        m->memory_gib = (double)info.totalram * info.mem_unit / (1u << 30);
        m->free_gib = ((double)info.freeram + (double)info.bufferram) * info.mem_unit / (1u << 30);
    }
    if (statvfs(data, &disk) == 0)
        m->disk_gib = (double)disk.f_bavail * (double)disk.f_frsize / (1u << 30);
}

static void show_machine(const struct cli *c, const struct machine *m)
{
    printf("Machine\n  %u cores, %s\n", m->cores, m->cpu);
    printf("  %.1f GiB of memory, %.1f GiB free\n", m->memory_gib, m->free_gib);
    printf("  data in %s, %.1f GiB free\n", c->data, m->disk_gib);
    printf("  Landlock %s\n",
           m->has_landlock
               ? "confines the engines' files"
               : "is missing in this kernel: engines run less confined, and uploads are refused");
}

/* --- models --- */

/* What this machine should have, of each kind that there is an engine for. */
struct suited {
    struct advice_machine machine;
    struct model_list catalogue, installed;
};

/* A list that cannot be read counts as empty here: `repartee models` says what is wrong with it. */
static void look_at_models(const struct cli *c, struct suited *s)
{
    struct models_dir dir;
    struct model_list_why why;
    *s = (struct suited){};
    advise_measure(&c->conf, &s->machine);
    if (catalogue_read(&s->catalogue) != OK)
        s->catalogue = (struct model_list){};
    if (models_dir_init(&dir, c->conf.models_dir, c->data) != OK ||
        models_dir_read(&dir, &s->installed, &why) != OK)
        s->installed = (struct model_list){};
}

static void forget_models(struct suited *s)
{
    model_list_free(&s->catalogue);
    model_list_free(&s->installed);
}

/* The next one that suits; false: there is none. */
static bool next_suited(const struct suited *s, size_t *iter, struct advice_item *item,
                        struct advice *a)
{
    while (advice_next(&s->catalogue, &s->installed, iter, item)) {
        *a = advice_on(&s->machine, &s->catalogue, item->is);
        if (a->suits)
            return true;
    }
    return false;
}

static void show_models(const struct suited *s)
{
    struct advice_item item;
    struct advice a;
    size_t iter = 0;
    char words[64];
    printf("Models for this machine\n");
    while (next_suited(s, &iter, &item, &a)) {
        advise_words(&a, words);
        printf("  %-24.*s %-6.*s %8.1f MB%s%s%s\n", STR_FMT(item.is->name), STR_FMT(item.is->kind),
               (double)model_size(item.is) / 1e6, words[0] ? ", " : "", words,
               item.installed ? ", installed" : "; repartee pull brings it");
    }
    if (s->machine.read_bytes_s > 0)
        printf("  Memory is read at %.1f GB a second\n", s->machine.read_bytes_s / 1e9);
}

static void put_models(struct json_out *j, const struct suited *s)
{
    struct advice_item item;
    struct advice a;
    size_t iter = 0;
    json_arr(j);
    while (next_suited(s, &iter, &item, &a)) {
        json_obj(j);
        json_kstr(j, "name", item.is->name);
        json_kstr(j, "kind", item.is->kind);
        json_kint(j, "size", model_size(item.is));
        json_kbool(j, "installed", item.installed);
        advise_put(j, &a);
        json_end(j);
    }
    json_end(j);
}

static int print_json(const struct cli *c, const struct machine *m, const struct suited *suited,
                      bool ok, struct str server)
{
    autobuf out = BUF(2 * 1024 * 1024);
    struct json_out j = {.to = &out};
    json_obj(&j);
    json_kbool(&j, "ok", ok);
    json_key(&j, "machine");
    json_obj(&j);
    json_kint(&j, "cores", m->cores);
    json_kstr(&j, "processor", str_of(m->cpu));
    json_knum(&j, "memory_gib", m->memory_gib);
    json_knum(&j, "memory_free_gib", m->free_gib);
    json_kbool(&j, "landlock", m->has_landlock);
    json_end(&j);
    json_kstr(&j, "data", str_of(c->data));
    json_knum(&j, "data_free_gib", m->disk_gib);
    json_key(&j, "models");
    put_models(&j, suited);
    json_key(&j, "server");
    json_put_raw(&j, server);
    json_end(&j);
    if (json_finish(&j) != OK)
        return cli_no_memory(c);
    printf("%.*s\n", STR_FMT(out));
    return EXIT_OK;
}

/* --- the server --- */

static const struct {
    const char *role, *does, *program, *option; /* which chooses another one */
} trades[] = {{"stt", "hears", "repartee-stt", "stt-driver"},
              {"llm", "answers", "repartee-llm", "llm-driver"},
              {"tts", "speaks", "repartee-tts", "tts-driver"},
              {"embed", "embeds", "repartee-llm --embed", "embed-driver"},
              {"ears", "listens", "repartee-stt --ears", "stt-vad"}};
enum { TRADES = sizeof trades / sizeof *trades };

/* Not every server has each of them. */
static bool is_there(const struct json_val *ready, size_t trade)
{
    return json_get(json_get(ready, "engines"), trades[trade].role);
}

/* What the server knows of the engine of a trade. */
static struct str engine_says(const struct json_val *ready, size_t trade, const char *what)
{
    const struct json_val *engines = json_get(ready, "engines");
    return json_str(json_get(json_get(engines, trades[trade].role), what));
}

/* Of who speaks in the place of the synthesiser. */
static struct str remote_says(const struct json_val *ready, const char *what)
{
    const struct json_val *tts = json_get(json_get(ready, "engines"), "tts");
    return json_str(json_get(json_get(tts, "remote"), what));
}

static bool engine_runs(const struct json_val *ready, size_t trade)
{
    return str_eq(engine_says(ready, trade, "state"), S("ready"));
}

static bool all_run(const struct json_val *ready)
{
    bool all = true;
    for (size_t i = 0; i < TRADES; i++)
        all = all && (engine_runs(ready, i) || !is_there(ready, i));
    return all;
}

static void show_server(const struct json_val *ready)
{
    printf("Engines\n");
    for (size_t i = 0; i < TRADES; i++) {
        struct str driver = engine_says(ready, i, "driver"), notes = engine_says(ready, i, "notes");
        if (!is_there(ready, i))
            continue;
        printf("  %-8s %-8.*s %.*s%s%.*s\n", trades[i].does, STR_FMT(driver),
               STR_FMT(engine_says(ready, i, "state")), notes.n ? ", " : "", STR_FMT(notes));
    }
    struct str state = remote_says(ready, "state"), notes = remote_says(ready, "notes");
    if (state.n)
        printf("  %-8s %-8s %.*s, %.*s%s\n", "speaks", "remote", STR_FMT(state), STR_FMT(notes),
               str_eq(state, S("ready")) ? "" : "; the local voice speaks");
    long long jobs = json_int(json_get(ready, "jobs"), 0);
    printf("Documents\n  %lld documents, %lld passages",
           (long long)json_int(json_get(ready, "documents"), 0),
           (long long)json_int(json_get(ready, "chunks"), 0));
    if (jobs)
        printf(", %lld still being read", jobs);
    printf("\n");
}

/* What to do when all is well. */
static void show_next(const struct cli *c, const struct json_val *ready, bool own_server)
{
    printf("Next\n");
    if (own_server)
        printf("  repartee serve --listen %s    then open the printed address\n", c->conf.listen);
    else
        printf("  The server runs: open the address that it printed, or repartee talk\n");
    printf("  repartee ingest FILE…    to add your own documents\n");
    if (str_eq(engine_says(ready, 0, "driver"), S("sphinx")))
        printf("  The built-in engines understand English only.\n");
    if (str_eq(engine_says(ready, 1, "driver"), S("quote")))
        printf("  Answers are quoted from the documents; repartee pull brings a language model.\n");
}

/* What is broken, a sentence each, with the remedy. */
static int tell_broken(const struct cli *c, const struct json_val *ready, bool own_server)
{
    for (size_t i = 0; i < TRADES; i++) {
        struct str state = engine_says(ready, i, "state"), driver = engine_says(ready, i, "driver");
        struct str notes = engine_says(ready, i, "notes");
        if (!is_there(ready, i) || engine_runs(ready, i))
            continue;
        if (str_eq(driver, S("remote")))
            cli_fail(c, "the engine that %s is %.*s: %.*s; mend that or choose another with --%s",
                     trades[i].does, STR_FMT(state),
                     STR_FMT(notes.n ? notes : S("its server has not answered yet")),
                     trades[i].option);
        else
            cli_fail(c,
                     "the engine that %s is %.*s: %s with the driver %.*s does not run; %s, "
                     "mend that or choose another with --%s",
                     trades[i].does, STR_FMT(state), trades[i].program, STR_FMT(driver),
                     own_server ? "its own words below say why" : "the server's log says why",
                     trades[i].option);
    }
    return EXIT_FAILED;
}

static int examine(const struct cli *c, const struct machine *m, const struct suited *suited,
                   struct connection *k)
{
    autobuf answer = BUF(1024 * 1024);
    int status; /* 503 while an engine is down, with the same details */
    struct json_doc *doc;
    struct json_why why;
    enum err err = connection_get(k, "/readyz", &answer, &status);
    if (err != OK)
        return cli_fail(c, "the server went away (%s); try again", err_text(err));
    if (json_parse(buf_str(&answer), &doc, &why) != OK)
        return cli_not_json(c);
    const struct json_val *ready = json_root(doc);
    bool well = all_run(ready), own = connection_is_private(k);
    int code = EXIT_OK;
    if (c->json)
        code = print_json(c, m, suited, well, buf_str(&answer));
    else
        show_server(ready);
    if (!well)
        code = tell_broken(c, ready, own);
    else if (!c->json)
        show_next(c, ready, own);
    json_doc_destroy(doc);
    return code;
}

int cli_doctor(struct cli *c)
{
    struct machine machine = {};
    struct suited suited;
    look_at(&machine, c->data);
    look_at_models(c, &suited);
    if (!c->json) {
        show_machine(c, &machine);
        show_models(&suited);
    }
    struct connection *k;
    int code = connect_server(c, CONNECT_SETTLED, &k);
    if (code == EXIT_OK) {
        code = examine(c, &machine, &suited, k);
        disconnect_server(k);
    }
    forget_models(&suited);
    return code;
}
