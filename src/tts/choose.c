// SPDX-License-Identifier: Apache-2.0
#include "tts/choose.h"

#include "tts/onnx/mapped.h"
#include "tts/onnx/onnx_check.h"

static bool is_kokoro(const char *path)
{
    char why[TTS_WHY_BYTES];
    struct str file;
    struct onnx_facts facts;
    if (mapped_is_folder(path))
        return true;
    if (mapped_open(path, &file, why) != OK)
        return false;
    bool is = onnx_check(file, &facts, why) == OK && facts.kind == ONNX_KOKORO;
    mapped_close(&file);
    return is;
}

struct str choose_driver(const struct tts_load *load)
{
    char why[TTS_WHY_BYTES];
    autobuf path = BUF(MAPPED_PATH_BYTES);
    bool is_named = mapped_path(load, "a model", &path, why) == OK;
    return is_named && is_kokoro(path.p) ? S("kokoro") : S("piper");
}
