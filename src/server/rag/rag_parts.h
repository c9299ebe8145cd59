// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of the facade: rag.c (opening, closing, accepting), ask.c (questions to the store) and
 * ingest.c (the pipeline). Two lanes, so that a question in a conversation waits neither for a large
 * document that is being indexed nor for the disk: one writes, the other only reads.
 */
#pragma once

#include "server/loop/lane.h"
#include "server/rag/rag.h"
#include "server/rag/store.h"

struct ingest;

struct rag {
    struct loop *loop;
    struct lane *write_lane, *read_lane;
    struct store *writer; /* write_lane, between rag_open and rag_close */
    struct store *reader; /* read_lane, likewise */
    struct rag_reader documents;
    struct ingest *ingest; /* the document that is being worked on, or NULL */
    bool more;             /* something may wait in the queue */
    bool closing;
    int64_t unsettled; /* closing: a document whose reading was broken off; 0: none */
    struct deferred kick;
    struct timer again; /* kicks later: the store or the reader could not, or a suspect waits */
    uint64_t opened_ms, wait_ms;
    struct rag_stats stats; /* loop: as of the last change */
    void (*on_progress)(void *arg);
    void *progress_arg;
};

/* One errand of a lane. Embedded first in what is asked; freed by its `done`. */
struct op {
    struct lane_job job;
    struct rag *rag;
    enum err err;
    struct rag_stats stats; /* of writers: valid with has_stats */
    bool has_stats;
};
/* Take the op over on success; the caller frees it otherwise. */
enum err op_write(struct rag *rag, struct op *op, void (*run)(struct lane_job *),
                  void (*done)(struct lane_job *));
enum err op_read(struct rag *rag, struct op *op, void (*run)(struct lane_job *),
                 void (*done)(struct lane_job *));
/* In `run` of a writer: what there is now; in its `done`: tells the loop. */
void op_count(struct op *op);
void op_tell(const struct op *op);
[[nodiscard]] bool op_copy(struct str s, char **ret_copy);

/* Works on the next waiting document unless one is under way. */
void ingest_kick(struct rag *rag);
/* Goes on with what had to wait. */
void ingest_again(struct rag *rag);
/* Breaks the reading off. What a lane has is left to it. */
void ingest_stop(struct rag *rag);
