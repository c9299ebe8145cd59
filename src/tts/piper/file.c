// SPDX-License-Identifier: Apache-2.0
#include "tts/piper/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/model_hash.h"

enum { PATH_MAX_BYTES = 4096 };

static_assert((int)TTS_WHY_BYTES == (int)ONNX_WHY_BYTES &&
              (int)TTS_WHY_BYTES == (int)VOICE_WHY_BYTES &&
              (int)TTS_WHY_BYTES == (int)WORKER_WHY_BYTES);

static enum err make_path(const struct tts_load *load, struct buf *path, char why[TTS_WHY_BYTES])
{
    if (load->model.n == 0) {
        snprintf(why, TTS_WHY_BYTES,
                 "tts.model must name a voice of Piper, such as a file en_US-lessac-medium.onnx");
        return ERR_INVALID;
    }
    if (load->model.p[0] != '/' && load->model_dir.n > 0) {
        try(buf_add(path, load->model_dir));
        try(buf_add_byte(path, '/'));
    }
    try(buf_add(path, load->model));
    return buf_z(path) ? OK : ERR_NOMEM;
}

static enum err map_open(int fd, const char *path, struct str *ret_bytes, char why[TTS_WHY_BYTES])
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
        snprintf(why, TTS_WHY_BYTES, "%.180s is no voice file", path);
        return ERR_INVALID;
    }
    void *bytes = mmap(nullptr, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return err_from_errno(errno);
    *ret_bytes = (struct str){bytes, (size_t)st.st_size};
    return OK;
}

static enum err map(const char *path, struct str *ret_bytes, char why[TTS_WHY_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        enum err err = err_from_errno(errno);
        snprintf(why, TTS_WHY_BYTES, "cannot open the voice %.160s: %s", path, err_text(err));
        return err;
    }
    enum err err = map_open(fd, path, ret_bytes, why);
    close(fd);
    return err;
}

static void unmap(struct str *bytes)
{
    if (bytes->n > 0)
        munmap((void *)bytes->p, bytes->n);
    *bytes = (struct str){};
}

/* The text beside the model, which names its path already. */
static enum err read_json(struct buf *path, struct voice_json *ret_json, char why[TTS_WHY_BYTES])
{
    struct str text;
    try(buf_add(path, S(".json")));
    if (!buf_z(path))
        return ERR_NOMEM;
    if (access(path->p, F_OK) != 0) {
        snprintf(why, TTS_WHY_BYTES,
                 "the voice lacks its second file, %.140s; it must lie beside the first", path->p);
        return ERR_NOTFOUND;
    }
    try(map(path->p, &text, why));
    enum err err = voice_json_read(text, ret_json, why);
    unmap(&text);
    return err;
}

/* "…/en_US-lessac-medium.onnx" is en_US-lessac-medium. */
static void call_it(struct str path, char name[VOICE_NAME_BYTES])
{
    struct str rest = path, piece = path;
    while (str_cut(&rest, '/', &piece))
        ;
    if (str_ends(piece, S(".onnx")))
        piece = str_sub(piece, 0, piece.n - 5);
    snprintf(name, VOICE_NAME_BYTES, "%.*s",
             STR_FMT(str_sub(piece, 0, utf8_prefix(piece, VOICE_NAME_BYTES - 1))));
}

static enum err check(struct piper_file *f, char why[TTS_WHY_BYTES])
{
    try(onnx_check(f->onnx, &f->facts, why));
    if (f->facts.has_speakers == (f->json.speakers_n > 1))
        return OK;
    snprintf(
        why, TTS_WHY_BYTES,
        "the voice's two files do not belong together: one has several speakers, and one has not");
    return ERR_INVALID;
}

static enum err open_both(const struct tts_load *load, struct buf *path, struct piper_file *f,
                          char why[TTS_WHY_BYTES])
{
    if (load->sha256.n)
        try(model_hash_check(path->p, load->sha256, why));
    try(map(path->p, &f->onnx, why));
    try(read_json(path, &f->json, why));
    return check(f, why);
}

enum err piper_file_open(const struct tts_load *load, struct piper_file *f, char why[TTS_WHY_BYTES])
{
    autobuf path = BUF(PATH_MAX_BYTES);
    try(make_path(load, &path, why));
    call_it(load->model, f->name);
    enum err err = open_both(load, &path, f, why);
    if (err != OK)
        piper_file_close(f);
    return err;
}

void piper_file_unmap(struct piper_file *f)
{
    unmap(&f->onnx);
}

void piper_file_close(struct piper_file *f)
{
    unmap(&f->onnx);
    voice_json_finish(&f->json);
}
