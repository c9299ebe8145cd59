// SPDX-License-Identifier: Apache-2.0
#include "server/net/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/mem.h"
#include "server/loop/watch.h"
#include "server/net/fetch_url.h"
#include "server/net/public_address.h"

enum {
    KEPT_CONNECTIONS = 16,
    WAITING_MAX = 1024 * 1024, /* bytes that one step may bring a fetch; curl brings less */
};

struct fetch {
    struct fetcher *fetcher;
    const struct fetch_events *events;
    void *arg;
    CURL *curl;
    struct curl_slist *headers;
    struct buf in; /* what came and was not told yet: not from inside of curl */
    struct fetch *next, **link;
    bool is_over, is_head_told, is_dial;
    bool was_denied; /* an address was not public */
    CURLcode code;
    enum err err; /* of ours, while bytes came */
    char why[CURL_ERROR_SIZE];
};

/* A socket of curl's. */
struct socket {
    int fd;
    struct watch *watch;
    struct socket *next;
};

struct fetcher {
    CURLM *multi; /* NULL: there was no memory for another one */
    struct loop *loop;
    struct timer timer;
    struct fetch *fetches;
    struct socket *sockets;
    bool is_broken; /* curl or the loop had no memory to go on: every fetch ends */
};

/* --- what curl asks of the loop --- */

static void look_after(struct fetcher *m);

static void act(struct fetcher *m, int fd, int mask)
{
    int running;
    if (curl_multi_socket_action(m->multi, fd, mask, &running) != CURLM_OK)
        m->is_broken = true;
    look_after(m);
}

