// SPDX-License-Identifier: Apache-2.0
/* The body of a request to /v1/audio/speech: what is accepted is bounded, and what is refused has a sentence. */
#include "base/check.h"
#include "base/json.h"
#include "fuzz.h"
#include "server/api/speech_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_doc *doc;
    struct json_why why = {};
    struct speech_request r;
    if (json_parse((struct str){(const char *)data, size}, &doc, &why) != OK)
        return 0;
    if (speech_request_read(json_root(doc), &r, &why) == OK) {
        check(str_trim(r.input).n > 0 && r.input.n <= 4 * 4096 && utf8_valid(r.input));
        check(r.voice.n <= 64 && utf8_valid(r.voice));
        check(r.speed >= 0.25 && r.speed <= 4 && r.format <= SPEECH_PCM);
    } else {
        check(why.text[0] && utf8_valid(str_of(why.text)));
    }
    json_doc_destroy(doc);
    return 0;
}
