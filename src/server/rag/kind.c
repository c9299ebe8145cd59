// SPDX-License-Identifier: Apache-2.0
#include "server/rag/rag.h"

static const struct {
    const char *ending, *type, *kind;
} kinds[] = {
    {".md", "text/markdown", "markdown"}, {".markdown", "text/x-markdown", "markdown"},
    {".html", "text/html", "html"},       {".htm", "application/xhtml+xml", "html"},
    {".txt", "text/plain", "text"},       {".text", "text/plain", "text"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* The name says more than the type: many clients send application/octet-stream for everything. */
const char *rag_kind(struct str name, struct str content_type)
{
    for (int i = 0; i < KINDS; i++)
        if (str_ends_nocase(name, str_of(kinds[i].ending)))
            return kinds[i].kind;
    struct str type = str_trim(str_sub(content_type, 0, str_find_byte(content_type, ';')));
    for (int i = 0; i < KINDS; i++)
        if (str_eq_nocase(type, str_of(kinds[i].type)))
            return kinds[i].kind;
    return nullptr;
}
