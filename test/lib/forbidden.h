// SPDX-License-Identifier: Apache-2.0
/*
 * What a confined program must not be able to do, a row each. Used by the test of base/confine, which
 * tries each row in a process of its own, and by test/lib/hostile.c, which tries them inside the real
 * programs.
 */
#pragma once

#include <stddef.h>

struct forbidden_action {
    const char *name;
    long (*act)(void);                     /* 0 when it worked, else errno says why not */
    enum { ANYBODY, ROOT, NOT_HERE } free; /* who can do it when free; NOT_HERE: kernels differ */
    bool leak_checker;                     /* allowed in builds with AddressSanitizer */
};
extern const struct forbidden_action forbidden[];
extern const size_t forbidden_count;

/* What they are tried on: a folder that holds the file f and the folder allowed with another f. */
struct forbidden_ground {
    char dir[80], file[96], absent[96], allowed[96], allowed_file[96];
    int listener, folder; /* opened before, to be used inside */
};
extern struct forbidden_ground ground;
void forbidden_choose(const char *dir);
void forbidden_open(void);
/* Forbidden to the reader alone; engines compute in several. */
long forbidden_make_thread(void);
