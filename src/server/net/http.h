// SPDX-License-Identifier: Apache-2.0
/*
 * HTTP/1.1 requests (RFC 9112), parsed strictly: llhttp without any leniency, and on top of it what
 * llhttp leaves to its users: limits, Host, Expect, and one meaning only for every message (no
 * smuggling). Pure: no socket, no clock. One thread at a time per object.
 *
 *     struct str bytes = what_came;
 *     for (;;) {
 *         struct http_piece piece;
 *         enum err err = http_parse(p, &bytes, &piece);   // eats from the front of bytes
 *         if (err != OK) → answer http_error_status(p), close
 *         switch (piece.kind) {
 *         case PIECE_MORE: …bytes is empty, come back with more
 *         case PIECE_HEAD: …http_head(p) is ready
 *         case PIECE_BODY: …piece.bytes, borrowed from `bytes`
 *         case PIECE_END:  …the request is complete; http_next(p) before the next one
 *
 * Refused: both or repeated Content-Length/Transfer-Encoding, other codings than chunked, bare LF,
 * folded headers, control bytes, white space before the colon, a second Host or none, a target that
 * is neither a path nor an address with the Host's name, CONNECT, an upgrade with a body. HTTP/1.0 is accepted
 * and closes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

constexpr uint32_t HTTP_HEAD_MAX = 16 * 1024;  /* request line and headers; more: 431 */
constexpr uint32_t HTTP_TARGET_MAX = 8 * 1024; /* more: 414 */
constexpr uint32_t HTTP_HEADERS_MAX = 64;      /* lines; more: 431 */

enum http_method : uint8_t {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_OTHER /* TRACE, PROPFIND…: well formed, and of no use here */
};
const char *http_method_name(enum http_method m);

struct http_field {
    struct str name, value; /* the name in lower case, the value trimmed */
};
/* Slices point into the parser and live until http_next. */
struct http_head {
    enum http_method method;
    bool http10;
    bool keep_alive;       /* the client would go on after this request */
    bool has_body;         /* a length above 0, or chunked */
    bool length_known;     /* of the body: content_length counts */
    bool expects_continue; /* wants "100 Continue" before it sends the body */
    bool wants_websocket;  /* Upgrade: websocket and Connection: upgrade on a GET of HTTP/1.1 */
    uint64_t content_length;
    struct str path;  /* percent-decoded, starts with '/', no "." or ".." parts, valid UTF-8 */
    bool slash_coded; /* one of the slashes of the path was sent as %2F */
    struct str query; /* raw, after the '?' */
    struct str host;  /* "" only with HTTP/1.0 */
    const struct http_field *fields;
    uint32_t field_count;
};

struct http_parser;
enum http_piece_kind : uint8_t { PIECE_MORE, PIECE_HEAD, PIECE_BODY, PIECE_END };
struct http_piece {
    enum http_piece_kind kind;
    struct str bytes;
};

enum err http_parser_create(struct http_parser **ret_parser);
void http_parser_destroy(struct http_parser *p); /* takes NULL */
/* ERR_SYNTAX, ERR_HEADERS, ERR_UNSUPPORTED (a transfer coding or version), ERR_TOOBIG
 * (the target), ERR_NOMEM; it sticks. After PIECE_END nothing is eaten until http_next. */
enum err http_parse(struct http_parser *p, struct str *bytes, struct http_piece *ret_piece);
/* The status that belongs to the failure: mostly err_http_status, but 414, 505 and 501 too. */
int http_error_status(const struct http_parser *p);
void http_next(struct http_parser *p);
/* Has a byte of the present request been seen? Empty lines before a request do not count. */
bool http_begun(const struct http_parser *p);
const struct http_head *http_head(const struct http_parser *p);

/* The value of the first header of that name (given in lower case), or an empty slice with p NULL. */
struct str http_value(const struct http_head *h, const char *name);
unsigned http_count(const struct http_head *h, const char *name); /* how many of that name */
/* Is `token` in the comma-separated list that all headers of this name make? ASCII case ignored. */
bool http_has(const struct http_head *h, const char *name, struct str token);
