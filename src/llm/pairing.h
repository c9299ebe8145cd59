// SPDX-License-Identifier: Apache-2.0
/*
 * Which tokens a text is made of, where the text leaves later than its tokens come: what may become a stop string
 * or a call is held back, code points are made whole, calls and blanks are left out. A token leaves with the first
 * of its text; one that no text was sent of never does. One thread at a time.
 *
 *     try(pairing_add(&p, piece, logprobs));          // as the tokens come
 *     try(pairing_send(&p, at, text, events, arg));   // `at`: where the text stands in all that was said
 *     pairing_finish(&p);                             // also of one that is zeroed
 */
#pragma once

#include "llm/driver.h"

enum { PAIRING_BYTES_MAX = 16 * 1024 * 1024 }; /* of tokens that wait: a call may be long */

struct waiting_token;
struct pairing {
    struct waiting_token *token;
    size_t first, count, room; /* those before `first` have left */
    struct buf logprobs;
    size_t left_bytes; /* of `logprobs`, of tokens that have left */
    size_t said;       /* bytes of whole code points in all pieces, made well-formed */
    char part[4];      /* of a code point that may go on */
    size_t part_bytes;
};

struct pairing_events {
    enum err (*token)(void *arg, struct str logprobs);
    enum err (*text)(void *arg, struct str text); /* of the tokens before it */
};

/* ERR_TOOBIG, ERR_NOMEM. */
enum err pairing_add(struct pairing *p, struct str piece, struct str logprobs);
/* Texts come in the order in which they were said. */
enum err pairing_send(struct pairing *p, size_t at, struct str text,
                      const struct pairing_events *events, void *arg);
void pairing_finish(struct pairing *p);
