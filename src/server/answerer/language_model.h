// SPDX-License-Identifier: Apache-2.0
/*
 * Which language model answers and which one makes vectors, by the configuration or by name, and what their engines
 * are told. Without a model the quote answerer reads the documents out, which needs no engine. What is installed is
 * read from models.lock each time, a few kilobytes: at the start and where a person asks for another model.
 */
#pragma once

#include "base/conf.h"
#include "server/engine/engine.h"
#include "server/models/named.h"

struct language_model {
    struct model_named file;
    char options[512];
    struct engine_remote remote;
};

/* False: the quote answerer. `memory` holds what *ret_config points to; models lie below `data` or in models.dir. */
bool language_model_choose(const struct conf *c, const char *data, struct language_model *memory,
                           struct engine_config *ret_config);
/* llm.model is a name of the server at llm.url, not of a model here. */
bool language_model_is_elsewhere(const struct conf *c);
/* A model of models.lock that shall answer. ERR_NOTFOUND: it is not installed; ERR_INVALID: it is no language model;
 * others: models.lock cannot be read. `memory->file.wrong` is the sentence for it. */
enum err language_model_named(const struct conf *c, const char *data, struct str name,
                              struct language_model *memory, struct engine_config *ret_config);
/* What the options say of it; whoever changes them changes this text. */
void language_model_told(const struct conf *c, char *into, size_t size);
/* Memory that it takes with all the context that the options give it: a guess by the size of its file. */
uint64_t language_model_bytes(const struct conf *c, const struct language_model *llm);
/* The same where it has to do with as little context as there can be. */
uint64_t language_model_least_bytes(const struct conf *c, const struct language_model *llm);
/* False: nobody makes vectors. */
bool embedding_model_choose(const struct conf *c, const char *data, struct language_model *memory,
                            struct engine_config *ret_config);
/* A sentence that says what is wrong with the options or with what was chosen by them, or NULL. */
const char *language_model_wrong(const struct conf *c, const struct language_model *llm);
