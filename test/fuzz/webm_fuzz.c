// SPDX-License-Identifier: Apache-2.0
/* The first byte chooses the size of the pieces; one piece must come to the same as many. */
#include "audio/webm.h"
#include "base/check.h"
#include "fuzz.h"

static enum err run(struct str bytes, size_t step, struct buf *samples)
{
    struct webm *w;
    check(webm_create(&w) == OK);
    enum err err = OK;
    for (size_t at = 0; at < bytes.n && err == OK; at += step)
        err = webm_feed(w, str_sub(bytes, at, bytes.n - at < step ? bytes.n : at + step), samples);
    enum err end = webm_end(w);
    check(err == OK || end == err); /* errors stick */
    check((end == ERR_MEDIA) == (webm_errmsg(w)[0] != 0));
    check(samples->n % sizeof(int16_t) == 0);
    webm_destroy(w);
    return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str bytes = {(const char *)data + 1, size - 1};
    autobuf whole = BUF(SIZE_MAX), pieces = BUF(SIZE_MAX);
    enum err err = run(bytes, SIZE_MAX, &whole);
    check(run(bytes, 1 + data[0] % 64, &pieces) == err);
    check(str_eq(buf_str(&whole), buf_str(&pieces)));
    return 0;
}
