// SPDX-License-Identifier: Apache-2.0
/*
 * ONNX Runtime's only caller. All sessions share one pool of threads, so that two of them do not wait for each other awake.
 * Opening comes first and once, in a process that is locked in already, since it makes those threads. Sessions are made
 * and ended alone; any thread may run them, several one at once.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { SESSION_WHY_BYTES = 240, SESSION_RANK_MAX = 4, SESSION_VALUES_MAX = 16 };

/* Before the process is locked in. */
enum err session_prepare(void);
/* `threads`: that compute one step, the caller among them. */
enum err session_open_all(uint32_t threads, char why[SESSION_WHY_BYTES]);
void session_close_all(void); /* also when it was never opened */

struct session;
/* `model`: an ONNX file in memory that onnx_check has let pass; it is not needed afterwards. */
enum err session_create(struct str model, struct session **ret_s, char why[SESSION_WHY_BYTES]);
void session_destroy(struct session *s); /* takes NULL */

/*
 * Ends runs from another thread. A run that is under way ends between two nodes of its graph, so after the longest of them at
 * most; and none begins any more. Zero at first, then session_stop_init.
 */
struct session_stop {
    pthread_mutex_t mutex;
    void *run;          /* mu: what is under way */
    atomic_bool is_set; /* set under mu */
};
void session_stop_init(struct session_stop *stop);
void session_stop_finish(struct session_stop *stop); /* no run is under way */
void session_stop_set(struct session_stop *stop);    /* any thread */

enum session_kind : uint8_t {
    SESSION_FLOATS,
    SESSION_INTS,
    SESSION_INTS32
}; /* float, int64_t, int32_t */

struct session_input {
    const char *name;
    enum session_kind kind;
    const void *data;
    size_t rank;
    int64_t dims[SESSION_RANK_MAX];
};

/* Numbers that a run has given; they lie where ONNX Runtime put them until session_free. */
struct session_output {
    const float *data; /* NULL: nothing here */
    size_t count, rank;
    int64_t dims[SESSION_RANK_MAX];
    void *value;
};

/* `names`: of the outputs that are wanted. Either all of ret_outputs are filled, or none. `stop`: who may end it; NULL: nobody.
 * ERR_NOMEM; ERR_CANCELED: it was ended; ERR_INTERNAL with a sentence: the model cannot compute this. */
enum err session_run(struct session *s, const struct session_input *inputs, size_t inputs_n,
                     const char *const *names, size_t outputs_n, struct session_output *ret_outputs,
                     struct session_stop *stop, char why[SESSION_WHY_BYTES]);
void session_free(struct session_output *outputs, size_t n);
