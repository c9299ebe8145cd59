// SPDX-License-Identifier: Apache-2.0
/*
 * Texts that a vocabulary turns into one token each although they are markup, such as "<start_of_turn>".
 * libllama keeps tokens of the kind "control" out of plain text by itself; how a file calls its markers is
 * its maker's choice, though, and those of the kind "user-defined" are found in any text. So plain text is
 * cut inside of them before it is tokenised.
 */
#pragma once

#include "base/str.h"

struct llama_vocab;

struct markers {
    char **text; /* owned */
    size_t count, room;
};

/* Those of the vocabulary that look like markup: <…> or […]. ERR_NOMEM. */
enum err markers_init(struct markers *m, const struct llama_vocab *vocab);
void markers_finish(struct markers *m);
/* Where to cut the text first, so that no piece holds a marker: 1..text.n. The text is not empty. */
size_t markers_cut(const struct markers *m, struct str text);
