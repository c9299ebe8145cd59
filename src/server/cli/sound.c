// SPDX-License-Identifier: Apache-2.0
#include "server/cli/sound.h"

#include <errno.h>

#include "audio/wav.h"

static enum err failed(struct sound_file *s)
{
    if (!s->failure)
        s->failure = errno ? errno : EIO;
    return ERR_IO;
}

static enum err put_header(struct sound_file *s, uint32_t samples)
{
    uint8_t header[WAV_HEADER_BYTES];
    wav_header(header, s->rate_hz, samples);
    return fwrite(header, sizeof header, 1, s->f) == 1 ? OK : failed(s);
}

enum err sound_open(struct sound_file *s, const char *path, uint32_t rate_hz)
{
    bool to_file = path && strcmp(path, "-") != 0;
    *s = (struct sound_file){.f = to_file ? fopen(path, "wbe") : stdout,
                             .path = to_file ? path : nullptr,
                             .rate_hz = rate_hz};
    return s->f ? put_header(s, UINT32_MAX) : failed(s);
}

enum err sound_add(struct sound_file *s, struct str s16le)
{
    if (s16le.n && fwrite(s16le.p, s16le.n, 1, s->f) != 1)
        return failed(s);
    s->samples += (uint32_t)(s16le.n / sizeof(int16_t));
    return OK;
}

enum err sound_close(struct sound_file *s)
{
    if (!s->f)
        return ERR_IO;
    /* First: a seek would swallow the failure. */
    enum err err = fflush(s->f) == 0 ? OK : failed(s);
    if (err == OK && s->path && fseek(s->f, 0, SEEK_SET) == 0)
        err = put_header(s, s->samples);
    if (err == OK && fflush(s->f) != 0)
        err = failed(s);
    if (s->path && fclose(s->f) != 0)
        err = failed(s);
    s->f = nullptr;
    return err;
}
