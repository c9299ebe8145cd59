// SPDX-License-Identifier: Apache-2.0
/*
 * The server's end of the engine protocol, for tests of engine programs: starts one, says and hears
 * messages, blocking, one thread. What goes wrong on the way ends the test with a sentence.
 *
 *     struct peer *p = peer_start(getenv("PROGRAM"));
 *     peer_load(p, "scripted", "ms=10");
 *     peer_send(p, MSG_tts_open, 1, &open);
 *     while (peer_next(p) && p->frame.type != MSG_tts_done) …p->msg…
 *     assert_int_equal(peer_stop(p), 0);
 */
#pragma once

#include <sys/types.h>

#include "wire/guard.h"
#include "wire/msg.h"

enum { PEER_WAIT_MS = 60000 };

struct peer {
    int fd;
    pid_t pid;
    uint32_t telling;              /* of words: how often */
    bool stingy;                   /* give no credit for what was heard */
    uint32_t guarded[GUARD_COUNT]; /* how often a recogniser said so */
    struct buf in, out;
    size_t used;        /* of `in`, by the present frame */
    struct frame frame; /* the present one */
    union msg msg;
};

/* Runs `program` with its socket as descriptor 3 and hears its hello. */
struct peer *peer_start(const char *program);
/* The same with a flag; NULL: none. */
struct peer *peer_start_with(const char *program, const char *flag);
/* Sends `load` and waits for `ready`, which is then the present message. */
void peer_load(struct peer *p, const char *driver, const char *options);
void peer_load_model(struct peer *p, const char *driver, const char *model, const char *options);
void peer_send(struct peer *p, enum msg_type type, uint32_t stream, const void *msg);
/* The same with a descriptor on the frame. */
void peer_send_file(struct peer *p, enum msg_type type, uint32_t stream, const void *msg, int file);
/* The next message; the last one's slices end, and its bytes are granted anew. False: the program closed its end. A message that
 * does not come within PEER_WAIT_MS fails the test. */
bool peer_next(struct peer *p);
/* The same, skipping messages of other types. */
bool peer_wait(struct peer *p, enum msg_type type);
/* Closes the socket, waits for the program's end, frees. The exit status, or 256 + signal. */
int peer_stop(struct peer *p);
/* An engine that refuses `load` with these words. */
void peer_expect_refusal(const char *program, const struct msg_load *load, const char *says);
