// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "server/cli/connect.h"
#include "server/cli/file.h"
#include "server/cli/show.h"

enum { QUESTION_MAX = 16 * 1024 };

struct asking {
    const struct cli *cli;
    struct sse_reader events;
    struct buf refusal; /* the body of an answer that is no stream */
    struct show show;
    int status;
    bool failed;
};

static enum err on_event(void *arg, struct str data)
{
    struct asking *a = arg;
    struct json_doc *doc;
    struct json_why why;
    if (json_parse(data, &doc, &why) != OK)
        return ERR_SYNTAX;
    const struct json_val *event = json_root(doc);
    if (str_eq(json_str(json_get(event, "type")), S("error"))) {
        struct str message = json_str(json_get(json_get(event, "error"), "message"));
        cli_fail(a->cli, "%.*s", STR_FMT(message));
        a->failed = true;
    } else {
        show_event(&a->show, event);
    }
    json_doc_destroy(doc);
    return OK;
}

static enum err on_body(void *arg, struct str bytes)
{
    struct asking *a = arg;
    if (a->status >= 300)
        return buf_add(&a->refusal, bytes);
    return sse_reader_feed(&a->events, bytes, on_event, a);
}

static int ask(struct cli *c, struct str question, bool use_rag)
{
    struct connection *k;
    int code = connect_server(c, CONNECT_READY, &k);
    if (code != EXIT_OK)
        return code;
    autobuf body = BUF(2 * QUESTION_MAX + 1024);
    struct json_out j = {.to = &body};
    json_obj(&j);
    json_kstr(&j, "message", question);
    json_kbool(&j, "use_rag", use_rag);
    json_end(&j);
    struct asking a = {.cli = c, .refusal = BUF(64 * 1024)};
    show_init(&a.show, c->json);
    static const char *const headers[] = {"Content-Type: application/json", nullptr};
    enum err err = json_finish(&j);
    if (err == OK) {
        const struct client_request r = {
            .method = "POST", .path = "/chat", .headers = headers, .body = buf_str(&body)};
        err = client_do(connection_client(k), &r, on_body, &a, &a.status);
    }
    if (err != OK)
        code = cli_fail(c, "the server went away (%s); try again", err_text(err));
    else if (a.status >= 300)
        code = connection_refused(c, a.status, buf_str(&a.refusal));
    else
        code = a.failed ? EXIT_FAILED : show_finish(&a.show);
    show_free(&a.show);
    sse_reader_finish(&a.events);
    buf_finish(&a.refusal);
    disconnect_server(k);
    return code;
}

int cli_ask(struct cli *c)
{
    autobuf question = BUF(QUESTION_MAX);
    int code = read_operand(c, &question);
    if (code != EXIT_OK)
        return code;
    if (str_trim(buf_str(&question)).n == 0)
        return cli_misuse(c, "%s", c->command->missing);
    return ask(c, str_trim(buf_str(&question)), !cli_given(c, "no-rag"));
}
