// SPDX-License-Identifier: Apache-2.0
/* The inside of `repartee pull`, shared by its files: pull.c (what is wanted, from the network), pull_from.c (from a
 * folder) and pull_store.c (what is there). */
#pragma once

#include "server/cli/cli.h"
#include "server/cli/progress.h"
#include "server/models/download.h"
#include "server/models/models_dir.h"

/* A model that is wanted; what is not known is empty or 0. */
struct wish {
    struct model model; /* texts of the operands, the catalogue or another folder's models.lock */
    char name[MODEL_NAME_MAX + 1];
    struct model_source source;
};

struct pull {
    struct cli *c;
    struct models_dir dir; /* locked */
    struct model_list catalogue, installed;
    struct progress progress;
    uint64_t begun_ms, shown_ms;
    int64_t first,
        step; /* bytes that were there at first; the last step told where there is no terminal */
    uint32_t done;
};

/* pull.c */
/* The next operand, and the sha256: behind it, if there is one. */
int pull_next(struct pull *p, int *at, struct str *ret_source, struct str *ret_sha256);
/* The caller of the command says what the file's SHA-256 is; of another file nothing else is known. */
void pull_expect(struct wish *w, struct str sha256);
int pull_take(struct pull *p, struct str source, struct str sha256, struct wish *w);
void pull_show(struct pull *p, const struct wish *w, int64_t done, int64_t total);
void pull_begin_progress(struct pull *p);

/* pull_store.c */
enum err pull_read_installed(struct pull *p); /* what models.lock says now, into p->installed */
/* Is it there? Then it is said, or entered where only the list does not know it, and *ret_is is true. */
int pull_look(struct pull *p, const struct wish *w, bool *ret_is);
/* `part` is whole and right: under its name with it, and into models.lock. Closes it. */
int pull_install(struct pull *p, const struct wish *w, struct part *part,
                 const struct hub_facts *is);
int pull_cannot_store(const struct pull *p, enum err err);

/* pull_from.c */
int pull_from(struct pull *p, const char *folder);
