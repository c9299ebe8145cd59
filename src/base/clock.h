// SPDX-License-Identifier: Apache-2.0
/*
 * Time. Durations and deadlines use the monotonic clock, which no administrator can set back; the
 * wall clock is only for what people read and for expiry dates in tokens. Tests may replace both.
 */
#pragma once

#include <stdint.h>

uint64_t clock_us(void); /* monotonic, microseconds */
uint64_t clock_ms(void); /* monotonic, milliseconds */
uint64_t clock_cpu_ms(
    void); /* that this process has computed so far, however busy the machine is */
int64_t clock_wall_ms(void); /* since 1970-01-01 UTC */
/* How far the wall clock is ahead of one that goes on steadily, also while the machine sleeps: it changes
 * only when somebody sets the wall clock. */
int64_t clock_wall_lead_ms(void);
/* Freezes both clocks at `us` (monotonic) until clock_fake(UINT64_MAX) sets them free. */
void clock_fake(uint64_t us);

/* `size` random bytes from the kernel; stops the program if it has none to give. */
void random_bytes(void *into, unsigned size);
/* 2·bytes lower-case hex digits and a NUL into `into`: ids that cannot be guessed. */
void random_hex(char *into, unsigned bytes);
