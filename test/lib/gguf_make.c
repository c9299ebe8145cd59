// SPDX-License-Identifier: Apache-2.0
/* gguf_make SHAPE FILE: a model of a known shape with random weights (gguf_write.h). */
#include <stdio.h>

#include "gguf_write.h"

int main(int argc, char **argv)
{
    struct gguf_shape shape;
    if (argc != 3 || !gguf_shape_named(argv[1], &shape)) {
        fputs(
            "usage: gguf_make tiny|small|smol-135m|llama-1b|llama-8b|tiny-mistral|tiny-bert|e5-small FILE\n",
            stderr);
        return 2;
    }
    return gguf_write(argv[2], &shape) ? 0 : 1;
}
