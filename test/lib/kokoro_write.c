// SPDX-License-Identifier: Apache-2.0
#include "kokoro_write.h"

#include <math.h>
#include <stdio.h>

#include "base/check.h"
#include "onnx_write.h"
#include "tts/kokoro/styles.h"

enum { SYMBOLS = 178, DURATIONS = 50, OPSET = 17, FILE_MAX = 1 << 30, POST = 22 };
/* Of the sum of durations' sigmoids, so that a symbol is three frames of 25 ms. */
static constexpr float PACE = 0.12f;

struct kokoro_shape kokoro_tiny_made(void)
{
    return (struct kokoro_shape){
        .hidden = 16, .wide = 16, .blocks = 1, .channels = 32, .kernels = 1, .dilations = 1};
}

struct kokoro_shape kokoro_full_made(void)
{
    return (struct kokoro_shape){
        .hidden = 512, .wide = 1024, .blocks = 4, .channels = 512, .kernels = 3, .dilations = 3};
}

struct maker {
    struct onnx o;
    const struct kokoro_shape *shape;
    int tokens, style, speed;
};

/* --- layers; time stands last: 1 × channels × frames --- */

static int op1(struct maker *m, const char *type, int a)
{
    return onnx_op1(&m->o, type, a);
}

static int op2(struct maker *m, const char *type, int a, int b)
{
    return onnx_op2(&m->o, type, a, b);
}

static int cast(struct maker *m, int x, enum onnx_element to)
{
    onnx_attribute_int(&m->o, "to", to);
    return op1(m, "Cast", x);
}

static int unsqueeze(struct maker *m, int x, int64_t axis)
{
    return op2(m, "Unsqueeze", x, onnx_ints(&m->o, 1, &axis));
}

static int transpose(struct maker *m, int x)
{
    onnx_attribute_ints(&m->o, "perm", 3, (int64_t[]){0, 2, 1});
    return op1(m, "Transpose", x);
}

static int slice(struct maker *m, int x, int64_t from, int64_t to, int64_t axis)
{
    struct onnx *o = &m->o;
    return onnx_op(
        o, "Slice", 4,
        (int[]){x, onnx_ints(o, 1, &from), onnx_ints(o, 1, &to), onnx_ints(o, 1, &axis)});
}

static int conv(struct maker *m, int x, int in, int out, int kernel, int dilation)
{
    struct onnx *o = &m->o;
    const int64_t pad = dilation * (kernel - 1) / 2;
    onnx_attribute_ints(o, "dilations", 1, (int64_t[]){dilation});
    onnx_attribute_ints(o, "kernel_shape", 1, (int64_t[]){kernel});
    onnx_attribute_ints(o, "pads", 2, (int64_t[]){pad, pad});
    onnx_attribute_ints(o, "strides", 1, (int64_t[]){1});
    int w = onnx_weights(o, 3, (int64_t[]){out, in, kernel}, sqrtf(3.0f / (float)(in * kernel)));
    return onnx_op(o, "Conv", 3, (int[]){x, w, onnx_fill(o, 1, (int64_t[]){out}, 0)});
}

static int upsample(struct maker *m, int x, int in, int out, int stride, int kernel)
{
    struct onnx *o = &m->o;
    const int64_t pad = (kernel - stride) / 2;
    onnx_attribute_ints(o, "kernel_shape", 1, (int64_t[]){kernel});
    onnx_attribute_ints(o, "pads", 2, (int64_t[]){pad, pad});
    onnx_attribute_ints(o, "strides", 1, (int64_t[]){stride});
    int w = onnx_weights(o, 3, (int64_t[]){in, out, kernel},
                         sqrtf(3.0f * (float)stride / (float)(in * kernel)));
    return onnx_op(o, "ConvTranspose", 3, (int[]){x, w, onnx_fill(o, 1, (int64_t[]){out}, 0)});
}

/* Half of the style's numbers as a column of n. */
static int style_of(struct maker *m, int from, int n)
{
    const int half = STYLE_SIZE / 2;
    int w = onnx_weights(&m->o, 2, (int64_t[]){half, n}, 0.2f);
    return unsqueeze(m, op2(m, "MatMul", slice(m, m->style, from, from + half, 1), w), 2);
}

/* Adaptive instance normalisation: mean and spread are the style's. */
static int adain(struct maker *m, int x, int channels)
{
    struct onnx *o = &m->o;
    const int64_t dims[] = {channels};
    int y = onnx_op(o, "InstanceNormalization", 3,
                    (int[]){x, onnx_fill(o, 1, dims, 1), onnx_fill(o, 1, dims, 0)});
    int spread = op2(m, "Add", style_of(m, 0, channels), onnx_float(o, 1));
    return op2(m, "Add", op2(m, "Mul", y, spread), style_of(m, 0, channels));
}

static int leaky(struct maker *m, int x)
{
    onnx_attribute_float(&m->o, "alpha", 0.2f);
    return op1(m, "LeakyRelu", x);
}

/* Snake: x + sin²(x). */
static int snake(struct maker *m, int x)
{
    int wave = op1(m, "Sin", x);
    return op2(m, "Add", x, op2(m, "Mul", wave, wave));
}

static int residual(struct maker *m, int x, int channels, int kernel)
{
    for (int i = 0; i < m->shape->dilations; i++) {
        int y = conv(m, snake(m, adain(m, x, channels)), channels, channels, kernel, 1 + 2 * i);
        y = conv(m, snake(m, adain(m, y, channels)), channels, channels, kernel, 1);
        x = op2(m, "Add", x, y);
    }
    return x;
}

/* --- the text: its frames --- */

