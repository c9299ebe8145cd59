// SPDX-License-Identifier: Apache-2.0
/*
 * The Wyoming protocol's events (OHF-Voice/wyoming, README), by which Home Assistant talks to recognisers and voices,
 * without sockets or clock. An event is a line of JSON with its type; then, as long as that line says, an object with
 * more of its fields, and bytes of sound. Fields may stand in the line ("data") too; the object has the last word.
 * Pure; one thread at a time per object.
 *
 *     wyoming_decoder_init(&d, &limits);
 *     while (wyoming_decode(&d, &bytes, &is_whole, &event) == OK && is_whole)
 *         … wyoming_read(&event, fields, countof(fields), &into, &why) …
 *     wyoming_decoder_finish(&d);
 *
 * What an event takes is kept up to the next call; after that, between events, it holds no memory. What is wrong once is
 * wrong for good: where the next event would begin nobody knows.
 */
#pragma once

#include "base/json.h"

struct wyoming_limits {
    size_t line, data, payload; /* bytes of each part, at most */
};

/* Good until the next call, and as long as the bytes that it was decoded from. */
struct wyoming_event {
    struct str type;
    const struct json_val *inner, *outer; /* objects: data of the line, data after it; NULL: none */
    struct str payload;
};

enum wyoming_part : uint8_t { WYOMING_LINE, WYOMING_DATA, WYOMING_PAYLOAD };

struct wyoming_decoder {
    struct wyoming_limits limits;
    enum wyoming_part part; /* that is coming */
    struct buf bytes;       /* of it so far */
    struct json_doc *line, *data;
    size_t data_n, payload_n; /* as the line says */
};

void wyoming_decoder_init(struct wyoming_decoder *d, const struct wyoming_limits *limits);
void wyoming_decoder_finish(struct wyoming_decoder *d);
/* Eats from the front of *bytes up to the end of the next event; not whole: all are eaten, come back with more.
 * ERR_SYNTAX, ERR_UTF8, ERR_TOOBIG, ERR_NOMEM. */
enum err wyoming_decode(struct wyoming_decoder *d, struct str *bytes, bool *ret_is_whole,
                        struct wyoming_event *ret_event);
/* A part of an event has come. */
bool wyoming_is_within(const struct wyoming_decoder *d);

/* Fields, by json_read's rules; those that nobody knows are ignored, and whether one is there is the caller's to see. */
enum err wyoming_read(const struct wyoming_event *e, const struct json_field *fields, size_t count,
                      void *into, struct json_why *why);

enum { WYOMING_TYPE_MAX = 64 };
/* An event up to its payload, which the caller sends after it. `data`: an object in JSON, or nothing. */
enum err wyoming_head(struct buf *into, const char *type, struct str data, size_t payload_bytes);
