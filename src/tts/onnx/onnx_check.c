// SPDX-License-Identifier: Apache-2.0
#include "tts/onnx/onnx_check.h"

#include <stdarg.h>
#include <stdckdint.h>
#include <stdio.h>

#include "tts/onnx/onnx.h"
#include "tts/onnx/protobuf.h"

enum {
    FILE_MAX = 1 << 30,
    NODES_MAX = 20000, /* of published voices the largest has a fifth of that */
    INITIALIZERS_MAX = 8192,
    VALUES_MAX = 64, /* a node's inputs, outputs, attributes; the graph's inputs */
    NAME_MAX_BYTES = 512,
    DIMS_MAX = 8,
    DEPTH_MAX = 4, /* of graphs within nodes */
    IR_VERSION_MAX = 13,
    OPSET_MIN = 9,
};

/* What voices take. */
static const struct {
    const char *name;
    unsigned kinds;         /* by bit: of which enum onnx_kind */
    enum onnx_element type; /* 0: looked at by kind */
} inputs[] = {
    {"input", 1 << ONNX_PIPER, ELEMENT_INT64},
    {"input_lengths", 1 << ONNX_PIPER, ELEMENT_INT64},
    {"scales", 1 << ONNX_PIPER, ELEMENT_FLOAT},
    {"sid", 1 << ONNX_PIPER, ELEMENT_INT64},
    {"input_ids", 1 << ONNX_KOKORO, ELEMENT_INT64},
    {"tokens", 1 << ONNX_KOKORO, ELEMENT_INT64},
    {"style", 1 << ONNX_KOKORO, ELEMENT_FLOAT},
    {"speed", 1 << ONNX_KOKORO, 0},
};
enum { INPUTS = sizeof inputs / sizeof *inputs };
enum seen : unsigned {
    PIPER_NEEDS = 1 << 0 | 1 << 1 | 1 << 2,
    PIPER_SPEAKER = 1 << 3,
    KOKORO_IDS = 1 << 4,
    KOKORO_TOKENS = 1 << 5,
    KOKORO_NEEDS = 1 << 6 | 1 << 7,
};

/* What exports of Kokoro call their sound. */
static const char *const sounds[] = {"waveform", "audio", "output"};

/* Operators beside ONNX's own that quantised voices are made of; ONNX Runtime brings them along. */
static const char *const quantised[] = {"DynamicQuantizeLSTM", "DynamicQuantizeMatMul",
                                        "MatMulIntegerToFloat", "MatMulNBits"};

struct walk {
    char *why;
    uint32_t nodes, initializers;
    uint32_t inputs, outputs, opsets, graphs; /* of the file's graph */
    unsigned seen;                            /* a bit for each of the inputs above */
    enum onnx_element speed;                  /* what numbers it is told in */
    const char *sound;                        /* of `sounds`, or NULL */
};

__attribute__((format(printf, 2, 3))) static enum err refuse(struct walk *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(w->why, ONNX_WHY_BYTES, fmt, ap);
    va_end(ap);
    return ERR_INVALID;
}

static enum err at_end(struct walk *w, struct str rest)
{
    return rest.n == 0 ? OK : refuse(w, "the voice file is cut or damaged; copy it anew");
}

/* The field holds what its number stands for. */
static enum err expect(struct walk *w, const struct protobuf_field *f, enum protobuf_wire wire)
{
    return f->wire == wire ? OK : refuse(w, "the voice file is damaged: a field has a wrong type");
}

static enum err check_name(struct walk *w, const struct protobuf_field *f)
{
    try(expect(w, f, WIRE_BYTES));
    if (f->bytes.n > NAME_MAX_BYTES || !utf8_valid(f->bytes) ||
        str_find_byte(f->bytes, '\0') < f->bytes.n)
        return refuse(w, "the voice file has a name that is none");
    return OK;
}

/* --- tensors --- */

struct tensor {
    size_t dims, count, numbers; /* numbers: those that stand in typed fields */
    uint64_t type;
    struct str raw;
    bool has_raw;
};

static size_t size_of(uint64_t type)
{
    switch (type) {
    case ELEMENT_UINT8:
    case ELEMENT_INT8:
    case ELEMENT_BOOL:
        return 1;
    case ELEMENT_FLOAT16:
        return 2;
    case ELEMENT_FLOAT:
    case ELEMENT_INT32:
        return 4;
    case ELEMENT_INT64:
    case ELEMENT_DOUBLE:
        return 8;
    default:
        return 0;
    }
}

