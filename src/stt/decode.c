// SPDX-License-Identifier: Apache-2.0
#include "stt/decode.h"

#include "audio/opus_in.h"
#include "audio/webm.h"
#include "base/mem.h"

/* A kilobyte of WebM holds less than 150 blocks of 120 ms, which is 0.6 MB of samples. */
enum { STEP_BYTES = 1024, SAMPLES_MAX = 1 << 20, PIECE_BYTES = 32 * 1024 };

struct decode {
    struct worker_stream *wire;
    struct opus_in *opus; /* one of the two; both NULL before decode_open */
    struct webm *webm;
    struct buf samples;
    uint64_t count;
};

enum err decode_create(struct worker_stream *s, struct decode **ret_d)
{
    struct decode *d = mem_zero(1, sizeof *d);
    if (d == nullptr)
        return ERR_NOMEM;
    d->wire = s;
    d->samples = BUF(SAMPLES_MAX);
    *ret_d = d;
    return OK;
}

void decode_destroy(struct decode *d)
{
    if (d == nullptr)
        return;
    opus_in_destroy(d->opus);
    webm_destroy(d->webm);
    buf_finish(&d->samples);
    free(d);
}

static enum err on_open(struct decode *d, const struct msg_decode_open *m)
{
    if (d->opus != nullptr || d->webm != nullptr)
        return ERR_SYNTAX;
    if (str_eq(m->format, S("opus")))
        return opus_in_create(&d->opus);
    return str_eq(m->format, S("webm")) ? webm_create(&d->webm) : ERR_UNSUPPORTED;
}

/* The samples so far; `used` goes with the last of them. */
static enum err send_samples(struct decode *d, size_t used)
{
    size_t at = 0;
    do {
        struct str piece = str_sub(buf_str(&d->samples), at, at + PIECE_BYTES);
        at += piece.n;
        const struct msg_decoded decoded = {at < d->samples.n ? 0 : (uint32_t)used, piece};
        try(worker_send(d->wire, MSG_decoded, &decoded));
    } while (at < d->samples.n);
    d->count += d->samples.n / sizeof(int16_t);
    buf_clear(&d->samples);
    return OK;
}

static enum err decode_packet(struct decode *d, struct str packet)
{
    enum err err = opus_in_packet(d->opus, packet, &d->samples);
    if (err == ERR_MEDIA)
        worker_why(d->wire, "a message does not hold one Opus packet");
    try(err);
    return send_samples(d, packet.n);
}

static enum err decode_file(struct decode *d, struct str bytes)
{
    while (bytes.n > 0) {
        struct str step = str_sub(bytes, 0, STEP_BYTES);
        enum err err = webm_feed(d->webm, step, &d->samples);
        if (err == ERR_MEDIA)
            worker_why(d->wire, "%s", webm_errmsg(d->webm));
        try(err);
        try(send_samples(d, step.n));
        bytes = str_sub(bytes, step.n, bytes.n);
    }
    return OK;
}

static enum err on_finish(struct decode *d)
{
    /* Nothing at all is a user who let go of the button at once, not a broken file. */
    try(worker_send(d->wire, MSG_decode_done, &(struct msg_decode_done){d->count}));
    worker_end(d->wire);
    return OK;
}

enum err decode_message(struct decode *d, uint16_t type, const union msg *msg)
{
    if (type == MSG_decode_open)
        return on_open(d, &msg->decode_open);
    if (d->opus == nullptr && d->webm == nullptr)
        return ERR_SYNTAX;
    if (type == MSG_audio)
        return d->opus != nullptr ? decode_packet(d, msg->audio.samples)
                                  : decode_file(d, msg->audio.samples);
    return type == MSG_decode_finish ? on_finish(d) : ERR_SYNTAX;
}
