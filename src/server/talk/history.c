// SPDX-License-Identifier: Apache-2.0
#include "server/talk/history.h"

#include "base/mem.h"

static void drop_oldest(struct history *h)
{
    h->bytes -= h->entry[0].n;
    free(h->entry[0].text);
    memmove(&h->entry[0], &h->entry[1], (h->count - 1) * sizeof h->entry[0]);
    h->count--;
}

void history_finish(struct history *h)
{
    while (h->count)
        drop_oldest(h);
}

void history_take(struct history *h, enum said_by by, uint64_t turn, char *text, size_t n,
                  bool interrupted)
{
    n = utf8_prefix((struct str){text, n}, HISTORY_BYTES_MAX / 2);
    while (h->count && (h->count == HISTORY_ENTRIES_MAX || h->bytes + n > HISTORY_BYTES_MAX))
        drop_oldest(h);
    /* A history never opens with an answer to a question that has left it. */
    while (h->count && h->entry[0].by == SAID_BY_ASSISTANT)
        drop_oldest(h);
    h->entry[h->count++] =
        (struct said){.by = by, .interrupted = interrupted, .turn = turn, .text = text, .n = n};
    h->bytes += n;
}

enum err history_add(struct history *h, enum said_by by, uint64_t turn, struct str text,
                     bool interrupted)
{
    text.n = utf8_prefix(text, HISTORY_BYTES_MAX / 2);
    char *copy = mem_strdup(text);
    if (!copy)
        return ERR_NOMEM;
    history_take(h, by, turn, copy, text.n, interrupted);
    return OK;
}

static const char user[] = "user", assistant[] = "assistant";

void history_put_json(const struct history *h, struct json_out *j)
{
    json_arr(j);
    for (size_t i = 0; i < h->count; i++) {
        const struct said *s = &h->entry[i];
        json_obj(j);
        json_kstr(j, "by", str_of(s->by == SAID_BY_USER ? user : assistant));
        json_kstr(j, "text", (struct str){s->text, s->n});
        if (s->interrupted)
            json_kbool(j, "interrupted", true);
        json_end(j);
    }
    json_end(j);
}

static enum err read_said(const struct json_val *obj, struct history *h)
{
    struct entry {
        struct str by, text;
        bool interrupted;
    } e = {};
    static const struct json_field fields[] = {
        {"by", JSON_STR, offsetof(struct entry, by), .required = true, .one_of = "user|assistant"},
        {"text", JSON_STR, offsetof(struct entry, text), .required = true},
        {"interrupted", JSON_BOOL, offsetof(struct entry, interrupted)},
    };
    struct json_why why;
    try(json_read(obj, fields, sizeof fields / sizeof *fields, JSON_STRICT, &e, &why));
    if (e.text.n > HISTORY_BYTES_MAX / 2 || h->bytes + e.text.n > HISTORY_BYTES_MAX)
        return ERR_TOOBIG;
    enum said_by by = str_eq(e.by, str_of(user)) ? SAID_BY_USER : SAID_BY_ASSISTANT;
    if (h->count == 0 && by == SAID_BY_ASSISTANT)
        return ERR_INVALID; /* see history_add */
    return history_add(h, by, 0, e.text, e.interrupted);
}

enum err history_read_json(struct str json, struct history *ret_h)
{
    struct json_doc *doc;
    struct json_why why;
    if (json.n > HISTORY_JSON_MAX)
        return ERR_TOOBIG;
    try(json_parse(json, &doc, &why));
    const struct json_val *list = json_root(doc), *item;
    struct history h = {};
    enum err err = json_typeof(list) == JSON_ARR ? OK : ERR_INVALID;
    if (err == OK && json_count(list) > HISTORY_ENTRIES_MAX)
        err = ERR_TOOBIG;
    for (size_t at = 0; err == OK && json_next(list, &at, nullptr, &item);)
        err = read_said(item, &h);
    json_doc_destroy(doc);
    if (err != OK) {
        history_finish(&h);
        return err;
    }
    *ret_h = h;
    return OK;
}
