// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"

#include <errno.h>

static const struct {
    const char *code, *text;
    short http, ws;
} table[ERR_COUNT] = {
#define X(name, code, http, ws, text) [name] = {code, text, http, ws},
    ERR_TABLE(X)
#undef X
};

/* Some numbers come from other programs; one that is not in the list is a fault of ours. */
static enum err known(enum err e)
{
    return (int)e >= 0 && e < ERR_COUNT ? e : ERR_INTERNAL;
}

const char *err_code(enum err e)
{
    return table[known(e)].code;
}

const char *err_text(enum err e)
{
    return table[known(e)].text;
}

int err_http_status(enum err e)
{
    return table[known(e)].http;
}

int err_ws_close(enum err e)
{
    return table[known(e)].ws;
}

enum err err_from_errno(int errno_value)
{
    switch (errno_value) {
    case 0:
        return OK;
    case ENOENT:
    case ENOTDIR:
        return ERR_NOTFOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case ENOMEM:
        return ERR_NOMEM;
    case ENOSPC:
    case EDQUOT:
        return ERR_NOSPACE;
    case EEXIST:
    case EADDRINUSE:
    case EBUSY:
        return ERR_CONFLICT;
    case EMFILE:
    case ENFILE:
        return ERR_BUSY;
    case EAGAIN:
        return ERR_AGAIN;
    case EINVAL:
        return ERR_INVALID;
    case EPIPE:
    case ECONNRESET:
        return ERR_CLOSED;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    case ENOSYS:
    case EOPNOTSUPP:
        return ERR_UNSUPPORTED;
    case EFBIG:
    case E2BIG:
        return ERR_TOOBIG;
    default:
        return ERR_IO;
    }
}
