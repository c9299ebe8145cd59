// SPDX-License-Identifier: Apache-2.0
/* The first byte chooses the size of the pieces; the same bytes in one piece must come to the same. */
#include <stdlib.h>

#include "base/check.h"
#include "fuzz.h"
#include "server/net/http.h"

struct sum {
    unsigned heads, ends, status;
    size_t body;
    uint64_t hash;
};

static void mix(struct sum *sum, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        sum->hash = (sum->hash ^ (unsigned char)s.p[i]) * 1099511628211u;
}

static struct sum run(struct str bytes, size_t step)
{
    struct sum sum = {};
    struct http_parser *p;
    if (http_parser_create(&p) != OK)
        abort();
    while (sum.status == 0) {
        struct str piece = str_sub(bytes, 0, step);
        size_t had = piece.n;
        struct http_piece got;
        if (http_parse(p, &piece, &got) != OK) {
            sum.status = (unsigned)http_error_status(p);
            check(sum.status >= 400 && sum.status <= 505);
            break;
        }
        bytes = str_sub(bytes, had - piece.n, bytes.n);
        if (got.kind == PIECE_HEAD) {
            const struct http_head *h = http_head(p);
            sum.heads++;
            check(h->path.n > 0 && h->path.p[0] == '/');
            check(utf8_valid(h->path));
            mix(&sum, h->path);
            for (uint32_t i = 0; i < h->field_count; i++)
                mix(&sum, h->fields[i].value);
        } else if (got.kind == PIECE_BODY) {
            sum.body += got.bytes.n;
            mix(&sum, got.bytes);
        } else if (got.kind == PIECE_END) {
            sum.ends++;
            http_next(p);
        }
        if (got.kind == PIECE_MORE && bytes.n == 0)
            break;
        if (got.kind == PIECE_MORE) /* nothing new is nothing lost */
            check(http_parse(p, &(struct str){}, &got) == OK && got.kind == PIECE_MORE);
    }
    http_parser_destroy(p);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str bytes = {(const char *)data + 1, size - 1};
    struct sum whole = run(bytes, SIZE_MAX), pieces = run(bytes, 1 + data[0] % 16);
    check(whole.heads == pieces.heads && whole.ends == pieces.ends);
    /* Where two things are wrong, the size of the pieces may decide which is seen first. */
    check((whole.status == 0) == (pieces.status == 0));
    if (whole.status == 0)
        check(whole.body == pieces.body && whole.hash == pieces.hash);
    return 0;
}
