// SPDX-License-Identifier: Apache-2.0
#include <pocketsphinx.h>

#include "audio/pcm.h"
#include "base/mem.h"
#include "stt/level.h"
#include "stt/vad.h"

/* Until its filters have settled the detector takes everything for speech. */
enum { SETTLING = 5 };

struct vad {
    ps_vad_t *ps;
    struct level level;
    int last;        /* sample */
    uint32_t frames; /* up to SETTLING */
    bool sounds_so;  /* the last one */
};

enum err vad_create(struct vad **ret_v)
{
    struct vad *v = mem_zero(1, sizeof *v);
    if (v == nullptr)
        return ERR_NOMEM;
    v->ps = ps_vad_init(PS_VAD_MEDIUM_LOOSE, VAD_RATE_HZ, VAD_FRAME_MS / 1000.0);
    if (v->ps == nullptr || ps_vad_frame_size(v->ps) != VAD_FRAME) {
        vad_destroy(v);
        return ERR_NOMEM;
    }
    level_init(&v->level);
    *ret_v = v;
    return OK;
}

void vad_destroy(struct vad *v)
{
    if (v == nullptr)
        return;
    ps_vad_free(v->ps);
    free(v);
}

/* Loudness without the rumble: each sample less most of the one before. */
static double brightness(struct vad *v, const int16_t frame[VAD_FRAME])
{
    int16_t bright[VAD_FRAME];
    for (int i = 0; i < VAD_FRAME; i++) {
        int x = (frame[i] - v->last * 15 / 16) / 2; /* at most twice as large */
        bright[i] = (int16_t)x;
        v->last = frame[i];
    }
    return 2 * pcm_rms(bright, VAD_FRAME);
}

uint8_t vad_frame(struct vad *v, const int16_t frame[VAD_FRAME])
{
    bool stands_out = level_frame(&v->level, brightness(v, frame));
    v->sounds_so = ps_vad_classify(v->ps, frame) == PS_VAD_SPEECH;
    if (v->frames < SETTLING) {
        v->frames++;
        v->sounds_so = false;
        return 0;
    }
    return stands_out && v->sounds_so ? 255 : 0;
}

bool vad_sounds_like_voice(const struct vad *v)
{
    return v->sounds_so;
}
