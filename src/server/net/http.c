// SPDX-License-Identifier: Apache-2.0
#include "server/net/http.h"

#include <llhttp.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "server/net/target.h"

/* Where a header lies in `text`, until all of it has come and slices can be made. */
struct place {
    uint16_t name, name_n, value, value_n;
};
static_assert(HTTP_HEAD_MAX <= UINT16_MAX);

enum phase : uint8_t { PHASE_HEAD, PHASE_BODY, PHASE_DONE };

struct http_parser {
    llhttp_t ll;
    enum phase phase;
    bool begun, failed;
    uint8_t protocol_n; /* of "HTTP", seen */
    enum err err;
    int status;
    uint32_t head_bytes;     /* eaten so far for the head */
    uint64_t body_bytes;     /* delivered */
    uint64_t overhead_bytes; /* eaten after the head and not delivered: framing, trailers */
    struct str body;         /* a piece that llhttp has found in the present call */
    struct buf text;         /* target, names, values, then the decoded path */
    uint32_t target_n;
    uint32_t count;
    struct place places[HTTP_HEADERS_MAX];
    struct http_field fields[HTTP_HEADERS_MAX];
    struct http_head head;
};

const char *http_method_name(enum http_method m)
{
    static const char *const names[] = {"GET",   "HEAD",   "POST",    "PUT",
                                        "PATCH", "DELETE", "OPTIONS", "OTHER"};
    return names[m];
}

static enum err fail(struct http_parser *p, enum err err, int status)
{
    p->failed = true;
    p->err = err;
    p->status = status;
    return err;
}

static int stop(struct http_parser *p, enum err err, int status)
{
    (void)fail(p, err, status);
    return HPE_USER;
}

/* --- what llhttp calls --------------------------------------------------------------------------- */

static int add(struct http_parser *p, const char *at, size_t n)
{
    enum err err = buf_add(&p->text, (struct str){at, n});
    return err == OK ? 0 : stop(p, err == ERR_TOOBIG ? ERR_HEADERS : err, err_http_status(err));
}

static int on_message_begin(llhttp_t *ll)
{
    struct http_parser *p = ll->data;
    p->begun = true;
    return 0;
}

/* llhttp speaks RTSP and ICE as well. */
static int on_protocol(llhttp_t *ll, const char *at, size_t n)
{
    struct http_parser *p = ll->data;
    struct str due = str_sub(S("HTTP"), p->protocol_n, 4);
    p->protocol_n += (uint8_t)n;
    return str_starts(due, (struct str){at, n}) ? 0 : stop(p, ERR_SYNTAX, 400);
}

static int on_url(llhttp_t *ll, const char *at, size_t n)
{
    struct http_parser *p = ll->data;
    if (n > HTTP_TARGET_MAX - p->target_n)
        return stop(p, ERR_TOOBIG, 414);
    p->target_n += (uint32_t)n;
    return add(p, at, n);
}

static int on_name(llhttp_t *ll, const char *at, size_t n)
{
    struct http_parser *p = ll->data;
    if (p->phase != PHASE_HEAD)
        return 0; /* trailers have no meaning here */
    if (p->count == HTTP_HEADERS_MAX)
        return stop(p, ERR_HEADERS, 431);
    struct place *place = &p->places[p->count];
    if (place->name_n == 0)
        place->name = (uint16_t)p->text.n;
    place->name_n += (uint16_t)n;
    size_t from = p->text.n;
    int stopped = add(p, at, n);
    if (stopped == 0)
        for (size_t i = from; i < p->text.n; i++)
            if (p->text.p[i] >= 'A' && p->text.p[i] <= 'Z')
                p->text.p[i] |= 0x20;
    return stopped;
}

static int on_value(llhttp_t *ll, const char *at, size_t n)
{
    struct http_parser *p = ll->data;
    if (p->phase != PHASE_HEAD)
        return 0;
    struct place *place = &p->places[p->count];
    if (place->value_n == 0)
        place->value = (uint16_t)p->text.n;
    place->value_n += (uint16_t)n;
    return add(p, at, n);
}

static int on_value_complete(llhttp_t *ll)
{
    struct http_parser *p = ll->data;
    if (p->phase == PHASE_HEAD)
        p->count++;
    return 0;
}

static enum err read_head(struct http_parser *p);

