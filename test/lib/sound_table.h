// SPDX-License-Identifier: Apache-2.0
/*
 * Recordings as strangers send them: the tables test/data/hostile/{wav,webm,ogg,flac,mp3}.txt made into files. Ogg has its
 * pages and FLAC its frames spelled out, since both carry checksums; the heads of the tables say how.
 */
#pragma once

#include "table.h"

typedef void (*sound_case_fn)(const struct table_case *c, struct str file);
/* Every case of the table of that kind; returns how many there were. */
unsigned sound_table_run(const char *kind, sound_case_fn on_case);
