// SPDX-License-Identifier: Apache-2.0
#include "stt/parakeet/tensors.h"

#include "stt/window/weights.h"

static const struct tensor whole[] = {
    {"encoder.pre_encode.conv.0.weight",
     TENSOR_VECTOR,
     {SIZE_THREE, SIZE_THREE, SIZE_ONE, SIZE_CHANNELS}},
    {"encoder.pre_encode.conv.0.bias", TENSOR_VECTOR, {SIZE_ONE, SIZE_ONE, SIZE_CHANNELS}},
    {"encoder.pre_encode.conv.2.weight",
     TENSOR_VECTOR,
     {SIZE_THREE, SIZE_THREE, SIZE_ONE, SIZE_CHANNELS}},
    {"encoder.pre_encode.conv.2.bias", TENSOR_VECTOR, {SIZE_ONE, SIZE_ONE, SIZE_CHANNELS}},
    {"encoder.pre_encode.conv.3.weight",
     TENSOR_VECTOR,
     {SIZE_ONE, SIZE_ONE, SIZE_CHANNELS, SIZE_CHANNELS}},
    {"encoder.pre_encode.conv.3.bias", TENSOR_VECTOR, {SIZE_ONE, SIZE_ONE, SIZE_CHANNELS}},
    {"encoder.pre_encode.conv.5.weight",
     TENSOR_VECTOR,
     {SIZE_THREE, SIZE_THREE, SIZE_ONE, SIZE_CHANNELS}},
    {"encoder.pre_encode.conv.5.bias", TENSOR_VECTOR, {SIZE_ONE, SIZE_ONE, SIZE_CHANNELS}},
    {"encoder.pre_encode.conv.6.weight",
     TENSOR_VECTOR,
     {SIZE_ONE, SIZE_ONE, SIZE_CHANNELS, SIZE_CHANNELS}},
    {"encoder.pre_encode.conv.6.bias", TENSOR_VECTOR, {SIZE_ONE, SIZE_ONE, SIZE_CHANNELS}},
    {"encoder.pre_encode.out.weight", TENSOR_MATRIX, {SIZE_SUBSAMPLED, SIZE_STATE}},
    {"encoder.pre_encode.out.bias", TENSOR_VECTOR, {SIZE_STATE}},
    {"decoder.prediction.embed.weight", TENSOR_INNER, {SIZE_INNER, SIZE_TOKENS}},
    {"joint.pred.weight", TENSOR_INNER, {SIZE_INNER, SIZE_INNER}},
    {"joint.pred.bias", TENSOR_VECTOR, {SIZE_INNER}},
    {"joint.enc.weight", TENSOR_MATRIX, {SIZE_STATE, SIZE_INNER}},
    {"joint.enc.bias", TENSOR_VECTOR, {SIZE_INNER}},
    {"joint.joint_net.2.weight", TENSOR_INNER, {SIZE_INNER, SIZE_JOINED}},
    {"joint.joint_net.2.bias", TENSOR_VECTOR, {SIZE_JOINED}},
};
static const struct tensor layer[] = {
    {"norm_feed_forward1.weight", TENSOR_VECTOR, {SIZE_STATE}},
    {"norm_feed_forward1.bias", TENSOR_VECTOR, {SIZE_STATE}},
    {"feed_forward1.linear1.weight", TENSOR_MATRIX, {SIZE_STATE, SIZE_STATE4}},
    {"feed_forward1.linear2.weight", TENSOR_MATRIX, {SIZE_STATE4, SIZE_STATE}},
    {"norm_conv.weight", TENSOR_VECTOR, {SIZE_STATE}},
    {"norm_conv.bias", TENSOR_VECTOR, {SIZE_STATE}},
    {"conv.pointwise_conv1.weight", TENSOR_MATRIX, {SIZE_STATE, SIZE_STATE2}},
    {"conv.depthwise_conv.weight", TENSOR_VECTOR, {SIZE_KERNEL, SIZE_STATE}},
    {"conv.batch_norm.weight", TENSOR_VECTOR, {SIZE_STATE}},
    {"conv.batch_norm.bias", TENSOR_VECTOR, {SIZE_STATE}},
    {"conv.batch_norm.running_mean", TENSOR_VECTOR, {SIZE_STATE}},
    {"conv.batch_norm.running_var", TENSOR_VECTOR, {SIZE_STATE}},
    {"conv.batch_norm.num_batches_tracked", TENSOR_VECTOR, {SIZE_ONE}},
    {"conv.pointwise_conv2.weight", TENSOR_MATRIX, {SIZE_STATE, SIZE_STATE}},
    {"norm_self_att.weight", TENSOR_VECTOR, {SIZE_STATE}},
    {"norm_self_att.bias", TENSOR_VECTOR, {SIZE_STATE}},
    {"self_attn.pos_bias_u", TENSOR_VECTOR, {SIZE_HEAD, SIZE_HEADS}},
    {"self_attn.pos_bias_v", TENSOR_VECTOR, {SIZE_HEAD, SIZE_HEADS}},
    {"self_attn.linear_q.weight", TENSOR_MATRIX, {SIZE_STATE, SIZE_STATE}},
    {"self_attn.linear_k.weight", TENSOR_MATRIX, {SIZE_STATE, SIZE_STATE}},
    {"self_attn.linear_v.weight", TENSOR_MATRIX, {SIZE_STATE, SIZE_STATE}},
    {"self_attn.linear_out.weight", TENSOR_MATRIX, {SIZE_STATE, SIZE_STATE}},
    {"self_attn.linear_pos.weight", TENSOR_MATRIX, {SIZE_STATE, SIZE_STATE}},
    {"norm_feed_forward2.weight", TENSOR_VECTOR, {SIZE_STATE}},
    {"norm_feed_forward2.bias", TENSOR_VECTOR, {SIZE_STATE}},
    {"feed_forward2.linear1.weight", TENSOR_MATRIX, {SIZE_STATE, SIZE_STATE4}},
    {"feed_forward2.linear2.weight", TENSOR_MATRIX, {SIZE_STATE4, SIZE_STATE}},
    {"norm_out.weight", TENSOR_VECTOR, {SIZE_STATE}},
    {"norm_out.bias", TENSOR_VECTOR, {SIZE_STATE}},
};
/* The number of the layer stands behind these. The file's maker has added both biases of a layer up. */
static const struct tensor inner[] = {
    {"weight_ih_l", TENSOR_INNER, {SIZE_INNER, SIZE_GATES}},
    {"weight_hh_l", TENSOR_INNER, {SIZE_INNER, SIZE_GATES}},
    {"bias_h_l", TENSOR_VECTOR, {SIZE_GATES}},
};
enum {
    WHOLE = sizeof whole / sizeof *whole,
    LAYER = sizeof layer / sizeof *layer,
    INNER = sizeof inner / sizeof *inner,
};

