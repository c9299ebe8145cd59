// SPDX-License-Identifier: Apache-2.0
/* Files that live as long as the test program that makes them. */
#pragma once

/* The path of a new, empty file; it lasts until the program ends, and so does what is called like it with ".json". Anybody may read it: an engine runs as nobody. The
 * test fails when there is none. */
const char *made_file(void);