static void on_ready(void *arg, int fd, unsigned ready)
{
    act(arg, fd,
        ((ready & WATCH_READ) != 0 ? CURL_CSELECT_IN : 0) |
            ((ready & WATCH_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void on_time(void *arg)
{
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *, long ms, void *arg)
{
    struct fetcher *m = arg;
    if (ms < 0)
        timer_stop(&m->timer);
    else
        timer_start(&m->timer, (uint64_t)ms);
    return 0;
}

static void forget_socket(struct socket **at)
{
    struct socket *s = *at;
    *at = s->next;
    watch_close(s->watch);
    free(s);
}

static enum err add_socket(struct fetcher *m, int fd)
{
    struct socket *s = mem_zero(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    *s = (struct socket){.fd = fd, .next = m->sockets};
    enum err err = watch_open(m->loop, fd, on_ready, m, &s->watch);
    if (err == OK)
        m->sockets = s;
    else
        free(s);
    return err;
}

static enum err watch_socket(struct fetcher *m, int fd, int what)
{
    struct socket **at = &m->sockets;
    while (*at && (*at)->fd != fd)
        at = &(*at)->next;
    if (what == CURL_POLL_REMOVE) {
        if (*at)
            forget_socket(at);
        return OK;
    }
    if (!*at) {
        try(add_socket(m, fd));
        at = &m->sockets;
    }
    unsigned for_what = ((what & CURL_POLL_IN) != 0 ? WATCH_READ : 0) |
                        ((what & CURL_POLL_OUT) != 0 ? WATCH_WRITE : 0);
    return watch_set((*at)->watch, for_what);
}

static int on_socket(CURL *, curl_socket_t fd, int what, void *arg, void *)
{
    struct fetcher *m = arg;
    if (watch_socket(m, fd, what) != OK) {
        m->is_broken = true;
        timer_start(&m->timer, 0);
    }
    return 0;
}

static enum err open_multi(struct fetcher *m)
{
    m->multi = curl_multi_init();
    bool well =
        m->multi && curl_multi_setopt(m->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
        curl_multi_setopt(m->multi, CURLMOPT_SOCKETDATA, m) == CURLM_OK &&
        curl_multi_setopt(m->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
        curl_multi_setopt(m->multi, CURLMOPT_TIMERDATA, m) == CURLM_OK &&
        curl_multi_setopt(m->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS) == CURLM_OK &&
        /* A name that is being looked up holds nobody up. */
        curl_multi_setopt(m->multi, CURLMOPT_QUICK_EXIT, 1L) == CURLM_OK;
    return well ? OK : ERR_NOMEM;
}

/* With the connections that it kept. */
static void close_multi(struct fetcher *m)
{
    if (m->multi)
        (void)curl_multi_cleanup(m->multi);
    m->multi = nullptr;
    while (m->sockets)
        forget_socket(&m->sockets);
    timer_stop(&m->timer);
    m->is_broken = false;
}

/* --- the end of a fetch --- */

static void fetch_free(struct fetch *f)
{
    if (f->link) {
        (void)curl_multi_remove_handle(f->fetcher->multi, f->curl);
        *f->link = f->next;
        if (f->next)
            f->next->link = f->link;
    }
    curl_easy_cleanup(f->curl);
    curl_slist_free_all(f->headers);
    buf_finish(&f->in);
    free(f);
}

void fetch_cancel(struct fetch *f)
{
    if (f)
        fetch_free(f);
}

static enum err err_of(const struct fetch *f)
{
    if (f->err != OK)
        return f->err;
    switch (f->code) {
    case CURLE_OK:
        return OK;
    case CURLE_COULDNT_CONNECT:
        return f->was_denied ? ERR_DENIED : ERR_NOTFOUND;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return ERR_NOTFOUND;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return ERR_NOMEM;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return ERR_CLOSED;
    default:
        return ERR_IO;
    }
}

/* A descriptor of our own, since curl closes its with the fetch. */
static enum err take_connection(const struct fetch *f, int *ret_fd)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (curl_easy_getinfo(f->curl, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd == CURL_SOCKET_BAD)
        return ERR_CLOSED;
    *ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return *ret_fd < 0 ? err_from_errno(errno) : OK;
}

static void finish(struct fetch *f)
{
    const struct fetch_events *events = f->events;
    void *arg = f->arg;
    struct fetch_result result = {.err = err_of(f), .status = fetch_status(f), .fd = -1};
    if (f->is_dial && result.err == OK)
        result.err = f->err = take_connection(f, &result.fd);
    curl_off_t after = 0;
    (void)curl_easy_getinfo(f->curl, CURLINFO_RETRY_AFTER, &after);
    result.retry_after_s = after < 0 ? 0 : after > UINT32_MAX ? UINT32_MAX : (uint32_t)after;
    /* The same for the same failure: not with how many ms it took. */
    bool is_exact =
        f->why[0] && f->code != CURLE_COULDNT_CONNECT && f->code != CURLE_OPERATION_TIMEDOUT;
    if (result.err != OK)
        snprintf(result.why, sizeof result.why, "%.110s",
                 f->err != OK ? err_text(f->err)
                 : is_exact   ? f->why
                              : curl_easy_strerror(f->code));
    fetch_free(f);
    events->done(arg, &result);
}

/* --- what has come --- */

/* The owner may cancel this fetch or others meanwhile. */
static void tell(struct fetch *f)
{
    if (f->events->head && !f->is_head_told && fetch_status(f)) {
        f->is_head_told = true;
        f->events->head(f->arg);
        return;
    }
    struct buf in = f->in;
    if (in.n) {
        f->in = BUF(WAITING_MAX);
        f->events->body(f->arg, buf_str(&in));
        buf_finish(&in);
    } else {
        finish(f);
    }
}

static void give_up_all(struct fetcher *m)
{
    for (struct fetch *f = m->fetches; f; f = f->next) {
        f->err = f->is_over ? f->err : ERR_NOMEM;
        f->is_over = true;
    }
}

static struct fetch *find_news(const struct fetcher *m)
{
    struct fetch *f = m->fetches;
    while (f && !f->in.n && !f->is_over)
        f = f->next;
    return f;
}

static void look_after(struct fetcher *m)
{
    int left;
    for (CURLMsg *msg; (msg = curl_multi_info_read(m->multi, &left));) {
        struct fetch *f = nullptr;
        check(curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &f) == CURLE_OK && f);
        f->is_over = true;
        f->code = msg->data.result;
    }
    if (m->is_broken)
        give_up_all(m);
    for (struct fetch *f; (f = find_news(m));)
        tell(f);
    if (m->is_broken && !m->fetches)
        close_multi(m);
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct fetch *f = arg;
    f->err = buf_add(&f->in, (struct str){bytes, size * count});
    return f->err == OK ? size * count : CURL_WRITEFUNC_ERROR;
}

int fetch_status(const struct fetch *f)
{
    long status = 0;
    (void)curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

struct str fetch_header(const struct fetch *f, const char *name)
{
    struct curl_header *h;
    bool is_there = curl_easy_header(f->curl, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK;
    return is_there ? str_of(h->value) : S("");
}

bool fetch_is(const struct fetch *f, const char *type)
{
    char *own = nullptr;
    (void)curl_easy_getinfo(f->curl, CURLINFO_CONTENT_TYPE, &own);
    struct str s = str_of(own);
    return str_eq_nocase(str_trim(str_sub(s, 0, str_find_byte(s, ';'))), str_of(type));
}

/* --- the beginning of a fetch --- */

static curl_socket_t open_public(void *arg, curlsocktype, struct curl_sockaddr *a)
{
    struct fetch *f = arg;
    long by_proxy = 0; /* which is the operator's affair */
    (void)curl_easy_getinfo(f->curl, CURLINFO_USED_PROXY, &by_proxy);
    if (!by_proxy && !address_is_public(&a->addr)) {
        f->was_denied = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static enum err add_header(struct fetch *f, const char *line)
{
    struct curl_slist *longer = curl_slist_append(f->headers, line);
    if (!longer)
        return ERR_NOMEM;
    f->headers = longer;
    return OK;
}

static enum err list_headers(struct fetch *f, const struct fetch_request *r)
{
    if (r->key[0]) {
        autobuf line = BUF(16 * 1024);
        try(buf_addf(&line, "Authorization: Bearer %s", r->key));
        const char *z = buf_z(&line);
        try(z ? add_header(f, z) : ERR_NOMEM);
    }
    for (const char *const *line = r->headers; line && *line; line++)
        try(add_header(f, *line));
    if (!r->body.n)
        return OK;
    autobuf type = BUF(1024);
    try(buf_addf(&type, "Content-Type: %s", r->type ? r->type : "application/json"));
    const char *z = buf_z(&type);
    try(z ? add_header(f, z) : ERR_NOMEM);
    return add_header(f, "Expect:"); /* not worth a round trip that asks for leave */
}

#define set(option, value)                                                                         \
    do {                                                                                           \
        CURLcode code_ = curl_easy_setopt(f->curl, option, value);                                 \
        if (code_ != CURLE_OK)                                                                     \
            return code_ == CURLE_OUT_OF_MEMORY ? ERR_NOMEM : ERR_INVALID;                         \
    } while (0)

static enum err set_up(struct fetch *f, const struct fetch_request *r)
{
    set(CURLOPT_PRIVATE, f);
    set(CURLOPT_URL, r->url);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1); /* so that a cancel is a closed connection */
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);
    set(CURLOPT_ERRORBUFFER, f->why);
    set(CURLOPT_USERAGENT, "repartee/" REPARTEE_VERSION);
    set(CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_ms);
    set(CURLOPT_WRITEFUNCTION, on_bytes);
    set(CURLOPT_WRITEDATA, f);
    set(CURLOPT_FRESH_CONNECT, r->is_fresh || r->is_public ? 1L : 0L);
    if (r->is_public) {
        set(CURLOPT_OPENSOCKETFUNCTION, open_public);
        set(CURLOPT_OPENSOCKETDATA, f);
    }
    if (r->is_dial)
        set(CURLOPT_CONNECT_ONLY, 1L);
    if (r->is_dial || url_is_this_machine(r->url))
        set(CURLOPT_PROXY, "");
    try(list_headers(f, r));
    set(CURLOPT_HTTPHEADER, f->headers);
    if (r->body.n) {
        set(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
        set(CURLOPT_POSTFIELDS, r->body.p);
    }
    return OK;
}

#undef set

enum err fetch_start(struct fetcher *m, const struct fetch_request *request,
                     const struct fetch_events *events, void *arg, struct fetch **ret_f)
{
    if (m->is_broken)
        return ERR_NOMEM;
    if (!m->multi && open_multi(m) != OK) {
        close_multi(m);
        return ERR_NOMEM;
    }
    struct fetch *f = mem_zero(1, sizeof *f);
    if (!f)
        return ERR_NOMEM;
    f->fetcher = m;
    f->events = events;
    f->arg = arg;
    f->is_dial = request->is_dial;
    f->in = BUF(WAITING_MAX);
    f->curl = curl_easy_init();
    enum err err = f->curl ? set_up(f, request) : ERR_NOMEM;
    if (err == OK && curl_multi_add_handle(m->multi, f->curl) != CURLM_OK)
        err = ERR_NOMEM;
    if (err != OK) {
        fetch_free(f);
        return err;
    }
    f->next = m->fetches;
    f->link = &m->fetches;
    if (f->next)
        f->next->link = &f->next;
    m->fetches = f;
    *ret_f = f;
    return OK;
}

/* --- --- */

enum err fetcher_create(struct loop *loop, struct fetcher **ret_m)
{
    struct fetcher *m = mem_zero(1, sizeof *m);
    if (!m)
        return ERR_NOMEM;
    m->loop = loop;
    timer_init(&m->timer, loop, on_time, m);
    if (open_multi(m) != OK) {
        fetcher_destroy(m);
        return ERR_NOMEM;
    }
    *ret_m = m;
    return OK;
}

void fetcher_destroy(struct fetcher *m)
{
    if (!m)
        return;
    check(!m->fetches);
    close_multi(m);
    free(m);
}
