// SPDX-License-Identifier: Apache-2.0
/* The pool: never more lent than the cap, old ones replaced without waiting for those that are lent. */
#include "stt/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "unit.h"

enum { WAIT_MS = 60000 };

/* Items are numbered in the order in which they were made. */
struct workshop {
    pthread_mutex_t mu;
    pthread_cond_t changed;
    int made, destroyed; /* mu */
    int fail_from;       /* mu: makes from this number on fail; 0: none */
    int said;            /* mu: how often `renewed` was called */
    int cleaned;         /* mu */
    bool dirty_water;    /* mu: cleaning waits */
    bool spoils;         /* mu: cleaning fails */
    uint32_t tag;        /* mu: with what, the last time */
};

static struct workshop shop = {.mu = PTHREAD_MUTEX_INITIALIZER,
                               .changed = PTHREAD_COND_INITIALIZER};

static enum err make(void *arg, void **ret_item)
{
    struct workshop *w = arg;
    int *item = malloc(sizeof *item);
    assert_non_null(item);
    pthread_mutex_lock(&w->mu);
    bool fail = w->fail_from > 0 && w->made + 1 >= w->fail_from;
    if (!fail) {
        *item = ++w->made;
        *ret_item = item;
    }
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->mu);
    if (fail)
        free(item);
    return fail ? ERR_NOMEM : OK;
}

static void destroy(void *arg, void *item)
{
    struct workshop *w = arg;
    free(item);
    pthread_mutex_lock(&w->mu);
    w->destroyed++;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->mu);
}

static bool clean(void *arg, void *item)
{
    (void)item;
    struct workshop *w = arg;
    pthread_mutex_lock(&w->mu);
    w->cleaned++;
    pthread_cond_broadcast(&w->changed);
    while (w->dirty_water)
        pthread_cond_wait(&w->changed, &w->mu);
    bool good = !w->spoils;
    pthread_mutex_unlock(&w->mu);
    return good;
}

static void set(bool *what, bool value)
{
    pthread_mutex_lock(&shop.mu);
    *what = value;
    pthread_cond_broadcast(&shop.changed);
    pthread_mutex_unlock(&shop.mu);
}

static void renewed(void *arg, uint32_t tag)
{
    struct workshop *w = arg;
    pthread_mutex_lock(&w->mu);
    w->said++;
    w->tag = tag;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->mu);
}

/* Returns when so many have been made and destroyed. */
static void wait_for(int made, int destroyed)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    pthread_mutex_lock(&shop.mu);
    int rc = 0;
    while (rc == 0 && (shop.made < made || shop.destroyed < destroyed))
        rc = pthread_cond_timedwait(&shop.changed, &shop.mu, &until);
    int got_made = shop.made, got_destroyed = shop.destroyed;
    pthread_mutex_unlock(&shop.mu);
    assert_int_equal(got_made, made);
    assert_int_equal(got_destroyed, destroyed);
}

static struct pool *create(uint32_t cap, int fail_from)
{
    static const struct pool_maker maker = {
        .make = make, .destroy = destroy, .clean = clean, .arg = &shop};
    shop.made = shop.destroyed = shop.cleaned = 0;
    shop.fail_from = fail_from;
    struct pool *p;
    assert_ok(pool_create(&maker, cap, &p));
    pool_fill(p);
    return p;
}

static int take(struct pool *p, void **ret_item)
{
    assert_ok(pool_take(p, WAIT_MS, nullptr, nullptr, ret_item));
    return *(int *)*ret_item;
}

