// SPDX-License-Identifier: Apache-2.0
#include "stt/window/weights_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/model_hash.h"

enum { PATH_MAX_BYTES = 4096 };

static_assert((int)STT_WHY_BYTES == (int)HEARER_WHY_BYTES &&
              (int)STT_WHY_BYTES == (int)WORKER_WHY_BYTES);

static enum err make_path(const struct hearer *hearer, const struct stt_load *load,
                          struct buf *path, char why[STT_WHY_BYTES])
{
    if (load->model.n == 0) {
        snprintf(why, STT_WHY_BYTES, "stt.model must name %s", hearer->wanted);
        return ERR_INVALID;
    }
    if (load->model.p[0] != '/' && load->model_dir.n > 0) {
        try(buf_add(path, load->model_dir));
        try(buf_add_byte(path, '/'));
    }
    try(buf_add(path, load->model));
    return buf_add_byte(path, 0);
}

static enum err check_open(const struct hearer *hearer, int fd, const char *path,
                           struct hearer_facts *ret_facts, char why[STT_WHY_BYTES])
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
        snprintf(why, STT_WHY_BYTES, "%.180s is no model file", path);
        return ERR_INVALID;
    }
    void *bytes = mmap(nullptr, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return err_from_errno(errno);
    enum err err = hearer->check((struct str){bytes, (size_t)st.st_size}, ret_facts, why);
    munmap(bytes, (size_t)st.st_size);
    return err;
}

static enum err check_file(const struct hearer *hearer, const char *path,
                           struct hearer_facts *ret_facts, char why[STT_WHY_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        enum err err = err_from_errno(errno);
        snprintf(why, STT_WHY_BYTES, "cannot open the model %.160s: %s", path, err_text(err));
        return err;
    }
    enum err err = check_open(hearer, fd, path, ret_facts, why);
    close(fd);
    return err;
}

/* "…/ggml-base.en-q5_1.bin" is base.en-q5_1. */
static void call_it(struct str path, char *name, size_t size)
{
    struct str rest = path, piece = path;
    while (str_cut(&rest, '/', &piece))
        ;
    if (str_starts(piece, S("ggml-")))
        piece = str_sub(piece, 5, piece.n);
    if (str_ends(piece, S(".bin")))
        piece = str_sub(piece, 0, piece.n - 4);
    snprintf(name, size, "%.*s", (int)(piece.n < size ? piece.n : size - 1), piece.p);
}

enum err weights_path_open(const struct hearer *hearer, const struct stt_load *load,
                           struct hearer_facts *ret_facts, char *name, size_t name_size,
                           char why[STT_WHY_BYTES])
{
    autobuf path = BUF(PATH_MAX_BYTES);
    try(make_path(hearer, load, &path, why));
    call_it(load->model, name, name_size);
    if (load->sha256.n)
        try(model_hash_check(path.p, load->sha256, why));
    try(check_file(hearer, path.p, ret_facts, why));
    return hearer->open(path.p, why);
}
