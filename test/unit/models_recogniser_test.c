// SPDX-License-Identifier: Apache-2.0
/* A file of whisper.cpp is a Parakeet's by its first eight bytes. */
#include "server/models/recogniser.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

static const struct {
    struct str head;
    bool is_parakeet;
} rows[] = {
    {S("lmgg\x00\x20\x00\x00"), true},     /* 8192 */
    {S("lmgg\x00\x04\x00\x00more"), true}, /* 1024 */
    {S("lmgg\x01\x00\x00\x00"), true},
    {S("lmgg\x00\x00\x00\x00"), false},
    {S("lmgg\x01\x20\x00\x00"), false}, /* 8193 */
    {S("lmgg\x98\xca\x00\x00"), false}, /* 51864: a Whisper for English */
    {S("lmgg\x9a\xca\x00\x00"), false}, /* 51866: a later one for many languages */
    {S("lmgg\x0a\x00\x00\x80"), false}, /* no number of tokens */
    {S("lmgg\x0a\x00\x00"), false},
    {S("lmgg"), false},
    {S(""), false},
    {S("GGUF\x03\x00\x00\x00"), false},
    {S("ggml\x00\x04\x00\x00"), false},
};

static void heads_tell(void **)
{
    for (size_t i = 0; i < countof(rows); i++)
        if (recogniser_head_is_parakeet(rows[i].head) != rows[i].is_parakeet)
            fail_msg("row %zu", i);
}

static void files_tell(void **)
{
    char path[] = "/tmp/recogniser-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (size_t i = 0; i < countof(rows); i++) {
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, rows[i].head.p, rows[i].head.n, 0), rows[i].head.n);
        assert_int_equal(recogniser_is_parakeet(path), rows[i].is_parakeet);
    }
    close(fd);
    unlink(path);
    assert_false(recogniser_is_parakeet(path));
    assert_false(recogniser_is_parakeet(""));
    assert_false(recogniser_is_parakeet("/tmp"));
    assert_false(recogniser_is_parakeet("/dev/null"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(heads_tell), cmocka_unit_test(files_tell)};
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
