// SPDX-License-Identifier: Apache-2.0
#include "server/api/route.h"

#include "server/net/host.h"

// clang-format off
static const struct route table[] = {
    {METHOD_GET,    "/",                ACCESS_OPEN,  handle_page},
    {METHOD_GET,    "/app.js",          ACCESS_OPEN,  handle_page},
    {METHOD_GET,    "/history.js",      ACCESS_OPEN,  handle_page},
    {METHOD_GET,    "/link.js",         ACCESS_OPEN,  handle_page},
    {METHOD_GET,    "/model-row.js",    ACCESS_OPEN,  handle_page},
    {METHOD_GET,    "/models.js",       ACCESS_OPEN,  handle_page},
    {METHOD_GET,    "/panels.js",       ACCESS_OPEN,  handle_page},
    {METHOD_GET,    "/view.js",         ACCESS_OPEN,  handle_page},
    {METHOD_GET,    "/voice.js",        ACCESS_OPEN,  handle_page},
    {METHOD_GET,    "/voices.js",       ACCESS_OPEN,  handle_page},
    {METHOD_GET,    "/worklet.js",      ACCESS_OPEN,  handle_page},
    {METHOD_GET,    "/models.css",      ACCESS_OPEN,  handle_page},
    {METHOD_GET,    "/style.css",       ACCESS_OPEN,  handle_page},
    {METHOD_GET,    "/favicon.svg",     ACCESS_OPEN,  handle_page},
    {METHOD_GET,    "/healthz",         ACCESS_OPEN,  handle_healthz},
    {METHOD_GET,    "/readyz",          ACCESS_OPEN,  handle_readyz},
    {METHOD_GET,    "/metrics",         ACCESS_OPEN,  handle_metrics},
    {METHOD_POST,   "/session",         ACCESS_VISIT, handle_session},
    {METHOD_POST,   "/session/refresh", ACCESS_USE,   handle_session_refresh},
    {METHOD_DELETE, "/session",         ACCESS_USE,   handle_session_end},
    {METHOD_DELETE, "/session/*",       ACCESS_USE,   handle_session_end},
    {METHOD_DELETE, "/sessions",        ACCESS_WRITE, handle_sessions_end},
    {METHOD_POST,   "/chat",            ACCESS_USE,   handle_chat},
    {METHOD_POST,   "/v1/chat/completions", ACCESS_CLIENT, handle_completion},
    {METHOD_POST,   "/v1/embeddings",  ACCESS_CLIENT, handle_embedding},
    {METHOD_POST,   "/v1/audio/transcriptions", ACCESS_CLIENT, handle_transcription},
    {METHOD_POST,   "/v1/audio/translations", ACCESS_CLIENT, handle_translation},
    {METHOD_POST,   "/v1/audio/speech", ACCESS_CLIENT, handle_speech},
    {METHOD_GET,    "/v1/models",      ACCESS_CLIENT, handle_models},
    {METHOD_GET,    "/v1/models/**",   ACCESS_CLIENT, handle_models},
    {METHOD_GET,    "/models",          ACCESS_USE,   handle_model_list},
    {METHOD_POST,   "/models/pull",     ACCESS_ADMIN, handle_model_pull},
    {METHOD_POST,   "/models/cancel",   ACCESS_ADMIN, handle_model_cancel},
    {METHOD_DELETE, "/models/*",        ACCESS_ADMIN, handle_model_delete},
    {METHOD_POST,   "/models/use",     ACCESS_ADMIN, handle_model_use},
    {METHOD_GET,    "/voice",           ACCESS_OPEN,  handle_voice}, /* `hello` brings the token */
    {METHOD_POST,   "/stt",             ACCESS_USE,   handle_stt},
    {METHOD_POST,   "/tts",             ACCESS_USE,   handle_tts},
    {METHOD_POST,   "/synthesize",      ACCESS_USE,   handle_tts},
    {METHOD_GET,    "/voices",          ACCESS_USE,   handle_voices},
    {METHOD_POST,   "/rag/ingest",      ACCESS_WRITE, handle_ingest},
    {METHOD_GET,    "/rag/jobs/*",      ACCESS_USE,   handle_job},
    {METHOD_POST,   "/rag/query",       ACCESS_USE,   handle_query},
    {METHOD_GET,    "/rag/documents",   ACCESS_USE,   handle_documents},
    {METHOD_DELETE, "/rag/documents/*", ACCESS_WRITE, handle_document_delete},
};
// clang-format on

