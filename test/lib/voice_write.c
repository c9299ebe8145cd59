// SPDX-License-Identifier: Apache-2.0
#include "voice_write.h"

#include <math.h>
#include <stdio.h>

#include "base/check.h"
#include "onnx_write.h"

enum {
    SYMBOLS = VOICE_WRITE_SYMBOLS,
    SPEAKER_SIZE = 512, /* numbers that describe a speaker; of a tiny voice fewer */
    OPSET = 17,
    FLOW_KERNEL = 5,
    FILE_MAX = 1 << 30,
};
static constexpr float FRAMES =
    0.35f; /* logarithm of the frames of a phoneme, before they are rounded up */

static const struct {
    const char *name;
    struct voice_shape shape;
} shapes[] = {
    {"tiny",
     {.hidden = 16,
      .layers = 1,
      .heads = 2,
      .couplings = 2,
      .waves = 2,
      .channels = 32,
      .rate_hz = 16000}},
    {"least",
     {.hidden = 2,
      .layers = 1,
      .heads = 1,
      .couplings = 1,
      .waves = 1,
      .channels = 8,
      .rate_hz = 16000}},
    {"x_low",
     {.hidden = 96,
      .layers = 6,
      .heads = 2,
      .couplings = 4,
      .waves = 4,
      .channels = 256,
      .rate_hz = 16000}},
    {"low",
     {.hidden = 192,
      .layers = 6,
      .heads = 2,
      .couplings = 4,
      .waves = 4,
      .channels = 256,
      .rate_hz = 16000}},
    {"medium",
     {.hidden = 192,
      .layers = 6,
      .heads = 2,
      .couplings = 4,
      .waves = 4,
      .channels = 256,
      .rate_hz = 22050}},
    {"high",
     {.hidden = 192,
      .layers = 6,
      .heads = 2,
      .couplings = 4,
      .waves = 4,
      .channels = 512,
      .is_high = true,
      .rate_hz = 22050}},
};

struct voice_shape voice_tiny_made(void)
{
    struct voice_shape shape = shapes[0].shape;
    shape.speakers = 1;
    return shape;
}

bool voice_shape_named(const char *name, struct voice_shape *ret_shape)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (strcmp(shapes[i].name, name) == 0) {
            *ret_shape = shapes[i].shape;
            ret_shape->speakers = 1;
            return true;
        }
    }
    return false;
}

struct maker {
    struct onnx o;
    const struct voice_shape *shape;
    int ids, lengths, scales, speaker; /* what goes in; speaker: its vector as 1 × n × 1, or -1 */
    int speaker_size;
};

/* --- layers --- */

static int constant(struct maker *m, float value)
{
    return onnx_float(&m->o, value);
}

/* Time stands last: 1 × channels × frames. */
static int conv(struct maker *m, int x, int in, int out, int kernel, int dilation, float gain)
{
    struct onnx *o = &m->o;
    const int64_t pad = dilation * (kernel - 1) / 2;
    onnx_attribute_ints(o, "dilations", 1, (int64_t[]){dilation});
    onnx_attribute_ints(o, "kernel_shape", 1, (int64_t[]){kernel});
    onnx_attribute_ints(o, "pads", 2, (int64_t[]){pad, pad});
    onnx_attribute_ints(o, "strides", 1, (int64_t[]){1});
    int w =
        onnx_weights(o, 3, (int64_t[]){out, in, kernel}, gain * sqrtf(3.0f / (float)(in * kernel)));
    return onnx_op(o, "Conv", 3, (int[]){x, w, onnx_fill(o, 1, (int64_t[]){out}, 0)});
}

static int depthwise(struct maker *m, int x, int channels, int kernel, int dilation)
{
    struct onnx *o = &m->o;
    const int64_t pad = dilation * (kernel - 1) / 2;
    onnx_attribute_ints(o, "dilations", 1, (int64_t[]){dilation});
    onnx_attribute_int(o, "group", channels);
    onnx_attribute_ints(o, "kernel_shape", 1, (int64_t[]){kernel});
    onnx_attribute_ints(o, "pads", 2, (int64_t[]){pad, pad});
    int w = onnx_weights(o, 3, (int64_t[]){channels, 1, kernel}, 1);
    return onnx_op(o, "Conv", 3, (int[]){x, w, onnx_fill(o, 1, (int64_t[]){channels}, 0)});
}

