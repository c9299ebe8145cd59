// SPDX-License-Identifier: Apache-2.0
#include "server/api/models/pull_command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "server/models/models_dir.h"

enum { TEXT_MAX = 64 * 1024 };

/* What libcurl and OpenSSL go by. */
static const char *const inherited[] = {
    "http_proxy", "https_proxy", "HTTPS_PROXY",   "all_proxy",    "ALL_PROXY",
    "no_proxy",   "NO_PROXY",    "SSL_CERT_FILE", "SSL_CERT_DIR",
};

static enum err add(struct pull_command *c, const char *const *list, size_t room, const char *name,
                    struct str value)
{
    const char **at = (const char **)list;
    autobuf text = BUF(TEXT_MAX);
    try(buf_addf(&text, "%s", name));
    try(buf_add(&text, value));
    while (*at)
        at++;
    check((size_t)(at - list) + 1 < room && c->count < sizeof c->owned / sizeof *c->owned);
    char *copy = mem_strdup(buf_str(&text));
    if (!copy)
        return ERR_NOMEM;
    c->owned[c->count++] = copy;
    *at = copy;
    return OK;
}

static enum err add_word(struct pull_command *c, const char *before, struct str word)
{
    return add(c, c->argv, sizeof c->argv / sizeof *c->argv, before, word);
}

/* An option that says nothing is left to what it is by itself. */
static enum err add_option(struct pull_command *c, const char *name, const char *value)
{
    return value[0] ? add(c, c->env, sizeof c->env / sizeof *c->env, name, str_of(value)) : OK;
}

static enum err add_words(struct pull_command *c, const struct wish_words *w)
{
    try(add_word(c, "repartee", S("")));
    try(add_word(c, "pull", S("")));
    if (w->sha256.n)
        try(add_word(c, "sha256:", w->sha256));
    if (w->more_sha256.n)
        try(add_word(c, "sha256:", w->more_sha256));
    if (w->kind.n)
        try(add_word(c, "--kind=", w->kind));
    if (w->as.n)
        try(add_word(c, "--as=", w->as));
    return add_word(c, "--fd=", S("3"));
}

static enum err add_options(struct pull_command *c, const struct conf *conf, const char *data,
                            const struct models_dir *dir, struct str source)
{
    char silence[24];
    snprintf(silence, sizeof silence, "%" PRId64, (int64_t)conf->fetch_silence_ms);
    try(add_option(c, "PATH=", "/usr/bin:/bin"));
    try(add_option(c, "LANG=", "C.UTF-8"));
    try(add(c, c->env, sizeof c->env / sizeof *c->env, "PULL_SOURCE=", source));
    try(add_option(c, "REPARTEE_CONFIG=", "/dev/null"));
    try(add_option(c, "REPARTEE_DATA=", data));
    try(add_option(c, "REPARTEE_MODELS_DIR=", dir->path));
    try(add_option(c, "REPARTEE_MODELS_HUB=", conf->models_hub));
    try(add_option(c, "REPARTEE_MODELS_TOKEN=", conf->models_token));
    try(add_option(c, "REPARTEE_FETCH_ALLOW=", conf->fetch_allow));
    try(add_option(c, "REPARTEE_FETCH_SILENCE_MS=", silence));
    for (size_t i = 0; i < sizeof inherited / sizeof *inherited; i++) {
        const char *value = getenv(inherited[i]);
        char name[32];
        snprintf(name, sizeof name, "%s=", inherited[i]);
        try(add_option(c, name, value ? value : ""));
    }
    return OK;
}

enum err pull_command_init(struct pull_command *c, const struct conf *conf, const char *data,
                           const struct models_dir *dir, const struct wish_words *words)
{
    *c = (struct pull_command){};
    try(add_words(c, words));
    return add_options(c, conf, data, dir, words->source);
}

void pull_command_finish(struct pull_command *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->owned[i]);
}
