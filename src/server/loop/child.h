// SPDX-License-Identifier: Apache-2.0
/*
 * A child process with one end of a socketpair as its descriptor 3. Loop thread.
 *
 * The child gets /dev/null as standard input and output, our standard error, "/" as working
 * directory, and exactly the environment it is given. No other descriptor of ours reaches it. It
 * dies with the server: its socket ends, and engine programs ask the kernel for
 * SIGKILL at their parent's death (PR_SET_PDEATHSIG) — which is why the loop's thread, which makes
 * children, is the process's main one.
 *
 * Life after a child_spawn that returned OK: `read` with what it sends, `end` at most once when its
 * socket has ended, `exited` at most once, in either order, none from inside a child_ call.
 * child_destroy kills what still runs and reaps it in the background; no callback comes after it.
 */
#pragma once

#include <sys/types.h>

#include "base/str.h"
#include "server/loop/loop.h"

struct child;
struct child_events {
    void (*read)(void *arg, struct str bytes); /* borrowed for the call */
    void (*end)(void *arg);
    void (*exited)(void *arg, int exit_status, int term_signal); /* one of them is 0 */
};
struct child_spec {
    const char *path;        /* the program, absolute */
    const char *const *argv; /* NULL-terminated, argv[0] included */
    const char *const *env;  /* NULL-terminated "NAME=value" */
};
/* `events` must outlive the child. ERR_NOTFOUND: no such program; ERR_DENIED; ERR_BUSY: no process
 * or descriptor to be had; ERR_NOMEM. */
enum err child_spawn(struct loop *l, const struct child_spec *spec,
                     const struct child_events *events, void *arg, struct child **ret_child);
void child_destroy(struct child *c);          /* takes NULL */
void child_kill(struct child *c, int signal); /* nothing happens when it has ended */
pid_t child_pid(const struct child *c);       /* 0 once it has ended */

/* To its socket: tried at once, the rest is queued (look at child_queued). ERR_CLOSED after its
 * end, ERR_NOMEM. */
enum err child_write(struct child *c, struct str bytes);
/* The same, and a descriptor rides on the bytes (SCM_RIGHTS); `fd` stays the caller's. ERR_AGAIN while
 * anything is queued: send it first. */
enum err child_write_fd(struct child *c, struct str bytes, int fd);
size_t child_queued(const struct child *c);
void child_pause(struct child *c); /* stop reading, which in time stops the child's writing */
void child_resume(struct child *c);
