// SPDX-License-Identifier: Apache-2.0
#include "server/rag/chunk.h"

#include <stdio.h>

#include "server/rag/sentence.h"

void chunker_init(struct chunker *c, struct str text)
{
    *c = (struct chunker){.text = text};
}

static void enter_heading(struct chunker *c, struct str line)
{
    size_t depth = 0;
    while (depth < line.n && line.p[depth] == '#')
        depth++;
    if (depth == 0 || depth > HEADING_DEPTH)
        return;
    c->path[depth - 1] = str_trim(str_sub(line, depth, line.n));
    for (size_t d = depth; d < HEADING_DEPTH; d++)
        c->path[d] = (struct str){};
}

static void join_path(const struct chunker *c, char into[HEADING_MAX])
{
    size_t n = 0;
    into[0] = 0;
    for (int d = 0; d < HEADING_DEPTH; d++) {
        struct str part = c->path[d];
        const char *sep = n ? " › " : "";
        if (part.n == 0 || n + strlen(sep) + 8 >= HEADING_MAX)
            continue;
        size_t room = HEADING_MAX - 1 - n - strlen(sep);
        part.n = utf8_prefix(part, room);
        n += (size_t)snprintf(into + n, HEADING_MAX - n, "%s%.*s", sep, STR_FMT(part));
    }
}

/* One endless sentence: cut at white space, else between code points. */
static size_t cut_long(struct str text, size_t from)
{
    size_t end = from + utf8_prefix(str_sub(text, from, text.n), CHUNK_MAX);
    for (size_t at = end; at > from + CHUNK_MIN; at--)
        if (text.p[at - 1] == ' ' || text.p[at - 1] == '\n')
            return at;
    return end;
}

/* Where the next passage begins: about CHUNK_OVERLAP bytes back, at the start of a sentence. */
static size_t step_back(struct str text, size_t from, size_t end)
{
    size_t at = from, best = end;
    struct sentence s;
    while (at < end && sentence_next(text, at, &s) && s.from < end) {
        if (s.from > from && end - s.from <= CHUNK_OVERLAP && s.kind != SENTENCE_HEADING) {
            best = s.from;
            break;
        }
        at = s.to;
    }
    return best;
}

bool chunker_next(struct chunker *c, struct chunk *ret_chunk)
{
    struct sentence s;
    if (!sentence_next(c->text, c->at, &s))
        return false;
    size_t from = s.from, end = from, at = s.from;
    bool more = true, at_heading = false;
    size_t body = 0; /* bytes that are not headings */
    while ((more = sentence_next(c->text, at, &s))) {
        size_t to = s.from + s.text.n;
        if (s.kind == SENTENCE_HEADING) {
            if (body >= CHUNK_SMALL) {
                at_heading = true;
                break;
            }
            enter_heading(c, s.text);
        } else {
            if (to - from > CHUNK_MAX && end > from)
                break;
            body += s.text.n;
        }
        end = to;
        at = s.to;
        if (end - from >= CHUNK_MIN)
            break;
    }
    if (end - from > CHUNK_MAX)
        end = cut_long(c->text, from);
    *ret_chunk = (struct chunk){.text = str_trim(str_sub(c->text, from, end))};
    join_path(c, ret_chunk->heading);
    bool last = !more || !sentence_next(c->text, end, &s);
    c->at = last                                       ? c->text.n
            : at_heading || s.kind == SENTENCE_HEADING ? end
                                                       : step_back(c->text, from, end);
    return true;
}
