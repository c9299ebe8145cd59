// SPDX-License-Identifier: Apache-2.0
/* ITU-T G.711: the 8-bit companded samples of telephony, expanded to 16 bits. */
#pragma once

#include <stdint.h>

static inline int16_t g711_mulaw(uint8_t code)
{
    code = (uint8_t)~code;
    int magnitude = ((((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84;
    return (int16_t)(code & 0x80 ? -magnitude : magnitude);
}

static inline int16_t g711_alaw(uint8_t code)
{
    code ^= 0x55;
    int segment = (code & 0x70) >> 4, magnitude = ((code & 0x0f) << 4) + 8;
    if (segment)
        magnitude = (magnitude + 0x100) << (segment - 1);
    return (int16_t)(code & 0x80 ? magnitude : -magnitude);
}
