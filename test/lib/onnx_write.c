// SPDX-License-Identifier: Apache-2.0
#include "onnx_write.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "tts/onnx/protobuf.h"

enum { ATTRIBUTE_OF_FLOAT = 1, ATTRIBUTE_OF_INT = 2, IR_VERSION = 8, ROOM = 1 << 30 };

static void must(enum err err)
{
    check(err == OK);
}

static struct buf *room(struct buf *b)
{
    b->cap = ROOM;
    return b;
}

static void put_bytes(struct buf *into, uint32_t field, struct str bytes)
{
    must(protobuf_put_bytes(room(into), field, bytes));
}

static void put_text(struct buf *into, uint32_t field, const char *text)
{
    put_bytes(into, field, str_of(text));
}

static void put_number(struct buf *into, uint32_t field, int64_t value)
{
    must(protobuf_put_varint(room(into), field, (uint64_t)value));
}

static int new_value(struct onnx *o, const char *name)
{
    check(o->values < ONNX_VALUES_MAX);
    if (name)
        snprintf(o->name[o->values], ONNX_NAME_BYTES, "%s", name);
    else
        snprintf(o->name[o->values], ONNX_NAME_BYTES, "v%d", o->values);
    return o->values++;
}

static void put_value_info(struct buf *into, uint32_t field, const char *name,
                           enum onnx_element type, int rank)
{
    autobuf shape = {}, tensor = {}, kind = {}, info = {};
    for (int i = 0; i < rank; i++) {
        autobuf dim = {};
        char of[32];
        snprintf(of, sizeof of, "%s_%d", name, i);
        put_text(&dim, DIM_PARAM, of);
        put_bytes(&shape, SHAPE_DIM, buf_str(&dim));
    }
    put_number(&tensor, TYPE_ELEMENT, type);
    put_bytes(&tensor, TYPE_SHAPE, buf_str(&shape));
    put_bytes(&kind, TYPE_TENSOR, buf_str(&tensor));
    put_text(&info, VALUE_NAME, name);
    put_bytes(&info, VALUE_TYPE, buf_str(&kind));
    put_bytes(into, field, buf_str(&info));
}

int onnx_input(struct onnx *o, const char *name, enum onnx_element type, int rank)
{
    put_value_info(&o->inputs, GRAPH_INPUT, name, type, rank);
    return new_value(o, name);
}

void onnx_output(struct onnx *o, int value, const char *name, enum onnx_element type, int rank)
{
    autobuf node = {};
    put_text(&node, NODE_INPUT, o->name[value]);
    put_text(&node, NODE_OUTPUT, name);
    put_text(&node, NODE_OP_TYPE, "Identity");
    put_bytes(&o->nodes, GRAPH_NODE, buf_str(&node));
    put_value_info(&o->outputs, GRAPH_OUTPUT, name, type, rank);
}

static int put_tensor(struct onnx *o, enum onnx_element type, int rank, const int64_t *dims,
                      struct str raw)
{
    autobuf tensor = {};
    int value = new_value(o, nullptr);
    for (int i = 0; i < rank; i++)
        put_number(&tensor, TENSOR_DIMS, dims[i]);
    put_number(&tensor, TENSOR_DATA_TYPE, type);
    put_text(&tensor, TENSOR_NAME, o->name[value]);
    put_bytes(&tensor, TENSOR_RAW_DATA, raw);
    put_bytes(&o->initializers, GRAPH_INITIALIZER, buf_str(&tensor));
    return value;
}

static float by_chance(struct onnx *o)
{
    uint64_t x = ++o->chance * 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return (float)((x ^ x >> 31) >> 40) / (float)(1 << 23) - 1;
}

static int put_floats(struct onnx *o, int rank, const int64_t *dims, float scale, float offset)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    float *numbers = malloc(count * sizeof *numbers);
    check(numbers);
    for (size_t i = 0; i < count; i++)
        numbers[i] = offset + (scale > 0 ? scale * by_chance(o) : 0);
    int value = put_tensor(o, ELEMENT_FLOAT, rank, dims,
                           (struct str){(const char *)numbers, count * sizeof *numbers});
    free(numbers);
    return value;
}

