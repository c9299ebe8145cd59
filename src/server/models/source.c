// SPDX-License-Identifier: Apache-2.0
#include "server/models/source.h"

#include <stdio.h>

#include "server/net/fetch_url.h"

enum { PIECE_MAX = 96 };

static bool is_letter_or_digit(char c)
{
    char low = (char)(c | 0x20);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9');
}

/* One plain piece of a path. */
static bool is_piece(struct str s, size_t max)
{
    if (s.n == 0 || s.n > max || !is_letter_or_digit(s.p[0]))
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!is_letter_or_digit(s.p[i]) && s.p[i] != '.' && s.p[i] != '-' && s.p[i] != '_')
            return false;
    return true;
}

bool model_name_is_good(struct str name)
{
    return is_piece(name, MODEL_NAME_MAX);
}

bool model_file_is_good(struct str name)
{
    return is_piece(name, MODEL_FILE_MAX);
}

bool model_kind_is_good(struct str kind)
{
    static const char *const kinds[] = {"llm", "stt", "tts", "embed", "vad"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_eq(kind, str_of(kinds[i])))
            return true;
    return false;
}

static bool is_hex(struct str s, size_t length)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
            return false;
    return s.n == length;
}

bool sha256_is_good(struct str hex)
{
    return is_hex(hex, SHA256_HEX);
}

bool git_is_good(struct str hex)
{
    return is_hex(hex, GIT_HEX);
}

void sha256_print(const uint8_t *sum, char into[SHA256_HEX + 1])
{
    for (size_t i = 0; i < SHA256_HEX / 2; i++)
        snprintf(into + 2 * i, 3, "%02x", sum[i]);
}

enum err model_name_of(struct str file, char into[MODEL_NAME_MAX + 1])
{
    struct str s = file;
    while (s.n > 0 && s.p[s.n - 1] != '.')
        s.n--;
    s = s.n > 1 ? str_sub(s, 0, s.n - 1) : file;
    if (!model_name_is_good(s))
        return ERR_INVALID;
    for (size_t i = 0; i < s.n; i++)
        into[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 0x20) : s.p[i];
    into[s.n] = 0;
    return OK;
}

/* --- sources --- */

static bool is_path(struct str path)
{
    struct str piece, rest = path;
    while (str_cut(&rest, '/', &piece))
        if (!is_piece(piece, MODEL_FILE_MAX))
            return false;
    return path.n > 0 && path.p[path.n - 1] != '/';
}

static enum err parse_hub(struct str text, struct model_source *ret_source)
{
    struct model_source s = {.is_hub = true};
    struct str where, owner, name;
    if (!str_cut(&text, ':', &where))
        return ERR_INVALID;
    s.path = text;
    size_t at = str_find_byte(where, '@');
    s.repo = str_sub(where, 0, at);
    s.revision = str_sub(where, at + 1, where.n);
    name = s.repo;
    if (!str_cut(&name, '/', &owner) || !is_piece(owner, PIECE_MAX) || !is_piece(name, PIECE_MAX) ||
        (at < where.n && !is_piece(s.revision, PIECE_MAX)) || !is_path(s.path))
        return ERR_INVALID;
    *ret_source = s;
    return OK;
}

static enum err parse_url(struct str text, struct model_source *ret_source)
{
    struct url_parts parts;
    autobuf z = BUF(MODEL_SOURCE_MAX);
    try(buf_add(&z, text));
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] >= 0x7f)
            return ERR_INVALID;
    const char *url = buf_z(&z);
    if (!url)
        return ERR_NOMEM;
    try(url_read(url, &parts));
    *ret_source = (struct model_source){.url = text};
    return OK;
}

enum err model_source_parse(struct str text, struct model_source *ret_source)
{
    if (text.n > MODEL_SOURCE_MAX)
        return ERR_INVALID;
    if (str_starts(text, S("hf:")))
        return parse_hub(str_sub(text, 3, text.n), ret_source);
    if (str_starts(text, S("https://")) || str_starts(text, S("http://")))
        return parse_url(text, ret_source);
    return ERR_INVALID;
}

enum err model_source_url(const struct model_source *s, const char *hub, struct buf *into)
{
    if (!s->is_hub)
        return buf_add(into, s->url);
    struct str base = str_of(hub);
    while (str_ends(base, S("/")))
        base.n--;
    struct str revision = s->revision.n ? s->revision : S("main");
    try(buf_add(into, base));
    return buf_addf(into, "/%.*s/resolve/%.*s/%.*s", STR_FMT(s->repo), STR_FMT(revision),
                    STR_FMT(s->path));
}

struct str model_source_file(const struct model_source *s)
{
    struct str file = s->is_hub ? s->path : s->url;
    if (!s->is_hub) {
        file.n = str_find_byte(file, '#');
        file.n = str_find_byte(file, '?');
        file = str_sub(file, str_find(file, S("://")) + 3, file.n);
        if (str_find_byte(file, '/') == file.n)
            file.n = 0;
    }
    size_t at = file.n;
    while (at > 0 && file.p[at - 1] != '/')
        at--;
    return str_sub(file, at, file.n);
}
