// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "server/api/server.h"
#include "server/cli/announce.h"
#include "server/cli/cli.h"

int cli_serve(struct cli *c)
{
    char what[64];
    snprintf(what, sizeof what, "repartee %s", c->command->name);
    const struct server_where where = {
        .data = c->data, .docs = c->conf.docs, .what = what, .is_private = c->is_private};
    struct server *server;
    struct server_why why;
    enum err err = server_create(&c->conf, &where, &server, &why);
    if (err == ERR_CONFLICT && c->is_private)
        return EXIT_IN_USE; /* the command will use the other one */
    if (err != OK)
        return cli_fail(c, "%s", why.text);
    if (!c->is_private)
        announce(c, server);
    server_run(server);
    server_destroy(server);
    return EXIT_OK;
}
