// SPDX-License-Identifier: Apache-2.0
/* Brings models: by their name in the catalogue, from the hub, from an address, from a folder. */
#include <stdio.h>
#include <stdlib.h>

#include "server/cli/pull_parts.h"
#include "server/models/advice.h"
#include "server/models/catalogue.h"

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

int pull_take(struct pull *p, const struct pull_words *given, struct wish *w)
{
    const struct wish_words words = {
        .source = given->source,
        .sha256 = given->sha256,
        .more_sha256 = given->more_sha256,
        .kind = str_of(cli_given(p->c, "kind")),
        .as = str_of(cli_given(p->c, "as")),
    };
    switch (wish_take(&p->catalogue, &words, w)) {
    case WISH_SOURCE:
        return no_source(p, given->source);
    case WISH_KIND:
        return cli_misuse(p->c,
                          "what is %.*s? Say with --kind whether it is llm, stt, tts, embed or vad",
                          STR_FMT(str_sub(model_source_file(&w->source[0]), 0, 200)));
    case WISH_NAME:
        return cli_misuse(p->c,
                          "the file's name makes no good name for a model; give it one with --as");
    case WISH_SHA256:
        return cli_misuse(
            p->c, "an address needs the file's SHA-256; write it behind the address: sha256:…");
    case WISH_MORE_SHA256:
        return cli_misuse(
            p->c,
            "a voice is two files; write both their SHA-256 behind the address, first "
            "that of %.*s, then that of %.*s beside it: sha256:… sha256:…",
            STR_FMT(str_sub(model_source_file(&w->source[0]), 0, 200)),
            STR_FMT(str_sub(model_source_file(&w->source[1]), 0, 200)));
    case WISH_NO_MORE:
        return cli_misuse(p->c, "%s is one file; leave the second sha256: out", w->name);
    case WISH_NOMEM:
        return cli_no_memory(p->c);
    case WISH_GOOD:
        break;
    }
    return EXIT_OK;
}

static int pull_one(struct pull *p, const struct pull_words *words)
{
    struct wish w;
    bool is_there = false;
    int code = pull_take(p, words, &w);
    if (code == EXIT_OK)
        code = pull_look(p, &w, &is_there);
    return code != EXIT_OK || is_there ? code : pull_from_network(p, &w);
}

/* --- the command --- */

static int pull_set(struct pull *p)
{
    static const char *const kinds[] = {"llm", "embed", "stt", "tts", "vad"};
    struct advice_machine machine;
    advice_look(&machine);
    int code = EXIT_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && code == EXIT_OK; i++) {
        const struct model *m =
            catalogue_choose(&p->catalogue, str_of(kinds[i]), (uint64_t)machine.memory_mib);
        if (!m && i == 0)
            return cli_fail(
                p->c,
                "this machine has too little memory for any language model; Repartee answers without one, too");
        if (m)
            code = pull_one(p, &(struct pull_words){.source = m->name});
    }
    return code;
}

static bool takes_sha256(const struct cli *c, int at)
{
    return at < c->count && str_starts(str_of(c->operand[at]), S("sha256:"));
}

int pull_next(struct pull *p, int *at, struct pull_words *words)
{
    struct cli *c = p->c;
    struct pull_words w = {.source = str_of(c->operand[(*at)++])};
    struct str *const sums[] = {&w.sha256, &w.more_sha256};
    for (size_t i = 0; i < sizeof sums / sizeof *sums && takes_sha256(c, *at); i++) {
        *sums[i] = str_of(c->operand[(*at)++] + 7);
        if (!sha256_is_good(*sums[i]))
            return cli_misuse(
                c,
                "sha256: takes 64 hexadecimal digits in small letters, such as sha256sum prints");
    }
    *words = w;
    return EXIT_OK;
}

static int pull_operands(struct pull *p)
{
    int code = EXIT_OK, at = 0;
    while (at < p->c->count && code == EXIT_OK) {
        struct pull_words words;
        code = pull_next(p, &at, &words);
        if (code == EXIT_OK)
            code = pull_one(p, &words);
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
    struct model_list_why why;
    const char *from = cli_given(c, "from");
    enum err err = models_dir_lock(&p->dir, "pull", holder);
    if (err == ERR_CONFLICT)
        return pull_fail(p, err, "%s changes %s now; wait for its end, then try again", holder,
                         p->dir.path);
    if (err == OK)
        err = models_dir_settle(&p->dir, &why);
    if (err == OK)
        err = catalogue_read(&p->catalogue);
    if (err == OK)
        err = pull_read_installed(p);
    if (err != OK)
        return pull_cannot_store(p, err);
    return from ? pull_from(p, from) : c->count ? pull_operands(p) : pull_set(p);
}

/* A server says in the environment what it wants: an address may hold a signature, and arguments are for all to see. */
static void take_source(struct cli *c, char *words[3])
{
    words[0] = getenv("PULL_SOURCE");
    for (int i = 0; i < 2; i++)
        words[1 + i] = i < c->count ? c->operand[i] : nullptr; /* sha256:… */
    if (!words[0] || c->count > 2)
        return;
    c->operand = words;
    c->count++;
}

int cli_pull(struct cli *c)
{
    struct pull p = {.c = c};
    const char *fd = cli_given(c, "fd");
    char *words[3];
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
