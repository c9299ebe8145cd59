// SPDX-License-Identifier: Apache-2.0
#include "stt/watch.h"

#include "audio/resample.h"
#include "base/mem.h"
#include "stt/vad.h"

enum {
    PIECE_MAX_BYTES = 1 << 20, /* one audio message, resampled from 8 kHz */
    FRAME_BYTES = VAD_FRAME * sizeof(int16_t),
};

struct watch {
    struct worker_stream *wire;
    struct vad *vad; /* NULL before vad_open */
    struct resample *resample;
    struct pcm_carry carry;
    struct buf in, rest; /* one message as it came; resampled, not yet a whole frame */
    struct buf frames;   /* the answer */
};

enum err watch_create(struct worker_stream *s, struct watch **ret_w)
{
    struct watch *w = mem_zero(1, sizeof *w);
    if (w == nullptr)
        return ERR_NOMEM;
    w->wire = s;
    w->in = BUF(WIRE_PAYLOAD_MAX + sizeof(int16_t));
    w->rest = BUF(PIECE_MAX_BYTES);
    w->frames = BUF(PIECE_MAX_BYTES / FRAME_BYTES + VAD_NEWS_MAX);
    *ret_w = w;
    return OK;
}

void watch_destroy(struct watch *w)
{
    if (w == nullptr)
        return;
    vad_destroy(w->vad);
    resample_destroy(w->resample);
    buf_finish(&w->in);
    buf_finish(&w->rest);
    buf_finish(&w->frames);
    free(w);
}

static enum err on_open(struct watch *w, const struct msg_vad_open *m)
{
    if (w->vad != nullptr)
        return ERR_SYNTAX;
    if (m->rate_hz < PCM_RATE_MIN || m->rate_hz > PCM_RATE_MAX) {
        worker_why(w->wire, "the rate must be %u to %u Hz", PCM_RATE_MIN, PCM_RATE_MAX);
        return ERR_INVALID;
    }
    try(resample_create(m->rate_hz, VAD_RATE_HZ, &w->resample));
    return vad_create(&w->vad);
}

static enum err on_audio(struct watch *w, struct str samples)
{
    buf_clear(&w->in);
    buf_clear(&w->frames);
    try(pcm_feed(&w->carry, samples, &w->in));
    try(resample_run(w->resample, (const int16_t *)w->in.p, w->in.n / sizeof(int16_t), &w->rest));
    size_t at = 0;
    for (; w->rest.n - at >= FRAME_BYTES; at += FRAME_BYTES) {
        struct vad_news news;
        try(vad_frame(w->vad, (const int16_t *)(w->rest.p + at), &news));
        for (uint32_t i = 0; i < news.n; i++)
            try(buf_add_byte(&w->frames, (char)news.of[i].likely));
    }
    buf_eat(&w->rest, at);
    if (w->frames.n == 0)
        return OK;
    return worker_send(w->wire, MSG_vad_frames, &(struct msg_vad_frames){buf_str(&w->frames)});
}

enum err watch_message(struct watch *w, uint16_t type, const union msg *msg)
{
    if (type == MSG_vad_open)
        return on_open(w, &msg->vad_open);
    return w->vad != nullptr && type == MSG_audio ? on_audio(w, msg->audio.samples) : ERR_SYNTAX;
}
