// SPDX-License-Identifier: Apache-2.0
/*
 * A turn's events as JSON, the same for SSE and for WebSockets. Each function begins an object that
 * the caller may add to and must end: that is how `seq` and `turn` get in. Pure.
 */
#pragma once

#include "base/json.h"
#include "server/talk/turn.h"

struct conf;
struct rag_hit;

void event_citation(struct json_out *j, uint32_t index, const struct rag_hit *hit);
void event_token(struct json_out *j, struct str text);
void event_end(struct json_out *j, const struct turn_end *end);
/* {"type":"error","error":{"message","type","code","param"}} */
void event_error(struct json_out *j, enum err err, const char *message);

/* Who the assistant is: name, greeting and language, into an object that is open already. */
void put_self(struct json_out *j, const struct conf *conf);
/* The fields of a citation or hit, into an object that is open already. */
void put_hit(struct json_out *j, const struct rag_hit *hit);
void put_usage(struct json_out *j, const struct turn_usage *usage);