int onnx_weights(struct onnx *o, int rank, const int64_t *dims, float scale)
{
    return put_floats(o, rank, dims, scale, 0);
}

int onnx_fill(struct onnx *o, int rank, const int64_t *dims, float value)
{
    return put_floats(o, rank, dims, 0, value);
}

int onnx_ints(struct onnx *o, int count, const int64_t *values)
{
    const int64_t dims[] = {count};
    return put_tensor(o, ELEMENT_INT64, 1, dims,
                      (struct str){(const char *)values, (size_t)count * sizeof *values});
}

int onnx_int(struct onnx *o, int64_t value)
{
    return put_tensor(o, ELEMENT_INT64, 0, nullptr,
                      (struct str){(const char *)&value, sizeof value});
}

int onnx_float(struct onnx *o, float value)
{
    return put_tensor(o, ELEMENT_FLOAT, 0, nullptr,
                      (struct str){(const char *)&value, sizeof value});
}

void onnx_attribute_int(struct onnx *o, const char *name, int64_t value)
{
    autobuf a = {};
    put_text(&a, ATTRIBUTE_NAME, name);
    put_number(&a, ATTRIBUTE_I, value);
    put_number(&a, ATTRIBUTE_TYPE, ATTRIBUTE_OF_INT);
    put_bytes(&o->attributes, NODE_ATTRIBUTE, buf_str(&a));
}

void onnx_attribute_float(struct onnx *o, const char *name, float value)
{
    autobuf a = {};
    put_text(&a, ATTRIBUTE_NAME, name);
    must(buf_add_byte(room(&a), ATTRIBUTE_F << 3 | WIRE_I32));
    must(buf_add(&a, (struct str){(const char *)&value, sizeof value}));
    put_number(&a, ATTRIBUTE_TYPE, ATTRIBUTE_OF_FLOAT);
    put_bytes(&o->attributes, NODE_ATTRIBUTE, buf_str(&a));
}

void onnx_attribute_ints(struct onnx *o, const char *name, int count, const int64_t *values)
{
    autobuf a = {};
    put_text(&a, ATTRIBUTE_NAME, name);
    for (int i = 0; i < count; i++)
        put_number(&a, ATTRIBUTE_INTS, values[i]);
    put_number(&a, ATTRIBUTE_TYPE, ATTRIBUTE_OF_INTS);
    put_bytes(&o->attributes, NODE_ATTRIBUTE, buf_str(&a));
}

int onnx_op(struct onnx *o, const char *type, int count, const int *inputs)
{
    autobuf node = {};
    int value = new_value(o, nullptr);
    for (int i = 0; i < count; i++)
        put_text(&node, NODE_INPUT, o->name[inputs[i]]);
    put_text(&node, NODE_OUTPUT, o->name[value]);
    put_text(&node, NODE_NAME, o->name[value]);
    put_text(&node, NODE_OP_TYPE, type);
    must(buf_add(room(&node), buf_str(&o->attributes)));
    buf_clear(&o->attributes);
    put_bytes(&o->nodes, GRAPH_NODE, buf_str(&node));
    return value;
}

void onnx_write(struct onnx *o, int opset, struct buf *into)
{
    autobuf opsets = {}, name = {};
    struct buf *const parts[] = {&o->nodes, &name, &o->initializers, &o->inputs, &o->outputs};
    size_t all = 0;
    put_text(&name, GRAPH_NAME, "made");
    must(protobuf_put_varint(into, MODEL_IR_VERSION, IR_VERSION));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        all += parts[i]->n;
    must(protobuf_put_head(into, MODEL_GRAPH, all));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        must(buf_add(into, buf_str(parts[i])));
        buf_finish(parts[i]);
    }
    put_text(&opsets, OPSET_DOMAIN, "");
    put_number(&opsets, OPSET_VERSION, opset);
    must(protobuf_put_bytes(into, MODEL_OPSET_IMPORT, buf_str(&opsets)));
    buf_finish(&o->attributes);
    o->values = 0;
}
