// SPDX-License-Identifier: Apache-2.0
#include "server/talk/inlet.h"

#include "base/mem.h"
#include "server/engine/engine.h"

enum {
    PIECE_BYTES = 32 * 1024,
    BEHIND_BYTES = 16 * 1024, /* five seconds at 24 kbit/s */
    MESSAGE_MAX = 64 * 1024,
};

struct inlet {
    const struct inlet_events *events;
    void *arg;
    struct job *job;        /* the decoder's; NULL with INLET_PCM */
    size_t under_way;       /* bytes sent to it and not decoded */
    struct pcm_carry carry; /* with INLET_PCM */
    struct buf samples;
};

enum inlet_format inlet_format(struct str name)
{
    if (str_eq(name, S("opus")))
        return INLET_OPUS;
    return str_eq(name, S("webm_opus")) ? INLET_WEBM : INLET_PCM;
}

static void inlet_free(struct inlet *i)
{
    buf_finish(&i->samples);
    free(i);
}

static void end(struct inlet *i, enum err err, const char *text)
{
    const struct inlet_events *events = i->events;
    void *arg = i->arg;
    inlet_free(i);
    events->ended(arg, err, text);
}

static void on_message(void *arg, enum msg_type type, const union msg *msg)
{
    struct inlet *i = arg;
    if (type != MSG_decoded)
        return;
    /* An engine that counts wrongly is broken, but harms only its own speed. */
    size_t bytes = msg->decoded.bytes;
    i->under_way -= bytes < i->under_way ? bytes : i->under_way;
    struct str s16le = msg->decoded.samples;
    buf_clear(&i->samples); /* a message's slices are not aligned */
    enum err err = buf_add(&i->samples, s16le);
    if (err == OK) {
        i->events->samples(i->arg, (const int16_t *)i->samples.p, s16le.n / sizeof(int16_t));
        return;
    }
    job_cancel(i->job); /* a hole in the sound would be heard as other words */
    end(i, err, err_text(err));
}

static void on_ended(void *arg, enum err err, const char *text)
{
    struct inlet *i = arg;
    i->job = nullptr;
    end(i, err, text);
}

static enum err begin_decoding(struct inlet *i, struct engine *stt, struct str format)
{
    static const struct job_events job_events = {.message = on_message, .ended = on_ended};
    try(engine_open_light(stt, &job_events, i, &i->job));
    const struct msg_decode_open open = {format};
    return job_send(i->job, MSG_decode_open, &open);
}

enum err inlet_begin(struct engine *stt, enum inlet_format format,
                     const struct inlet_events *events, void *arg, struct inlet **ret_i)
{
    struct inlet *i = mem_zero(1, sizeof *i);
    if (i == nullptr)
        return ERR_NOMEM;
    i->events = events;
    i->arg = arg;
    i->samples = BUF(MESSAGE_MAX + 1);
    enum err err = format == INLET_PCM
                       ? OK
                       : begin_decoding(i, stt, format == INLET_OPUS ? S("opus") : S("webm"));
    if (err != OK)
        inlet_drop(i);
    else
        *ret_i = i;
    return err;
}

static enum err decode(struct inlet *i, struct str bytes)
{
    do { /* an empty packet is for the decoder to refuse */
        const struct msg_audio audio = {str_sub(bytes, 0, PIECE_BYTES)};
        try(job_send(i->job, MSG_audio, &audio));
        i->under_way += audio.samples.n;
        bytes = str_sub(bytes, audio.samples.n, bytes.n);
    } while (bytes.n > 0);
    return OK;
}

enum err inlet_sound(struct inlet *i, struct str bytes)
{
    if (i->job != nullptr)
        return decode(i, bytes);
    buf_clear(&i->samples);
    try(pcm_feed(&i->carry, bytes, &i->samples));
    i->events->samples(i->arg, (const int16_t *)i->samples.p, i->samples.n / sizeof(int16_t));
    return OK;
}

bool inlet_is_behind(const struct inlet *i)
{
    return i->under_way > BEHIND_BYTES;
}

void inlet_end(struct inlet *i)
{
    const struct msg_decode_finish finish = {};
    enum err err = i->job != nullptr ? job_send(i->job, MSG_decode_finish, &finish) : OK;
    if (i->job != nullptr && err == OK)
        return; /* the last samples are still to come */
    job_cancel(i->job);
    end(i, err, err == OK ? "" : err_text(err));
}

void inlet_drop(struct inlet *i)
{
    if (i == nullptr)
        return;
    job_cancel(i->job);
    inlet_free(i);
}
