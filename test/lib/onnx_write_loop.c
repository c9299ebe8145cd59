// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"
#include "onnx_write.h"
#include "tts/onnx/protobuf.h"

enum { ATTRIBUTE_OF_GRAPH = 5, ROOM = 1 << 16 };

static void must(enum err err)
{
    check(err == OK);
}

static void put(struct buf *into, uint32_t field, struct str bytes)
{
    into->cap = ROOM;
    must(protobuf_put_bytes(into, field, bytes));
}

static void put_text(struct buf *into, uint32_t field, const char *text)
{
    put(into, field, str_of(text));
}

static void put_number(struct buf *into, uint32_t field, uint64_t number)
{
    into->cap = ROOM;
    must(protobuf_put_varint(into, field, number));
}

/* A value of one number. */
static void put_value(struct buf *graph, uint32_t field, const char *name, enum onnx_element type)
{
    autobuf shape = {}, tensor = {}, kind = {}, info = {};
    put_number(&tensor, TYPE_ELEMENT, type);
    put(&tensor, TYPE_SHAPE, buf_str(&shape));
    put(&kind, TYPE_TENSOR, buf_str(&tensor));
    put_text(&info, VALUE_NAME, name);
    put(&info, VALUE_TYPE, buf_str(&kind));
    put(graph, field, buf_str(&info));
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
    put(graph, GRAPH_NODE, buf_str(&node));
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
    put(&attribute, ATTRIBUTE_G, buf_str(&graph));
    put_number(&attribute, ATTRIBUTE_TYPE, ATTRIBUTE_OF_GRAPH);
    put(&o->attributes, NODE_ATTRIBUTE, buf_str(&attribute));
}

int onnx_endless(struct onnx *o, int go, int x)
{
    int count = onnx_int(o, INT64_MAX);
    put_body(o);
    return onnx_op(o, "Loop", 3, (int[]){count, go, x});
}
