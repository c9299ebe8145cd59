// SPDX-License-Identifier: Apache-2.0
/* In which formats a client of WS /voice sends and wants sound, as its hello says. Pure. */
#pragma once

#include "base/json.h"
#include "server/talk/inlet.h"

struct voice_format {
    enum inlet_format in;
    uint32_t in_rate_hz, out_rate_hz;
    bool out_opus; /* bare packets of 20 ms; else s16le */
};

/* `name` and `rate` are the hello's own, `output` is its object; each may be missing (n 0, 0, NULL).
 * ERR_INVALID with the sentence in `why`. */
enum err voice_format_read(struct str name, int64_t rate, const struct json_val *output,
                           struct json_why *why, struct voice_format *ret_f);
