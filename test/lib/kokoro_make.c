// SPDX-License-Identifier: Apache-2.0
/* kokoro_make tiny|older|full FOLDER: a Kokoro with random weights (kokoro_write.h); "older" names its values as early exports do. */
#include <stdio.h>

#include "kokoro_write.h"

int main(int argc, char **argv)
{
    struct kokoro_shape shape = kokoro_tiny_made();
    bool is_full = argc == 3 && strcmp(argv[1], "full") == 0;
    bool is_older = argc == 3 && strcmp(argv[1], "older") == 0;
    if (argc != 3 || !(is_full || is_older || strcmp(argv[1], "tiny") == 0)) {
        fputs("usage: kokoro_make tiny|older|full FOLDER\n", stderr);
        return 2;
    }
    if (is_full)
        shape = kokoro_full_made();
    shape.is_older = is_older;
    return kokoro_write(argv[2], &shape) ? 0 : 1;
}
