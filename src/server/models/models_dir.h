// SPDX-License-Identifier: Apache-2.0
/*
 * The folder of models: KIND/NAME.ending, models.lock, which says what each of them is, and .part, what is still
 * coming. models.lock is replaced in one step, so that a reader sees the old list or the new one; a model is in it
 * only when its files are there whole. One that is removed leaves the list in two steps, so that whoever changes
 * something next can end a removal that broke off. Whoever changes something holds the folder's lock. Commands; a
 * server reads.
 */
#pragma once

#include "server/models/model_list.h"

enum { MODELS_PATH_BYTES = 4096, MODELS_HOLDER_BYTES = 96 };

struct models_dir {
    char path[MODELS_PATH_BYTES]; /* absolute, but where it does not exist yet */
    int lock;                     /* -1: not held */
};

/* models.dir, or "models" in the data folder. Nothing is made. ERR_TOOBIG. */
enum err models_dir_init(struct models_dir *d, const char *configured, const char *data);
/* Makes the folder and takes the lock, until models_dir_unlock. ERR_CONFLICT: `holder` has it. */
enum err models_dir_lock(struct models_dir *d, const char *what, char holder[MODELS_HOLDER_BYTES]);
void models_dir_unlock(struct models_dir *d); /* also of one that was not locked */

/* models.lock as it is now, without what is leaving; none is an empty list. ERR_SYNTAX with `why`. Freed with
 * model_list_free. */
enum err models_dir_read(const struct models_dir *d, struct model_list *ret_list,
                         struct model_list_why *why);
/* Adds to models.lock, or takes out: both under the lock. Adding replaces the one of the same name.
 * ERR_INVALID with `why`: the list would be damaged by it, and is left as it is. */
enum err models_dir_add(struct models_dir *d, const struct model *m, struct model_list_why *why);
/* And its files. Also of one whose removal broke off. ERR_NOTFOUND. */
enum err models_dir_remove(struct models_dir *d, struct str name, struct model_list_why *why);
/* Ends the removals that broke off, before something is added. Under the lock. */
enum err models_dir_settle(struct models_dir *d, struct model_list_why *why);
/* DIR/FILE of the first file of a model of models.lock, by which engines know it. ERR_TOOBIG. */
enum err models_dir_file(const struct models_dir *d, const struct model *m,
                         char into[MODELS_PATH_BYTES]);
/* DIR/FILE of any file of models.lock, or of what will be one. ERR_TOOBIG. */
enum err models_dir_path(const struct models_dir *d, struct str file, char into[MODELS_PATH_BYTES]);
/* What pulls that have not ended well have left in .part. */
void models_dir_unfinished(const struct models_dir *d, unsigned *ret_count, int64_t *ret_bytes);
/* Of a file's bytes, in small hexadecimal digits. */
enum err models_hash_file(const char *path, char into[SHA256_HEX + 1], int64_t *ret_size);
