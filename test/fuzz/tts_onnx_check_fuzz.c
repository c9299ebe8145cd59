// SPDX-License-Identifier: Apache-2.0
/* The head of a voice's model, and what is then thought of its graph: what passes is cut, and its parts are whole files. */
#include "tts/onnx/onnx_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "fuzz.h"
#include "tts/onnx/protobuf.h"
#include "tts/piper/cut.h"

enum { PART_MAX = 1 << 24 };

static void cut(struct str file)
{
    struct graph g;
    struct cut c;
    if (graph_read(file, &g) != OK)
        return;
    if (cut_find(&g, &c) == OK) {
        for (enum cut_part part = CUT_TEXT; part <= CUT_DECODER; part++) {
            autobuf bytes = BUF(PART_MAX);
            struct protobuf_field f;
            if (cut_write(&g, &c, part, &bytes) != OK)
                continue;
            struct str rest = buf_str(&bytes);
            while (protobuf_next(&rest, &f))
                ;
            check(rest.n == 0);
        }
        cut_finish(&c);
    }
    graph_finish(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[ONNX_WHY_BYTES] = "";
    struct onnx_facts facts;
    char *file = malloc(size + 1); /* of its own, so that reading beyond the end shows */
    if (!file)
        return 0;
    if (size)
        memcpy(file, data, size);
    enum err err = onnx_check((struct str){file, size}, &facts, why);
    check(err == OK ? !why[0] : err == ERR_INVALID && why[0]);
    if (err == OK && facts.kind == ONNX_PIPER)
        cut((struct str){file, size});
    free(file);
    return 0;
}
