// SPDX-License-Identifier: Apache-2.0
#include "audio/webm_track.h"

enum {
    ID_ENTRY = 0xAE,
    ID_NUMBER = 0xD7,
    ID_TYPE = 0x83,
    ID_CODEC = 0x86,
    ID_CODEC_PRIVATE = 0x63A2,
    ID_ENCODINGS = 0x6D80,
    TYPE_AUDIO = 2,
    ID_BYTES_MAX = 4,
    VINT_BYTES_MAX = 8,
};

/* How many bytes a number has whose first byte is this; 9: none has. */
static size_t vint_bytes(uint8_t first)
{
    size_t n = 1;
    for (uint8_t bit = 0x80; bit != 0 && !(first & bit); bit >>= 1)
        n++;
    return n;
}

static uint64_t big_endian(struct str s)
{
    uint64_t value = 0;
    for (size_t i = 0; i < s.n; i++)
        value = value << 8 | (uint8_t)s.p[i];
    return value;
}

enum err ebml_vint(struct str bytes, uint64_t *ret_value, size_t *ret_bytes)
{
    if (bytes.n == 0)
        return ERR_AGAIN;
    size_t n = vint_bytes((uint8_t)bytes.p[0]);
    if (n > VINT_BYTES_MAX)
        return ERR_SYNTAX;
    if (bytes.n < n)
        return ERR_AGAIN;
    uint64_t mask = ((uint64_t)1 << 7 * n) - 1, value = big_endian(str_sub(bytes, 0, n)) & mask;
    *ret_value = value == mask ? EBML_UNKNOWN : value; /* all ones are set aside for that */
    *ret_bytes = n;
    return OK;
}

enum err ebml_head(struct str bytes, struct ebml_head *ret_head)
{
    if (bytes.n == 0)
        return ERR_AGAIN;
    struct ebml_head head;
    size_t id_bytes = vint_bytes((uint8_t)bytes.p[0]), size_bytes;
    if (id_bytes > ID_BYTES_MAX)
        return ERR_SYNTAX;
    if (bytes.n < id_bytes)
        return ERR_AGAIN;
    head.id = (uint32_t)big_endian(str_sub(bytes, 0, id_bytes)); /* its marker belongs to it */
    try(ebml_vint(str_sub(bytes, id_bytes, bytes.n), &head.size, &size_bytes));
    head.bytes = id_bytes + size_bytes;
    *ret_head = head;
    return OK;
}

enum err ebml_next(struct str *rest, uint32_t *ret_id, struct str *ret_content)
{
    struct ebml_head head;
    if (ebml_head(*rest, &head) != OK || head.size > rest->n - head.bytes)
        return ERR_SYNTAX;
    size_t end = head.bytes + (size_t)head.size;
    *ret_id = head.id;
    *ret_content = str_sub(*rest, head.bytes, end);
    *rest = str_sub(*rest, end, rest->n);
    return OK;
}

enum err ebml_uint(struct str content, uint64_t *ret_value)
{
    if (content.n > sizeof(uint64_t))
        return ERR_SYNTAX;
    *ret_value = big_endian(content);
    return OK;
}

struct entry {
    struct webm_track track;
    uint64_t type;
    bool opus, encoded;
};

static enum err read_entry(struct str content, struct entry *e)
{
    while (content.n > 0) {
        uint32_t id;
        struct str value;
        try(ebml_next(&content, &id, &value));
        switch (id) {
        case ID_NUMBER:
            try(ebml_uint(value, &e->track.number));
            break;
        case ID_TYPE:
            try(ebml_uint(value, &e->type));
            break;
        case ID_CODEC:
            e->opus = str_eq(value, S("A_OPUS"));
            break;
        case ID_CODEC_PRIVATE:
            e->track.head = value;
            break;
        case ID_ENCODINGS:
            e->encoded = true;
            break;
        default:
            break;
        }
    }
    return OK;
}

enum err webm_find_track(struct str tracks, struct webm_track *ret_track)
{
    while (tracks.n > 0) {
        uint32_t id;
        struct str content;
        struct entry e = {};
        try(ebml_next(&tracks, &id, &content));
        if (id != ID_ENTRY)
            continue;
        try(read_entry(content, &e));
        if (e.type != TYPE_AUDIO || !e.opus)
            continue;
        if (e.encoded)
            return ERR_UNSUPPORTED;
        if (e.track.number == 0)
            return ERR_SYNTAX;
        *ret_track = e.track;
        return OK;
    }
    return ERR_NOTFOUND;
}
