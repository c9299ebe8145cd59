// SPDX-License-Identifier: Apache-2.0
#include "audio/webm.h"

#include <stdio.h>

#include "audio/opus_in.h"
#include "audio/webm_track.h"
#include "base/check.h"
#include "base/mem.h"

enum {
    DEPTH_MAX = 3, /* file, Segment, Cluster, BlockGroup */
    HOLD_MAX = OPUS_PACKET_MAX + EBML_HEAD_MAX,
    BLOCK_TIME_BYTES = 2,
    LACING = 0x06,
};

/* What is done with an element: its content is looked into, taken whole, or passed over. */
enum act : uint8_t { ACT_ENTER, ACT_EBML, ACT_TRACKS, ACT_BLOCK, ACT_SKIP, ACT_REFUSE };

/* Elements of other names may stand anywhere and are passed over. These have one place; those of
 * depth 1 also end a Cluster whose size was not known. */
static const struct element {
    uint32_t id;
    uint8_t depth; /* of what holds it */
    enum act act;
} elements[] = {
    {0x1A45DFA3, 0, ACT_EBML},   {0x18538067, 0, ACT_ENTER} /* Segment */,
    {0x1654AE6B, 1, ACT_TRACKS}, {0x1F43B675, 1, ACT_ENTER} /* Cluster */,
    {0x114D9B74, 1, ACT_SKIP},   {0x1549A966, 1, ACT_SKIP}, /* SeekHead, Info */
    {0x1C53BB6B, 1, ACT_SKIP},   {0x1254C367, 1, ACT_SKIP}, /* Cues, Tags */
    {0x1043A770, 1, ACT_SKIP},   {0x1941A469, 1, ACT_SKIP}, /* Chapters, Attachments */
    {0xA3, 2, ACT_BLOCK},        {0xA0, 2, ACT_ENTER},      /* SimpleBlock, BlockGroup */
    {0xA1, 3, ACT_BLOCK},        {0xAF, 2, ACT_REFUSE},     /* Block, EncryptedBlock */
};

enum place : uint8_t { PLACE_HEAD, PLACE_HOLD, PLACE_SKIP, PLACE_END };

struct webm {
    enum place place;
    enum act act;  /* for what is held */
    uint8_t depth; /* of the element that holds the present one */
    bool seen_ebml;
    uint64_t left[DEPTH_MAX + 1]; /* bytes of each that are not spoken for; EBML_UNKNOWN */
    uint64_t size;                /* of the present element: bytes to hold or to skip */
    uint8_t part[EBML_HEAD_MAX], part_n;
    struct buf hold;
    uint64_t track; /* 0: not known yet */
    struct opus_in *opus;
    enum err err; /* sticks */
    char errmsg[120];
};

enum err webm_create(struct webm **ret_w)
{
    struct webm *w = mem_zero(1, sizeof *w);
    if (w == nullptr)
        return ERR_NOMEM;
    enum err err = opus_in_create(&w->opus);
    if (err != OK) {
        free(w);
        return err;
    }
    w->left[0] = EBML_UNKNOWN;
    w->hold = BUF(HOLD_MAX);
    *ret_w = w;
    return OK;
}

void webm_destroy(struct webm *w)
{
    if (w == nullptr)
        return;
    opus_in_destroy(w->opus);
    buf_finish(&w->hold);
    free(w);
}

const char *webm_errmsg(const struct webm *w)
{
    return w->errmsg;
}

static enum err refuse(struct webm *w, const char *sentence)
{
    snprintf(w->errmsg, sizeof w->errmsg, "%s", sentence);
    return ERR_MEDIA;
}

static enum err refuse_damaged(struct webm *w)
{
    return refuse(w, w->seen_ebml ? "the WebM file is damaged" : "this is not a WebM file");
}

/* --- what is held --- */

static enum err on_ebml(struct webm *w)
{
    enum { ID_DOCTYPE = 0x4282 };
    struct str rest = buf_str(&w->hold), value;
    bool known = false;
    while (rest.n > 0) {
        uint32_t id;
        if (ebml_next(&rest, &id, &value) != OK)
            return refuse_damaged(w);
        if (id == ID_DOCTYPE)
            known = str_eq(value, S("webm")) || str_eq(value, S("matroska"));
    }
    w->seen_ebml = known;
    return known ? OK : refuse(w, "this is not a WebM file");
}

static enum err on_tracks(struct webm *w)
{
    struct webm_track track = {};
    if (w->track != 0)
        return refuse_damaged(w);
    switch (webm_find_track(buf_str(&w->hold), &track)) {
    case OK:
        break;
    case ERR_NOTFOUND:
        return refuse(w, "the WebM file holds no Opus sound");
    case ERR_UNSUPPORTED:
        return refuse(w, "the WebM file is compressed or encrypted, which is not supported");
    default:
        return refuse_damaged(w);
    }
    enum err err = opus_in_head(w->opus, track.head);
    if (err == ERR_MEDIA)
        return refuse(w,
                      "the WebM file's sound is described wrongly, or has more than two channels");
    w->track = track.number;
    return err;
}

