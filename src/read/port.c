// SPDX-License-Identifier: Apache-2.0
#include "read/port.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/inherit.h"

void port_init(struct port *p, int fd)
{
    *p = (struct port){.fd = fd,
                       .stream = WIRE_STREAM_NONE,
                       .in = BUF(2 * (WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX)),
                       .out = BUF(WIRE_HEADER_BYTES + WIRE_PAYLOAD_MAX)};
}

void port_finish(struct port *p)
{
    buf_finish(&p->in);
    buf_finish(&p->out);
}

enum err port_send(struct port *p, enum msg_type type, const void *msg)
{
    buf_clear(&p->out);
    try(msg_encode(&p->out, type, p->stream, msg));
    return inherit_write(p->fd, buf_str(&p->out));
}

enum err port_hello(struct port *p, struct str role)
{
    struct msg_hello hello = {WIRE_VERSION, role, S(REPARTEE_VERSION)};
    return port_send(p, MSG_hello, &hello);
}

/* The first descriptor among the control data, any further ones closed. */
static void take_file(struct msghdr *head, int *file)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c != nullptr; c = CMSG_NXTHDR(head, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (*file < 0)
                *file = fd;
            else
                close(fd);
        }
    }
}

/* Some more bytes, and perhaps the file. */
static enum err receive_some(struct port *p, int *file)
{
    alignas(struct cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
    try(buf_reserve(&p->in, WIRE_PAYLOAD_MAX));
    struct iovec room = {p->in.p + p->in.n, WIRE_PAYLOAD_MAX};
    struct msghdr head = {.msg_iov = &room,
                          .msg_iovlen = 1,
                          .msg_control = control,
                          .msg_controllen = sizeof control};
    ssize_t n = recvmsg(p->fd, &head, MSG_CMSG_CLOEXEC);
    if (n < 0 && errno == EINTR)
        return OK;
    if (n <= 0)
        return ERR_CLOSED;
    p->in.n += (size_t)n;
    take_file(&head, file);
    return OK;
}

enum err port_receive(struct port *p, const struct msg_read_open **ret_open, int *ret_file)
{
    struct frame frame;
    size_t used;
    int file = -1;
    enum err err;
    while ((err = frame_next(buf_str(&p->in), &frame, &used)) == ERR_AGAIN) {
        err = receive_some(p, &file);
        if (err != OK)
            break;
    }
    if (err == OK && (frame.type != MSG_read_open || file < 0))
        err = ERR_SYNTAX;
    if (err == OK)
        err = msg_decode(&frame, &p->msg);
    if (err != OK) {
        if (file >= 0)
            close(file);
        return err;
    }
    p->stream = frame.stream;
    *ret_open = &p->msg.read_open;
    *ret_file = file;
    return OK;
}
