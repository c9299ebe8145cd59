// SPDX-License-Identifier: Apache-2.0
/*
 * A download at work in a process of its own (`repartee pull --fd 3`), since it hashes and writes gigabytes. It tells
 * on its socket how it goes, a line of JSON each: {"type":"progress","done":…,"total":…}, {"type":"alive"} each second,
 * and last {"type":"done"} or {"type":"error","code":…,"message":…}. It is believed as little as any other program:
 * one that writes something else, too much or nothing for too long is ended, and that is its error. It dies with us;
 * what has come is on the disk and good for the next try.
 *
 *     try(puller_start(loop, &spec, &events, self, &p));
 *     … events.progress …, then events.ended once: its process is gone, and with it the lock of the models' folder
 *
 * Loop thread. No callback from inside a call. `ended` frees it; until then puller_destroy ends it without a word.
 */
#pragma once

#include "server/loop/loop.h"

struct puller;
struct puller_spec {
    const char *program;
    const char *const *argv, *const *env; /* NULL-terminated */
    uint64_t silence_ms; /* longest without a line; a part that is hashed anew keeps it silent */
};
struct puller_events {
    void (*progress)(void *arg, int64_t done, int64_t total); /* total 0: not known */
    /* OK: it is installed. ERR_CANCELED: by puller_cancel. `sentence` without a full stop. */
    void (*ended)(void *arg, enum err err, const char *sentence);
};

enum err puller_start(struct loop *loop, const struct puller_spec *spec,
                      const struct puller_events *events, void *arg, struct puller **ret_p);
/* Ends it for that reason, unless it has said how it ended: `ended` follows. */
void puller_cancel(struct puller *p, enum err err, const char *sentence);
void puller_destroy(struct puller *p); /* takes NULL */
