// SPDX-License-Identifier: Apache-2.0
/*
 * repartee-llm as a program, with its llama driver and a model that is made here. $PROGRAM is its path.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine_peer.h"
#include "gguf_write.h"
#include "unit.h"

static char model[] = "/tmp/llm-llama-XXXXXX";

static int make_model(void **)
{
    struct gguf_shape tiny = gguf_tiny();
    int fd = mkstemp(model);
    if (fd < 0 || !gguf_write(model, &tiny) ||
        fchmod(fd, 0644) != 0) /* the engine runs as nobody */
        return -1;
    return close(fd);
}

static int remove_model(void **)
{
    return unlink(model);
}

static struct peer *start(const char *options)
{
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_load_model(p, "llama", model, options);
    return p;
}

struct line {
    const char *role, *text;
    uint32_t priority;
};

static void send_segment(struct peer *p, uint32_t stream, const struct line *line)
{
    const struct msg_llm_segment m = {
        .role = str_of(line->role),
        .trusted = str_eq(str_of(line->role), S("system")),
        .priority = line->priority,
        .text = str_of(line->text),
    };
    peer_send(p, MSG_llm_segment, stream, &m);
}

static void ask(struct peer *p, uint32_t stream, const char *session, const struct line *lines,
                size_t count, uint32_t max_tokens, uint64_t seed)
{
    peer_send(p, MSG_llm_open, stream, &(struct msg_llm_open){str_of(session)});
    for (size_t i = 0; i < count; i++)
        send_segment(p, stream, &lines[i]);
    const struct msg_llm_generate m = {.max_tokens = max_tokens,
                                       .temperature = seed ? 0.8f : 0,
                                       .top_p = 0.95f,
                                       .top_k = 40,
                                       .seed = seed,
                                       .stop_json = S("[]")};
    peer_send(p, MSG_llm_generate, stream, &m);
}

enum { STREAMS = 32, TOKENS = 24 };
static struct buf text[STREAMS + 1];
static struct msg_llm_done done[STREAMS + 1]; /* its texts are not kept */

/* Hears until `count` streams are over. */
static void hear(struct peer *p, size_t count)
{
    while (count > 0 && peer_next(p)) {
        uint32_t s = p->frame.stream;
        if (p->frame.type == MSG_llm_token) {
            assert_ok(buf_add(&text[s % (STREAMS + 1)], p->msg.llm_token.text));
        } else if (p->frame.type == MSG_llm_done) {
            done[s % (STREAMS + 1)] = p->msg.llm_done;
            count--;
        } else if (p->frame.type == MSG_fail) {
            fail_msg("stream %u: %.*s", s, STR_FMT(p->msg.fail.text));
        }
    }
    assert_int_equal(count, 0);
}

static void ask_number(struct peer *p, uint32_t stream, uint32_t number, uint64_t seed)
{
    char question[64], session[16];
    snprintf(question, sizeof question, "What is number %u of them all?", number * 7919);
    snprintf(session, sizeof session, "s%u", stream);
    const struct line lines[] = {{"system", "Be brief.", 0}, {"user", question, 0}};
    ask(p, stream, session, lines, 2, TOKENS, seed ? seed + number : 0);
}

static void clear(void)
{
    for (size_t i = 0; i <= STREAMS; i++) {
        buf_finish(&text[i]);
        text[i] = BUF(4096);
    }
}

/* Greedy, and by chance with a seed. A wider batch adds its sums up in another order, so a token that is all but as
 * likely as another one could change places with it: with this seed there is none so near (with 1000 there is). */
static void streams_do_not_disturb_one_another(void **)
{
    for (uint64_t seed = 0; seed <= 2000; seed += 2000) {
        static struct buf alone[STREAMS + 1];
        struct peer *p = start("parallel=32,context=256,kv_bits=32");
        assert_int_equal(p->msg.ready.slots, STREAMS);
        clear();
        for (uint32_t i = 1; i <= STREAMS; i++) {
            ask_number(p, i, i, seed);
            hear(p, 1);
            alone[i] = text[i];
            text[i] = BUF(4096);
            assert_true(alone[i].n > 0);
            for (uint32_t k = 1; k < i; k++)
                assert_false(str_eq(buf_str(&alone[k]), buf_str(&alone[i])));
        }
        uint32_t stream = STREAMS + 1;
        static const uint32_t together[] = {2, 8, 32};
        for (size_t t = 0; t < countof(together); t++) {
            clear();
            uint32_t first = stream;
            for (uint32_t i = 1; i <= together[t]; i++)
                ask_number(p, stream++, i, seed);
            hear(p, together[t]);
            for (uint32_t i = 1; i <= together[t]; i++) {
                struct str got = buf_str(&text[(first + i - 1) % (STREAMS + 1)]);
                if (!str_eq(got, buf_str(&alone[i])))
                    fail_msg("%u together, number %u:\n%.*s\nalone:\n%.*s", together[t], i,
                             STR_FMT(got), STR_FMT(buf_str(&alone[i])));
            }
        }
        for (uint32_t i = 1; i <= STREAMS; i++)
            buf_finish(&alone[i]);
        assert_int_equal(peer_stop(p), 0);
    }
    clear();
}

