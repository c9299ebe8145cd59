// SPDX-License-Identifier: Apache-2.0
/*
 * The terminal while a conversation is live: keys come one by one and are not shown. Whatever ends the
 * program but kill -9, the terminal is as before afterwards. One per process, one thread.
 */
#pragma once

#include <stddef.h>

/* False: standard input is no terminal. SIGINT, SIGTERM, SIGHUP and SIGTSTP are kept from the process
 * and come from terminal_signals() instead. */
bool terminal_enter(void);
void terminal_leave(void);  /* also when it was never entered */
int terminal_signals(void); /* to be polled */
/* The signal that has come; 0: none. */
int terminal_signal(void);
/* Stops the process, as Ctrl-Z does, with the terminal as it was; returns when it goes on. */
void terminal_suspend(void);
/* What was pressed, at most `room` bytes; 0: nothing; -1: the terminal is gone. */
int terminal_keys(char *into, size_t room);
size_t terminal_width(void); /* columns */
