// SPDX-License-Identifier: Apache-2.0
/*
 * repartee-llm --embed as a program, with a model that is made here, beside the bare library. $PROGRAM is its path.
 */
#include <llama.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine_peer.h"
#include "gguf_write.h"
#include "unit.h"

enum { DIMENSIONS = 64, TEXTS = 40, ROOM = 128 };

static char model[] = "/tmp/llm-embed-XXXXXX", writer[] = "/tmp/llm-embed-XXXXXX";

static int make(char *path, const struct gguf_shape *shape)
{
    int fd = mkstemp(path);
    if (fd < 0 || !gguf_write(path, shape) || fchmod(fd, 0644) != 0) /* the engine runs as nobody */
        return -1;
    return close(fd);
}

static int make_models(void **)
{
    struct gguf_shape reads = gguf_tiny_bert(), writes = gguf_tiny();
    return make(model, &reads) || make(writer, &writes);
}

static int remove_models(void **)
{
    return unlink(model) || unlink(writer);
}

static struct peer *start(const char *driver, const char *path, const char *options)
{
    struct peer *p = peer_start_with(getenv("PROGRAM"), "--embed");
    assert_str(p->msg.hello.role, "embed");
    peer_load_model(p, driver, path, options);
    return p;
}

/* --- talking to it --- */

struct vector {
    float numbers[DIMENSIONS];
    size_t count;
};

static void open_request(struct peer *p, uint32_t stream, struct msg_embed_open open)
{
    peer_send(p, MSG_embed_open, stream, &open);
}

static void send_text(struct peer *p, uint32_t stream, const char *text)
{
    peer_send(p, MSG_embed_text, stream, &(struct msg_embed_text){0, str_of(text)});
}

static void finish(struct peer *p, uint32_t stream)
{
    peer_send(p, MSG_embed_finish, stream, &(struct msg_embed_finish){});
}

static void keep(struct vector *v, struct str numbers)
{
    v->count = numbers.n / sizeof(float);
    assert_true(v->count <= DIMENSIONS);
    memcpy(v->numbers, numbers.p, numbers.n);
}

/* Vectors of one stream until its embed_done, which is then the present message. */
static size_t hear(struct peer *p, uint32_t stream, struct vector *into, size_t most)
{
    size_t n = 0;
    while (peer_next(p) && p->frame.type != MSG_embed_done) {
        if (p->frame.type == MSG_fail)
            fail_msg("%.*s", STR_FMT(p->msg.fail.text));
        if (p->frame.type != MSG_embed_vector)
            continue;
        assert_int_equal(p->frame.stream, stream);
        assert_true(n < most);
        keep(&into[n++], p->msg.embed_vector.numbers);
    }
    assert_int_equal(p->frame.type, MSG_embed_done);
    return n;
}

static void embed_one(struct peer *p, uint32_t stream, struct msg_embed_open open, const char *text,
                      struct vector *ret_vector)
{
    open_request(p, stream, open);
    send_text(p, stream, text);
    finish(p, stream);
    assert_int_equal(hear(p, stream, ret_vector, 1), 1);
}

static double dot(const struct vector *a, const struct vector *b)
{
    double sum = 0;
    for (size_t i = 0; i < a->count; i++)
        sum += (double)a->numbers[i] * b->numbers[i];
    return sum;
}

static void assert_same(const struct vector *a, const struct vector *b)
{
    assert_int_equal(a->count, b->count);
    if (dot(a, b) < 0.999)
        fail_msg("cosine %f", dot(a, b));
}

/* Texts of many lengths. */
static const char *text_of(uint32_t number)
{
    static const char *const words[] = {"ho", "do", "I", "ad", "a", "b?", "V,", "te"};
    static char text[TEXTS * 12];
    text[0] = 0;
    for (uint32_t i = 0, k = number * 2654435761u; i <= number; i++, k = k * 747796405u + 1) {
        strcat(text, words[(k >> 13) % countof(words)]);
        strcat(text, " ");
    }
    return text;
}

/* --- the tests --- */

