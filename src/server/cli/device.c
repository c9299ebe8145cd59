// SPDX-License-Identifier: Apache-2.0
#include "server/cli/device.h"

#include <alsa/asoundlib.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

enum { MICROPHONE_US = 500000, SPEAKER_US = 200000 }; /* how much ALSA holds */
enum {
    LOOK_MS = 20,
    STUCK_MS = 5000,
    DRAIN_MORE_MS = 500 /* some servers of sound count their own delay for ever */
};

struct device {
    snd_pcm_t *pcm;
    uint32_t rate_hz;
};

/* It would write into the status line; what matters is in the code that it returns. */
static void be_silent(const char *, int, const char *, int, const char *, ...) {}

static int refuse(const struct cli *c, enum device_use use, const char *name, int failure)
{
    const char *what = use == DEVICE_MICROPHONE ? "microphone" : "speaker";
    const char *lister = use == DEVICE_MICROPHONE ? "arecord -L" : "aplay -L";
    switch (failure) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return cli_fail(c,
                        "there is no %s \"%s\"; connect one, or name another with --%s ('%s' lists "
                        "them)",
                        what, name, what, lister);
    case EBUSY:
        return cli_fail(
            c,
            "the %s \"%s\" is in use; end the program that has it, or name another with "
            "--%s",
            what, name, what);
    case EACCES:
    case EPERM:
        return cli_fail(
            c,
            "the %s \"%s\" may not be used by this user; 'sudo usermod -aG audio $USER' "
            "and a new login allow it",
            what, name);
    case EINVAL:
        return cli_fail(
            c,
            "the %s \"%s\" does not take 16-bit mono sound; name another with --%s, such "
            "as plughw:0",
            what, name, what);
    default:
        return cli_fail(c,
                        "the %s \"%s\" cannot be opened (%s); name another with --%s ('%s' lists "
                        "them)",
                        what, name, snd_strerror(-failure), what, lister);
    }
}

int device_open(const struct cli *c, enum device_use use, const char *name, uint32_t rate_hz,
                struct device **ret_device)
{
    struct device *d = mem_zero(1, sizeof *d);
    if (!d)
        return cli_no_memory(c);
    d->rate_hz = rate_hz;
    snd_lib_error_set_handler(be_silent);
    bool hears = use == DEVICE_MICROPHONE;
    int err = snd_pcm_open(&d->pcm, name, hears ? SND_PCM_STREAM_CAPTURE : SND_PCM_STREAM_PLAYBACK,
                           SND_PCM_NONBLOCK);
    if (err == -EINVAL)
        err = -ENODEV; /* a card that is not there, by its number */
    if (err >= 0)
        err = snd_pcm_set_params(d->pcm, SND_PCM_FORMAT_S16_LE, SND_PCM_ACCESS_RW_INTERLEAVED, 1,
                                 rate_hz, 1, hears ? MICROPHONE_US : SPEAKER_US);
    if (err < 0) {
        device_close(d);
        return refuse(c, use, name, -err);
    }
    *ret_device = d;
    return EXIT_OK;
}

void device_close(struct device *d)
{
    if (!d)
        return;
    if (d->pcm) {
        (void)snd_pcm_drop(d->pcm);
        (void)snd_pcm_close(d->pcm);
    }
    (void)snd_config_update_free_global();
    free(d);
}

unsigned device_fds(const struct device *d, struct pollfd *into, unsigned room)
{
    int n = snd_pcm_poll_descriptors(d->pcm, into, room);
    return n > 0 ? (unsigned)n : 0;
}

/* From a lost run of samples or a sleep of the machine; ERR_IO when that does not help. */
static enum err recover(struct device *d, snd_pcm_sframes_t failure, bool starts)
{
    int err = snd_pcm_recover(d->pcm, (int)failure, 1);
    if (err >= 0 && starts)
        err = snd_pcm_start(d->pcm);
    return err >= 0 ? OK : ERR_IO;
}

enum err device_start(struct device *d)
{
    (void)snd_pcm_drop(d->pcm);
    int err = snd_pcm_prepare(d->pcm);
    if (err >= 0)
        err = snd_pcm_start(d->pcm);
    return err >= 0 ? OK : ERR_IO;
}

void device_stop(struct device *d)
{
    (void)snd_pcm_drop(d->pcm);
}

enum err device_read(struct device *d, int16_t *samples, size_t room, size_t *ret_count)
{
    snd_pcm_sframes_t n = snd_pcm_readi(d->pcm, samples, room);
    if (n < 0 && n != -EAGAIN)
        try(recover(d, n, true));
    *ret_count = n > 0 ? (size_t)n : 0;
    return OK;
}

enum err device_write(struct device *d, const int16_t *samples, size_t count, size_t *ret_count)
{
    snd_pcm_sframes_t n = snd_pcm_writei(d->pcm, samples, count);
    if (n < 0 && n != -EAGAIN)
        try(recover(d, n, false));
    *ret_count = n > 0 ? (size_t)n : 0;
    return OK;
}

void device_finish(struct device *d)
{
    if (snd_pcm_state(d->pcm) == SND_PCM_STATE_PREPARED && device_waiting(d) > 0)
        (void)snd_pcm_start(d->pcm);
}

void device_drop(struct device *d)
{
    (void)snd_pcm_drop(d->pcm);
    (void)snd_pcm_prepare(d->pcm);
}

uint64_t device_waiting(const struct device *d)
{
    snd_pcm_sframes_t delay;
    return snd_pcm_delay(d->pcm, &delay) >= 0 && delay > 0 ? (uint64_t)delay : 0;
}

/* The buffer holds ten times as long. */
static void nap(void)
{
    (void)poll(nullptr, 0, LOOK_MS);
}

enum err device_play(struct device *d, const int16_t *samples, size_t count)
{
    uint64_t last_ms = clock_ms();
    while (count > 0) {
        size_t n;
        try(device_write(d, samples, count, &n));
        samples += n;
        count -= n;
        if (n > 0)
            last_ms = clock_ms();
        else if (clock_ms() - last_ms > STUCK_MS)
            return ERR_IO;
        else
            nap();
    }
    return OK;
}

void device_drain(struct device *d)
{
    device_finish(d);
    uint64_t end_ms = clock_ms() + device_waiting(d) * 1000 / d->rate_hz + DRAIN_MORE_MS;
    while (device_waiting(d) > 0 && clock_ms() < end_ms)
        nap();
}