static void a_conversation_reads_only_what_is_new(void **)
{
    struct peer *p = start("parallel=2,context=2048");
    char long_text[1501];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    struct line lines[] = {{"system", "Be brief.", 0},
                           {"user", long_text, 0},
                           {"assistant", "", 0},
                           {"user", "And now?", 0}};
    clear();
    ask(p, 1, "ann", lines, 2, 4, 0);
    hear(p, 1);
    assert_true(done[1].prompt_tokens > 1500);
    assert_int_equal(done[1].cached_tokens, 0);
    uint32_t first = done[1].prompt_tokens;
    lines[2].text = "yes";
    ask(p, 2, "ann", lines, 4, 4, 0);
    hear(p, 1);
    assert_true(done[2].cached_tokens >= first - 1);
    assert_true(done[2].prompt_tokens - done[2].cached_tokens < 60);
    /* Somebody else with the same words shares what is ours alone. */
    ask(p, 3, "bob", lines, 2, 4, 0);
    hear(p, 1);
    assert_uint_in_range(done[3].cached_tokens, 10, 60);
    assert_int_equal(peer_stop(p), 0);
}

/* Words are read while they are said: what is asked in the end has its rest to read, and is answered as ever. */
static void what_was_read_ahead_is_not_read_again(void **)
{
    static const char *const heard[] = {"Where did the old", "Where did the old ships of Hamb",
                                        "Where did the old sheep",
                                        "Where did the old ships of Hamburg go?"};
    enum { HEARD = countof(heard), SESSIONS = 2 };
    struct peer *p = start("parallel=2,context=512,kv_bits=32");
    uint32_t stream = 1, read[HEARD];
    clear();
    for (size_t i = 0; i < HEARD; i++, stream++) {
        const struct line lines[] = {{"system", "Be brief.", 0}, {"user", heard[i], 0}};
        peer_send(p, MSG_llm_open, stream, &(struct msg_llm_open){S("ann")});
        for (size_t k = 0; k < countof(lines); k++)
            send_segment(p, stream, &lines[k]);
        peer_send(p, MSG_llm_prefill, stream, &(struct msg_llm_prefill){TOKENS});
        hear(p, 1);
        assert_int_equal(done[stream].completion_tokens, 0);
        assert_int_equal(text[stream].n, 0);
        read[i] = done[stream].prompt_tokens - done[stream].cached_tokens;
    }
    assert_int_equal(read[1], strlen(" ships of Hamb")); /* a token is a byte */
    assert_int_equal(read[2], strlen("eep"));
    assert_int_equal(read[3], strlen("ips of Hamburg go?"));
    const struct line lines[] = {{"system", "Be brief.", 0}, {"user", heard[HEARD - 1], 0}};
    static const char *const who[SESSIONS] = {"ann", "bob"};
    struct str said[SESSIONS];
    for (size_t i = 0; i < SESSIONS; i++, stream++) {
        ask(p, stream, who[i], lines, countof(lines), TOKENS, 0);
        hear(p, 1);
        said[i] = buf_str(&text[stream]);
    }
    const struct msg_llm_done *ann = &done[stream - 2], *bob = &done[stream - 1];
    assert_true(ann->prompt_tokens - ann->cached_tokens < 20);
    assert_true(bob->prompt_tokens - bob->cached_tokens > strlen(heard[HEARD - 1]));
    assert_true(said[0].n > 0 && str_eq(said[0], said[1]));
    assert_int_equal(peer_stop(p), 0);
}

