// SPDX-License-Identifier: Apache-2.0
/* The inside of the facade, shared by rag.c (questions to the store) and ingest.c (the pipeline). */
#pragma once

#include "server/loop/lane.h"
#include "server/rag/rag.h"
#include "server/rag/store.h"

struct ingest;

struct rag {
    struct loop *loop;
    struct lane *lane;
    struct store *store; /* the lane's, between rag_open and rag_close */
    struct rag_reader reader;
    struct ingest *ingest; /* the document that is being worked on, or NULL */
    bool more;             /* something may wait in the queue */
    bool closing;
    struct deferred kick;
    struct rag_stats stats; /* loop: as of the last change */
    void (*on_progress)(void *arg);
    void *progress_arg;
};

/* One question to the store. Embedded first in what is asked; freed by its `done`. */
struct op {
    struct lane_job job;
    struct rag *rag;
    enum err err;
};
/* Takes the op over on success; the caller frees it otherwise. */
enum err op_post(struct rag *rag, struct op *op, void (*run)(struct lane_job *),
                 void (*done)(struct lane_job *));

/* Works on the next waiting document unless one is under way. */
void ingest_kick(struct rag *rag);
void ingest_stop(struct rag *rag);
