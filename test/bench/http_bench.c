// SPDX-License-Identifier: Apache-2.0
/*
 * What net/ costs alone: small requests a second over keep-alive connections, one thread serving, one
 * asking. Prints one line. Usage: http_bench [CONNECTIONS [SECONDS [REQUESTS-AT-ONCE]]]
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "server/net/front.h"

enum { CONNECTIONS_MAX = 1000, AT_ONCE_MAX = 64 };

static void on_head(void *, struct exchange *x)
{
    exchange_reply(x, 200, "text/plain", S("hello"));
}

/* Serves until the parent dies; tells it the port. */
static void serve(int tell_fd)
{
    struct loop *loop;
    struct front *front;
    const struct front_limits limits = FRONT_LIMITS;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    check(loop_create(&loop) == OK);
    check(front_create(loop, &limits, on_head, nullptr, &front) == OK);
    check(front_listen_tcp(front, S("127.0.0.1"), 0) == OK);
    uint16_t port = (uint16_t)strtoul(strchr(front_address(front, 0), ':') + 1, nullptr, 10);
    check(write(tell_fd, &port, sizeof port) == sizeof port);
    loop_run(loop);
}

struct client {
    int fd;
    size_t got; /* of the present responses */
};

static const char request[] = "GET /hello HTTP/1.1\r\nHost: localhost:8600\r\nAccept: */*\r\n"
                              "User-Agent: bench\r\nAccept-Encoding: gzip\r\n\r\n";
static char batch[sizeof request * AT_ONCE_MAX];
static size_t batch_bytes, answer_bytes;

static void ask(const struct client *c)
{
    check(send(c->fd, batch, batch_bytes, MSG_NOSIGNAL) == (ssize_t)batch_bytes);
}

static void join(struct client *c, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(c->fd >= 0 && connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0);
}

static size_t measure_answer(const struct client *c)
{
    char text[1024];
    check(send(c->fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0);
    ssize_t n = recv(c->fd, text, sizeof text, 0);
    check(n > 5 && memcmp(text + n - 5, "hello", 5) == 0);
    return (size_t)n;
}

static uint64_t run(struct client *clients, unsigned count, unsigned at_once, uint64_t until_us)
{
    static char bytes[65536];
    uint64_t done = 0;
    int poll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < count; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &clients[i]};
        check(epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].fd, &e) == 0);
        ask(&clients[i]);
    }
    while (clock_us() < until_us) {
        struct epoll_event ready[64];
        int n = epoll_wait(poll, ready, 64, 100);
        for (int i = 0; i < n; i++) {
            struct client *c = ready[i].data.ptr;
            ssize_t got = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);
            c->got += got > 0 ? (size_t)got : 0;
            if (c->got < answer_bytes * at_once)
                continue;
            c->got = 0;
            done += at_once;
            ask(c);
        }
    }
    close(poll);
    return done;
}

static unsigned argument(int argc, char **argv, int i, unsigned otherwise, unsigned max)
{
    unsigned long n = argc > i ? strtoul(argv[i], nullptr, 10) : otherwise;
    check(n >= 1 && n <= max);
    return (unsigned)n;
}

int main(int argc, char **argv)
{
    unsigned count = argument(argc, argv, 1, 50, CONNECTIONS_MAX);
    unsigned seconds = argument(argc, argv, 2, 3, 60);
    unsigned at_once = argument(argc, argv, 3, 1, AT_ONCE_MAX);
    int tell[2];
    uint16_t port;
    check(pipe(tell) == 0);
    pid_t server = fork();
    if (server == 0)
        serve(tell[1]);
    check(server > 0 && read(tell[0], &port, sizeof port) == sizeof port);

    static struct client clients[CONNECTIONS_MAX];
    for (unsigned i = 0; i < count; i++)
        join(&clients[i], port);
    answer_bytes = measure_answer(&clients[0]);
    for (unsigned i = 0; i < at_once; i++)
        memcpy(batch + i * (sizeof request - 1), request, sizeof request - 1);
    batch_bytes = at_once * (sizeof request - 1);
    uint64_t done = run(clients, count, at_once, clock_us() + seconds * 1000000ull);
    struct rusage used;
    kill(server, SIGKILL);
    check(wait4(server, nullptr, 0, &used) == server);
    double cpu_us = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
                    (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    printf(
        "http: %u connections, %u at once: %llu requests/s, %.2f us of the server's processor each\n",
        count, at_once, (unsigned long long)(done / seconds), cpu_us / (double)done);
    return 0;
}
