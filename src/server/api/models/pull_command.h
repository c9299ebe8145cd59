// SPDX-License-Identifier: Apache-2.0
/*
 * The program that pulls and what it is told: `repartee pull --fd 3`, with the source and this server's options for
 * models in its environment, where no list of processes shows a signature or a token, and with the proxies of this
 * server's own. Pure.
 */
#pragma once

#include "base/conf.h"
#include "server/models/wish.h"

struct models_dir;
struct pull_command {
    char *owned[32];
    size_t count;
    const char *argv[16], *env[32]; /* NULL-terminated */
};
/* ERR_NOMEM; pull_command_finish in any case. */
enum err pull_command_init(struct pull_command *c, const struct conf *conf, const char *data,
                           const struct models_dir *dir, const struct wish_words *words);
void pull_command_finish(struct pull_command *c);
