// SPDX-License-Identifier: Apache-2.0
/* What Opus costs: microseconds of one core for 20 ms of sound, coded and decoded, at every rate. */
#include <math.h>
#include <stdio.h>

#include "audio/opus_in.h"
#include "audio/opus_out.h"
#include "base/check.h"
#include "base/clock.h"

enum { SECONDS = 20, FRAMES = SECONDS * 1000 / OPUS_OUT_FRAME_MS };

/* Something between a voice and noise: a tone that moves, with hiss on it. */
static int16_t sound_at(size_t i, uint32_t rate_hz)
{
    static uint32_t noise = 1;
    noise = noise * 1664525 + 1013904223;
    double t = (double)i / rate_hz;
    return (int16_t)(6000 * sin(6.28 * (150 + 50 * sin(3 * t)) * t) * sin(5 * t) +
                     (double)(noise >> 22));
}

static void measure(uint32_t rate_hz)
{
    struct opus_out *out;
    struct opus_in *in;
    autobuf samples = BUF(1 << 20);
    uint64_t coding_us = 0, decoding_us = 0;
    size_t bytes = 0;
    check(opus_out_create(rate_hz, &out) == OK && opus_in_create(&in) == OK);
    uint32_t frame = opus_out_frame_samples(out);
    for (size_t f = 0; f < FRAMES; f++) {
        int16_t sound[PCM_RATE_MAX * OPUS_OUT_FRAME_MS / 1000];
        uint8_t packet[OPUS_OUT_PACKET_MAX];
        size_t n;
        for (size_t i = 0; i < frame; i++)
            sound[i] = sound_at(f * frame + i, rate_hz);
        uint64_t from = clock_us();
        check(opus_out_frame(out, sound, packet, &n) == OK);
        uint64_t coded = clock_us();
        check(opus_in_packet(in, (struct str){(const char *)packet, n}, &samples) == OK);
        coding_us += coded - from;
        decoding_us += clock_us() - coded;
        buf_clear(&samples);
        bytes += n;
    }
    double us = (double)coding_us / FRAMES, back_us = (double)decoding_us / FRAMES;
    printf("%6u Hz: coding %6.1f us (1/%.0f of the sound's time), decoding %5.1f us (1/%.0f), "
           "%.1f kbit/s\n",
           rate_hz, us, OPUS_OUT_FRAME_MS * 1000 / us, back_us, OPUS_OUT_FRAME_MS * 1000 / back_us,
           (double)bytes * 8 / SECONDS / 1000);
    opus_out_destroy(out);
    opus_in_destroy(in);
}

int main(void)
{
    static const uint32_t rates[] = {8000, 12000, 16000, 24000, 48000};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        measure(rates[i]);
    return 0;
}
