// SPDX-License-Identifier: Apache-2.0
#include "sound_table.h"

#include <ogg/ogg.h>
#include <stdio.h>

#include "unit.h"

enum { SEGMENTS_MAX = 255, FILE_MAX = 1 << 20 };

/* --- Ogg pages: "be,serial,number,granule,option…:payload" --------------------------------------- */

struct page {
    uint8_t version, flags;
    int64_t serial, number, granule;
    bool bad_crc;
    struct str lacing; /* "255+10"; empty: what the payload needs */
};

static int64_t number_of(struct str s)
{
    int64_t n;
    if (str_to_i64(s, &n) != OK)
        fail_msg("no number: \"%.*s\"", STR_FMT(s));
    return n;
}

static struct str cut_field(struct str *head)
{
    struct str field = {};
    assert_true(str_cut(head, ',', &field));
    return field;
}

static struct page read_page(struct str head)
{
    struct page p = {};
    struct str flags = cut_field(&head), option;
    for (size_t i = 0; i < flags.n; i++)
        p.flags |= flags.p[i] == 'c' ? 1 : flags.p[i] == 'b' ? 2 : flags.p[i] == 'e' ? 4 : 0;
    p.serial = number_of(cut_field(&head));
    p.number = number_of(cut_field(&head));
    p.granule = number_of(cut_field(&head));
    while (str_cut(&head, ',', &option)) {
        if (str_eq(option, S("crc")))
            p.bad_crc = true;
        else if (str_eq(option, S("version")))
            p.version = 1;
        else if (str_starts(option, S("lace=")))
            p.lacing = str_sub(option, 5, option.n);
        else
            fail_msg("no option of a page: %.*s", STR_FMT(option));
    }
    return p;
}

static size_t put_lacing(const struct page *p, size_t payload, uint8_t into[SEGMENTS_MAX])
{
    size_t n = 0;
    struct str rest = p->lacing, one;
    if (str_eq(rest, S("none")))
        return 0;
    while (str_cut(&rest, '+', &one))
        into[n++] = (uint8_t)number_of(one);
    if (n == 0)
        for (; n == 0 || payload >= 255 * n; n++)
            into[n] = payload >= 255 * (n + 1) ? 255 : (uint8_t)(payload - 255 * n);
    return n;
}

static void put_page(struct str token, struct buf *into)
{
    size_t colon = str_find_byte(token, ':');
    struct page p = read_page(str_sub(token, 0, colon));
    autobuf payload = BUF(1 << 16);
    table_bytes(str_sub(token, colon + 1, token.n), &payload);
    unsigned char header[27 + SEGMENTS_MAX] = "OggS";
    header[4] = p.version;
    header[5] = p.flags;
    for (int i = 0; i < 8; i++)
        header[6 + i] = (unsigned char)((uint64_t)p.granule >> 8 * i);
    header[14] = (unsigned char)p.serial;
    header[18] = (unsigned char)p.number;
    size_t segments = put_lacing(&p, payload.n, header + 27);
    header[26] = (unsigned char)segments;
    ogg_page page = {.header = header,
                     .header_len = (long)(27 + segments),
                     .body = (unsigned char *)payload.p,
                     .body_len = (long)payload.n};
    ogg_page_checksum_set(&page);
    header[22] ^= p.bad_crc;
    assert_ok(buf_add(into, (struct str){(const char *)header, 27 + segments}));
    assert_ok(buf_add(into, buf_str(&payload)));
}

/* Pages with blanks between; what begins with a backslash is bytes. */
static void put_pages(struct str text, struct buf *into)
{
    struct str token;
    while (str_cut(&text, ' ', &token))
        if (token.n == 0 || token.p[0] == '\\')
            table_bytes(token, into);
        else
            put_page(token, into);
}

/* --- FLAC frames: "f:head:subframes", "500*f:head:subframes" ------------------------------------------ */

static uint8_t crc8(struct str s)
{
    unsigned crc = 0;
    for (size_t i = 0; i < s.n; i++) {
        crc ^= (uint8_t)s.p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc << 1 ^ (crc & 0x80 ? 0x07 : 0)) & 0xff;
    }
    return (uint8_t)crc;
}

static uint16_t crc16(struct str s)
{
    unsigned crc = 0;
    for (size_t i = 0; i < s.n; i++) {
        crc ^= (unsigned)(uint8_t)s.p[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc << 1 ^ (crc & 0x8000 ? 0x8005 : 0)) & 0xffff;
    }
    return (uint16_t)crc;
}

/* # in the head is the frame's number, as UTF-8 would have it. */
static void put_head(struct str head, unsigned number, struct buf *into)
{
    size_t at = str_find_byte(head, '#');
    table_bytes(str_sub(head, 0, at), into);
    if (at == head.n)
        return;
    assert_true(number < 0x800);
    if (number >= 0x80)
        assert_ok(buf_add_byte(into, (char)(0xc0 | number >> 6)));
    assert_ok(buf_add_byte(into, (char)(number < 0x80 ? number : (0x80 | (number & 0x3f)))));
    table_bytes(str_sub(head, at + 1, head.n), into);
}

static void put_frame(struct str head, struct str subframes, unsigned number, struct buf *into)
{
    autobuf frame = BUF(1 << 18);
    put_head(head, number, &frame);
    assert_ok(buf_add_byte(&frame, (char)crc8(buf_str(&frame))));
    table_bytes(subframes, &frame);
    uint16_t crc = crc16(buf_str(&frame));
    assert_ok(buf_add_byte(&frame, (char)(crc >> 8)));
    assert_ok(buf_add_byte(&frame, (char)crc));
    assert_ok(buf_add(into, buf_str(&frame)));
}

static void put_frames(struct str text, struct buf *into)
{
    struct str token;
    unsigned number = 0;
    while (str_cut(&text, ' ', &token)) {
        size_t mark = str_find(token, S("f:"));
        int64_t times = 1;
        if (mark == token.n) {
            table_bytes(token, into);
            continue;
        }
        if (mark > 0)
            times = number_of(str_sub(token, 0, mark - 1));
        struct str frame = str_sub(token, mark + 2, token.n);
        size_t colon = str_find_byte(frame, ':');
        for (int64_t i = 0; i < times; i++)
            put_frame(str_sub(frame, 0, colon), str_sub(frame, colon + 1, frame.n), number++, into);
    }
}

/* --- every kind ---------------------------------------------------------------------------------- */

static void (*put_file)(struct str text, struct buf *into);
static sound_case_fn on_sound;

static void run_case(const struct table_case *c)
{
    autobuf file = BUF(FILE_MAX);
    put_file(c->text, &file);
    on_sound(c, buf_str(&file));
}

unsigned sound_table_run(const char *kind, sound_case_fn on_case)
{
    char name[40];
    (void)snprintf(name, sizeof name, "%s.txt", kind);
    put_file = strcmp(kind, "ogg") == 0    ? put_pages
               : strcmp(kind, "flac") == 0 ? put_frames
                                           : table_bytes;
    on_sound = on_case;
    return table_run(name, run_case);
}
