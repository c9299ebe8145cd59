// SPDX-License-Identifier: Apache-2.0
#include "server/cli/sound.h"

#include "audio/wav.h"

static enum err put_header(struct sound_file *s, uint32_t samples)
{
    uint8_t header[WAV_HEADER_BYTES];
    wav_header(header, s->rate_hz, samples);
    return fwrite(header, sizeof header, 1, s->f) == 1 ? OK : ERR_IO;
}

enum err sound_open(struct sound_file *s, const char *path, uint32_t rate_hz)
{
    bool to_file = path && strcmp(path, "-") != 0;
    *s = (struct sound_file){.f = to_file ? fopen(path, "wbe") : stdout,
                             .path = to_file ? path : nullptr,
                             .rate_hz = rate_hz};
    return s->f ? put_header(s, UINT32_MAX) : ERR_IO;
}

enum err sound_add(struct sound_file *s, struct str s16le)
{
    if (s16le.n && fwrite(s16le.p, s16le.n, 1, s->f) != 1)
        return ERR_IO;
    s->samples += (uint32_t)(s16le.n / sizeof(int16_t));
    return OK;
}

enum err sound_close(struct sound_file *s)
{
    enum err err = OK;
    if (s->path && fseek(s->f, 0, SEEK_SET) == 0)
        err = put_header(s, s->samples);
    if (fflush(s->f) != 0)
        err = ERR_IO;
    if (s->path && fclose(s->f) != 0)
        err = ERR_IO;
    s->f = nullptr;
    return err;
}
