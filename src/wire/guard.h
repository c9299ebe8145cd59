// SPDX-License-Identifier: Apache-2.0
/* Why a recogniser has not believed what it heard: the names are labels in /metrics. */
#pragma once

#include <stdint.h>

//        name        what it means
#define GUARDS(X)                                                                                  \
    X(silence,     "nothing in the sound stands out as a voice; it was not looked at")             \
    X(short,       "there was less than 100 ms of a voice; it was not looked at")                  \
    X(no_speech,   "the model thinks that nobody spoke; dropped")                                  \
    X(unsure,      "the model was not sure of its words; heard again with more context")           \
    X(guess,       "it was still not sure, and far from it; dropped")                              \
    X(compression, "the text says the same again and again; heard again, or dropped")              \
    X(loop,        "words came in a loop; heard again, and but one round was kept")

enum guard : uint8_t {
    GUARD_NONE,
#define X(name, meaning) GUARD_##name,
    GUARDS(X)
#undef X
        GUARD_COUNT
};
