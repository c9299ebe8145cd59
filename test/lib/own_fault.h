// SPDX-License-Identifier: Apache-2.0
/*
 * Lets allocations of our own code fail, and of libraries none: the linker hands malloc's callers in the archives under
 * test over (failing_memory in test/meson.build). For tests whose libraries end the program without memory, or whose
 * threads allocate for one another; elsewhere alloc_fault.h.
 */
#pragma once

/* The allocation number n from now fails, once; 1: the next. */
void own_fault_arm(unsigned n);
/* Back to normal; true if an allocation did fail. */
bool own_fault_disarm(void);
/* While the test's own code allocates; what is returned is for own_fault_go_on. */
unsigned own_fault_pause(void);
void own_fault_go_on(unsigned due);
/* One more allocation, of a library that has an allocator of its own: has it to fail? */
bool own_fault_is_due(void);
