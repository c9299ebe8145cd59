// SPDX-License-Identifier: Apache-2.0
#include "server/loop/chunks.h"

#include <stdlib.h>

#include "base/check.h"

struct chunk {
    struct chunk *next;
    struct blob *blob; /* NULL: copied into `bytes` */
    size_t from, to;   /* of the blob or of `bytes` */
    size_t room;       /* of `bytes` */
    char bytes[];
};
constexpr size_t CHUNK_ROOM = 4096 - sizeof(struct chunk);

static void chunk_free(struct chunk *c)
{
    blob_unref(c->blob);
    free(c);
}

static struct chunk *append(struct chunks *q, size_t room, struct blob *blob)
{
    struct chunk *c = malloc(sizeof *c + room);
    if (c == nullptr)
        return nullptr;
    *c = (struct chunk){.room = room, .blob = blob != nullptr ? blob_ref(blob) : nullptr};
    if (q->last != nullptr)
        q->last->next = c;
    else
        q->first = c;
    q->last = c;
    return c;
}

enum err chunks_add(struct chunks *q, struct str bytes)
{
    struct chunk *c = q->last;
    while (bytes.n > 0) {
        if (c == nullptr || c->blob != nullptr || c->to == c->room)
            c = append(q, bytes.n > CHUNK_ROOM ? bytes.n : CHUNK_ROOM, nullptr);
        if (c == nullptr)
            return ERR_NOMEM;
        size_t take = c->room - c->to < bytes.n ? c->room - c->to : bytes.n;
        memcpy(c->bytes + c->to, bytes.p, take);
        c->to += take;
        q->n += take;
        bytes = str_sub(bytes, take, bytes.n);
    }
    return OK;
}

enum err chunks_add_blob(struct chunks *q, struct blob *blob, size_t from)
{
    if (from >= blob->n)
        return OK;
    struct chunk *c = append(q, 0, blob);
    if (c == nullptr)
        return ERR_NOMEM;
    c->from = from;
    c->to = blob->n;
    q->n += c->to - from;
    return OK;
}

unsigned chunks_peek(const struct chunks *q, struct str *ret_pieces, unsigned max)
{
    unsigned count = 0;
    for (const struct chunk *c = q->first; c != nullptr && count < max; c = c->next) {
        const char *base = c->blob != nullptr ? c->blob->bytes : c->bytes;
        ret_pieces[count++] = (struct str){base + c->from, c->to - c->from};
    }
    return count;
}

void chunks_eat(struct chunks *q, size_t n)
{
    q->n -= n;
    while (n > 0) {
        struct chunk *c = q->first;
        check(c != nullptr);
        size_t take = c->to - c->from < n ? c->to - c->from : n;
        c->from += take;
        n -= take;
        if (c->from == c->to) {
            q->first = c->next;
            if (q->first == nullptr)
                q->last = nullptr;
            chunk_free(c);
        }
    }
}

void chunks_finish(struct chunks *q)
{
    for (struct chunk *c; (c = q->first) != nullptr;) {
        q->first = c->next;
        chunk_free(c);
    }
    *q = (struct chunks){};
}
