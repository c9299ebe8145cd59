// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/json.h"
#include "server/cli/connect.h"
#include "server/cli/file.h"
#include "server/cli/plain.h"

enum { RECORDING_MAX = 32 * 1024 * 1024 };

int cli_hear(struct cli *c)
{
    autobuf recording = BUF(RECORDING_MAX), answer = BUF(0);
    int code = read_whole_file(c, c->operand[0], &recording);
    struct connection *k = nullptr;
    if (code == EXIT_OK)
        code = connect_server(c, CONNECT_READY, &k);
    if (code == EXIT_OK)
        code = connection_json(c, k, "POST", "/stt", "application/octet-stream",
                               buf_str(&recording), &answer);
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
    plain_print(stdout, json_str(json_get(json_root(doc), "text")));
    putchar('\n');
    json_doc_destroy(doc);
    return EXIT_OK;
}