static void vectors_of_a_batch_are_those_of_each_alone(void **)
{
    static struct vector alone[TEXTS], together[TEXTS];
    struct peer *p = start("llama", model, "");
    uint32_t stream = 1;
    for (uint32_t i = 0; i < TEXTS; i++, stream++) {
        embed_one(p, stream, (struct msg_embed_open){}, text_of(i), &alone[i]);
        assert_int_equal(alone[i].count, DIMENSIONS);
        assert_float_equal(dot(&alone[i], &alone[i]), 1, 1e-5);
        for (uint32_t k = 0; k < i; k++)
            if (dot(&alone[i], &alone[k]) > 0.9999)
                fail_msg("texts %u and %u have one vector", k, i);
    }
    open_request(p, stream, (struct msg_embed_open){});
    for (uint32_t i = 0; i < TEXTS; i++)
        send_text(p, stream, text_of(i));
    finish(p, stream);
    assert_int_equal(hear(p, stream, together, TEXTS), TEXTS);
    for (uint32_t i = 0; i < TEXTS; i++)
        assert_same(&alone[i], &together[i]);
    assert_int_equal(peer_stop(p), 0);
}

/* Several requests at once, each with its own texts. */
static void requests_do_not_disturb_one_another(void **)
{
    enum { REQUESTS = 8 };
    static struct vector alone[TEXTS];
    struct peer *p = start("llama", model, "");
    uint32_t at[REQUESTS + 1] = {}, first = TEXTS + 1, over = 0;
    for (uint32_t i = 0; i < TEXTS; i++)
        embed_one(p, i + 1, (struct msg_embed_open){}, text_of(i), &alone[i]);
    for (uint32_t r = 0; r < REQUESTS; r++)
        open_request(p, first + r, (struct msg_embed_open){});
    for (uint32_t i = 0; i < TEXTS; i++)
        send_text(p, first + i % REQUESTS, text_of(i));
    for (uint32_t r = 0; r < REQUESTS; r++)
        finish(p, first + r);
    while (over < REQUESTS && peer_next(p)) {
        uint32_t r = p->frame.stream - first;
        over += p->frame.type == MSG_embed_done;
        if (p->frame.type != MSG_embed_vector)
            continue;
        struct vector got;
        keep(&got, p->msg.embed_vector.numbers);
        assert_same(&got, &alone[r + REQUESTS * at[r]++]);
    }
    for (uint32_t r = 0; r < REQUESTS; r++)
        assert_int_equal(at[r], TEXTS / REQUESTS);
    assert_int_equal(peer_stop(p), 0);
}

static void bare_vector(struct llama_context *c, const int32_t *token, int32_t count,
                        struct vector *ret_vector)
{
    struct llama_batch batch = llama_batch_init(count, 0, 1);
    batch.n_tokens = count;
    for (int32_t i = 0; i < count; i++) {
        batch.token[i] = token[i];
        batch.pos[i] = i;
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i] = 1;
    }
    assert_int_equal(llama_encode(c, batch), 0);
    const float *numbers = llama_get_embeddings_seq(c, 0);
    assert_non_null(numbers);
    ret_vector->count = DIMENSIONS;
    memcpy(ret_vector->numbers, numbers, DIMENSIONS * sizeof *numbers);
    double length = sqrt(dot(ret_vector, ret_vector));
    for (int i = 0; i < DIMENSIONS; i++)
        ret_vector->numbers[i] = (float)(ret_vector->numbers[i] / length);
    llama_batch_free(batch);
}

static void quiet(enum ggml_log_level, const char *, void *) {}

