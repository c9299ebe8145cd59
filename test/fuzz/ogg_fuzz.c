// SPDX-License-Identifier: Apache-2.0
/*
 * The first byte chooses the size of the pieces; one piece must come to the same as many. With its
 * highest bit the pages' checksums are made right, for else no change would get past them.
 */
#include <ogg/ogg.h>

#include "audio/ogg_in.h"
#include "base/check.h"
#include "fuzz.h"

static enum err run(struct str bytes, size_t step, struct buf *samples)
{
    struct ogg_in *o;
    check(ogg_in_create(&o) == OK);
    enum err err = OK;
    for (size_t at = 0; at < bytes.n && err == OK; at += step)
        err =
            ogg_in_feed(o, str_sub(bytes, at, bytes.n - at < step ? bytes.n : at + step), samples);
    enum err end = ogg_in_end(o);
    check(err == OK || end == err); /* errors stick */
    check((end == ERR_MEDIA) == (ogg_in_errmsg(o)[0] != 0));
    check(samples->n % sizeof(int16_t) == 0);
    ogg_in_destroy(o);
    return end;
}

static void mend_checksums(struct str bytes)
{
    enum { HEADER = 27, COUNT_AT = 26 };
    while (bytes.n >= HEADER) {
        size_t head = HEADER + (size_t)(uint8_t)bytes.p[COUNT_AT], body = 0;
        if (!str_starts(bytes, S("OggS")) || bytes.n < head) {
            bytes = str_sub(bytes, 1, bytes.n);
            continue;
        }
        for (size_t i = HEADER; i < head; i++)
            body += (uint8_t)bytes.p[i];
        if (bytes.n < head + body)
            return;
        ogg_page page = {(unsigned char *)bytes.p, (long)head, (unsigned char *)bytes.p + head,
                         (long)body};
        ogg_page_checksum_set(&page);
        bytes = str_sub(bytes, head + body, bytes.n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    autobuf copy = BUF(SIZE_MAX);
    check(buf_add(&copy, (struct str){(const char *)data + 1, size - 1}) == OK);
    struct str bytes = buf_str(&copy);
    if (data[0] & 0x80)
        mend_checksums(bytes);
    autobuf whole = BUF(SIZE_MAX), pieces = BUF(SIZE_MAX);
    enum err err = run(bytes, SIZE_MAX, &whole);
    check(run(bytes, 1 + data[0] % 64, &pieces) == err);
    check(str_eq(buf_str(&whole), buf_str(&pieces)));
    return 0;
}
