// SPDX-License-Identifier: Apache-2.0
#include "tts/piper/file.h"

#include <stdio.h>
#include <unistd.h>

#include "tts/onnx/mapped.h"
#include "wire/model_hash.h"

static_assert((int)TTS_WHY_BYTES == (int)ONNX_WHY_BYTES &&
              (int)TTS_WHY_BYTES == (int)VOICE_WHY_BYTES &&
              (int)TTS_WHY_BYTES == (int)WORKER_WHY_BYTES &&
              (int)MAPPED_NAME_BYTES == (int)VOICE_NAME_BYTES);

/* The text beside the model, which names its path already. */
static enum err read_json(struct buf *path, struct str sha256, struct voice_json *ret_json,
                          char why[TTS_WHY_BYTES])
{
    struct str text;
    try(buf_add(path, S(".json")));
    if (!buf_z(path))
        return ERR_NOMEM;
    if (access(path->p, F_OK) != 0) {
        snprintf(why, TTS_WHY_BYTES,
                 "the voice lacks its second file, %.140s; it must lie beside the first", path->p);
        return ERR_NOTFOUND;
    }
    if (sha256.n)
        try(model_hash_check(path->p, sha256, why));
    try(mapped_open(path->p, &text, why));
    enum err err = voice_json_read(text, ret_json, why);
    mapped_close(&text);
    return err;
}

static enum err check_model(struct piper_file *f, char why[TTS_WHY_BYTES])
{
    try(onnx_check(f->onnx, &f->facts, why));
    if (f->facts.kind == ONNX_PIPER)
        return OK;
    snprintf(why, TTS_WHY_BYTES, "this is a voice of Kokoro; set tts.driver to kokoro or auto");
    return ERR_INVALID;
}

static enum err open_both(const struct tts_load *load, struct buf *path, struct piper_file *f,
                          char why[TTS_WHY_BYTES])
{
    if (load->sha256.n)
        try(model_hash_check(path->p, load->sha256, why));
    try(mapped_open(path->p, &f->onnx, why));
    try(check_model(f, why));
    try(read_json(path, load->sha256_beside, &f->json, why));
    if (f->facts.has_speakers == (f->json.speakers_n > 1))
        return OK;
    snprintf(
        why, TTS_WHY_BYTES,
        "the voice's two files do not belong together: one has several speakers, and one has not");
    return ERR_INVALID;
}

enum err piper_file_open(const struct tts_load *load, struct piper_file *f, char why[TTS_WHY_BYTES])
{
    autobuf path = BUF(MAPPED_PATH_BYTES);
    try(mapped_path(load, "a voice of Piper, such as a file en_US-lessac-medium.onnx", &path, why));
    mapped_name(load->model, f->name);
    enum err err = open_both(load, &path, f, why);
    if (err != OK)
        piper_file_close(f);
    return err;
}

void piper_file_unmap(struct piper_file *f)
{
    mapped_close(&f->onnx);
}

void piper_file_close(struct piper_file *f)
{
    mapped_close(&f->onnx);
    voice_json_finish(&f->json);
}
