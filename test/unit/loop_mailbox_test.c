// SPDX-License-Identifier: Apache-2.0
#include "server/loop/mailbox.h"

#include <pthread.h>

#include "unit.h"

static void nothing(void *) {}

static void count_wake(void *arg)
{
    ++*(int *)arg;
}

static struct mail mail_of(uintptr_t n)
{
    return (struct mail){nothing, (void *)n};
}

static void keeps_order_and_wakes_once(void **)
{
    int wakes = 0;
    struct mailbox *b;
    assert_ok(mailbox_create(8, count_wake, &wakes, &b));
    for (uintptr_t i = 0; i < 5; i++)
        assert_ok(mailbox_put(b, mail_of(i)));
    assert_int_equal(wakes, 1);
    assert_int_equal(mailbox_count(b), 5);
    const struct mail *items;
    assert_int_equal(mailbox_take(b, &items), 5);
    for (uintptr_t i = 0; i < 5; i++)
        assert_ptr_equal(items[i].arg, (void *)i);
    assert_int_equal(mailbox_take(b, &items), 0);
    assert_ok(mailbox_put(b, mail_of(9)));
    assert_int_equal(wakes, 2);
    mailbox_destroy(b);
}

static void refuses_when_full_or_closed(void **)
{
    struct mailbox *b;
    const struct mail *items;
    assert_ok(mailbox_create(2, nullptr, nullptr, &b));
    assert_ok(mailbox_put(b, mail_of(1)));
    assert_ok(mailbox_put(b, mail_of(2)));
    assert_err(mailbox_put(b, mail_of(3)), ERR_BUSY);
    assert_int_equal(mailbox_take(b, &items), 2);
    assert_ok(mailbox_put(b, mail_of(4)));
    mailbox_close(b);
    assert_err(mailbox_put(b, mail_of(5)), ERR_CLOSED);
    assert_err(mailbox_put_wait(b, mail_of(5)), ERR_CLOSED);
    assert_int_equal(mailbox_take_wait(b, &items), 1);
    assert_int_equal(mailbox_take_wait(b, &items), 0);
    mailbox_destroy(b);
}

enum { WRITERS = 4, EACH = 20000 };
struct writer {
    struct mailbox *box;
    uintptr_t id;
};

static void *write_all(void *arg)
{
    const struct writer *w = arg;
    for (uintptr_t i = 0; i < EACH; i++)
        if (mailbox_put_wait(w->box, mail_of(w->id << 32 | i)) != OK)
            return arg;
    return nullptr;
}

/* A small box, so that the writers wait most of the time. */
static void loses_nothing_between_threads(void **)
{
    struct mailbox *b;
    assert_ok(mailbox_create(3, nullptr, nullptr, &b));
    pthread_t threads[WRITERS];
    struct writer writers[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){b, i};
        assert_int_equal(pthread_create(&threads[i], nullptr, write_all, &writers[i]), 0);
    }
    uintptr_t next[WRITERS] = {};
    for (unsigned seen = 0; seen < WRITERS * EACH;) {
        const struct mail *items;
        uint32_t n = mailbox_take_wait(b, &items);
        assert_uint_in_range(n, 1, 3);
        for (uint32_t i = 0; i < n; i++) {
            uintptr_t id = (uintptr_t)items[i].arg >> 32;
            assert_int_equal((uintptr_t)items[i].arg & 0xffffffff, next[id]++);
        }
        seen += n;
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    mailbox_destroy(b);
}

static void *wait_for_room(void *arg)
{
    return mailbox_put_wait(arg, mail_of(2)) == ERR_CLOSED ? arg : nullptr;
}

static void closing_frees_those_who_wait(void **)
{
    struct mailbox *b;
    assert_ok(mailbox_create(1, nullptr, nullptr, &b));
    assert_ok(mailbox_put(b, mail_of(1)));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, nullptr, wait_for_room, b), 0);
    mailbox_close(b);
    void *closed;
    pthread_join(thread, &closed);
    assert_ptr_equal(closed, b);
    mailbox_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_and_wakes_once),
        cmocka_unit_test(refuses_when_full_or_closed),
        cmocka_unit_test(loses_nothing_between_threads),
        cmocka_unit_test(closing_frees_those_who_wait),
    };
    return cmocka_run_group_tests_name("loop/mailbox", tests, nullptr, nullptr);
}