static int on_headers_complete(llhttp_t *ll)
{
    struct http_parser *p = ll->data;
    if (read_head(p) != OK)
        return -1;
    ll->upgrade = 0; /* whether to change the protocol is not llhttp's decision */
    p->phase = PHASE_BODY;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *ll, const char *at, size_t n)
{
    struct http_parser *p = ll->data;
    check(p->body.n == 0);
    p->body = (struct str){at, n};
    return 0;
}

/* One call delivers one piece: a second chunk waits for the next call. */
static int on_chunk_header(llhttp_t *ll)
{
    const struct http_parser *p = ll->data;
    return p->body.n > 0 ? HPE_PAUSED : 0;
}

static int on_message_complete(llhttp_t *ll)
{
    struct http_parser *p = ll->data;
    p->phase = PHASE_DONE;
    return HPE_PAUSED;
}

/* --- what a complete head means ------------------------------------------------------------------ */

static enum http_method method_of(uint8_t ll_method)
{
    switch (ll_method) {
    case HTTP_GET:
        return METHOD_GET;
    case HTTP_HEAD:
        return METHOD_HEAD;
    case HTTP_POST:
        return METHOD_POST;
    case HTTP_PUT:
        return METHOD_PUT;
    case HTTP_PATCH:
        return METHOD_PATCH;
    case HTTP_DELETE:
        return METHOD_DELETE;
    case HTTP_OPTIONS:
        return METHOD_OPTIONS;
    default:
        return METHOD_OTHER;
    }
}

static void slice_fields(struct http_parser *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        const struct place *at = &p->places[i];
        p->fields[i] = (struct http_field){
            {p->text.p + at->name, at->name_n},
            str_trim((struct str){p->text.p + at->value, at->value_n}),
        };
    }
    p->head.fields = p->fields;
    p->head.field_count = p->count;
}

/* One Host, of host characters only: it is compared, and could end up in a link. */
static enum err read_host(struct http_parser *p)
{
    struct http_head *h = &p->head;
    unsigned hosts = http_count(h, "host");
    if (hosts > 1 || (hosts == 0 && !h->http10))
        return fail(p, ERR_SYNTAX, 400);
    h->host = hosts == 1 ? http_value(h, "host") : S("");
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._[]:";
    for (size_t i = 0; i < h->host.n; i++)
        if (memchr(allowed, h->host.p[i], sizeof allowed - 1) == nullptr)
            return fail(p, ERR_SYNTAX, 400);
    return hosts == 1 && h->host.n == 0 ? fail(p, ERR_SYNTAX, 400) : OK;
}

/* "http://host/path" is for proxies, and may be sent to us too (RFC 9112, 3.2.2). Its host must be the
 * one of the Host header: whoever stands in front may have looked at either. */
static enum err cut_authority(struct http_parser *p, struct str *target)
{
    struct str rest = *target;
    if (rest.n > 0 && rest.p[0] == '/')
        return OK;
    size_t scheme = str_find(rest, S("://"));
    if (!str_eq_nocase(str_sub(rest, 0, scheme), S("http")) &&
        !str_eq_nocase(str_sub(rest, 0, scheme), S("https")))
        return fail(p, ERR_SYNTAX, 400);
    rest = str_sub(rest, scheme + 3, rest.n);
    size_t end = str_find_byte(rest, '/');
    if (end == 0 || !str_eq_nocase(str_sub(rest, 0, end), p->head.host))
        return fail(p, ERR_SYNTAX, 400);
    *target = end < rest.n ? str_sub(rest, end, rest.n) : S("/");
    return OK;
}

/* The path is decoded behind everything else: memory for it is there, as slices must stay. To CONNECT no
 * path is a target, and what follows it would be a tunnel's. */
static enum err read_target(struct http_parser *p)
{
    struct str target = {p->text.p, p->target_n};
    if (p->ll.method == HTTP_CONNECT)
        return fail(p, ERR_SYNTAX, 400);
    try(cut_authority(p, &target));
    if (target_split(target, p->text.p + p->text.n, &p->head.path, &p->head.query,
                     &p->head.slash_coded) != OK)
        return fail(p, ERR_SYNTAX, 400);
    return OK;
}

/* llhttp has refused most of what is ambiguous; what it lets through is refused here, so that no proxy
 * in front can see another message than we do (RFC 9112, 6.3). */
