// SPDX-License-Identifier: Apache-2.0
#include "server/loop/sock.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "server/loop/uv_loop.h"

/* What waits to be written: bytes copied here, or a reference to a blob. */
struct chunk {
    struct chunk *next;
    struct blob *blob;
    size_t from, to; /* of the blob or of `bytes` */
    size_t room;     /* of `bytes` */
    char bytes[];
};
constexpr size_t CHUNK_ROOM = 4096 - sizeof(struct chunk);
enum { WRITE_PIECES = 4 }; /* libuv keeps so many without an allocation of its own */

struct sock {
    struct loop *loop;
    const struct sock_events *events;
    void *arg;
    struct chunk *first, *last;
    size_t unsent;     /* in the chunks, not yet given to libuv */
    size_t sending;    /* given to libuv by the write under way; 0: none */
    uint64_t accepted; /* bytes taken from the owner, ever */
    uv_write_t *write; /* made with the first chunk, gone with the last */
    uint32_t low_water;
    bool ended, closing, paused, shut, above; /* above: on_drain is owed */
    enum err why;
    struct deferred end; /* a failure noticed while writing is told in the next step */
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
};

static void end(struct sock *s, enum err why)
{
    if (s->ended)
        return;
    s->ended = true;
    deferred_cancel(&s->end);
    uv_read_stop(&s->uv.stream);
    if (s->events != nullptr)
        s->events->on_end(s->arg, why);
}

static void end_deferred(void *arg)
{
    struct sock *s = arg;
    end(s, s->why);
}

static void end_later(struct sock *s, enum err why)
{
    s->why = why;
    deferred_call(&s->end);
}

static bool dead(const struct sock *s)
{
    return s->ended || s->closing || s->shut || s->end.at != nullptr;
}

/* --- reading ------------------------------------------------------------------------------------- */

static void on_room(uv_handle_t *handle, size_t, uv_buf_t *ret_buf)
{
    struct sock *s = handle->data;
    *ret_buf = uv_buf_init(s->loop->read_bytes, sizeof s->loop->read_bytes);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct sock *s = stream->data;
    if (n > 0 && s->events != nullptr)
        s->events->on_read(s->arg, (struct str){bytes->base, (size_t)n});
    else if (n < 0)
        end(s, n == UV_EOF ? ERR_CLOSED : ERR_IO);
}

void sock_pause(struct sock *s)
{
    s->paused = true;
    uv_read_stop(&s->uv.stream);
}

void sock_resume(struct sock *s)
{
    if (!s->paused || s->ended || s->closing)
        return;
    s->paused = false;
    if (uv_read_start(&s->uv.stream, on_room, on_read) < 0)
        end_later(s, ERR_IO);
}

/* --- writing ------------------------------------------------------------------------------------- */

static void flush(struct sock *s);

static struct str chunk_rest(const struct chunk *c)
{
    const char *base = c->blob != nullptr ? c->blob->bytes : c->bytes;
    return (struct str){base + c->from, c->to - c->from};
}

static void chunk_free(struct chunk *c)
{
    blob_unref(c->blob);
    free(c);
}

static void chunks_eat(struct sock *s, size_t n)
{
    while (n > 0) {
        struct chunk *c = s->first;
        check(c != nullptr);
        size_t take = c->to - c->from < n ? c->to - c->from : n;
        c->from += take;
        n -= take;
        if (c->from == c->to) {
            s->first = c->next;
            if (s->first == nullptr)
                s->last = nullptr;
            chunk_free(c);
        }
    }
}

static struct chunk *chunk_add(struct sock *s, size_t room, struct blob *blob)
{
    struct chunk *c = malloc(sizeof *c + room);
    if (c == nullptr)
        return nullptr;
    *c = (struct chunk){.room = room, .blob = blob != nullptr ? blob_ref(blob) : nullptr};
    if (s->last != nullptr)
        s->last->next = c;
    else
        s->first = c;
    s->last = c;
    return c;
}