static void the_bare_library_says_the_same(void **)
{
    llama_log_set(quiet, nullptr);
    ggml_backend_load_all();
    struct llama_model *bare = llama_model_load_from_file(model, llama_model_default_params());
    struct llama_context_params params = llama_context_default_params();
    params.embeddings = true;
    struct llama_context *c = llama_init_from_model(bare, params);
    assert_non_null(c);
    struct peer *p = start("llama", model, "");
    for (uint32_t i = 0; i < 8; i++) {
        static const char *const prefix[] = {"", "query: ", "passage: "};
        char text[1000];
        int32_t token[ROOM];
        struct vector want, got, from_tokens;
        int n = snprintf(text, sizeof text, "%s%s", prefix[i % 3], text_of(i));
        int32_t count =
            llama_tokenize(llama_model_get_vocab(bare), text, n, token, ROOM, true, false);
        assert_true(count > 3);
        bare_vector(c, token, count, &want);
        embed_one(p, 2 * i + 1, (struct msg_embed_open){.purpose = i % 3}, text_of(i), &got);
        assert_int_equal(p->msg.embed_done.tokens, count);
        assert_same(&want, &got);
        open_request(p, 2 * i + 2, (struct msg_embed_open){.purpose = 1});
        peer_send(
            p, MSG_embed_tokens, 2 * i + 2,
            &(struct msg_embed_tokens){0, {(const char *)token, (size_t)count * sizeof *token}});
        finish(p, 2 * i + 2);
        assert_int_equal(hear(p, 2 * i + 2, &from_tokens, 1), 1);
        assert_same(&want, &from_tokens);
    }
    assert_int_equal(peer_stop(p), 0);
    llama_free(c);
    llama_model_free(bare);
}

static void fewer_dimensions_are_the_first_ones_of_length_one(void **)
{
    struct peer *p = start("llama", model, "");
    struct vector whole, part;
    embed_one(p, 1, (struct msg_embed_open){}, "some words", &whole);
    embed_one(p, 2, (struct msg_embed_open){.dimensions = 10}, "some words", &part);
    assert_int_equal(part.count, 10);
    assert_float_equal(dot(&part, &part), 1, 1e-5);
    for (int i = 1; i < 10; i++)
        assert_float_equal(part.numbers[i] * whole.numbers[0], whole.numbers[i] * part.numbers[0],
                           1e-5);
    assert_int_equal(peer_stop(p), 0);
}

static void refused(struct peer *p, uint32_t stream, enum err err, const char *sentence)
{
    assert_true(peer_wait(p, MSG_fail));
    assert_int_equal(p->frame.stream, stream);
    assert_int_equal(p->msg.fail.err, err);
    if (str_find(p->msg.fail.text, str_of(sentence)) == p->msg.fail.text.n)
        fail_msg("%.*s", STR_FMT(p->msg.fail.text));
}

static void what_does_not_fit_is_refused_or_shortened(void **)
{
    struct peer *p = start("llama", model, "");
    char much[2 * (ROOM - 2) + 3];
    for (size_t i = 0; i < sizeof much; i++)
        much[i] = i % 2 ? ' ' : 'x';
    much[2 * (ROOM - 2)] = 0;
    struct vector fits, cut;
    embed_one(p, 1, (struct msg_embed_open){}, much, &fits);
    assert_int_equal(p->msg.embed_done.tokens, ROOM);
    assert_int_equal(p->msg.embed_done.shortened, 0);
    much[2 * (ROOM - 2)] = 'x';
    much[2 * (ROOM - 2) + 1] = 0;
    open_request(p, 2, (struct msg_embed_open){});
    send_text(p, 2, "short");
    send_text(p, 2, much);
    finish(p, 2);
    refused(p, 2, ERR_INVALID, "text 1 has 129 tokens, and this model reads 128 at most");
    embed_one(p, 3, (struct msg_embed_open){.shorten = 1}, much, &cut);
    assert_int_equal(p->msg.embed_done.tokens, ROOM);
    assert_int_equal(p->msg.embed_done.shortened, 1);
    assert_same(&fits, &cut);
    assert_int_equal(peer_stop(p), 0);
}

static void send_long(struct peer *p, uint32_t stream, struct str text)
{
    while (text.n > 0) {
        struct str piece = str_sub(text, 0, WIRE_PAYLOAD_MAX / 2);
        text = str_sub(text, piece.n, text.n);
        peer_send(p, MSG_embed_text, stream, &(struct msg_embed_text){text.n > 0, piece});
    }
    finish(p, stream);
}

