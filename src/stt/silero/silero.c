// SPDX-License-Identifier: Apache-2.0
#include "stt/silero/silero.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <whisper.h>

#include "base/mem.h"
#include "stt/libwhisper.h"
#include "wire/model_hash.h"

enum {
    FILE_MAX_BYTES = 2 << 20, /* the network's size is known: 0.9 MB */
    IDLE_MAX = 4,
    MEMORY_BYTES = 4 << 20, /* of one, and some */
    PATH_MAX_BYTES = 4096,
};

static_assert((int)SILERO_WHY_BYTES == (int)WORKER_WHY_BYTES);

struct silero {
    struct whisper_vad_context *vad;
    bool is_spent; /* it has failed */
    float samples[SILERO_WINDOW];
};

static struct buf file = BUF(FILE_MAX_BYTES); /* const after silero_open */
static char name[40];                         /* const after silero_open; "": none is open */
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static struct silero *idle[IDLE_MAX];  /* mu */
static unsigned idle_count, all_count; /* mu; all: with those that are idle */

/* --- from the bytes of the file to one that works --- */

struct source {
    size_t at;
    bool is_over; /* more was asked for than there is */
};

static size_t source_read(void *arg, void *into, size_t n)
{
    struct source *s = arg;
    size_t rest = file.n - s->at;
    s->is_over = s->is_over || n > rest;
    n = n < rest ? n : rest;
    memcpy(into, file.p + s->at, n);
    s->at += n;
    return n;
}

static bool source_is_over(void *arg)
{
    return ((const struct source *)arg)->is_over;
}

static void source_close(void *) {}

static struct whisper_vad_context *make_context(void)
{
    struct source source = {};
    struct whisper_model_loader loader = {
        .context = &source, .read = source_read, .eof = source_is_over, .close = source_close};
    struct whisper_vad_context_params params = whisper_vad_default_context_params();
    params.n_threads = 1; /* two would wait for each other longer than they compute */
    params.use_gpu = false;
    return whisper_vad_init_with_params(&loader, params);
}

enum err silero_window(struct silero *s, const int16_t samples[SILERO_WINDOW], float *ret_speech)
{
    for (int i = 0; i < SILERO_WINDOW; i++)
        s->samples[i] = (float)samples[i] / 32768;
    /* Where a graph cannot be computed libwhisper leaves the last figure and says that all is well. */
    if (whisper_vad_n_probs(s->vad) == 1)
        *whisper_vad_probs(s->vad) = NAN;
    s->is_spent = true;
    if (!whisper_vad_detect_speech_no_reset(s->vad, s->samples, SILERO_WINDOW))
        return ERR_NOMEM;
    float speech = *whisper_vad_probs(s->vad);
    if (!(speech >= 0 && speech <= 1))
        return ERR_INTERNAL;
    s->is_spent = false;
    *ret_speech = speech;
    return OK;
}

/* libwhisper ends the program where memory is short, so it is seen first whether there is some. */
static bool has_memory(void)
{
    autofree void *room = malloc(MEMORY_BYTES);
    return room != nullptr;
}

static void free_silero(struct silero *s)
{
    if (s->vad)
        whisper_vad_free(s->vad);
    free(s);
}

/* Its first window is one of silence: what libwhisper makes at first use is there, and so is a figure that can be marked. */
static enum err make_silero(struct silero **ret_s)
{
    static const int16_t silence[SILERO_WINDOW];
    float speech;
    struct silero *s = has_memory() ? mem_zero(1, sizeof *s) : nullptr;
    if (!s)
        return ERR_NOMEM;
    s->vad = make_context();
    enum err err = s->vad ? silero_window(s, silence, &speech) : ERR_INTERNAL;
    if (err == OK)
        *ret_s = s;
    else
        free_silero(s);
    return err;
}

/* --- those that there are --- */

static struct silero *take_idle(void)
{
    pthread_mutex_lock(&mu);
    struct silero *s = idle_count ? idle[--idle_count] : nullptr;
    pthread_mutex_unlock(&mu);
    return s;
}

/* One more, or one less. */
static bool count(int more)
{
    pthread_mutex_lock(&mu);
    bool is_full = more > 0 && all_count == SILERO_MAX;
    all_count += is_full ? 0 : (unsigned)more;
    pthread_mutex_unlock(&mu);
    return !is_full;
}

static enum err make_counted(struct silero **ret_s)
{
    if (!count(1))
        return ERR_BUSY;
    enum err err = make_silero(ret_s);
    if (err != OK)
        count(-1);
    return err;
}

enum err silero_create(struct silero **ret_s)
{
    struct silero *s = take_idle();
    if (!s)
        try(make_counted(&s));
    whisper_vad_reset_state(s->vad);
    *ret_s = s;
    return OK;
}

void silero_destroy(struct silero *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&mu);
    bool is_kept = !s->is_spent && idle_count < IDLE_MAX;
    if (is_kept)
        idle[idle_count++] = s;
    pthread_mutex_unlock(&mu);
    if (is_kept)
        return;
    free_silero(s);
    count(-1);
}

/* --- the file --- */

static enum err read_open(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_from_errno(errno);
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES)
        return ERR_INVALID;
    buf_clear(&file);
    try(buf_reserve(&file, (size_t)st.st_size));
    while (file.n < (size_t)st.st_size) {
        ssize_t n = read(fd, file.p + file.n, (size_t)st.st_size - file.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_from_errno(errno);
        if (n == 0)
            break; /* it has become shorter: its check says so */
        file.n += (size_t)n;
    }
    return OK;
}

static enum err read_file(const char *path, char why[SILERO_WHY_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    enum err err = fd < 0 ? err_from_errno(errno) : read_open(fd);
    if (fd >= 0)
        close(fd);
    if (err == ERR_INVALID)
        snprintf(why, SILERO_WHY_BYTES, "%.150s is no voice detector's file", path);
    else if (err != OK)
        snprintf(why, SILERO_WHY_BYTES, "cannot read the voice detector %.150s: %s", path,
                 err_text(err));
    return err;
}

static enum err check_file(const char *path, struct str sha256, struct silero_facts *facts,
                           char why[SILERO_WHY_BYTES])
{
    if (sha256.n)
        try(model_hash_check(path, sha256, why));
    try(read_file(path, why));
    return silero_check(buf_str(&file), facts, why);
}

enum err silero_open(struct str path, struct str sha256, char why[SILERO_WHY_BYTES])
{
    struct silero_facts facts = {};
    struct silero *first = nullptr;
    autobuf path_z = BUF(PATH_MAX_BYTES);
    try(buf_add(&path_z, path));
    try(buf_add_byte(&path_z, 0));
    enum err err = check_file(path_z.p, sha256, &facts, why);
    if (err == OK) {
        libwhisper_begin();
        err = silero_create(&first);
        if (err != OK)
            snprintf(why, SILERO_WHY_BYTES, "the voice detector %.150s cannot be evaluated (%s)",
                     path_z.p, err_text(err));
    }
    silero_destroy(first);
    if (err == OK)
        snprintf(name, sizeof name, "Silero %u.%u.%u", facts.version[0], facts.version[1],
                 facts.version[2]);
    else
        silero_close();
    return err;
}

void silero_close(void)
{
    struct silero *s;
    while ((s = take_idle())) {
        free_silero(s);
        count(-1);
    }
    buf_finish(&file);
    name[0] = 0;
}

const char *silero_name(void)
{
    return name[0] ? name : nullptr;
}
