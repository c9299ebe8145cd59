// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/str.h"

enum { FIRST_ROOM = 64 };

void buf_finish(struct buf *b)
{
    free(b->p);
    *b = (struct buf){.cap = b->cap};
}

/* Room for `need` bytes and a NUL behind them (buf_z, vsnprintf). Doubling, but never more than the
 * cap and its NUL: buf_add() relies on that, and a full buf of 32 MiB shall not take 64. */
static enum err grow(struct buf *b, size_t need)
{
    size_t limit = b->cap < SIZE_MAX ? b->cap + 1 : SIZE_MAX;
    size_t room = b->room < limit / 2 ? b->room * 2 : limit;
    if (room < FIRST_ROOM)
        room = FIRST_ROOM < limit ? FIRST_ROOM : limit;
    if (room <= need)
        room = need + 1;
    char *p = realloc(b->p, room);
    if (!p)
        return ERR_NOMEM;
    b->p = p;
    b->room = room;
    return OK;
}

enum err buf_reserve(struct buf *b, size_t more)
{
    if (more > b->cap || b->n > b->cap - more)
        return ERR_TOOBIG;
    return b->n + more < b->room ? OK : grow(b, b->n + more);
}

enum err buf_add_slow(struct buf *b, struct str s)
{
    if (s.n == 0)
        return OK;
    try(buf_reserve(b, s.n));
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
    return OK;
}

enum err buf_addv(struct buf *b, const char *fmt, va_list ap)
{
    size_t space = b->room - b->n;
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(space ? b->p + b->n : nullptr, space, fmt, ap);
    enum err err = OK;
    check(n >= 0); /* only a wrong format fails */
    if ((size_t)n >= space)
        err = buf_reserve(b, (size_t)n);
    if ((size_t)n >= space && err == OK)
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
    va_end(again);
    if (err == OK)
        b->n += (size_t)n;
    return err;
}

enum err buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    enum err err = buf_addv(b, fmt, ap);
    va_end(ap);
    return err;
}

void buf_eat(struct buf *b, size_t count)
{
    check(count <= b->n);
    b->n -= count;
    if (b->n)
        memmove(b->p, b->p + count, b->n);
}

const char *buf_z(struct buf *b)
{
    if (b->n >= b->room && grow(b, b->n) != OK)
        return nullptr;
    b->p[b->n] = 0;
    return b->p;
}