static enum err add_dim(struct walk *w, struct tensor *t, uint64_t dim)
{
    if (++t->dims > DIMS_MAX || dim > FILE_MAX || ckd_mul(&t->count, t->count, (size_t)dim) ||
        t->count > FILE_MAX)
        return refuse(w, "the voice file has a tensor of an impossible shape");
    return OK;
}

/* Numbers stand alone or packed; both in one field, too. */
static enum err check_varints(struct walk *w, const struct protobuf_field *f, bool are_dims,
                              struct tensor *t)
{
    uint64_t value = f->value;
    if (f->wire == WIRE_VARINT) {
        t->numbers += !are_dims;
        return are_dims ? add_dim(w, t, value) : OK;
    }
    try(expect(w, f, WIRE_BYTES));
    struct str rest = f->bytes;
    while (protobuf_varint(&rest, &value)) {
        t->numbers += !are_dims;
        if (are_dims)
            try(add_dim(w, t, value));
    }
    return at_end(w, rest);
}

static enum err check_fixed(struct walk *w, const struct protobuf_field *f, size_t size,
                            struct tensor *t)
{
    if (f->wire == (size == 4 ? WIRE_I32 : WIRE_I64)) {
        t->numbers++;
        return OK;
    }
    try(expect(w, f, WIRE_BYTES));
    if (f->bytes.n % size != 0)
        return refuse(w, "the voice file has a tensor that is cut");
    t->numbers += f->bytes.n / size;
    return OK;
}

static enum err check_tensor_field(struct walk *w, const struct protobuf_field *f, struct tensor *t)
{
    switch (f->number) {
    case TENSOR_DIMS:
        return check_varints(w, f, true, t);
    case TENSOR_INT32_DATA:
    case TENSOR_INT64_DATA:
    case TENSOR_UINT64_DATA:
        return check_varints(w, f, false, t);
    case TENSOR_FLOAT_DATA:
        return check_fixed(w, f, 4, t);
    case TENSOR_DOUBLE_DATA:
        return check_fixed(w, f, 8, t);
    case TENSOR_DATA_TYPE:
        t->type = f->value;
        return expect(w, f, WIRE_VARINT);
    case TENSOR_NAME:
        return check_name(w, f);
    case TENSOR_RAW_DATA:
        t->raw = f->bytes;
        t->has_raw = true;
        return expect(w, f, WIRE_BYTES);
    case TENSOR_EXTERNAL_DATA:
    case TENSOR_DATA_LOCATION:
        if (f->number == TENSOR_DATA_LOCATION && f->wire == WIRE_VARINT && f->value == 0)
            return OK;
        return refuse(w, "the voice keeps its weights in another file, which is not read; "
                         "save it as one file");
    case TENSOR_SEGMENT:
    case TENSOR_STRING_DATA:
        return refuse(w, "the voice file has a tensor of a kind that no voice needs");
    default:
        return OK;
    }
}

static enum err check_tensor(struct walk *w, struct str bytes)
{
    struct tensor t = {.count = 1};
    struct protobuf_field f;
    while (protobuf_next(&bytes, &f))
        try(check_tensor_field(w, &f, &t));
    try(at_end(w, bytes));
    size_t size = size_of(t.type), all;
    if (size == 0)
        return refuse(w, "the voice file has a tensor of a kind that no voice needs");
    bool fits = t.has_raw ? !ckd_mul(&all, t.count, size) && t.raw.n == all && t.numbers == 0
                          : t.numbers == t.count;
    return fits ? OK : refuse(w, "the voice file has a tensor that is not as long as its shape");
}

/* --- nodes --- */

static enum err check_graph(struct walk *w, struct str bytes, int depth);

static enum err check_attribute(struct walk *w, struct str bytes, int depth)
{
    struct protobuf_field f;
    while (protobuf_next(&bytes, &f)) {
        switch (f.number) {
        case ATTRIBUTE_NAME:
            try(check_name(w, &f));
            break;
        case ATTRIBUTE_T:
        case ATTRIBUTE_TENSORS:
            try(expect(w, &f, WIRE_BYTES));
            try(check_tensor(w, f.bytes));
            break;
        case ATTRIBUTE_G:
        case ATTRIBUTE_GRAPHS:
            try(expect(w, &f, WIRE_BYTES));
            try(check_graph(w, f.bytes, depth + 1));
            break;
        case ATTRIBUTE_SPARSE_TENSOR:
        case ATTRIBUTE_SPARSE_TENSORS:
            return refuse(w, "the voice file has sparse weights, which no voice needs");
        default:
            break;
        }
    }
    return at_end(w, bytes);
}

static bool is_standard(struct str domain)
{
    return domain.n == 0 || str_eq(domain, S("ai.onnx"));
}

