// SPDX-License-Identifier: Apache-2.0
/*
 * An engine whose process is the test: the real jobs of engine/job.c, with this in the place of
 * engine/process.c. What the jobs send is noted; what the engine answers, and when it dies, the test
 * says. Allocates nothing once it stands, so that it may be used while allocations fail.
 */
#pragma once

#include "server/engine/engine_parts.h"

enum { FAKE_NOTES = 512, FAKE_OPEN = 1024, FAKE_TOLD = 1024 };

/* The first member is what the code under test holds. */
struct fake {
    struct engine engine;
    struct {
        uint16_t type;
        uint32_t stream;
    } note[FAKE_NOTES]; /* what was sent, the oldest first; what does not fit is counted only */
    size_t notes;
    uint64_t last_stream;  /* of the last frame that began a job */
    uint32_t last_of[256]; /* the stream of the last frame of each type, by its low byte */
    uint32_t
        open[FAKE_OPEN]; /* streams that the engine works on: it was told to begin and not to stop,
                               and has not said its last word */
    size_t open_count;
    char told[FAKE_TOLD]; /* the last segment of a prompt that is ours, its first bytes */
    char spoken
        [FAKE_TOLD];      /* every text for a synthesiser, with "|" after each, as far as it fits */
    uint64_t sound_bytes; /* of sound in the place of such texts */
    uint32_t sound_level; /* what was said of it last */
    uint64_t granted;     /* bytes of credit, all jobs together */
    enum err refuse;      /* what engine_write answers; OK: it takes */
    unsigned hurried;     /* calls of engine_watch_closely */
};

void fake_create(struct fake *f, struct loop *loop, const char *role, uint32_t slots);
void fake_destroy(struct fake *f); /* check: no job is left */
/* The stream that a frame of this type went out in last; 0: none did. */
uint32_t fake_stream(const struct fake *f, enum msg_type type);
/* How many frames of a type were sent. */
size_t fake_sent(const struct fake *f, uint16_t type);
/* One message of the engine in a stream; 0: in that of the last *_open. */
enum err fake_answer(struct fake *f, uint32_t stream, enum msg_type type, const void *msg);
/* As process.c does when the socket ends; it will be started again after `restart_ms`. */
void fake_die(struct fake *f, uint64_t restart_ms);
void fake_come_back(struct fake *f);
