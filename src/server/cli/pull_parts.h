// SPDX-License-Identifier: Apache-2.0
/* The inside of `repartee pull`, shared by its files: pull.c (what is wanted, from the network), pull_from.c (from a
 * folder), pull_store.c (what is there) and pull_report.c (to the server that has started us). */
#pragma once

#include "server/cli/cli.h"
#include "server/cli/progress.h"
#include "server/models/download.h"
#include "server/models/models_dir.h"
#include "server/models/wish.h"

struct pull {
    struct cli *c;
    struct models_dir dir; /* locked */
    struct model_list catalogue, installed;
    struct progress progress;
    uint64_t begun_ms, shown_ms;
    int64_t first,
        step; /* bytes that were there at first; the last step told where there is no terminal */
    uint32_t done;
    bool reports; /* to a server, on the socket that it gave us, and to nobody else */
};

/* pull.c */
/* The next operand, and the sha256: behind it, if there is one. */
int pull_next(struct pull *p, int *at, struct str *ret_source, struct str *ret_sha256);
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

/* pull_report.c: lines of JSON, as models/puller.h has them. A server that is gone ends us. */
/* By the option --fd. ERR_INVALID: that is no socket. */
enum err pull_report_begin(struct pull *p, const char *fd);
void pull_report_progress(const struct pull *p, const struct wish *w, int64_t done, int64_t total);
void pull_report_alive(const struct pull *p);
void pull_report_done(const struct pull *p);
/* What is wrong, in a sentence, to whoever has called us; returns EXIT_FAILED. */
int pull_fail(const struct pull *p, enum err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
