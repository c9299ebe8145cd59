// SPDX-License-Identifier: Apache-2.0
#include "spoken.h"

#include <stdlib.h>

#include "unit.h"

enum { SOUND_MAX = 64 << 20 };

void spoken_ask(struct peer *p, uint32_t stream, const char *voice, float speed, const char *text)
{
    peer_send(p, MSG_tts_open, stream, &(struct msg_tts_open){str_of(voice), 0, speed});
    peer_send(p, MSG_tts_text, stream, &(struct msg_tts_text){str_of(text)});
    peer_send(p, MSG_tts_finish, stream, &(struct msg_tts_finish){0});
}

void spoken_take(const struct peer *p, struct spoken *s)
{
    struct str bytes = p->msg.audio.samples;
    assert_ok(buf_add(&s->sound, bytes));
    s->samples += (uint32_t)(bytes.n / 2);
    for (size_t i = 0; i < bytes.n / 2; i++) {
        int16_t sample;
        memcpy(&sample, bytes.p + 2 * i, sizeof sample);
        s->peak = abs(sample) > s->peak ? abs(sample) : s->peak;
    }
}

struct spoken spoken_at(struct peer *p, const char *voice, float speed, const char *text)
{
    static uint32_t stream;
    struct spoken s = {.sound = BUF(SOUND_MAX)};
    spoken_ask(p, ++stream, voice, speed, text);
    while (peer_next(p) && p->frame.type != MSG_tts_done) {
        if (p->frame.type == MSG_fail) {
            s.err = (enum err)p->msg.fail.err;
            break;
        }
        if (p->frame.type == MSG_tts_format)
            s.rate_hz = p->msg.tts_format.rate_hz;
        if (p->frame.type == MSG_audio)
            spoken_take(p, &s);
    }
    return s;
}

struct spoken spoken_text(struct peer *p, const char *voice, const char *text)
{
    return spoken_at(p, voice, 0, text);
}

void spoken_cancel_endless(struct peer *p, const char *voice)
{
    enum { ENDLESS = 1 << 20 };
    spoken_ask(p, ENDLESS, voice, 4, "Hello.");
    /* That one computes by the time that a built-in voice has said something; no message tells it. */
    struct spoken other = spoken_text(p, "rms", "Four people are asking at the very same time.");
    assert_int_equal(other.err, OK);
    buf_finish(&other.sound);
    peer_send(p, MSG_cancel, ENDLESS, &(struct msg_cancel){});
    assert_true(peer_wait(p, MSG_canceled));
    assert_int_equal(p->frame.stream, ENDLESS);
}
