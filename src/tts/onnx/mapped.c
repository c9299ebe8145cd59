// SPDX-License-Identifier: Apache-2.0
#include "tts/onnx/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool mapped_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

enum err mapped_path(const struct tts_load *load, const char *like, struct buf *path,
                     char why[TTS_WHY_BYTES])
{
    if (load->model.n == 0) {
        snprintf(why, TTS_WHY_BYTES, "tts.model must name %s", like);
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

enum err mapped_open(const char *path, struct str *ret_bytes, char why[TTS_WHY_BYTES])
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

void mapped_close(struct str *bytes)
{
    if (bytes->n > 0)
        munmap((void *)bytes->p, bytes->n);
    *bytes = (struct str){};
}

void mapped_name(struct str path, char name[MAPPED_NAME_BYTES])
{
    struct str rest = path, piece = path;
    while (str_cut(&rest, '/', &piece))
        ;
    if (str_ends(piece, S(".onnx")))
        piece = str_sub(piece, 0, piece.n - 5);
    snprintf(name, MAPPED_NAME_BYTES, "%.*s",
             STR_FMT(str_sub(piece, 0, utf8_prefix(piece, MAPPED_NAME_BYTES - 1))));
}
