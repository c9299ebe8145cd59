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

/* Digits of a hash in small letters. */
static bool copy_hex(struct str s, size_t least, char into[SHA256_HEX + 1])
{
    if (s.n < least || s.n > SHA256_HEX)
        return false;
    char hex[SHA256_HEX + 1] = {};
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], low = (char)(c | 0x20);
        if (!(c >= '0' && c <= '9') && !(low >= 'a' && low <= 'f'))
            return false;
        hex[i] = c >= 'A' && c <= 'F' ? low : c;
    }
    memcpy(into, hex, sizeof hex);
    return true;
}

void hub_facts_read(struct str etag, struct str size, struct str commit,
                    struct hub_facts *ret_facts)
{
    struct hub_facts f = {.size = header_number(size, 0)};
    etag = str_trim(etag);
    if (etag.n >= 2 && etag.p[0] == '"' && etag.p[etag.n - 1] == '"')
        etag = str_sub(etag, 1, etag.n - 1);
    (void)copy_hex(etag, SHA256_HEX, f.sha256);
    (void)copy_hex(str_trim(commit), 40, f.commit);
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