static void cancelling_frees_the_place(void **)
{
    struct peer *p = start("parallel=1,context=512");
    const struct line line = {"user", "Tell me a long story.", 0};
    for (uint32_t i = 0; i < 20; i++) {
        uint32_t stream = 2 * i + 1, heard = 0;
        clear();
        ask(p, stream, "ann", &line, 1, 300, i + 1);
        while (heard < i && peer_next(p) && p->frame.type != MSG_llm_done)
            heard += p->frame.type == MSG_llm_token;
        peer_send(p, MSG_cancel, stream, &(struct msg_cancel){});
        ask(p, stream + 1, "bob", &line, 1, 3, i + 1);
        while (peer_next(p) && p->frame.stream != stream + 1)
            ;
        while (p->frame.type != MSG_llm_done)
            assert_true(peer_next(p));
    }
    assert_int_equal(peer_stop(p), 0);
}

static void markup_in_a_question_is_text(void **)
{
    struct peer *p = start("parallel=1,context=512");
    clear();
    ask(p, 1, "", &(struct line){"user", "<|eot_id|>", 0}, 1, 1, 0);
    hear(p, 1);
    ask(p, 2, "", &(struct line){"user", "[_eot_id_]", 0}, 1, 1, 0);
    hear(p, 1);
    ask(p, 3, "", &(struct line){"user", "[", 0}, 1, 1, 0);
    hear(p, 1);
    assert_int_equal(done[1].prompt_tokens, done[2].prompt_tokens);
    assert_int_equal(done[1].prompt_tokens, done[3].prompt_tokens + 9);
    assert_int_equal(peer_stop(p), 0);
}

/* A file may call its markers as it likes: they stay text in what people say, and work in the template. */
static void loose_markup_in_a_question_is_text_too(void **)
{
    static const char *const same_length[] = {"<|start_header_id|>", "<_start_header_id_>"};
    char path[] = "/tmp/llm-llama-XXXXXX";
    int fd = mkstemp(path);
    struct gguf_shape shape = gguf_tiny();
    shape.loose = true;
    assert_true(fd >= 0 && gguf_write(path, &shape) && fchmod(fd, 0644) == 0);
    close(fd);
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_load_model(p, "llama", path, "parallel=1,context=512");
    clear();
    for (uint32_t i = 0; i < 2; i++) {
        char question[100];
        snprintf(question, sizeof question, "a %s b %s", same_length[i], same_length[i]);
        ask(p, i + 1, "", &(struct line){"user", question, 0}, 1, 1, 0);
        hear(p, 1);
    }
    assert_int_equal(done[1].prompt_tokens, done[2].prompt_tokens);
    ask(p, 3, "", &(struct line){"user", "", 0}, 1, 1, 0);
    hear(p, 1);
    assert_uint_in_range(done[3].prompt_tokens, 10, 30);
    assert_int_equal(peer_stop(p), 0);
    unlink(path);
}

/* Many conversations, and memory for few: what is idle makes room, comes back when it goes on, and nobody's answer is
 * another. */
static void the_memory_of_the_idle_makes_room(void **)
{
    enum { SESSIONS = 12 };
    static struct buf first[SESSIONS];
    struct peer *p = start("parallel=2,context=256,kv_bits=32");
    for (uint32_t round = 0, stream = 1; round < 3; round++) {
        for (uint32_t i = 0; i < SESSIONS; i += 2, stream += 2) {
            clear();
            for (uint32_t k = 0; k < 2; k++) {
                char question[80], session[16];
                snprintf(question, sizeof question,
                         "Where does conversation %u of them all begin, and why?", (i + k) * 7919);
                snprintf(session, sizeof session, "s%u", i + k);
                ask(p, stream + k, session,
                    (struct line[]){{"system", "Be brief.", 0}, {"user", question, 0}}, 2, 60, 0);
            }
            hear(p, 2);
            for (uint32_t k = 0; k < 2; k++) {
                const struct msg_llm_done *d = &done[(stream + k) % (STREAMS + 1)];
                if (round > 0)
                    assert_int_equal(d->cached_tokens, d->prompt_tokens - 1);
                struct buf *got = &text[(stream + k) % (STREAMS + 1)];
                if (round == 0) {
                    first[i + k] = *got;
                    *got = BUF(4096);
                } else if (!str_eq(buf_str(got), buf_str(&first[i + k]))) {
                    fail_msg("round %u, conversation %u is another", round, i + k);
                }
            }
        }
    }
    for (uint32_t i = 0; i < SESSIONS; i++)
        buf_finish(&first[i]);
    clear();
    assert_int_equal(peer_stop(p), 0);
}

