// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <time.h>

#include "base/check.h"

static atomic_uint_fast64_t fake_us = UINT64_MAX;

static uint64_t read_us(clockid_t id)
{
    struct timespec t;
    check(clock_gettime(id, &t) == 0);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t clock_us(void)
{
    uint64_t fake = atomic_load_explicit(&fake_us, memory_order_relaxed);
    return fake == UINT64_MAX ? read_us(CLOCK_MONOTONIC) : fake;
}

uint64_t clock_ms(void)
{
    return clock_us() / 1000;
}

uint64_t clock_cpu_ms(void)
{
    return read_us(CLOCK_PROCESS_CPUTIME_ID) / 1000;
}

int64_t clock_wall_ms(void)
{
    uint64_t fake = atomic_load_explicit(&fake_us, memory_order_relaxed);
    return (int64_t)((fake == UINT64_MAX ? read_us(CLOCK_REALTIME) : fake) / 1000);
}

int64_t clock_wall_lead_ms(void)
{
    uint64_t fake = atomic_load_explicit(&fake_us, memory_order_relaxed);
    return fake == UINT64_MAX ? clock_wall_ms() - (int64_t)(read_us(CLOCK_BOOTTIME) / 1000) : 0;
}

void clock_fake(uint64_t us)
{
    atomic_store_explicit(&fake_us, us, memory_order_relaxed);
}

void random_bytes(void *into, unsigned size)
{
    char *at = into;
    while (size) {
        ssize_t n = getrandom(at, size, 0);
        check(n > 0 || (n == -1 && errno == EINTR)); /* large requests can be interrupted */
        if (n > 0) {
            at += n;
            size -= (unsigned)n;
        }
    }
}

void random_hex(char *into, unsigned bytes)
{
    static const char digits[] = "0123456789abcdef";
    random_bytes(into, bytes);
    for (unsigned i = bytes; i-- > 0;) { /* from the end: the bytes lie where the digits will */
        unsigned char b = (unsigned char)into[i];
        into[2 * i] = digits[b >> 4];
        into[2 * i + 1] = digits[b & 15];
    }
    into[2 * bytes] = 0;
}
