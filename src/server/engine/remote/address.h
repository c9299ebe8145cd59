// SPDX-License-Identifier: Apache-2.0
/* Where the operator says that a server elsewhere is, what it speaks, and with which key. Pure. */
#pragma once

#include "server/engine/remote/verdict.h"

/* What has to be changed of it, in a sentence that names the option; nullptr: nothing. */
const char *remote_address_wrong(enum remote_kind kind, const char *url, const char *key);
/* HOST:PORT in the URL of a server that speaks Wyoming, tcp:// or wyoming://; nullptr: it speaks HTTP. */
const char *remote_address_of_wyoming(const char *url);
