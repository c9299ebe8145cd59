// SPDX-License-Identifier: Apache-2.0
/*
 * Parakeet files of true layout pass; the same file with any one bit of its numbers, or of a tensor's head, changed does
 * not, nor one that is cut anywhere, lacks a tensor or has one twice: libparakeet believes what it reads.
 */
#include "stt/parakeet/parakeet_check.h"

#include <stdlib.h>

#include "checked_file.h"
#include "made_parakeet.h"
#include "read_file.h"
#include "unit.h"

enum { /* where they stand in the tiny file */
       VOCABULARY = 1 * 4,
       CONTEXT = 2 * 4,
       LAYERS = 5 * 4,
       TYPE = 7 * 4,
       TOKENS_AT_ONCE = 15 * 4,
       NUMBERS = 16 * 4,
       FILTERS = NUMBERS + 8,
       WINDOW = FILTERS + 16 * 257 * 4,
       DURATIONS = WINDOW + 4 + 400 * 4,
       WORDS = DURATIONS + 5 * 4,
};

static_assert(sizeof why == PARAKEET_WHY_BYTES);
static struct parakeet_facts facts;

static int make_file(void **)
{
    read_file(made_parakeet(parakeet_tiny_made()), &file);
    return 0;
}

static enum err check_of(struct str bytes)
{
    why[0] = 0;
    return parakeet_check(bytes, &facts, why);
}

static enum err check_now(void)
{
    return check_of(buf_str(&file));
}

static void parakeets_of_all_kinds_pass(void **)
{
    static const char *const types[] = {"f32",  "f16",  "q8_0", "q5_1", "q5_0", "q4_1",
                                        "q4_0", "q6_K", "q5_K", "q4_K", "q3_K", "q2_K"};
    for (size_t i = 0; i < 2 * countof(types); i++) {
        struct parakeet_shape shape = parakeet_tiny_made();
        shape.type = types[i / 2];
        if (strchr(shape.type, 'K')) { /* their blocks are of 256: what predicts stays f32 */
            shape.state = 256;
            shape.channels = 128;
        }
        shape.european = i % 2;
        shape.layers = 1 + (int32_t)i % 2 * 11; /* of two digits */
        shape.inner_layers = 1 + (int32_t)i % 2;
        autobuf other = BUF(64 << 20);
        read_file(made_parakeet(shape), &other);
        assert_ok(check_of(buf_str(&other)));
        assert_str(str_of(facts.type), types[i / 2]);
        assert_int_equal(facts.european, shape.european);
        assert_int_equal(facts.layers, shape.layers);
        assert_int_equal(facts.state, shape.state);
        assert_int_equal(facts.vocabulary, shape.vocabulary);
    }
}

/* Shapes of which libparakeet makes no sense, or stops the program, each with tensors that fit. */
static void impossible_shapes_are_refused(void **)
{
    struct parakeet_shape usual = parakeet_tiny_made();
    struct parakeet_shape shapes[] = {usual, usual, usual, usual, usual, usual, usual};
    shapes[0].heads = 3;
    shapes[1].heads = 16;
    shapes[2].mels = 20;
    shapes[3].vocabulary = 8193;
    shapes[4].layers = 25;
    shapes[5].inner_layers = 3;
    shapes[6].state = 1088;
    for (size_t i = 0; i < countof(shapes); i++) {
        autobuf other = BUF(64 << 20);
        read_file(made_parakeet(shapes[i]), &other);
        expect_refusal(buf_str(&other), "those of no Parakeet");
    }
}

static void a_changed_number_is_refused(void **)
{
    flip(0, CONTEXT);
    flip(CONTEXT + 4, TOKENS_AT_ONCE);
    flip(NUMBERS, FILTERS);
    flip(WORDS, WORDS + 4);
    /* Dimensions and name: a vector, a matrix, a convolution, of a layer that predicts, and a bare number. */
    static const struct {
        const char *name;
        size_t dims;
    } tensors[] = {{"encoder.layers.0.norm_out.weight", 1},
                   {"encoder.layers.0.self_attn.linear_pos.weight", 2},
                   {"encoder.pre_encode.conv.2.weight", 4},
                   {"encoder.pre_encode.conv.2.bias", 4},
                   {"decoder.prediction.dec_rnn.lstm.weight_hh_l1", 2},
                   {"encoder.layers.0.conv.batch_norm.num_batches_tracked", 0},
                   {"joint.joint_net.2.weight", 2}};
    for (size_t i = 0; i < countof(tensors); i++) {
        size_t at = head_of(tensors[i].name), n = 12 + 4 * tensors[i].dims;
        flip(at - n, at + strlen(tensors[i].name));
    }
}

static void expect_number(size_t at, uint32_t number, const char *says)
{
    uint32_t was;
    memcpy(&was, file.p + at, 4);
    memcpy(file.p + at, &number, 4);
    if (says)
        expect_refusal(buf_str(&file), says);
    else
        assert_ok(check_now());
    memcpy(file.p + at, &was, 4);
    assert_ok(check_now());
}

