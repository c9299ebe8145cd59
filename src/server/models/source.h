// SPDX-License-Identifier: Apache-2.0
/*
 * Where a model comes from, and what it may be called. Pure.
 *
 * A source is "hf:owner/repo:path/of/file", perhaps with "@revision" behind the repository, or an https address.
 * Names come from strangers too: what passes here is one plain piece of a path, so none leads out of its folder.
 */
#pragma once

#include "base/str.h"

enum {
    MODEL_NAME_MAX = 64,
    MODEL_FILE_MAX = 128,
    MODEL_SOURCE_MAX = 1024,
    SHA256_HEX = 64,
    GIT_HEX = 40,
};

struct model_source {
    bool is_hub;
    struct str repo, revision, path; /* of the hub; revision empty: what is newest */
    struct str url;                  /* elsewhere */
};

/* Slices point into `text`. ERR_INVALID. */
enum err model_source_parse(struct str text, struct model_source *ret_source);
/* The address of the file at the hub, such as https://huggingface.co, whose own is `hub`. */
enum err model_source_url(const struct model_source *s, const char *hub, struct buf *into);
/* The file's own name, the last piece of its path; not checked. */
struct str model_source_file(const struct model_source *s);

/* Letters, digits, "." "-" "_", the first one a letter or digit. */
bool model_name_is_good(struct str name);
bool model_file_is_good(struct str name);
/* Is it one of the kinds, llm stt tts embed vad? */
bool model_kind_is_good(struct str kind);
/* 64 digits, in small letters. */
bool sha256_is_good(struct str hex);
bool git_is_good(struct str hex); /* 40 */
void sha256_print(const uint8_t *sum, char into[SHA256_HEX + 1]);
/* A name of the file's own, without its ending and in small letters; ERR_INVALID: it holds other signs. */
enum err model_name_of(struct str file, char into[MODEL_NAME_MAX + 1]);
