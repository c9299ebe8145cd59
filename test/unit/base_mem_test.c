// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"

#include "alloc_fault.h"

#include "unit.h"

static void test_zeroed(void **)
{
    autofree unsigned char *p = mem_zero(3, 5);
    for (int i = 0; i < 15; i++)
        assert_int_equal(p[i], 0);
    assert_null(mem_zero(SIZE_MAX / 2, 3));
    autofree void *none = mem_zero(0, 8);
    assert_non_null(none); /* NULL always means that memory is short */
}

static void test_copies(void **)
{
    autofree char *a = mem_strdup(str_sub(S("hello"), 1, 3)), *b = mem_strdup((struct str){});
    assert_string_equal(a, "el");
    assert_string_equal(b, "");
    assert_null(mem_strdup((struct str){"x", SIZE_MAX}));
}

static void test_arrays_grow(void **)
{
    autofree uint64_t *array = nullptr;
    size_t room = 0;
    for (size_t n = 0; n < 1000; n++) {
        assert_ok(mem_grow((void **)&array, &room, n + 1, sizeof *array));
        assert_true(room > n);
        array[n] = n;
    }
    for (size_t n = 0; n < 1000; n++)
        assert_int_equal(array[n], n);
    uint64_t *had = array;
    size_t had_room = room;
    assert_err(mem_grow((void **)&array, &room, SIZE_MAX, sizeof *array), ERR_TOOBIG);
    assert_err(mem_grow((void **)&array, &room, SIZE_MAX / 8, 16), ERR_TOOBIG);
    alloc_fault_arm(0);
    enum err err = mem_grow((void **)&array, &room, 5000, sizeof *array);
    assert_true(alloc_fault_disarm());
    assert_err(err, ERR_NOMEM);
    assert_ptr_equal(array, had);
    assert_int_equal(room, had_room);
}

static void test_arena(void **)
{
    struct arena *a = arena_create(300000);
    unsigned char *p[300];
    for (size_t i = 0; i < countof(p); i++) {
        p[i] = arena_alloc(a, i * 5);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k < i * 5; k++) {
            assert_int_equal(p[i][k], 0);
            p[i][k] = (unsigned char)i;
        }
    }
    for (size_t i = 0; i < countof(p); i++)
        for (size_t k = 0; k < i * 5; k++)
            assert_int_equal(p[i][k], (unsigned char)i);
    assert_null(arena_alloc(a, SIZE_MAX));
    assert_null(arena_alloc(a, 300000));
    struct str copy;
    assert_ok(arena_str(a, S("text"), &copy));
    assert_str(copy, "text");
    assert_int_equal(copy.p[copy.n], 0);
    assert_err(arena_str(a, (struct str){"x", SIZE_MAX}, &copy), ERR_TOOBIG);
    arena_destroy(a);
    arena_destroy(nullptr);
}

static void test_arena_keeps_its_cap(void **)
{
    struct arena *a = arena_create(1000);
    size_t got = 0;
    while (arena_alloc(a, 48))
        got += 48;
    assert_uint_in_range(got, 900, 1000);
    arena_destroy(a);
}

static enum err use_arena(void *)
{
    struct arena *a = arena_create(1 << 20);
    enum err err = a ? OK : ERR_NOMEM;
    for (int i = 0; i < 100 && err == OK; i++) {
        struct str copy;
        err = arena_str(a, S("a few bytes, and more of them again and again"), &copy);
        if (err == OK && !arena_alloc(a, 3000))
            err = ERR_NOMEM;
    }
    arena_destroy(a);
    return err;
}

static void test_blobs(void **)
{
    struct blob *b = blob_create(S("bytes"));
    assert_true(blob_ref(b) == b);
    blob_unref(b);
    assert_str(blob_str(b), "bytes");
    blob_unref(b);
    blob_unref(nullptr);
    struct blob *empty = blob_create((struct str){});
    assert_int_equal(blob_str(empty).n, 0);
    blob_unref(empty);
    assert_null(blob_reserve(SIZE_MAX));
}

static void test_without_memory(void **)
{
    assert_true(torture(use_arena, nullptr) > 3);
    alloc_fault_arm(0);
    struct blob *b = blob_create(S("bytes"));
    assert_true(alloc_fault_disarm());
    assert_null(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeroed),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_arrays_grow),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_arena_keeps_its_cap),
        cmocka_unit_test(test_blobs),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
