// SPDX-License-Identifier: Apache-2.0
/*
 * How much memory a further model may take, and how much one has taken, as the kernel tells at the moment: of the machine and of every control
 * group around this process (version 1 and 2). A few small reads of /proc and /sys, for a rare question.
 */
#pragma once

#include <stdint.h>

struct memory_room {
    uint64_t
        free_bytes; /* files in the page cache count, since the kernel gives them up; UINT64_MAX: not told */
    uint64_t total_bytes; /* of the machine or of the narrowest group; UINT64_MAX: not told */
};

/* `root`: "" but in tests, where a folder stands for the file system. */
void memory_room(const char *root, struct memory_room *ret_room);
/* Of this process; 0: not told. */
struct memory_own {
    uint64_t asked_bytes;    /* that it may touch */
    uint64_t resident_bytes; /* that are in memory */
};
struct memory_own memory_own(void);
/* Whether so many bytes could be had in one piece now; they are given back at once, untouched. For what does not survive
 * that memory is refused: it makes that unlikely, and not impossible. 0: always. */
bool memory_can_have(uint64_t bytes);
/* What a process has mapped of files, such as a model's weights, and uses: it lies in the page cache, but giving it
 * up would be felt. 0: not told. */
uint64_t memory_of_files(const char *root, int pid);
