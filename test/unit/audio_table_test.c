// SPDX-License-Identifier: Apache-2.0
/*
 * Recordings as strangers send them (test/data/hostile/wav.txt, webm.txt, ogg.txt): how many samples at which rate, or why it is
 * refused. Given whole, byte by byte and cut at every place, and to the reader that uploads go through.
 */
#include <ogg/ogg.h>
#include <stdio.h>

#include "audio/recording.h"
#include "read/sound.h"
#include "table.h"
#include "unit.h"

enum { ROOM = 1 << 24, SHORT = 128, SEGMENTS_MAX = 255 };

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

/* --- every kind ---------------------------------------------------------------------------------- */

static void run_way(const struct table_case *c, const char *way, struct str file, size_t first,
                    size_t step)
{
    struct recording *r;
    autobuf samples = BUF(ROOM), got = BUF(400);
    assert_ok(recording_create(&r));
    enum err err = OK;
    for (size_t n = first; file.n > 0 && err == OK; n = step) {
        err = recording_feed(r, str_sub(file, 0, n), &samples);
        file = str_sub(file, n, file.n);
    }
    enum err end = recording_end(r);
    assert_true(err == OK || err == end); /* errors stick */
    assert_true(end == OK || end == ERR_MEDIA);
    if (end == OK)
        assert_ok(buf_addf(&got, "%zu at %u", samples.n / 2, recording_rate(r)));
    else
        assert_ok(buf_addf(&got, "refused: %s", recording_errmsg(r)));
    recording_destroy(r);
    table_compare(c->name, way, buf_str(&got), c->want);
}

static enum err count(void *to, struct str samples)
{
    *(size_t *)to += samples.n;
    return OK;
}

/* What an upload comes to: the same, but for rates that nobody can recognise. */
static void run_upload(const struct table_case *c, struct str file)
{
    char why[SOUND_WHY_BYTES] = "";
    size_t bytes = 0;
    enum err err = sound_read(file, count, &bytes, why);
    bool good = err == OK || (err == ERR_MEDIA && why[0] != '\0');
    bool agrees = err == OK ? !str_starts(c->want, S("refused")) : true;
    table_compare(c->name, "as an upload", good && agrees ? S("as wanted") : str_of(err_code(err)),
                  S("as wanted"));
}

static void run_file(const struct table_case *c, struct str file)
{
    run_way(c, "whole", file, file.n, 1);
    run_way(c, "byte by byte", file, 1, 1);
    for (size_t cut = 1; !c->one_of_many && file.n <= SHORT && cut < file.n; cut++)
        run_way(c, "cut in two", file, cut, file.n);
    run_upload(c, file);
}

static void run_bytes(const struct table_case *c)
{
    autobuf file = BUF(1 << 20);
    table_bytes(c->text, &file);
    run_file(c, buf_str(&file));
}

static void run_pages(const struct table_case *c)
{
    autobuf file = BUF(1 << 20);
    put_pages(c->text, &file);
    run_file(c, buf_str(&file));
}

static void wav_files(void **)
{
    assert_true(table_run("wav.txt", run_bytes) >= 60);
}

static void webm_files(void **)
{
    assert_true(table_run("webm.txt", run_bytes) >= 40);
}

static void ogg_files(void **)
{
    assert_true(table_run("ogg.txt", run_pages) >= 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wav_files),
        cmocka_unit_test(webm_files),
        cmocka_unit_test(ogg_files),
    };
    return cmocka_run_group_tests_name("audio table", tests, nullptr, nullptr);
}
