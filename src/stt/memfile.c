// SPDX-License-Identifier: Apache-2.0
#include "stt/memfile.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum err memfile_create(size_t size, struct memfile *ret_f)
{
    struct memfile f = {.fd = memfd_create("repartee-stt", MFD_CLOEXEC), .size = size};
    if (f.fd < 0)
        return err_from_errno(errno);
    void *p = MAP_FAILED;
    if (ftruncate(f.fd, (off_t)size) == 0)
        p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, f.fd, 0);
    if (p == MAP_FAILED) {
        enum err err = err_from_errno(errno);
        close(f.fd);
        return err;
    }
    f.bytes = p;
    snprintf(f.path, sizeof f.path, "/proc/self/fd/%d", f.fd);
    *ret_f = f;
    return OK;
}

void memfile_clear(struct memfile *f)
{
    if (madvise(f->bytes, f->size, MADV_REMOVE) != 0)
        f->bytes[0] = '\0'; /* it stays full until it is written again */
}

void memfile_finish(struct memfile *f)
{
    if (f->bytes == nullptr)
        return;
    munmap(f->bytes, f->size);
    close(f->fd);
    *f = (struct memfile){.fd = -1};
}
