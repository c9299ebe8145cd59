// SPDX-License-Identifier: Apache-2.0
/* From what an option says to the file of a model: the name of one that was pulled, or a path. */
#pragma once

#include "server/models/models_dir.h"

enum { MODEL_WRONG_BYTES = 240 };

struct model_named {
    char name[MODEL_NAME_MAX + 1];      /* as models.lock has it; "": it is none of ours */
    char path[MODELS_PATH_BYTES];       /* absolute: an engine has no other idea of where we are */
    char sha256[SHA256_HEX + 1];        /* as models.lock has it; "": it is none of ours */
    char sha256_beside[SHA256_HEX + 1]; /* of its second file; "": it has none, or the same */
    char wrong[MODEL_WRONG_BYTES];      /* a sentence, when it cannot be found; "": not so */
};

/* `given` is also looked for with `family` and a minus sign before it, such as whisper; "": not so. models_dir: the
 * option. A path that leads nowhere is told by the engine, as it was given. */
void model_find_named(const char *given, const char *family, const char *models_dir,
                      const char *data, struct model_named *ret_named);
/* A model of this name is meant by `given`. */
bool model_is_called(struct str name, const char *given, const char *family);
/* Of those of a kind the one that was installed last; without one the path is "". */
void model_find_of_kind(struct str kind, const char *models_dir, const char *data,
                        struct model_named *ret_named);

/* What is installed; the caller frees the list with model_list_free. Else `wrong` is a sentence. */
enum err model_read_installed(const char *models_dir, const char *data, struct models_dir *ret_dir,
                              struct model_list *ret_list, char wrong[MODEL_WRONG_BYTES]);
/* Name, path and hash of one of them. ERR_TOOBIG: the path is too long. */
enum err model_name_installed(const struct models_dir *dir, const struct model *m,
                              struct model_named *named);
