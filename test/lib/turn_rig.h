// SPDX-License-Identifier: Apache-2.0
/*
 * Turns with everything around them played by the test: three engines (engine_fake.h), the store, the
 * snapshots, and the client who hears what a turn says. Included by one file a program.
 */
#pragma once

#include "base/clock.h"
#include "base/conf.h"
#include "engine_fake.h"
#include "server/loop/loop.h"
#include "server/rag/rag.h"
#include "server/talk/keep.h"
#include "server/talk/turn.h"
#include "unit.h"

static struct rig {
    struct loop *loop;
    struct conf conf;
    struct fake stt, llm, tts;
    struct sessions *sessions;
    struct session *session;
    struct talk talk;
    enum err refuse_query;
    unsigned queries; /* asked so far */
    unsigned saves;
} rig;

/* --- the store --- */

enum { QUERIES_OPEN = 8 }; /* of all turns there are */
static struct rag_query {
    rag_hits_fn fn;
    void *arg;
    bool open, answered;
} open_queries[QUERIES_OPEN];

enum err rag_query(struct rag *, struct str, struct str, uint32_t, rag_hits_fn fn, void *arg,
                   struct rag_query **ret_query)
{
    struct rag_query *q = open_queries;
    while (q < open_queries + QUERIES_OPEN && q->open)
        q++;
    if (rig.refuse_query != OK || q == open_queries + QUERIES_OPEN)
        return rig.refuse_query != OK ? rig.refuse_query : ERR_BUSY;
    *q = (struct rag_query){.fn = fn, .arg = arg, .open = true};
    rig.queries++;
    *ret_query = q;
    return OK;
}

void rag_query_end(struct rag_query *q)
{
    if (q)
        q->open = false;
}

static inline size_t queries_open(void)
{
    size_t n = 0;
    for (size_t i = 0; i < QUERIES_OPEN; i++)
        n += open_queries[i].open;
    return n;
}

/* Passages by their numbers, the best first. */
static inline void store_finds(enum err err, const char *numbers)
{
    static struct rag_hit hit[QUERIES_OPEN][10];
    static struct rag_hits hits[QUERIES_OPEN];
    for (size_t i = 0; i < QUERIES_OPEN; i++) {
        struct rag_query *q = &open_queries[i];
        if (!q->open || q->answered)
            continue;
        hits[i] = (struct rag_hits){.hit = hit[i], .count = strlen(numbers), .fits = true};
        for (size_t k = 0; k < hits[i].count; k++)
            hit[i][k] = (struct rag_hit){.doc_id = S("d"),
                                         .chunk_id = (uint32_t)(numbers[k] - '0'),
                                         .title = S("Cats"),
                                         .text = S("Cats sleep sixteen hours a day."),
                                         .source = S("cats.md"),
                                         .score = 1};
        q->answered = true;
        q->fn(q->arg, err, err == OK ? &hits[i] : nullptr);
        return;
    }
}

static inline void store_answers(enum err err)
{
    store_finds(err, "1");
}

/* --- the snapshots --- */

void keep_save(struct keep *, struct session *)
{
    rig.saves++;
}

/* --- the client --- */

enum hearing : uint8_t {
    HEARD_PARTIAL,
    HEARD_FINAL,
    HEARD_CITATION,
    HEARD_TOKEN,
    HEARD_AUDIO_START,
    HEARD_AUDIO,
    HEARD_AUDIO_END,
    HEARD_KINDS
};

static struct client {
    struct turn *turn; /* live, or NULL */
    void *epoch;       /* of that turn; what comes with another one is a stray */
    unsigned heard[HEARD_KINDS], ends, strays;
    size_t sound_bytes;
    enum err err;
    char answer[400], played[400], cited[11]; /* the numbers of the passages */
    /* What he does when he hears something of a kind for the nth time. */
    enum hearing at;
    unsigned nth;
    void (*reaction)(struct turn *t);
} client;

static inline void note(void *epoch, struct turn *t, enum hearing kind)
{
    client.strays += t != client.turn || !t || epoch != client.epoch;
    if (++client.heard[kind] == client.nth && kind == client.at && client.reaction)
        client.reaction(t);
}

static inline void on_partial(void *epoch, struct turn *t, struct str, size_t)
{
    note(epoch, t, HEARD_PARTIAL);
}

