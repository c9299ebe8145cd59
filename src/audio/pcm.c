// SPDX-License-Identifier: Apache-2.0
#include "audio/pcm.h"

#include <math.h>

enum err pcm_feed(struct pcm_carry *c, struct str bytes, struct buf *into)
{
    if (bytes.n == 0)
        return OK;
    try(buf_reserve(into, (bytes.n + c->has) & ~(size_t)1)); /* so that nothing below fails */
    if (c->has) {
        const char whole[2] = {(char)c->byte, bytes.p[0]};
        try(buf_add(into, (struct str){whole, 2}));
        bytes = str_sub(bytes, 1, bytes.n);
        c->has = false;
    }
    if (bytes.n % 2) {
        c->byte = (uint8_t)bytes.p[bytes.n - 1];
        c->has = true;
        bytes.n--;
    }
    return buf_add(into, bytes);
}

double pcm_rms(const int16_t *samples, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)samples[i] * samples[i];
    return count ? sqrt(sum / (double)count) : 0;
}

void pcm_mix(int16_t *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        samples[i] = (int16_t)(((int32_t)samples[2 * i] + samples[2 * i + 1]) / 2);
}
