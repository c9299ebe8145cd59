// SPDX-License-Identifier: Apache-2.0
#include "wire/agree.h"

#include "base/check.h"

void agree_init(struct agree *a, unsigned hypotheses, size_t text_max)
{
    check(hypotheses >= 2 && hypotheses <= AGREE_HYPOTHESES_MAX);
    *a = (struct agree){.kept = hypotheses - 1};
    for (size_t i = 0; i < AGREE_HYPOTHESES_MAX - 1; i++)
        a->before[i].cap = text_max;
    a->shown.cap = text_max;
}

void agree_finish(struct agree *a)
{
    for (size_t i = 0; i < AGREE_HYPOTHESES_MAX - 1; i++)
        buf_finish(&a->before[i]);
    buf_finish(&a->shown);
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

static size_t words_of(struct str s)
{
    size_t n = s.n > 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == ' ';
    return n;
}

/* Without its first words; what is left begins with the blank before it. */
static struct str skip_words(struct str s, size_t words)
{
    size_t at = 0;
    for (; words > 0 && at < s.n; words--)
        for (at += s.p[at] == ' '; at < s.n && s.p[at] != ' ';)
            at++;
    return str_sub(s, at, s.n);
}

/* What is settled, and the hypothesis behind as many words. */
static enum err show(struct agree *a, struct str hypothesis)
{
    struct str settled = str_sub(buf_str(&a->shown), 0, a->settled);
    bool keeps_it = common(settled, hypothesis) == settled.n;
    struct str rest = keeps_it ? str_sub(hypothesis, settled.n, hypothesis.n)
                               : skip_words(hypothesis, words_of(settled));
    a->shown.n = a->settled;
    return buf_add(&a->shown, rest);
}

enum err agree_next(struct agree *a, struct str hypothesis, bool sure, struct str *ret_text,
                    size_t *ret_stable)
{
    try(show(a, hypothesis));
    struct str shown = buf_str(&a->shown);
    if (sure) {
        size_t stable = a->seen < a->kept ? 0 : shown.n;
        for (size_t i = 0; i < a->kept; i++) {
            size_t n = common(buf_str(&a->before[i]), shown);
            stable = n < stable ? n : stable;
        }
        check(a->kept > 0);
        struct buf *oldest = &a->before[a->seen % a->kept];
        buf_clear(oldest);
        try(buf_add(oldest, shown));
        a->seen++;
        check(stable >= a->settled);
        a->settled = stable;
    }
    *ret_text = shown;
    *ret_stable = a->settled;
    return OK;
}