static inline void on_final(void *epoch, struct turn *t, struct str)
{
    note(epoch, t, HEARD_FINAL);
}

static inline void on_citation(void *epoch, struct turn *t, uint32_t index,
                               const struct rag_hit *hit)
{
    client.cited[index < 10 ? index - 1 : 9] = (char)('0' + hit->chunk_id);
    note(epoch, t, HEARD_CITATION);
}

static inline void on_token(void *epoch, struct turn *t, struct str)
{
    note(epoch, t, HEARD_TOKEN);
}

static inline void on_audio_start(void *epoch, struct turn *t, uint32_t)
{
    note(epoch, t, HEARD_AUDIO_START);
}

static inline void on_audio(void *epoch, struct turn *t, struct str sound)
{
    client.sound_bytes += sound.n;
    note(epoch, t, HEARD_AUDIO);
}

static inline void on_audio_end(void *epoch, struct turn *t)
{
    note(epoch, t, HEARD_AUDIO_END);
}

static inline void copy(struct str s, char into[static 400])
{
    s = str_sub(s, 0, 399);
    if (s.n)
        memcpy(into, s.p, s.n);
    into[s.n] = '\0';
}

static inline void on_ended(void *epoch, struct turn *t, const struct turn_end *end)
{
    client.strays += t != client.turn || !t || epoch != client.epoch;
    client.turn = nullptr;
    client.ends++;
    client.err = end->err;
    copy(end->answer, client.answer);
    copy(end->heard, client.played);
}

static const struct turn_sink sink = {
    .partial = on_partial,
    .final = on_final,
    .citation = on_citation,
    .token = on_token,
    .audio_start = on_audio_start,
    .audio = on_audio,
    .audio_end = on_audio_end,
    .ended = on_ended,
};

/* --- life --- */

static inline void pass_ms(uint64_t ms)
{
    clock_fake(clock_us() + ms * 1000);
    loop_step(rig.loop, 0);
}

static inline int rig_set_up(void **)
{
    rig = (struct rig){};
    client = (struct client){};
    memset(open_queries, 0, sizeof open_queries);
    clock_fake(5000000);
    if (loop_create(&rig.loop) != OK || conf_init(&rig.conf) != OK ||
        sessions_create(4, 1000000, &rig.sessions) != OK ||
        session_create(rig.sessions, S("ann"), &rig.session) != OK)
        return 1;
    fake_create(&rig.stt, rig.loop, "stt", 2);
    fake_create(&rig.llm, rig.loop, "llm", 2);
    fake_create(&rig.tts, rig.loop, "tts", 2);
    rig.talk = (struct talk){.loop = rig.loop,
                             .conf = &rig.conf,
                             .stt = &rig.stt.engine,
                             .ears = &rig.stt.engine,
                             .llm = &rig.llm.engine,
                             .tts = &rig.tts.engine};
    return 0;
}

static inline int rig_tear_down(void **)
{
    pass_ms(1); /* what has ended is freed in the next round */
    fake_destroy(&rig.stt);
    fake_destroy(&rig.llm);
    fake_destroy(&rig.tts);
    sessions_destroy(rig.sessions);
    conf_finish(&rig.conf);
    clock_fake(UINT64_MAX);
    loop_destroy(rig.loop);
    return 0;
}

enum { RATE_HZ = 16000, PIECE_SAMPLES = 1600 }; /* 100 ms */

static const char answer[] = "Sixteen hours, as the book says. Or more.";

/* --- the way of a turn, step by step; each is nothing when there is no turn any more --- */

static inline enum err begin(void)
{
    static const struct turn_request request = {.spoken = true,
                                                .use_rag = true,
                                                .speak = true,
                                                .in_rate_hz = RATE_HZ,
                                                .out_rate_hz = RATE_HZ};
    return turn_begin(&rig.talk, rig.session, &request, &sink, client.epoch, &client.turn);
}

static inline void speak(void)
{
    static const int16_t silence[PIECE_SAMPLES];
    loop_step(rig.loop, 0);
    if (client.turn)
        (void)turn_audio(client.turn, silence, PIECE_SAMPLES); /* what it says shows in the end */
    (void)fake_answer(&rig.stt, 0, MSG_stt_partial, &(struct msg_stt_partial){.text = S("how")});
}

