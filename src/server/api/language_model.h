// SPDX-License-Identifier: Apache-2.0
/*
 * Which language model answers and which one makes vectors, by the configuration, and what their engines are
 * told. Without a model the quote answerer reads the documents out, which needs no engine.
 */
#pragma once

#include "base/conf.h"
#include "server/engine/engine.h"

struct language_model {
    char path[4096]; /* of the file, absolute: the engine has no other idea of where we are */
    char sha256[65]; /* of the file, as models.lock has it; "": it is none of ours */
    char wrong[240]; /* a sentence, when the model cannot be found; "": not so */
    char options[512];
    struct engine_remote remote;
};

/* False: the quote answerer. `memory` holds what *ret_config points to; models lie below `data` or in models.dir. */
bool language_model_choose(const struct conf *c, const char *data, struct language_model *memory,
                           struct engine_config *ret_config);
/* False: nobody makes vectors. */
bool embedding_model_choose(const struct conf *c, const char *data, struct language_model *memory,
                            struct engine_config *ret_config);
/* A sentence that says what is wrong with the options or with what was chosen by them, or NULL. */
const char *language_model_wrong(const struct conf *c, const struct language_model *llm,
                                 const struct language_model *embed);
