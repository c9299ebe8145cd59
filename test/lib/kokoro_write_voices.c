// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <sys/stat.h>

#include "base/check.h"
#include "kokoro_write.h"
#include "tts/kokoro/styles.h"

enum { ROWS = 510, FLOATS = ROWS * STYLE_SIZE, PATH_BYTES = 4096, ARCHIVE_MAX = 64 << 20 };

/* The symbols that Kokoro-82M has, some of them. */
static const char tokenizer[] =
    "{\"version\": \"1.0\", \"model\": {\"type\": \"made\", \"vocab\": {\"$\": 0, \";\": 1, \":\": 2, \",\": 3, "
    "\".\": 4, \"!\": 5, \"?\": 6, \" \": 16, \"ʤ\": 82, \"ʧ\": 133, \"A\": 24, \"I\": 25, \"O\": 31, \"Q\": 33, "
    "\"T\": 36, \"W\": 39, \"Y\": 41, \"ᵊ\": 42, \"a\": 43, \"b\": 44, \"d\": 46, \"e\": 47, \"f\": 48, \"h\": 50, "
    "\"i\": 51, \"j\": 52, \"k\": 53, \"l\": 54, \"m\": 55, \"n\": 56, \"o\": 57, \"p\": 58, \"s\": 61, \"t\": 62, "
    "\"u\": 63, \"v\": 64, \"w\": 65, \"x\": 66, \"z\": 68, \"ɑ\": 69, \"ɐ\": 70, \"ɒ\": 71, \"æ\": 72, \"ɔ\": 76, "
    "\"ð\": 81, \"ə\": 83, \"ɚ\": 85, \"ɛ\": 86, \"ɜ\": 87, \"ɡ\": 92, \"ɪ\": 102, \"ŋ\": 112, \"ɲ\": 114, "
    "\"θ\": 119, \"ɹ\": 123, \"ɾ\": 125, \"ʃ\": 131, \"ʊ\": 135, \"ʌ\": 138, \"ɣ\": 139, \"ʒ\": 147, \"ˈ\": 156, "
    "\"ˌ\": 157, \"ː\": 158, \"ᵻ\": 177}}}\n";

void kokoro_write_style(int number, struct buf *into)
{
    uint32_t x = (uint32_t)number * 2654435761u + 1;
    into->cap = ARCHIVE_MAX;
    for (int i = 0; i < FLOATS; i++) {
        x = x * 1664525u + 1013904223u;
        float value = (float)(x >> 8) / (float)(1 << 23) - 1;
        check(buf_add(into, (struct str){(const char *)&value, sizeof value}) == OK);
    }
}

/* --- an archive --- */

static void put16(struct buf *b, uint32_t n)
{
    check(buf_add_byte(b, (char)n) == OK && buf_add_byte(b, (char)(n >> 8)) == OK);
}

static void put32(struct buf *b, uint32_t n)
{
    put16(b, n & 0xffff);
    put16(b, n >> 16);
}

/* What a local head and the list have in common; the sum is not looked at. */
static void put_entry(struct buf *b, size_t name, size_t size)
{
    put16(b, 20); /* version needed */
    put16(b, 0);  /* flags */
    put16(b, 0);  /* stored */
    put32(b, 0);  /* time */
    put32(b, 0);  /* CRC-32 */
    put32(b, (uint32_t)size);
    put32(b, (uint32_t)size);
    put16(b, (uint32_t)name);
    put16(b, 0); /* extra */
}

void kokoro_write_archive(const char *const *names, size_t n, struct buf *into)
{
    static const char head[] =
        "{'descr': '<f4', 'fortran_order': False, 'shape': (510, 1, 256), }     \n";
    autobuf list = BUF(1 << 20);
    into->cap = ARCHIVE_MAX;
    for (size_t i = 0; i < n; i++) {
        char name[64];
        autobuf style = {}, table = BUF(ARCHIVE_MAX);
        snprintf(name, sizeof name, "%s.npy", names[i]);
        kokoro_write_style((int)i, &style);
        check(buf_add(&table, S("\x93NUMPY\x01\x00")) == OK);
        put16(&table, sizeof head - 1);
        check(buf_add(&table, str_of(head)) == OK && buf_add(&table, buf_str(&style)) == OK);
        put32(&list, 0x02014b50);
        put16(&list, 20); /* made by */
        put_entry(&list, strlen(name), table.n);
        put16(&list, 0); /* comment */
        put16(&list, 0); /* disk */
        put16(&list, 0);
        put32(&list, 0);
        put32(&list, (uint32_t)into->n);
        check(buf_add(&list, str_of(name)) == OK);
        put32(into, 0x04034b50);
        put_entry(into, strlen(name), table.n);
        check(buf_add(into, str_of(name)) == OK && buf_add(into, buf_str(&table)) == OK);
    }
    const uint32_t at = (uint32_t)into->n;
    check(buf_add(into, buf_str(&list)) == OK);
    put32(into, 0x06054b50);
    put32(into, 0);
    put16(into, (uint32_t)n);
    put16(into, (uint32_t)n);
    put32(into, (uint32_t)list.n);
    put32(into, at);
    put16(into, 0);
}

/* --- a folder --- */

static bool write_file(const char *folder, const char *name, struct str bytes)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    bool is_written = f && fwrite(bytes.p, 1, bytes.n, f) == bytes.n;
    is_written = f && fclose(f) == 0 && is_written;
    if (!is_written)
        perror(path);
    return is_written;
}

bool kokoro_write(const char *folder, const struct kokoro_shape *shape)
{
    static const char *const voices[] = {"voices/af_heart.bin", "voices/bm_george.bin",
                                         "voices/ef_dora.bin", "voices/jf_alpha.bin"};
    char path[PATH_BYTES];
    autobuf model = {};
    snprintf(path, sizeof path, "%s/voices", folder);
    (void)mkdir(folder, 0755); /* if it is not there, no file can be written */
    (void)mkdir(path, 0755);
    kokoro_write_onnx(shape, &model);
    bool is_written = write_file(folder, "model.onnx", buf_str(&model)) &&
                      write_file(folder, "tokenizer.json", str_of(tokenizer));
    for (size_t i = 0; is_written && i < sizeof voices / sizeof *voices; i++) {
        autobuf style = {};
        kokoro_write_style((int)i, &style);
        is_written = write_file(folder, voices[i], buf_str(&style));
    }
    return is_written;
}
