// SPDX-License-Identifier: Apache-2.0
/* What a recogniser elsewhere says. Whatever is taken for a transcript is bounded and fits the messages of engines. */
#include "base/check.h"
#include "fuzz.h"
#include "server/engine/remote/transcript.h"
#include "wire/spoken_word.h"

enum { AUDIO_MS = 60000 };

static enum err on_segment(void *arg, const struct msg_stt_segment *s)
{
    struct buf *frame = arg;
    struct str rest = s->words;
    struct spoken_word w;
    check(utf8_valid(s->text) && s->text.n && s->start_ms <= s->end_ms && s->end_ms <= AUDIO_MS);
    while (rest.n)
        check(spoken_word_next(&rest, s->text.n, &w) == OK && w.start_ms <= w.end_ms);
    buf_clear(frame);
    check(msg_encode(frame, MSG_stt_segment, 1, s) == OK);
    return OK;
}

static bool is_clean(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < ' ' ||
            (text.p[i] == ' ' && (i == 0 || i + 1 == text.n || text.p[i + 1] == ' ')))
            return false;
    return text.n <= REMOTE_TRANSCRIPT_MAX && utf8_valid(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct remote_transcript t = {};
    autobuf frame = BUF(WIRE_PAYLOAD_MAX + WIRE_HEADER_BYTES);
    if (remote_transcript_read((struct str){(const char *)data, size}, &t) != OK)
        return 0;
    check(is_clean(buf_str(&t.text)));
    check(remote_transcript_language(&t).n <= 3);
    for (int timed = 0; timed < 2; timed++) {
        const struct remote_transcript_wish wish = {AUDIO_MS, timed};
        enum err err = remote_transcript_tell(&t, &wish, on_segment, &frame);
        check(err == OK || err == ERR_TOOBIG || (timed && err == ERR_INVALID));
    }
    remote_transcript_finish(&t);
    return 0;
}
