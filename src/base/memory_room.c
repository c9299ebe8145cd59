// SPDX-License-Identifier: Apache-2.0
#include "base/memory_room.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/str.h"

enum { TEXT_BYTES = 16 * 1024, FOLDER_BYTES = 4300, PATH_BYTES = 4400 };

/* "" where there is none. */
static const char *read_text(char into[TEXT_BYTES], const char *path)
{
    size_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (ssize_t got = 1; fd >= 0 && got > 0 && n < TEXT_BYTES - 1; n += got > 0 ? (size_t)got : 0)
        got = read(fd, into + n, TEXT_BYTES - 1 - n);
    if (fd >= 0)
        close(fd);
    into[n] = 0;
    return into;
}

/* The number behind a word at the beginning of a line. */
static bool find_number(const char *text, const char *word, uint64_t *ret_number)
{
    size_t n = strlen(word);
    for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0)
        if (strncmp(line, word, n) == 0 && (line[n] == ' ' || line[n] == ':')) {
            *ret_number = strtoull(line + n + 1, nullptr, 10);
            return true;
        }
    return false;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct group_files {
    const char *mount, *limit, *usage, *files[2];
};

/* One group: what it may still take. A limit that is no number ("max") is none. */
static void look_at_group(const char *folder, const struct group_files *f, struct memory_room *room)
{
    char path[PATH_BYTES], text[TEXT_BYTES];
    uint64_t files[2] = {};
    snprintf(path, sizeof path, "%s/%s", folder, f->limit);
    const char *limit_text = read_text(text, path);
    if (*limit_text < '0' || *limit_text > '9')
        return;
    uint64_t limit = strtoull(limit_text, nullptr, 10);
    snprintf(path, sizeof path, "%s/%s", folder, f->usage);
    uint64_t usage = strtoull(read_text(text, path), nullptr, 10);
    snprintf(path, sizeof path, "%s/memory.stat", folder);
    (void)read_text(text, path);
    for (int i = 0; i < 2; i++)
        (void)find_number(text, f->files[i], &files[i]);
    uint64_t held = usage - smaller(usage, files[0] + files[1]);
    room->total_bytes = smaller(room->total_bytes, limit);
    room->free_bytes = smaller(room->free_bytes, limit - smaller(limit, held));
}

/* From the group of this process up to the root: each may have a limit. Within a container the path may be one
 * of the host's, of which only the root is there. */
static void look_at_groups(const char *root, const char *path, size_t n,
                           const struct group_files *f, struct memory_room *room)
{
    char folder[FOLDER_BYTES];
    for (;;) {
        int used = snprintf(folder, sizeof folder, "%s%s%.*s", root, f->mount, (int)n, path);
        if (used > 0 && used < (int)sizeof folder)
            look_at_group(folder, f, room);
        if (n == 0)
            return;
        while (n > 0 && path[n - 1] != '/')
            n--;
        if (n > 0)
            n--;
    }
}

void memory_room(const char *root, struct memory_room *ret_room)
{
    static const struct group_files second = {
        "/sys/fs/cgroup", "memory.max", "memory.current", {"inactive_file", "active_file"}};
    static const struct group_files first = {"/sys/fs/cgroup/memory",
                                             "memory.limit_in_bytes",
                                             "memory.usage_in_bytes",
                                             {"total_inactive_file", "total_active_file"}};
    char path[PATH_BYTES], text[TEXT_BYTES];
    struct memory_room room = {UINT64_MAX, UINT64_MAX};
    uint64_t kib;
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    (void)read_text(text, path);
    if (find_number(text, "MemTotal", &kib))
        room.total_bytes = kib * 1024;
    if (find_number(text, "MemAvailable", &kib))
        room.free_bytes = kib * 1024;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    struct str rest = str_of(read_text(text, path)), line;
    while (str_cut(&rest, '\n', &line)) {
        struct str number, names, group = line;
        if (!str_cut(&group, ':', &number) || !str_cut(&group, ':', &names))
            continue;
        if (names.n == 0)
            look_at_groups(root, group.p, group.n, &second, &room);
        else if (str_eq(names, S("memory")))
            look_at_groups(root, group.p, group.n, &first, &room);
    }
    *ret_room = room;
}

struct memory_own memory_own(void)
{
    char text[TEXT_BYTES];
    uint64_t pages[2] = {};
    struct str rest = str_of(read_text(text, "/proc/self/statm")), number;
    for (size_t i = 0; i < 2 && str_cut(&rest, ' ', &number); i++)
        pages[i] = strtoull(number.p, nullptr, 10);
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    return (struct memory_own){.asked_bytes = pages[0] * page, .resident_bytes = pages[1] * page};
}

bool memory_can_have(uint64_t bytes)
{
    if (bytes == 0)
        return true;
    void *p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED && munmap(p, bytes) == 0;
}

uint64_t memory_of_files(const char *root, int pid)
{
    char path[PATH_BYTES], text[TEXT_BYTES];
    uint64_t kib;
    snprintf(path, sizeof path, "%s/proc/%d/status", root, pid);
    return find_number(read_text(text, path), "RssFile", &kib) ? kib * 1024 : 0;
}
