// SPDX-License-Identifier: Apache-2.0
/* A Content-Type up to the first line end, then the body; one piece must come to the same as many. */
#include "base/check.h"
#include "fuzz.h"
#include "server/net/multipart.h"

struct sum {
    unsigned parts, ends;
    uint64_t bytes, hash;
    enum err err;
};

static void mix(struct sum *sum, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        sum->hash = (sum->hash ^ (unsigned char)s.p[i]) * 1099511628211u;
}

static enum err on_part(void *arg, const struct multipart_part *part)
{
    struct sum *sum = arg;
    check(sum->parts == sum->ends);
    check(utf8_valid(part->name) && utf8_valid(part->filename));
    sum->parts++;
    mix(sum, part->name);
    mix(sum, part->filename);
    mix(sum, part->type);
    return OK;
}

static enum err on_data(void *arg, struct str bytes)
{
    struct sum *sum = arg;
    check(sum->parts == sum->ends + 1);
    sum->bytes += bytes.n;
    mix(sum, bytes);
    return OK;
}

static enum err on_part_end(void *arg)
{
    struct sum *sum = arg;
    check(++sum->ends == sum->parts);
    return OK;
}

static struct sum run(struct str type, struct str body, size_t step)
{
    static const struct multipart_events events = {on_part, on_data, on_part_end};
    struct sum sum = {};
    struct multipart *m;
    sum.err = multipart_create(type, 4, &events, &sum, &m);
    if (sum.err != OK)
        return sum;
    while (sum.err == OK && body.n > 0) {
        sum.err = multipart_feed(m, str_sub(body, 0, step));
        body = str_sub(body, step < body.n ? step : body.n, body.n);
    }
    if (sum.err == OK)
        sum.err = multipart_finish(m);
    if (sum.err == OK)
        check(sum.parts == sum.ends);
    multipart_destroy(m);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = {(const char *)data, size};
    size_t end = str_find_byte(all, '\n');
    struct str type = str_sub(all, 0, end), body = str_sub(all, end + 1, all.n);
    struct sum whole = run(type, body, SIZE_MAX), pieces = run(type, body, 1 + size % 16);
    check(whole.parts == pieces.parts && whole.ends == pieces.ends && whole.err == pieces.err);
    if (whole.err == OK)
        check(whole.bytes == pieces.bytes && whole.hash == pieces.hash);
    return 0;
}
