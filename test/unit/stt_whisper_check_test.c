// SPDX-License-Identifier: Apache-2.0
/*
 * Whisper files of true layout pass; the same file with any one bit of its numbers, or of a tensor's head, changed does
 * not, nor one that is cut anywhere, lacks a tensor or has one twice: libwhisper believes what it reads.
 */
#include "stt/whisper/whisper_check.h"

#include <stdlib.h>

#include "checked_file.h"
#include "made_whisper.h"
#include "read_file.h"
#include "unit.h"

enum {
    NUMBERS = 12 * 4, /* magic and hyper-parameters */
    TYPE = 11 * 4,    /* the last of them */
    FILTERS = NUMBERS + 8,
    WORDS = FILTERS + 80 * 201 * 4,
};

static_assert(sizeof why == WHISPER_WHY_BYTES);
static struct whisper_facts facts;

static int make_file(void **)
{
    read_file(made_whisper(whisper_tiny_made()), &file);
    return 0;
}

static enum err check_of(struct str bytes)
{
    why[0] = 0;
    return whisper_check(bytes, &facts, why);
}

static enum err check_now(void)
{
    return check_of(buf_str(&file));
}

static void whispers_of_all_kinds_pass(void **)
{
    static const char *const types[] = {"f32",  "f16",  "q8_0", "q5_1", "q5_0", "q4_1",
                                        "q4_0", "q6_K", "q5_K", "q4_K", "q3_K", "q2_K"};
    for (size_t i = 0; i < countof(types); i++) {
        struct whisper_shape shape = whisper_tiny_made();
        shape.type = types[i];
        if (strchr(shape.type, 'K')) { /* their blocks are of 256 */
            shape.state = 256;
            shape.heads = 4;
        }
        shape.multilingual = i % 2;
        shape.text_layers = 1 + (int32_t)i % 2;
        autobuf other = BUF(64 << 20);
        read_file(made_whisper(shape), &other);
        assert_ok(check_of(buf_str(&other)));
        assert_str(str_of(facts.type), types[i]);
        assert_int_equal(facts.multilingual, shape.multilingual);
        assert_int_equal(facts.text_layers, shape.text_layers);
        assert_int_equal(facts.state, shape.state);
    }
}

static void a_changed_number_is_refused(void **)
{
    flip(0, NUMBERS);
    flip(NUMBERS, FILTERS);
    flip(WORDS + 2, WORDS + 4); /* the lower half of their count may be another */
    /* Dimensions and name of a vector, of a matrix and of a convolution. */
    static const struct {
        const char *name;
        size_t dims;
    } tensors[] = {{"encoder.ln_post.weight", 1},
                   {"decoder.blocks.0.cross_attn.key.weight", 2},
                   {"encoder.conv2.weight", 3}};
    for (size_t i = 0; i < countof(tensors); i++) {
        size_t at = head_of(tensors[i].name), n = 12 + 4 * tensors[i].dims;
        flip(at - n, at + strlen(tensors[i].name));
    }
}

static void a_file_that_is_cut_is_refused(void **)
{
    size_t step = 1, tensors = head_of("encoder.positional_embedding") - 20;
    for (size_t n = 0; n < file.n; n += step) {
        struct str cut = str_sub(buf_str(&file), 0, n);
        if (check_of(cut) != ERR_INVALID || !why[0])
            fail_msg("%zu of %zu bytes pass", n, file.n);
        step = n < FILTERS + 64 || (n >= tensors && n < tensors + 64) ? 1 : 14009;
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
    } tensors[] = {{"encoder.conv1.bias", 2, 64 * 4},
                   {"decoder.blocks.0.attn.query.bias", 1, 64 * 4},
                   {"decoder.token_embedding.weight", 2, 64 * 2 * 51864}};
    for (size_t i = 0; i < countof(tensors); i++) {
        put_last(tensors[i].name, tensors[i].dims, tensors[i].bytes, 1, &other);
        assert_ok(check_of(buf_str(&other)));
        put_last(tensors[i].name, tensors[i].dims, tensors[i].bytes, 0, &other);
        expect_refusal(buf_str(&other), "lacks some of its tensors");
        put_last(tensors[i].name, tensors[i].dims, tensors[i].bytes, 2, &other);
        expect_refusal(buf_str(&other), "twice");
    }
}

