// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "server/cli/cli.h"

static enum err where(const struct conf *conf, struct buf *into)
{
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (conf->data[0])
        return buf_add(into, str_of(conf->data));
    if (xdg && xdg[0] == '/')
        return buf_addf(into, "%s/repartee", xdg);
    if (home && home[0] == '/')
        return buf_addf(into, "%s/.local/share/repartee", home);
    return buf_add(into, S("/var/lib/repartee"));
}

/* mkdir -p; the last folder is private to its owner. */
static int make_dirs(char *path)
{
    for (char *at = path + 1; *at; at++)
        if (*at == '/') {
            *at = 0;
            int failed = mkdir(path, 0755) != 0 && errno != EEXIST;
            *at = '/';
            if (failed)
                return -1;
        }
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -1;
}

enum err data_dir(const struct conf *conf, char **ret_path, struct conf_err *ret_why)
{
    autobuf named = BUF(PATH_MAX);
    try(where(conf, &named));
    autofree char *path = mem_strdup(buf_str(&named));
    if (!path)
        return ERR_NOMEM;
    if (make_dirs(path) != 0) {
        snprintf(ret_why->text, sizeof ret_why->text,
                 "the data directory %.120s cannot be made (%s); name another with --data", path,
                 strerror(errno));
        return ERR_IO;
    }
    char *absolute = realpath(path, nullptr);
    if (!absolute) {
        snprintf(ret_why->text, sizeof ret_why->text,
                 "the data directory %.120s cannot be opened (%s); name another with --data", path,
                 strerror(errno));
        return ERR_IO;
    }
    *ret_path = absolute;
    return OK;
}
