// SPDX-License-Identifier: Apache-2.0
/*
 * A voice detector's file of true layout passes; the same with any one bit of its numbers, or of a tensor's head, changed
 * does not, nor one that is cut anywhere, lacks a tensor or has one twice: libwhisper believes what it reads.
 */
#include "stt/silero/silero_check.h"

#include "checked_file.h"
#include "made_file.h"
#include "read_file.h"
#include "silero_write.h"
#include "unit.h"

enum { KIND = 8, VERSION = KIND + 10, NUMBERS = VERSION + 12, TENSORS = NUMBERS + 19 * 4 };

static_assert(sizeof why == SILERO_WHY_BYTES);
static struct silero_facts facts;

static int make_file(void **)
{
    const char *path = made_file();
    assert_true(silero_write(path, &(struct silero_shape){.version = {6, 2, 0}}));
    read_file(path, &file);
    return 0;
}

static enum err check_of(struct str bytes)
{
    why[0] = 0;
    return silero_check(bytes, &facts, why);
}

static void a_true_file_passes(void **)
{
    assert_ok(check_of(buf_str(&file)));
    assert_int_equal(facts.version[0], 6);
    assert_int_equal(facts.version[1], 2);
    assert_int_equal(facts.version[2], 0);
}

static void a_changed_number_is_refused(void **)
{
    flip(0, VERSION);
    flip(NUMBERS, TENSORS);
    static const struct {
        const char *name;
        size_t dims;
    } tensors[] = {{"_model.stft.forward_basis_buffer", 3},
                   {"_model.encoder.2.reparam_conv.bias", 1},
                   {"_model.decoder.rnn.weight_ih", 2},
                   {"_model.decoder.decoder.2.bias", 0}};
    for (size_t i = 0; i < countof(tensors); i++) {
        size_t at = head_of(tensors[i].name);
        flip(at - 12 - 4 * tensors[i].dims, at + strlen(tensors[i].name));
    }
}

static void a_file_that_is_cut_is_refused(void **)
{
    for (size_t n = 0, step = 1; n < file.n; n += step) {
        if (check_of(str_sub(buf_str(&file), 0, n)) != ERR_INVALID || !why[0])
            fail_msg("%zu of %zu bytes pass", n, file.n);
        step = n < TENSORS + 64 ? 1 : 1009;
    }
    expect_refusal(str_sub(buf_str(&file), 0, TENSORS), "lacks some of its tensors");
    expect_refusal(str_sub(buf_str(&file), 0, file.n - 1), "ends too early");
    autobuf longer = BUF(4 << 20);
    assert_ok(buf_add(&longer, buf_str(&file)));
    assert_ok(buf_add_byte(&longer, 0));
    expect_refusal(buf_str(&longer), "ends too early");
}

/* `name`, without dimensions and with one number, is taken out and put in again at the end, `times` times. */
static void put_last(const char *name, int times, struct buf *into)
{
    size_t at = head_of(name) - 12, n = 12 + strlen(name) + 4;
    buf_clear(into);
    assert_ok(buf_add(into, str_sub(buf_str(&file), 0, at)));
    assert_ok(buf_add(into, str_sub(buf_str(&file), at + n, file.n)));
    for (int i = 0; i < times; i++)
        assert_ok(buf_add(into, str_sub(buf_str(&file), at, at + n)));
}

static void each_tensor_comes_once_in_any_order(void **)
{
    static const char bias[] = "_model.decoder.decoder.2.bias";
    autobuf other = BUF(4 << 20);
    put_last(bias, 1, &other);
    assert_ok(check_of(buf_str(&other)));
    put_last(bias, 0, &other);
    expect_refusal(buf_str(&other), "lacks some of its tensors");
    put_last(bias, 2, &other);
    expect_refusal(buf_str(&other), "twice");
}

static void other_files_are_refused(void **)
{
    static const char *const files[] = {"", "lmgg", "GGUF", "This is no model.",
                                        "lmgg\n\0\0\0silero-8k"};
    for (size_t i = 0; i < countof(files); i++)
        assert_err(check_of(str_of(files[i])), ERR_INVALID);
    expect_refusal(S("This is no model."), "no voice detector's file of whisper.cpp");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_true_file_passes),
        cmocka_unit_test(a_changed_number_is_refused),
        cmocka_unit_test(a_file_that_is_cut_is_refused),
        cmocka_unit_test(each_tensor_comes_once_in_any_order),
        cmocka_unit_test(other_files_are_refused),
    };
    return cmocka_run_group_tests(tests, make_file, forget_file);
}
