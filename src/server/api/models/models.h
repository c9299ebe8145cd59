// SPDX-License-Identifier: Apache-2.0
/*
 * What the routes /models share: the shelf, and the pull that is under way. Made when somebody asks for the first time,
 * ended with the server (route.h). At most one pull works at a time. Loop thread.
 */
#pragma once

#include "server/api/route.h"
#include "server/models/puller.h"
#include "server/models/shelf.h"

/* Who waits for the end of the pull: one that is told how it goes, or one that has cancelled it. */
struct waiter {
    struct server *server;
    struct exchange *x;
    struct sse *sse; /* NULL: it has cancelled, or has not said yet what it wants */
    bool cancels;
    struct waiter *next;
};
/* Options that name a model. */
enum { NAMED_LLM, NAMED_EMBED, NAMED_STT, NAMED_TTS, NAMED_COUNT };

struct models {
    struct server *server;
    struct shelf *shelf;
    char *real[NAMED_COUNT]; /* files that the options name; NULL: none */
    /* The pull, and who waits for it. */
    struct puller *puller; /* NULL: none */
    struct waiter *waiters;
    bool is_ending; /* it was cancelled */
    char name[MODEL_NAME_MAX + 1];
    char source[MODEL_SOURCE_MAX + 1]; /* as models.lock will have it */
    int64_t done, total;               /* total 0: not known */
};

/* ERR_NOMEM, ERR_BUSY. */
enum err models_of(struct server *s, struct models **ret_m);

/* What a model that is there is needed for. */
enum model_use : uint8_t {
    USE_NONE,
    USE_HELD,  /* it is being loaded, or ends what it has begun */
    USE_NAMED, /* the options name it: the next start wants it */
    USE_NOW,   /* its engine runs with it */
};
enum model_use models_use(const struct models *m, const struct model *installed);
/* Who answers: the object `answers` of GET /models. Where a model lies and why it failed may tell of this machine's
 * files: the operator alone is told. */
void models_put_answers(const struct server *s, bool for_operator, struct json_out *j);
