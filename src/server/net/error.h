// SPDX-License-Identifier: Apache-2.0
/*
 * The one shape in which clients learn of failures, over HTTP, SSE and WebSocket alike:
 * {"error":{"message","type","code","param"}}. Pure.
 */
#pragma once

#include "base/json.h"

/* "invalid_request_error", "authentication_error", "rate_limit_error", "server_error"…: the words that
 * OpenAI's clients know. */
const char *error_type(enum err err);
/* Writes `"error":{…}` into an object that is open. `message` NULL: err_text; `param` NULL: null. */
void error_put(struct json_out *j, enum err err, const char *message, const char *param);
