// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "base/mem.h"
#include "tts/onnx/onnx.h"
#include "tts/onnx/protobuf.h"
#include "tts/piper/cut.h"

enum { PART_MAX = 1 << 30, VALUE_MAX = 4096, NAME_BYTES = 48 };
#define AXIS "repartee/axis"
#define KEPT "repartee/kept"

struct writer {
    const struct graph *g;
    const struct cut *c;
    enum cut_part part;
    const uint8_t *nodes;
    struct buf graph;
};

static struct str numbered(const char *name, size_t i, char into[NAME_BYTES])
{
    snprintf(into, NAME_BYTES, "%s%zu", name, i);
    return str_of(into);
}

/* Of the values at which the graph is cut; an empty slice: it is none of them. */
static struct str name_at_cut(const struct writer *w, uint32_t value, char into[NAME_BYTES])
{
    const struct cut *c = w->c;
    if (value == c->latent && w->part != CUT_DECODER)
        return S(CUT_LATENT);
    if (value == c->frames && w->part != CUT_TEXT)
        return S(CUT_FRAMES);
    if (value == w->g->sound)
        return S(CUT_SOUND);
    for (size_t i = 0; w->part != CUT_DECODER && i < c->beside_n; i++)
        if (c->beside[i] == value)
            return numbered(CUT_BESIDE, i, into);
    return S("");
}

/* --- nodes --- */

/* What of the decoder's samples is kept before the stage at which a piece's surroundings are cut off. */
static enum err put_slice(struct writer *w, size_t stage, struct str from)
{
    char kept[NAME_BYTES], first[NAME_BYTES], last[NAME_BYTES];
    autobuf node = BUF(VALUE_MAX);
    const struct str inputs[] = {from, numbered(CUT_FROM, stage, first),
                                 numbered(CUT_TO, stage, last), S(AXIS)};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        try(protobuf_put_bytes(&node, NODE_INPUT, inputs[i]));
    try(protobuf_put_bytes(&node, NODE_OUTPUT, numbered(KEPT, stage, kept)));
    try(protobuf_put_bytes(&node, NODE_OP_TYPE, S("Slice")));
    return protobuf_put_bytes(&w->graph, GRAPH_NODE, buf_str(&node));
}

/* 0: there is nothing to be cut off before this node, or it is the first, before which it is cut already. */
static size_t stage_of(const struct writer *w, uint32_t node)
{
    for (size_t i = 1; w->part == CUT_DECODER && i < w->c->stages_n; i++)
        if (w->c->stage[i].node == node)
            return i;
    return 0;
}

/* The node as it is, but for names. Graphs within it keep theirs: what they take from a cut is not found, and the part
 * refused. */
static enum err put_node(struct writer *w, uint32_t node)
{
    const struct graph_node *n = &w->g->nodes[node];
    struct protobuf_field f;
    struct str rest = n->bytes, name;
    char text[NAME_BYTES];
    size_t input = 0, output = 0, stage = stage_of(w, node);
    autobuf bytes = BUF(PART_MAX);
    while (protobuf_next(&rest, &f)) {
        if (f.number != NODE_INPUT && f.number != NODE_OUTPUT) {
            try(buf_add(&bytes, f.whole));
            continue;
        }
        bool is_input = f.number == NODE_INPUT;
        uint32_t value = w->g->ref[is_input ? n->inputs_at + input : n->outputs_at + output];
        name = name_at_cut(w, value, text);
        name = name.n ? name : f.bytes;
        if (is_input && input == 0 && stage > 0) {
            try(put_slice(w, stage, name));
            name = numbered(KEPT, stage, text);
        }
        try(protobuf_put_bytes(&bytes, f.number, name));
        input += is_input;
        output += !is_input;
    }
    return protobuf_put_bytes(&w->graph, GRAPH_NODE, buf_str(&bytes));
}

/* --- tensors --- */

static enum err put_axis(struct writer *w)
{
    static const char last[8] = {2}; /* int64, little-endian: 1 × channels × samples */
    autobuf tensor = BUF(VALUE_MAX);
    try(protobuf_put_varint(&tensor, TENSOR_DIMS, 1));
    try(protobuf_put_varint(&tensor, TENSOR_DATA_TYPE, ELEMENT_INT64));
    try(protobuf_put_bytes(&tensor, TENSOR_NAME, S(AXIS)));
    try(protobuf_put_bytes(&tensor, TENSOR_RAW_DATA, (struct str){last, sizeof last}));
    return protobuf_put_bytes(&w->graph, GRAPH_INITIALIZER, buf_str(&tensor));
}

static enum err put_tensors(struct writer *w)
{
    const struct graph *g = w->g;
    autofree uint8_t *is_used = mem_zero(g->tensors_n + 1, 1);
    if (!is_used)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < g->nodes_n; i++)
        for (uint32_t k = 0; w->nodes[i] && k < g->nodes[i].inputs_n; k++) {
            int32_t tensor = g->values[graph_input(g, &g->nodes[i], k)].tensor;
            if (tensor >= 0)
                is_used[tensor] = 1;
        }
    for (size_t i = 0; i < g->tensors_n; i++)
        if (is_used[i])
            try(protobuf_put_bytes(&w->graph, GRAPH_INITIALIZER, g->tensors[i]));
    return w->part == CUT_DECODER ? put_axis(w) : OK;
}

