// SPDX-License-Identifier: Apache-2.0
/*
 * What may stand between a socket's owner and the wire: TLS (net/tls). The owner's calls and
 * callbacks stay what sock.h says; only their bytes take the way through the filter. A socket
 * without one pays for a pointer.
 *
 *   wire ─▶ on_wire ─▶ sock_deliver ─▶ owner      owner ─▶ write ─▶ sock_wire_write ─▶ wire
 *
 * Embedded in its object. A filter keeps what the owner wrote while much is queued for the wire
 * (`kept` counts it) and goes on in `pump`, which comes whenever the queue has become shorter: so
 * the owner's low-water mark and its on_drain work as they do without. Loop thread.
 */
#pragma once

#include "server/loop/sock.h"

struct sock_filter {
    const struct sock_filter_ops *ops;
    struct sock *sock;
};

struct sock_filter_ops {
    /* At most SOCK_WIRE_READ bytes, valid during the call. */
    void (*on_wire)(struct sock_filter *f, struct str bytes);
    void (*on_wire_end)(struct sock_filter *f, enum err why); /* passes it on with sock_end */
    /* The owner's calls. write takes everything or fails, which ends the socket. */
    enum err (*write)(struct sock_filter *f, const struct str *pieces, unsigned count,
                      struct blob *body);
    void (*shutdown)(
        struct sock_filter *f);           /* sock_wire_shutdown once all is on the wire's queue */
    void (*close)(struct sock_filter *f); /* last words may still be written */
    enum err (*pump)(struct sock_filter *f); /* as write */
    size_t (*kept)(const struct sock_filter *f);
    void (*destroy)(struct sock_filter *f); /* the memory; comes in a later step than close */
};

/* So much that, with the beginning of a record from before, it opens to no more than an owner gets
 * from a plain socket at once. */
enum { SOCK_READ_MAX = 64 * 1024, SOCK_WIRE_READ = SOCK_READ_MAX - 16 * 1024 };

void sock_set_filter(struct sock *s,
                     struct sock_filter *filter); /* NULL takes it out, undestroyed */
void sock_wire_write(struct sock *s, struct str bytes);
void sock_wire_shutdown(struct sock *s);
size_t sock_wire_queued(const struct sock *s);
/* From on_wire and on_wire_end only. The owner may close the socket in both: the filter's memory
 * stays until destroy. */
void sock_deliver(struct sock *s, struct str bytes);
void sock_end(struct sock *s, enum err why);
