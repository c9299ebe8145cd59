// SPDX-License-Identifier: Apache-2.0
#include "server/loop/sock.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "server/loop/chunks.h"
#include "server/loop/sock_filter.h"
#include "server/loop/uv_loop.h"

enum { WRITE_PIECES = 4 }; /* libuv keeps so many without an allocation of its own */
enum { UNSENT_MAX = 128 * 1024 };
enum { READS_A_STEP = 2 }; /* full ones; libuv would go on for 32 before others have their turn */

struct sock {
    struct loop *loop;
    const struct sock_events *events;
    void *arg;
    struct sock_filter *filter; /* NULL: the owner's bytes are the wire's */
    struct chunks queue;
    size_t sending;    /* of the queue, given to libuv by the write under way; 0: none */
    uint64_t accepted; /* bytes for the wire, ever */
    uv_write_t *write; /* made with the first chunk, gone with the last */
    uint32_t low_water;
    uint32_t read_step;                 /* the loop's step of the last read */
    uint8_t reads;                      /* in that step */
    bool ended, closing, paused, above; /* above: on_drain is owed */
    bool shut, wire_shut;               /* by the owner; by the owner and the filter */
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
    if (s->ended || s->closing)
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

static bool broken(const struct sock *s)
{
    return s->ended || s->closing || s->end.at != nullptr;
}

/* --- reading ------------------------------------------------------------------------------------- */

/* No room ends the reading of this step. */
static void on_room(uv_handle_t *handle, size_t, uv_buf_t *ret_buf)
{
    struct sock *s = handle->data;
    unsigned room = s->filter != nullptr ? SOCK_WIRE_READ : sizeof s->loop->read_bytes;
    if (s->read_step != s->loop->step)
        s->reads = 0;
    s->read_step = s->loop->step;
    *ret_buf = uv_buf_init(s->loop->read_bytes, s->reads++ < READS_A_STEP ? room : 0);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct sock *s = stream->data;
    struct str wire = {bytes->base, n > 0 ? (size_t)n : 0};
    if (n == UV_ENOBUFS && bytes->len == 0)
        return; /* enough for this step */
    if (n > 0 && s->filter != nullptr)
        s->filter->ops->on_wire(s->filter, wire);
    else if (n > 0)
        sock_deliver(s, wire);
    else if (n < 0 && s->filter != nullptr)
        s->filter->ops->on_wire_end(s->filter, n == UV_EOF ? ERR_CLOSED : ERR_IO);
    else if (n < 0)
        end(s, n == UV_EOF ? ERR_CLOSED : ERR_IO);
}

void sock_deliver(struct sock *s, struct str bytes)
{
    if (s->events != nullptr && !s->ended && !s->closing)
        s->events->on_read(s->arg, bytes);
}

void sock_pause(struct sock *s)
{
    s->paused = true;
    uv_read_stop(&s->uv.stream);
}

/* libuv forgets who is not read from. */
static enum err watch_again(struct sock *s)
{
    uv_os_fd_t fd;
    return uv_fileno(&s->uv.handle, &fd) == 0 ? loop_make_watchable(s->loop, fd) : ERR_CLOSED;
}

void sock_resume(struct sock *s)
{
    if (!s->paused || s->ended || s->closing)
        return;
    s->paused = false;
    if (watch_again(s) != OK || uv_read_start(&s->uv.stream, on_room, on_read) < 0)
        end_later(s, ERR_IO);
}

/* --- writing ------------------------------------------------------------------------------------- */

static void flush(struct sock *s);

static void drained(struct sock *s)
{
    enum err err = s->filter != nullptr && !broken(s) ? s->filter->ops->pump(s->filter) : OK;
    if (err != OK)
        end_later(s, err);
    if (s->queue.n == 0) {
        free(s->write);
        s->write = nullptr;
        if (s->wire_shut) {
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
    chunks_eat(&s->queue, s->sending);
    s->sending = 0;
    if (s->queue.n > 0)
        flush(s);
    drained(s); /* the last call: the owner may close in it */
}

static void flush(struct sock *s)
{
    struct str pieces[WRITE_PIECES];
    uv_buf_t bufs[WRITE_PIECES];
    unsigned count = chunks_peek(&s->queue, pieces, WRITE_PIECES);
    size_t bytes = 0;
    for (unsigned i = 0; i < count; i++) {
        bufs[i] = uv_buf_init((char *)pieces[i].p, (unsigned)pieces[i].n);
        bytes += pieces[i].n;
    }
    s->write->data = s;
    if ((s->paused && watch_again(s) != OK) ||
        uv_write(s->write, &s->uv.stream, bufs, count, on_written) < 0) {
        end_later(s, ERR_IO);
        return;
    }
    s->sending = bytes;
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
        try(chunks_add(&s->queue, str_sub(pieces[i], skip, pieces[i].n)));
    }
    if (blob != nullptr)
        try(chunks_add_blob(&s->queue, blob, done));
    if (s->sending == 0)
        flush(s);
    return OK;
}

/* Onto the wire: to the kernel at once, what it does not take into the queue. */
static void put(struct sock *s, const struct str *pieces, unsigned count, struct blob *body)
{
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
        return;

    size_t done = 0;
    if (s->queue.n == 0) {
        int n = uv_try_write(&s->uv.stream, bufs, used);
        if (n < 0 && n != UV_EAGAIN) {
            end_later(s, ERR_IO);
            return;
        }
        done = n > 0 ? (size_t)n : 0;
    }
    s->accepted += total;
    if (done < total && queue_rest(s, pieces, count, body, done) != OK)
        end_later(s, ERR_NOMEM);
}

size_t sock_writev(struct sock *s, const struct str *pieces, unsigned count, struct blob *body)
{
    check(count <= SOCK_PIECES);
    if (broken(s) || s->shut)
        return sock_queued(s);
    if (s->filter == nullptr) {
        put(s, pieces, count, body);
    } else {
        enum err err = s->filter->ops->write(s->filter, pieces, count, body);
        if (err != OK)
            end_later(s, err);
    }
    size_t queued = sock_queued(s);
    if (queued > s->low_water)
        s->above = true;
    return queued;
}

size_t sock_write(struct sock *s, struct str bytes)
{
    return sock_writev(s, &bytes, 1, nullptr);
}

size_t sock_wire_queued(const struct sock *s)
{
    return s->queue.n - s->sending +
           (s->sending > 0 ? uv_stream_get_write_queue_size(&s->uv.stream) : 0);
}

size_t sock_queued(const struct sock *s)
{
    return sock_wire_queued(s) + (s->filter != nullptr ? s->filter->ops->kept(s->filter) : 0);
}

uint64_t sock_written(const struct sock *s)
{
    return s->accepted - sock_wire_queued(s);
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
    if (broken(s) || s->shut)
        return;
    s->shut = true;
    if (s->filter != nullptr)
        s->filter->ops->shutdown(s->filter);
    else
        s->wire_shut = true;
    drained(s);
}

/* --- for the filter ------------------------------------------------------------------------------ */

void sock_set_filter(struct sock *s, struct sock_filter *filter)
{
    s->filter = filter;
    if (filter != nullptr)
        filter->sock = s;
}

void sock_wire_write(struct sock *s, struct str bytes)
{
    if (!broken(s) && !s->wire_shut)
        put(s, &bytes, 1, nullptr);
}

void sock_wire_shutdown(struct sock *s)
{
    s->wire_shut = true;
}

void sock_end(struct sock *s, enum err why)
{
    end(s, why);
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
        /* What the peer does not read waits in the queue, where it is counted, and not by the megabyte
         * in the kernel. Where that cannot be set it costs memory only. */
        const int unsent = UNSENT_MAX;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    }
    s->uv.handle.data = s;
    return status < 0 ? err_from_uv(status) : OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct sock *s = handle->data;
    if (s->filter != nullptr)
        s->filter->ops->destroy(s->filter);
    chunks_finish(&s->queue);
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
    try(loop_make_watchable(l, fd));
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
    if (s->filter != nullptr)
        s->filter->ops->close(s->filter);
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