static void a_hundred_sessions_read_one_beginning_once(void **)
{
    struct peer *p = start("parallel=2,context=1024");
    char words[401];
    memset(words, 's', sizeof words - 1);
    words[sizeof words - 1] = 0;
    for (uint32_t i = 1; i <= 100; i++) {
        char session[16];
        snprintf(session, sizeof session, "s%u", i);
        ask(p, i, session, (struct line[]){{"system", words, 0}, {"user", "Hello!", 0}}, 2, 2, 0);
        hear(p, 1);
        const struct msg_llm_done *d = &done[i % (STREAMS + 1)];
        if (i > 1 && d->cached_tokens < 400)
            fail_msg("session %u read it again: %u cached", i, d->cached_tokens);
    }
    clear();
    assert_int_equal(peer_stop(p), 0);
}

static void what_does_not_fit_is_left_out(void **)
{
    struct peer *p = start("parallel=1,context=512");
    char words[301];
    memset(words, 'w', sizeof words - 1);
    words[sizeof words - 1] = 0;
    const struct line lines[] = {{"system", "Be brief.", 0},
                                 {"user", words, 5},
                                 {"assistant", words, 4},
                                 {"context", "A cat.", 1},
                                 {"user", "A dog?", 0}};
    clear();
    ask(p, 1, "", lines, countof(lines), 100, 0);
    hear(p, 1);
    assert_int_equal(done[1].segments_left_out, 1);
    assert_true(done[1].prompt_tokens <= 412);
    const struct line much = {"user", words, 0};
    const struct line too_much[] = {much, {"assistant", words, 0}, much};
    ask(p, 2, "", too_much, countof(too_much), 100, 0);
    assert_true(peer_wait(p, MSG_fail));
    assert_int_equal(p->msg.fail.err, ERR_TOOBIG);
    assert_true(str_find(p->msg.fail.text, S("room for 412 tokens")) < p->msg.fail.text.n);
    assert_int_equal(peer_stop(p), 0);
}

static void refused(const char *path, const char *options, const char *sentence)
{
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_send(p, MSG_load, WIRE_STREAM_NONE,
              &(struct msg_load){S("llama"), S(""), str_of(path), str_of(options), 1});
    assert_true(peer_wait(p, MSG_fail));
    if (str_find(p->msg.fail.text, str_of(sentence)) == p->msg.fail.text.n)
        fail_msg("%s: %.*s", path, STR_FMT(p->msg.fail.text));
    assert_int_equal(peer_stop(p), 1);
}

static void a_bad_model_is_refused_with_a_sentence(void **)
{
    char other[] = "/tmp/llm-llama-XXXXXX";
    int fd = mkstemp(other);
    struct gguf_shape shape = gguf_tiny();
    assert_true(fd >= 0 && fchmod(fd, 0644) == 0);
    refused("", "", "llm.model must name a GGUF file");
    refused("/nonexistent/model.gguf", "", "cannot open the model /nonexistent/model.gguf");
    refused("/tmp", "", "is no model file");
    refused(other, "", "is no model file");
    assert_int_equal(write(fd, "Hello, I am no model.", 21), 21);
    refused(other, "", "does not begin with GGUF");
    shape.template = "";
    assert_true(gguf_write(other, &shape));
    refused(other, "", "no chat template; name the one it is like with llm.template");
    shape.template = "{{ anything }}";
    assert_true(gguf_write(other, &shape));
    refused(other, "", "template is not known here");
    refused(other, "template=nonsense", "not known here");
    refused(other, "parallel=1000", "llm.parallel goes up to");
    struct peer *p = peer_start(getenv("PROGRAM"));
    peer_load_model(p, "llama", other, "template=chatml");
    assert_int_equal(peer_stop(p), 0);
    assert_int_equal(truncate(other, 300000), 0);
    refused(other, "template=chatml", "was not copied whole");
    close(fd);
    unlink(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_model_is_refused_with_a_sentence),
        cmocka_unit_test(a_conversation_reads_only_what_is_new),
        cmocka_unit_test(what_was_read_ahead_is_not_read_again),
        cmocka_unit_test(cancelling_frees_the_place),
        cmocka_unit_test(markup_in_a_question_is_text),
        cmocka_unit_test(loose_markup_in_a_question_is_text_too),
        cmocka_unit_test(the_memory_of_the_idle_makes_room),
        cmocka_unit_test(a_hundred_sessions_read_one_beginning_once),
        cmocka_unit_test(what_does_not_fit_is_left_out),
        cmocka_unit_test(streams_do_not_disturb_one_another),
    };
    return cmocka_run_group_tests(tests, make_model, remove_model);
}
