// SPDX-License-Identifier: Apache-2.0
/* hostile_sounds FOLDER: writes the cases of test/lib/sound_table.h as files there, and a line for each to standard output:
 * its file, what must come of it and its name, with tabulators between. Of those that a list makes, the first few. */
#include <stdio.h>

#include "sound_table.h"
#include "unit.h"

enum { OF_A_LIST = 3 };

static const char *folder, *kind;
static unsigned count, in_list;

static void write_case(const struct table_case *c, struct str file)
{
    char path[4096];
    in_list = c->one_of_many ? in_list + 1 : 0;
    if (in_list > OF_A_LIST)
        return;
    (void)snprintf(path, sizeof path, "%s/%s-%u", folder, kind, count++);
    FILE *f = fopen(path, "w");
    if (f == nullptr || fwrite(file.p, 1, file.n, f) != file.n || fclose(f) != 0)
        fail_msg("%s cannot be written", path);
    printf("%s\t%.*s\t%s\n", path, STR_FMT(c->want), c->name);
}

static void write_all(void **)
{
    static const char *const kinds[] = {"wav", "webm", "ogg", "flac", "mp3"};
    for (size_t i = 0; i < countof(kinds); i++) {
        kind = kinds[i];
        assert_true(sound_table_run(kind, write_case) > 0);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(write_all)};
    folder = argc == 2 ? argv[1] : ".";
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