static enum err queue_bytes(struct sock *s, struct str bytes)
{
    struct chunk *c = s->last;
    while (bytes.n > 0) {
        if (c == nullptr || c->blob != nullptr || c->to == c->room)
            c = chunk_add(s, bytes.n > CHUNK_ROOM ? bytes.n : CHUNK_ROOM, nullptr);
        if (c == nullptr)
            return ERR_NOMEM;
        size_t take = c->room - c->to < bytes.n ? c->room - c->to : bytes.n;
        memcpy(c->bytes + c->to, bytes.p, take);
        c->to += take;
        s->unsent += take;
        bytes = str_sub(bytes, take, bytes.n);
    }
    return OK;
}

static enum err queue_blob(struct sock *s, struct blob *blob, size_t from)
{
    struct chunk *c = chunk_add(s, 0, blob);
    if (c == nullptr)
        return ERR_NOMEM;
    c->from = from;
    c->to = blob->n;
    s->unsent += c->to - from;
    return OK;
}

static void drained(struct sock *s)
{
    if (s->first == nullptr) {
        free(s->write);
        s->write = nullptr;
        if (s->shut) {
            uv_os_fd_t fd;
            if (uv_fileno(&s->uv.handle, &fd) == 0)
                (void)shutdown(fd, SHUT_WR);
        }
    }
    if (s->above && sock_queued(s) <= s->low_water) {
        s->above = false;
        if (s->events != nullptr && s->events->on_drain != nullptr && !s->ended)
            s->events->on_drain(s->arg);
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct sock *s = write->data;
    if (s->closing)
        return;
    if (status < 0) {
        end(s, ERR_IO);
        return;
    }
    chunks_eat(s, s->sending);
    s->sending = 0;
    if (s->first != nullptr)
        flush(s);
    drained(s); /* the last call: the owner may close in it */
}

static void flush(struct sock *s)
{
    uv_buf_t bufs[WRITE_PIECES];
    unsigned count = 0;
    size_t bytes = 0;
    for (struct chunk *c = s->first; c != nullptr && count < WRITE_PIECES; c = c->next) {
        struct str rest = chunk_rest(c);
        bufs[count++] = uv_buf_init((char *)rest.p, (unsigned)rest.n);
        bytes += rest.n;
    }
    s->write->data = s;
    if (uv_write(s->write, &s->uv.stream, bufs, count, on_written) < 0) {
        end_later(s, ERR_IO);
        return;
    }
    s->sending = bytes;
    s->unsent -= bytes;
}

/* Queues what is left of the pieces and of the blob after their first `done` bytes. */
static enum err queue_rest(struct sock *s, const struct str *pieces, unsigned count,
                           struct blob *blob, size_t done)
{
    if (s->write == nullptr && (s->write = malloc(sizeof *s->write)) == nullptr)
        return ERR_NOMEM;
    for (unsigned i = 0; i < count; i++) {
        size_t skip = done < pieces[i].n ? done : pieces[i].n;
        done -= skip;
        try(queue_bytes(s, str_sub(pieces[i], skip, pieces[i].n)));
    }
    if (blob != nullptr && done < blob->n)
        try(queue_blob(s, blob, done));
    if (s->sending == 0)
        flush(s);
    return OK;
}

size_t sock_writev(struct sock *s, const struct str *pieces, unsigned count, struct blob *body)
{
    check(count <= SOCK_PIECES);
    if (dead(s))
        return sock_queued(s);
    uv_buf_t bufs[SOCK_PIECES + 1];
    unsigned used = 0;
    size_t total = 0;
    for (unsigned i = 0; i < count; i++) {
        if (pieces[i].n == 0)
            continue;
        bufs[used++] = uv_buf_init((char *)pieces[i].p, (unsigned)pieces[i].n);
        total += pieces[i].n;
    }
    if (body != nullptr && body->n > 0) {
        bufs[used++] = uv_buf_init(body->bytes, (unsigned)body->n);
        total += body->n;
    }
    if (total == 0)
        return sock_queued(s);

    size_t done = 0;
    if (s->first == nullptr) {
        int n = uv_try_write(&s->uv.stream, bufs, used);
        if (n < 0 && n != UV_EAGAIN) {
            end_later(s, ERR_IO);
            return 0;
        }
        done = n > 0 ? (size_t)n : 0;
    }
    s->accepted += total;
    if (done == total)
        return 0;
    if (queue_rest(s, pieces, count, body, done) != OK)
        end_later(s, ERR_NOMEM);
    size_t queued = sock_queued(s);
    if (queued > s->low_water)
        s->above = true;
    return queued;
}

size_t sock_write(struct sock *s, struct str bytes)
{
    return sock_writev(s, &bytes, 1, nullptr);
}

size_t sock_queued(const struct sock *s)
{
    return s->unsent + (s->sending > 0 ? uv_stream_get_write_queue_size(&s->uv.stream) : 0);
}

uint64_t sock_written(const struct sock *s)
{
    return s->accepted - sock_queued(s);
}

uint64_t sock_delivered(const struct sock *s)
{
    uv_os_fd_t fd;
    int on_its_way = 0;
    if (uv_fileno(&s->uv.handle, &fd) != 0 || ioctl(fd, SIOCOUTQ, &on_its_way) < 0 ||
        on_its_way < 0)
        on_its_way = 0;
    uint64_t written = sock_written(s), waiting = (uint64_t)on_its_way;
    return written > waiting ? written - waiting : 0;
}

void sock_set_low_water(struct sock *s, uint32_t bytes)
{
    s->low_water = bytes;
}

void sock_shutdown(struct sock *s)
{
    if (dead(s))
        return;
    s->shut = true;
    drained(s);
}

/* --- life ---------------------------------------------------------------------------------------- */

static enum err open_handle(struct loop *l, int fd, int family, struct sock *s)
{
    int status;
    if (family == AF_UNIX) {
        status = uv_pipe_init(&l->uv, &s->uv.pipe, 0);
        check(status == 0);
        status = uv_pipe_open(&s->uv.pipe, fd);
    } else {
        status = uv_tcp_init(&l->uv, &s->uv.tcp);
        check(status == 0);
        status = uv_tcp_open(&s->uv.tcp, fd);
    }
    s->uv.handle.data = s;
    return status < 0 ? err_from_uv(status) : OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct sock *s = handle->data;
    for (struct chunk *c; (c = s->first) != nullptr;) {
        s->first = c->next;
        chunk_free(c);
    }
    free(s->write);
    free(s);
}

enum err sock_open(struct loop *l, int fd, const struct sock_events *events, void *arg,
                   struct sock **ret_sock)
{
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &size) < 0)
        return err_from_errno(errno);
    struct sock *s = mem_zero(1, sizeof *s);
    if (s == nullptr)
        return ERR_NOMEM;
    s->loop = l;
    s->low_water = SOCK_LOW_WATER;
    deferred_init(&s->end, l, end_deferred, s);
    enum err err = open_handle(l, fd, name.ss_family, s);
    if (err != OK) {
        uv_close(&s->uv.handle, on_closed);
        return err;
    }
    s->events = events;
    s->arg = arg;
    l->live++;
    if (uv_read_start(&s->uv.stream, on_room, on_read) < 0)
        end_later(s, ERR_IO);
    *ret_sock = s;
    return OK;
}

