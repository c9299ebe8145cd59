// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "server/api/server.h"
#include "server/cli/announce.h"
#include "server/cli/cli.h"

struct announcing {
    const struct cli *cli;
    bool begun;
};

static void on_ready(void *arg, struct server *s, bool ready)
{
    struct announcing *a = arg;
    if (a->begun)
        announce_ready(a->cli);
    else
        announce(a->cli, s, ready);
    a->begun = true;
}

int cli_serve(struct cli *c)
{
    char what[64];
    snprintf(what, sizeof what, "repartee %s", c->command->name);
    const struct server_where where = {.data = c->data,
                                       .docs = c->conf.docs,
                                       .what = what,
                                       .is_private = c->is_private,
                                       .is_patient = c->is_patient};
    struct server *server;
    struct server_why why;
    enum err err = server_create(&c->conf, &where, &server, &why);
    if (err == ERR_CONFLICT && c->is_private)
        return EXIT_IN_USE; /* the command will use the other one */
    if (err != OK)
        return cli_fail(c, "%s", why.text);
    struct announcing announcing = {.cli = c};
    if (!c->is_private)
        server_on_ready(server, on_ready, &announcing);
    err = server_run(server, &why);
    server_destroy(server);
    return err == OK ? EXIT_OK : cli_fail(c, "%s", why.text);
}
