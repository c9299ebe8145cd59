// SPDX-License-Identifier: Apache-2.0
/* The inside of `repartee pull`, shared by its files: pull.c (what is wanted), pull_net.c (from the network),
 * pull_from.c (from a folder), pull_store.c (what is there), pull_progress.c (to people) and pull_report.c (to the
 * server that has started us). */
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

/* An operand, and what stands behind it as sha256: of the file, and of a voice's second one; or empty. */
struct pull_words {
    struct str source, sha256, more_sha256;
};
/* The files of a model that is coming. */
struct pull_files {
    struct hub_facts is[MODEL_FILES_MAX]; /* what is known of each */
    struct part *
        part[MODEL_FILES_MAX]; /* whole and right; NULL: has not come, or is in its place already */
};

/* pull.c */
int pull_next(struct pull *p, int *at, struct pull_words *words);
int pull_take(struct pull *p, const struct pull_words *words, struct wish *w);

/* pull_net.c */
int pull_from_network(struct pull *p, const struct wish *w);

/* pull_progress.c: of the model as a whole. */
void pull_show(struct pull *p, const struct wish *w, int64_t done, int64_t total);
void pull_begin_progress(struct pull *p);

/* pull_store.c */
enum err pull_read_installed(struct pull *p); /* what models.lock says now, into p->installed */
/* Is it there? Then it is said, or entered where only the list does not know it, and *ret_is is true. */
int pull_look(struct pull *p, const struct wish *w, bool *ret_is);
/* What the wish knows of its files. */
void pull_files_begin(struct pull_files *f, const struct wish *w);
void pull_files_close(struct pull_files *f); /* what was not installed stays for the next try */
/* All of them; 0: that of one is not known. */
int64_t pull_files_size(const struct pull_files *f, const struct wish *w);
/* Is the file number i in its place already, perhaps since a crash? Then its size is known, too. */
bool pull_in_place(const struct pull *p, const struct wish *w, size_t i, struct hub_facts *is);
/* All files have come or are in their places: they get their names, the first one last, and then the model is entered
 * into models.lock. */
int pull_install(struct pull *p, const struct wish *w, struct pull_files *f);
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