static void numbers_have_bounds(void **)
{
    static const char none[] = "those of no Parakeet";
    static const struct {
        size_t at;
        uint32_t number;
        const char *says; /* NULL: it passes */
    } rows[] = {
        {CONTEXT, 5001, none},
        {CONTEXT, 2432, nullptr},
        {CONTEXT, 2431, none}, /* the longest window would go another way */
        {CONTEXT, UINT32_MAX, none},
        {TOKENS_AT_ONCE, 0, none},
        {TOKENS_AT_ONCE, 11, none},
        {TOKENS_AT_ONCE, 1, nullptr},
        {TYPE, 99, "a kind that is not known"},
        {TYPE, 2147483001, "a kind that is not known"},
        {TYPE, 2001, nullptr}, /* thousands are a version */
        {TYPE, 10, "no whole blocks"},
        {WINDOW, 0, "window does not fit"},
        {WINDOW, 513, "window does not fit"},
        {WINDOW, UINT32_MAX, "window does not fit"},
        {DURATIONS, 64, nullptr},
        {DURATIONS, 65, "a duration that is too long"},
        {DURATIONS + 16, UINT32_MAX, "a duration that is too long"},
        {WORDS, 255, "not as many words as tokens"},
        {WORDS + 4, 257, "a word that is too long"},
        {WORDS + 4, UINT32_MAX, "a word that is too long"},
    };
    for (size_t i = 0; i < countof(rows); i++)
        expect_number(rows[i].at, rows[i].number, rows[i].says);
}

static void a_file_that_is_cut_is_refused(void **)
{
    size_t step = 1, tensors = head_of("encoder.pre_encode.conv.0.weight") - 28;
    for (size_t n = 0; n < file.n; n += step) {
        struct str cut = str_sub(buf_str(&file), 0, n);
        if (check_of(cut) != ERR_INVALID || !why[0])
            fail_msg("%zu of %zu bytes pass", n, file.n);
        step = n < FILTERS + 64 || (n >= tensors && n < tensors + 64) ? 1 : 409;
    }
    expect_refusal(str_sub(buf_str(&file), 0, tensors), "lacks some of its tensors");
    expect_refusal(str_sub(buf_str(&file), 0, file.n - 1), "ends too early");
    autobuf longer = BUF(64 << 20);
    assert_ok(buf_add(&longer, buf_str(&file)));
    assert_ok(buf_add_byte(&longer, 0));
    expect_refusal(buf_str(&longer), "ends too early");
}

/* `name` is taken out and put in again at the end, `times` times. */
static void put_last(const char *name, size_t dims, size_t bytes, int times, struct buf *into)
{
    size_t at = head_of(name) - 12 - 4 * dims, n = 12 + 4 * dims + strlen(name) + bytes;
    buf_clear(into);
    assert_ok(buf_add(into, str_sub(buf_str(&file), 0, at)));
    assert_ok(buf_add(into, str_sub(buf_str(&file), at + n, file.n)));
    for (int i = 0; i < times; i++)
        assert_ok(buf_add(into, str_sub(buf_str(&file), at, at + n)));
}

static void each_tensor_comes_once_in_any_order(void **)
{
    autobuf other = BUF(64 << 20);
    static const struct {
        const char *name;
        size_t dims, bytes;
    } tensors[] = {{"encoder.pre_encode.conv.0.bias", 4, 32 * 4},
                   {"encoder.layers.0.conv.batch_norm.num_batches_tracked", 0, 4},
                   {"decoder.prediction.dec_rnn.lstm.bias_h_l1", 1, 4 * 64 * 4},
                   {"joint.pred.weight", 2, 64 * 2 * 64}};
    for (size_t i = 0; i < countof(tensors); i++) {
        put_last(tensors[i].name, tensors[i].dims, tensors[i].bytes, 1, &other);
        assert_ok(check_of(buf_str(&other)));
        put_last(tensors[i].name, tensors[i].dims, tensors[i].bytes, 0, &other);
        expect_refusal(buf_str(&other), "lacks some");
        put_last(tensors[i].name, tensors[i].dims, tensors[i].bytes, 2, &other);
        expect_refusal(buf_str(&other), "twice");
    }
}

static void other_files_are_refused(void **)
{
    expect_refusal(S(""), "no Parakeet file");
    expect_refusal(S("lmg"), "no Parakeet file");
    expect_refusal(S("GGUF\3\0\0\0"), "no Parakeet file");
    expect_refusal(S("RIFF\0\0\0\0WAVE"), "no Parakeet file");
    expect_refusal(S("lmgg"), "ends too early");
    expect_number(VOCABULARY, 51864, "those of no Parakeet"); /* a Whisper's */
    expect_number(LAYERS, 0, "those of no Parakeet");
}

static void expect_no_number(size_t at, const void *no_number, size_t n)
{
    char was[4];
    memcpy(was, file.p + at, n);
    memcpy(file.p + at, no_number, n);
    expect_refusal(buf_str(&file), "no numbers");
    memcpy(file.p + at, was, n);
    assert_ok(check_now());
}

/* A filter, the window, a vector, a matrix. */
static void weights_are_numbers(void **)
{
    const uint32_t none = 0x7fc00000, infinite = 0xff800000;
    const uint16_t none_half = 0x7e00;
    expect_no_number(FILTERS + 4 * 777, &none, 4);
    expect_no_number(WINDOW + 4 + 4 * 399, &infinite, 4);
    expect_no_number(head_of("joint.enc.bias") + strlen("joint.enc.bias") + 4 * 63, &none, 4);
    expect_no_number(head_of("joint.enc.weight") + strlen("joint.enc.weight") + 2 * 64, &none_half,
                     2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parakeets_of_all_kinds_pass),
        cmocka_unit_test(impossible_shapes_are_refused),
        cmocka_unit_test(a_changed_number_is_refused),
        cmocka_unit_test(numbers_have_bounds),
        cmocka_unit_test(a_file_that_is_cut_is_refused),
        cmocka_unit_test(each_tensor_comes_once_in_any_order),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(weights_are_numbers),
    };
    return cmocka_run_group_tests(tests, make_file, forget_file);
}