static enum err on_block(struct webm *w, struct buf *into)
{
    struct str block = buf_str(&w->hold);
    uint64_t track;
    size_t n;
    if (w->track == 0)
        return refuse(w, "the WebM file has sound before its description");
    if (ebml_vint(block, &track, &n) != OK || block.n < n + BLOCK_TIME_BYTES + 1)
        return refuse_damaged(w);
    if (track != w->track)
        return OK;
    uint8_t flags = (uint8_t)block.p[n + BLOCK_TIME_BYTES];
    if (flags & LACING)
        return refuse(w, "the WebM file has laced blocks, which are not supported");
    enum err err = opus_in_packet(w->opus, str_sub(block, n + BLOCK_TIME_BYTES + 1, block.n), into);
    return err == ERR_MEDIA ? refuse(w, "the WebM file's sound is damaged") : err;
}

static enum err on_held(struct webm *w, struct buf *into)
{
    switch (w->act) {
    case ACT_EBML:
        return on_ebml(w);
    case ACT_TRACKS:
        return on_tracks(w);
    case ACT_BLOCK:
        return on_block(w, into);
    default:
        return ERR_INTERNAL;
    }
}

/* --- the tree --- */

static const struct element *find(uint32_t id)
{
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (elements[i].id == id)
            return &elements[i];
    return nullptr;
}

/* Takes the element's bytes from what holds it. */
static enum err spend(struct webm *w, const struct ebml_head *head)
{
    uint64_t *left = &w->left[w->depth];
    if (*left == EBML_UNKNOWN)
        return OK;
    if (head->size == EBML_UNKNOWN) {
        *left = EBML_UNKNOWN; /* it ends where the other ends */
        return OK;
    }
    if (*left < head->bytes || *left - head->bytes < head->size)
        return refuse_damaged(w);
    *left -= head->bytes + head->size;
    return OK;
}

static enum err enter(struct webm *w, const struct ebml_head *head)
{
    check(w->depth < DEPTH_MAX); /* the table has nothing deeper */
    if (head->size == EBML_UNKNOWN && w->depth > 1)
        return refuse_damaged(w);
    w->left[++w->depth] = head->size;
    w->place = PLACE_HEAD;
    return OK;
}

static enum err begin_element(struct webm *w, const struct ebml_head *head)
{
    const struct element *e = find(head->id);
    while (e != nullptr && e->depth < w->depth && w->left[w->depth] == EBML_UNKNOWN)
        w->depth--;
    enum act act = e != nullptr ? e->act : ACT_SKIP;
    if (w->depth == 0 && (act == ACT_EBML) == w->seen_ebml) {
        if (!w->seen_ebml)
            return refuse_damaged(w);
        w->place = PLACE_END; /* another file behind this one */
        return OK;
    }
    if (e != nullptr && e->depth != w->depth)
        return refuse_damaged(w);
    if (act == ACT_REFUSE)
        return refuse(w, "the WebM file is encrypted, which is not supported");
    try(spend(w, head));
    if (act == ACT_ENTER)
        return enter(w, head);
    if (head->size == EBML_UNKNOWN)
        return refuse_damaged(w);
    w->size = head->size;
    w->act = act;
    w->place = act == ACT_SKIP ? PLACE_SKIP : PLACE_HOLD;
    /* Another track's picture may be larger than any sound. */
    if (act == ACT_BLOCK && w->size > HOLD_MAX)
        w->place = PLACE_SKIP;
    else if (w->place == PLACE_HOLD && w->size > HOLD_MAX)
        return refuse_damaged(w);
    return OK;
}

/* What is full is left; what follows the Segment is no sound. */
static void leave_full(struct webm *w)
{
    while (w->depth > 0 && w->left[w->depth] == 0) {
        w->depth--;
        if (w->depth == 0)
            w->place = PLACE_END;
    }
}

static enum err on_head_byte(struct webm *w, uint8_t byte)
{
    struct ebml_head head;
    w->part[w->part_n++] = byte;
    enum err err = ebml_head((struct str){(const char *)w->part, w->part_n}, &head);
    if (err == ERR_AGAIN)
        return OK; /* the longest head fits */
    if (err != OK)
        return refuse_damaged(w);
    w->part_n = 0;
    return begin_element(w, &head);
}

static enum err step(struct webm *w, struct str *bytes, struct buf *into)
{
    size_t n = w->size < bytes->n ? (size_t)w->size : bytes->n;
    switch (w->place) {
    case PLACE_HEAD:
        try(on_head_byte(w, (uint8_t)bytes->p[0]));
        *bytes = str_sub(*bytes, 1, bytes->n);
        break;
    case PLACE_HOLD:
        try(buf_add(&w->hold, str_sub(*bytes, 0, n)));
        [[fallthrough]];
    case PLACE_SKIP:
        *bytes = str_sub(*bytes, n, bytes->n);
        w->size -= n;
        break;
    case PLACE_END:
        *bytes = (struct str){};
        return OK;
    }
    if ((w->place == PLACE_HOLD || w->place == PLACE_SKIP) && w->size == 0) {
        if (w->place == PLACE_HOLD)
            try(on_held(w, into));
        buf_clear(&w->hold);
        w->place = PLACE_HEAD;
    }
    if (w->place == PLACE_HEAD && w->part_n == 0)
        leave_full(w);
    return OK;
}

enum err webm_feed(struct webm *w, struct str bytes, struct buf *into)
{
    while (w->err == OK && bytes.n > 0)
        w->err = step(w, &bytes, into);
    return w->err;
}

enum err webm_end(struct webm *w)
{
    if (w->err == OK && w->track == 0)
        w->err = refuse(w, w->seen_ebml ? "the WebM file ends before its sound begins"
                                        : "this is not a WebM file");
    return w->err;
}
