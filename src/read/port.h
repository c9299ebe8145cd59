// SPDX-License-Identifier: Apache-2.0
/*
 * The engine protocol for a program that does one job and exits: says hello, takes one read_open with
 * its file descriptor, sends what it read. Blocking, one thread; a slow server holds it up by the
 * socket's own buffer.
 */
#pragma once

#include "wire/msg.h"

struct port {
    int fd;
    uint32_t stream;
    struct buf in, out;
    union msg msg; /* slices point into `in` */
};

void port_init(struct port *p, int fd);
void port_finish(struct port *p);
enum err port_hello(struct port *p, struct str role);
/* The job and its file. ERR_CLOSED: the server is gone; ERR_SYNTAX: it sent something else. */
enum err port_receive(struct port *p, const struct msg_read_open **ret_open, int *ret_file);
/* To the job's stream. ERR_CLOSED, ERR_TOOBIG. */
enum err port_send(struct port *p, enum msg_type type, const void *msg);
