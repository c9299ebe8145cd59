// SPDX-License-Identifier: Apache-2.0
/* As many compute at once as there is room for, and those who have not sounded yet go first. */
#include "tts/onnx/gate.h"

#include <stdatomic.h>

#include "unit.h"

enum { THREADS = 16, TIMES = 2000, ROOM = 3 };

static struct gate gate;
static atomic_int inside, most;

static void *go_in_and_out(void *arg)
{
    for (int i = 0; i < TIMES; i++) {
        assert_true(gate_enter(&gate, (i + *(int *)arg) % 3 == 0, nullptr));
        int now = atomic_fetch_add(&inside, 1) + 1, seen = atomic_load(&most);
        while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
            ;
        atomic_fetch_sub(&inside, 1);
        gate_leave(&gate);
    }
    return nullptr;
}

static void no_more_than_there_is_room_for(void **)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    gate_init(&gate, ROOM);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], nullptr, go_in_and_out, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], nullptr), 0);
    assert_int_in_range(atomic_load(&most), 1, ROOM);
    assert_int_equal(gate.room, ROOM);
    assert_int_equal(gate.urgent, 0);
    gate_finish(&gate);
}

struct waiter {
    pthread_t thread;
    bool is_urgent;
    int came; /* which it was of all */
};
static int order; /* of those that have come, in the gate */

static void *wait_and_note(void *arg)
{
    struct waiter *w = arg;
    assert_true(gate_enter(&gate, w->is_urgent, nullptr));
    w->came = ++order;
    gate_leave(&gate);
    return nullptr;
}

/* The gate is held until all wait, as far as can be seen of those that are urgent. */
static void urgent_ones_go_first(void **)
{
    struct waiter waiters[8] = {};
    gate_init(&gate, 1);
    assert_true(gate_enter(&gate, false, nullptr));
    for (size_t i = 0; i < countof(waiters); i++) {
        waiters[i].is_urgent = i % 2;
        assert_int_equal(pthread_create(&waiters[i].thread, nullptr, wait_and_note, &waiters[i]),
                         0);
    }
    uint32_t urgent = 0;
    while (urgent < countof(waiters) / 2) {
        pthread_mutex_lock(&gate.mutex);
        urgent = gate.urgent;
        pthread_mutex_unlock(&gate.mutex);
    }
    gate_leave(&gate);
    for (size_t i = 0; i < countof(waiters); i++)
        assert_int_equal(pthread_join(waiters[i].thread, nullptr), 0);
    for (size_t i = 0; i < countof(waiters); i++)
        assert_int_in_range(waiters[i].came, waiters[i].is_urgent ? 1 : 5,
                            waiters[i].is_urgent ? 4 : 8);
    gate_finish(&gate);
}

static void *wait_in_vain(void *arg)
{
    assert_false(gate_enter(&gate, true, arg));
    return nullptr;
}

/* Whoever is gone waits no more and takes no place; and who comes after it was set does not wait at all. */
static void who_is_gone_does_not_wait(void **)
{
    atomic_bool is_gone = false;
    pthread_t thread;
    gate_init(&gate, 1);
    assert_true(gate_enter(&gate, false, nullptr));
    assert_int_equal(pthread_create(&thread, nullptr, wait_in_vain, &is_gone), 0);
    uint32_t urgent = 0;
    while (urgent == 0) {
        pthread_mutex_lock(&gate.mutex);
        urgent = gate.urgent;
        pthread_mutex_unlock(&gate.mutex);
    }
    atomic_store(&is_gone, true);
    gate_wake(&gate);
    assert_int_equal(pthread_join(thread, nullptr), 0);
    assert_int_equal(gate.urgent, 0);
    gate_leave(&gate);
    assert_false(gate_enter(&gate, false, &is_gone));
    assert_int_equal(gate.room, 1);
    gate_finish(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_than_there_is_room_for),
        cmocka_unit_test(urgent_ones_go_first),
        cmocka_unit_test(who_is_gone_does_not_wait),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
