// SPDX-License-Identifier: Apache-2.0
#include "server/net/dial.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/loop/sock.h"
#include "server/net/fetch_url.h"

enum { ADDRESS_MAX = URL_HOST_BYTES + 16 };

struct dial {
    struct loop *loop;
    struct fetch *fetch;
    dial_fn fn;
    void *arg;
};

/* As curl wants it. A port is asked for, since curl would take 80. */
static enum err as_url(const char *address, char into[ADDRESS_MAX])
{
    const char *colon = strrchr(address, ':');
    struct url_parts parts;
    int64_t port;
    if (!colon || strpbrk(address, "/?#@\\") || str_to_i64(str_of(colon + 1), &port) != OK ||
        snprintf(into, ADDRESS_MAX, "http://%s", address) >= ADDRESS_MAX)
        return ERR_INVALID;
    return url_read(into, &parts);
}

enum err dial_check(const char *address)
{
    char url[ADDRESS_MAX];
    return as_url(address, url);
}

static void on_done(void *arg, const struct fetch_result *result)
{
    struct dial d = *(struct dial *)arg;
    struct fetch_result said = *result;
    struct sock *s = nullptr;
    free(arg);
    if (said.err == OK) {
        said.err = sock_open(d.loop, said.fd, nullptr, nullptr, &s);
        if (said.err != OK) {
            close(said.fd);
            snprintf(said.why, sizeof said.why, "%s", err_text(said.err));
        }
    }
    d.fn(d.arg, s, &said);
}

static void on_body(void *, struct str) {} /* nothing was asked */

enum err dial_start(struct fetcher *m, struct loop *loop, const struct dial_request *request,
                    dial_fn fn, void *arg, struct dial **ret_d)
{
    static const struct fetch_events events = {.body = on_body, .done = on_done};
    char url[ADDRESS_MAX];
    try(as_url(request->address, url));
    struct dial *d = mem_zero(1, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    *d = (struct dial){.loop = loop, .fn = fn, .arg = arg};
    const struct fetch_request wish = {
        .url = url, .key = "", .connect_ms = request->connect_ms, .is_dial = true};
    enum err err = fetch_start(m, &wish, &events, d, &d->fetch);
    if (err != OK)
        free(d);
    else
        *ret_d = d;
    return err;
}

void dial_cancel(struct dial *d)
{
    if (!d)
        return;
    fetch_cancel(d->fetch);
    free(d);
}
