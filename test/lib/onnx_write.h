// SPDX-License-Identifier: Apache-2.0
/*
 * Writes ONNX graphs, node by node. A value is a number; its name in the file is "v" and the number, or what it was given.
 * Attributes are said before the node that they are of. Memory that is short ends the program: it is a tool for tests.
 *
 *     struct onnx o = {};
 *     int x = onnx_input(&o, "x", ELEMENT_FLOAT, 3);
 *     onnx_attribute_ints(&o, "pads", 2, (int64_t[]){1, 1});
 *     int y = onnx_op(&o, "Conv", 2, (int[]){x, onnx_weights(&o, 3, (int64_t[]){8, 4, 3}, 0.1f)});
 *     onnx_output(&o, y, "y", ELEMENT_FLOAT, 3);
 *     onnx_write(&o, 17, &bytes);
 */
#pragma once

#include "base/str.h"
#include "tts/onnx/onnx.h"

enum { ONNX_VALUES_MAX = 8192, ONNX_NAME_BYTES = 24 };

struct onnx {
    struct buf nodes, initializers, inputs, outputs; /* fields of the graph */
    struct buf attributes;                           /* of the next node */
    char name[ONNX_VALUES_MAX][ONNX_NAME_BYTES];
    int values;
    uint64_t chance;
};

int onnx_input(struct onnx *o, const char *name, enum onnx_element type, int rank);
/* Gives a value a name by a node that changes nothing. */
void onnx_output(struct onnx *o, int value, const char *name, enum onnx_element type, int rank);

/* Numbers by chance, evenly from -scale to scale; the same in every run. */
int onnx_weights(struct onnx *o, int rank, const int64_t *dims, float scale);
int onnx_fill(struct onnx *o, int rank, const int64_t *dims, float value);
int onnx_ints(struct onnx *o, int count, const int64_t *values); /* of rank 1 */
int onnx_int(struct onnx *o, int64_t value);                     /* of rank 0 */
int onnx_float(struct onnx *o, float value);                     /* of rank 0 */

void onnx_attribute_int(struct onnx *o, const char *name, int64_t value);
void onnx_attribute_float(struct onnx *o, const char *name, float value);
void onnx_attribute_ints(struct onnx *o, const char *name, int count, const int64_t *values);

int onnx_op(struct onnx *o, const char *type, int count, const int *inputs);
static inline int onnx_op1(struct onnx *o, const char *type, int a)
{
    return onnx_op(o, type, 1, &a);
}
static inline int onnx_op2(struct onnx *o, const char *type, int a, int b)
{
    return onnx_op(o, type, 2, (int[]){a, b});
}

/* x, a float of rank 0; where `go`, a bool of rank 0, is true a loop that would go on for centuries, each time through two nodes. */
int onnx_endless(struct onnx *o, int go, int x);

/* The file; `o` is empty afterwards. `into` takes what it takes, by its cap. */
void onnx_write(struct onnx *o, int opset, struct buf *into);
