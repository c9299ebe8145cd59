// SPDX-License-Identifier: Apache-2.0
/* Addresses of requests of our own, taken apart by libcurl's parser: the one that will also open them. Any thread. */
#pragma once

#include "base/str.h"

enum { URL_HOST_BYTES = 256, URL_MAX = 8192 };

struct url_parts {
    bool is_https;
    uint16_t port;
    char host[URL_HOST_BYTES]; /* in small letters, an IPv6 address in brackets */
};

/* http or https, a host, and what may follow it, but no name and password. ERR_INVALID, ERR_NOMEM. */
enum err url_read(const char *url, struct url_parts *ret_parts);
/* Where an answer of `base` leads to by its Location, which may be relative. ERR_INVALID, ERR_TOOBIG, ERR_NOMEM. */
enum err url_follow(const char *base, struct str location, struct buf *ret_url);
bool url_is_same_place(const struct url_parts *a, const struct url_parts *b);
/* Is it on this machine, by its name or address? */
bool url_is_this_machine(const char *url);
/* Is the host in `list`, host or host:port separated by commas? Without a port any is meant. */
bool url_is_listed(const struct url_parts *parts, const char *list);
