// SPDX-License-Identifier: Apache-2.0
#include "stt/dictionary.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { FILE_MAX_BYTES = 64 << 20 };

struct dictionary {
    struct str text;
    size_t mask;     /* slots - 1 */
    uint32_t slot[]; /* offset of a line + 1; 0: free */
};

static uint32_t hash(struct str word)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < word.n; i++)
        h = (h ^ (unsigned char)word.p[i]) * 16777619u;
    return h;
}

static struct str first_field(struct str line)
{
    size_t n = 0;
    while (n < line.n && line.p[n] != ' ' && line.p[n] != '\t' && line.p[n] != '\n')
        n++;
    return str_sub(line, 0, n);
}

static struct str line_at(const struct dictionary *d, uint32_t slot)
{
    struct str rest = str_sub(d->text, slot - 1, d->text.n), line;
    return str_cut(&rest, '\n', &line) ? line : rest;
}

/* The slot of the word, or the free one where it belongs. */
static size_t find(const struct dictionary *d, struct str word)
{
    size_t i = hash(word) & d->mask;
    while (d->slot[i] != 0 && !str_eq(first_field(line_at(d, d->slot[i])), word))
        i = (i + 1) & d->mask;
    return i;
}

static void build(struct dictionary *d)
{
    struct str rest = d->text, line;
    while (rest.n > 0) {
        size_t at = (size_t)(rest.p - d->text.p);
        if (!str_cut(&rest, '\n', &line))
            break;
        struct str word = first_field(line);
        if (word.n == 0 || str_ends(word, S(")")))
            continue;
        size_t i = find(d, word);
        if (d->slot[i] == 0)
            d->slot[i] = (uint32_t)at + 1;
    }
}

static enum err map_file(const char *path, struct str *ret_text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_from_errno(errno);
    struct stat st;
    enum err err = fstat(fd, &st) == 0 ? OK : err_from_errno(errno);
    if (err == OK && (st.st_size <= 0 || st.st_size > FILE_MAX_BYTES))
        err = ERR_TOOBIG;
    if (err == OK) {
        void *p = mmap(nullptr, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            err = ERR_NOMEM;
        else
            *ret_text = (struct str){p, (size_t)st.st_size};
    }
    close(fd);
    return err;
}

enum err dictionary_open(const char *path, struct dictionary **ret_d)
{
    struct str text;
    try(map_file(path, &text));
    size_t lines = 1, slots = 16;
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    while (slots < 2 * lines)
        slots *= 2;
    struct dictionary *d = mem_zero(1, sizeof *d + slots * sizeof *d->slot);
    if (d == nullptr) {
        munmap((void *)text.p, text.n);
        return ERR_NOMEM;
    }
    d->text = text;
    d->mask = slots - 1;
    build(d);
    *ret_d = d;
    return OK;
}

void dictionary_close(struct dictionary *d)
{
    if (d == nullptr)
        return;
    munmap((void *)d->text.p, d->text.n);
    free(d);
}

bool dictionary_has(const struct dictionary *d, struct str word)
{
    return d->slot[find(d, word)] != 0;
}

struct str dictionary_phones(const struct dictionary *d, struct str word)
{
    uint32_t slot = d->slot[find(d, word)];
    if (slot == 0)
        return S("");
    struct str line = line_at(d, slot);
    return str_trim(str_sub(line, first_field(line).n, line.n));
}
