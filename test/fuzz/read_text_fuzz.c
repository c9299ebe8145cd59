// SPDX-License-Identifier: Apache-2.0
/* Any bytes as text in whatever coding: the text that comes out is valid UTF-8, clean, and not much longer. */
#include "fuzz.h"

#include "base/check.h"
#include "read/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct document doc;
    document_init(&doc);
    if (document_read(S("text"), S("fuzz.txt"), (struct str){(const char *)data, size}, &doc) ==
        OK) {
        check(utf8_valid(buf_str(&doc.text)) && utf8_valid(buf_str(&doc.title)));
        check(doc.text.n <= size * 100 + 1024);
        check(doc.title.n > 0 && str_find_byte(buf_str(&doc.title), '\n') == doc.title.n);
    }
    document_finish(&doc);
    return 0;
}