static bool is_known(struct str domain, struct str op)
{
    for (size_t i = 0; i < sizeof quantised / sizeof *quantised; i++)
        if (str_eq(op, str_of(quantised[i])))
            return str_eq(domain, S("com.microsoft"));
    return is_standard(domain);
}

static enum err check_node(struct walk *w, struct str bytes, int depth)
{
    struct protobuf_field f;
    struct str domain = S(""), op = S("");
    unsigned values = 0;
    if (++w->nodes > NODES_MAX)
        return refuse(w, "the voice file has more than %d nodes", NODES_MAX);
    while (protobuf_next(&bytes, &f)) {
        if (f.number == NODE_INPUT || f.number == NODE_OUTPUT || f.number == NODE_ATTRIBUTE)
            values++;
        if (values > VALUES_MAX)
            return refuse(w, "the voice file has a node with more than %d values", VALUES_MAX);
        switch (f.number) {
        case NODE_INPUT:
        case NODE_OUTPUT:
        case NODE_NAME:
            try(check_name(w, &f));
            break;
        case NODE_OP_TYPE:
            try(check_name(w, &f));
            op = f.bytes;
            break;
        case NODE_DOMAIN:
            try(check_name(w, &f));
            domain = f.bytes;
            break;
        case NODE_ATTRIBUTE:
            try(expect(w, &f, WIRE_BYTES));
            try(check_attribute(w, f.bytes, depth));
            break;
        default:
            break;
        }
    }
    if (!is_known(domain, op))
        return refuse(w, "the voice file has operators that no voice needs");
    return at_end(w, bytes);
}

/* --- graphs --- */

static enum err type_of(struct walk *w, struct str bytes, uint64_t *ret_type)
{
    struct protobuf_field f, t;
    while (protobuf_next(&bytes, &f)) {
        if (f.number != TYPE_TENSOR)
            continue;
        try(expect(w, &f, WIRE_BYTES));
        struct str tensor = f.bytes;
        while (protobuf_next(&tensor, &t))
            if (t.number == TYPE_ELEMENT) {
                try(expect(w, &t, WIRE_VARINT));
                *ret_type = t.value;
            }
        try(at_end(w, tensor));
    }
    return at_end(w, bytes);
}

/* The element's type is 0 where it does not say. */
static enum err value_of(struct walk *w, struct str bytes, struct str *ret_name, uint64_t *ret_type)
{
    struct protobuf_field f;
    *ret_name = S("");
    *ret_type = 0;
    while (protobuf_next(&bytes, &f)) {
        if (f.number == VALUE_NAME) {
            try(check_name(w, &f));
            *ret_name = f.bytes;
        } else if (f.number == VALUE_TYPE) {
            try(expect(w, &f, WIRE_BYTES));
            try(type_of(w, f.bytes, ret_type));
        }
    }
    return at_end(w, bytes);
}

static bool is_speed(uint64_t type)
{
    return type == ELEMENT_FLOAT || type == ELEMENT_INT32 || type == ELEMENT_INT64;
}

static enum err check_input(struct walk *w, struct str bytes)
{
    struct str name;
    uint64_t type;
    try(value_of(w, bytes, &name, &type));
    for (unsigned i = 0; i < INPUTS; i++) {
        if (!str_eq(name, str_of(inputs[i].name)) || (w->seen & 1u << i))
            continue;
        if (inputs[i].type ? type != inputs[i].type : !is_speed(type))
            return refuse(w, "the voice takes \"%s\" in numbers of a wrong kind", inputs[i].name);
        if (!inputs[i].type)
            w->speed = (enum onnx_element)type;
        w->seen |= 1u << i;
        w->inputs++;
        return OK;
    }
    return refuse(w, "this is no voice of Piper or Kokoro: it takes \"%.*s\"",
                  STR_FMT(str_sub(name, 0, utf8_prefix(name, 40))));
}

static enum err check_output(struct walk *w, struct str bytes)
{
    struct str name;
    uint64_t type;
    try(value_of(w, bytes, &name, &type));
    w->outputs++;
    for (size_t i = 0; i < sizeof sounds / sizeof *sounds; i++)
        if (str_eq(name, str_of(sounds[i])) && type == ELEMENT_FLOAT)
            w->sound = sounds[i];
    return OK;
}

