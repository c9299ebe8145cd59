// SPDX-License-Identifier: Apache-2.0
#include "stt/sphinx_vad.h"

#include <pocketsphinx.h>

#include "audio/pcm.h"
#include "base/mem.h"
#include "stt/level.h"

/* Until its filters have settled the detector takes everything for speech. */
enum { SETTLING = 5 };

struct sphinx_vad {
    ps_vad_t *ps;
    struct level level;
    int last;        /* sample */
    uint32_t frames; /* up to SETTLING */
};

enum err sphinx_vad_create(struct sphinx_vad **ret_v)
{
    struct sphinx_vad *v = mem_zero(1, sizeof *v);
    if (v == nullptr)
        return ERR_NOMEM;
    v->ps = ps_vad_init(PS_VAD_MEDIUM_LOOSE, VAD_RATE_HZ, VAD_FRAME_MS / 1000.0);
    if (v->ps == nullptr || ps_vad_frame_size(v->ps) != VAD_FRAME) {
        sphinx_vad_destroy(v);
        return ERR_NOMEM;
    }
    level_init(&v->level);
    *ret_v = v;
    return OK;
}

void sphinx_vad_destroy(struct sphinx_vad *v)
{
    if (v == nullptr)
        return;
    ps_vad_free(v->ps);
    free(v);
}

/* Loudness without the rumble: each sample less most of the one before. */
static double brightness(struct sphinx_vad *v, const int16_t frame[VAD_FRAME])
{
    int16_t bright[VAD_FRAME];
    for (int i = 0; i < VAD_FRAME; i++) {
        int x = (frame[i] - v->last * 15 / 16) / 2; /* at most twice as large */
        bright[i] = (int16_t)x;
        v->last = frame[i];
    }
    return 2 * pcm_rms(bright, VAD_FRAME);
}

struct vad_verdict sphinx_vad_frame(struct sphinx_vad *v, const int16_t frame[VAD_FRAME])
{
    bool stands_out = level_frame(&v->level, brightness(v, frame));
    bool sounds_so = ps_vad_classify(v->ps, frame) == PS_VAD_SPEECH;
    if (v->frames < SETTLING) {
        v->frames++;
        return (struct vad_verdict){};
    }
    return (struct vad_verdict){.likely = stands_out && sounds_so ? 255 : 0,
                                .sounds_so = sounds_so};
}
