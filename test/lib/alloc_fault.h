// SPDX-License-Identifier: Apache-2.0
/*
 * Lets allocations fail on purpose. A test that links alloc_fault has a malloc, calloc and realloc of
 * its own, which hand on to the real ones (or to the sanitizer's) until their turn has come; calls
 * from libraries are counted too. Only the thread that armed it is concerned.
 *
 *     for (unsigned n = 0; alloc_fault_arm(n), true; n++) {
 *         enum err err = thing();          // no assertions in here: cmocka allocates as well
 *         if (!alloc_fault_disarm())
 *             break;                       // fewer than n + 1 allocations: each has failed once
 *         assert_err(err, ERR_NOMEM);
 *     }
 *
 * Simpler: torture(thing, state).
 */
#pragma once

#include "base/err.h"

/* The allocation number n from now fails, once (0: the next). */
void alloc_fault_arm(unsigned n);
/* The allocation number n from now fails, and every one after it. */
void alloc_fault_arm_all(unsigned n);
/* Back to normal; true if an allocation did fail. */
bool alloc_fault_disarm(void);

/* Runs `step` with its first allocation failing, then with its second, and so on until all of it goes
 * through; then again with everything failing from there on. Returns how many allocations it made
 * when it went through. The test fails unless step says ERR_NOMEM whenever one failed, and OK at the
 * end. A step must leave `state` fit for the next try, and nothing allocated. */
unsigned torture(enum err (*step)(void *state), void *state);
