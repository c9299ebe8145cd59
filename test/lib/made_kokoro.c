// SPDX-License-Identifier: Apache-2.0
#include "made_kokoro.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

enum { MADE_MAX = 64, DEEP = 8 };
static char made[MADE_MAX][sizeof "/tmp/made-kokoro-XXXXXX"];
static size_t made_count;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static void remove_made(void)
{
    while (made_count > 0)
        (void)nftw(made[--made_count], remove_one, DEEP, FTW_DEPTH | FTW_PHYS);
}

const char *made_kokoro(struct kokoro_shape shape)
{
    assert_true(made_count < MADE_MAX);
    char *path = made[made_count];
    memcpy(path, "/tmp/made-kokoro-XXXXXX", sizeof *made);
    assert_non_null(mkdtemp(path));
    if (made_count++ == 0)
        assert_int_equal(atexit(remove_made), 0);
    assert_int_equal(chmod(path, 0755), 0);
    assert_true(kokoro_write(path, &shape));
    return path;
}

void made_kokoro_change(const char *folder, const char *name, struct str bytes)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)unlink(path);
    if (bytes.n == 0)
        return;
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
    assert_int_equal(fclose(f), 0);
}
