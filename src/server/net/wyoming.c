// SPDX-License-Identifier: Apache-2.0
#include "server/net/wyoming.h"

void wyoming_decoder_init(struct wyoming_decoder *d, const struct wyoming_limits *limits)
{
    size_t most = limits->line;
    most = limits->data > most ? limits->data : most;
    most = limits->payload > most ? limits->payload : most;
    *d = (struct wyoming_decoder){.limits = *limits, .bytes = BUF(most)};
}

static void drop(struct json_doc **doc)
{
    json_doc_destroy(*doc);
    *doc = nullptr;
}

void wyoming_decoder_finish(struct wyoming_decoder *d)
{
    drop(&d->line);
    drop(&d->data);
    buf_finish(&d->bytes);
}

bool wyoming_is_within(const struct wyoming_decoder *d)
{
    return d->part != WYOMING_LINE || (!d->line && d->bytes.n > 0);
}

/* --- parts --------------------------------------------------------------------------------------- */

/* `n` bytes are one part. Where they lie together they are not copied. */
static enum err gather(struct wyoming_decoder *d, struct str *bytes, size_t n, bool *ret_is_whole,
                       struct str *ret_part)
{
    struct str piece = str_sub(*bytes, 0, n - d->bytes.n);
    bool is_alone = piece.n == n;
    if (!is_alone)
        try(buf_add(&d->bytes, piece));
    *bytes = str_sub(*bytes, piece.n, bytes->n);
    *ret_is_whole = is_alone || d->bytes.n == n;
    *ret_part = is_alone ? piece : buf_str(&d->bytes);
    return OK;
}

static enum err gather_line(struct wyoming_decoder *d, struct str *bytes, bool *ret_is_whole,
                            struct str *ret_line)
{
    size_t end = str_find_byte(*bytes, '\n');
    bool ends = end < bytes->n;
    size_t n = d->bytes.n + end + ends;
    if (n > d->limits.line || (n == d->limits.line && !ends))
        return ERR_TOOBIG;
    try(gather(d, bytes, n, ret_is_whole, ret_line));
    if (!ends && n > 0 && d->bytes.n == 0) /* it lay together, but there is more of it */
        try(buf_add(&d->bytes, *ret_line));
    *ret_is_whole = ends;
    return OK;
}

/* Null is absent. */
static const struct json_val *field(const struct json_val *root, const char *name)
{
    const struct json_val *v = json_get(root, name);
    return v && json_typeof(v) != JSON_NULL ? v : nullptr;
}

static enum err read_length(const struct json_val *root, const char *name, size_t most,
                            size_t *ret_n)
{
    const struct json_val *v = field(root, name);
    *ret_n = 0;
    if (!v)
        return OK;
    if (json_typeof(v) != JSON_INT || json_int(v, -1) < 0)
        return ERR_SYNTAX;
    if ((uint64_t)json_int(v, 0) > most)
        return ERR_TOOBIG;
    *ret_n = (size_t)json_int(v, 0);
    return OK;
}

static enum err take_line(struct wyoming_decoder *d, struct str line)
{
    struct json_why why;
    try(json_parse(line, &d->line, &why));
    const struct json_val *root = json_root(d->line), *type = json_get(root, "type"),
                          *data = field(root, "data");
    struct str name = json_str(type);
    if (json_typeof(root) != JSON_OBJ || name.n == 0 || name.n > WYOMING_TYPE_MAX ||
        (data && json_typeof(data) != JSON_OBJ))
        return ERR_SYNTAX;
    try(read_length(root, "data_length", d->limits.data, &d->data_n));
    return read_length(root, "payload_length", d->limits.payload, &d->payload_n);
}

static enum err take_data(struct wyoming_decoder *d, struct str data)
{
    struct json_why why;
    try(json_parse(data, &d->data, &why));
    return json_typeof(json_root(d->data)) == JSON_OBJ ? OK : ERR_SYNTAX;
}

/* The present part; of those that are empty nothing is awaited. */
static enum err take_part(struct wyoming_decoder *d, struct str *bytes, bool *ret_is_whole,
                          struct str *ret_part)
{
    switch (d->part) {
    case WYOMING_LINE:
        try(gather_line(d, bytes, ret_is_whole, ret_part));
        return *ret_is_whole ? take_line(d, *ret_part) : OK;
    case WYOMING_DATA:
        *ret_is_whole = d->data_n == 0;
        if (d->data_n == 0)
            return OK;
        try(gather(d, bytes, d->data_n, ret_is_whole, ret_part));
        return *ret_is_whole ? take_data(d, *ret_part) : OK;
    default:
        return gather(d, bytes, d->payload_n, ret_is_whole, ret_part);
    }
}

enum err wyoming_decode(struct wyoming_decoder *d, struct str *bytes, bool *ret_is_whole,
                        struct wyoming_event *ret_event)
{
    struct str part = {};
    bool is_whole = true;
    if (d->part == WYOMING_LINE && d->line) { /* the last event has been dealt with */
        wyoming_decoder_finish(d);
        d->data_n = d->payload_n = 0;
    }
    for (;;) {
        try(take_part(d, bytes, &is_whole, &part));
        if (!is_whole) {
            *ret_is_whole = false;
            return OK;
        }
        if (d->part == WYOMING_PAYLOAD)
            break;
        d->part++;
        buf_clear(&d->bytes);
    }
    const struct json_val *root = json_root(d->line);
    d->part = WYOMING_LINE;
    *ret_is_whole = true;
    *ret_event = (struct wyoming_event){.type = json_str(json_get(root, "type")),
                                        .inner = field(root, "data"),
                                        .outer = d->data ? json_root(d->data) : nullptr,
                                        .payload = part};
    return OK;
}

enum err wyoming_read(const struct wyoming_event *e, const struct json_field *fields, size_t count,
                      void *into, struct json_why *why)
{
    if (e->inner)
        try(json_read(e->inner, fields, count, JSON_IGNORE_UNKNOWN, into, why));
    if (e->outer)
        try(json_read(e->outer, fields, count, JSON_IGNORE_UNKNOWN, into, why));
    return OK;
}

/* --- writing ------------------------------------------------------------------------------------- */

enum err wyoming_head(struct buf *into, const char *type, struct str data, size_t payload_bytes)
{
    struct json_out j = {.to = into};
    json_obj(&j);
    json_kstr(&j, "type", str_of(type));
    if (data.n)
        json_kint(&j, "data_length", (int64_t)data.n);
    if (payload_bytes)
        json_kint(&j, "payload_length", (int64_t)payload_bytes);
    json_end(&j);
    try(json_finish(&j));
    try(buf_add_byte(into, '\n'));
    return buf_add(into, data);
}