static enum err read_framing(struct http_parser *p)
{
    struct http_head *h = &p->head;
    unsigned lengths = http_count(h, "content-length"),
             codings = http_count(h, "transfer-encoding");
    if (lengths + codings > 1 || (codings == 1 && h->http10))
        return fail(p, ERR_SYNTAX, 400);
    if (codings == 1) {
        if (!str_eq_nocase(http_value(h, "transfer-encoding"), S("chunked")))
            return fail(p, ERR_UNSUPPORTED, 501);
        if ((p->ll.flags & F_CHUNKED) ==
            0) /* a tab behind it: llhttp, which reads the body, sees another word */
            return fail(p, ERR_SYNTAX, 400);
        h->has_body = true;
    } else if (lengths == 1) {
        int64_t length;
        struct str text = http_value(h, "content-length");
        if (text.n == 0 || text.p[0] < '0' || text.p[0] > '9' || str_to_i64(text, &length) != OK)
            return fail(p, ERR_SYNTAX, 400);
        h->content_length = (uint64_t)length;
        h->has_body = length > 0;
    }
    h->length_known = codings == 0;
    return OK;
}

static enum err read_connection(struct http_parser *p)
{
    struct http_head *h = &p->head;
    h->keep_alive = !h->http10 && !http_has(h, "connection", S("close"));
    h->wants_websocket = !h->http10 && h->method == METHOD_GET &&
                         http_has(h, "connection", S("upgrade")) &&
                         http_has(h, "upgrade", S("websocket"));
    if (h->wants_websocket && h->has_body)
        return fail(p, ERR_SYNTAX, 400);
    struct str expect = http_value(h, "expect");
    if (expect.p == nullptr || h->http10)
        return OK;
    if (http_count(h, "expect") > 1 || !str_eq_nocase(expect, S("100-continue")))
        return fail(p, ERR_UNSUPPORTED, 417);
    h->expects_continue = h->has_body;
    return OK;
}

static bool version_known(const struct http_parser *p)
{
    return p->ll.http_major == 1 && p->ll.http_minor <= 1;
}

static enum err read_head(struct http_parser *p)
{
    p->head =
        (struct http_head){.http10 = p->ll.http_minor == 0, .method = method_of(p->ll.method)};
    if (!version_known(p))
        return fail(p, ERR_UNSUPPORTED, 505);
    enum err err = buf_reserve(&p->text, p->target_n); /* the last time that `text` may move */
    if (err != OK)
        return fail(p, err, err_http_status(err));
    slice_fields(p);
    try(read_host(p));
    try(read_target(p));
    try(read_framing(p));
    return read_connection(p);
}

/* --- the parser ---------------------------------------------------------------------------------- */

