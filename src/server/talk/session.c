// SPDX-License-Identifier: Apache-2.0
#include "server/talk/session.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"

/* A hash table by id (chained) and a list by last use. The id is random, so its own bytes are the
 * hash. */
struct sessions {
    uint32_t max, count, mask;
    uint64_t idle_ms;
    struct session **bucket;
    struct session *newest, *oldest;
};

enum err sessions_create(uint32_t max, uint64_t idle_ms, struct sessions **ret_s)
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
    s->idle_ms = idle_ms;
    s->mask = buckets - 1;
    *ret_s = s;
    return OK;
}

static struct session **bucket_of(const struct sessions *s, const char *id)
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

static void list_put_oldest(struct sessions *s, struct session *session)
{
    session->newer = s->oldest;
    *(s->oldest ? &s->oldest->older : &s->newest) = session;
    s->oldest = session;
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

static bool id_is_good(struct str id)
{
    if (id.n != 2 * (size_t)SESSION_ID_BYTES)
        return false;
    for (size_t i = 0; i < id.n; i++)
        if (!((id.p[i] >= '0' && id.p[i] <= '9') || (id.p[i] >= 'a' && id.p[i] <= 'f')))
            return false;
    return true;
}

static struct session *lookup(const struct sessions *s, struct str id)
{
    struct session *at = id_is_good(id) ? *bucket_of(s, id.p) : nullptr;
    while (at && !str_eq(str_of(at->id), id))
        at = at->chain;
    return at;
}

/* Into the table, not into the list. */
static void enrol(struct sessions *s, struct session *session, struct str owner)
{
    memcpy(session->owner, owner.p, owner.n);
    struct session **at = bucket_of(s, session->id);
    session->chain = *at;
    *at = session;
    s->count++;
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
    session->used_ms = clock_ms();
    enrol(s, session, owner);
    list_put_newest(s, session);
    *ret_session = session;
    return OK;
}

enum err session_restore(struct sessions *s, struct str id, struct str owner, uint64_t age_ms,
                         const struct history *history)
{
    if (!id_is_good(id) || owner.n == 0 || owner.n > SESSION_OWNER_MAX || !utf8_valid(owner) ||
        str_find_byte(owner, 0) < owner.n)
        return ERR_INVALID;
    if (lookup(s, id))
        return ERR_CONFLICT;
    if (s->count >= s->max)
        return ERR_BUSY;
    struct session *session = mem_zero(1, sizeof *session);
    if (!session)
        return ERR_NOMEM;
    memcpy(session->id, id.p, id.n);
    session->used_ms = clock_ms() - age_ms;
    session->history = *history;
    enrol(s, session, owner);
    list_put_oldest(s, session);
    return OK;
}

struct session *session_peek(const struct sessions *s, struct str id, struct str owner)
{
    struct session *session = lookup(s, id);
    return session && !session->ended && str_eq(str_of(session->owner), owner) ? session : nullptr;
}

enum err session_find(struct sessions *s, struct str id, struct str owner,
                      struct session **ret_session)
{
    struct session *session = session_peek(s, id, owner);
    if (!session)
        return ERR_NOTFOUND;
    session->used_ms = clock_ms();
    list_take(s, session);
    list_put_newest(s, session);
    *ret_session = session;
    return OK;
}

void session_end(struct sessions *s, struct session *session)
{
    check(!session->live);
    history_finish(&session->history);
    session->ended = true;
    if (may_leave(session))
        forget(s, session);
}

struct session *sessions_next(const struct sessions *s, const struct session *at)
{
    return at ? at->older : s->newest;
}

void session_hold(struct session *session)
{
    session->attached++;
}

void session_release(struct sessions *s, struct session *session)
{
    check(session->attached > 0);
    session->attached--;
    if (session->ended && may_leave(session)) {
        forget(s, session);
        return;
    }
    session->used_ms = clock_ms();
    list_take(s, session);
    list_put_newest(s, session);
}

void sessions_sweep(struct sessions *s)
{
    uint64_t now = clock_ms();
    for (struct session *at = s->oldest, *newer; at; at = newer) {
        newer = at->newer;
        if (now - at->used_ms < s->idle_ms)
            break;
        if (may_leave(at))
            forget(s, at);
    }
}

uint32_t sessions_count(const struct sessions *s)
{
    return s->count;
}

uint32_t sessions_max(const struct sessions *s)
{
    return s->max;
}

uint64_t sessions_idle_ms(const struct sessions *s)
{
    return s->idle_ms;
}
