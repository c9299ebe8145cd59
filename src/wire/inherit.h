// SPDX-License-Identifier: Apache-2.0
/*
 * What every program that the server starts does first: keep the one socket that it was given and
 * nothing else, and leave signals of the terminal to the server. Main thread, before any other.
 */
#pragma once

#include "base/err.h"

/* `fd` must be a connected stream socket; it gets close-on-exec, every other descriptor above standard
 * error is closed. ERR_INVALID: it is not one. */
enum err inherit_socket(int fd);
/* A terminal's Ctrl-C and hang-up reach us too, but the server drains first and then closes the socket. */
void inherit_signals(void);
