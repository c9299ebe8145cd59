// SPDX-License-Identifier: Apache-2.0
/*
 * What somebody wants to have pulled: a model of the catalogue by its name, or a file by its source, which then needs
 * a kind and a name of its own. One judgement for the command and for who asks by HTTP. Pure; texts are borrowed.
 */
#pragma once

#include "server/models/model_list.h"

struct wish_words {
    struct str source;           /* a name of the catalogue, hf:… or an address */
    struct str sha256, kind, as; /* empty: not said; else each is good by itself */
};
/* What is not known is empty or 0. */
struct wish {
    struct model model;
    char name[MODEL_NAME_MAX + 1]; /* that it gets here */
    struct model_source source;
};
enum wish_wrong : uint8_t {
    WISH_GOOD,
    WISH_SOURCE, /* neither a name of the catalogue nor a source */
    WISH_KIND,   /* the file does not tell what it is for */
    WISH_NAME,   /* its name is none for a model */
    WISH_SHA256, /* an address needs one */
    WISH_NOMEM,
};

enum wish_wrong wish_take(const struct model_list *catalogue, const struct wish_words *words,
                          struct wish *w);
/* Whoever wishes says what the file's SHA-256 is; of another file nothing else is known. */
void wish_expect(struct wish *w, struct str sha256);
