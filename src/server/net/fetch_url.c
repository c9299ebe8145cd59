// SPDX-License-Identifier: Apache-2.0
#include "server/net/fetch_url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>

#include "server/net/fetch.h"

/* Of an address in the form that curl_url_get makes of it. */
static bool is_loopback(struct str host)
{
    struct in_addr four;
    struct in6_addr six;
    char z[INET6_ADDRSTRLEN];
    bool is_six = str_starts(host, S("[")) && str_ends(host, S("]"));
    snprintf(z, sizeof z, "%.*s", STR_FMT(is_six ? str_sub(host, 1, host.n - 1) : host));
    if (is_six && inet_pton(AF_INET6, z, &six) == 1) {
        if (!IN6_IS_ADDR_V4MAPPED(&six))
            return IN6_IS_ADDR_LOOPBACK(&six) || IN6_IS_ADDR_UNSPECIFIED(&six);
        memcpy(&four, &six.s6_addr[12], sizeof four);
    } else if (is_six || inet_pton(AF_INET, z, &four) != 1) {
        return false;
    }
    return ntohl(four.s_addr) >> 24 == 127 || four.s_addr == INADDR_ANY;
}

static enum err err_of(CURLUcode code)
{
    return code == CURLUE_OK ? OK : code == CURLUE_OUT_OF_MEMORY ? ERR_NOMEM : ERR_INVALID;
}

/* A part of `u` into `into`. */
static CURLUcode copy_part(CURLU *u, CURLUPart what, unsigned flags, char *into, size_t size)
{
    char *part = nullptr;
    CURLUcode code = curl_url_get(u, what, &part, flags);
    if (code == CURLUE_OK && snprintf(into, size, "%s", part) >= (int)size)
        code = CURLUE_MALFORMED_INPUT;
    curl_free(part);
    return code;
}

static CURLUcode read_parts(CURLU *u, struct url_parts *parts)
{
    static const CURLUPart unwanted[] = {CURLUPART_USER, CURLUPART_PASSWORD};
    char scheme[16], port[8], none[16];
    int64_t number;
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        if (copy_part(u, unwanted[i], 0, none, sizeof none) !=
            (i ? CURLUE_NO_PASSWORD : CURLUE_NO_USER))
            return CURLUE_MALFORMED_INPUT;
    CURLUcode code = copy_part(u, CURLUPART_SCHEME, 0, scheme, sizeof scheme);
    if (code == CURLUE_OK)
        code = copy_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof port);
    if (code == CURLUE_OK)
        code = copy_part(u, CURLUPART_HOST, 0, parts->host, sizeof parts->host);
    if (code != CURLUE_OK)
        return code;
    parts->is_https = strcmp(scheme, "https") == 0;
    if ((!parts->is_https && strcmp(scheme, "http") != 0) || !parts->host[0] ||
        str_to_i64(str_of(port), &number) != OK || number < 1 || number > UINT16_MAX)
        return CURLUE_MALFORMED_INPUT;
    parts->port = (uint16_t)number;
    for (char *c = parts->host; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c | 0x20);
    return CURLUE_OK;
}

enum err url_read(const char *url, struct url_parts *ret_parts)
{
    struct url_parts parts = {};
    CURLU *u = curl_url();
    CURLUcode code = u ? curl_url_set(u, CURLUPART_URL, url, 0) : CURLUE_OUT_OF_MEMORY;
    if (code == CURLUE_OK)
        code = read_parts(u, &parts);
    curl_url_cleanup(u);
    try(err_of(code));
    *ret_parts = parts;
    return OK;
}

enum err fetch_check_url(const char *url)
{
    struct str s = str_of(url);
    struct url_parts parts;
    if ((!str_starts(s, S("http://")) && !str_starts(s, S("https://"))) ||
        str_find_byte(s, '?') < s.n || str_find_byte(s, '#') < s.n)
        return ERR_INVALID;
    return url_read(url, &parts);
}

enum err fetch_check_key(const char *key)
{
    while (*key > ' ' && *key < 0x7f)
        key++;
    return *key ? ERR_INVALID : OK;
}

bool url_is_this_machine(const char *url)
{
    struct url_parts parts;
    if (url_read(url, &parts) != OK)
        return false;
    struct str s = str_of(parts.host);
    if (str_ends(s, S(".")))
        s.n--;
    return str_eq(s, S("localhost")) || is_loopback(s);
}

enum err url_follow(const char *base, struct str location, struct buf *ret_url)
{
    autobuf to = BUF(URL_MAX);
    try(buf_add(&to, location));
    const char *z = buf_z(&to);
    if (!z)
        return ERR_NOMEM;
    if (strlen(z) != to.n)
        return ERR_INVALID;
    char *whole = nullptr;
    CURLU *u = curl_url();
    CURLUcode code = u ? curl_url_set(u, CURLUPART_URL, base, 0) : CURLUE_OUT_OF_MEMORY;
    if (code == CURLUE_OK)
        code = curl_url_set(u, CURLUPART_URL, z, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(u, CURLUPART_URL, &whole, 0);
    curl_url_cleanup(u);
    enum err err = err_of(code);
    if (err == OK)
        err = buf_add(ret_url, str_of(whole));
    curl_free(whole);
    return err;
}

bool url_is_same_place(const struct url_parts *a, const struct url_parts *b)
{
    return a->is_https == b->is_https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

bool url_is_listed(const struct url_parts *parts, const char *list)
{
    char with_port[URL_HOST_BYTES + 8];
    snprintf(with_port, sizeof with_port, "%s:%u", parts->host, parts->port);
    struct str rest = str_of(list), one;
    while (str_cut(&rest, ',', &one)) {
        one = str_trim(one);
        if (str_eq_nocase(one, str_of(parts->host)) || str_eq_nocase(one, str_of(with_port)))
            return true;
    }
    return false;
}
