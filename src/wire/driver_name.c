// SPDX-License-Identifier: Apache-2.0
#include "wire/driver_name.h"

#include <stdio.h>

static const char *name_of(const void *driver)
{
    return *(const char *const *)driver;
}

static enum err list(struct buf *into, const void *const *drivers, size_t count)
{
    try(buf_addf(into, "%s %s", count == 1 ? "there is" : "there are", name_of(drivers[0])));
    for (size_t i = 1; i < count; i++)
        try(buf_addf(into, "%s%s", i + 1 < count ? ", " : " and ", name_of(drivers[i])));
    return OK;
}

enum err driver_choose(struct str name, const void *const *drivers, size_t count, const char *kind,
                       char why[WORKER_WHY_BYTES], const void **ret_driver)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(name, str_of(name_of(drivers[i])))) {
            *ret_driver = drivers[i];
            return OK;
        }
    autobuf all = BUF(WORKER_WHY_BYTES);
    struct str shown = list(&all, drivers, count) == OK ? buf_str(&all) : S("see its manual");
    snprintf(why, WORKER_WHY_BYTES, "there is no %s driver \"%.*s\"; %.*s", kind,
             STR_FMT(str_sub(name, 0, utf8_prefix(name, 40))), STR_FMT(shown));
    return ERR_UNSUPPORTED;
}
