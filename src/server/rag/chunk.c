// SPDX-License-Identifier: Apache-2.0
#include "server/rag/chunk.h"

struct str title_last(struct str title)
{
    static const struct str mark = S(" › ");
    size_t at;
    while ((at = str_find(title, mark)) < title.n)
        title = str_sub(title, at + mark.n, title.n);
    return title;
}

void chunker_init(struct chunker *c, struct str text)
{
    *c = (struct chunker){.next = {.text = text}};
}

static size_t characters(struct str text, size_t from, size_t to)
{
    size_t n = 0;
    for (size_t i = from; i < to; i++)
        n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return n;
}

static void enter_heading(struct chunker *c, struct str line)
{
    size_t depth = str_find_byte(line, ' ');
    c->path[depth - 1] = str_trim(str_sub(line, depth, line.n));
    for (size_t d = depth; d < HEADING_DEPTH; d++)
        c->path[d] = (struct str){};
}

static void join_path(const struct chunker *c, char into[HEADING_MAX])
{
    static const struct str mark = S(" › ");
    size_t n = 0;
    for (int d = 0; d < HEADING_DEPTH; d++) {
        struct str part = c->path[d], between = n ? mark : S("");
        if (part.n == 0 || n + between.n + 8 >= HEADING_MAX)
            continue;
        memcpy(into + n, between.p, between.n);
        n += between.n;
        part.n = utf8_prefix(part, HEADING_MAX - 1 - n);
        memcpy(into + n, part.p, part.n);
        n += part.n;
    }
    into[n] = 0;
}

/* A passage that grows by sentences. */
struct growth {
    size_t from, end;       /* bytes */
    size_t length;          /* characters */
    size_t body;            /* of them, not in headings */
    struct sentences begin; /* cursor at `from` */
    struct sentences after; /* cursor behind `end` */
};

/* Takes sentences until it is full; *ret_next is the one that did not come in any more, if any. */
static bool grow(struct chunker *c, struct growth *g, struct chunk *ret_chunk,
                 struct sentence *ret_next)
{
    struct str text = c->next.text;
    struct sentences scan = g->begin;
    bool full = false;
    while (sentence_next(&scan, ret_next)) {
        size_t to = ret_next->from + ret_next->text.n;
        size_t more = characters(text, g->end, to);
        bool heading = ret_next->kind == SENTENCE_HEADING;
        bool fits = g->length == 0 || g->length + more <= CHUNK_MAX;
        if (full || !fits || (heading && g->body >= CHUNK_SMALL))
            return true;
        if (heading)
            enter_heading(c, ret_next->text);
        if (!heading || !g->body)
            join_path(c, ret_chunk->heading);
        g->length += more;
        g->body += heading ? 0 : more;
        g->end = to;
        g->after = scan;
        full = g->length >= CHUNK_MIN && !heading;
    }
    return false;
}

/* Where the next passage begins: at the sentence nearest to CHUNK_OVERLAP before the end of this one,
 * if the sentence that is new fits in behind it. */
static struct sentences step_back(const struct growth *g, struct str text, size_t next_length)
{
    struct sentences best = g->after, at = g->begin, scan = g->begin;
    size_t left = g->length, counted = g->from, nearest = CHUNK_OVERLAP;
    struct sentence s;
    while (sentence_next(&scan, &s) && s.from < g->end) {
        left -= characters(text, counted, s.from);
        counted = s.from;
        size_t off = left > CHUNK_OVERLAP ? left - CHUNK_OVERLAP : CHUNK_OVERLAP - left;
        if (off < nearest && s.from > g->from && s.kind != SENTENCE_HEADING &&
            left + next_length <= CHUNK_MAX) {
            best = at;
            nearest = off;
        }
        at = scan;
    }
    return best;
}

bool chunker_next(struct chunker *c, struct chunk *ret_chunk)
{
    struct str text = c->next.text;
    struct sentences first = c->next;
    struct sentence s;
    if (!sentence_next(&first, &s))
        return false;
    struct growth g = {.from = s.from, .end = s.from, .begin = c->next, .after = c->next};
    bool more = grow(c, &g, ret_chunk, &s);
    ret_chunk->text = str_sub(text, g.from, g.end);
    c->next = g.after;
    if (!more)
        c->next.at = text.n;
    else if (s.kind != SENTENCE_HEADING)
        c->next = step_back(&g, text, characters(text, g.end, s.from + s.text.n));
    return true;
}
