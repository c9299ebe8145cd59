// SPDX-License-Identifier: Apache-2.0
/* Where the operator says that a server elsewhere is, and with which key. Pure. */
#pragma once

#include "server/engine/remote/verdict.h"

/* What has to be changed of it, in a sentence that names the option; nullptr: nothing. */
const char *remote_address_wrong(enum remote_kind kind, const char *url, const char *key);
