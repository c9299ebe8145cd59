// SPDX-License-Identifier: Apache-2.0
/* parakeet_make SHAPE TYPE FILE [WORDS]: a Parakeet of a known shape with random weights, or one that says those words
 * (parakeet_write.h). */
#include "parakeet_write.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct parakeet_shape shape;
    if (argc < 4 || argc > 5 || !parakeet_shape_named(argv[1], &shape)) {
        fputs("usage: parakeet_make least|tiny|tiny-european|0.6b f32|f16|q8_0|q5_1|q5_0|q4_0 FILE "
              "[\"words that it says\"]\n",
              stderr);
        return 2;
    }
    shape.type = argv[2];
    shape.says = argc == 5 ? argv[4] : nullptr;
    return parakeet_write(argv[3], &shape) ? 0 : 1;
}