static int transpose(struct maker *m, int x)
{
    onnx_attribute_ints(&m->o, "perm", 3, (int64_t[]){0, 2, 1});
    return onnx_op1(&m->o, "Transpose", x);
}

/* Over the channels. */
static int layer_norm(struct maker *m, int x, int channels)
{
    struct onnx *o = &m->o;
    const int64_t dims[] = {channels};
    int y = transpose(m, x);
    onnx_attribute_int(o, "axis", -1);
    y = onnx_op(o, "LayerNormalization", 3,
                (int[]){y, onnx_fill(o, 1, dims, 1), onnx_fill(o, 1, dims, 0)});
    return transpose(m, y);
}

static int slice(struct maker *m, int x, int64_t from, int64_t to, int64_t axis, int64_t step)
{
    struct onnx *o = &m->o;
    return onnx_op(o, "Slice", 5,
                   (int[]){x, onnx_ints(o, 1, &from), onnx_ints(o, 1, &to), onnx_ints(o, 1, &axis),
                           onnx_ints(o, 1, &step)});
}

/* One of the three factors, as a number alone. */
static int scale_of(struct maker *m, int64_t which)
{
    return onnx_op2(&m->o, "Gather", m->scales, onnx_int(&m->o, which));
}

static int as_float(struct maker *m, int x)
{
    onnx_attribute_int(&m->o, "to", ELEMENT_FLOAT);
    return onnx_op1(&m->o, "Cast", x);
}

static int as_int(struct maker *m, int x)
{
    onnx_attribute_int(&m->o, "to", ELEMENT_INT64);
    return onnx_op1(&m->o, "Cast", x);
}

static int unsqueeze(struct maker *m, int x, int64_t axis)
{
    return onnx_op2(&m->o, "Unsqueeze", x, onnx_ints(&m->o, 1, &axis));
}

/* 0, 1, … n - 1, of a whole number n. */
static int range(struct maker *m, int n)
{
    struct onnx *o = &m->o;
    return onnx_op(o, "Range", 3, (int[]){onnx_int(o, 0), n, onnx_int(o, 1)});
}

/* Ones: 1 × 1 × n. */
static int mask_of(struct maker *m, int n, int length)
{
    int is_inside = onnx_op2(&m->o, "Less", unsqueeze(m, range(m, n), 0), length);
    return unsqueeze(m, as_float(m, is_inside), 1);
}

static int mul(struct maker *m, int a, int b)
{
    return onnx_op2(&m->o, "Mul", a, b);
}

static int add(struct maker *m, int a, int b)
{
    return onnx_op2(&m->o, "Add", a, b);
}

static int noise_like(struct maker *m, int x)
{
    return onnx_op1(&m->o, "RandomNormalLike", x);
}

/* What the speaker adds, 1 × n × 1. */
static int with_speaker(struct maker *m, int x, int channels)
{
    return m->speaker < 0 ? x : add(m, x, conv(m, m->speaker, m->speaker_size, channels, 1, 1, 1));
}

/* --- the text encoder --- */

static int head_of(struct maker *m, int x, const int64_t *perm)
{
    struct onnx *o = &m->o;
    const int64_t d = m->shape->hidden, heads = m->shape->heads;
    int w = onnx_weights(o, 2, (int64_t[]){d, d}, sqrtf(3.0f / (float)d));
    int y = onnx_op2(o, "MatMul", x, w);
    y = onnx_op2(o, "Reshape", y, onnx_ints(o, 4, (int64_t[]){1, -1, heads, d / heads}));
    onnx_attribute_ints(o, "perm", 4, perm);
    return onnx_op1(o, "Transpose", y);
}

