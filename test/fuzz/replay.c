// SPDX-License-Identifier: Apache-2.0
/*
 * Feeds every file of a corpus folder to the fuzz target, whole, cut short and with single bytes
 * changed, so that the normal test run covers what fuzzing once found and its close surroundings. The
 * more files there are, the fewer variants of each, so that a corpus may grow.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { MAX_BYTES = 1 << 20, VARIANTS = 512, VARIANTS_MIN = 4, VARIANTS_MAX = 64 };

/* A copy of exact size, so that reading past the end is seen by AddressSanitizer. */
static void feed(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == nullptr)
        exit(2);
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void feed_file(const char *path, size_t variants)
{
    static uint8_t data[MAX_BYTES];
    FILE *f = fopen(path, "rb");
    if (f == nullptr) {
        perror(path);
        exit(2);
    }
    size_t size = fread(data, 1, sizeof data, f);
    fclose(f);

    feed(data, size);
    for (size_t i = 0; i < variants && i < size; i++)
        feed(data, size * i / variants);
    for (size_t i = 0; i < variants && size > 0; i++) {
        /* Any fixed spread will do: the run must be the same every time. */
        size_t at = i * 2654435761u % size;
        uint8_t was = data[at];
        data[at] = (uint8_t)(was ^ (1u << (i % 8)));
        feed(data, size);
        data[at] = was;
    }
}

static int is_seed(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    struct dirent **seeds;
    int count = argc == 2 ? scandir(argv[1], &seeds, is_seed, alphasort) : 0;
    if (count <= 0) {
        fprintf(stderr, "usage: replay CORPUS-FOLDER (there must be one: a seed or more)\n");
        return 2;
    }
    size_t variants = VARIANTS / (size_t)count;
    if (variants < VARIANTS_MIN)
        variants = VARIANTS_MIN;
    if (variants > VARIANTS_MAX)
        variants = VARIANTS_MAX;
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], seeds[i]->d_name);
        feed_file(path, variants);
        free(seeds[i]);
    }
    free(seeds);
    printf("%d seeds\n", count);
    return 0;
}
