// SPDX-License-Identifier: Apache-2.0
#include "server/api/doors.h"

#include <stdio.h>

#include "base/conf.h"
#include "base/log.h"
#include "server/access/auth.h"
#include "server/access/keys.h"
#include "server/api/route.h"
#include "server/api/secure.h"
#include "server/loop/descriptors.h"
#include "server/net/addresses.h"
#include "server/net/front.h"
#include "server/net/host.h"
#include "server/talk/keep.h"

enum { OWN_DESCRIPTORS = 128 };

/* What every response carries. */
static const char headers[] =
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Frame-Options: DENY\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Permissions-Policy: microphone=(self), camera=(), geolocation=()\r\n";

/* A browser keeps to it for the host name on every port, and gives no way around a bad certificate. */
static enum err set_headers(struct server *s)
{
    const struct conf *c = s->conf;
    autobuf lines = BUF(1024);
    try(buf_add(&lines, str_of(headers)));
    if (c->tls_hsts > 0 && s->secure && secure_certificate(s->secure)->self_signed)
        log_warn("tls.hsts is left out: the certificate is self-signed");
    else if (c->tls_hsts > 0 && s->secure)
        try(buf_addf(&lines, "Strict-Transport-Security: max-age=%lld\r\n",
                     (long long)c->tls_hsts));
    return front_set_headers(s->front, buf_str(&lines));
}

static enum err listen_tcp(struct server *s, struct server_why *why)
{
    const char *address = s->conf->listen;
    struct str host;
    uint16_t port;
    if (address_split(str_of(address), &host, &port) != OK)
        return server_refuse(why, ERR_INVALID,
                             "--listen must be ADDRESS:PORT, such as 127.0.0.1:8600, "
                             "not \"%.80s\"",
                             address);
    try(secure_open(s->loop, s->conf, s->data, host, &s->secure, why));
    enum err err = s->secure ? front_listen_tls(s->front, host, port, secure_tls(s->secure))
                             : front_listen_tcp(s->front, host, port);
    if (err == ERR_CONFLICT)
        return server_refuse(why, err,
                             "%.80s is in use by another program; stop it, or choose another "
                             "port with --listen",
                             address);
    if (err == ERR_DENIED)
        return server_refuse(why, err,
                             "listening on %.80s is not allowed for this user; choose a port "
                             "above 1023 with --listen",
                             address);
    if (err == ERR_INVALID)
        return server_refuse(
            why, err, "%.80s is no address of this machine; choose one with --listen", address);
    if (err != OK)
        return server_refuse(why, err,
                             "cannot listen on %.80s: %s; choose another address with --listen",
                             address, err_text(err));
    return OK;
}

/* Of engines, readers and stores, and what comes by the other door. */
static uint64_t own_descriptors(const struct conf *c)
{
    return OWN_DESCRIPTORS + wyoming_descriptors(c);
}

/* As many as wanted, or as the system has descriptors for beside our own: who comes later shall be told so (503), and
 * an engine that died still find a socket to live on. */
static uint32_t connections_at_once(uint64_t wanted, uint64_t own)
{
    uint64_t files = descriptors_allow(wanted + own);
    if (files >= wanted + own)
        return (uint32_t)wanted;
    uint64_t fewer = files > 2 * own ? files - own : files / 2;
    log_warn("the system lets this process open %llu files, so %llu connections at once are taken, "
             "not %llu; raise its hard limit (ulimit -Hn, LimitNOFILE=) or lower http.connections",
             (unsigned long long)files, (unsigned long long)fewer, (unsigned long long)wanted);
    return (uint32_t)fewer;
}

