// SPDX-License-Identifier: Apache-2.0
#include "server/access/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define HASH "abababababababababababababababababababababababababababababababab"

static void test_parse(void **)
{
    static const struct {
        const char *text;
        enum err want;
        size_t count;
    } rows[] = {
        {"", OK, 0},
        {"\n\n", OK, 0},
        {"anna " HASH " 17\n", OK, 1},
        {"anna " HASH " 17", OK, 1},
        {"anna " HASH " 17\nb.o-b_2 " HASH " 0\n", OK, 2},
        {"anna " HASH "\n", ERR_SYNTAX, 0},
        {"anna " HASH " \n", ERR_SYNTAX, 0},
        {"anna " HASH " x\n", ERR_SYNTAX, 0},
        {"anna " HASH "00 17\n", ERR_SYNTAX, 0},
        {"anna AB" HASH " 17\n", ERR_SYNTAX, 0},
        {" " HASH " 17\n", ERR_SYNTAX, 0},
        {"local " HASH " 17\n", ERR_SYNTAX, 0},
        {"visitor " HASH " 17\n", ERR_SYNTAX, 0},
        {"an\xc3\xa4 " HASH " 17\n", ERR_SYNTAX, 0},
        {"-anna " HASH " 17\n", ERR_SYNTAX, 0},
        {"..  " HASH " 17\n", ERR_SYNTAX, 0},
        {"good " HASH " 1\nbad\n", ERR_SYNTAX, 0},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct keys k = {};
        enum err err = keys_parse(str_of(rows[i].text), &k);
        if (err != rows[i].want || k.count != rows[i].count)
            fail_msg("row %zu: %s, %zu", i, err_code(err), k.count);
        keys_free(&k);
    }
    autobuf many = BUF(KEYS_FILE_MAX);
    for (int i = 0; i <= KEYS_MAX; i++)
        assert_ok(buf_addf(&many, "n%d " HASH " 17\n", i));
    struct keys k;
    assert_err(keys_parse(buf_str(&many), &k), ERR_TOOBIG);
}

/* Whose key it is; "" nobody's. */
static const char *find(struct key_ring *ring, struct str token)
{
    const struct key *key;
    enum err err = key_ring_find(ring, token, &key);
    if (err != OK)
        assert_err(err, ERR_AUTH);
    return err == OK ? key->name : "";
}

/* Two keys, found by what was shown and by nothing else, until they are revoked. */
static void test_ring(void **)
{
    char data[] = "/tmp/repartee-keys-XXXXXX", path[64];
    assert_non_null(mkdtemp(data));
    struct key_ring *ring;
    assert_ok(key_ring_create(data, &ring));
    assert_false(key_ring_locks(ring));
    assert_string_equal(find(ring, S("")), "");

    autobuf anna = BUF(100), bob = BUF(100), again = BUF(100);
    assert_ok(keys_add(data, S("anna"), &anna));
    assert_ok(keys_add(data, S("bob"), &bob));
    assert_err(keys_add(data, S("anna"), &again), ERR_CONFLICT);
    assert_err(keys_add(data, S("no way"), &again), ERR_INVALID);
    assert_int_equal(anna.n, strlen("repartee_") + 43);
    assert_false(str_eq(buf_str(&anna), buf_str(&bob)));
    assert_true(key_ring_locks(ring));
    assert_string_equal(find(ring, buf_str(&anna)), "anna");
    assert_string_equal(find(ring, buf_str(&bob)), "bob");
    assert_string_equal(find(ring, str_sub(buf_str(&anna), 0, anna.n - 1)), "");
    assert_string_equal(find(ring, S("anna")), "");
    const struct key *key;
    assert_ok(key_ring_named(ring, S("bob"), &key));
    assert_err(key_ring_named(ring, S("carl"), &key), ERR_AUTH);

    /* The file: private, and without the keys themselves. */
    struct stat about;
    snprintf(path, sizeof path, "%s/keys", data);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    struct keys k;
    assert_ok(keys_read(data, &k));
    assert_int_equal(k.count, 2);
    assert_string_equal(k.key[0].name, "anna");
    keys_free(&k);

    assert_err(keys_remove(data, S("carl")), ERR_NOTFOUND);
    assert_ok(keys_remove(data, S("anna")));
    assert_string_equal(find(ring, buf_str(&anna)), "");
    assert_string_equal(find(ring, buf_str(&bob)), "bob");

    /* A damaged file opens nothing, and keeps the lock on; a command does not overwrite it. */
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs("what is this\n", f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_string_equal(find(ring, buf_str(&bob)), "");
    assert_true(key_ring_locks(ring));
    assert_err(keys_add(data, S("carl"), &again), ERR_SYNTAX);
    assert_int_equal(unlink(path), 0);
    assert_false(key_ring_locks(ring));
    key_ring_destroy(ring);
    key_ring_destroy(nullptr);
    assert_int_equal(rmdir(data), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_ring),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
