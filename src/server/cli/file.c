// SPDX-License-Identifier: Apache-2.0
#include "server/cli/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int read_operand(const struct cli *c, struct buf *into)
{
    for (int i = 0; i < c->count; i++) {
        enum err err = i ? buf_add_byte(into, ' ') : OK;
        if (err == OK && c->count == 1 && strcmp(c->operand[i], "-") == 0)
            return read_whole_file(c, "-", into);
        if (err == OK)
            err = buf_add(into, str_of(c->operand[i]));
        if (err != OK)
            return cli_misuse(c, "the text is longer than %zu characters; use a shorter one",
                              into->cap);
    }
    return EXIT_OK;
}

int read_whole_file(const struct cli *c, const char *path, struct buf *into)
{
    bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "standard input" : path;
    FILE *f = is_stdin ? stdin : fopen(path, "rbe");
    if (!f)
        return cli_cannot_read(c, name, errno);
    char piece[64 * 1024];
    size_t n;
    enum err err = OK;
    errno = 0;
    do {
        n = fread(piece, 1, sizeof piece, f);
        err = buf_add(into, (struct str){piece, n});
    } while (err == OK && n == sizeof piece);
    int failed = ferror(f) ? (errno ? errno : EIO) : 0;
    if (!is_stdin)
        fclose(f);
    if (failed)
        return cli_cannot_read(c, name, failed);
    if (err != OK)
        return cli_fail(c, "%s is larger than %zu bytes; cut it into parts", name, into->cap);
    return EXIT_OK;
}
