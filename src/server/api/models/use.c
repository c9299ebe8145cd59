// SPDX-License-Identifier: Apache-2.0
/* POST /models/use: another language model answers from now on. Its progress comes as server-sent events; the change
 * goes on when nobody reads them any more. */
#include <stdio.h>

#include "server/answerer/answerer.h"
#include "server/api/models/models.h"
#include "server/net/error.h"
#include "server/net/sse.h"

/* A name may be a path, as llm.model has it. */
enum { NAME_MAX_BYTES = 4096, BODY_MAX = 16 * 1024, EVENT_MAX = 32 * 1024 };

struct wish_to_use {
    struct server *server;
    struct exchange *x;
    struct sse *sse;
    struct buf json;
};

static void use_free(struct wish_to_use *u)
{
    answerer_unwatch(u->server->answerer, u);
    buf_finish(&u->json);
    free(u);
}

static struct json_out event(struct wish_to_use *u)
{
    buf_clear(&u->json);
    struct json_out j = {.to = &u->json};
    json_obj(&j);
    return j;
}

/* An event that cannot be made ends the stream: on_gone follows. */
static void send(struct wish_to_use *u, const char *name, struct json_out *j)
{
    json_end(j);
    if (json_finish(j) == OK)
        (void)sse_send(u->sse, name, 0, buf_str(&u->json)); /* as few as these wait for nobody */
    else
        exchange_doom(u->x);
}

static void on_progress(void *arg, const char *state)
{
    struct wish_to_use *u = arg;
    struct json_out j = event(u);
    json_kstr(&j, "state", str_of(state));
    send(u, "progress", &j);
}

static void on_changed(void *arg, enum err err, const char *text, bool is_kept)
{
    struct wish_to_use *u = arg;
    struct json_out j = event(u);
    if (err == OK) {
        json_kstr(&j, "model", str_of(text));
        json_kbool(&j, "kept", is_kept);
    } else {
        json_kstr(&j, "code", str_of(err_code(err)));
        json_kstr(&j, "message", str_of(text));
    }
    send(u, err == OK ? "done" : "error", &j);
    sse_end(u->sse);
    use_free(u);
}

static enum err read_name(struct str body, struct json_doc **ret_doc, struct str *ret_name,
                          struct json_why *why)
{
    static const struct json_field fields[] = {
        {"name", JSON_STR, 0, .required = true, .min = 1, .max = NAME_MAX_BYTES}};
    try(json_parse(body, ret_doc, why));
    return json_read(json_root(*ret_doc), fields, 1, JSON_STRICT, ret_name, why);
}

static void on_request(struct exchange *x, void *arg, struct str body)
{
    static const struct answerer_watch watch = {.progress = on_progress, .ended = on_changed};
    struct wish_to_use *u = arg;
    struct json_doc *doc = nullptr;
    struct json_why why = {};
    struct answerer_why reason = {};
    struct str name;
    enum err err = read_name(body, &doc, &name, &why);
    const struct models *m = u->server->models; /* NULL: nobody has asked for a removal yet */
    if (err == OK && m && shelf_is_removing(m->shelf, name)) {
        err = ERR_CONFLICT;
        snprintf(reason.text, sizeof reason.text, "this model is being removed");
    }
    if (err == OK)
        err = answerer_prepare(u->server->answerer, name, &reason);
    json_doc_destroy(doc);
    if (err == OK)
        err = sse_open(x, &u->sse);
    if (err == OK) {
        answerer_begin(u->server->answerer, &watch, u);
        return;
    }
    const char *sentence = reason.text[0] ? reason.text : why.text[0] ? why.text : nullptr;
    exchange_error(x, err, sentence, why.param[0] ? why.param : reason.text[0] ? "name" : nullptr);
    use_free(u);
}

static void on_gone(struct exchange *x, void *arg)
{
    (void)x;
    struct wish_to_use *u = arg;
    sse_drop(u->sse);
    use_free(u);
}

void handle_model_use(struct server *s, struct exchange *x, const struct principal *who,
                      struct str id)
{
    (void)who, (void)id;
    static const struct exchange_events events = {.on_request = on_request, .on_gone = on_gone};
    struct wish_to_use *u = mem_zero(1, sizeof *u);
    if (!u) {
        exchange_error(x, ERR_NOMEM, nullptr, nullptr);
        return;
    }
    *u = (struct wish_to_use){.server = s, .x = x, .json = BUF(EVENT_MAX)};
    exchange_read_body(x, BODY_MAX, &events, u);
}
