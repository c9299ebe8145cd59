// SPDX-License-Identifier: Apache-2.0
/*
 * From the name of a model's file to the model in libllama's hands, whatever it is for. Main thread, in
 * a driver's load.
 */
#pragma once

#include "llm/driver.h"

struct llama_model;

enum model_use : uint8_t { MODEL_ANSWERS, MODEL_EMBEDS };

/* Loads ggml's back ends, so that the process can be locked in afterwards. What libllama complains about goes
 * to the log, but while `does_expect_errors`, which any thread calls: then it is meant to fail. */
void model_library_open(bool (*does_expect_errors)(void));
/* What ggml computes with here, such as "CPU, BLAS" or "Vulkan0, CPU". */
void model_devices(char *into, size_t size);
/* Then it is there that models and what they remember lie. */
bool model_library_has_gpu(void);
/* The file is checked before libllama sees it, also for being one of that use. `why` holds a sentence. */
enum err model_file_open(const struct llm_load *load, enum model_use use, uint32_t gpu_layers,
                         struct llama_model **ret_model, char why[LLM_WHY_BYTES]);
/* How many numbers it remembers of a token, by what its file says; of a hybrid at most. */
uint64_t model_token_numbers(const struct llama_model *model);
/* As the file calls it, or by its architecture and size. */
void model_name(const struct llama_model *model, char *into, size_t size);
