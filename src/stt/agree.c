// SPDX-License-Identifier: Apache-2.0
#include "stt/agree.h"

#include "base/check.h"

void agree_init(struct agree *a, unsigned hypotheses, size_t text_max)
{
    check(hypotheses >= 2 && hypotheses <= AGREE_HYPOTHESES_MAX);
    *a = (struct agree){.kept = hypotheses - 1};
    for (size_t i = 0; i < AGREE_HYPOTHESES_MAX - 1; i++)
        a->before[i].cap = text_max;
}

void agree_finish(struct agree *a)
{
    for (size_t i = 0; i < AGREE_HYPOTHESES_MAX - 1; i++)
        buf_finish(&a->before[i]);
}

static bool word_ends(struct str s, size_t at)
{
    return at == s.n || s.p[at] == ' ';
}

/* Bytes of the whole words that both begin with. */
static size_t common(struct str a, struct str b)
{
    size_t settled = 0, n = a.n < b.n ? a.n : b.n;
    for (size_t i = 0; i <= n; i++) {
        if (word_ends(a, i) && word_ends(b, i))
            settled = i;
        if (i == n || a.p[i] != b.p[i])
            break;
    }
    return settled;
}

enum err agree_next(struct agree *a, struct str hypothesis, size_t *ret_stable)
{
    size_t stable = a->seen < a->kept ? 0 : hypothesis.n;
    for (size_t i = 0; i < a->kept; i++) {
        size_t n = common(buf_str(&a->before[i]), hypothesis);
        stable = n < stable ? n : stable;
    }
    check(a->kept > 0);
    struct buf *oldest = &a->before[a->seen % a->kept];
    buf_clear(oldest);
    try(buf_add(oldest, hypothesis));
    a->seen++;
    *ret_stable = stable;
    return OK;
}
