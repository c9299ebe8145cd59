// SPDX-License-Identifier: Apache-2.0
/* From what an option says to the file of a model: the name of one that was pulled, or a path. */
#pragma once

#include "server/models/models_dir.h"

struct model_named {
    char path[MODELS_PATH_BYTES]; /* absolute: an engine has no other idea of where we are */
    char sha256[SHA256_HEX + 1];  /* as models.lock has it; "": it is none of ours */
    char wrong[240];              /* a sentence, when it cannot be found; "": not so */
};

/* `given` is also looked for with `family` and a minus sign before it, such as whisper. models_dir: the option.
 * A path that leads nowhere is told by the engine, as it was given. */
void model_find_named(const char *given, const char *family, const char *models_dir,
                      const char *data, struct model_named *ret_named);
