// SPDX-License-Identifier: Apache-2.0
/*
 * An ONNX file as a graph: which node makes which value out of which. Slices lie in the file, which onnx_check has let
 * pass and which outlives the graph. Nodes stand in an order in which each comes after those that it needs. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* What a voice takes, by bit. */
enum graph_input : uint8_t {
    GRAPH_TAKES_TEXT = 1, /* "input", "input_lengths", "scales" */
    GRAPH_TAKES_SPEAKER = 2,
};

struct graph_value {
    struct str name;
    int32_t node, tensor;   /* what it comes from; below 0: not from there */
    enum graph_input input; /* 0: from none */
};

struct graph_node {
    struct str bytes, op;
    uint32_t inputs_at, inputs_n, outputs_at,
        outputs_n; /* in graph.ref; with the inputs of graphs within it */
};

struct graph {
    struct graph_node *nodes;
    struct graph_value *values;
    struct str *tensors;
    uint32_t *ref;   /* values, by their places */
    uint32_t *table; /* of names: a value's place and 1, or 0 */
    size_t nodes_n, nodes_room, values_n, values_room, tensors_n, tensors_room, ref_n, ref_room,
        table_n;
    uint32_t sound;             /* the value that comes out */
    struct str opset_fields[4]; /* of the file: which ONNX it is */
    size_t opset_fields_n;
    uint64_t ir_version, opset;
};

enum { GRAPH_NOTHING = UINT32_MAX };

/* ERR_NOMEM. ERR_UNSUPPORTED: it is a graph of which nothing can be said. *ret_g is to be finished after success. */
enum err graph_read(struct str file, struct graph *ret_g);
void graph_finish(struct graph *g);

static inline uint32_t graph_input(const struct graph *g, const struct graph_node *n, size_t i)
{
    return i < n->inputs_n ? g->ref[n->inputs_at + i] : GRAPH_NOTHING;
}
bool graph_is(const struct graph_node *n, const char *op);
/* Numbers of an attribute, `max` at most; how many. 0: it has none. */
size_t graph_ints(const struct graph_node *n, const char *name, int64_t *into, size_t max);
bool graph_has_attribute(const struct graph_node *n, const char *name);
/* The first size of a tensor that is a value; 0: it is none. */
int64_t graph_dim(const struct graph *g, uint32_t value, size_t dim);
