// SPDX-License-Identifier: Apache-2.0
#include "audio/ogg_in.h"

#include <ogg/ogg.h>
#include <stdio.h>

#include "audio/opus_in.h"
#include "base/mem.h"

enum { STEP_BYTES = 4096, FILE_HZ = 48000, HEADS = 2, MAGIC_BYTES = 4 };

struct ogg_in {
    ogg_sync_state sync;
    ogg_stream_state stream;
    bool chosen;       /* `stream` is the one that is read */
    bool over;         /* its last page has been read */
    const char *other; /* what a stream that is not read holds; NULL: not known */
    uint8_t magic_n;
    uint64_t packets;
    ogg_int64_t granule; /* where the last page ended, samples at 48 kHz; -1: not known */
    struct opus_in *opus;
    enum err err; /* sticks */
    char errmsg[120];
};

enum err ogg_in_create(struct ogg_in **ret_o)
{
    struct ogg_in *o = mem_zero(1, sizeof *o);
    if (o == nullptr)
        return ERR_NOMEM;
    enum err err = opus_in_create(&o->opus);
    if (err != OK) {
        free(o);
        return err;
    }
    ogg_sync_init(&o->sync);
    *ret_o = o;
    return OK;
}

void ogg_in_destroy(struct ogg_in *o)
{
    if (o == nullptr)
        return;
    if (o->chosen)
        ogg_stream_clear(&o->stream);
    ogg_sync_clear(&o->sync);
    opus_in_destroy(o->opus);
    free(o);
}

const char *ogg_in_errmsg(const struct ogg_in *o)
{
    return o->errmsg;
}

static enum err refuse(struct ogg_in *o, const char *sentence)
{
    snprintf(o->errmsg, sizeof o->errmsg, "%s", sentence);
    return ERR_MEDIA;
}

/* The last page says where the sound ends, which is seldom at the end of a packet. */
static void cut_tail(const struct ogg_in *o, ogg_int64_t end, size_t page_from, struct buf *into)
{
    if (o->granule < 0 || end < o->granule || into->n < page_from)
        return;
    uint64_t wanted = (uint64_t)(end - o->granule) / (FILE_HZ / PCM_RATE_RECOGNISE);
    if (wanted < (into->n - page_from) / sizeof(int16_t))
        into->n = page_from + wanted * sizeof(int16_t);
}

static enum err on_packet(struct ogg_in *o, const ogg_packet *p, struct buf *into)
{
    struct str bytes = {(const char *)p->packet, (size_t)p->bytes};
    enum err err = OK;
    if (o->packets == 0)
        err = opus_in_head(o->opus, bytes);
    else if (o->packets == 1)
        err = str_starts(bytes, S("OpusTags")) ? OK : ERR_MEDIA;
    else
        err = opus_in_packet(o->opus, bytes, into);
    if (err == ERR_MEDIA)
        return refuse(o, o->packets < HEADS
                             ? "the Ogg file's head is damaged, or has more than two channels"
                             : "the Ogg file's sound is damaged");
    o->packets++;
    return err;
}

static enum err choose(struct ogg_in *o, ogg_page *page)
{
    ogg_packet head;
    if (!ogg_page_bos(page)) {
        if (o->other == nullptr)
            return refuse(o, "the Ogg file holds no Opus sound");
        snprintf(o->errmsg, sizeof o->errmsg,
                 "the Ogg file holds %s, which is not read here; send Ogg/Opus, FLAC or MP3",
                 o->other);
        return ERR_MEDIA;
    }
    if (ogg_stream_init(&o->stream, ogg_page_serialno(page)) != 0)
        return ERR_NOMEM;
    struct str magic = {};
    if (ogg_stream_pagein(&o->stream, page) == 0 && ogg_stream_packetpeek(&o->stream, &head) == 1)
        magic = (struct str){(const char *)head.packet, (size_t)head.bytes};
    o->chosen = str_starts(magic, S("OpusHead"));
    if (str_starts(magic, S("\x01vorbis")))
        o->other = "Vorbis";
    else if (str_starts(magic, S("Speex   ")))
        o->other = "Speex";
    else if (str_starts(magic, S("\x7f\x46LAC"))) /* by itself it is read, on libFLAC */
        o->other = "FLAC behind another stream";
    if (!o->chosen)
        ogg_stream_clear(&o->stream);
    return OK;
}

static enum err on_page(struct ogg_in *o, ogg_page *page, struct buf *into)
{
    if (!o->chosen) {
        try(choose(o, page));
        if (!o->chosen)
            return OK;
    } else if (ogg_page_serialno(page) != o->stream.serialno) {
        return OK;
    } else if (ogg_stream_pagein(&o->stream, page) != 0) {
        /* A page of another version of Ogg, or no memory: then the stream is empty. */
        return ogg_stream_check(&o->stream) != 0 ? ERR_NOMEM : OK;
    }
    size_t page_from = into->n;
    bool first_sound = o->packets <= HEADS;
    ogg_packet packet;
    for (int got; (got = ogg_stream_packetout(&o->stream, &packet)) != 0;) {
        if (got == 1)
            try(on_packet(o, &packet, into));
        if (got < 0)
            o->granule = -1; /* a hole */
    }
    ogg_int64_t end = ogg_page_granulepos(page);
    o->over = ogg_page_eos(page);
    if (o->over && !first_sound)
        cut_tail(o, end, page_from, into);
    o->granule = end;
    return OK;
}

/* libogg would look for pages in anything; a file of another kind is told at once. */
static enum err look_at_magic(struct ogg_in *o, struct str bytes)
{
    static const char magic[] = "OggS";
    for (size_t i = 0; i < bytes.n && o->magic_n < MAGIC_BYTES; i++)
        if (bytes.p[i] != magic[o->magic_n++])
            return refuse(o, "this is not an Ogg file");
    return OK;
}

static enum err feed(struct ogg_in *o, struct str bytes, struct buf *into)
{
    try(look_at_magic(o, bytes));
    while (bytes.n > 0 && !o->over) {
        struct str now = str_sub(bytes, 0, STEP_BYTES);
        char *room = ogg_sync_buffer(&o->sync, (long)now.n);
        if (room == nullptr)
            return ERR_NOMEM;
        memcpy(room, now.p, now.n);
        if (ogg_sync_wrote(&o->sync, (long)now.n) != 0)
            return ERR_NOMEM;
        ogg_page page;
        for (int got; !o->over && (got = ogg_sync_pageout(&o->sync, &page)) != 0;)
            if (got == 1) /* otherwise bytes were skipped to find the next page */
                try(on_page(o, &page, into));
        bytes = str_sub(bytes, now.n, bytes.n);
    }
    return OK;
}

enum err ogg_in_feed(struct ogg_in *o, struct str bytes, struct buf *into)
{
    if (o->err == OK)
        o->err = feed(o, bytes, into);
    return o->err;
}

enum err ogg_in_end(struct ogg_in *o)
{
    if (o->err == OK && o->magic_n < MAGIC_BYTES)
        o->err = refuse(o, "this is not an Ogg file");
    else if (o->err == OK && o->packets < HEADS)
        o->err = refuse(o, "the Ogg file ends before its sound begins");
    return o->err;
}
