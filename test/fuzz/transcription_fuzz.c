// SPDX-License-Identifier: Apache-2.0
/*
 * The fields of a form to /v1/audio/transcriptions, a line "name=value" each, and behind an empty line what an engine
 * says: a segment. What is accepted is bounded, what is refused has a sentence, and every answer is well formed.
 */
#include "base/check.h"
#include "base/json.h"
#include "fuzz.h"
#include "server/api/transcription_answer.h"

enum { BODY_MAX = 1 << 24 };

static bool read_fields(struct transcription_request *r, struct str *rest)
{
    struct str line, name;
    while (str_cut(rest, '\n', &line) && line.n) {
        struct json_why why = {};
        (void)str_cut(&line, '=', &name);
        if (transcription_request_field(r, name, line, &why) == OK)
            continue;
        check(why.text[0] && why.param[0] && utf8_valid(str_of(why.text)));
        return false;
    }
    struct json_why why = {};
    bool fits = transcription_request_check(r, &why) == OK;
    check(fits || (why.text[0] && why.param[0]));
    return fits;
}

static void check_answer(struct transcription_answer *a, struct str body)
{
    struct json_doc *doc;
    if (a->request->format == TRANSCRIPTION_JSON || a->request->format == TRANSCRIPTION_VERBOSE) {
        check(json_parse(body, &doc, nullptr) == OK);
        json_doc_destroy(doc);
    } else if (a->request->format == TRANSCRIPTION_VTT) {
        check(str_starts(body, S("WEBVTT\n\n")) && str_ends(body, S("\n\n")));
    }
    check(utf8_valid(body));
}

static void answer(const struct transcription_request *r, const union msg *segment)
{
    const struct msg_stt_final final = {.text = segment->stt_segment.text, .audio_ms = 1000};
    struct transcription_answer a;
    autobuf body = BUF(BODY_MAX);
    transcription_answer_init(&a, r, r->seen & 1);
    enum err err = transcription_answer_segment(&a, &segment->stt_segment);
    if (err == OK)
        err = transcription_answer_segment(&a, &segment->stt_segment); /* times must rise */
    check(err == OK || err == ERR_ENGINE);
    if (err == OK) {
        check(transcription_answer_write(&a, &final, str_of(r->language), &body) == OK);
        check_answer(&a, buf_str(&body));
    }
    transcription_answer_finish(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size};
    struct transcription_request r = {.prompt = BUF(TRANSCRIPTION_FIELD_MAX)};
    union msg segment;
    bool fits = size < TRANSCRIPTION_FIELD_MAX && read_fields(&r, &rest);
    const struct frame frame = {.type = MSG_stt_segment, .payload = rest};
    if (fits && msg_decode(&frame, &segment) == OK)
        answer(&r, &segment);
    transcription_request_finish(&r);
    return 0;
}
