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

/* Room for `need` bytes and a NUL behind them (buf_z, vsnprintf). */
static enum err grow(struct buf *b, size_t need)
{
    size_t room = b->room ? b->room : FIRST_ROOM;
    while (room <= need)
        room *= 2;
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

enum err buf_add(struct buf *b, struct str s)
{
    if (s.n == 0)
        return OK;
    try(buf_reserve(b, s.n));
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
    return OK;
}

enum err buf_add_byte(struct buf *b, char c)
{
    try(buf_reserve(b, 1));
    b->p[b->n++] = c;
    return OK;
}

enum err buf_addv(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(nullptr, 0, fmt, again);
    va_end(again);
    check(n >= 0); /* only a wrong format fails */
    try(buf_reserve(b, (size_t)n));
    if (n)
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
    b->n += (size_t)n;
    return OK;
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
