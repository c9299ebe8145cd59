// SPDX-License-Identifier: Apache-2.0
#include "stt/vad.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "stt/silero/silero.h"
#include "stt/sphinx_vad.h"

static_assert((int)VAD_RATE_HZ == (int)SILERO_RATE_HZ &&
              (int)VAD_WHY_BYTES == (int)SILERO_WHY_BYTES && (int)SILERO_WINDOW > (int)VAD_FRAME &&
              (int)SILERO_WINDOW < 2 * (int)VAD_FRAME);

/* Below this the network is sure that nobody speaks. */
static constexpr float SOUNDS_SO = 0.35f;

/* By so many samples the network is late: it is sure of a beginning, and of an end, when it has heard what follows. The
 * middle of what was measured (`make bench-vad`). */
enum { LAG = SILERO_WINDOW * 3 / 2 };
static_assert((SILERO_WINDOW - 1 + LAG + VAD_FRAME / 2) / VAD_FRAME < VAD_NEWS_MAX);

struct vad {
    struct sphinx_vad *builtin; /* one of the two */
    struct silero *silero;
    int16_t window[SILERO_WINDOW];
    uint32_t window_n;
    uint64_t heard;   /* samples that the network has judged */
    uint64_t frames;  /* that came */
    uint64_t verdict; /* frames that it was said of whether they are speech */
};

enum err vad_load(struct str path, struct str sha256, char why[VAD_WHY_BYTES])
{
    if (!path.n)
        return OK;
    enum err err = silero_open(path, sha256, why);
    size_t n = err == OK ? 0 : strlen(why);
    if (n)
        snprintf(why + n, VAD_WHY_BYTES - n, "; name another with stt.vad, or builtin");
    return err;
}

void vad_unload(void)
{
    silero_close();
}

const char *vad_name(void)
{
    const char *name = silero_name();
    return name ? name : "the built-in detector";
}

/* What is short for the network may still do for the other one, and people are heard. Said once, until there is room again. */
static enum err create_silero(struct vad *v)
{
    static atomic_bool was_said;
    enum err err = silero_create(&v->silero);
    if (!atomic_exchange(&was_said, err != OK) && err != OK)
        log_warn("no room for one more of Silero's voice detectors (%s); the built-in one listens",
                 err_text(err));
    return err;
}

enum err vad_create(struct vad **ret_v)
{
    struct vad *v = mem_zero(1, sizeof *v);
    if (!v)
        return ERR_NOMEM;
    enum err err = silero_name() ? create_silero(v) : ERR_UNSUPPORTED;
    if (err != OK)
        err = sphinx_vad_create(&v->builtin);
    if (err == OK)
        *ret_v = v;
    else
        vad_destroy(v);
    return err;
}

void vad_destroy(struct vad *v)
{
    if (!v)
        return;
    sphinx_vad_destroy(v->builtin);
    silero_destroy(v->silero);
    free(v);
}

/* The window is full: that of the frames whose middle, but for the lag, lies in it. */
static enum err judge_window(struct vad *v, struct vad_news *news)
{
    float speech = 0;
    v->window_n = 0;
    try(silero_window(v->silero, v->window, &speech));
    v->heard += SILERO_WINDOW;
    while (news->n < VAD_NEWS_MAX && v->verdict < v->frames &&
           v->verdict * VAD_FRAME + VAD_FRAME / 2 + LAG < v->heard) {
        v->verdict++;
        news->of[news->n++] = (struct vad_verdict){.likely = (uint8_t)(speech * 255 + 0.5f),
                                                   .sounds_so = speech >= SOUNDS_SO};
    }
    return OK;
}

static enum err add_to_window(struct vad *v, const int16_t *samples, uint32_t count,
                              struct vad_news *news)
{
    uint32_t room = SILERO_WINDOW - v->window_n, n = count < room ? count : room;
    memcpy(v->window + v->window_n, samples, n * sizeof *samples);
    v->window_n += n;
    if (v->window_n < SILERO_WINDOW)
        return OK;
    try(judge_window(v, news));
    memcpy(v->window, samples + n, (count - n) * sizeof *samples);
    v->window_n = count - n;
    return OK;
}

enum err vad_frame(struct vad *v, const int16_t frame[VAD_FRAME], struct vad_news *ret_news)
{
    struct vad_news news = {};
    v->frames++;
    if (v->silero)
        try(add_to_window(v, frame, VAD_FRAME, &news));
    else
        news = (struct vad_news){1, {sphinx_vad_frame(v->builtin, frame)}};
    *ret_news = news;
    return OK;
}

enum err vad_end(struct vad *v, struct vad_news *ret_news)
{
    struct vad_news news = {};
    while (v->silero && v->verdict < v->frames) {
        memset(v->window + v->window_n, 0, (SILERO_WINDOW - v->window_n) * sizeof *v->window);
        try(judge_window(v, &news));
    }
    *ret_news = news;
    return OK;
}