static int attention(struct maker *m, int x)
{
    struct onnx *o = &m->o;
    const int64_t d = m->shape->hidden;
    static const int64_t rows[] = {0, 2, 1, 3}, columns[] = {0, 2, 3, 1};
    int y = transpose(m, x);
    int q = head_of(m, y, rows), k = head_of(m, y, columns), v = head_of(m, y, rows);
    int scores = mul(m, onnx_op2(o, "MatMul", q, k),
                     constant(m, 1 / sqrtf((float)d / (float)m->shape->heads)));
    onnx_attribute_int(o, "axis", -1);
    int a = onnx_op2(o, "MatMul", onnx_op1(o, "Softmax", scores), v);
    onnx_attribute_ints(o, "perm", 4, rows);
    a = onnx_op1(o, "Transpose", a);
    a = onnx_op2(o, "Reshape", a, onnx_ints(o, 3, (int64_t[]){1, -1, d}));
    return conv(m, transpose(m, a), (int)d, (int)d, 1, 1, 1);
}

static int text_encoder(struct maker *m, int mask)
{
    struct onnx *o = &m->o;
    const int d = m->shape->hidden;
    int table = onnx_weights(o, 2, (int64_t[]){SYMBOLS, d}, 1);
    int x = transpose(m, onnx_op2(o, "Gather", table, m->ids));
    for (int i = 0; i < m->shape->layers; i++) {
        x = layer_norm(m, add(m, x, attention(m, x)), d);
        int y = conv(m, mul(m, x, mask), d, 4 * d, 3, 1, 1.4f);
        y = conv(m, onnx_op1(o, "Relu", y), 4 * d, d, 3, 1, 1);
        x = layer_norm(m, add(m, x, mul(m, y, mask)), d);
    }
    return mul(m, x, mask);
}

/* --- how long each phoneme is: a stack as the true one has, and of its result a little --- */

static int separable(struct maker *m, int x, int mask)
{
    const int d = m->shape->hidden;
    for (int i = 0, dilation = 1; i < 3; i++, dilation *= 3) {
        int y = layer_norm(m, depthwise(m, mul(m, x, mask), d, 3, dilation), d);
        y = conv(m, onnx_op1(&m->o, "Relu", y), d, d, 1, 1, 1);
        x = add(m, x, layer_norm(m, y, d));
    }
    return x;
}

static int durations(struct maker *m, int x, int mask)
{
    const int d = m->shape->hidden;
    int y = with_speaker(m, conv(m, x, d, d, 1, 1, 1), d);
    int stacks = m->shape->layers < 4 ? 1 : 5;
    for (int i = 0; i < stacks; i++)
        y = conv(m, separable(m, y, mask), d, d, 1, 1, 1);
    int log_w = mul(m, onnx_op1(&m->o, "Tanh", conv(m, y, d, 1, 1, 1, 1)), constant(m, 0.4f));
    log_w = add(m, log_w, mul(m, mul(m, noise_like(m, log_w), scale_of(m, 2)), constant(m, 0.2f)));
    log_w = add(m, log_w, constant(m, FRAMES));
    int w = mul(m, mul(m, onnx_op1(&m->o, "Exp", log_w), mask), scale_of(m, 1));
    return onnx_op1(&m->o, "Ceil", w);
}

/* Frames by phonemes, 1 × T × N: one where the frame is the phoneme's. */
static int path_of(struct maker *m, int w, int frames)
{
    struct onnx *o = &m->o;
    int ends = onnx_op2(o, "CumSum", w, onnx_int(o, 2)); /* 1 × 1 × N */
    int t = unsqueeze(m, unsqueeze(m, as_float(m, range(m, frames)), 0), 2);
    int before = as_float(m, onnx_op2(o, "Less", t, ends));
    int one_less = slice(m, before, 0, -1, 2, 1);
    int pads = onnx_ints(o, 6, (int64_t[]){0, 0, 1, 0, 0, 0});
    return onnx_op2(o, "Sub", before, onnx_op2(o, "Pad", one_less, pads));
}

/* --- the flow, backwards --- */

static int waves(struct maker *m, int h, int mask)
{
    struct onnx *o = &m->o;
    const int d = m->shape->hidden, layers = m->shape->waves;
    int skip = -1, all = -1;
    if (m->speaker >= 0)
        all = conv(m, m->speaker, m->speaker_size, 2 * d * layers, 1, 1, 1);
    for (int i = 0; i < layers; i++) {
        int g = conv(m, h, d, 2 * d, FLOW_KERNEL, 1, 1);
        if (all >= 0)
            g = add(m, g, slice(m, all, 2 * d * i, 2 * d * (i + 1), 1, 1));
        g = mul(m, onnx_op1(o, "Tanh", slice(m, g, 0, d, 1, 1)),
                onnx_op1(o, "Sigmoid", slice(m, g, d, 2 * d, 1, 1)));
        bool is_last = i == layers - 1;
        int r = conv(m, g, d, is_last ? d : 2 * d, 1, 1, 1);
        if (!is_last) {
            h = mul(m, add(m, h, slice(m, r, 0, d, 1, 1)), mask);
            r = slice(m, r, d, 2 * d, 1, 1);
        }
        skip = skip < 0 ? r : add(m, skip, r);
    }
    return mul(m, skip, mask);
}

