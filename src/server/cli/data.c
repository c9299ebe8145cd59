// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static enum err refuse(struct conf_err *why, const char *fmt, const char *path, int failure)
{
    snprintf(why->text, sizeof why->text, fmt, path, strerror(failure));
    return ERR_IO;
}

enum err data_dir(const struct conf *conf, char **ret_path, struct conf_err *ret_why)
{
    autobuf named = BUF(PATH_MAX);
    try(where(conf, &named));
    autofree char *path = mem_strdup(buf_str(&named));
    struct stat about;
    if (!path)
        return ERR_NOMEM;
    if (make_dirs(path) != 0)
        return refuse(ret_why,
                      "the data folder %.120s cannot be made (%s); name another with --data", path,
                      errno);
    char *absolute = realpath(path, nullptr);
    if (!absolute)
        return refuse(ret_why,
                      "the data folder %.120s cannot be opened (%s); name another with --data",
                      path, errno);
    enum err err = OK;
    if (stat(absolute, &about) != 0 || !S_ISDIR(about.st_mode))
        err =
            refuse(ret_why, "the data folder %.120s is a file; name a folder with --data", path, 0);
    else if (access(absolute, R_OK | W_OK | X_OK) != 0)
        err =
            refuse(ret_why,
                   "the data folder %.120s cannot be used (%s); change its rights, or name another "
                   "with --data",
                   path, errno);
    if (err != OK) {
        free(absolute);
        return err;
    }
    *ret_path = absolute;
    return OK;
}