static void test_fills(void **state)
{
    (void)state;
    struct pool *p = create(3, 0);
    void *items[3], *none;
    take(p, &none); /* the first use makes the others */
    pool_give(p, none, true);
    wait_for(3, 0);
    int seen = 0;
    for (int i = 0; i < 3; i++)
        seen |= 1 << take(p, &items[i]);
    assert_int_equal(seen, 0xe);
    assert_err(pool_take(p, 0, nullptr, nullptr, &none), ERR_BUSY);
    for (int i = 0; i < 3; i++)
        pool_give(p, items[i], true);
    take(p, &none);
    pool_give(p, none, true);
    pool_destroy(p);
    assert_int_equal(shop.made, 3);
    assert_int_equal(shop.destroyed, 3);
}

static bool asked(void *arg)
{
    ++*(int *)arg;
    return false;
}

/* Who will not wait is told at once, also while more are on their way. */
static void test_no_wait(void **state)
{
    (void)state;
    struct pool *p = create(3, 2);
    void *item, *none;
    int asks = 0;
    take(p, &item);
    assert_err(pool_take(p, 0, asked, &asks, &none), ERR_BUSY);
    assert_int_equal(asks, 1);
    pool_give(p, item, true);
    pool_destroy(p);
}

static bool is_set(void *arg)
{
    return *(bool *)arg;
}

static void test_stopped(void **state)
{
    (void)state;
    struct pool *p = create(1, 0);
    void *item, *none;
    take(p, &item);
    bool stopped = true;
    assert_err(pool_take(p, WAIT_MS, is_set, &stopped, &none), ERR_CANCELED);
    pool_give(p, item, true);
    pool_destroy(p);
}

/* Told once all are new, of the last renewal that could be ended. */
static void test_renewed(void **state)
{
    (void)state;
    static const struct pool_maker maker = {
        .make = make, .destroy = destroy, .renewed = renewed, .arg = &shop};
    shop.made = shop.destroyed = shop.said = shop.fail_from = 0;
    struct pool *p;
    void *old[2];
    assert_ok(pool_create(&maker, 2, &p));
    pool_fill(p);
    wait_for(2, 0);
    take(p, &old[0]);
    take(p, &old[1]);
    pool_renew(p, 7);
    wait_for(3, 0); /* one more than the cap; the other has to wait for a place */
    assert_int_equal(shop.said, 0);
    pool_renew(p, 8);
    pool_give(p, old[0], true);
    pool_give(p, old[1], true);
    pthread_mutex_lock(&shop.mu);
    while (shop.tag != 8)
        pthread_cond_wait(&shop.changed, &shop.mu);
    pthread_mutex_unlock(&shop.mu);
    for (int i = 0; i < 2; i++)
        assert_true(take(p, &old[i]) > 3);
    for (int i = 0; i < 2; i++)
        pool_give(p, old[i], true);
    pool_destroy(p);
    assert_int_equal(shop.said, 1);
    assert_int_equal(shop.made, shop.destroyed);
}

/* Idle ones are replaced; one that is lent lives until it comes back and is not lent again. */
static void test_renew(void **state)
{
    (void)state;
    struct pool *p = create(2, 0);
    void *old, *item;
    int first = take(p, &old);
    wait_for(2, 0);
    pool_renew(p, 1);
    /* One for the idle one, one in the place of the one that is lent: one more than the cap. */
    wait_for(4, 1);
    assert_true(take(p, &item) > 2);
    pool_give(p, item, true);
    assert_int_equal(*(int *)old, first);
    pool_give(p, old, true);
    wait_for(4, 2);
    assert_true(take(p, &item) > 2);
    pool_give(p, item, true);
    pool_destroy(p);
    assert_int_equal(shop.destroyed, 4);
}

static void test_discard(void **state)
{
    (void)state;
    struct pool *p = create(1, 0);
    void *item;
    assert_int_equal(take(p, &item), 1);
    pool_give(p, item, false);
    assert_int_equal(take(p, &item), 2);
    pool_give(p, item, true);
    pool_destroy(p);
    assert_int_equal(shop.destroyed, 2);
}