/* --- what goes in and comes out --- */

/* channels: 0, where that is not known. */
static enum err put_value(struct writer *w, uint32_t field, struct str name,
                          enum onnx_element element, size_t rank, uint64_t channels)
{
    autobuf shape = BUF(VALUE_MAX), tensor = BUF(VALUE_MAX), type = BUF(VALUE_MAX),
            value = BUF(VALUE_MAX);
    for (size_t i = 0; i < rank; i++) {
        autobuf dim = BUF(VALUE_MAX);
        uint64_t size = i == 1 ? channels : i == 0;
        if (rank == 1 || size > 0)
            try(protobuf_put_varint(&dim, DIM_VALUE, rank == 1 ? 1 : size));
        else
            try(protobuf_put_bytes(&dim, DIM_PARAM, i == 2 ? S("repartee_time") : S("repartee_c")));
        try(protobuf_put_bytes(&shape, SHAPE_DIM, buf_str(&dim)));
    }
    try(protobuf_put_varint(&tensor, TYPE_ELEMENT, element));
    if (rank > 0)
        try(protobuf_put_bytes(&tensor, TYPE_SHAPE, buf_str(&shape)));
    try(protobuf_put_bytes(&type, TYPE_TENSOR, buf_str(&tensor)));
    try(protobuf_put_bytes(&value, VALUE_NAME, name));
    try(protobuf_put_bytes(&value, VALUE_TYPE, buf_str(&type)));
    return protobuf_put_bytes(&w->graph, field, buf_str(&value));
}

static enum err put_speaker(struct writer *w, bool is_taken)
{
    return is_taken ? put_value(w, GRAPH_INPUT, S("sid"), ELEMENT_INT64, 1, 0) : OK;
}

static enum err put_cut(struct writer *w, uint32_t field)
{
    char name[NAME_BYTES];
    try(put_value(w, field, S(CUT_LATENT), ELEMENT_FLOAT, 3, w->c->channels));
    for (size_t i = 0; i < w->c->beside_n; i++)
        try(put_value(w, field, numbered(CUT_BESIDE, i, name), ELEMENT_FLOAT, 3, 0));
    return OK;
}

static enum err put_text_values(struct writer *w)
{
    try(put_value(w, GRAPH_INPUT, S("input"), ELEMENT_INT64, 3 - 1, 0));
    try(put_value(w, GRAPH_INPUT, S("input_lengths"), ELEMENT_INT64, 1, 0));
    try(put_value(w, GRAPH_INPUT, S("scales"), ELEMENT_FLOAT, 0, 0));
    try(put_speaker(w, w->c->text_takes_speaker));
    return put_cut(w, GRAPH_OUTPUT);
}

static enum err put_flow_values(struct writer *w)
{
    try(put_cut(w, GRAPH_INPUT));
    try(put_speaker(w, w->c->flow_takes_speaker));
    return put_value(w, GRAPH_OUTPUT, S(CUT_FRAMES), ELEMENT_FLOAT, 3, w->c->channels);
}

static enum err put_decoder_values(struct writer *w)
{
    char name[NAME_BYTES];
    try(put_value(w, GRAPH_INPUT, S(CUT_FRAMES), ELEMENT_FLOAT, 3, w->c->channels));
    try(put_speaker(w, w->c->decoder_takes_speaker));
    for (size_t i = 1; i < w->c->stages_n; i++) {
        try(put_value(w, GRAPH_INPUT, numbered(CUT_FROM, i, name), ELEMENT_INT64, 1, 0));
        try(put_value(w, GRAPH_INPUT, numbered(CUT_TO, i, name), ELEMENT_INT64, 1, 0));
    }
    return put_value(w, GRAPH_OUTPUT, S(CUT_SOUND), ELEMENT_FLOAT, 0, 0);
}

static enum err put_graph(struct writer *w)
{
    for (uint32_t i = 0; i < w->g->nodes_n; i++)
        if (w->nodes[i])
            try(put_node(w, i));
    try(protobuf_put_bytes(&w->graph, GRAPH_NAME, S("repartee")));
    try(put_tensors(w));
    return w->part == CUT_TEXT   ? put_text_values(w)
           : w->part == CUT_FLOW ? put_flow_values(w)
                                 : put_decoder_values(w);
}

static enum err put_model(struct writer *w, struct buf *into)
{
    try(put_graph(w));
    try(protobuf_put_varint(into, MODEL_IR_VERSION, w->g->ir_version));
    for (size_t i = 0; i < w->g->opset_fields_n; i++)
        try(buf_add(into, w->g->opset_fields[i]));
    return protobuf_put_bytes(into, MODEL_GRAPH, buf_str(&w->graph));
}

enum err cut_write(const struct graph *g, const struct cut *c, enum cut_part part, struct buf *into)
{
    struct writer w = {.g = g,
                       .c = c,
                       .part = part,
                       .nodes = part == CUT_TEXT   ? c->text
                                : part == CUT_FLOW ? c->flow
                                                   : c->decoder,
                       .graph = BUF(PART_MAX)};
    enum err err = put_model(&w, into);
    buf_finish(&w.graph);
    return err;
}
