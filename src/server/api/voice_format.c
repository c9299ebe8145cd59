// SPDX-License-Identifier: Apache-2.0
#include "server/api/voice_format.h"

#include "audio/opus_out.h"

enum err voice_format_read(struct str name, int64_t rate, const struct json_val *output,
                           struct json_why *why, struct voice_format *ret_f)
{
    struct {
        struct str format;
        int64_t rate;
    } o = {};
    static const struct json_field fields[] = {
        {"format", JSON_STR, 0, .one_of = "pcm|opus"},
        {"rate", JSON_INT, sizeof(struct str), .min = PCM_RATE_MIN, .max = PCM_RATE_MAX},
    };
    if (output)
        try(json_read(output, fields, 2, JSON_STRICT, &o, why));
    struct voice_format f = {.in = inlet_format(name), .out_opus = str_eq(o.format, S("opus"))};
    f.in_rate_hz = f.in == INLET_PCM && rate ? (uint32_t)rate : PCM_RATE_RECOGNISE;
    f.out_rate_hz = o.rate ? (uint32_t)o.rate : f.out_opus ? OPUS_OUT_RATE : PCM_RATE_SPEAK;
    if (f.out_opus && !opus_out_has_rate(f.out_rate_hz)) {
        *why = (struct json_why){OPUS_OUT_RATES, "rate"};
        return ERR_INVALID;
    }
    *ret_f = f;
    return OK;
}
