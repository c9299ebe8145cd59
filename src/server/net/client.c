// SPDX-License-Identifier: Apache-2.0
#include "server/net/client.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "base/mem.h"
#include "server/net/client_parts.h"

enum err client_create(const char *socket_path, const char *base_url, struct client **ret_client)
{
    struct client *c = mem_zero(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    c->curl = curl_easy_init();
    c->socket_path = socket_path ? mem_strdup(str_of(socket_path)) : nullptr;
    c->base_url = mem_strdup(str_of(socket_path ? "http://localhost" : base_url));
    if (!c->curl || !c->base_url || (socket_path && !c->socket_path)) {
        client_destroy(c);
        return ERR_NOMEM;
    }
    *ret_client = c;
    return OK;
}

void client_destroy(struct client *c)
{
    if (!c)
        return;
    curl_easy_cleanup(c->curl);
    free(c->socket_path);
    free(c->base_url);
    free(c);
}

struct transfer {
    CURL *curl;
    client_body_fn on_body;
    void *arg;
    int *ret_status;
    enum err err;
};

static void take_status(const struct transfer *t)
{
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    *t->ret_status = (int)status;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    take_status(t);
    t->err = t->on_body(t->arg, (struct str){bytes, size * count});
    return t->err == OK ? size * count : 0; /* anything else stops curl */
}

static enum err err_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return OK;
    case CURLE_COULDNT_CONNECT:
        return ERR_NOTFOUND;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return ERR_NOMEM;
    default:
        return ERR_IO;
    }
}

static enum err set_up(struct client *c, const struct client_request *r, const char *url,
                       struct curl_slist *headers, struct transfer *t)
{
    CURL *curl = c->curl;
    curl_easy_reset(curl); /* keeps the connection */
    CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, url);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
    if (code == CURLE_OK && c->socket_path)
        code = curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, c->socket_path);
    if (code == CURLE_OK && r->body.n) {
        code = curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
        if (code == CURLE_OK)
            code = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, r->body.p);
    } else if (code == CURLE_OK && strcmp(r->method, "POST") == 0) {
        code = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    }
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* the server is on this machine */
    if (code == CURLE_OK)
        code = curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
    return err_of(code);
}

static enum err list_headers(const struct client_request *r, struct curl_slist **ret_list)
{
    struct curl_slist *list = nullptr;
    /* A large body is not worth a round trip that asks for leave. */
    static const char *const own[] = {"Expect:", nullptr};
    const char *const *parts[] = {own, r->headers};
    for (int i = 0; i < 2; i++)
        for (const char *const *h = parts[i]; h && *h; h++) {
            struct curl_slist *longer = curl_slist_append(list, *h);
            if (!longer) {
                curl_slist_free_all(list);
                return ERR_NOMEM;
            }
            list = longer;
        }
    *ret_list = list;
    return OK;
}

enum err client_do(struct client *c, const struct client_request *r, client_body_fn on_body,
                   void *arg, int *ret_status)
{
    autobuf url = BUF(16 * 1024);
    struct curl_slist *headers;
    try(buf_addf(&url, "%s%s", c->base_url, r->path));
    const char *z = buf_z(&url);
    if (!z)
        return ERR_NOMEM;
    try(list_headers(r, &headers));
    struct transfer t = {.curl = c->curl, .on_body = on_body, .arg = arg, .ret_status = ret_status};
    enum err err = set_up(c, r, z, headers, &t);
    if (err == OK)
        err = err_of(curl_easy_perform(c->curl));
    curl_slist_free_all(headers);
    if (t.err != OK)
        return t.err;
    if (err == OK)
        take_status(&t);
    return err;
}
