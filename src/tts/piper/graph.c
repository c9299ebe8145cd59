// SPDX-License-Identifier: Apache-2.0
#include "tts/piper/graph.h"

#include "base/mem.h"
#include "tts/onnx/onnx.h"
#include "tts/onnx/protobuf.h"

enum { TABLE_MIN = 1024, REFS_MAX = 1 << 20 };

/* --- names --- */

static uint32_t hash(struct str s)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (uint8_t)s.p[i]) * 16777619u;
    return h;
}

static uint32_t *place_of(const struct graph *g, struct str name)
{
    size_t at = hash(name) & (g->table_n - 1);
    while (g->table[at] && !str_eq(g->values[g->table[at] - 1].name, name))
        at = (at + 1) & (g->table_n - 1);
    return &g->table[at];
}

static enum err grow_table(struct graph *g)
{
    if (g->table && g->values_n * 2 < g->table_n)
        return OK;
    size_t n = g->table_n ? g->table_n * 2 : TABLE_MIN;
    uint32_t *table = mem_zero(n, sizeof *table);
    if (!table)
        return ERR_NOMEM;
    free(g->table);
    g->table = table;
    g->table_n = n;
    for (size_t i = 0; i < g->values_n; i++)
        *place_of(g, g->values[i].name) = (uint32_t)i + 1;
    return OK;
}

/* The value of that name, which is made where there was none. */
static enum err value_of(struct graph *g, struct str name, uint32_t *ret_value)
{
    try(grow_table(g));
    uint32_t *place = place_of(g, name);
    if (!*place) {
        try(mem_grow((void **)&g->values, &g->values_room, g->values_n + 1, sizeof *g->values));
        g->values[g->values_n] = (struct graph_value){.name = name, .node = -1, .tensor = -1};
        *place = (uint32_t)++g->values_n;
    }
    *ret_value = *place - 1;
    return OK;
}

/* --- nodes --- */

static enum err add_ref(struct graph *g, struct str name, uint32_t *count)
{
    uint32_t value;
    if (g->ref_n >= REFS_MAX)
        return ERR_UNSUPPORTED;
    try(value_of(g, name, &value));
    try(mem_grow((void **)&g->ref, &g->ref_room, g->ref_n + 1, sizeof *g->ref));
    g->ref[g->ref_n++] = value;
    ++*count;
    return OK;
}

/* Fields of a message that onnx_check has walked; false at its end. */
static bool next(struct str *rest, uint32_t number, struct protobuf_field *f)
{
    while (protobuf_next(rest, f))
        if (f->number == number)
            return true;
    return false;
}

static enum err add_inner_inputs(struct graph *g, struct str node, uint32_t *count);

/* What graphs within a node take from outside is not told apart from what they make: that is found nowhere outside. */
static enum err add_graph_inputs(struct graph *g, struct str graph, uint32_t *count)
{
    struct protobuf_field f, input;
    while (next(&graph, GRAPH_NODE, &f)) {
        struct str rest = f.bytes;
        while (next(&rest, NODE_INPUT, &input))
            try(add_ref(g, input.bytes, count));
        try(add_inner_inputs(g, f.bytes, count));
    }
    return OK;
}

static enum err add_inner_inputs(struct graph *g, struct str node, uint32_t *count)
{
    struct protobuf_field f, attribute;
    while (next(&node, NODE_ATTRIBUTE, &attribute)) {
        struct str rest = attribute.bytes;
        while (protobuf_next(&rest, &f))
            if (f.number == ATTRIBUTE_G || f.number == ATTRIBUTE_GRAPHS)
                try(add_graph_inputs(g, f.bytes, count));
    }
    return OK;
}

static enum err add_node(struct graph *g, struct str bytes)
{
    struct graph_node n = {.bytes = bytes, .inputs_at = (uint32_t)g->ref_n};
    struct protobuf_field f;
    struct str rest = bytes;
    while (next(&rest, NODE_INPUT, &f))
        try(add_ref(g, f.bytes, &n.inputs_n));
    try(add_inner_inputs(g, bytes, &n.inputs_n));
    n.outputs_at = (uint32_t)g->ref_n;
    for (rest = bytes; next(&rest, NODE_OUTPUT, &f);) {
        try(add_ref(g, f.bytes, &n.outputs_n));
        struct graph_value *v = &g->values[g->ref[g->ref_n - 1]];
        if (f.bytes.n > 0 && v->node >= 0)
            return ERR_UNSUPPORTED; /* made twice */
        v->node = f.bytes.n > 0 ? (int32_t)g->nodes_n : -1;
    }
    for (rest = bytes; next(&rest, NODE_OP_TYPE, &f);)
        n.op = f.bytes;
    try(mem_grow((void **)&g->nodes, &g->nodes_room, g->nodes_n + 1, sizeof *g->nodes));
    g->nodes[g->nodes_n++] = n;
    return OK;
}

/* --- the rest --- */

