// SPDX-License-Identifier: Apache-2.0
/* What the words so far tell of their end. Pure. */
#pragma once

#include "base/str.h"

/* Whoever stops at such words will go on: "how do I …", "… and", "… for the". English. No words at all are not unfinished. */
bool text_is_unfinished(struct str text);
/* It ends with a question mark, of whatever script; not all recognisers write one. */
bool text_is_question(struct str text);
/* A mark ends its last sentence. */
bool text_is_finished(struct str text);
