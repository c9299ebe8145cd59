// SPDX-License-Identifier: Apache-2.0
#include "tts/piper/cut.h"

#include "base/mem.h"

enum { AROUND_MAX = 1024, KERNEL_MAX = 1024 };

/* --- which nodes a value needs --- */

struct walk {
    const struct graph *g;
    uint32_t *stack;
    size_t stack_n, stack_room;
};

static enum err push(struct walk *w, uint32_t value)
{
    try(mem_grow((void **)&w->stack, &w->stack_room, w->stack_n + 1, sizeof *w->stack));
    w->stack[w->stack_n++] = value;
    return OK;
}

static bool is_among(uint32_t value, const uint32_t *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == value)
            return true;
    return false;
}

/* Marks the nodes from `stops` (and the graph's inputs, which are added to *takes) to `value`. */
static enum err mark_back(const struct graph *g, uint32_t value, const uint32_t *stops,
                          size_t stops_n, uint8_t *marks, unsigned *takes)
{
    struct walk w = {.g = g};
    enum err err = push(&w, value);
    while (err == OK && w.stack_n > 0) {
        const uint32_t at = w.stack[--w.stack_n];
        const struct graph_value *v = &g->values[at];
        if (is_among(at, stops, stops_n))
            continue;
        *takes |= v->input;
        if (v->node < 0 || marks[v->node])
            continue;
        marks[v->node] = 1;
        const struct graph_node *n = &g->nodes[v->node];
        for (uint32_t i = 0; i < n->inputs_n && err == OK; i++)
            err = push(&w, graph_input(g, n, i));
    }
    free(w.stack);
    return err;
}

/* --- the decoder's beginning --- */

