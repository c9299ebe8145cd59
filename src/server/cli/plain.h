// SPDX-License-Identifier: Apache-2.0
/*
 * Text of others (a model's, a document's, what the server says) on its way to a terminal, which takes
 * control characters for commands: it could be made to lie, or to type. So none passes but line ends and
 * tabs, neither of ASCII nor of Unicode's C1; what is no UTF-8 shows as U+FFFD.
 */
#pragma once

#include <stdio.h>

#include "base/str.h"

void plain_print(FILE *to, struct str text);