/* Who gives one back soiled does not wait, nor does who finds another; it is lent again when it is clean. */
static void test_soiled(void **state)
{
    (void)state;
    struct pool *p = create(2, 0);
    void *first, *second, *again, *none;
    int number = take(p, &first);
    take(p, &second);
    pool_give(p, second, true);
    set(&shop.dirty_water, true);
    pool_give_soiled(p, first);
    assert_int_equal(take(p, &second), 3 - number);
    pthread_mutex_lock(&shop.mu);
    while (shop.cleaned < 1)
        pthread_cond_wait(&shop.changed, &shop.mu);
    pthread_mutex_unlock(&shop.mu);
    assert_err(pool_take(p, 0, nullptr, nullptr, &none), ERR_BUSY); /* it is being cleaned */
    set(&shop.dirty_water, false);
    assert_int_equal(take(p, &again), number);
    set(&shop.spoils, true);
    pool_give_soiled(p, again);
    assert_int_equal(take(p, &again), 3); /* in the place of one that could not be cleaned */
    wait_for(3, 1);
    set(&shop.spoils, false);
    pool_give(p, second, true);
    pool_give_soiled(p, again);
    pool_destroy(p);
    assert_int_equal(shop.made, 3);
    assert_int_equal(shop.destroyed, 3);
}

/* While the pool's thread is busy with making one, who needs the soiled one cleans it. */
static void test_soiled_without_a_thread(void **state)
{
    (void)state;
    struct pool *p = create(1, 2); /* it makes in vain, again and again */
    void *item;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(take(p, &item), 1);
        pool_renew(p, 1);
        pool_give_soiled(p, item);
    }
    assert_int_equal(take(p, &item), 1);
    pool_give(p, item, true);
    pool_destroy(p);
    assert_int_equal(shop.cleaned, 20);
}

/* What cannot be made again stays as it was. */
static void test_failures(void **state)
{
    (void)state;
    static const struct pool_maker maker = {.make = make, .destroy = destroy, .arg = &shop};
    struct pool *p;
    shop.made = 0;
    shop.fail_from = 1;
    assert_err(pool_create(&maker, 1, &p), ERR_NOMEM);
    p = create(1, 2);
    pool_renew(p, 1);
    void *item;
    assert_int_equal(take(p, &item), 1);
    pool_give(p, item, true);
    pool_destroy(p);
    assert_int_equal(shop.destroyed, 1);
    pool_destroy(nullptr);
}

enum { USERS = 4, ROUNDS = 300 };
static atomic_int lent_now, lent_most;

static void *use(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        void *item;
        if (pool_take(arg, WAIT_MS, nullptr, nullptr, &item) != OK)
            return arg;
        int now = atomic_fetch_add(&lent_now, 1) + 1;
        if (now > atomic_load(&lent_most))
            atomic_store(&lent_most, now);
        ++*(int *)item; /* ThreadSanitizer sees two users of one item */
        atomic_fetch_sub(&lent_now, 1);
        if (i % 5 == 0)
            pool_give_soiled(arg, item);
        else
            pool_give(arg, item, i % 7 != 0);
        if (i % 11 == 0)
            pool_renew(arg, 1);
    }
    return nullptr;
}

static void test_many_users(void **state)
{
    (void)state;
    struct pool *p = create(2, 0);
    pthread_t users[USERS];
    for (int i = 0; i < USERS; i++)
        assert_int_equal(pthread_create(&users[i], nullptr, use, p), 0);
    for (int i = 0; i < USERS; i++) {
        void *failed;
        pthread_join(users[i], &failed);
        assert_null(failed);
    }
    pool_destroy(p);
    assert_uint_in_range(atomic_load(&lent_most), 1, 2);
    assert_int_equal(shop.made, shop.destroyed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills),
        cmocka_unit_test(test_no_wait),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_renew),
        cmocka_unit_test(test_renewed),
        cmocka_unit_test(test_discard),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_soiled),
        cmocka_unit_test(test_soiled_without_a_thread),
        cmocka_unit_test(test_many_users),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