static void a_long_text_is_read_as_far_as_it_matters(void **)
{
    enum { BYTES = 200000 }; /* below WIRE_CREDIT */
    static char much[BYTES];
    struct vector few, first, all;
    struct peer *p = start("llama", model, "");
    for (size_t i = 0; i < BYTES; i++)
        much[i] = i % 2 ? ' ' : 'x';
    open_request(p, 1, (struct msg_embed_open){});
    send_long(p, 1, (struct str){much, BYTES});
    refused(p, 1, ERR_INVALID, "text 0 has more than");
    open_request(p, 2, (struct msg_embed_open){.shorten = 1});
    send_long(p, 2, (struct str){much, BYTES});
    assert_int_equal(hear(p, 2, &all, 1), 1);
    assert_int_equal(p->msg.embed_done.shortened, 1);
    open_request(p, 3, (struct msg_embed_open){});
    send_long(p, 3, (struct str){much, (size_t)2 * (ROOM - 2)});
    assert_int_equal(hear(p, 3, &first, 1), 1);
    assert_same(&first, &all);
    memset(much + 1, ' ', BYTES - 2); /* white space is no token */
    much[BYTES - 1] = 'x';
    open_request(p, 4, (struct msg_embed_open){});
    send_long(p, 4, (struct str){much, BYTES});
    assert_int_equal(hear(p, 4, &all, 1), 1);
    embed_one(p, 5, (struct msg_embed_open){}, "x x", &few);
    assert_same(&few, &all);
    assert_int_equal(peer_stop(p), 0);
}

static void bad_requests_are_refused(void **)
{
    struct peer *p = start("llama", model, "");
    const int32_t token[] = {5, 300};
    open_request(p, 1, (struct msg_embed_open){.dimensions = DIMENSIONS + 1});
    refused(p, 1, ERR_INVALID, "vectors have 64 dimensions");
    open_request(p, 2, (struct msg_embed_open){});
    peer_send(p, MSG_embed_tokens, 2,
              &(struct msg_embed_tokens){0, {(const char *)token, sizeof token}});
    finish(p, 2);
    refused(p, 2, ERR_INVALID, "300 is no token of this model");
    open_request(p, 3, (struct msg_embed_open){.purpose = 3});
    refused(p, 3, ERR_INVALID, "");
    open_request(p, 4, (struct msg_embed_open){});
    finish(p, 4);
    refused(p, 4, ERR_SYNTAX, "");
    open_request(p, 5, (struct msg_embed_open){});
    peer_send(p, MSG_embed_text, 5, &(struct msg_embed_text){1, S("begun")});
    finish(p, 5);
    refused(p, 5, ERR_SYNTAX, "");
    open_request(p, 6, (struct msg_embed_open){});
    peer_send(p, MSG_embed_tokens, 6, &(struct msg_embed_tokens){0, S("odd")});
    refused(p, 6, ERR_SYNTAX, "");
    struct vector v;
    embed_one(p, 7, (struct msg_embed_open){}, "and it goes on", &v);
    assert_int_equal(peer_stop(p), 0);
}

/* Until its embed_done; vectors of stream 1 are counted. */
static void hear_until_done(struct peer *p, uint32_t stream, uint32_t *vectors)
{
    do {
        assert_true(peer_next(p));
        assert_int_not_equal(p->frame.type, MSG_fail);
        *vectors += p->frame.type == MSG_embed_vector && p->frame.stream == 1;
    } while (p->frame.type != MSG_embed_done);
    assert_int_equal(p->frame.stream, stream);
}

