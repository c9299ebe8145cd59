// SPDX-License-Identifier: Apache-2.0
/* The keys of those who may talk with the server from elsewhere: a file of the data folder, which a
 * running server follows. */
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "server/access/keys.h"
#include "server/cli/cli.h"

enum { LIST_MAX = 512 * 1024 };

static int fail(const struct cli *c, enum err err, const char *name)
{
    switch (err) {
    case ERR_INVALID:
        return cli_misuse(c,
                          "\"%s\" is no name for a key: take letters, digits, - and _, but neither "
                          "local nor visitor",
                          name);
    case ERR_CONFLICT:
        return cli_fail(c, "there is a key named %s; revoke it first, or take another name", name);
    case ERR_NOTFOUND:
        return cli_fail(c, "there is no key named %s; 'repartee key list' shows them all", name);
    case ERR_TOOBIG:
        return cli_fail(c, "there are %d keys already; revoke some that nobody uses", KEYS_MAX);
    case ERR_SYNTAX:
        return cli_fail(c, "%s/keys is damaged; restore it, or remove it and create the keys anew",
                        c->data);
    default:
        return cli_fail(c, "%s/keys cannot be read or written: %s; look at its rights", c->data,
                        err_text(err));
    }
}

static int create(const struct cli *c, const char *name)
{
    autobuf text = BUF(256), out = BUF(1024);
    enum err err = keys_add(c->data, str_of(name), &text);
    if (err != OK)
        return fail(c, err, name);
    if (!c->json) {
        fprintf(stderr, "The key of %s; it is shown only now, so keep it well:\n", name);
        printf("%.*s\n", STR_FMT(text));
        return EXIT_OK;
    }
    struct json_out j = {.to = &out};
    json_obj(&j);
    json_kstr(&j, "name", str_of(name));
    json_kstr(&j, "key", buf_str(&text));
    json_end(&j);
    if (json_finish(&j) != OK)
        return cli_no_memory(c);
    printf("%.*s\n", STR_FMT(out));
    return EXIT_OK;
}

static int list(const struct cli *c)
{
    struct keys k;
    autobuf out = BUF(LIST_MAX);
    enum err err = keys_read(c->data, &k);
    if (err != OK)
        return fail(c, err, "");
    struct json_out j = {.to = &out};
    json_obj(&j);
    json_key(&j, "keys");
    json_arr(&j);
    for (size_t i = 0; i < k.count; i++) {
        char day[32];
        struct tm tm = {};
        time_t t = (time_t)k.key[i].created_s;
        (void)gmtime_r(&t, &tm);
        strftime(day, sizeof day, "%Y-%m-%d", &tm);
        if (!c->json)
            printf("%-24s created %s\n", k.key[i].name, day);
        json_obj(&j);
        json_kstr(&j, "name", str_of(k.key[i].name));
        json_kint(&j, "created_at", k.key[i].created_s);
        json_end(&j);
    }
    json_end(&j);
    json_end(&j);
    size_t count = k.count;
    keys_free(&k);
    if (json_finish(&j) != OK)
        return cli_no_memory(c);
    if (c->json)
        printf("%.*s\n", STR_FMT(out));
    else if (count == 0)
        fputs("There are no keys yet; 'repartee key create NAME' makes one.\n", stderr);
    return EXIT_OK;
}

static int revoke(const struct cli *c, const char *name)
{
    enum err err = keys_remove(c->data, str_of(name));
    if (err != OK)
        return fail(c, err, name);
    if (c->json)
        printf("{\"revoked\":\"%s\"}\n", name);
    else
        printf("The key of %s opens nothing any more.\n", name);
    return EXIT_OK;
}

int cli_key(struct cli *c)
{
    const char *what = c->operand[0], *name = c->count > 1 ? c->operand[1] : nullptr;
    bool is_list = strcmp(what, "list") == 0;
    if (!is_list && strcmp(what, "create") != 0 && strcmp(what, "revoke") != 0)
        return cli_misuse(c, "\"%s\" is none of create NAME, list and revoke NAME", what);
    if (is_list)
        return name ? cli_misuse(
                          c,
                          "\"%s\" is one argument too many; leave it out, or join words by quotes",
                          name)
                    : list(c);
    if (!name)
        return cli_misuse(c, "whose key? Write: repartee key %s NAME", what);
    return what[0] == 'c' ? create(c, name) : revoke(c, name);
}