static const struct tensor *find_in(const struct tensor *list, uint32_t count, struct str name,
                                    uint64_t *seen)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!str_eq(str_of(list[i].name), name))
            continue;
        bool is_new = !(*seen >> i & 1);
        *seen |= (uint64_t)1 << i;
        return is_new ? &list[i] : nullptr;
    }
    return nullptr;
}

const struct tensor *tensors_find(const struct parakeet_numbers *n, struct tensors_seen *seen,
                                  struct str name)
{
    const struct str layers = S("encoder.layers."), inners = S("decoder.prediction.dec_rnn.lstm.");
    if (str_starts(name, layers)) {
        uint32_t at = 0;
        name = str_sub(name, layers.n, name.n);
        return weights_cut_layer(&name, n->layers, &at)
                   ? find_in(layer, LAYER, name, &seen->layer[at])
                   : nullptr;
    }
    if (str_starts(name, inners)) {
        uint32_t at = (uint32_t)name.p[name.n - 1] - '0';
        name = str_sub(name, inners.n, name.n - 1);
        return at < n->inner_layers ? find_in(inner, INNER, name, &seen->inner[at]) : nullptr;
    }
    return find_in(whole, WHOLE, name, &seen->whole);
}

bool tensors_are_whole(const struct parakeet_numbers *n, const struct tensors_seen *seen)
{
    bool all = seen->whole == ((uint64_t)1 << WHOLE) - 1;
    for (uint32_t i = 0; i < n->layers; i++)
        all = all && seen->layer[i] == ((uint64_t)1 << LAYER) - 1;
    for (uint32_t i = 0; i < n->inner_layers; i++)
        all = all && seen->inner[i] == ((uint64_t)1 << INNER) - 1;
    return all;
}

uint32_t tensors_size(const struct parakeet_numbers *n, enum tensor_size size)
{
    switch (size) {
    case SIZE_NONE:
    case SIZE_ONE:
        return 1;
    case SIZE_THREE:
        return 3;
    case SIZE_CHANNELS:
        return n->channels;
    case SIZE_SUBSAMPLED:
        return n->mels / n->subsampling * n->channels;
    case SIZE_STATE:
        return n->state;
    case SIZE_STATE2:
        return 2 * n->state;
    case SIZE_STATE4:
        return 4 * n->state;
    case SIZE_KERNEL:
        return n->kernel;
    case SIZE_HEADS:
        return n->heads;
    case SIZE_HEAD:
        return n->state / n->heads;
    case SIZE_INNER:
        return n->inner;
    case SIZE_GATES:
        return 4 * n->inner;
    case SIZE_TOKENS:
        return n->vocabulary + 1;
    case SIZE_JOINED:
        return n->vocabulary + 1 + n->durations;
    }
    return 0;
}