static const llhttp_settings_t settings = {
    .on_message_begin = on_message_begin,
    .on_protocol = on_protocol,
    .on_url = on_url,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

enum err http_parser_create(struct http_parser **ret_parser)
{
    struct http_parser *p = malloc(sizeof *p);
    if (p == nullptr)
        return ERR_NOMEM;
    p->text = BUF(HTTP_HEAD_MAX + HTTP_TARGET_MAX);
    http_next(p);
    *ret_parser = p;
    return OK;
}

void http_parser_destroy(struct http_parser *p)
{
    if (p == nullptr)
        return;
    buf_finish(&p->text);
    free(p);
}

void http_next(struct http_parser *p)
{
    llhttp_init(&p->ll, HTTP_REQUEST, &settings);
    p->ll.data = p;
    p->phase = PHASE_HEAD;
    p->begun = p->failed = false;
    p->protocol_n = 0;
    p->err = OK;
    p->status = 0;
    p->head_bytes = 0;
    p->body_bytes = p->overhead_bytes = 0;
    p->body = (struct str){};
    buf_clear(&p->text);
    p->target_n = p->count = 0;
    memset(p->places, 0, sizeof p->places);
}

static enum err refuse(struct http_parser *p, llhttp_errno_t code)
{
    if (p->failed)
        return p->err;
    switch (code) {
    case HPE_PAUSED_H2_UPGRADE:
        return fail(p, ERR_UNSUPPORTED, 505);
    case HPE_INVALID_VERSION: /* said of what follows the version, too */
        return version_known(p) ? fail(p, ERR_SYNTAX, 400) : fail(p, ERR_UNSUPPORTED, 505);
    default:
        return fail(p, ERR_SYNTAX, 400);
    }
}

/* Feeds llhttp; returns how many bytes it took. */
static size_t feed(struct http_parser *p, struct str bytes, llhttp_errno_t *ret_code)
{
    if (bytes.n == 0)
        bytes = S(""); /* with NULL it would forget that it is in the middle of a name or a body */
    llhttp_errno_t code = llhttp_execute(&p->ll, bytes.p, bytes.n);
    *ret_code = code;
    if (code != HPE_PAUSED)
        return bytes.n;
    size_t took = (size_t)(llhttp_get_error_pos(&p->ll) - bytes.p);
    llhttp_resume(&p->ll);
    return took;
}

static enum err parse_head(struct http_parser *p, struct str *bytes, struct http_piece *ret_piece)
{
    uint32_t room = HTTP_HEAD_MAX - p->head_bytes;
    if (room == 0 && bytes->n > 0)
        return fail(p, ERR_HEADERS, 431);
    llhttp_errno_t code;
    size_t took = feed(p, str_sub(*bytes, 0, room), &code);
    if (code != HPE_OK && code != HPE_PAUSED)
        return refuse(p, code);
    p->head_bytes += (uint32_t)took;
    *bytes = str_sub(*bytes, took, bytes->n);
    ret_piece->kind = p->phase == PHASE_HEAD ? PIECE_MORE : PIECE_HEAD;
    return OK;
}

static enum err parse_body(struct http_parser *p, struct str *bytes, struct http_piece *ret_piece)
{
    llhttp_errno_t code;
    p->body = (struct str){};
    size_t took = feed(p, *bytes, &code);
    if (code != HPE_OK && code != HPE_PAUSED)
        return refuse(p, code);
    *bytes = str_sub(*bytes, took, bytes->n);
    p->body_bytes += p->body.n;
    p->overhead_bytes += took - p->body.n;
    /* Chunks of one byte are wasteful but legal; endless extensions, zeros or trailers are an attack. */
    if (p->overhead_bytes > HTTP_HEAD_MAX + 8 * p->body_bytes)
        return fail(p, ERR_SYNTAX, 400);
    if (p->body.n > 0)
        *ret_piece = (struct http_piece){PIECE_BODY, p->body};
    else
        ret_piece->kind = p->phase == PHASE_DONE ? PIECE_END : PIECE_MORE;
    return OK;
}

enum err http_parse(struct http_parser *p, struct str *bytes, struct http_piece *ret_piece)
{
    if (p->failed)
        return p->err;
    ret_piece->bytes = (struct str){};
    if (p->phase == PHASE_DONE) {
        ret_piece->kind = PIECE_END;
        return OK;
    }
    for (;;) {
        try(p->phase == PHASE_HEAD ? parse_head(p, bytes, ret_piece)
                                   : parse_body(p, bytes, ret_piece));
        if (ret_piece->kind != PIECE_MORE || bytes->n == 0)
            return OK;
    }
}

int http_error_status(const struct http_parser *p)
{
    return p->status;
}

bool http_begun(const struct http_parser *p)
{
    return p->begun;
}

const struct http_head *http_head(const struct http_parser *p)
{
    return &p->head;
}

struct str http_value(const struct http_head *h, const char *name)
{
    struct str want = str_of(name);
    for (uint32_t i = 0; i < h->field_count; i++)
        if (str_eq(h->fields[i].name, want))
            return h->fields[i].value;
    return (struct str){};
}

unsigned http_count(const struct http_head *h, const char *name)
{
    unsigned count = 0;
    struct str want = str_of(name);
    for (uint32_t i = 0; i < h->field_count; i++)
        count += str_eq(h->fields[i].name, want);
    return count;
}

bool http_has(const struct http_head *h, const char *name, struct str token)
{
    struct str want = str_of(name);
    for (uint32_t i = 0; i < h->field_count; i++) {
        if (!str_eq(h->fields[i].name, want))
            continue;
        struct str rest = h->fields[i].value, item;
        while (str_cut(&rest, ',', &item))
            if (str_eq_nocase(str_trim(item), token))
                return true;
    }
    return false;
}
