// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "wire/worker_parts.h"

static int link_fd = 3;
static pthread_mutex_t out_mu = PTHREAD_MUTEX_INITIALIZER;
static struct buf out = BUF(WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX); /* out_mu */

static enum err write_all(struct str bytes)
{
    while (bytes.n) {
        ssize_t n = send(link_fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_CLOSED;
        bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return OK;
}

enum err link_send(enum msg_type type, uint32_t stream, const void *msg)
{
    pthread_mutex_lock(&out_mu);
    buf_clear(&out);
    enum err err = msg_encode(&out, type, stream, 0, msg);
    if (err == OK)
        err = write_all(buf_str(&out));
    pthread_mutex_unlock(&out_mu);
    return err;
}

static enum err on_load(const struct worker_role *role, const struct msg_load *load)
{
    char why[240] = "";
    struct worker_ready ready = {};
    enum err err = role->load(load, &ready, why);
    if (err != OK) {
        const struct msg_fail fail = {(uint32_t)err, str_of(why[0] ? why : err_text(err))};
        (void)link_send(MSG_fail, WIRE_STREAM_NONE, &fail);
        return err;
    }
    const struct msg_ready answer = {
        .driver = str_of(ready.driver),
        .model = str_of(ready.model ? ready.model : ""),
        .languages = str_of(ready.languages ? ready.languages : ""),
        .rate_hz = ready.rate_hz,
        .slots = ready.slots,
        .notes = str_of(ready.notes ? ready.notes : ""),
    };
    err = actors_start(role, load->threads);
    return err == OK ? link_send(MSG_ready, WIRE_STREAM_NONE, &answer) : err;
}

static enum err on_frame(const struct worker_role *role, const struct frame *f, bool *loaded)
{
    union msg msg;
    if (!msg_from_server(f->type) || msg_decode(f, &msg) != OK)
        return ERR_SYNTAX;
    if (!*loaded) {
        *loaded = true;
        return f->type == MSG_load ? on_load(role, &msg.load) : ERR_SYNTAX;
    }
    if (f->stream != WIRE_STREAM_NONE)
        return actors_frame(f, &msg);
    if (f->type == MSG_ping) {
        const struct msg_pong pong = {msg.ping.token, actors_live()};
        return link_send(MSG_pong, WIRE_STREAM_NONE, &pong);
    }
    if (f->type == MSG_threads)
        actors_set_threads(msg.threads.count);
    else if (role->control)
        role->control(f->type, &msg);
    return OK;
}

/* Reads until the server is gone. */
static enum err serve(const struct worker_role *role)
{
    autobuf in = BUF(4 * (WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX));
    bool loaded = false;
    for (;;) {
        try(buf_reserve(&in, WIRE_PAYLOAD_MAX));
        ssize_t n = recv(link_fd, in.p + in.n, WIRE_PAYLOAD_MAX, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return OK;
        in.n += (size_t)n;
        size_t at = 0, used;
        struct frame f;
        enum err err;
        while ((err = frame_next(str_sub(buf_str(&in), at, in.n), &f, &used)) == OK) {
            at += used;
            try(on_frame(role, &f, &loaded));
        }
        if (err != ERR_AGAIN)
            return err;
        buf_eat(&in, at);
    }
}

static int usage(const struct worker_role *role)
{
    printf("Usage: repartee-%s --fd N\n\nAn engine of Repartee; the server starts it.\n"
           "  --fd N       the connected socket to serve (3)\n"
           "  --version    the version of program and protocol\n",
           role->name);
    return 0;
}

int worker_main(const struct worker_role *role, int argc, char **argv)
{
    long fd = link_fd;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return usage(role);
        if (strcmp(argv[i], "--version") == 0) {
            printf("repartee-%s " REPARTEE_VERSION " (protocol %u)\n", role->name, WIRE_VERSION);
            return 0;
        }
        if (strcmp(argv[i], "--fd") == 0 && i + 1 < argc)
            fd = strtol(argv[++i], nullptr, 10);
    }
    if (fd < 0 || fd > INT_MAX)
        return usage(role);
    link_fd = (int)fd;
    log_set_name(role->name);
    signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C reaches us too; the server drains and closes */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const struct msg_hello hello = {WIRE_VERSION, str_of(role->name), S(REPARTEE_VERSION)};
    enum err err = link_send(MSG_hello, WIRE_STREAM_NONE, &hello);
    if (err == OK)
        err = serve(role);
    actors_stop();
    if (role->unload)
        role->unload();
    if (err != OK)
        log_error("leaving: %s", err_text(err));
    return err == OK ? 0 : 1;
}
