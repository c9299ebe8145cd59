// SPDX-License-Identifier: Apache-2.0
/* Model files that live as long as the test program that makes them (gguf_write.h). */
#pragma once

#include "gguf_write.h"

/* The path of a new file; it lasts until the program ends. Anybody may read it: an engine runs as nobody. The test
 * fails when there is none. */
const char *made_model(struct gguf_shape shape);

/* Of such a file what tokenising takes, without weights, between llama_backend_init and llama_backend_free. */
struct llama_model *made_vocabulary(struct gguf_shape shape);
