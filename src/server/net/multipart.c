// SPDX-License-Identifier: Apache-2.0
#include "server/net/multipart.h"

#include <stdlib.h>

#include "base/mem.h"

constexpr unsigned BOUNDARY_MAX = 70; /* RFC 2046, 5.1.1 */
constexpr unsigned HEAD_MAX = 4096;

enum state : uint8_t {
    PREAMBLE, /* before the first delimiter; ignored */
    DATA,     /* of a part */
    MARKED,   /* just behind a delimiter */
    PADDED,   /* blanks behind a delimiter */
    LF,       /* the delimiter's line end */
    DASH,     /* the second dash of the last delimiter */
    HEAD,     /* a part's headers */
    EPILOGUE, /* behind the last delimiter; ignored */
};

struct multipart {
    const struct multipart_events *events;
    void *arg;
    enum err err;
    enum state state;
    unsigned parts_left;
    unsigned matched; /* bytes of the delimiter seen at the end of what has come */
    unsigned mark_n;
    char mark[4 + BOUNDARY_MAX]; /* CR LF "--" boundary */
    unsigned head_n;
    char head[HEAD_MAX];
};

/* --- header values ------------------------------------------------------------------------------- */

static bool is_token_char(char c)
{
    return c > ' ' && c < 0x7f && memchr("()<>@,;:\\\"/[]?={}", c, 17) == nullptr;
}

/* Cuts `; name=value` off *rest. A quoted value is unescaped in place; only \" and \\ are escapes, since
 * some browsers send bare backslashes. False at the end, *ret_bad when malformed. */
