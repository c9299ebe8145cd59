// SPDX-License-Identifier: Apache-2.0
#include "llm/cache.h"

#include "base/check.h"
#include "base/mem.h"

enum {
    WORTH_COPYING = 8, /* fewer tokens are computed as fast */
    WORTH_PUTTING_BACK =
        32, /* the same of somebody who is away, and of what he has more than who is there */
};

enum err cache_init(struct cache *c, size_t sequences)
{
    check(sequences > 0 && sequences <= CACHE_SEQUENCES_MAX);
    *c = (struct cache){.sequence = mem_zero(sequences, sizeof *c->sequence), .count = sequences};
    return c->sequence ? OK : ERR_NOMEM;
}

static void forget(struct cache_sequence *s)
{
    free((char *)s->session.p);
    s->session = (struct str){};
    s->count = s->open = 0;
}

void cache_forget(struct cache *c, size_t sequence)
{
    forget(&c->sequence[sequence]);
}

void cache_finish(struct cache *c)
{
    for (size_t i = 0; c->sequence && i < c->count; i++) {
        forget(&c->sequence[i]);
        free(c->sequence[i].token);
    }
    free(c->sequence);
    *c = (struct cache){};
}

static size_t common(const struct cache_sequence *s, const struct prompt_tokens *prompt)
{
    size_t n = 0, most = s->count < prompt->count ? s->count : prompt->count;
    while (n < most && s->token[n] == prompt->token[n])
        n++;
    return n;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What a prompt of this session may use of the sequence as it is. */
static size_t usable(const struct cache_sequence *s, struct str session,
                     const struct prompt_tokens *prompt)
{
    bool own = session.n > 0 && str_eq(s->session, session);
    size_t n = common(s, prompt);
    if (!own)
        n = least(n, least(s->open, prompt->open));
    return least(n, prompt->count - 1);
}

/* Its own with the longest beginning, if most of that is of use: one person may have several conversations.
 * Otherwise the one whose loss costs least. */
static struct cache_sequence *choose(struct cache *c, struct str session,
                                     const struct prompt_tokens *prompt)
{
    struct cache_sequence *own = nullptr, *spare = nullptr;
    size_t best = 0;
    for (size_t i = 0; i < c->count; i++) {
        struct cache_sequence *s = &c->sequence[i];
        if (s->live)
            continue;
        if (session.n > 0 && str_eq(s->session, session) &&
            (!own || usable(s, session, prompt) > best)) {
            own = s;
            best = usable(s, session, prompt);
        }
        if (!spare ||
            (s->count == 0 ? spare->count > 0 : spare->count > 0 && s->used < spare->used))
            spare = s;
    }
    return own && 2 * best >= own->count ? own : spare;
}

static void find_copy(const struct cache *c, const struct cache_sequence *taken, struct str session,
                      const struct prompt_tokens *prompt, struct cache_plan *plan)
{
    size_t best = plan->keep + WORTH_COPYING - 1;
    for (size_t i = 0; i < c->count; i++) {
        const struct cache_sequence *s = &c->sequence[i];
        size_t n = s == taken ? 0 : usable(s, session, prompt);
        if (s->away)
            n = n > WORTH_PUTTING_BACK ? n - WORTH_PUTTING_BACK : 0;
        if (n > best) {
            best = n;
            plan->from = i;
            plan->copied = s->away ? n + WORTH_PUTTING_BACK : n;
        }
    }
    if (plan->copied)
        plan->keep = 0;
}

static enum err own(struct cache_sequence *s, struct str session)
{
    if (str_eq(s->session, session))
        return OK;
    char *copy = mem_strdup(session);
    if (!copy)
        return ERR_NOMEM;
    free((char *)s->session.p);
    s->session = (struct str){copy, session.n};
    return OK;
}

enum err cache_take(struct cache *c, struct str session, const struct prompt_tokens *prompt,
                    struct cache_plan *ret_plan)
{
    check(prompt->count > 0);
    struct cache_sequence *s = choose(c, session, prompt);
    if (!s)
        return ERR_BUSY;
    struct cache_plan plan = {.sequence = (size_t)(s - c->sequence),
                              .keep = usable(s, session, prompt)};
    find_copy(c, s, session, prompt, &plan);
    void *token = s->token;
    enum err err = mem_grow(&token, &s->room, prompt->count, sizeof *s->token);
    s->token = token;
    try(err);
    try(own(s, session));
    s->count = plan.copied ? plan.copied : plan.keep;
    if (s->count > 0)
        memcpy(s->token, prompt->token, s->count * sizeof *s->token);
    s->open = least(prompt->open, s->count);
    s->live = true;
    s->used = ++c->turn;
    *ret_plan = plan;
    return OK;
}

void cache_cut(struct cache *c, size_t sequence, size_t count)
{
    struct cache_sequence *s = &c->sequence[sequence];
    check(count <= s->count);
    s->count = count;
    s->open = least(s->open, count);
}

enum err cache_add(struct cache *c, size_t sequence, const int32_t *token, size_t count, bool open)
{
    struct cache_sequence *s = &c->sequence[sequence];
    if (count == 0)
        return OK;
    void *all = s->token;
    enum err err = mem_grow(&all, &s->room, s->count + count, sizeof *s->token);
    s->token = all;
    try(err);
    memcpy(s->token + s->count, token, count * sizeof *token);
    if (open && s->open == s->count)
        s->open += count;
    s->count += count;
    return OK;
}

void cache_release(struct cache *c, size_t sequence)
{
    struct cache_sequence *s = &c->sequence[sequence];
    s->live = false;
    s->used = ++c->turn;
}

static bool is_idle(const struct cache_sequence *s, bool away)
{
    return !s->live && s->count > 0 && s->away == away;
}

bool cache_oldest_idle(const struct cache *c, bool away, size_t *ret_sequence)
{
    const struct cache_sequence *oldest = nullptr;
    for (size_t i = 0; i < c->count; i++) {
        const struct cache_sequence *s = &c->sequence[i];
        if (is_idle(s, away) && (!oldest || s->used < oldest->used))
            oldest = s;
    }
    if (oldest)
        *ret_sequence = (size_t)(oldest - c->sequence);
    return oldest;
}

size_t cache_idle(const struct cache *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++)
        n += is_idle(&c->sequence[i], false);
    return n;
}
