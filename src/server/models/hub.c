// SPDX-License-Identifier: Apache-2.0
#include "server/models/hub.h"

constexpr int64_t NUMBER_MAX = 1000000000000000;

int64_t header_number(struct str s, int64_t otherwise)
{
    int64_t n;
    s = str_trim(s);
    if (s.n == 0 || s.p[0] < '0' || s.p[0] > '9' || str_to_i64(s, &n) != OK || n > NUMBER_MAX)
        return otherwise;
    return n;
}

/* Digits of a hash, of `least` to `most`, in small letters. */
static bool copy_hex(struct str s, size_t least, size_t most, char *into)
{
    if (s.n < least || s.n > most)
        return false;
    char hex[SHA256_HEX + 1] = {};
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], low = (char)(c | 0x20);
        if (!(c >= '0' && c <= '9') && !(low >= 'a' && low <= 'f'))
            return false;
        hex[i] = c >= 'A' && c <= 'F' ? low : c;
    }
    memcpy(into, hex, s.n + 1);
    return true;
}

static struct str unquoted(struct str etag)
{
    etag = str_trim(etag);
    bool is = etag.n >= 2 && etag.p[0] == '"' && etag.p[etag.n - 1] == '"';
    return is ? str_sub(etag, 1, etag.n - 1) : etag;
}

/* A weak one names the same file, in another coding perhaps; what comes is compared with it. */
static struct str strong(struct str etag)
{
    etag = str_trim(etag);
    return str_starts(etag, S("W/")) ? str_sub(etag, 2, etag.n) : etag;
}

void hub_facts_read(const struct hub_headers *h, struct hub_facts *ret_facts)
{
    struct hub_facts f = {.size = header_number(h->linked_size, 0)};
    struct str linked = unquoted(h->linked_etag);
    if (!copy_hex(linked, SHA256_HEX, SHA256_HEX, f.sha256) &&
        !copy_hex(linked, GIT_HEX, GIT_HEX, f.git))
        (void)copy_hex(unquoted(strong(h->etag)), GIT_HEX, GIT_HEX, f.git);
    (void)copy_hex(str_trim(h->repo_commit), GIT_HEX, SHA256_HEX, f.commit);
    *ret_facts = f;
}

bool content_range_read(struct str s, int64_t *ret_from, int64_t *ret_total)
{
    struct str from, to;
    s = str_trim(s);
    if (!str_starts(s, S("bytes ")))
        return false;
    s = str_sub(s, 6, s.n);
    if (!str_cut(&s, '-', &from) || !str_cut(&s, '/', &to))
        return false;
    int64_t first = header_number(from, -1), last = header_number(to, -1);
    int64_t total = str_eq(str_trim(s), S("*")) ? 0 : header_number(s, -1);
    if (first < 0 || last < first || total < 0 || (total > 0 && last >= total))
        return false;
    *ret_from = first;
    *ret_total = total;
    return true;
}
