// SPDX-License-Identifier: Apache-2.0
/*
 * Three lifetimes: the process (plain allocation), the turn (an arena, freed in one stroke), the
 * message (a refcounted, immutable blob: the only memory besides frames that crosses threads).
 *
 * Allocation may fail and then says so by NULL; nothing here aborts. Sizes that come from outside
 * are capped by the caller first.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"

[[nodiscard]] void *mem_zero(size_t count, size_t size); /* calloc: overflow-safe, zeroed */
[[nodiscard]] char *mem_strdup(struct str s);            /* NUL-terminated copy */
/* As realloc for an array; on failure *array is untouched. */
enum err mem_grow(void **array, size_t *room, size_t need, size_t size);

static inline void mem_free_ptr(void *ptr_to_ptr)
{
    free(*(void **)ptr_to_ptr);
}
#define autofree __attribute__((cleanup(mem_free_ptr)))

/* Bump allocator in blocks; everything goes at once. One thread at a time. */
struct arena;
[[nodiscard]] struct arena *arena_create(size_t cap_bytes);
void arena_destroy(struct arena *a); /* takes NULL */
/* Zeroed, aligned for any type. NULL when memory or the cap is exhausted. */
[[nodiscard]] void *arena_alloc(struct arena *a, size_t size);
/* A copy, NUL-terminated for convenience. */
enum err arena_str(struct arena *a, struct str s, struct str *ret_copy);

/* Immutable bytes shared by reference; any thread. */
struct blob {
    atomic_uint refs;
    size_t n;
    char bytes[]; /* const after creation */
};
[[nodiscard]] struct blob *blob_create(struct str bytes); /* refs = 1; NULL: no memory */
/* Uninitialised contents for the creator to fill before anybody else sees it. */
[[nodiscard]] struct blob *blob_reserve(size_t n);
struct blob *blob_ref(struct blob *b);
void blob_unref(struct blob *b); /* takes NULL */
static inline struct str blob_str(const struct blob *b)
{
    return (struct str){b->bytes, b->n};
}
