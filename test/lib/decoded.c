// SPDX-License-Identifier: Apache-2.0
/* decoded FILE: writes the rate of a recording to standard error and its samples, as they are decoded here, to standard output. */
#include <stdio.h>

#include "audio/recording.h"

enum { STEP_BYTES = 4096, FILE_MAX = 64 << 20 };

static int write_all(struct str file)
{
    struct recording *r;
    autobuf samples = BUF(RECORDING_STEP_BYTES);
    enum err err = recording_create(file, &r);
    if (err != OK)
        return 1;
    do {
        buf_clear(&samples);
        err = recording_read(r, STEP_BYTES, &samples);
        if (fwrite(samples.p, 1, samples.n, stdout) != samples.n)
            err = ERR_IO;
    } while (err == OK && !recording_ended(r));
    if (err == OK)
        fprintf(stderr, "%u\n", recording_rate(r));
    else
        fprintf(stderr, "%s\n", recording_errmsg(r));
    recording_destroy(r);
    return err == OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    autobuf file = BUF(FILE_MAX);
    FILE *f = argc == 2 ? fopen(argv[1], "r") : nullptr;
    if (f == nullptr || buf_reserve(&file, FILE_MAX - 1) != OK)
        return 2;
    file.n = fread(file.p, 1, FILE_MAX - 1, f);
    (void)fclose(f);
    return write_all(buf_str(&file));
}
