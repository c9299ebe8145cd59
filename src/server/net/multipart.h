// SPDX-License-Identifier: Apache-2.0
/*
 * multipart/form-data (RFC 7578) as a stream: feed it a body in any pieces, it calls back for each
 * part. It keeps at most a boundary and one part's headers (4 KiB). Pure; one thread at a time.
 *
 *     try(multipart_create(http_value(head, "content-type"), 16, &events, me, &m));
 *     try(multipart_feed(m, bytes)); …          // in on_body
 *     try(multipart_finish(m));                 // in on_body_end: ERR_SYNTAX when it was cut short
 *     multipart_destroy(m);
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct multipart;
struct multipart_part {
    struct str name;     /* of the form's field; valid UTF-8 */
    struct str filename; /* p NULL: not a file. Data from a stranger: never a path (TRUST R12) */
    struct str type;     /* Content-Type, "" when absent */
};
/* An error returned from a callback stops the parser and comes back from multipart_feed. Slices are
 * borrowed for the call. */
struct multipart_events {
    enum err (*on_part)(void *arg, const struct multipart_part *part);
    enum err (*on_data)(void *arg, struct str bytes);
    enum err (*on_part_end)(void *arg);
};

/* `content_type` is the request's header. ERR_MEDIA: not multipart/form-data; ERR_SYNTAX: no or a bad
 * boundary; ERR_NOMEM. At most `max_parts` parts. */
enum err multipart_create(struct str content_type, unsigned max_parts,
                          const struct multipart_events *events, void *arg,
                          struct multipart **ret_m);
void multipart_destroy(struct multipart *m); /* takes NULL */
/* ERR_SYNTAX, ERR_TOOBIG (headers or parts), ERR_UTF8, or a callback's; it sticks. */
enum err multipart_feed(struct multipart *m, struct str bytes);
enum err multipart_finish(struct multipart *m);
