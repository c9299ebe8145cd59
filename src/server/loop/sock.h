// SPDX-License-Identifier: Apache-2.0
/*
 * A byte stream with back-pressure, over TCP, a Unix socket or an inherited descriptor; and the
 * listener that makes them. Loop thread.
 *
 * Reading: on_read gets a slice that is valid during the call only, at most twice a step, so that others
 * have their turn; sock_pause stops the reading (and the kernel then stops the peer). Writing: tried at once; what the kernel does not take is
 * queued, small pieces by copy, blobs by reference. The queue is not bounded here: the caller looks
 * at what sock_write returns or at sock_queued, stops producing, and goes on at on_drain, which
 * comes when the queue has fallen to the low-water mark after having been above it.
 *
 * Life: on_end comes at most once, when the peer has closed or something broke, never from inside a
 * sock_ call, and nothing comes after it. The owner always calls sock_close, also after on_end; after
 * sock_close no callback comes and the pointer is dead. An idle socket costs about 0.4 KB.
 */
#pragma once

#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/loop/loop.h"

struct sock;
struct sock_events {
    void (*on_read)(void *arg, struct str bytes);
    void (*on_end)(void *arg, enum err why); /* ERR_CLOSED: orderly; ERR_IO: reset and the like */
    void (*on_drain)(void *arg);             /* may be NULL */
};

constexpr uint32_t SOCK_LOW_WATER = 16 * 1024; /* unless sock_set_low_water says otherwise */

/* Takes over a connected stream socket (AF_UNIX, AF_INET, AF_INET6); on failure fd is still the
 * caller's. Reading starts at once. `events` must outlive the socket. */
enum err sock_open(struct loop *l, int fd, const struct sock_events *events, void *arg,
                   struct sock **ret_sock);
/* Hands the stream to another owner, for example from the HTTP connection to the WebSocket. */
void sock_set_owner(struct sock *s, const struct sock_events *events, void *arg);
void sock_close(struct sock *s); /* now, dropping what is queued; takes NULL */

/* All bytes, in order. Returns what is queued now, in bytes (0: the kernel has taken all). After an
 * end, or when memory for the queue runs out (which ends the socket: on_end with ERR_NOMEM follows
 * in the next step), the bytes are dropped. */
size_t sock_write(struct sock *s, struct str bytes);
/* The same for several pieces, at most SOCK_PIECES, and then `body` (may be NULL), with one system
 * call. What the kernel does not take of the pieces is copied; of the body a reference is kept. */
enum { SOCK_PIECES = 5 };
size_t sock_writev(struct sock *s, const struct str *pieces, unsigned count, struct blob *body);
size_t sock_queued(const struct sock *s);
uint64_t sock_written(const struct sock *s); /* bytes the kernel has taken, ever */
/* Bytes that have reached the peer, ever: the kernel may take megabytes for a peer that takes none. */
uint64_t sock_delivered(const struct sock *s);
void sock_set_low_water(struct sock *s, uint32_t bytes);

void sock_pause(struct sock *s);
void sock_resume(struct sock *s); /* bytes come in a later step, never inside the call */
/* Sends what is queued, then end-of-file. Reading goes on; nothing can be written any more. */
void sock_shutdown(struct sock *s);

struct sock_peer {
    bool local;    /* a Unix socket: who may open it is decided by the file system */
    bool loopback; /* 127.0.0.0/8 or ::1, or local */
    char text[46]; /* "192.0.2.1", "2001:db8::1", "unix"; without the port */
};
void sock_peer(const struct sock *s, struct sock_peer *ret_peer);

/* A listener. on_accept owns the new socket, and must give it events at once (sock_set_owner): it
 * starts to read in the next step. Running out of descriptors sheds the waiting connection instead
 * of spinning. */
struct listener;
typedef void (*listener_fn)(void *arg, struct sock *s);

/* `host` is an address ("127.0.0.1", "::1", "0.0.0.0") or "localhost"; port 0 takes a free one.
 * SO_REUSEADDR, TCP_NODELAY on what it accepts. ERR_CONFLICT: in use, ERR_DENIED, ERR_INVALID. */
enum err listener_open_tcp(struct loop *l, struct str host, uint16_t port, listener_fn on_accept,
                           void *arg, struct listener **ret_listener);
/* Mode 0600. A file left behind by a dead server is replaced; ERR_CONFLICT when one still answers
 * there. Removed on close. */
enum err listener_open_unix(struct loop *l, const char *path, listener_fn on_accept, void *arg,
                            struct listener **ret_listener);
void listener_close(struct listener *l); /* takes NULL */
/* "127.0.0.1:8600", "[::1]:8600" with the real port, or the path. */
const char *listener_address(const struct listener *l);
bool listener_is_loopback(const struct listener *l); /* Unix sockets count as loopback */
