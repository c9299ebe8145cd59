// SPDX-License-Identifier: Apache-2.0
/* silero_make FILE: a voice detector of Silero's shape with random weights (silero_write.h). */
#include "silero_write.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: silero_make FILE\n", stderr);
        return 2;
    }
    return silero_write(argv[1], &(struct silero_shape){.version = {6, 2, 0}}) ? 0 : 1;
}
