// SPDX-License-Identifier: Apache-2.0
/*
 * A run is ended while it computes, from another thread. Its graph is a loop that would go on for centuries, so whoever does not end it
 * waits until the test's time is over.
 */
#include <limits.h>
#include <pthread.h>
#include <sched.h>

#include "onnx_write.h"
#include "tts/onnx/protobuf.h"
#include "tts/onnx/session.h"
#include "unit.h"

enum { OPSET = 17, ATTRIBUTE_OF_GRAPH = 5, ROOM = 1 << 16 };

static char why[SESSION_WHY_BYTES];
static struct session *endless;

static void put_text(struct buf *into, uint32_t field, const char *text)
{
    into->cap = ROOM;
    assert_ok(protobuf_put_bytes(into, field, str_of(text)));
}

static void put_number(struct buf *into, uint32_t field, uint64_t number)
{
    into->cap = ROOM;
    assert_ok(protobuf_put_varint(into, field, number));
}

static void put(struct buf *into, uint32_t field, struct buf *part)
{
    into->cap = ROOM;
    assert_ok(protobuf_put_bytes(into, field, buf_str(part)));
}

/* A value of one number. */
static void put_value(struct buf *graph, uint32_t field, const char *name, enum onnx_element type)
{
    autobuf shape = BUF(ROOM), tensor = {}, kind = {}, info = {};
    put_number(&tensor, TYPE_ELEMENT, type);
    put(&tensor, TYPE_SHAPE, &shape);
    put(&kind, TYPE_TENSOR, &tensor);
    put_text(&info, VALUE_NAME, name);
    put(&info, VALUE_TYPE, &kind);
    put(graph, field, &info);
}

static void put_node(struct buf *graph, const char *op, const char *a, const char *b,
                     const char *result)
{
    autobuf node = {};
    put_text(&node, NODE_INPUT, a);
    if (b)
        put_text(&node, NODE_INPUT, b);
    put_text(&node, NODE_OUTPUT, result);
    put_text(&node, NODE_OP_TYPE, op);
    put(graph, GRAPH_NODE, &node);
}

/* What the loop does each time: w = w + w, and on. */
static void put_body(struct onnx *o)
{
    autobuf graph = {}, attribute = {};
    put_node(&graph, "Identity", "go", nullptr, "go_on");
    put_node(&graph, "Add", "w", "w", "w_next");
    put_text(&graph, GRAPH_NAME, "body");
    put_value(&graph, GRAPH_INPUT, "i", ELEMENT_INT64);
    put_value(&graph, GRAPH_INPUT, "go", ELEMENT_BOOL);
    put_value(&graph, GRAPH_INPUT, "w", ELEMENT_FLOAT);
    put_value(&graph, GRAPH_OUTPUT, "go_on", ELEMENT_BOOL);
    put_value(&graph, GRAPH_OUTPUT, "w_next", ELEMENT_FLOAT);
    put_text(&attribute, ATTRIBUTE_NAME, "body");
    put(&attribute, ATTRIBUTE_G, &graph);
    put_number(&attribute, ATTRIBUTE_TYPE, ATTRIBUTE_OF_GRAPH);
    put(&o->attributes, NODE_ATTRIBUTE, &attribute);
}

static int make(void **)
{
    static struct onnx o;
    autobuf file = BUF(ROOM);
    int x = onnx_input(&o, "x", ELEMENT_FLOAT, 0), count = onnx_int(&o, INT64_MAX);
    onnx_attribute_int(&o, "to", ELEMENT_BOOL);
    int go = onnx_op1(&o, "Cast", onnx_int(&o, 1));
    put_body(&o);
    onnx_output(&o, onnx_op(&o, "Loop", 3, (int[]){count, go, x}), "y", ELEMENT_FLOAT, 0);
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

static void begin(struct runner *r)
{
    session_stop_init(&r->stop);
    assert_int_equal(pthread_create(&r->thread, nullptr, run_apart, r), 0);
    while (!session_stop_runs(&r->stop))
        sched_yield();
}

static void end(struct runner *r)
{
    session_stop_set(&r->stop);
    assert_int_equal(pthread_join(r->thread, nullptr), 0);
    assert_err(r->err, ERR_CANCELED);
    assert_string_equal(r->why, "");
    assert_false(session_stop_runs(&r->stop));
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
    assert_true(session_stop_runs(&b.stop));
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
