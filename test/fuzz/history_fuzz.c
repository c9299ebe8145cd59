// SPDX-License-Identifier: Apache-2.0
/* What is kept of a conversation, read back: within the bounds of a history, and written it reads the
 * same. */
#include "base/check.h"
#include "fuzz.h"
#include "server/talk/history.h"

static void put(const struct history *h, struct buf *into)
{
    struct json_out j = {.to = into};
    history_put_json(h, &j);
    check(json_finish(&j) == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct history h = {}, again = {};
    if (history_read_json((struct str){(const char *)bytes, size}, &h) != OK) {
        check(h.count == 0);
        return 0;
    }
    size_t sum = 0;
    for (size_t i = 0; i < h.count; i++) {
        check(utf8_valid((struct str){h.entry[i].text, h.entry[i].n}));
        sum += h.entry[i].n;
    }
    check(h.count <= HISTORY_ENTRIES_MAX && sum == h.bytes && sum <= HISTORY_BYTES_MAX);
    check(h.count == 0 || h.entry[0].by == SAID_BY_USER);
    autobuf once = BUF(HISTORY_JSON_MAX), twice = BUF(HISTORY_JSON_MAX);
    put(&h, &once);
    check(history_read_json(buf_str(&once), &again) == OK && again.count == h.count);
    put(&again, &twice);
    check(str_eq(buf_str(&once), buf_str(&twice)));
    history_finish(&h);
    history_finish(&again);
    return 0;
}