static inline void halt(void)
{
    if (client.turn)
        turn_stop(client.turn);
}

static inline void hear(void)
{
    const struct msg_stt_final final = {.text = S("how long do cats sleep")};
    (void)fake_answer(&rig.stt, 0, MSG_stt_final, &final);
}

static inline void find(void)
{
    store_answers(OK);
}

static inline void sound(void)
{
    static const char samples[2 * PIECE_SAMPLES];
    (void)fake_answer(&rig.tts, 0, MSG_audio, &(struct msg_audio){{samples, sizeof samples}});
}

static inline void tokens_alone(void)
{
    struct str rest = str_of(answer);
    while (rest.n) {
        struct str token = str_sub(rest, 0, 8);
        (void)fake_answer(&rig.llm, 0, MSG_llm_token, &(struct msg_llm_token){token});
        rest = str_sub(rest, token.n, rest.n);
    }
}

static inline void tokens(void)
{
    tokens_alone();
    sound();
}

static inline void done(void)
{
    const struct msg_llm_done said = {
        .reason = S("stop"), .prompt_tokens = 9, .completion_tokens = 6};
    (void)fake_answer(&rig.llm, 0, MSG_llm_done, &said);
}

static inline void finish(void)
{
    sound();
    (void)fake_answer(&rig.tts, 0, MSG_tts_clause,
                      &(struct msg_tts_clause){.samples = 2 * PIECE_SAMPLES});
    (void)fake_answer(&rig.tts, 0, MSG_tts_done, &(struct msg_tts_done){2 * PIECE_SAMPLES});
}

static inline void listen_out(void)
{
    if (client.turn)
        turn_played(client.turn, 1000000);
}

/* The step that leaves each state, so that the first n + 1 lead into the state n. */
static void (*const steps[])(void) = {speak, halt, hear, find, tokens, done, finish, listen_out};
static const struct {
    enum turn_state state;
    size_t steps;
} stages[] = {
    {TURN_LISTENING, 1}, {TURN_FINALISING, 2}, {TURN_RETRIEVING, 3}, {TURN_ANSWERING, 4},
    {TURN_ANSWERING, 5}, {TURN_SPEAKING, 6},   {TURN_PLAYING, 7},
};

static inline void bring(size_t stage)
{
    assert_ok(begin());
    for (size_t i = 0; i < stages[stage].steps; i++)
        steps[i]();
    assert_non_null(client.turn);
    assert_int_equal(turn_state(client.turn), stages[stage].state);
}

static inline void run_all(void)
{
    for (size_t i = 0; i < countof(steps); i++)
        steps[i]();
}

/* Nobody wants anything of it, and it knows. */
static inline void assert_at_rest(const struct fake *f)
{
    assert_true(!f->engine.live && !f->engine.waiting);
    assert_int_equal(f->open_count, 0);
}

static inline void assert_let_go(void)
{
    assert_null(client.turn);
    assert_null(rig.talk.live);
    assert_int_equal(rig.talk.live_count, 0);
    assert_null(rig.session->live);
    assert_int_equal(queries_open(), 0);
    const struct fake *fakes[] = {&rig.stt, &rig.llm, &rig.tts};
    for (size_t i = 0; i < countof(fakes); i++)
        assert_at_rest(fakes[i]);
    assert_int_equal(client.strays, 0);
}

/* What is left of a turn that is being answered, to its end. */
static inline void answer_it(void)
{
    assert_int_equal(turn_state(client.turn), TURN_ANSWERING);
    for (size_t i = 4; i < countof(steps); i++)
        steps[i]();
    assert_int_equal(client.err, OK);
    assert_string_equal(client.answer, answer);
    assert_let_go();
}

static inline void assert_the_next_is_whole(void)
{
    client = (struct client){};
    fake_come_back(&rig.stt);
    fake_come_back(&rig.llm);
    fake_come_back(&rig.tts);
    assert_ok(begin());
    run_all();
    assert_int_equal(client.ends, 1);
    assert_int_equal(client.err, OK);
    assert_string_equal(client.answer, answer);
    assert_int_equal(client.sound_bytes, 4 * PIECE_SAMPLES);
    assert_let_go();
    pass_ms(1);
}