/* A request whose vectors nobody takes pauses, and goes on when they are taken; one beside it is served. */
static void who_takes_nothing_does_not_hold_up_others(void **)
{
    enum { MANY = 2048 };
    struct peer *p = start("llama", model, "");
    uint32_t vectors = 0;
    p->stingy = true;
    open_request(p, 1, (struct msg_embed_open){});
    for (int i = 0; i < MANY; i++)
        send_text(p, 1, "x");
    finish(p, 1);
    for (; vectors < 900; vectors += p->frame.type == MSG_embed_vector)
        assert_true(peer_next(p));
    open_request(p, 2, (struct msg_embed_open){});
    for (int i = 0; i < 300; i++)
        send_text(p, 2, "y");
    finish(p, 2);
    hear_until_done(p, 2, &vectors);
    assert_true(vectors < MANY);
    p->stingy = false;
    peer_send(p, MSG_credit, 1, &(struct msg_credit){WIRE_CREDIT});
    hear_until_done(p, 1, &vectors);
    assert_int_equal(vectors, MANY);
    assert_int_equal(peer_stop(p), 0);
}

static void cancelling_frees_the_place(void **)
{
    struct peer *p = start("llama", model, "");
    uint32_t stream = 1;
    for (int i = 0; i < 24; i += 4) {
        open_request(p, stream, (struct msg_embed_open){});
        for (int k = 0; k < 200; k++)
            send_text(p, stream, text_of(30));
        finish(p, stream);
        for (int k = 0; k < i; k++)
            assert_true(peer_next(p));
        peer_send(p, MSG_cancel, stream++, &(struct msg_cancel){});
        open_request(p, stream, (struct msg_embed_open){});
        send_text(p, stream, "x");
        finish(p, stream);
        do
            assert_true(peer_next(p));
        while (p->frame.type != MSG_embed_done || p->frame.stream != stream);
        stream++;
    }
    assert_int_equal(peer_stop(p), 0);
}

static void load_refused(const char *flag, const char *path, const char *sentence)
{
    struct peer *p = peer_start_with(getenv("PROGRAM"), flag);
    peer_send(p, MSG_load, WIRE_STREAM_NONE,
              &(struct msg_load){S("llama"), S(""), str_of(path), S(""), 1});
    refused(p, WIRE_STREAM_NONE, ERR_UNSUPPORTED, sentence);
    assert_int_equal(peer_stop(p), 1);
}

static void a_model_for_something_else_is_refused(void **)
{
    load_refused("--embed", writer, "writes texts; embed.model takes an encoder");
    load_refused(nullptr, model, "name it with embed.model");
}

static void the_scripted_driver_fails_on_demand(void **)
{
    struct peer *p = start("scripted", "", "fail=2,dimensions=4");
    struct vector v;
    embed_one(p, 1, (struct msg_embed_open){}, "abc", &v);
    assert_int_equal(v.count, 4);
    assert_float_equal(dot(&v, &v), 1, 1e-5);
    open_request(p, 2, (struct msg_embed_open){});
    send_text(p, 2, "abc");
    finish(p, 2);
    refused(p, 2, ERR_INTERNAL, "");
    assert_int_equal(peer_stop(p), 0);
}

static void what_is_no_vector_is_not_sent(void **)
{
    for (int broken = 1; broken <= 2; broken++) {
        struct peer *p = start("scripted", "", broken == 1 ? "broken=1" : "broken=2");
        open_request(p, 1, (struct msg_embed_open){});
        send_text(p, 1, "abc");
        finish(p, 1);
        refused(p, 1, ERR_INTERNAL, "a vector that is none");
        assert_int_equal(peer_stop(p), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_a_batch_are_those_of_each_alone),
        cmocka_unit_test(requests_do_not_disturb_one_another),
        cmocka_unit_test(the_bare_library_says_the_same),
        cmocka_unit_test(fewer_dimensions_are_the_first_ones_of_length_one),
        cmocka_unit_test(what_does_not_fit_is_refused_or_shortened),
        cmocka_unit_test(a_long_text_is_read_as_far_as_it_matters),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(who_takes_nothing_does_not_hold_up_others),
        cmocka_unit_test(cancelling_frees_the_place),
        cmocka_unit_test(a_model_for_something_else_is_refused),
        cmocka_unit_test(the_scripted_driver_fails_on_demand),
        cmocka_unit_test(what_is_no_vector_is_not_sent),
    };
    return cmocka_run_group_tests(tests, make_models, remove_models);
}
