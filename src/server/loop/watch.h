// SPDX-License-Identifier: Apache-2.0
/*
 * Looks after a descriptor that belongs to a library which reads and writes it itself. Loop thread.
 *
 *     try(watch_open(loop, fd, on_ready, self, &w));
 *     try(watch_set(w, WATCH_READ));    // on_ready fires while there is something to read
 *     watch_close(w);                   // before the library closes fd
 *
 * on_ready may set and close the watch; it never fires inside a call, nor after watch_close.
 */
#pragma once

#include "server/loop/loop.h"

struct watch;
enum : uint8_t { WATCH_READ = 1, WATCH_WRITE = 2 }; /* bits */
/* An error of the descriptor shows as both: whoever reads or writes finds it. */
typedef void (*watch_fn)(void *arg, int fd, unsigned ready);

/* Makes the descriptor non-blocking. ERR_NOMEM, ERR_BUSY: the kernel watches too many already. */
enum err watch_open(struct loop *l, int fd, watch_fn fn, void *arg, struct watch **ret_watch);
/* 0: nothing for now. ERR_NOMEM, ERR_BUSY. */
enum err watch_set(struct watch *w, unsigned what);
void watch_close(struct watch *w); /* takes NULL */
