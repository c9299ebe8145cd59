// SPDX-License-Identifier: Apache-2.0
/*
 * Lists of models: the catalogue, of what can be had, and models.lock, of what is there. Both are JSON:
 * {"version": 1, "models": [{"name": …}, …]}, one model a line where we write it. What a model says of its first file
 * stands there itself, what it says of further ones in "more": [{"source": …}, …]. Pure; a list owns its texts.
 */
#pragma once

#include "server/models/source.h"

enum { MODELS_MAX = 1000, MODEL_LIST_BYTES = 2 * 1024 * 1024, MODEL_FILES_MAX = 4 };

struct model_file {
    struct str source;
    struct str sha256; /* of the catalogue perhaps empty: the hub is asked */
    int64_t size;      /* bytes; 0: the same */
    struct str file;   /* of models.lock: "KIND/NAME.ending" below its folder */
};
/* A model is one file, by which an engine knows it, and perhaps a few more that belong to it: a voice of Piper is
 * x.onnx, and x.onnx.json, which says how to use it. */
struct model {
    struct str name, kind;
    struct model_file file[MODEL_FILES_MAX];
    size_t file_count; /* from 1 */
    struct str
        revision; /* a commit, of all files of the hub; of the catalogue perhaps empty: the newest */
    struct str licence; /* empty: not known */
    /* Of models.lock only: its files are being removed, and it counts as gone. */
    bool is_leaving;
    /* Of the catalogue only. */
    struct str languages, instead; /* instead: a model like it that is not gated */
    int64_t memory_mib;            /* that it needs with some context */
    bool is_gated;   /* its licence is agreed to at the hub, which then wants a token */
    int64_t set_mib; /* it belongs to the small set on machines with so much memory; 0: never */
};

struct json_doc;
struct model_list {
    struct model *model;
    size_t count;
    struct json_doc *doc;
};

enum model_list_use : uint8_t { LIST_CATALOGUE, LIST_LOCK };

struct model_list_why {
    char text[280]; /* what is wrong where, without a full stop */
};

/* ERR_SYNTAX with `why`; ERR_NOMEM. On success the caller frees with model_list_free. */
enum err model_list_parse(struct str text, enum model_list_use use, struct model_list *ret_list,
                          struct model_list_why *why);
void model_list_free(struct model_list *l);
/* NULL: none has this name. Names that differ only in large and small letters are one. */
const struct model *model_list_find(const struct model_list *l, struct str name);
/* Of all its files; 0: that of one is not known. */
int64_t model_size(const struct model *m);
/* Writes models.lock: the list without `but` and with `more`; either may be NULL. */
enum err model_list_print(const struct model_list *l, const struct model *but,
                          const struct model *more, struct buf *into);