static void names_of_layers_are_read_strictly(void **)
{
    static const char *const names[] = {
        "blocks.1.", /* there is one layer, 0 */ "blocks.a.", "blocks.-.", "blocks. .", "blocks/0.",
    };
    size_t at = head_of("blocks.0.mlp.0.bias");
    for (size_t i = 0; i < countof(names); i++) {
        memcpy(file.p + at, names[i], strlen(names[i]));
        assert_err(check_now(), ERR_INVALID);
    }
    memcpy(file.p + at, "blocks.0.", strlen("blocks.0."));
    assert_ok(check_now());
}

/* A word of more bytes than any has, more words than tokens, no blank among them. */
static void words_are_bounded(void **)
{
    const uint32_t many = 51865, long_word = 1025;
    uint32_t was;
    memcpy(&was, file.p + WORDS, 4);
    memcpy(file.p + WORDS, &many, 4);
    expect_refusal(buf_str(&file), "more words than tokens");
    memcpy(file.p + WORDS, &was, 4);
    memcpy(&was, file.p + WORDS + 4, 4);
    memcpy(file.p + WORDS + 4, &long_word, 4);
    expect_refusal(buf_str(&file), "too long");
    memcpy(file.p + WORDS + 4, &was, 4);
    assert_int_equal(file.p[WORDS + 8], ' ');
    file.p[WORDS + 8] = '_';
    expect_refusal(buf_str(&file), "lacks the blank");
    file.p[WORDS + 8] = ' ';
    assert_ok(check_now());
}

static void other_files_are_refused(void **)
{
    expect_refusal(S(""), "no Whisper file");
    expect_refusal(S("lmg"), "no Whisper file");
    expect_refusal(S("GGUF\3\0\0\0"), "no Whisper file");
    expect_refusal(S("RIFF\0\0\0\0WAVE"), "no Whisper file");
    expect_refusal(S("lmgg"), "ends too early");
    /* A type of weights that there is none of; ggml itself stops the program for it. */
    file.p[TYPE] = 99;
    expect_refusal(buf_str(&file), "a kind that is not known");
    file.p[TYPE] = 1;
    assert_ok(check_now());
}

/* Versions of quantisation, times 1000, are in the type; what is left of some numbers is another one for libwhisper. */
static void the_type_s_version_is_bounded(void **)
{
    static const struct {
        uint32_t type;
        bool passes;
    } rows[] = {{1, true},           {1001, true},        {2001, true},        {3001, false},
                {1000001, false},    {2147483001, false}, {2147484001, false}, {4294967001, false},
                {2147484000, false}, {UINT32_MAX, false}};
    const uint32_t was = 1;
    for (size_t i = 0; i < countof(rows); i++) {
        memcpy(file.p + TYPE, &rows[i].type, 4);
        if (rows[i].passes)
            assert_ok(check_now());
        else
            expect_refusal(buf_str(&file), "a kind that is not known");
    }
    memcpy(file.p + TYPE, &was, 4);
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

/* A filter, a vector, a matrix, a convolution. */
static void weights_are_numbers(void **)
{
    const uint32_t none = 0x7fc00000, infinite = 0xff800000;
    const uint16_t none_half = 0x7e00;
    expect_no_number(FILTERS + 4 * 777, &none, 4);
    expect_no_number(head_of("encoder.ln_post.bias") + 20 + 4 * 63, &infinite, 4);
    expect_no_number(head_of("encoder.ln_post.bias") + 20, &none, 4);
    expect_no_number(head_of("encoder.conv2.weight") + 20 + 2 * 64, &none_half, 2);
    expect_no_number(head_of("decoder.token_embedding.weight") + 30 + 2 * 12345, &none_half, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whispers_of_all_kinds_pass),
        cmocka_unit_test(a_changed_number_is_refused),
        cmocka_unit_test(a_file_that_is_cut_is_refused),
        cmocka_unit_test(each_tensor_comes_once_in_any_order),
        cmocka_unit_test(names_of_layers_are_read_strictly),
        cmocka_unit_test(words_are_bounded),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(the_type_s_version_is_bounded),
        cmocka_unit_test(weights_are_numbers),
    };
    return cmocka_run_group_tests(tests, make_file, forget_file);
}
