// SPDX-License-Identifier: Apache-2.0
/* GET /models: what is there, what can be had, what suits this machine; DELETE /models/NAME. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "server/api/models/models.h"

enum { BODY_MAX = 1024, ANSWER_MAX = 4 * 1024 * 1024 };

struct asking {
    struct models *models;
    struct exchange *x;
    struct shelf_ask *ask; /* NULL: not asked yet */
    shelf_fn on_look;
    bool is_operator;
    char removes[MODEL_NAME_MAX + 1];
};

static void asking_fail(struct asking *a, enum err err, const char *sentence)
{
    exchange_error(a->x, err, sentence, nullptr);
    free(a);
}

static void on_gone(struct exchange *x, void *arg)
{
    (void)x;
    struct asking *a = arg;
    shelf_forget(a->ask);
    free(a);
}

static void on_request(struct exchange *x, void *arg, struct str body)
{
    (void)x, (void)body;
    struct asking *a = arg;
    enum err err = shelf_look(a->models->shelf, a->on_look, a, &a->ask);
    if (err != OK)
        asking_fail(a, err, nullptr);
}

static void begin(struct server *s, struct exchange *x, const struct principal *who,
                  struct str removes, shelf_fn on_look)
{
    static const struct exchange_events events = {.on_request = on_request, .on_gone = on_gone};
    struct models *m;
    enum err err = models_of(s, &m);
    struct asking *a = err == OK ? mem_zero(1, sizeof *a) : nullptr;
    if (!a) {
        exchange_error(x, err == OK ? ERR_NOMEM : err, nullptr, nullptr);
        return;
    }
    a->models = m;
    a->x = x;
    a->on_look = on_look;
    a->is_operator = who->trusted;
    snprintf(a->removes, sizeof a->removes, "%.*s", STR_FMT(removes));
    exchange_read_body(x, BODY_MAX, &events, a);
}

/* --- the list --- */

static void put_machine(struct json_out *j, const struct shelf_view *v)
{
    json_obj(j);
    json_kint(j, "memory_mib", v->machine.memory_mib);
    json_kint(j, "cores", v->machine.cores);
    json_kint(j, "disk_free", v->disk_free);
    json_end(j);
}

static void put_model(struct json_out *j, const struct models *m, const struct shelf_view *v,
                      const struct advice_item *item)
{
    const struct model *is = item->is, *there = item->installed;
    struct advice a = advice_on(&v->machine, v->catalogue, is);
    json_obj(j);
    json_kstr(j, "name", is->name);
    json_kstr(j, "kind", is->kind);
    json_kint(j, "size", there ? there->size : is->size);
    json_kstr(j, "licence", is->licence);
    json_kstr(j, "languages", is->languages);
    json_kint(j, "memory_mib", a.memory_mib);
    json_kstr(j, "source", is->source);
    json_kbool(j, "installed", there);
    json_kbool(j, "known", item->known);
    json_kbool(j, "gated", is->is_gated);
    json_kstr(j, "instead", is->instead);
    json_kbool(j, "in_use", there && models_use(m, there) == USE_NOW);
    json_kbool(j, "fits", a.fits);
    json_kbool(j, "suits", a.suits);
    json_key(j, "tokens_per_second");
    if (a.tokens_s > 0)
        json_put_num(j, a.tokens_s);
    else
        json_put_null(j);
    json_end(j);
}

static void put_pulls(struct json_out *j, const struct models *m)
{
    json_arr(j);
    if (m->puller) {
        json_obj(j);
        json_kstr(j, "name", str_of(m->name));
        json_kint(j, "done", m->done);
        json_kint(j, "total", m->total);
        json_end(j);
    }
    json_end(j);
}

static void on_list(void *arg, enum err err, const char *sentence, const struct shelf_view *v)
{
    struct asking *a = arg;
    if (err != OK) {
        asking_fail(a, err, sentence);
        return;
    }
    autobuf body = BUF(ANSWER_MAX);
    struct json_out j = {.to = &body};
    struct advice_item item;
    size_t iter = 0;
    json_obj(&j);
    json_key(&j, "machine");
    put_machine(&j, v);
    json_key(&j, "answers");
    models_put_answers(a->models->server, a->is_operator, &j);
    json_key(&j, "models");
    json_arr(&j);
    while (advice_next(v->catalogue, v->installed, &iter, &item))
        put_model(&j, a->models, v, &item);
    json_end(&j);
    json_key(&j, "pulls");
    put_pulls(&j, a->models);
    json_end(&j);
    err = json_finish(&j);
    if (err != OK) {
        asking_fail(a, err, nullptr);
        return;
    }
    exchange_reply(a->x, 200, "application/json", buf_str(&body));
    free(a);
}

void handle_model_list(struct server *s, struct exchange *x, const struct principal *who,
                       struct str id)
{
    (void)id;
    begin(s, x, who, S(""), on_list);
}

/* --- removal --- */

static const char NO_SUCH[] = "no model of this name is installed";

static void on_removed(void *arg, enum err err, const char *sentence, const struct shelf_view *v)
{
    (void)v;
    struct asking *a = arg;
    if (err != OK) {
        asking_fail(a, err, sentence);
        return;
    }
    log_info("the model %s was removed", a->removes);
    autobuf body = BUF(1024);
    struct json_out j = {.to = &body};
    json_obj(&j);
    json_kstr(&j, "deleted", str_of(a->removes));
    json_end(&j);
    err = json_finish(&j);
    if (err != OK) {
        asking_fail(a, err, nullptr);
        return;
    }
    exchange_reply(a->x, 200, "application/json", buf_str(&body));
    free(a);
}

/* Why it may not be removed now; NULL: it may. */
static const char *why_not(const struct models *m, const struct model *there)
{
    if (m->puller && str_eq_nocase(there->name, str_of(m->name)))
        return "this model is being pulled; cancel that first";
    switch (models_use(m, there)) {
    case USE_NOW:
        return "this model is in use; let another one answer first";
    case USE_NAMED:
        return "the options of this server name this model; change llm.model, embed.model or "
               "stt.model first";
    case USE_HELD:
        return "this model is being loaded, or still ends its answers; try again in a while";
    case USE_NONE:
        break;
    }
    return nullptr;
}

static void on_look(void *arg, enum err err, const char *sentence, const struct shelf_view *v)
{
    struct asking *a = arg;
    const struct model *there =
        err == OK ? model_list_find(v->installed, str_of(a->removes)) : nullptr;
    const char *why = there ? why_not(a->models, there) : nullptr;
    a->ask = nullptr;
    if (err == OK && !there) {
        err = ERR_NOTFOUND;
        sentence = NO_SUCH;
    } else if (why) {
        err = ERR_CONFLICT;
        sentence = why;
    }
    if (err == OK) {
        snprintf(a->removes, sizeof a->removes, "%.*s", STR_FMT(there->name));
        err = shelf_remove(a->models->shelf, there->name, on_removed, a, &a->ask);
        sentence = nullptr;
    }
    if (err != OK)
        asking_fail(a, err, sentence);
}

void handle_model_delete(struct server *s, struct exchange *x, const struct principal *who,
                         struct str id)
{
    if (!model_name_is_good(id))
        exchange_error(x, ERR_NOTFOUND, NO_SUCH, nullptr);
    else
        begin(s, x, who, id, on_look);
}
