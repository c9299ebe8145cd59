// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"

#include <stdckdint.h>

#include "base/check.h"

void *mem_zero(size_t count, size_t size)
{
    return calloc(count ? count : 1, size ? size : 1);
}

char *mem_strdup(struct str s)
{
    size_t room;
    if (ckd_add(&room, s.n, 1))
        return nullptr;
    char *copy = malloc(room);
    if (!copy)
        return nullptr;
    if (s.n)
        memcpy(copy, s.p, s.n);
    copy[s.n] = 0;
    return copy;
}

enum err mem_grow(void **array, size_t *room, size_t need, size_t size)
{
    if (need <= *room)
        return OK;
    size_t want = *room ? *room : 8, bytes;
    while (want < need)
        if (ckd_mul(&want, want, (size_t)2))
            return ERR_TOOBIG;
    if (ckd_mul(&bytes, want, size))
        return ERR_TOOBIG;
    void *p = realloc(*array, bytes);
    if (!p)
        return ERR_NOMEM;
    *array = p;
    *room = want;
    return OK;
}

/* Blocks of growing size; the newest is first. */
enum { ARENA_BLOCK_MIN = 4096, ARENA_BLOCK_MAX = 64 * 1024 };
struct block {
    struct block *next;
    size_t used, room;
    alignas(max_align_t) char bytes[];
};
struct arena {
    struct block *first;
    size_t cap, total;
};

struct arena *arena_create(size_t cap_bytes)
{
    struct arena *a = mem_zero(1, sizeof *a);
    if (a)
        a->cap = cap_bytes;
    return a;
}

void arena_destroy(struct arena *a)
{
    if (!a)
        return;
    while (a->first) {
        struct block *next = a->first->next;
        free(a->first);
        a->first = next;
    }
    free(a);
}

static struct block *add_block(struct arena *a, size_t size)
{
    size_t room = a->first ? a->first->room * 2 : ARENA_BLOCK_MIN;
    if (room > ARENA_BLOCK_MAX)
        room = ARENA_BLOCK_MAX;
    if (room < size)
        room = size;
    size_t bytes;
    struct block *b = ckd_add(&bytes, room, sizeof *b) ? nullptr : calloc(1, bytes);
    if (!b)
        return nullptr;
    b->room = room;
    b->next = a->first;
    a->first = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t rounded;
    if (ckd_add(&rounded, size ? size : 1, alignof(max_align_t) - 1))
        return nullptr;
    rounded -= rounded % alignof(max_align_t);
    if (rounded > a->cap - a->total)
        return nullptr;
    struct block *b = a->first;
    if (!b || b->room - b->used < rounded)
        b = add_block(a, rounded);
    if (!b)
        return nullptr;
    void *p = b->bytes + b->used;
    b->used += rounded;
    a->total += rounded;
    return p;
}

enum err arena_str(struct arena *a, struct str s, struct str *ret_copy)
{
    size_t room;
    if (ckd_add(&room, s.n, 1))
        return ERR_TOOBIG;
    char *copy = arena_alloc(a, room);
    if (!copy)
        return ERR_NOMEM;
    if (s.n)
        memcpy(copy, s.p, s.n);
    *ret_copy = (struct str){copy, s.n};
    return OK;
}

struct blob *blob_reserve(size_t n)
{
    size_t room;
    if (ckd_add(&room, n, sizeof(struct blob)))
        return nullptr;
    struct blob *b = malloc(room);
    if (!b)
        return nullptr;
    atomic_init(&b->refs, 1);
    b->n = n;
    return b;
}

struct blob *blob_create(struct str bytes)
{
    struct blob *b = blob_reserve(bytes.n);
    if (b && bytes.n)
        memcpy(b->bytes, bytes.p, bytes.n);
    return b;
}

struct blob *blob_ref(struct blob *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void blob_unref(struct blob *b)
{
    if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
        free(b);
}
