// SPDX-License-Identifier: Apache-2.0
#include "own_fault.h"

#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);

static unsigned until_failure; /* 0: none is due */
static bool failed;

bool own_fault_is_due(void)
{
    if (until_failure == 0)
        return false;
    until_failure--;
    failed = failed || until_failure == 0;
    return until_failure == 0;
}

void *__wrap_malloc(size_t size)
{
    return own_fault_is_due() ? nullptr : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return own_fault_is_due() ? nullptr : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return own_fault_is_due() ? nullptr : __real_realloc(p, size);
}

void own_fault_arm(unsigned n)
{
    failed = false;
    until_failure = n;
}

bool own_fault_disarm(void)
{
    until_failure = 0;
    return failed;
}

unsigned own_fault_pause(void)
{
    unsigned due = until_failure;
    until_failure = 0;
    return due;
}

void own_fault_go_on(unsigned due)
{
    until_failure = due;
}
