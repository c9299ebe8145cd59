// SPDX-License-Identifier: Apache-2.0
/*
 * One list of everything that can go wrong, and how each looks to a client: the code that JSON
 * errors carry, the HTTP status, and the WebSocket close code. The text is what a person reads when
 * nobody had anything more precise to say; a precise sentence goes to the failing object's errmsg.
 *
 * Every function that can fail returns `enum err` ([[nodiscard]]) and leaves its ret_ outputs
 * untouched unless it returns OK.
 */
#pragma once

//        name          code (JSON)             HTTP  WS    text
#define ERR_TABLE(X)                                                                               \
    X(OK,           "ok",                    200, 1000, "ok")                                      \
    X(ERR_SYNTAX,   "malformed",             400, 1002, "the request is not well formed")          \
    X(ERR_INVALID,  "invalid_value",         400, 1008, "a value is not acceptable")               \
    X(ERR_UNKNOWN,  "unknown_field",         400, 1008, "an unknown field was sent")               \
    X(ERR_UTF8,     "invalid_utf8",          400, 1007, "text must be valid UTF-8")                \
    X(ERR_AUTH,     "unauthorized",          401, 1008, "a valid token or key is needed")          \
    X(ERR_DENIED,   "forbidden",             403, 1008, "this is not allowed")                     \
    X(ERR_NOTFOUND, "not_found",             404, 1008, "there is nothing here by that name")      \
    X(ERR_METHOD,   "method_not_allowed",    405, 1002, "this method is not allowed here")         \
    X(ERR_TIMEOUT,  "timeout",               408, 1001, "it took too long")                        \
    X(ERR_CONFLICT, "conflict",              409, 1008, "it is in use already")                    \
    X(ERR_TOOBIG,   "too_large",             413, 1009, "it is too large")                         \
    X(ERR_MEDIA,    "unsupported_media",     415, 1003, "this format is not supported")            \
    X(ERR_UPGRADE,  "upgrade_required",      426, 1002, "another protocol is needed here")          \
    X(ERR_HEADERS,  "headers_too_large",     431, 1009, "the request's headers are too large")     \
    X(ERR_RATE,     "rate_limited",          429, 1013, "too many requests; try again shortly")    \
    X(ERR_BUSY,     "overloaded",            503, 1013, "the server is busy; try again shortly")   \
    X(ERR_ENGINE,   "engine_unavailable",    503, 1013, "an engine stopped; it is being restarted")\
    X(ERR_REFUSED,  "upstream_refused",      502, 1011, "the server behind this one refuses it")       \
    X(ERR_LATE,     "server_timeout",        504, 1013, "the server took too long")                \
    X(ERR_CHANGING, "model_changing",        503, 1013, "the language model is being changed; try again shortly") \
    X(ERR_DRAINING, "going_away",            503, 1001, "the server is shutting down")             \
    X(ERR_CANCELED, "canceled",              499, 1000, "it was canceled")                         \
    X(ERR_CLOSED,   "closed",                499, 1000, "the other side has closed")               \
    X(ERR_AGAIN,    "again",                 500, 1011, "not ready yet")                           \
    X(ERR_NOMEM,    "out_of_memory",         503, 1013, "the server is short of memory")           \
    X(ERR_IO,       "io_error",              500, 1011, "reading or writing failed")               \
    X(ERR_NOSPACE,  "disk_full",             507, 1011, "the disk is full")                        \
    X(ERR_UNSUPPORTED, "unsupported",        501, 1003, "this build or system cannot do that")     \
    X(ERR_INTERNAL, "internal",              500, 1011, "something went wrong inside")

enum [[nodiscard]] err {
#define X(name, code, http, ws, text) name,
    ERR_TABLE(X)
#undef X
        ERR_COUNT
};

/* The JSON code, for example "invalid_value". */
const char *err_code(enum err e);
/* A sentence without a full stop, safe to show to anybody. */
const char *err_text(enum err e);
int err_http_status(enum err e);
int err_ws_close(enum err e);
/* Maps an errno of open, read, write, mmap… to the list above. */
enum err err_from_errno(int errno_value);

/* Hands a failure up: `try(step());` */
#define try(call)                                                                                  \
    do {                                                                                           \
        enum err try_err_ = (call);                                                                \
        if (try_err_ != OK)                                                                        \
            return try_err_;                                                                       \
    } while (0)
