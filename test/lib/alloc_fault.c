// SPDX-License-Identifier: Apache-2.0
#include "alloc_fault.h"

#include <limits.h>
#include <stdlib.h>

#include "unit.h"

/* glibc's, and what stands before them when a sanitizer is linked in. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
[[gnu::weak]] void *__interceptor_malloc(size_t size);
[[gnu::weak]] void *__interceptor_calloc(size_t count, size_t size);
[[gnu::weak]] void *__interceptor_realloc(void *p, size_t size);

/* The sanitizers stop the program at a size that no memory has, unless they are told otherwise. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static thread_local bool armed, all, failed;
static thread_local unsigned left;

static bool must_fail(void)
{
    if (!armed)
        return false;
    if (left > 0) {
        left--;
        return false;
    }
    armed = all; /* once, or from now on */
    failed = true;
    return true;
}

void *malloc(size_t size)
{
    if (must_fail())
        return nullptr;
    return __interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (must_fail())
        return nullptr;
    return __interceptor_calloc ? __interceptor_calloc(count, size) : __libc_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
    if (must_fail())
        return nullptr;
    return __interceptor_realloc ? __interceptor_realloc(p, size) : __libc_realloc(p, size);
}

void alloc_fault_arm(unsigned n)
{
    left = n;
    failed = all = false;
    armed = true;
}

void alloc_fault_arm_all(unsigned n)
{
    alloc_fault_arm(n);
    all = true;
}

bool alloc_fault_disarm(void)
{
    armed = false;
    return failed;
}

static unsigned run(enum err (*step)(void *state), void *state, void (*arm)(unsigned n))
{
    enum { MANY = 100000 };
    for (unsigned n = 0; n < MANY; n++) {
        arm(n);
        enum err err = step(state);
        if (!alloc_fault_disarm()) {
            assert_ok(err);
            return n;
        }
        if (err != ERR_NOMEM)
            fail_msg("allocation %u failed, and the step said %s", n, err_code(err));
    }
    fail_msg("%d allocations are not enough", MANY);
    return 0;
}

unsigned torture(enum err (*step)(void *state), void *state)
{
    run(step, state, alloc_fault_arm_all);
    return run(step, state, alloc_fault_arm);
}
