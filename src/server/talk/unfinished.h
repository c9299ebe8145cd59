// SPDX-License-Identifier: Apache-2.0
/* Whoever stops at such words will go on: "how do I …", "… and", "… for the". English. Pure. */
#pragma once

#include "base/str.h"

/* No words at all are not unfinished. */
bool text_is_unfinished(struct str text);
