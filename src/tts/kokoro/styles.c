// SPDX-License-Identifier: Apache-2.0
#include "tts/kokoro/styles_add.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { ROW_BYTES = STYLE_SIZE * sizeof(float) };

void styles_finish(struct styles *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->voice[i].rows);
    free(s->voice);
    *s = (struct styles){};
}

const float *style_for(const struct style *v, size_t tokens)
{
    size_t row = tokens > 0 ? tokens - 1 : 0;
    return v->rows + (row < v->rows_n ? row : v->rows_n - 1) * STYLE_SIZE;
}

bool style_is_name(struct str name)
{
    bool is_name = name.n > 0 && name.n < STYLE_NAME_BYTES;
    for (size_t i = 0; is_name && i < name.n; i++) {
        char c = name.p[i];
        is_name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-';
    }
    return is_name;
}

/* The bits tell, whatever the compiler thinks of numbers that are none. */
static bool are_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        if ((bits & 0x7f800000u) == 0x7f800000u)
            return false;
    }
    return true;
}

static enum err refuse(char why[STYLES_WHY_BYTES], struct str name, const char *what)
{
    snprintf(why, STYLES_WHY_BYTES, "the voice \"%.*s\" %s; copy it anew", STR_FMT(name), what);
    return ERR_INVALID;
}

/* Where it stands, or would stand. */
static size_t place_of(const struct styles *s, struct str name)
{
    size_t at = 0;
    while (at < s->n && strncmp(s->voice[at].name, name.p, name.n) < 0)
        at++;
    return at;
}

enum err styles_add(struct styles *s, struct str name, struct str bytes, char why[STYLES_WHY_BYTES])
{
    if (bytes.n == 0 || bytes.n % ROW_BYTES != 0 || bytes.n / ROW_BYTES > STYLE_ROWS_MAX)
        return refuse(why, name, "is no table of styles, or it is cut");
    if (s->n == STYLES_MAX) {
        snprintf(why, STYLES_WHY_BYTES, "there are more than %d voices", STYLES_MAX);
        return ERR_INVALID;
    }
    size_t at = place_of(s, name);
    if (at < s->n && str_eq(name, str_of(s->voice[at].name)))
        return refuse(why, name, "is there twice");
    try(mem_grow((void **)&s->voice, &s->room, s->n + 1, sizeof *s->voice));
    float *rows = mem_zero(bytes.n / sizeof(float), sizeof(float));
    if (!rows)
        return ERR_NOMEM;
    memcpy(rows, bytes.p, bytes.n);
    if (!are_finite(rows, bytes.n / sizeof(float))) {
        free(rows);
        return refuse(why, name, "is damaged: it has numbers that are none");
    }
    memmove(&s->voice[at + 1], &s->voice[at], (s->n - at) * sizeof *s->voice);
    s->voice[at] = (struct style){.rows = rows, .rows_n = (uint32_t)(bytes.n / ROW_BYTES)};
    memcpy(s->voice[at].name, name.p, name.n);
    s->n++;
    return OK;
}

/* --- a folder --- */

/* One byte more than a voice may have, so that more of it shows. */
static enum err read_file(int fd, struct buf *into)
{
    ssize_t n;
    do {
        enum err err = buf_reserve(into, 1);
        if (err == ERR_TOOBIG)
            return OK;
        try(err);
        n = read(fd, into->p + into->n, into->room - into->n - 1);
        into->n += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    return n < 0 ? ERR_IO : OK;
}

static enum err add_file(int dir, const char *file, struct str name, struct styles *s,
                         char why[STYLES_WHY_BYTES])
{
    struct stat st;
    autobuf bytes = BUF(ROW_BYTES * STYLE_ROWS_MAX + 1);
    int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return refuse(why, name, "cannot be opened");
    bool is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    enum err err = is_file ? read_file(fd, &bytes) : ERR_IO;
    close(fd);
    if (err == ERR_IO)
        return refuse(why, name, "cannot be read");
    try(err);
    return styles_add(s, name, buf_str(&bytes), why);
}

enum err styles_read_folder(const char *path, struct styles *s, char why[STYLES_WHY_BYTES])
{
    enum err err = OK;
    const struct dirent *entry;
    DIR *dir = opendir(path);
    if (!dir) {
        snprintf(why, STYLES_WHY_BYTES, "cannot open the folder of voices %.160s", path);
        return ERR_NOTFOUND;
    }
    while (err == OK && (entry = readdir(dir))) {
        struct str name = str_of(entry->d_name);
        if (!str_ends(name, S(".bin")))
            continue;
        name.n -= 4;
        if (style_is_name(name))
            err = add_file(dirfd(dir), entry->d_name, name, s, why);
    }
    closedir(dir);
    return err;
}
