// SPDX-License-Identifier: Apache-2.0
#include "server/talk/heard.h"

#include "audio/pcm.h"

/* 150 words a minute: until a clause of this answer tells. */
enum { SPOKEN_BYTES_PER_S = 15 };

void heard_init(struct heard *h, uint32_t rate_hz)
{
    *h = (struct heard){.rate_hz = rate_hz};
}

void heard_finish(struct heard *h)
{
    free(h->clause);
    *h = (struct heard){};
}

enum err heard_clause_sent(struct heard *h, size_t text_end)
{
    try(mem_grow((void **)&h->clause, &h->room, h->count + 1, sizeof *h->clause));
    h->clause[h->count++] = (struct heard_clause){.text_end = text_end};
    return OK;
}

void heard_clause_done(struct heard *h, uint64_t samples)
{
    if (h->done == h->count)
        return; /* an engine that reports more clauses than it was given tells us nothing */
    uint64_t before = h->done ? h->clause[h->done - 1].samples_end : 0;
    h->clause[h->done++].samples_end = before + samples;
}

/* The end of the last whole word of s[0, n). */
static size_t word_end(struct str s, size_t n)
{
    if (n >= s.n)
        return s.n;
    while (n > 0 && s.p[n] != ' ' && s.p[n] != '\n')
        n--;
    return n;
}

/* Into a clause that is played while the rest of it is being made: at the pace of those before it. */
static size_t guess(const struct heard *h, size_t text_from, uint64_t samples_from, uint64_t played)
{
    uint64_t into = played - samples_from;
    size_t room = h->clause[h->done].text_end - text_from;
    size_t n = samples_from ? (size_t)(into * text_from / samples_from)
                            : (size_t)(into * SPOKEN_BYTES_PER_S / h->rate_hz);
    return n < room ? n : room;
}

size_t heard_prefix(const struct heard *h, struct str answer, uint64_t played_ms)
{
    uint64_t played = pcm_ms_to_samples(played_ms, h->rate_hz);
    size_t text_from = 0;
    uint64_t samples_from = 0;
    for (size_t i = 0; i < h->done; i++) {
        const struct heard_clause *c = &h->clause[i];
        size_t text_end = c->text_end < answer.n ? c->text_end : answer.n;
        if (played < c->samples_end) {
            uint64_t span = c->samples_end - samples_from;
            size_t into = (size_t)((text_end - text_from) * (played - samples_from) / span);
            return word_end(answer, text_from + into);
        }
        text_from = text_end;
        samples_from = c->samples_end;
    }
    if (h->done < h->count && played > samples_from)
        return word_end(answer, text_from + guess(h, text_from, samples_from, played));
    return text_from;
}
