// SPDX-License-Identifier: Apache-2.0
/* voice_make SHAPE FILE.onnx [SPEAKERS [text]]: a voice of Piper, of a known shape, with random weights (voice_write.h); with
 * "text" it takes letters. */
#include <stdio.h>
#include <stdlib.h>

#include "voice_write.h"

int main(int argc, char **argv)
{
    struct voice_shape shape;
    if (argc < 3 || argc > 5 || !voice_shape_named(argv[1], &shape)) {
        fputs("usage: voice_make tiny|x_low|low|medium|high FILE.onnx [SPEAKERS [text]]\n", stderr);
        return 2;
    }
    if (argc > 3)
        shape.speakers = (int)strtol(argv[3], nullptr, 10);
    shape.takes_letters = argc > 4;
    return voice_write(argv[2], &shape) ? 0 : 1;
}
