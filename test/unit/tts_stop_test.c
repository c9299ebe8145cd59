// SPDX-License-Identifier: Apache-2.0
/*
 * A run is ended while it computes, from another thread. Its graph is a loop that would go on for centuries, so whoever does not end it
 * waits until the test's time is over.
 */
#include <pthread.h>
#include <sched.h>

#include "onnx_write.h"
#include "tts/onnx/session.h"
#include "unit.h"

enum { OPSET = 17, ROOM = 1 << 16 };

static char why[SESSION_WHY_BYTES];
static struct session *endless;

static int make(void **)
{
    static struct onnx o;
    autobuf file = BUF(ROOM);
    int x = onnx_input(&o, "x", ELEMENT_FLOAT, 0);
    onnx_attribute_int(&o, "to", ELEMENT_BOOL);
    int go = onnx_op1(&o, "Cast", onnx_int(&o, 1));
    onnx_output(&o, onnx_endless(&o, go, x), "y", ELEMENT_FLOAT, 0);
    onnx_write(&o, OPSET, &file);
    enum err err = session_prepare();
    if (err == OK)
        err = session_open_all(2, why);
    if (err == OK)
        err = session_create(buf_str(&file), &endless, why);
    if (err != OK)
        print_error("%s\n", why);
    return err == OK ? 0 : -1;
}

static int unmake(void **)
{
    session_destroy(endless);
    session_close_all();
    return 0;
}

struct runner {
    pthread_t thread;
    struct session_stop stop;
    enum err err;
    char why[SESSION_WHY_BYTES];
};

static enum err run(struct runner *r)
{
    static const char *const names[] = {"y"};
    static const float x = 1;
    const struct session_input input = {"x", SESSION_FLOATS, &x, 0, {}};
    struct session_output out;
    enum err err = session_run(endless, &input, 1, names, 1, &out, &r->stop, r->why);
    if (err == OK)
        session_free(&out, 1);
    return err;
}

static void *run_apart(void *arg)
{
    struct runner *r = arg;
    r->err = run(r);
    return nullptr;
}

static bool runs(struct session_stop *stop)
{
    pthread_mutex_lock(&stop->mutex);
    bool is_running = stop->run;
    pthread_mutex_unlock(&stop->mutex);
    return is_running;
}

static void begin(struct runner *r)
{
    session_stop_init(&r->stop);
    assert_int_equal(pthread_create(&r->thread, nullptr, run_apart, r), 0);
    while (!runs(&r->stop))
        sched_yield();
}

static void end(struct runner *r)
{
    session_stop_set(&r->stop);
    assert_int_equal(pthread_join(r->thread, nullptr), 0);
    assert_err(r->err, ERR_CANCELED);
    assert_string_equal(r->why, "");
    assert_false(runs(&r->stop));
}

static void a_run_is_ended(void **)
{
    struct runner r = {};
    begin(&r);
    end(&r);
    assert_err(run(&r), ERR_CANCELED); /* none begins any more */
    session_stop_set(&r.stop);         /* twice is once */
    session_stop_finish(&r.stop);
}

/* Two of the same session: of these the one that was meant. */
static void another_run_goes_on(void **)
{
    struct runner a = {}, b = {};
    begin(&a);
    begin(&b);
    end(&a);
    assert_true(runs(&b.stop));
    end(&b);
    session_stop_finish(&a.stop);
    session_stop_finish(&b.stop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_ended),
        cmocka_unit_test(another_run_goes_on),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