static struct str name_in(struct str message, uint32_t number)
{
    struct protobuf_field f;
    return next(&message, number, &f) ? f.bytes : S("");
}

static enum err add_tensor(struct graph *g, struct str bytes)
{
    uint32_t value;
    try(value_of(g, name_in(bytes, TENSOR_NAME), &value));
    g->values[value].tensor = (int32_t)g->tensors_n;
    try(mem_grow((void **)&g->tensors, &g->tensors_room, g->tensors_n + 1, sizeof *g->tensors));
    g->tensors[g->tensors_n++] = bytes;
    return OK;
}

static enum err add_input(struct graph *g, struct str bytes)
{
    uint32_t value;
    struct str name = name_in(bytes, VALUE_NAME);
    try(value_of(g, name, &value));
    g->values[value].input = str_eq(name, S("sid")) ? GRAPH_TAKES_SPEAKER : GRAPH_TAKES_TEXT;
    return OK;
}

static enum err read_graph(struct graph *g, struct str rest)
{
    struct protobuf_field f;
    while (protobuf_next(&rest, &f)) {
        if (f.number == GRAPH_NODE)
            try(add_node(g, f.bytes));
        else if (f.number == GRAPH_INITIALIZER)
            try(add_tensor(g, f.bytes));
        else if (f.number == GRAPH_INPUT)
            try(add_input(g, f.bytes));
        else if (f.number == GRAPH_OUTPUT && g->sound == GRAPH_NOTHING)
            try(value_of(g, name_in(f.bytes, VALUE_NAME), &g->sound));
    }
    return g->sound == GRAPH_NOTHING ? ERR_UNSUPPORTED : OK;
}

static enum err add_opset(struct graph *g, const struct protobuf_field *field)
{
    struct protobuf_field f;
    struct str rest = field->bytes, domain = name_in(field->bytes, OPSET_DOMAIN);
    if (g->opset_fields_n == sizeof g->opset_fields / sizeof *g->opset_fields)
        return ERR_UNSUPPORTED;
    g->opset_fields[g->opset_fields_n++] = field->whole;
    if (next(&rest, OPSET_VERSION, &f) && (domain.n == 0 || str_eq(domain, S("ai.onnx"))))
        g->opset = f.value;
    return OK;
}

static enum err read_model(struct graph *g, struct str rest)
{
    struct protobuf_field f;
    while (protobuf_next(&rest, &f)) {
        if (f.number == MODEL_GRAPH)
            try(read_graph(g, f.bytes));
        else if (f.number == MODEL_OPSET_IMPORT)
            try(add_opset(g, &f));
        else if (f.number == MODEL_IR_VERSION)
            g->ir_version = f.value;
    }
    return OK;
}

enum err graph_read(struct str file, struct graph *ret_g)
{
    struct graph g = {.sound = GRAPH_NOTHING};
    enum err err = read_model(&g, file);
    if (err == OK)
        *ret_g = g;
    else
        graph_finish(&g);
    return err;
}

void graph_finish(struct graph *g)
{
    free(g->nodes);
    free(g->values);
    free(g->tensors);
    free(g->ref);
    free(g->table);
    *g = (struct graph){};
}

/* --- questions --- */

bool graph_is(const struct graph_node *n, const char *op)
{
    return str_eq(n->op, str_of(op));
}

static bool find_attribute(const struct graph_node *n, const char *name, struct str *ret_bytes)
{
    struct protobuf_field f;
    struct str rest = n->bytes;
    while (next(&rest, NODE_ATTRIBUTE, &f))
        if (str_eq(name_in(f.bytes, ATTRIBUTE_NAME), str_of(name))) {
            *ret_bytes = f.bytes;
            return true;
        }
    return false;
}

bool graph_has_attribute(const struct graph_node *n, const char *name)
{
    struct str bytes;
    return find_attribute(n, name, &bytes);
}

/* Numbers of a field that may be packed. */
static size_t take_numbers(struct str rest, uint32_t number, int64_t *into, size_t max)
{
    struct protobuf_field f;
    size_t count = 0;
    uint64_t value;
    while (next(&rest, number, &f)) {
        if (f.wire == WIRE_VARINT && count < max)
            into[count++] = (int64_t)f.value;
        while (f.wire == WIRE_BYTES && count < max && protobuf_varint(&f.bytes, &value))
            into[count++] = (int64_t)value;
    }
    return count;
}

size_t graph_ints(const struct graph_node *n, const char *name, int64_t *into, size_t max)
{
    struct str bytes;
    return find_attribute(n, name, &bytes) ? take_numbers(bytes, ATTRIBUTE_INTS, into, max) : 0;
}

int64_t graph_dim(const struct graph *g, uint32_t value, size_t dim)
{
    int64_t dims[8];
    int32_t tensor = value == GRAPH_NOTHING ? -1 : g->values[value].tensor;
    size_t n = tensor < 0 ? 0 : take_numbers(g->tensors[tensor], TENSOR_DIMS, dims, 8);
    return dim < n ? dims[dim] : 0;
}
