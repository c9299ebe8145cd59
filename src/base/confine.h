// SPDX-License-Identifier: Apache-2.0
/*
 * Confinement of an engine process, one step after another, each irrevocable: drop to `nobody` when
 * root, no new privileges, resource limits, Landlock (read-only below the given directories, nothing
 * else), seccomp (no sockets but the inherited one, no exec, no ptrace, no namespaces).
 *
 * Called once by each engine program after its libraries have loaded what they find by path. Where
 * the kernel lacks Landlock or seccomp the report says so, and the caller decides: repartee-read
 * refuses to work, the others warn.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

struct confine_rules {
    const char *const *read_dirs; /* NULL-terminated list, or NULL for none */
    uint64_t memory_bytes;        /* RLIMIT_AS; 0: unlimited */
    uint32_t cpu_seconds;         /* RLIMIT_CPU; 0: unlimited */
    bool threads;                 /* clone() of threads is needed */
    bool exec;                    /* execve is needed once (pdftotext) */
};
struct confine_report {
    bool landlock, seccomp;
    char text[160]; /* what is missing, for the log */
};
/* ERR_UNSUPPORTED is never returned for missing kernel features (see the report); any other failure
 * means that the process must not go on. */
enum err confine_self(const struct confine_rules *rules, struct confine_report *ret_report);
