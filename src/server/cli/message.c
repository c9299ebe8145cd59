// SPDX-License-Identifier: Apache-2.0
/* Sentences on standard error: what is wrong, and the remedy. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/cli/cli.h"
#include "server/cli/plain.h"

enum { SENTENCE_MAX = 64 * 1024 };

static void vmessage(const struct cli *c, const char *fmt, va_list ap)
{
    fflush(stdout); /* what has been said stands before it */
    autobuf text = BUF(SENTENCE_MAX);
    enum err err = buf_addv(&text, fmt, ap);
    fprintf(stderr, "repartee %s: ", c->command->name);
    /* Without memory for it the sentence's beginning must do. */
    plain_print(stderr, err == OK ? buf_str(&text) : str_of(fmt));
    fputc('\n', stderr);
}

int cli_fail(const struct cli *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vmessage(c, fmt, ap);
    va_end(ap);
    return EXIT_FAILED;
}

int cli_misuse(const struct cli *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vmessage(c, fmt, ap);
    va_end(ap);
    fprintf(stderr, "Try 'repartee %s --help'.\n", c->command->name);
    return EXIT_USAGE;
}

int cli_no_memory(const struct cli *c)
{
    return cli_fail(c, "there is not enough memory; end some programs and try again");
}

int cli_not_json(const struct cli *c)
{
    return cli_fail(c,
                    "the server's answer is not JSON; is %s/server.sock another program's? Then "
                    "end that, or name another directory with --data",
                    c->data);
}

int cli_cannot_read(const struct cli *c, const char *path, int errno_value)
{
    switch (errno_value) {
    case ENOENT:
    case ENOTDIR:
        return cli_fail(c, "there is no file %s; check its name", path);
    case EACCES:
    case EPERM:
        return cli_fail(c, "%s may not be read by this user; change its rights with chmod", path);
    case EISDIR:
        return cli_fail(c, "%s is a folder; name a file in it", path);
    default:
        return cli_fail(c, "%s cannot be read (%s); copy it to another place and try again", path,
                        strerror(errno_value));
    }
}

int cli_cannot_write(const struct cli *c, const char *path, int errno_value)
{
    switch (errno_value) {
    case ENOENT:
    case ENOTDIR:
        return cli_fail(c, "%s lies in a folder that does not exist; make it with mkdir", path);
    case EACCES:
    case EPERM:
    case EROFS:
        return cli_fail(c, "%s may not be written by this user; choose another place", path);
    case EISDIR:
        return cli_fail(c, "%s is a folder; name a file", path);
    case ENOSPC:
    case EDQUOT:
        return cli_fail(c, "the disk is full at %s; make room, or choose another place", path);
    case EPIPE:
        return cli_fail(c, "nobody reads %s any more; write into a file with -o FILE", path);
    default:
        return cli_fail(c, "%s cannot be written (%s); choose another place", path,
                        strerror(errno_value));
    }
}
