// SPDX-License-Identifier: Apache-2.0
#include <pocketsphinx.h>

#include "base/mem.h"
#include "stt/endpoint.h"

enum { RATE_HZ = 16000, FRAME_MAX = RATE_HZ * 30 / 1000 };

struct endpoint {
    ps_endpointer_t *ps;
    const struct endpoint_events *events;
    void *arg;
    int16_t frame[FRAME_MAX];
    size_t frame_n, frame_size;
};

enum err endpoint_create(const struct endpoint_events *events, void *arg, struct endpoint **ret_e)
{
    struct endpoint *e = mem_zero(1, sizeof *e);
    if (e == nullptr)
        return ERR_NOMEM;
    *e = (struct endpoint){.events = events, .arg = arg};
    e->ps = ps_endpointer_init(PS_ENDPOINTER_DEFAULT_WINDOW, PS_ENDPOINTER_DEFAULT_RATIO,
                               PS_VAD_LOOSE, RATE_HZ, 0);
    e->frame_size = e->ps != nullptr ? ps_endpointer_frame_size(e->ps) : 0;
    if (e->frame_size == 0 || e->frame_size > FRAME_MAX) {
        endpoint_destroy(e);
        return ERR_NOMEM;
    }
    *ret_e = e;
    return OK;
}

void endpoint_destroy(struct endpoint *e)
{
    if (e == nullptr)
        return;
    ps_endpointer_free(e->ps);
    free(e);
}

static uint32_t ms(double seconds)
{
    return seconds > 0 ? (uint32_t)(seconds * 1000 + 0.5) : 0;
}

/* Tells what a frame has brought: `speech` is what the endpointer lets through, or NULL. */
static enum err tell(struct endpoint *e, bool was_in_speech, const int16_t *speech, size_t count)
{
    bool in_speech = ps_endpointer_in_speech(e->ps) != 0;
    if (speech == nullptr)
        return OK;
    if (!was_in_speech)
        try(e->events->started(e->arg, ms(ps_endpointer_speech_start(e->ps))));
    try(e->events->speech(e->arg, speech, count));
    return in_speech ? OK : e->events->ended(e->arg, ms(ps_endpointer_speech_end(e->ps)));
}

static enum err hear_frame(struct endpoint *e)
{
    bool was_in_speech = ps_endpointer_in_speech(e->ps) != 0;
    const int16_t *speech = ps_endpointer_process(e->ps, e->frame);
    e->frame_n = 0;
    return tell(e, was_in_speech, speech, e->frame_size);
}

enum err endpoint_feed(struct endpoint *e, const int16_t *samples, size_t count)
{
    while (count > 0) {
        size_t n = e->frame_size - e->frame_n;
        if (n > count)
            n = count;
        memcpy(e->frame + e->frame_n, samples, n * sizeof *samples);
        e->frame_n += n;
        samples += n;
        count -= n;
        if (e->frame_n == e->frame_size)
            try(hear_frame(e));
    }
    return OK;
}

enum err endpoint_end(struct endpoint *e)
{
    if (!ps_endpointer_in_speech(e->ps))
        return OK;
    size_t count = 0;
    const int16_t *speech = ps_endpointer_end_stream(e->ps, e->frame, e->frame_n, &count);
    if (speech != nullptr && count > 0)
        try(e->events->speech(e->arg, speech, count));
    return e->events->ended(e->arg, ms(ps_endpointer_speech_end(e->ps)));
}