static int flow(struct maker *m, int z, int mask)
{
    const int d = m->shape->hidden, half = d / 2;
    for (int i = 0; i < m->shape->couplings; i++) {
        z = slice(m, z, -1, INT64_MIN, 1, -1); /* the channels the other way round */
        int a = slice(m, z, 0, half, 1, 1), b = slice(m, z, half, d, 1, 1);
        int h = waves(m, mul(m, conv(m, a, half, d, 1, 1, 1), mask), mask);
        int mean = mul(m, conv(m, h, d, half, 1, 1, 0.5f), mask);
        b = mul(m, onnx_op2(&m->o, "Sub", b, mean), mask);
        onnx_attribute_int(&m->o, "axis", 1);
        z = onnx_op2(&m->o, "Concat", a, b);
    }
    return z;
}

/* --- the decoder (HiFi-GAN; Kong, Kim and Bae, 2020) --- */

static int leaky(struct maker *m, int x, float alpha)
{
    onnx_attribute_float(&m->o, "alpha", alpha);
    return onnx_op1(&m->o, "LeakyRelu", x);
}

static int upsample(struct maker *m, int x, int in, int out, int stride, int kernel)
{
    struct onnx *o = &m->o;
    const int64_t pad = (kernel - stride) / 2;
    onnx_attribute_ints(o, "dilations", 1, (int64_t[]){1});
    onnx_attribute_ints(o, "kernel_shape", 1, (int64_t[]){kernel});
    onnx_attribute_ints(o, "pads", 2, (int64_t[]){pad, pad});
    onnx_attribute_ints(o, "strides", 1, (int64_t[]){stride});
    int w = onnx_weights(o, 3, (int64_t[]){in, out, kernel},
                         sqrtf(3.0f * (float)stride / (float)(in * kernel)));
    return onnx_op(o, "ConvTranspose", 3, (int[]){x, w, onnx_fill(o, 1, (int64_t[]){out}, 0)});
}

static int residual(struct maker *m, int x, int channels, int kernel, const int *dilations,
                    int count)
{
    for (int i = 0; i < count; i++) {
        int y = conv(m, leaky(m, x, 0.1f), channels, channels, kernel, dilations[i], 1);
        if (m->shape->is_high)
            y = conv(m, leaky(m, y, 0.1f), channels, channels, kernel, 1, 1);
        x = add(m, x, y);
    }
    return x;
}

static int decoder(struct maker *m, int z)
{
    static const int high_kernels[] = {3, 7, 11}, kernels[] = {3, 5, 7};
    static const int high_dilations[3][3] = {{1, 3, 5}, {1, 3, 5}, {1, 3, 5}};
    static const int dilations[3][2] = {{1, 2}, {2, 6}, {3, 12}};
    static const int high_strides[] = {8, 8, 2, 2}, strides[] = {8, 8, 4};
    const bool is_high = m->shape->is_high;
    int channels = m->shape->channels;
    int x = with_speaker(m, conv(m, z, m->shape->hidden, channels, 7, 1, 1), channels);
    for (int i = 0; i < (is_high ? 4 : 3); i++) {
        int stride = is_high ? high_strides[i] : strides[i], sum = -1;
        x = upsample(m, leaky(m, x, 0.1f), channels, channels / 2, stride, 2 * stride);
        channels /= 2;
        for (int k = 0; k < 3; k++) {
            int y = is_high ? residual(m, x, channels, high_kernels[k], high_dilations[k], 3)
                            : residual(m, x, channels, kernels[k], dilations[k], 2);
            sum = sum < 0 ? y : add(m, sum, y);
        }
        x = onnx_op2(&m->o, "Div", sum, constant(m, 3));
    }
    float loudness = m->shape->loudness > 0 ? m->shape->loudness : 0.3f;
    return onnx_op1(&m->o, "Tanh", conv(m, leaky(m, x, 0.01f), channels, 1, 7, 1, loudness));
}

