// SPDX-License-Identifier: Apache-2.0
/* What commands say of models for this machine, alike: doctor of those that suit it, models of all. */
#pragma once

#include "base/json.h"
#include "server/cli/cli.h"
#include "server/models/advice.h"

/* The machine as GET /models sees it; measures its memory, which takes a tenth of a second. */
void advise_measure(const struct conf *conf, struct advice_machine *m);
/* "about 21 tokens a second"; "too large for this machine"; "". */
void advise_words(const struct advice *a, char into[64]);
/* memory_mib, fits, suits and tokens_per_second, into an object that is open already. */
void advise_put(struct json_out *j, const struct advice *a);