static enum err open_front(struct server *s, const struct server_where *where,
                           struct server_why *why)
{
    const struct conf *c = s->conf;
    struct front_limits limits = FRONT_LIMITS;
    uint64_t own = own_descriptors(c);
    limits.connections = connections_at_once((uint64_t)c->max_connections, own);
    try(loop_reserve(s->loop, limits.connections + (uint32_t)own));
    limits.header_ms = (uint32_t)c->header_ms;
    limits.body_ms = (uint32_t)c->body_ms;
    limits.idle_ms = (uint32_t)c->idle_ms;
    try(front_create(s->loop, &limits, route_request, s, &s->front));
    char path[4096];
    snprintf(path, sizeof path, "%s/server.sock", s->data);
    enum err err = front_listen_unix(s->front, path);
    if (err == ERR_CONFLICT)
        return server_refuse(why, err,
                             "another Repartee is using %s; stop it, or name another directory "
                             "with --data",
                             s->data);
    if (err != OK)
        return server_refuse(why, err,
                             "the socket %s cannot be made: %s; its path may be too long or its "
                             "directory read-only",
                             path, err_text(err));
    if (!where->is_private)
        try(listen_tcp(s, why));
    return set_headers(s);
}

static enum err open_auth(struct server *s, bool loopback, struct server_why *why)
{
    const struct conf *c = s->conf;
    struct key_ring *keys;
    enum err err = key_ring_create(s->data, &keys);
    if (err != OK)
        return server_refuse(
            why, err,
            "the keys in %.120s/keys cannot be read: %s; restore the file, or remove it "
            "and create the keys anew",
            s->data, err == ERR_SYNTAX ? "a line is damaged" : err_text(err));
    if (!loopback && !c->api_key[0] && !key_ring_locks(keys))
        err = server_refuse(
            why, ERR_DENIED,
            "listening on %.80s lets others in, so a key is needed: make one with 'repartee "
            "key create NAME', set auth.key (or --auth-key-file FILE), or listen on 127.0.0.1",
            c->listen);
    if (err == OK)
        err = auth_create(c, loopback, keep_secret(s->keep), s->sessions, keys, &s->auth);
    if (err != OK)
        key_ring_destroy(keys);
    return err;
}

static enum err check_visitors(struct server *s, struct server_why *why)
{
    const struct conf *c = s->conf;
    bool loopback = front_all_loopback(s->front);
    enum err err = open_auth(s, loopback, why);
    if (err == ERR_INVALID && !why->text[0])
        return server_refuse(why, err, "auth.secret must have at least 32 characters");
    try(err);
    err = host_rules_create(loopback, str_of(c->allowed_hosts), str_of(c->allowed_origins),
                            &s->hosts);
    if (err == ERR_INVALID)
        return server_refuse(why, err,
                             "http.hosts or http.origins is not a list such as "
                             "\"chat.example.org\" or \"https://example.org\"");
    return err;
}

bool doors_lead_outside(const struct server *s)
{
    return !front_all_loopback(s->front);
}

bool doors_url(const struct server *s, unsigned i, char *into, size_t size)
{
    const char *bound = front_address(s->front, 1), *scheme = s->secure ? "https" : "http";
    struct addresses list;
    struct str host;
    uint16_t port;
    if (!bound || address_split(str_of(bound), &host, &port) != OK)
        return false;
    addresses_of(host, &list);
    const struct tls_cert *cert = s->secure ? secure_certificate(s->secure) : nullptr;
    if (cert && !cert->self_signed && cert->name[0] && list.count > 0) {
        /* A browser takes the certificate for its own name only. */
        snprintf(into, size, "https://%s:%u/", cert->name, port);
        return i == 0;
    }
    if (i < list.count && strchr(list.text[i], ':'))
        snprintf(into, size, "%s://[%s]:%u/", scheme, list.text[i], port);
    else if (i < list.count)
        snprintf(into, size, "%s://%s:%u/", scheme, list.text[i], port);
    else if (list.count == 0 && i == 0)
        snprintf(into, size, "%s://%s/", scheme, bound);
    else
        return false;
    return true;
}

enum err doors_open(struct server *s, const struct server_where *where, struct server_why *why)
{
    try(open_front(s, where, why));
    return check_visitors(s, why);
}
