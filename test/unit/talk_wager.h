// SPDX-License-Identifier: Apache-2.0
/* Answers that are begun before it is sure that they are wanted (talk/wager.c): what is common to their tests. */
#pragma once

#include "server/talk/turn_parts.h"
#include "turn_rig.h"

static const char question[] = "how long do cats sleep";

static inline void partial(const char *text)
{
    assert_ok(
        fake_answer(&rig.stt, 0, MSG_stt_partial, &(struct msg_stt_partial){.text = str_of(text)}));
}

static inline void final_in(const char *text, const char *language)
{
    halt();
    assert_ok(
        fake_answer(&rig.stt, 0, MSG_stt_final,
                    &(struct msg_stt_final){.text = str_of(text), .language = str_of(language)}));
}

static inline void final(const char *text)
{
    final_in(text, "");
}

/* Somebody has spoken, and the passages for his words are there. */
static inline void heard(const char *text)
{
    assert_ok(begin());
    loop_step(rig.loop, 0);
    partial(text);
    find();
}

/* Another conversation. */
static inline void begin_anew(void)
{
    pass_ms(1);
    session_end(rig.sessions, rig.session);
    assert_ok(session_create(rig.sessions, S("ann"), &rig.session));
    client = (struct client){};
}

static inline void token(const char *text)
{
    (void)fake_answer(&rig.llm, 0, MSG_llm_token, &(struct msg_llm_token){str_of(text)});
}

/* What he has been told of an answer. */
static inline unsigned told(void)
{
    return client.heard[HEARD_FINAL] + client.heard[HEARD_CITATION] + client.heard[HEARD_TOKEN] +
           client.heard[HEARD_AUDIO_START] + client.heard[HEARD_AUDIO] +
           client.heard[HEARD_AUDIO_END];
}

static inline uint64_t won(void)
{
    return counter_get(&wagers_won);
}

static inline uint64_t made(void)
{
    return counter_get(&wagers_made);
}

static inline void expect_no_trace(void)
{
    assert_int_equal(told(), 0);
    assert_false(client.turn->wager.is_on);
    assert_int_equal(client.turn->clauses.text.n, 0);
    assert_int_equal(client.turn->sound.n, 0);
    assert_int_equal(client.turn->heard.count, 0);
    assert_int_equal(client.turn->usage.completion_tokens, 0);
    assert_null(client.turn->llm);
    assert_null(client.turn->tts);
    assert_int_equal(rig.session->history.count, 0);
}
