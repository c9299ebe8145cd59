// SPDX-License-Identifier: Apache-2.0
#include "made_model.h"

#include <llama.h>

#include "made_file.h"
#include "unit.h"

const char *made_model(struct gguf_shape shape)
{
    const char *path = made_file();
    assert_true(gguf_write(path, &shape));
    return path;
}

struct llama_model *made_vocabulary(struct gguf_shape shape)
{
    struct llama_model_params p = llama_model_default_params();
    p.vocab_only = true;
    struct llama_model *model = llama_model_load_from_file(made_model(shape), p);
    assert_non_null(model);
    return model;
}
