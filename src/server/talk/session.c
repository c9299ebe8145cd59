// SPDX-License-Identifier: Apache-2.0
#include "server/talk/session.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"

/* A hash table by id (chained) and a list by last use. The id is random, so its own bytes are the
 * hash. */
struct sessions {
    uint32_t max, count, mask;
    struct session **bucket;
    struct session *newest, *oldest;
};

enum err sessions_create(uint32_t max, struct sessions **ret_s)
{
    uint32_t buckets = 64;
    while (buckets < max)
        buckets *= 2;
    struct sessions *s = mem_zero(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->bucket = mem_zero(buckets, sizeof *s->bucket);
    if (!s->bucket) {
        free(s);
        return ERR_NOMEM;
    }
    s->max = max;
    s->mask = buckets - 1;
    *ret_s = s;
    return OK;
}

static struct session **bucket_of(struct sessions *s, const char *id)
{
    uint32_t h = 0;
    for (int i = 0; i < 8; i++)
        h = h << 4 | (uint32_t)(id[i] <= '9' ? id[i] - '0' : id[i] - 'a' + 10);
    return &s->bucket[h & s->mask];
}

static void list_take(struct sessions *s, struct session *session)
{
    *(session->newer ? &session->newer->older : &s->newest) = session->older;
    *(session->older ? &session->older->newer : &s->oldest) = session->newer;
    session->newer = session->older = nullptr;
}

static void list_put_newest(struct sessions *s, struct session *session)
{
    session->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = session;
    s->newest = session;
}

static void forget(struct sessions *s, struct session *session)
{
    check(!session->live && !session->attached);
    list_take(s, session);
    struct session **at = bucket_of(s, session->id);
    while (*at != session)
        at = &(*at)->chain;
    *at = session->chain;
    history_finish(&session->history);
    free(session);
    s->count--;
}

void sessions_destroy(struct sessions *s)
{
    if (!s)
        return;
    while (s->oldest)
        forget(s, s->oldest);
    free(s->bucket);
    free(s);
}

static bool may_leave(const struct session *session)
{
    return !session->live && !session->attached;
}

static bool make_room(struct sessions *s)
{
    for (struct session *at = s->oldest; at; at = at->newer)
        if (may_leave(at)) {
            forget(s, at);
            return true;
        }
    return false;
}

enum err session_create(struct sessions *s, struct str owner, struct session **ret_session)
{
    if (owner.n > SESSION_OWNER_MAX)
        return ERR_TOOBIG;
    if (s->count >= s->max && !make_room(s))
        return ERR_BUSY;
    struct session *session = mem_zero(1, sizeof *session);
    if (!session)
        return ERR_NOMEM;
    random_hex(session->id, SESSION_ID_BYTES);
    memcpy(session->owner, owner.p, owner.n);
    session->used_ms = clock_ms();
    struct session **at = bucket_of(s, session->id);
    session->chain = *at;
    *at = session;
    list_put_newest(s, session);
    s->count++;
    *ret_session = session;
    return OK;
}

enum err session_find(struct sessions *s, struct str id, struct str owner,
                      struct session **ret_session)
{
    if (id.n != 2 * SESSION_ID_BYTES)
        return ERR_NOTFOUND;
    for (size_t i = 0; i < id.n; i++)
        if (!((id.p[i] >= '0' && id.p[i] <= '9') || (id.p[i] >= 'a' && id.p[i] <= 'f')))
            return ERR_NOTFOUND;
    for (struct session *at = *bucket_of(s, id.p); at; at = at->chain)
        if (str_eq(str_of(at->id), id)) {
            if (!str_eq(str_of(at->owner), owner))
                return ERR_NOTFOUND;
            at->used_ms = clock_ms();
            list_take(s, at);
            list_put_newest(s, at);
            *ret_session = at;
            return OK;
        }
    return ERR_NOTFOUND;
}

void session_hold(struct session *session)
{
    session->attached++;
}

void session_release(struct sessions *s, struct session *session)
{
    check(session->attached > 0);
    session->attached--;
    session->used_ms = clock_ms();
    list_take(s, session);
    list_put_newest(s, session);
}

void sessions_sweep(struct sessions *s)
{
    uint64_t now = clock_ms();
    for (struct session *at = s->oldest, *newer; at; at = newer) {
        newer = at->newer;
        if (now - at->used_ms < SESSION_IDLE_MS)
            break;
        if (may_leave(at))
            forget(s, at);
    }
}

uint32_t sessions_count(const struct sessions *s)
{
    return s->count;
}
