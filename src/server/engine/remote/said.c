// SPDX-License-Identifier: Apache-2.0
#include "server/engine/remote/said.h"

void said_line(struct str s, char *into, size_t size)
{
    size_t n = utf8_prefix(s, size - 1);
    for (size_t i = 0; i < n; i++)
        into[i] = (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ? ' ' : s.p[i];
    into[n] = 0;
}

void said_name(char names[REMOTE_SAID_BYTES], struct str name)
{
    static const struct str more = S(", …");
    char line[REMOTE_MODEL_BYTES];
    said_line(name, line, sizeof line);
    size_t n = strlen(names), room = REMOTE_SAID_BYTES - 1 - n, comma = n ? 2 : 0;
    if (str_ends(str_of(names), S("…")))
        return;
    struct str part = comma + strlen(line) + more.n <= room ? str_of(line) : S("…");
    memcpy(names + n, ", ", comma);
    memcpy(names + n + comma, part.p, part.n);
    names[n + comma + part.n] = 0;
}
