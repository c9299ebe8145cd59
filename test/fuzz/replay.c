// SPDX-License-Identifier: Apache-2.0
/*
 * Feeds every file of a corpus folder to the fuzz target, whole, cut short and with single bytes
 * changed, so that the normal test run covers what fuzzing once found and its close surroundings.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { MAX_BYTES = 1 << 20, CUTS = 64, CHANGES = 64 };

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

static void feed_file(const char *path)
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
    for (size_t i = 0; i < CUTS && i < size; i++)
        feed(data, size * i / CUTS);
    for (size_t i = 0; i < CHANGES && size > 0; i++) {
        /* Any fixed spread will do: the run must be the same every time. */
        size_t at = i * 2654435761u % size;
        uint8_t was = data[at];
        data[at] = (uint8_t)(was ^ (1u << (i % 8)));
        feed(data, size);
        data[at] = was;
    }
}

int main(int argc, char **argv)
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : nullptr;
    if (dir == nullptr) {
        fprintf(stderr, "usage: replay CORPUS-FOLDER (there must be one: a seed or more)\n");
        return 2;
    }
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != nullptr;) {
        if (entry->d_name[0] == '.')
            continue;
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        feed_file(path);
        count++;
    }
    closedir(dir);
    printf("%u seeds\n", count);
    return count > 0 ? 0 : 2;
}
