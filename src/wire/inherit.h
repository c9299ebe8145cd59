// SPDX-License-Identifier: Apache-2.0
/*
 * What every program that the server starts does first: keep the one socket that it was given and
 * nothing else, and leave signals of the terminal to the server. Main thread, before any other.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* `fd` must be a connected stream socket; it gets close-on-exec, every other descriptor above standard
 * error is closed. ERR_INVALID: it is not one. */
enum err inherit_socket(int fd);
/* All of it, waiting for the server to take it. ERR_CLOSED: the server is gone. */
enum err inherit_write(int fd, struct str bytes);
/* Signals to the whole group or unit (Ctrl-C of a terminal, hang-up, SIGTERM of systemd) are the server's:
 * it drains first and then closes the socket, or kills us. `alone`: no server is there that would, so
 * SIGTERM ends us at once. */
void inherit_signals(bool alone);