static bool next_param(struct str *rest, struct str *ret_name, struct str *ret_value, bool *ret_bad)
{
    struct str s = str_trim(*rest);
    while (s.n > 0 && s.p[0] == ';')
        s = str_trim(str_sub(s, 1, s.n));
    if (s.n == 0)
        return false;
    size_t n = 0;
    while (n < s.n && is_token_char(s.p[n]))
        n++;
    *ret_bad = n == 0 || n == s.n || s.p[n] != '=';
    if (*ret_bad)
        return false;
    *ret_name = str_sub(s, 0, n);
    s = str_sub(s, n + 1, s.n);
    if (s.n == 0 || s.p[0] != '"') {
        n = str_find_byte(s, ';');
        *ret_value = str_trim(str_sub(s, 0, n));
        *rest = str_sub(s, n, s.n);
        return true;
    }
    char *into = (char *)s.p + 1;
    size_t to = 0;
    for (n = 1; n < s.n && s.p[n] != '"'; n++) {
        if (s.p[n] == '\\' && n + 1 < s.n && (s.p[n + 1] == '"' || s.p[n + 1] == '\\'))
            n++;
        into[to++] = s.p[n];
    }
    *ret_bad = n == s.n;
    *ret_value = (struct str){into, to};
    *rest = str_sub(s, n + 1, s.n);
    return !*ret_bad;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 8187: UTF-8'language'percent-encoded; decoded in place. */
static bool decode_extended(struct str *value)
{
    struct str rest = *value, charset, language;
    if (!str_cut(&rest, '\'', &charset) || !str_eq_nocase(charset, S("UTF-8")) ||
        str_find_byte(rest, '\'') == rest.n || !str_cut(&rest, '\'', &language))
        return false;
    char *into = (char *)rest.p;
    size_t n = 0;
    for (size_t i = 0; i < rest.n; i++) {
        char c = rest.p[i];
        if (c == '%') {
            int high = i + 2 < rest.n ? hex_digit(rest.p[i + 1]) : -1;
            int low = i + 2 < rest.n ? hex_digit(rest.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        into[n++] = c;
    }
    *value = (struct str){into, n};
    return true;
}

static enum err check_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return ERR_SYNTAX;
    return utf8_valid(s) ? OK : ERR_UTF8;
}

static enum err read_disposition(struct str value, struct multipart_part *part)
{
    struct str kind = str_trim(str_sub(value, 0, str_find_byte(value, ';')));
    if (!str_eq_nocase(kind, S("form-data")) || part->name.p != nullptr)
        return ERR_SYNTAX;
    struct str rest = str_sub(value, str_find_byte(value, ';'), value.n), name, text;
    bool bad = false, extended = false;
    while (next_param(&rest, &name, &text, &bad)) {
        if (str_eq_nocase(name, S("name"))) {
            part->name = text;
        } else if (str_eq_nocase(name, S("filename*"))) {
            if (!decode_extended(&text))
                return ERR_SYNTAX;
            part->filename = text;
            extended = true;
        } else if (str_eq_nocase(name, S("filename")) && !extended) {
            part->filename = text;
        }
    }
    if (bad || part->name.p == nullptr)
        return ERR_SYNTAX;
    try(check_text(part->name));
    return check_text(part->filename);
}

static enum err read_header(struct str line, struct multipart_part *part)
{
    size_t colon = str_find_byte(line, ':');
    struct str name = str_sub(line, 0, colon), value = str_trim(str_sub(line, colon + 1, line.n));
    if (colon == 0 || colon == line.n)
        return ERR_SYNTAX;
    for (size_t i = 0; i < name.n; i++)
        if (!is_token_char(name.p[i]))
            return ERR_SYNTAX;
    for (size_t i = 0; i < value.n; i++)
        if (((unsigned char)value.p[i] < 0x20 && value.p[i] != '\t') || value.p[i] == 0x7f)
            return ERR_SYNTAX;
    if (str_eq_nocase(name, S("content-disposition")))
        return read_disposition(value, part);
    if (str_eq_nocase(name, S("content-type")))
        part->type = value;
    else if (str_eq_nocase(name, S("content-transfer-encoding")))
        return str_eq_nocase(value, S("binary")) || str_eq_nocase(value, S("8bit")) ||
                       str_eq_nocase(value, S("7bit"))
                   ? OK
                   : ERR_MEDIA;
    return OK;
}

static enum err begin_part(struct multipart *m)
{
    struct multipart_part part = {.type = S("")};
    struct str rest = {m->head, m->head_n - 4}; /* without the empty line */
    while (rest.n > 0) {
        size_t end = str_find(rest, S("\r\n"));
        try(read_header(str_sub(rest, 0, end), &part));
        rest = str_sub(rest, end + 2, rest.n);
    }
    if (part.name.p == nullptr)
        return ERR_SYNTAX;
    if (m->parts_left-- == 0)
        return ERR_TOOBIG;
    return m->events->on_part(m->arg, &part);
}

/* --- the stream ---------------------------------------------------------------------------------- */

static enum err emit(struct multipart *m, struct str bytes)
{
    return m->state == DATA && bytes.n > 0 ? m->events->on_data(m->arg, bytes) : OK;
}

static enum err end_data(struct multipart *m)
{
    enum state was = m->state;
    m->state = MARKED;
    m->matched = 0;
    return was == DATA ? m->events->on_part_end(m->arg) : OK;
}

/* Looks for the delimiter. It begins with the only CR in it, so after a mismatch it can begin anew at
 * the present byte at the earliest. `held` bytes of what has matched came in earlier pieces. */
static enum err eat_data(struct multipart *m, struct str *bytes)
{
    struct str s = *bytes;
    unsigned held = m->matched;
    size_t i = 0;
    while (i < s.n) {
        if (m->matched == 0) {
            i += str_find_byte(str_sub(s, i, s.n), '\r');
            if (i < s.n) {
                m->matched = 1;
                i++;
            }
        } else if (s.p[i] != m->mark[m->matched]) {
            try(emit(m, (struct str){m->mark, held}));
            held = m->matched = 0;
        } else {
            i++;
            if (++m->matched == m->mark_n) {
                *bytes = str_sub(s, i, s.n);
                try(emit(m, str_sub(s, 0, i - (m->mark_n - held))));
                return end_data(m);
            }
        }
    }
    *bytes = (struct str){};
    return emit(m, str_sub(s, 0, s.n - (m->matched - held)));
}

static enum err eat_head(struct multipart *m, struct str *bytes)
{
    while (bytes->n > 0) {
        if (m->head_n == HEAD_MAX)
            return ERR_TOOBIG;
        m->head[m->head_n++] = bytes->p[0];
        *bytes = str_sub(*bytes, 1, bytes->n);
        if (m->head_n >= 4 && memcmp(m->head + m->head_n - 4, "\r\n\r\n", 4) == 0) {
            m->state = DATA;
            return begin_part(m);
        }
    }
    return OK;
}

/* One byte of what follows a delimiter. */
static enum err eat_mark(struct multipart *m, char c)
{
    switch (m->state) {
    case MARKED:
    case PADDED:
        if (c == '\r')
            m->state = LF;
        else if (c == ' ' || c == '\t')
            m->state = PADDED;
        else if (c == '-' && m->state == MARKED)
            m->state = DASH;
        else
            return ERR_SYNTAX;
        return OK;
    case DASH:
        m->state = EPILOGUE;
        return c == '-' ? OK : ERR_SYNTAX;
    default:
        m->state = HEAD;
        m->head_n = 0;
        return c == '\n' ? OK : ERR_SYNTAX;
    }
}

static enum err eat(struct multipart *m, struct str *bytes)
{
    switch (m->state) {
    case PREAMBLE:
    case DATA:
        return eat_data(m, bytes);
    case HEAD:
        return eat_head(m, bytes);
    case EPILOGUE:
        *bytes = (struct str){};
        return OK;
    default: {
        char c = bytes->p[0];
        *bytes = str_sub(*bytes, 1, bytes->n);
        return eat_mark(m, c);
    }
    }
}

enum err multipart_feed(struct multipart *m, struct str bytes)
{
    while (m->err == OK && bytes.n > 0)
        m->err = eat(m, &bytes);
    return m->err;
}

enum err multipart_finish(struct multipart *m)
{
    if (m->err == OK && m->state != EPILOGUE)
        m->err = ERR_SYNTAX;
    return m->err;
}

/* --- life ---------------------------------------------------------------------------------------- */

/* `into` holds a copy that may be changed. */
static enum err find_boundary(struct str content_type, char into[512], struct str *ret_boundary)
{
    if (content_type.n >= 512)
        return ERR_SYNTAX;
    memcpy(into, content_type.p, content_type.n);
    struct str all = {into, content_type.n}, name, value, boundary = S("");
    size_t end = str_find_byte(all, ';');
    if (!str_eq_nocase(str_trim(str_sub(all, 0, end)), S("multipart/form-data")))
        return ERR_MEDIA;
    struct str rest = str_sub(all, end, all.n);
    bool bad = false;
    while (next_param(&rest, &name, &value, &bad))
        if (str_eq_nocase(name, S("boundary")))
            boundary = value;
    if (bad || boundary.n == 0 || boundary.n > BOUNDARY_MAX || boundary.p[boundary.n - 1] == ' ')
        return ERR_SYNTAX;
    for (size_t i = 0; i < boundary.n; i++) {
        char c = boundary.p[i], lower = c | 0x20;
        if (!((c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z')) &&
            memchr("'()+_,-./:=? ", c, 13) == nullptr)
            return ERR_SYNTAX;
    }
    *ret_boundary = boundary;
    return OK;
}

enum err multipart_create(struct str content_type, unsigned max_parts,
                          const struct multipart_events *events, void *arg,
                          struct multipart **ret_m)
{
    char copy[512];
    struct str boundary;
    try(find_boundary(content_type, copy, &boundary));
    struct multipart *m = malloc(sizeof *m);
    if (m == nullptr)
        return ERR_NOMEM;
    *m = (struct multipart){.events = events, .arg = arg, .parts_left = max_parts};
    static const char dashes[4] = {'\r', '\n', '-', '-'};
    memcpy(m->mark, dashes, sizeof dashes);
    memcpy(m->mark + 4, boundary.p, boundary.n);
    m->mark_n = 4 + (unsigned)boundary.n;
    m->matched = 2; /* the first delimiter may stand at the very beginning */
    *ret_m = m;
    return OK;
}

void multipart_destroy(struct multipart *m)
{
    free(m);
}