static bool is_pointwise(const struct graph_node *n)
{
    static const char *const ops[] = {"Add",  "Sub", "Mul",      "Div",  "LeakyRelu", "Relu",
                                      "Tanh", "Sin", "Identity", "Pow",  "Sigmoid",   "Neg",
                                      "Cast", "Sum", "Squeeze",  "Clip", "Unsqueeze"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (graph_is(n, ops[i]))
            return true;
    return false;
}

static int64_t kernel_of(const struct graph *g, const struct graph_node *n)
{
    int64_t kernel[2];
    size_t count = graph_ints(n, "kernel_shape", kernel, 2);
    return count == 1 ? kernel[0] : count == 0 ? graph_dim(g, graph_input(g, n, 1), 2) : 0;
}

/* The one wide convolution before `value`, with nothing but pointwise nodes between. */
static enum err find_convolution(const struct graph *g, uint32_t value, uint32_t *ret_node)
{
    struct walk w = {.g = g};
    uint32_t found = GRAPH_NOTHING;
    autofree uint8_t *seen = mem_zero(g->nodes_n, 1);
    enum err err = seen ? push(&w, value) : ERR_NOMEM;
    while (err == OK && w.stack_n > 0) {
        int32_t node = g->values[w.stack[--w.stack_n]].node;
        if (node < 0 || seen[node])
            continue;
        seen[node] = 1;
        const struct graph_node *n = &g->nodes[node];
        if (graph_is(n, "Conv") && kernel_of(g, n) > 1) {
            err = found == GRAPH_NOTHING ? OK : ERR_UNSUPPORTED;
            found = (uint32_t)node;
        }
        for (uint32_t i = 0; is_pointwise(n) && i < n->inputs_n && err == OK; i++)
            err = push(&w, graph_input(g, n, i));
    }
    free(w.stack);
    if (err == OK)
        *ret_node = found;
    return err == OK && found == GRAPH_NOTHING ? ERR_UNSUPPORTED : err;
}

static enum err find_frames(const struct graph *g, struct cut *c)
{
    uint32_t first = 0, before;
    while (first < g->nodes_n && !graph_is(&g->nodes[first], "ConvTranspose"))
        first++;
    if (first == g->nodes_n)
        return ERR_UNSUPPORTED;
    try(find_convolution(g, graph_input(g, &g->nodes[first], 0), &before));
    const struct graph_node *n = &g->nodes[before];
    int64_t channels = graph_dim(g, graph_input(g, n, 1), 1);
    if (channels < 1 || channels > 4096)
        return ERR_UNSUPPORTED;
    c->channels = (uint32_t)channels;
    c->frames = graph_input(g, n, 0);
    return OK;
}

/* --- how far a piece looks --- */

/* Of a value: its place in the decoder's stages, and how many samples around it has looked at since the last one. */
struct reach {
    bool is_known; /* it comes from the frames */
    uint8_t stage;
    uint32_t around;
};

/* Of a convolution that gives as many samples as it takes. */
static bool look_around(const struct graph *g, const struct graph_node *n, uint32_t *around)
{
    int64_t stride = 1, dilation = 1, pads[2] = {0, 0}, kernel = kernel_of(g, n);
    if (graph_has_attribute(n, "auto_pad") || kernel < 1 || kernel > KERNEL_MAX)
        return false;
    (void)graph_ints(n, "strides", &stride, 1);
    (void)graph_ints(n, "dilations", &dilation, 1);
    (void)graph_ints(n, "pads", pads, 2);
    if (stride != 1 || dilation < 1 || dilation > KERNEL_MAX || pads[0] < 0 || pads[1] < 0 ||
        pads[0] > kernel * dilation || pads[1] > kernel * dilation ||
        pads[0] + pads[1] != dilation * (kernel - 1))
        return false;
    *around += (uint32_t)(pads[0] > pads[1] ? pads[0] : pads[1]);
    return *around <= AROUND_MAX * 256;
}

/* Of one that gives `stride` samples for one: how many of those that it takes. */
static bool look_up(const struct graph *g, const struct graph_node *n, uint32_t *ret_stride,
                    uint32_t *ret_around)
{
    int64_t stride = 1, dilation = 1, pads[2] = {0, 0}, more = 0, kernel = kernel_of(g, n);
    if (graph_has_attribute(n, "auto_pad") || graph_has_attribute(n, "output_shape") ||
        kernel < 1 || kernel > KERNEL_MAX)
        return false;
    (void)graph_ints(n, "strides", &stride, 1);
    (void)graph_ints(n, "dilations", &dilation, 1);
    (void)graph_ints(n, "pads", pads, 2);
    (void)graph_ints(n, "output_padding", &more, 1);
    if (stride < 1 || stride > KERNEL_MAX || dilation != 1 || more != 0 || pads[0] < 0 ||
        pads[1] < 0 || pads[0] > kernel || pads[1] > kernel || kernel - pads[0] - pads[1] != stride)
        return false;
    int64_t before = (kernel - 1 - pads[0]) / stride, after = (pads[0] + stride - 1) / stride;
    *ret_stride = (uint32_t)stride;
    *ret_around = (uint32_t)(before > after ? before : after);
    return true;
}

/* The inputs that come from the frames are of one stage. */
static bool join(const struct graph *g, const struct graph_node *n, const struct reach *reach,
                 struct reach *ret)
{
    struct reach r = {};
    for (uint32_t i = 0; i < n->inputs_n; i++) {
        const struct reach *in = &reach[graph_input(g, n, i)];
        if (!in->is_known)
            continue;
        if (r.is_known && r.stage != in->stage)
            return false;
        r.is_known = true;
        r.stage = in->stage;
        r.around = r.around > in->around ? r.around : in->around;
    }
    *ret = r;
    return true;
}

static void put_reach(const struct graph *g, const struct graph_node *n, struct reach r,
                      struct reach *reach)
{
    for (uint32_t i = 0; i < n->outputs_n; i++)
        if (g->values[g->ref[n->outputs_at + i]].name.n > 0)
            reach[g->ref[n->outputs_at + i]] = r;
}

static uint32_t divide_up(uint32_t n, uint32_t by)
{
    return (n + by - 1) / by;
}

/* From the sound back to the frames: seen[i] samples around are looked at between stage i and the next. */
static bool sum_stages(struct cut *c, const uint32_t *seen)
{
    uint32_t around = 0;
    c->hop = 1;
    for (size_t i = c->stages_n; i > 0; i--) {
        struct cut_stage *s = &c->stage[i - 1];
        around = divide_up(around + seen[i], s->stride) + s->around;
        s->around = around;
        c->hop *= s->stride;
        if (around > AROUND_MAX || c->hop > 4096)
            return false;
    }
    c->decoder_around = around + seen[0];
    return c->stages_n > 0 && c->decoder_around <= AROUND_MAX;
}

/* One node of the decoder. */
static bool follow(const struct graph *g, uint32_t node, struct cut *c, struct reach *reach,
                   uint32_t *seen)
{
    const struct graph_node *n = &g->nodes[node];
    struct reach r;
    if (!join(g, n, reach, &r))
        return false;
    if (!r.is_known)
        return true;
    if (graph_is(n, "ConvTranspose")) {
        struct cut_stage *s = &c->stage[r.stage];
        if (r.stage != c->stages_n || c->stages_n == CUT_STAGES_MAX ||
            !look_up(g, n, &s->stride, &s->around))
            return false;
        s->node = node;
        seen[r.stage] = r.around;
        r = (struct reach){.is_known = true, .stage = (uint8_t)++c->stages_n};
    } else if (graph_is(n, "Conv") ? !look_around(g, n, &r.around) : !is_pointwise(n)) {
        return false;
    }
    put_reach(g, n, r, reach);
    return true;
}

static enum err measure_decoder(const struct graph *g, struct cut *c)
{
    uint32_t seen[CUT_STAGES_MAX + 1] = {};
    autofree struct reach *reach = mem_zero(g->values_n, sizeof *reach);
    if (!reach)
        return ERR_NOMEM;
    reach[c->frames].is_known = true;
    for (uint32_t i = 0; i < g->nodes_n; i++)
        if (c->decoder[i] && !follow(g, i, c, reach, seen))
            return ERR_UNSUPPORTED;
    const struct reach *end = &reach[g->sound];
    if (!end->is_known || end->stage != c->stages_n)
        return ERR_UNSUPPORTED;
    seen[end->stage] = end->around;
    return sum_stages(c, seen) ? OK : ERR_UNSUPPORTED;
}

/* In the flow nodes do all kinds of things; but only convolutions look at other frames. */
static enum err measure_flow(const struct graph *g, struct cut *c)
{
    autofree struct reach *reach = mem_zero(g->values_n, sizeof *reach);
    if (!reach)
        return ERR_NOMEM;
    reach[c->latent].is_known = true;
    for (uint32_t i = 0; i < g->nodes_n; i++) {
        const struct graph_node *n = &g->nodes[i];
        struct reach r;
        if (!c->flow[i] || !join(g, n, reach, &r) || !r.is_known)
            continue;
        if (graph_is(n, "Conv") && !look_around(g, n, &r.around))
            return ERR_UNSUPPORTED;
        put_reach(g, n, r, reach);
    }
    c->flow_around = reach[c->frames].around;
    return reach[c->frames].is_known && c->flow_around <= AROUND_MAX ? OK : ERR_UNSUPPORTED;
}

/* --- the flow's beginning --- */

static enum err only_user(const struct graph *g, uint32_t value, const uint8_t *among,
                          uint32_t *ret_node)
{
    uint32_t found = GRAPH_NOTHING;
    for (uint32_t i = 0; i < g->nodes_n; i++)
        for (uint32_t k = 0; among[i] && k < g->nodes[i].inputs_n; k++)
            if (graph_input(g, &g->nodes[i], k) == value) {
                if (found != GRAPH_NOTHING && found != i)
                    return ERR_UNSUPPORTED;
                found = i;
            }
    *ret_node = found;
    return found == GRAPH_NOTHING ? ERR_UNSUPPORTED : OK;
}

static bool is_chance(const struct graph_node *n)
{
    return graph_is(n, "RandomNormalLike") || graph_is(n, "RandomNormal") ||
           graph_is(n, "RandomUniformLike") || graph_is(n, "RandomUniform");
}

/* The last thing that is drawn by chance, times how much of it is wanted, is added to what the text says. */
static enum err find_latent(const struct graph *g, const uint8_t *before, struct cut *c)
{
    uint32_t at = (uint32_t)g->nodes_n;
    while (at > 0 && !(before[at - 1] && is_chance(&g->nodes[at - 1])))
        at--;
    if (at == 0)
        return ERR_UNSUPPORTED;
    at--;
    do {
        uint32_t from = at;
        if (g->nodes[at].outputs_n == 0)
            return ERR_UNSUPPORTED;
        try(only_user(g, g->ref[g->nodes[at].outputs_at], before, &at));
        if (at <= from)
            return ERR_UNSUPPORTED; /* it goes in a circle */
    } while (graph_is(&g->nodes[at], "Mul"));
    if (!graph_is(&g->nodes[at], "Add") || g->nodes[at].outputs_n == 0)
        return ERR_UNSUPPORTED;
    c->latent = g->ref[g->nodes[at].outputs_at];
    return OK;
}

/* Does it take the text, or chance? What does not can be computed in any part. */
static void mark_text(const struct graph *g, uint8_t *is_text)
{
    for (uint32_t i = 0; i < g->nodes_n; i++) {
        const struct graph_node *n = &g->nodes[i];
        is_text[i] = is_chance(n);
        for (uint32_t k = 0; k < n->inputs_n; k++) {
            const struct graph_value *v = &g->values[graph_input(g, n, k)];
            is_text[i] |= (v->input & GRAPH_TAKES_TEXT) || (v->node >= 0 && is_text[v->node]);
        }
    }
}

static enum err add_beside(struct cut *c, uint32_t value)
{
    if (value == c->latent || is_among(value, c->beside, c->beside_n))
        return OK;
    if (c->beside_n == CUT_BESIDE_MAX)
        return ERR_UNSUPPORTED;
    c->beside[c->beside_n++] = value;
    return OK;
}

/* What nodes behind the latent take of the text besides. */
static enum err find_beside(const struct graph *g, const uint8_t *before, struct cut *c)
{
    autofree uint8_t *is_text = mem_zero(g->nodes_n, 1), *behind = mem_zero(g->nodes_n, 1);
    if (!is_text || !behind)
        return ERR_NOMEM;
    mark_text(g, is_text);
    for (uint32_t i = 0; i < g->nodes_n; i++) {
        const struct graph_node *n = &g->nodes[i];
        for (uint32_t k = 0; before[i] && k < n->inputs_n; k++) {
            uint32_t value = graph_input(g, n, k);
            int32_t from = g->values[value].node;
            behind[i] |= value == c->latent || (from >= 0 && behind[from]);
        }
        for (uint32_t k = 0; behind[i] && k < n->inputs_n; k++) {
            uint32_t value = graph_input(g, n, k);
            const struct graph_value *v = &g->values[value];
            bool is_of_text = (v->input & GRAPH_TAKES_TEXT) ||
                              (v->node >= 0 && is_text[v->node] && !behind[v->node]);
            if (is_of_text)
                try(add_beside(c, value));
        }
    }
    return OK;
}

/* --- all of it --- */

static enum err find_decoder(const struct graph *g, struct cut *c)
{
    unsigned takes = 0;
    try(find_frames(g, c));
    try(mark_back(g, g->sound, &c->frames, 1, c->decoder, &takes));
    if (takes & GRAPH_TAKES_TEXT)
        return ERR_UNSUPPORTED;
    c->decoder_takes_speaker = takes != 0;
    return measure_decoder(g, c);
}

static enum err find_flow(const struct graph *g, struct cut *c)
{
    unsigned all = 0, takes = 0;
    autofree uint8_t *before = mem_zero(g->nodes_n, 1);
    if (!before)
        return ERR_NOMEM;
    try(mark_back(g, c->frames, nullptr, 0, before, &all));
    try(find_latent(g, before, c));
    try(find_beside(g, before, c));
    uint32_t stops[1 + CUT_BESIDE_MAX] = {c->latent};
    memcpy(stops + 1, c->beside, c->beside_n * sizeof *stops);
    try(mark_back(g, c->frames, stops, 1 + c->beside_n, c->flow, &takes));
    if (takes & GRAPH_TAKES_TEXT)
        return ERR_UNSUPPORTED;
    c->flow_takes_speaker = takes != 0;
    takes = 0;
    for (size_t i = 0; i < 1 + c->beside_n; i++)
        try(mark_back(g, stops[i], nullptr, 0, c->text, &takes));
    c->text_takes_speaker = (takes & GRAPH_TAKES_SPEAKER) != 0;
    return measure_flow(g, c);
}

void cut_finish(struct cut *c)
{
    free(c->text);
    free(c->flow);
    free(c->decoder);
    *c = (struct cut){};
}

enum err cut_find(const struct graph *g, struct cut *ret_cut)
{
    struct cut c = {.text = mem_zero(g->nodes_n, 1),
                    .flow = mem_zero(g->nodes_n, 1),
                    .decoder = mem_zero(g->nodes_n, 1)};
    enum { SLICE_OPSET = 10 }; /* of the nodes that cut_write adds */
    enum err err = !c.text || !c.flow || !c.decoder ? ERR_NOMEM
                   : g->opset < SLICE_OPSET         ? ERR_UNSUPPORTED
                                                    : find_decoder(g, &c);
    if (err == OK)
        err = find_flow(g, &c);
    if (err == OK)
        *ret_cut = c;
    else
        cut_finish(&c);
    return err;
}
