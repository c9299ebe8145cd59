// SPDX-License-Identifier: Apache-2.0
/* whisper_make SHAPE TYPE FILE [WORDS]: a Whisper of a known shape with random weights, or one that says those words
 * (whisper_write.h). */
#include <stdio.h>

#include "whisper_write.h"

int main(int argc, char **argv)
{
    struct whisper_shape shape;
    if (argc < 4 || argc > 5 || !whisper_shape_named(argv[1], &shape)) {
        fputs(
            "usage: whisper_make tiny|tiny-many|tiny.en|base.en|small.en f32|f16|q8_0|q5_1|q5_0|q4_0 FILE "
            "[\"words that it says\"]\n",
            stderr);
        return 2;
    }
    shape.type = argv[2];
    shape.says = argc == 5 ? argv[4] : nullptr;
    return whisper_write(argv[3], &shape) ? 0 : 1;
}
