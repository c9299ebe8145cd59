// SPDX-License-Identifier: Apache-2.0
/*
 * The main loop of an engine program: the handshake, one protocol thread that reads frames, and a
 * few compute threads. Every job (an utterance, an answer, a synthesis) is a stream; a stream is an
 * actor: its messages are handled one after another, never two at once, on whichever compute thread
 * is free. The protocol thread never computes, so a cancel is always seen at once.
 *
 *     static const struct worker_role role = {.name = "tts", .load = …, .open = …, …};
 *     int main(int argc, char **argv) { return worker_main(&role, argc, argv); }
 *
 * A stream is named by its number, which no other has had before, and begins with its *_open. Its messages go to `message`
 * one by one; `close` runs exactly once for each `open` that succeeded, also after a failure, a
 * cancel or the end of the connection. The stream ends when `open` or `message` answers ERR_* (sent
 * on as `fail`), calls worker_end(), or is cancelled. What comes for a stream that has ended is dropped. No more than max_streams are
 * open at once: one that begins while an ended one has yet to close waits for that.
 *
 * After `load` the process is confined (base/confine.h). It leaves when its socket ends (the server
 * is gone), when its parent dies and on SIGTERM.
 * Options: --fd N (the inherited socket, 3 by default), --socket PATH (wait for one server there:
 * engines in containers of their own), --version, --help.
 */
#pragma once

#include <stdint.h>

#include "wire/msg.h"

struct worker_stream;

enum { WORKER_WHY_BYTES = 240 }; /* room for a sentence about a failure, with its NUL */

/* What a role answers to `load`. Texts are copied; NULL is "". */
struct worker_ready {
    const char *driver, *model, *languages, *notes;
    uint32_t rate_hz, slots;
};

struct worker_role {
    const char *name;     /* "stt", "ears", "llm", "tts", "embed" */
    const char *program;  /* how it is started, without "repartee-"; NULL: as `name` */
    uint32_t max_threads; /* computing at once; made when they are needed. See worker_rest */
    uint32_t max_streams; /* open at once; `slots` of ready should not exceed it */
    /* What drivers read after start: a NULL-terminated list, or NULL. Looked at after `load`. */
    const char *const *read_dirs;

    /* On the main thread, before any stream; loads the driver. On failure `why` holds a sentence,
     * and the program leaves. */
    enum err (*load)(const struct msg_load *load, struct worker_ready *ret_ready,
                     char why[WORKER_WHY_BYTES]);
    /* Optional: what has to wait until the process is locked in, such as starting threads. As `load`. */
    enum err (*start)(char why[WORKER_WHY_BYTES]);
    void (*unload)(void);
    /* Connection-wide messages of the role (stt_words). On the protocol thread: copy and return. */
    void (*control)(uint16_t type, const union msg *msg);

    /* On a compute thread, one after another for each stream. *ret_state is the role's own; it comes back in the two below. */
    enum err (*open)(struct worker_stream *s, void **ret_state);
    enum err (*message)(void *state, struct worker_stream *s, uint16_t type, const union msg *msg);
    void (*close)(void *state);
};

int worker_main(const struct worker_role *role, int argc, char **argv);
/* For a program with several roles, before worker_main: takes `flag` out of the arguments, if it is there. What it is
 * called as the value of an option is none. */
bool worker_take_flag(int *argc, char **argv, const char *flag);

/* From the compute thread that handles the stream. Waits while the server has given no credit.
 * ERR_CANCELED: stop, clean up, return it. ERR_TOOBIG: over 64 KiB, nothing is sent. */
enum err worker_send(struct worker_stream *s, enum msg_type type, const void *msg);
/* A connection-wide message of the role's own accord (stt_learnt); any thread. ERR_CLOSED: the server is gone. */
enum err worker_tell(enum msg_type type, const void *msg);
/* True once the server has cancelled the stream or gone away; look at it between steps. */
bool worker_canceled(const struct worker_stream *s);
/* From the compute thread that handles the stream, before a step in which it cannot look: `stop` is called once when the stream is
 * cancelled, on another thread, and at once when it has been already. It is quick and calls nothing of this header. It runs under
 * the lock of all streams, so what it locks is a leaf: whoever holds that waits for nobody and calls nothing of this header. NULL
 * takes it back; after that it does not run. */
void worker_on_cancel(struct worker_stream *s, void (*stop)(void *arg), void *arg);
/* From the compute thread that handles a stream, around a wait for what other streams hold: until worker_resume it
 * does not count as one that computes, and other streams get a thread of their own. */
void worker_rest(void);
void worker_resume(void);
/* The stream's last message has been sent. */
void worker_end(struct worker_stream *s);
/* A sentence for the `fail` that follows when `message` returns an error; at most 239 bytes. */
void worker_why(struct worker_stream *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
