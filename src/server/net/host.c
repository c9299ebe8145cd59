// SPDX-License-Identifier: Apache-2.0
#include "server/net/host.h"

#include <stdlib.h>

#include "base/mem.h"

/* "example.org", "example.org:8600", "[::1]:80"; slices point into the rules' texts. */
struct authority {
    struct str name, port; /* port "": not given */
};
struct origin {
    struct str scheme;
    struct authority authority;
};

struct host_rules {
    bool loopback;
    char *hosts_text, *origins_text;
    struct authority *hosts;
    size_t host_count, host_room;
    struct origin *origins;
    size_t origin_count, origin_room;
};

static bool parse_authority(struct str s, struct authority *ret_authority)
{
    size_t end = s.n > 0 && s.p[0] == '[' ? str_find_byte(s, ']') + 1 : str_find_byte(s, ':');
    if (end == 0 || end > s.n)
        return false;
    struct authority a = {str_sub(s, 0, end), str_sub(s, end + 1, s.n)};
    if (end < s.n && (s.p[end] != ':' || a.port.n == 0 || a.port.n > 5))
        return false;
    for (size_t i = 0; i < a.port.n; i++)
        if (a.port.p[i] < '0' || a.port.p[i] > '9')
            return false;
    for (size_t i = 0; i < a.name.n; i++)
        if ((unsigned char)a.name.p[i] <= ' ' || memchr("/?#@,\"<>\\", a.name.p[i], 9) != nullptr)
            return false;
    *ret_authority = a;
    return true;
}

static bool parse_origin(struct str s, struct origin *ret_origin)
{
    size_t end = str_find(s, S("://"));
    struct origin o = {.scheme = str_sub(s, 0, end)};
    if (end == s.n || !parse_authority(str_sub(s, end + 3, s.n), &o.authority))
        return false;
    if (!str_eq_nocase(o.scheme, S("http")) && !str_eq_nocase(o.scheme, S("https")))
        return false;
    *ret_origin = o;
    return true;
}

static struct str default_port(const struct origin *o)
{
    return str_eq_nocase(o->scheme, S("https")) ? S("443") : S("80");
}

static struct str port_of(const struct origin *o)
{
    return o->authority.port.n > 0 ? o->authority.port : default_port(o);
}

static enum err read_hosts(struct host_rules *r)
{
    struct str rest = str_of(r->hosts_text), item;
    while (str_cut(&rest, ',', &item)) {
        item = str_trim(item);
        if (item.n == 0)
            continue;
        try(mem_grow((void **)&r->hosts, &r->host_room, r->host_count + 1, sizeof *r->hosts));
        if (!parse_authority(item, &r->hosts[r->host_count]))
            return ERR_INVALID;
        r->host_count++;
    }
    return OK;
}

static enum err read_origins(struct host_rules *r)
{
    struct str rest = str_of(r->origins_text), item;
    while (str_cut(&rest, ',', &item)) {
        item = str_trim(item);
        if (item.n == 0)
            continue;
        try(mem_grow((void **)&r->origins, &r->origin_room, r->origin_count + 1,
                     sizeof *r->origins));
        if (!parse_origin(item, &r->origins[r->origin_count]))
            return ERR_INVALID;
        r->origin_count++;
    }
    return OK;
}

enum err host_rules_create(bool loopback, struct str hosts, struct str origins,
                           struct host_rules **ret_rules)
{
    struct host_rules *r = mem_zero(1, sizeof *r);
    if (r == nullptr)
        return ERR_NOMEM;
    r->loopback = loopback;
    r->hosts_text = mem_strdup(hosts);
    r->origins_text = mem_strdup(origins);
    enum err err = r->hosts_text != nullptr && r->origins_text != nullptr ? OK : ERR_NOMEM;
    if (err == OK)
        err = read_hosts(r);
    if (err == OK)
        err = read_origins(r);
    if (err != OK) {
        host_rules_destroy(r);
        return err;
    }
    *ret_rules = r;
    return OK;
}

void host_rules_destroy(struct host_rules *r)
{
    if (r == nullptr)
        return;
    free(r->hosts_text);
    free(r->origins_text);
    free(r->hosts);
    free(r->origins);
    free(r);
}

bool host_allowed(const struct host_rules *r, struct str host)
{
    struct authority a;
    if (!parse_authority(host, &a))
        return false;
    if (!r->loopback && r->host_count == 0)
        return true;
    if (r->loopback && (str_eq(a.name, S("127.0.0.1")) || str_eq(a.name, S("[::1]")) ||
                        str_eq_nocase(a.name, S("localhost"))))
        return true;
    for (size_t i = 0; i < r->host_count; i++)
        if (str_eq_nocase(a.name, r->hosts[i].name) &&
            (r->hosts[i].port.n == 0 || str_eq(a.port, r->hosts[i].port)))
            return true;
    return false;
}

bool origin_allowed(const struct host_rules *r, struct str origin, struct str host)
{
    struct origin o;
    struct authority h;
    if (!parse_origin(origin, &o))
        return false;
    /* Without a port, the Host's is the default of a scheme that we do not know (a proxy may speak TLS
     * for us), so it fits the origin that has its own scheme's. */
    if (parse_authority(host, &h) && str_eq_nocase(h.name, o.authority.name) &&
        str_eq(h.port.n > 0 ? h.port : default_port(&o), port_of(&o)))
        return true;
    for (size_t i = 0; i < r->origin_count; i++)
        if (str_eq_nocase(r->origins[i].scheme, o.scheme) &&
            str_eq_nocase(r->origins[i].authority.name, o.authority.name) &&
            str_eq(port_of(&r->origins[i]), port_of(&o)))
            return true;
    return false;
}

enum err host_check(const struct host_rules *r, const struct http_head *head, const char **ret_why)
{
    if (!host_allowed(r, head->host)) {
        *ret_why = "this Host is not served here; add it to http.hosts";
        return ERR_DENIED;
    }
    bool asked =
        (head->method != METHOD_GET && head->method != METHOD_HEAD) || head->wants_websocket;
    struct str origin = http_value(head, "origin");
    if (asked && origin.p != nullptr && !origin_allowed(r, origin, head->host)) {
        *ret_why = "this Origin may not use the server; add it to http.origins";
        return ERR_DENIED;
    }
    return OK;
}
