// SPDX-License-Identifier: Apache-2.0
#include "server/talk/eagerness.h"

uint32_t eagerness_percent(struct str word)
{
    static const struct {
        const char *word;
        uint32_t percent;
    } table[] = {{"low", 200}, {"medium", 100}, {"high", 60}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (str_eq(word, str_of(table[i].word)))
            return table[i].percent;
    return 0;
}
