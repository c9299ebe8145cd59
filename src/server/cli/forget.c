// SPDX-License-Identifier: Apache-2.0
/* The end of what was said to this machine: in the server's memory, and on the disk. */
#include <stdio.h>

#include "base/json.h"
#include "server/cli/connect.h"

int cli_forget(struct cli *c)
{
    autobuf answer = BUF(0);
    struct connection *k = nullptr;
    int code = connect_server(c, CONNECT_ALIVE, &k);
    if (code == EXIT_OK)
        code = connection_json(c, k, "DELETE", "/sessions", "application/json", S(""), &answer);
    disconnect_server(k);
    if (code != EXIT_OK)
        return code;
    if (c->json) {
        printf("%.*s\n", STR_FMT(answer));
        return EXIT_OK;
    }
    struct json_doc *doc;
    struct json_why why;
    if (json_parse(buf_str(&answer), &doc, &why) != OK)
        return cli_not_json(c);
    int64_t n = json_int(json_get(json_root(doc), "ended"), 0);
    json_doc_destroy(doc);
    printf("%lld %s forgotten\n", (long long)n, n == 1 ? "conversation is" : "conversations are");
    return EXIT_OK;
}