static enum err check_graph_field(struct walk *w, const struct protobuf_field *f, int depth)
{
    struct str name;
    uint64_t type;
    switch (f->number) {
    case GRAPH_NODE:
        try(expect(w, f, WIRE_BYTES));
        return check_node(w, f->bytes, depth);
    case GRAPH_NAME:
        return check_name(w, f);
    case GRAPH_INITIALIZER:
        try(expect(w, f, WIRE_BYTES));
        if (++w->initializers > INITIALIZERS_MAX)
            return refuse(w, "the voice file has more than %d tensors", INITIALIZERS_MAX);
        return check_tensor(w, f->bytes);
    case GRAPH_SPARSE_INITIALIZER:
        return refuse(w, "the voice file has sparse weights, which no voice needs");
    case GRAPH_INPUT:
        try(expect(w, f, WIRE_BYTES));
        return depth == 0 ? check_input(w, f->bytes) : value_of(w, f->bytes, &name, &type);
    case GRAPH_OUTPUT:
        try(expect(w, f, WIRE_BYTES));
        return depth == 0 ? check_output(w, f->bytes) : value_of(w, f->bytes, &name, &type);
    default:
        return OK;
    }
}

/* As deep as DEPTH_MAX, so the recursion is bounded. */
static enum err check_graph(struct walk *w, struct str bytes, int depth)
{
    struct protobuf_field f;
    if (depth > DEPTH_MAX)
        return refuse(w, "the voice file has graphs within graphs, more than %d deep", DEPTH_MAX);
    while (protobuf_next(&bytes, &f))
        try(check_graph_field(w, &f, depth));
    return at_end(w, bytes);
}

/* --- the file --- */

static enum err check_opset(struct walk *w, struct str bytes)
{
    struct protobuf_field f;
    struct str domain = S("");
    uint64_t version = 0;
    while (protobuf_next(&bytes, &f)) {
        if (f.number == OPSET_DOMAIN) {
            try(check_name(w, &f));
            domain = f.bytes;
        } else if (f.number == OPSET_VERSION) {
            try(expect(w, &f, WIRE_VARINT));
            version = f.value;
        }
    }
    try(at_end(w, bytes));
    w->opsets += is_standard(domain);
    if (is_standard(domain) && version < OPSET_MIN)
        return refuse(w, "the voice file is of an ONNX that is too old; export it anew");
    return OK;
}

static enum err check_model_field(struct walk *w, const struct protobuf_field *f)
{
    switch (f->number) {
    case MODEL_IR_VERSION:
        try(expect(w, f, WIRE_VARINT));
        return f->value <= IR_VERSION_MAX
                   ? OK
                   : refuse(w, "the voice file is of an ONNX that is too new here");
    case MODEL_GRAPH:
        try(expect(w, f, WIRE_BYTES));
        if (++w->graphs > 1)
            return refuse(w, "the voice file has several graphs");
        return check_graph(w, f->bytes, 0);
    case MODEL_OPSET_IMPORT:
        try(expect(w, f, WIRE_BYTES));
        return check_opset(w, f->bytes);
    case MODEL_TRAINING:
    case MODEL_FUNCTIONS:
        return refuse(w, "the voice file has functions of its own, which no voice needs");
    default:
        return OK;
    }
}

/* By what it takes; what both kinds take is a stranger's. */
static enum err tell_kind(struct walk *w, struct onnx_facts *ret_facts)
{
    struct onnx_facts facts = {.sound = w->sound, .speed = w->speed};
    const unsigned tokens = w->seen & (KOKORO_IDS | KOKORO_TOKENS);
    bool is_piper = (w->seen & ~(unsigned)PIPER_SPEAKER) == PIPER_NEEDS && w->outputs > 0;
    bool is_kokoro = w->sound && (w->seen & ~tokens) == KOKORO_NEEDS &&
                     (tokens == KOKORO_IDS || tokens == KOKORO_TOKENS);
    if (!is_piper && !is_kokoro)
        return refuse(w, "this is no voice of Piper or Kokoro: it takes or gives something else");
    facts.kind = is_piper ? ONNX_PIPER : ONNX_KOKORO;
    facts.has_speakers = (w->seen & PIPER_SPEAKER) != 0;
    facts.tokens = tokens == KOKORO_IDS ? "input_ids" : "tokens";
    *ret_facts = facts;
    return OK;
}

enum err onnx_check(struct str file, struct onnx_facts *ret_facts, char why[ONNX_WHY_BYTES])
{
    struct walk w = {.why = why};
    struct str rest = file;
    struct protobuf_field f;
    if (file.n == 0 || file.n > FILE_MAX)
        return refuse(&w, "the voice file is %s", file.n ? "larger than 1 GiB" : "empty");
    while (protobuf_next(&rest, &f))
        try(check_model_field(&w, &f));
    if (w.graphs == 0)
        return refuse(&w, "this is no ONNX file of a voice, or it is cut or damaged; copy it anew");
    try(at_end(&w, rest));
    if (w.opsets != 1)
        return refuse(&w, "the voice file does not say of which ONNX it is");
    return tell_kind(&w, ret_facts);
}
