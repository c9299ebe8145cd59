// SPDX-License-Identifier: Apache-2.0
/*
 * How long the threads of a step wait for each other awake. libgomp's spin at a barrier for 300,000 rounds, some
 * milliseconds, which is best as long as each has a core of its own: to sleep and be woken takes longer than what is
 * waited for. Where one shares its core with somebody else, the others' spinning keeps that somebody from moving
 * over, and all wait for the scheduler. Then 100 rounds are best, and libgomp does with that as soon as a process has
 * more OpenMP threads than there are cores (GOMP_SPINCOUNT in its manual). It looks each time; so some threads that
 * never do anything turn it.
 *
 * One thread, the one that has libllama compute; once threads may be made.
 */
#pragma once

/* threads: of a step at most. Where so many threads cannot be made all stays as it is. At the end it is to be false. */
void spin_shortly(bool shortly, unsigned threads);
