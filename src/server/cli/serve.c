// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "server/api/server.h"
#include "server/cli/cli.h"

int cli_serve(struct cli *c)
{
    if (c->argc > 1 && !c->quiet)
        return cli_no_option(c, c->argv[1]);
    const struct server_where where = {.data = c->data, .docs = c->conf.docs, .tcp = !c->quiet};
    struct server *server;
    struct server_why why;
    if (server_create(&c->conf, &where, &server, &why) != OK)
        return cli_fail(c, "%s", why.text);
    if (!c->quiet) {
        printf("Repartee is ready: %s\n", server_url(server));
        fflush(stdout);
    }
    server_run(server);
    server_destroy(server);
    return EXIT_OK;
}