const struct route *routes(size_t *ret_count)
{
    *ret_count = sizeof table / sizeof *table;
    return table;
}

/* The names of some models hold slashes, which their clients send as %2F. */
static bool takes_slashes(const char *pattern)
{
    return str_ends(str_of(pattern), S("**"));
}

static bool matches(const char *pattern, struct str path, struct str *ret_id)
{
    struct str p = str_of(pattern);
    size_t fixed = str_find_byte(p, '*');
    if (fixed == p.n)
        return str_eq(p, path);
    struct str id = str_sub(path, fixed, path.n);
    if (!str_starts(path, str_sub(p, 0, fixed)) || id.n == 0)
        return false;
    if (str_find_byte(id, '/') < id.n && !takes_slashes(pattern))
        return false;
    *ret_id = id;
    return true;
}

static void refuse_method(struct exchange *x, struct str path)
{
    autobuf allow = BUF(128);
    struct str id;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (matches(table[i].pattern, path, &id)) {
            const char *name = http_method_name(table[i].method);
            if (buf_addf(&allow, "%s%s", allow.n ? ", " : "", name) != OK)
                break;
        }
    if (exchange_set(x, "Allow", buf_str(&allow)) == OK)
        exchange_error(x, ERR_METHOD, nullptr, nullptr);
    else
        exchange_error(x, ERR_NOMEM, nullptr, nullptr);
}

static enum err find_principal(const struct server *s, const struct exchange *x, enum access access,
                               struct principal *ret_who)
{
    const struct http_head *head = exchange_head(x);
    const struct sock_peer *peer = exchange_peer(x);
    if (access == ACCESS_VISIT)
        return auth_visitor(s->auth, head, peer, ret_who);
    enum err err = auth_request(s->auth, head, peer, ret_who);
    if (access == ACCESS_CLIENT && err == ERR_AUTH)
        err = auth_token(s->auth, S(""), peer, ret_who);
    if (access == ACCESS_OPEN && err == ERR_AUTH) {
        *ret_who = (struct principal){};
        return OK;
    }
    if (err == OK && access == ACCESS_WRITE && ret_who->read_only)
        return ERR_DENIED;
    if (err == OK && access == ACCESS_ADMIN && !ret_who->trusted)
        return ERR_DENIED;
    return err;
}

/* Addresses end up in logs, histories and referrers. */
static bool holds_secret(struct str query)
{
    static const char *const names[] = {"token", "access_token", "api_key", "key", "authorization"};
    struct str pair, name;
    while (str_cut(&query, '&', &pair)) {
        (void)str_cut(&pair, '=', &name);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (str_eq_nocase(name, str_of(names[i])))
                return true;
    }
    return false;
}

void route_request(void *arg, struct exchange *x)
{
    struct server *s = arg;
    const struct http_head *head = exchange_head(x);
    const char *why = nullptr;
    enum err err = exchange_peer(x)->local ? OK : host_check(s->hosts, head, &why);
    if (err == OK && holds_secret(head->query)) {
        err = ERR_INVALID;
        why =
            "a token or key must not stand in an address, where logs keep it; send it in the header "
            "Authorization";
    }
    if (err != OK) {
        exchange_error(x, err, why, nullptr);
        return;
    }
    bool known_path = false;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct str id = {};
        if (!matches(table[i].pattern, head->path, &id))
            continue;
        known_path = true;
        if (head->slash_coded && !takes_slashes(table[i].pattern))
            break;
        enum http_method method = head->method == METHOD_HEAD ? METHOD_GET : head->method;
        if (method != table[i].method)
            continue;
        struct principal who;
        err = find_principal(s, x, table[i].access, &who);
        if (err == ERR_AUTH)
            (void)exchange_set(x, "WWW-Authenticate", S("Bearer")); /* a courtesy */
        if (err != OK)
            exchange_error(x, err, nullptr, nullptr);
        else
            table[i].handle(s, x, &who, id);
        return;
    }
    if (head->slash_coded)
        exchange_error(x, ERR_SYNTAX, "no address here holds %2F", nullptr);
    else if (known_path)
        refuse_method(x, head->path);
    else
        exchange_error(x, ERR_NOTFOUND, "there is nothing at this address", nullptr);
}
