// SPDX-License-Identifier: Apache-2.0
#include "server/net/sse_reader.h"

static enum err on_line(struct sse_reader *r, struct str line, sse_fn on_event, void *arg)
{
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n == 0) {
        if (r->data.n == 0)
            return OK;
        enum err err = on_event(arg, str_sub(buf_str(&r->data), 0, r->data.n - 1));
        buf_clear(&r->data);
        return err;
    }
    if (!str_starts(line, S("data:")))
        return OK; /* comments, names, numbers */
    struct str value = str_sub(line, 5, line.n);
    if (str_starts(value, S(" ")))
        value = str_sub(value, 1, value.n);
    try(buf_add(&r->data, value));
    return buf_add_byte(&r->data, '\n');
}

enum err sse_reader_feed(struct sse_reader *r, struct str bytes, sse_fn on_event, void *arg)
{
    r->line.cap = r->data.cap = SSE_EVENT_MAX;
    try(buf_add(&r->line, bytes));
    size_t at = 0;
    enum err err = OK;
    while (err == OK) {
        struct str rest = str_sub(buf_str(&r->line), at, r->line.n);
        size_t end = r->looked + str_find_byte(str_sub(rest, r->looked, rest.n), '\n');
        r->looked = end;
        if (end == rest.n)
            break;
        r->looked = 0;
        err = on_line(r, str_sub(rest, 0, end), on_event, arg);
        at += end + 1;
    }
    buf_eat(&r->line, at);
    return err;
}

void sse_reader_finish(struct sse_reader *r)
{
    buf_finish(&r->line);
    buf_finish(&r->data);
}