void sock_set_owner(struct sock *s, const struct sock_events *events, void *arg)
{
    s->events = events;
    s->arg = arg;
}

void sock_close(struct sock *s)
{
    if (s == nullptr)
        return;
    check(!s->closing);
    s->closing = true;
    s->loop->live--;
    deferred_cancel(&s->end);
    uv_close(&s->uv.handle, on_closed);
}

void sock_peer(const struct sock *s, struct sock_peer *ret_peer)
{
    *ret_peer = (struct sock_peer){.text = "unix", .local = true, .loopback = true};
    if (s->uv.handle.type != UV_TCP)
        return;
    struct sockaddr_storage name = {};
    int size = sizeof name;
    ret_peer->local = ret_peer->loopback = false;
    snprintf(ret_peer->text, sizeof ret_peer->text, "unknown");
    if (uv_tcp_getpeername(&s->uv.tcp, (struct sockaddr *)&name, &size) < 0)
        return;
    if (name.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)&name;
        ret_peer->loopback = ntohl(in->sin_addr.s_addr) >> 24 == 127;
        uv_ip4_name(in, ret_peer->text, sizeof ret_peer->text);
    } else if (name.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)&name;
        ret_peer->loopback = IN6_IS_ADDR_LOOPBACK(&in->sin6_addr);
        uv_ip6_name(in, ret_peer->text, sizeof ret_peer->text);
    }
}