/* --- the whole --- */

static void put_inputs(struct maker *m)
{
    struct onnx *o = &m->o;
    m->ids = onnx_input(o, "input", ELEMENT_INT64, 2);
    m->lengths = onnx_input(o, "input_lengths", ELEMENT_INT64, 1);
    m->scales = onnx_input(o, "scales", ELEMENT_FLOAT, 1);
    m->speaker = -1;
    m->speaker_size = m->shape->hidden < 96 ? m->shape->hidden : SPEAKER_SIZE;
    if (m->shape->speakers <= 1)
        return;
    int sid = onnx_input(o, "sid", ELEMENT_INT64, 1);
    int table = onnx_weights(o, 2, (int64_t[]){m->shape->speakers, m->speaker_size}, 1);
    m->speaker = unsqueeze(m, onnx_op2(o, "Gather", table, sid), -1);
}

static int latent(struct maker *m, int *ret_mask)
{
    struct onnx *o = &m->o;
    const int d = m->shape->hidden;
    int count = onnx_op2(o, "Gather", onnx_op1(o, "Shape", m->ids), onnx_int(o, 1));
    int text_mask = mask_of(m, count, m->lengths);
    int x = text_encoder(m, text_mask);
    int stats = mul(m, conv(m, x, d, 2 * d, 1, 1, 1), text_mask);
    int w = durations(m, x, text_mask);
    onnx_attribute_int(o, "keepdims", 0);
    int sum = as_int(m, onnx_op1(o, "ReduceSum", w)); /* of all axes */
    sum = onnx_op2(o, "Max", sum, onnx_int(o, 1));
    *ret_mask = mask_of(m, sum, sum);
    int path = path_of(m, w, sum);
    int mean = transpose(m, onnx_op2(o, "MatMul", path, transpose(m, slice(m, stats, 0, d, 1, 1))));
    int logs =
        transpose(m, onnx_op2(o, "MatMul", path, transpose(m, slice(m, stats, d, 2 * d, 1, 1))));
    int noise = mul(m, noise_like(m, mean), onnx_op1(o, "Exp", mul(m, logs, constant(m, 0.1f))));
    return add(m, mean, mul(m, noise, scale_of(m, 0)));
}

void voice_write_onnx(const struct voice_shape *shape, struct buf *into)
{
    static struct maker m;
    m = (struct maker){.shape = shape};
    int mask;
    put_inputs(&m);
    int z = latent(&m, &mask);
    z = mul(&m, flow(&m, z, mask), mask);
    int sound = decoder(&m, z);
    if (shape->is_tangled) { /* as loud as the text is long */
        int length = as_float(&m, m.lengths);
        sound = mul(&m, sound, onnx_op2(&m.o, "Div", length, add(&m, length, constant(&m, 1))));
    }
    if (shape->is_endless) {
        int go = onnx_op2(&m.o, "Less", scale_of(&m, 1), constant(&m, 0.3f));
        sound = mul(&m, sound, onnx_endless(&m.o, go, onnx_float(&m.o, 1)));
    }
    onnx_output(&m.o, unsqueeze(&m, sound, 1), "output", ELEMENT_FLOAT, 4);
    into->cap = FILE_MAX;
    onnx_write(&m.o, OPSET, into);
}

static bool write_file(const char *path, const char *ending, const struct buf *bytes)
{
    char name[4096];
    snprintf(name, sizeof name, "%s%s", path, ending);
    FILE *f = fopen(name, "wb");
    bool is_written = f && fwrite(bytes->p, 1, bytes->n, f) == bytes->n;
    is_written = f && fclose(f) == 0 && is_written;
    if (!is_written)
        perror(name);
    return is_written;
}

bool voice_write(const char *path, const struct voice_shape *shape)
{
    autobuf onnx = {}, json = {};
    voice_write_onnx(shape, &onnx);
    voice_write_json(shape, &json);
    return write_file(path, "", &onnx) && write_file(path, ".json", &json);
}