static int range(struct maker *m, int n)
{
    struct onnx *o = &m->o;
    return onnx_op(o, "Range", 3, (int[]){onnx_int(o, 0), n, onnx_int(o, 1)});
}

/* 1 × N, whole numbers of one or more. */
static int durations(struct maker *m, int x)
{
    struct onnx *o = &m->o;
    const int64_t axis = 1;
    int y = op1(m, "Sigmoid", conv(m, x, m->shape->hidden, DURATIONS, 1, 1));
    onnx_attribute_int(o, "keepdims", 0);
    y = op2(m, "ReduceSum", y, onnx_ints(o, 1, &axis));
    y = op2(m, "Div", op2(m, "Mul", y, onnx_float(o, PACE)), m->speed);
    return op2(m, "Max", op1(m, "Round", y), onnx_float(o, 1));
}

/* Each symbol's column as often as it lasts. */
static int stretch(struct maker *m, int x, int w)
{
    struct onnx *o = &m->o;
    onnx_attribute_int(o, "keepdims", 0);
    int frames = cast(m, op1(m, "ReduceSum", w), ELEMENT_INT64);
    int ends = unsqueeze(m, op2(m, "CumSum", w, onnx_int(o, 1)), 1);
    int t = unsqueeze(m, unsqueeze(m, cast(m, range(m, frames), ELEMENT_FLOAT), 0), 2);
    int before = cast(m, op2(m, "Less", t, ends), ELEMENT_FLOAT);
    int pads = onnx_ints(o, 6, (int64_t[]){0, 0, 1, 0, 0, 0});
    int path = op2(m, "Sub", before, op2(m, "Pad", slice(m, before, 0, -1, 2), pads));
    return transpose(m, op2(m, "MatMul", path, transpose(m, x)));
}

static int text(struct maker *m)
{
    struct onnx *o = &m->o;
    const int h = m->shape->hidden;
    int table = onnx_weights(o, 2, (int64_t[]){SYMBOLS, h}, 1);
    int x = transpose(m, op2(m, "Gather", table, m->tokens));
    for (int i = 0; i < 3; i++)
        x = leaky(m, conv(m, x, h, h, 5, 1));
    return op2(m, "Add", x, style_of(m, STYLE_SIZE / 2, h));
}

/* --- the sound --- */

static int decoder(struct maker *m, int x)
{
    const int wide = m->shape->wide;
    int in = m->shape->hidden;
    for (int i = 0; i < m->shape->blocks; i++, in = wide) {
        x = conv(m, leaky(m, adain(m, x, in)), in, wide, 3, 1);
        x = conv(m, leaky(m, adain(m, x, wide)), wide, wide, 3, 1);
    }
    return upsample(m, x, wide, m->shape->channels, 2, 4);
}

static int generator(struct maker *m, int x)
{
    static const int strides[] = {10, 6}, kernels[] = {3, 7, 11}, of_noise[] = {7, 11};
    int in = m->shape->channels;
    for (int i = 0; i < 2; i++, in /= 2) {
        const int out = in / 2;
        x = upsample(m, leaky(m, x), in, out, strides[i], 2 * strides[i]);
        x = op2(m, "Add", x, residual(m, op1(m, "RandomNormalLike", x), out, of_noise[i]));
        int sum = residual(m, x, out, kernels[0]);
        for (int k = 1; k < m->shape->kernels; k++)
            sum = op2(m, "Add", sum, residual(m, x, out, kernels[k]));
        x = op2(m, "Mul", sum, onnx_float(&m->o, 1 / (float)m->shape->kernels));
    }
    x = op1(m, "Sin", conv(m, leaky(m, x), in, POST, 7, 1));
    return op1(m, "Tanh", upsample(m, x, POST, 1, 5, 15));
}

static void put_inputs(struct maker *m)
{
    const enum onnx_element speed = m->shape->speed ? m->shape->speed : ELEMENT_FLOAT;
    m->tokens = onnx_input(&m->o, m->shape->is_older ? "tokens" : "input_ids", ELEMENT_INT64, 2);
    m->style = onnx_input(&m->o, "style", ELEMENT_FLOAT, 2);
    m->speed = onnx_input(&m->o, "speed", speed, 1);
    if (speed != ELEMENT_FLOAT)
        m->speed = cast(m, m->speed, ELEMENT_FLOAT);
}

void kokoro_write_onnx(const struct kokoro_shape *shape, struct buf *into)
{
    static struct maker m;
    const int64_t flat = -1;
    m = (struct maker){.shape = shape};
    put_inputs(&m);
    int x = text(&m);
    int w = durations(&m, x);
    int sound = generator(&m, decoder(&m, stretch(&m, x, w)));
    sound = op2(&m, "Reshape", sound, onnx_ints(&m.o, 1, &flat));
    if (shape->is_mute)
        sound = slice(&m, sound, 0, 0, 0);
    if (shape->is_endless) {
        int go = op2(&m, "Greater", op1(&m, "Squeeze", m.speed), onnx_float(&m.o, 3.5f));
        sound = op2(&m, "Mul", sound, onnx_endless(&m.o, go, onnx_float(&m.o, 1)));
    }
    if (shape->is_silent || shape->is_nan)
        sound = op2(&m, "Mul", sound, onnx_float(&m.o, 0));
    if (shape->is_nan)
        sound = op2(&m, "Div", sound, onnx_float(&m.o, 0));
    onnx_output(&m.o, sound, shape->is_older ? "audio" : "waveform", ELEMENT_FLOAT, 1);
    if (!shape->is_older)
        onnx_output(&m.o, cast(&m, w, ELEMENT_INT64), "duration", ELEMENT_INT64, 2);
    into->cap = FILE_MAX;
    onnx_write(&m.o, OPSET, into);
}
