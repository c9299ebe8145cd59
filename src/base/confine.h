// SPDX-License-Identifier: Apache-2.0
/*
 * Confinement of an engine process, one step after another, each irrevocable: limits, from root to
 * `nobody`, no new privileges, Landlock (reading below the given folders, nothing else), seccomp (a
 * list of what is allowed: computing, threads, reading files, talking over the descriptors that are
 * open already; no sockets, no programs, no signals to others, no executable memory).
 *
 *     const struct confine_rules rules = {.read_dirs = dirs, .threads = true};
 *     try(confine_self(&rules, &report));
 *
 * Called once by each engine program, after its libraries have loaded what they find by path and
 * before it makes threads. Where the kernel lacks Landlock or seccomp the report says so, and the
 * caller decides: repartee-read refuses to work, the others warn. What is refused answers EPERM or
 * EACCES; a system call of a foreign instruction set ends the process.
 *
 * In builds with AddressSanitizer its leak checker keeps what it needs: /proc, and to stop and look
 * at this process from a child at the end.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

struct confine_rules {
    const char *const *read_dirs; /* NULL-terminated, folders or files; NULL: none. Absent ones are
                                     passed over. `nobody` must be able to read them */
    uint64_t memory_bytes;        /* RLIMIT_AS; 0: unlimited */
    uint32_t cpu_seconds;         /* RLIMIT_CPU; 0: unlimited */
    bool threads;                 /* it will make threads */
    bool exec;                    /* it will run programs that lie below read_dirs (pdftotext) */
};
struct confine_report {
    bool landlock, seccomp; /* in force */
    char text[160];         /* what is missing or went wrong, for the log; "" when all is well */
};
/* Can this kernel confine files (Landlock)? Changes nothing. */
bool confine_has_landlock(void);
/* Why no file of a stranger is read where it cannot: a sentence for him. */
extern const char confine_refusal[];
/* ERR_UNSUPPORTED is never returned for missing kernel features (see the report). Any failure means
 * that the process must not go on; ret_report's text says why. */
enum err confine_self(const struct confine_rules *rules, struct confine_report *ret_report);
