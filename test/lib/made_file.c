// SPDX-License-Identifier: Apache-2.0
#include "made_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

enum { MADE_MAX = 32 };
static char made[MADE_MAX][sizeof "/tmp/made-model-XXXXXX"];
static size_t made_count;

static void remove_made(void)
{
    while (made_count > 0) {
        char beside[sizeof *made + sizeof ".json"];
        snprintf(beside, sizeof beside, "%s.json", made[--made_count]);
        unlink(made[made_count]);
        unlink(beside);
    }
}

const char *made_file(void)
{
    assert_true(made_count < MADE_MAX);
    char *path = made[made_count];
    memcpy(path, "/tmp/made-model-XXXXXX", sizeof *made);
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    if (made_count++ == 0)
        assert_int_equal(atexit(remove_made), 0);
    assert_int_equal(fchmod(fd, 0644), 0);
    assert_int_equal(close(fd), 0);
    return path;
}
