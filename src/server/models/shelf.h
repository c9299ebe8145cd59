// SPDX-License-Identifier: Apache-2.0
/*
 * The models' folder as a running server sees it: what is there, what can be had, what suits this machine. The disk is
 * looked at on a lane: at each question whether models.lock is another file than the last time (by its inode, size and
 * time), and only then it is read. At the first question the machine is measured, which it waits for; where memory is
 * short for that, it is tried again with a question a minute later.
 *
 *     try(shelf_open(loop, folder, data, threads, &s));
 *     try(shelf_look(s, on_look, self, &ask));      // … on_look(self, OK, &view, …) once, or shelf_forget(ask)
 *
 * Loop thread. No callback from inside a call.
 */
#pragma once

#include "server/models/advice.h"
#include "server/models/models_dir.h"

struct loop;
struct shelf;
struct shelf_ask;

/* Good for the call. */
struct shelf_view {
    const struct model_list *catalogue, *installed;
    struct advice_machine machine;
    int64_t disk_free; /* bytes; 0: not known */
};
/* Else than OK: `sentence` says what to do, without a full stop; the view is NULL. */
typedef void (*shelf_fn)(void *arg, enum err err, const char *sentence,
                         const struct shelf_view *view);

/* `configured`: models.dir. `threads` of the language model: 0 is all cores. */
enum err shelf_open(struct loop *loop, const char *configured, const char *data, int64_t threads,
                    struct shelf **ret_s);
void shelf_close(struct shelf *s); /* every question is forgotten before; takes NULL */
const struct models_dir *shelf_dir(
    const struct shelf *s); /* absolute, also when it does not exist yet */
const struct model_list *shelf_catalogue(const struct shelf *s);

/* ERR_BUSY: too many ask; ERR_NOMEM. */
enum err shelf_look(struct shelf *s, shelf_fn fn, void *arg, struct shelf_ask **ret_ask);
/* Takes a model out of models.lock and its file away; the view is that of afterwards. ERR_NOTFOUND, ERR_CONFLICT:
 * somebody pulls or removes. Also one that is forgotten is done. */
enum err shelf_remove(struct shelf *s, struct str name, shelf_fn fn, void *arg,
                      struct shelf_ask **ret_ask);
/* A removal of this model is under way, forgotten or not. */
bool shelf_is_removing(const struct shelf *s, struct str name);
void shelf_forget(struct shelf_ask *ask); /* its function is not called any more; takes NULL */
