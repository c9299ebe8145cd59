// SPDX-License-Identifier: Apache-2.0
#include "engine_peer.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

enum { ENGINE_FD = 3 };

static pid_t spawn(const char *program, const char *flag, int fd)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    if (fd == ENGINE_FD ? fcntl(fd, F_SETFD, 0) : dup2(fd, ENGINE_FD) < 0)
        _exit(126);
    execl(program, program, "--fd", "3", flag, nullptr);
    _exit(127);
}

struct peer *peer_start(const char *program)
{
    return peer_start_with(program, nullptr);
}

struct peer *peer_start_with(const char *program, const char *flag)
{
    int pair[2];
    assert_non_null(program);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct peer *p = calloc(1, sizeof *p);
    assert_non_null(p);
    *p = (struct peer){.fd = pair[0], .in = BUF(1 << 22), .out = BUF(1 << 17)};
    p->pid = spawn(program, flag, pair[1]);
    assert_true(p->pid > 0);
    close(pair[1]);
    if (!peer_next(p) || p->frame.type != MSG_hello)
        fail_msg("%s does not say hello", program);
    assert_int_equal(p->msg.hello.version, WIRE_VERSION);
    return p;
}

void peer_load(struct peer *p, const char *driver, const char *options)
{
    peer_load_model(p, driver, "", options);
}

void peer_load_model(struct peer *p, const char *driver, const char *model, const char *options)
{
    const struct msg_load load = {
        .driver = str_of(driver), .model = str_of(model), .options = str_of(options), .threads = 2};
    peer_send(p, MSG_load, WIRE_STREAM_NONE, &load);
    if (!peer_next(p))
        fail_msg("the program ended instead of being ready");
    if (p->frame.type == MSG_fail)
        fail_msg("load: %.*s", STR_FMT(p->msg.fail.text));
    if (p->frame.type == MSG_tts_voices)
        assert_true(peer_next(p));
    assert_int_equal(p->frame.type, MSG_ready);
}

void peer_send_file(struct peer *p, enum msg_type type, uint32_t stream, const void *msg, int file)
{
    buf_clear(&p->out);
    assert_ok(msg_encode(&p->out, type, stream, msg));
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    struct iovec bytes = {p->out.p, p->out.n};
    struct msghdr head = {.msg_iov = &bytes, .msg_iovlen = 1};
    if (file >= 0) {
        head.msg_control = control;
        head.msg_controllen = sizeof control;
        struct cmsghdr *c = CMSG_FIRSTHDR(&head);
        *c = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(c), &file, sizeof file);
    }
    assert_int_equal(sendmsg(p->fd, &head, MSG_NOSIGNAL), (ssize_t)p->out.n);
}

void peer_send(struct peer *p, enum msg_type type, uint32_t stream, const void *msg)
{
    peer_send_file(p, type, stream, msg, -1);
}

/* False at the end of the stream. */
static bool receive_some(struct peer *p)
{
    struct pollfd ready = {.fd = p->fd, .events = POLLIN};
    if (poll(&ready, 1, PEER_WAIT_MS) != 1)
        fail_msg("no message within %d ms", PEER_WAIT_MS);
    assert_ok(buf_reserve(&p->in, WIRE_PAYLOAD_MAX));
    ssize_t n = recv(p->fd, p->in.p + p->in.n, WIRE_PAYLOAD_MAX, 0);
    if (n <= 0)
        return false;
    p->in.n += (size_t)n;
    return true;
}

bool peer_next(struct peer *p)
{
    buf_eat(&p->in, p->used);
    p->used = 0;
    enum err err;
    while ((err = frame_next(buf_str(&p->in), &p->frame, &p->used)) == ERR_AGAIN)
        if (!receive_some(p))
            return false;
    assert_ok(err);
    assert_true(msg_from_engine(p->frame.type));
    assert_ok(msg_decode(&p->frame, &p->msg));
    if (p->frame.type == MSG_stt_guarded) {
        assert_uint_in_range(p->msg.stt_guarded.guard, GUARD_NONE + 1, GUARD_COUNT - 1);
        p->guarded[p->msg.stt_guarded.guard]++;
    }
    uint32_t cost = msg_cost(p->frame.type, (uint32_t)p->frame.payload.n);
    if (cost > 0 && !p->stingy)
        peer_send(p, MSG_credit, p->frame.stream, &(struct msg_credit){cost});
    return true;
}

bool peer_wait(struct peer *p, enum msg_type type)
{
    while (peer_next(p))
        if (p->frame.type == type)
            return true;
    return false;
}

int peer_stop(struct peer *p)
{
    int status;
    close(p->fd);
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    buf_finish(&p->in);
    buf_finish(&p->out);
    free(p);
    return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

void peer_expect_refusal(const char *program, const struct msg_load *load, const char *says)
{
    struct peer *p = peer_start(program);
    peer_send(p, MSG_load, WIRE_STREAM_NONE, load);
    assert_true(peer_next(p));
    assert_int_equal(p->frame.type, MSG_fail);
    if (str_find(p->msg.fail.text, str_of(says)) == p->msg.fail.text.n)
        fail_msg("\"%.*s\" instead of \"%s\"", STR_FMT(p->msg.fail.text), says);
    assert_int_equal(peer_stop(p), 1);
}
