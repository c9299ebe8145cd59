// SPDX-License-Identifier: Apache-2.0
/* A conversation with everything around it played by the test (test/lib/turn_rig.h): what its user hears of
 * it, and what reaches his microphone. */
#pragma once

#include "server/talk/barge.h"
#include "server/talk/conversation_parts.h"
#include "turn_rig.h"

static struct user {
    struct conversation *c;
    uint64_t live,
        last; /* numbers of turns: the one he hears of, 0: none; the last one that ended */
    unsigned news[4], begun, ends, failures, asked;
    bool ducked; /* the answer of `live` is played softly */
    enum err refuse;
    enum err failed;
} user;

/* Turns come one after another, and nothing is heard of one that has ended. */
static inline void hears_of(const struct turn *t)
{
    assert_non_null(t);
    if (turn_id(t) == user.live)
        return;
    assert_int_equal(user.live, 0);
    assert_true(turn_id(t) > user.last);
    user.live = turn_id(t);
    user.begun++;
}

static inline void heard_partial(void *, struct turn *t, struct str, size_t)
{
    hears_of(t);
}

static inline void heard_text(void *, struct turn *t, struct str)
{
    hears_of(t);
}

static inline void heard_citation(void *, struct turn *t, uint32_t, const struct rag_hit *)
{
    hears_of(t);
}

static inline void heard_audio_start(void *, struct turn *t, uint32_t)
{
    hears_of(t);
}

static inline void heard_audio_end(void *, struct turn *t)
{
    hears_of(t);
}

static inline void heard_end(void *, struct turn *t, const struct turn_end *)
{
    hears_of(t);
    user.last = user.live;
    user.live = 0;
    user.ducked = false;
    user.ends++;
}

static inline void heard_news(void *, struct turn *t, enum conversation_news what, uint64_t)
{
    hears_of(t);
    user.news[what]++;
    if (what == CONVERSATION_DUCK) {
        assert_false(user.ducked);
        user.ducked = true;
    } else if (what == CONVERSATION_RESUMED) {
        assert_true(user.ducked);
        user.ducked = false;
    }
}

static inline enum err may_begin(void *)
{
    user.asked++;
    return user.refuse;
}

static inline void heard_failure(void *, enum err err, const char *)
{
    user.failures++;
    user.failed = err;
}

static const struct conversation_events events = {
    .turn = {.partial = heard_partial,
             .final = heard_text,
             .citation = heard_citation,
             .token = heard_text,
             .audio_start = heard_audio_start,
             .audio = heard_text,
             .audio_end = heard_audio_end,
             .ended = heard_end},
    .news = heard_news,
    .may_begin = may_begin,
    .failed = heard_failure,
};

static inline void meet_with(const struct conversation_events *his, bool hands_free,
                             enum inlet_format in, bool out_opus)
{
    const struct conversation_wishes wishes = {
        .hands_free = hands_free,
        .in = in,
        .in_rate_hz = RATE_HZ,
        .answer = {.use_rag = true, .speak = true, .out_rate_hz = RATE_HZ, .out_opus = out_opus}};
    user = (struct user){};
    assert_ok(conversation_create(&rig.talk, rig.session, &wishes, his, nullptr, &user.c));
}

static inline void meet(bool hands_free, enum inlet_format in, bool out_opus)
{
    meet_with(&events, hands_free, in, out_opus);
}

static inline void part(void)
{
    conversation_destroy(user.c);
    user.c = nullptr;
    pass_ms(1000);
    assert_null(rig.talk.live);
    assert_null(rig.session->live);
    const struct fake *fakes[] = {&rig.stt, &rig.llm, &rig.tts};
    for (size_t i = 0; i < countof(fakes); i++)
        assert_at_rest(fakes[i]);
}

/* --- what reaches the microphone --- */

static inline void sound_of(uint32_t ms)
{
    static char silence[64 * 1024];
    conversation_sound(user.c, (struct str){silence, (size_t)ms * RATE_HZ / 1000 * 2});
}

/* What the detector says of the next frames. */
static inline void frames(uint32_t n, bool voiced)
{
    char likely[64];
    memset(likely, voiced ? 255 : 0, sizeof likely);
    const struct msg_vad_frames msg = {{likely, n < sizeof likely ? n : sizeof likely}};
    uint32_t stream = fake_stream(&rig.stt, MSG_vad_open);
    if (stream)
        (void)fake_answer(&rig.stt, stream, MSG_vad_frames, &msg);
}

static inline void for_ms(uint32_t ms, bool voiced)
{
    for (; ms >= 20; ms -= 20) {
        sound_of(20);
        frames(1, voiced);
    }
}

static inline uint32_t recogniser(void)
{
    return fake_stream(&rig.stt, MSG_stt_open);
}

static inline void vad_fails(void)
{
    uint32_t stream = fake_stream(&rig.stt, MSG_vad_open);
    if (stream)
        (void)fake_answer(&rig.stt, stream, MSG_fail, &(struct msg_fail){ERR_NOMEM, S("no room")});
}

static inline size_t stt_jobs(void)
{
    const struct engine *e = &rig.stt.engine;
    return e->live_count + e->light_count + e->waiting_count + e->light_waiting;
}

/* All the way to the first sound. */
static inline void is_answered(void)
{
    uint32_t stream = recogniser();
    for_ms(2000, false);
    if (stream)
        (void)fake_answer(&rig.stt, stream, MSG_stt_final,
                          &(struct msg_stt_final){.text = S("how long")});
    loop_step(rig.loop, 0);
    store_answers(OK);
    tokens();
}
