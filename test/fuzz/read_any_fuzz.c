// SPDX-License-Identifier: Apache-2.0
/* A file of which nothing is known but its name (the first line) and its bytes: whatever it is taken for,
 * clean text comes out, or a sentence that says why not. */
#include "fuzz.h"

#include "base/check.h"
#include "read/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size}, name;
    if (!str_cut(&bytes, '\n', &name))
        return 0;
    struct document doc;
    autobuf notes = BUF(512);
    document_init(&doc);
    enum err err = document_read(S(""), name, bytes, &doc);
    if (err == OK) {
        check(utf8_valid(buf_str(&doc.text)) && utf8_valid(buf_str(&doc.title)));
        check(doc.text.n <= size * 100 + 1024);
        check(doc.title.n > 0 && str_find_byte(buf_str(&doc.title), '\n') == doc.title.n);
        check(document_notes(&doc, &notes) == OK);
    } else {
        check(err == ERR_MEDIA || err == ERR_TOOBIG || err == ERR_TIMEOUT || err == ERR_NOMEM);
        check(doc.why[0] != '\0' || err == ERR_NOMEM);
    }
    document_finish(&doc);
    return 0;
}
