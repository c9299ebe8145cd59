// SPDX-License-Identifier: Apache-2.0
#include "server/api/call_log.h"

#include <stdlib.h>

enum { OVERHEAD = sizeof(struct logged) };

void call_log_init(struct call_log *l, bool keeps)
{
    *l = (struct call_log){.keeps = keeps};
}

static uint64_t *count_of(struct call_place *p, bool sound)
{
    return sound ? &p->sounds : &p->events;
}

static void drop_first(struct call_log *l)
{
    struct logged *m = l->first;
    *count_of(&l->gone, m->sound) = m->number;
    l->bytes -= OVERHEAD + m->n;
    l->first = m->next;
    if (l->first == nullptr)
        l->last = nullptr;
    free(m);
}

void call_log_finish(struct call_log *l)
{
    while (l->first != nullptr)
        drop_first(l);
    l->unsent = nullptr;
}

enum err call_log_add(struct call_log *l, bool sound, struct str head, struct str body,
                      uint64_t now_ms)
{
    size_t n = head.n + body.n;
    while (l->first != l->unsent && l->bytes + OVERHEAD + n > CALL_LOG_MAX)
        drop_first(l);
    if (l->bytes + OVERHEAD + n > CALL_LOG_MAX)
        return ERR_TOOBIG;
    struct logged *m = malloc(sizeof *m + n);
    if (m == nullptr)
        return ERR_NOMEM;
    *m = (struct logged){
        .number = ++*count_of(&l->end, sound), .at_ms = now_ms, .sound = sound, .n = n};
    memcpy(m->bytes, head.p ? head.p : "", head.n);
    memcpy(m->bytes + head.n, body.p ? body.p : "", body.n);
    *(l->last != nullptr ? &l->last->next : &l->first) = m;
    l->last = m;
    if (l->unsent == nullptr)
        l->unsent = m;
    l->bytes += OVERHEAD + n;
    return OK;
}

const struct logged *call_log_next(const struct call_log *l)
{
    return l->unsent;
}

void call_log_sent(struct call_log *l)
{
    l->unsent = l->unsent->next;
    while (!l->keeps && l->first != l->unsent)
        drop_first(l);
}

static bool is_before(const struct logged *m, struct call_place p)
{
    return m->number <= (m->sound ? p.sounds : p.events);
}

void call_log_received(struct call_log *l, struct call_place to)
{
    while (l->first != l->unsent && is_before(l->first, to))
        drop_first(l);
}

void call_log_forget(struct call_log *l, uint64_t before_ms)
{
    while (l->first != l->unsent && l->first->at_ms < before_ms)
        drop_first(l);
}

enum err call_log_rewind(struct call_log *l, struct call_place from)
{
    if (from.events < l->gone.events || from.sounds < l->gone.sounds ||
        from.events > l->end.events || from.sounds > l->end.sounds)
        return ERR_NOTFOUND;
    struct logged *m = l->first;
    while (m != nullptr && is_before(m, from))
        m = m->next;
    /* Whoever has got a later one but not this one has counted wrongly. */
    for (const struct logged *later = m; later != nullptr; later = later->next)
        if (is_before(later, from))
            return ERR_NOTFOUND;
    l->unsent = m;
    return OK;
}
