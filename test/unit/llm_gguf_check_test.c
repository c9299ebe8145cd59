// SPDX-License-Identifier: Apache-2.0
/*
 * A model file that ggml made passes; the same file with any one byte of its magic, version, counts, types, dimensions
 * or offsets changed does not, nor one that is cut anywhere.
 */
#include "llm/gguf_check.h"

#include <gguf.h>
#include <stdlib.h>
#include <unistd.h>

#include "gguf_write.h"
#include "read_file.h"
#include "unit.h"

static char path[] = "/tmp/gguf-check-XXXXXX";
static struct buf file = BUF(16 << 20);
static char why[GGUF_WHY_BYTES];
static struct gguf_facts facts;

static int make_file(void **)
{
    int fd = mkstemp(path);
    struct gguf_shape tiny = gguf_tiny();
    if (fd < 0 || !gguf_write(path, &tiny))
        return -1;
    close(fd);
    read_file(path, &file);
    return 0;
}

static int remove_file(void **)
{
    buf_finish(&file);
    return unlink(path);
}

static enum err check_now(void)
{
    why[0] = 0;
    return gguf_check(buf_str(&file), &facts, why);
}

static void what_ggml_makes_passes(void **)
{
    assert_ok(check_now());
    assert_int_equal(why[0], 0);
}

/* Where the header's parts lie: ggml says where the weights begin. */
static size_t weights_at(void)
{
    struct gguf_context *g = gguf_init_from_file(path, (struct gguf_init_params){.no_alloc = true});
    size_t at = gguf_get_data_offset(g);
    gguf_free(g);
    return at;
}

static void flip(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            file.p[i] ^= (char)(1u << bit);
            enum err err = check_now();
            file.p[i] ^= (char)(1u << bit);
            if (err != ERR_INVALID || !why[0])
                fail_msg("byte %zu, bit %u: %s", i, bit, err_code(err));
        }
    }
}

static void a_changed_number_is_refused(void **)
{
    flip(0, 4);     /* magic */
    flip(4 + 1, 8); /* version: 2 and 3 are one bit apart */
    flip(8, 16);
    flip(16, 24);
    /* Each tensor: name, dimensions, type, offset; the name's letters may be any. */
    struct str header = str_sub(buf_str(&file), 0, weights_at());
    size_t at = str_find(header, S("token_embd.weight"));
    assert_true(at < header.n);
    at += strlen("token_embd.weight");
    flip(at, at + 4 + 2 * 8 + 4 + 8);
    at = str_find(header, S("blk.1.ffn_down.weight")) + strlen("blk.1.ffn_down.weight");
    flip(at, at + 4 + 2 * 8 + 4 + 8);
}

static void a_file_that_is_cut_is_refused(void **)
{
    size_t whole = file.n, header = weights_at();
    for (size_t n = 0; n < whole; n += n < header + 64 ? 1 : 4096) {
        file.n = n;
        assert_int_equal(check_now(), ERR_INVALID);
        assert_true(why[0]);
    }
    file.n = whole - 1;
    assert_int_equal(check_now(), ERR_INVALID);
    file.n = whole;
    assert_ok(check_now());
}

static void impossible_numbers_are_refused(void **)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *says;
    } rows[] = {
#define HEAD(tensors, keys) "GGUF\3\0\0\0" tensors "\0\0\0\0\0\0\0" keys "\0\0\0\0\0\0\0"
#define MANY "\xff\xff\xff\xff\xff\xff\xff"
#define ROW(text, says) {text, sizeof text - 1, says}
#define KEY "\1\0\0\0\0\0\0\0k"
#define TENSOR(dimensions) HEAD("\1", "\1") KEY "\0\0\0\0x\1\0\0\0\0\0\0\0t" dimensions
        ROW("", "does not begin with GGUF"),
        ROW("GGUF", "ends in the middle"),
        ROW("GGML\3\0\0\0", "does not begin with GGUF"),
        ROW("GGUF\1\0\0\0", "GGUF version 1"),
        ROW(HEAD("\0", "\1"), "counts"),
        ROW(HEAD("\1", "\0"), "counts"),
        ROW("GGUF\3\0\0\0\xff" MANY "\1\0\0\0\0\0\0\0", "counts"),
        ROW("GGUF\3\0\0\0\1\0\0\0\0\0\0\0\x7f" MANY, "counts"),
        /* a name; lists whose length in bytes is beyond the file, or wraps to 8 */
        ROW(HEAD("\1", "\1") "\xff" MANY, "ends in the middle"),
        ROW(HEAD("\1", "\1") KEY "\x9\0\0\0\xa\0\0\0\x3f" MANY, "ends in the middle"),
        ROW(HEAD("\1", "\1") KEY "\x9\0\0\0\xa\0\0\0\1\0\0\0\0\0\0\x20"
                                 "12345678",
            "ends in the middle"),
        ROW(HEAD("\1", "\1") KEY "\x9\0\0\0\x8\0\0\0\xff" MANY, "ends in the middle"),
        ROW(HEAD("\1", "\1") KEY "\x9\0\0\0\x9\0\0\0\1\0\0\0\0\0\0\0", "list of an unknown type"),
        ROW(HEAD("\1", "\1") KEY "\xd\0\0\0", "value of an unknown type"),
        ROW(HEAD("\1", "\1") "\x11\0\0\0\0\0\0\0general.alignment\4\0\0\0\3\0\0\0", "power of two"),
        ROW(HEAD("\1", "\1") "\xb\0\0\0\0\0\0\0split.count\2\0\0\0\2\0", "several files"),
        ROW(TENSOR("\0\0\0\0"), "dimensions"),
        ROW(TENSOR("\5\0\0\0"), "dimensions"),
        ROW(TENSOR("\1\0\0\0\0\0\0\0\0\0\0\0"), "impossible size"),
        /* 2^32 · 2^32 elements; 2^61 of 4 bytes and 8 that wrap */
        ROW(TENSOR("\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0"), "impossible size"),
        ROW(TENSOR("\1\0\0\0\2\0\0\0\0\0\0\x40\0\0\0\0\0\0\0\0\0\0\0\0"), "impossible size"),
        ROW(TENSOR("\1\0\0\0\x20\0\0\0\0\0\0\0\xff\0\0\0\0\0\0\0\0\0\0\0"),
            "kind that is not known"),
        ROW(TENSOR("\1\0\0\0\7\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0"), "whole blocks"),
        ROW(TENSOR("\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\x20\0\0\0\0\0\0\0"), "follow one another"),
        ROW(TENSOR("\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "shorter than its header"),
    };
    for (size_t i = 0; i < countof(rows); i++) {
        why[0] = 0;
        assert_int_equal(gguf_check((struct str){rows[i].bytes, rows[i].n}, &facts, why),
                         ERR_INVALID);
        if (!strstr(why, rows[i].says))
            fail_msg("row %zu: %s, not: %s", i, why, rows[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_ggml_makes_passes),
        cmocka_unit_test(a_changed_number_is_refused),
        cmocka_unit_test(a_file_that_is_cut_is_refused),
        cmocka_unit_test(impossible_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
