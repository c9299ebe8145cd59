// SPDX-License-Identifier: Apache-2.0
#include "server/cli/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int read_whole_file(const struct cli *c, const char *path, struct buf *into)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *f = is_stdin ? stdin : fopen(path, "rbe");
    if (!f)
        return cli_fail(c, "%s cannot be read: %s", path, strerror(errno));
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
        return cli_fail(c, "%s cannot be read: %s", path, strerror(failed));
    if (err != OK)
        return cli_fail(c, "%s is larger than %zu MiB", path, into->cap >> 20);
    return EXIT_OK;
}
