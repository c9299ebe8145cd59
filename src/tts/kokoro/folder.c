// SPDX-License-Identifier: Apache-2.0
#include "tts/kokoro/folder.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wire/model_hash.h"

static_assert((int)TTS_WHY_BYTES == (int)ONNX_WHY_BYTES &&
              (int)TTS_WHY_BYTES == (int)STYLES_WHY_BYTES &&
              (int)TTS_WHY_BYTES == (int)VOCAB_WHY_BYTES &&
              (int)TTS_WHY_BYTES == (int)WORKER_WHY_BYTES);

/* --- what lies where --- */

/* FOLDER/rest; a NUL stands behind it. */
static enum err join(struct str folder, struct str rest, struct buf *into)
{
    buf_clear(into);
    try(buf_add(into, folder));
    try(buf_add_byte(into, '/'));
    try(buf_add(into, rest));
    return buf_z(into) ? OK : ERR_NOMEM;
}

/* A file of a folder whose name begins and ends so, and another such; how many there are. */
static enum err find_file(const char *folder, struct str begin, struct str end, struct buf *into,
                          struct buf *other, size_t *ret_count)
{
    enum err err = OK;
    const struct dirent *entry;
    DIR *dir = opendir(folder);
    *ret_count = 0;
    while (dir && err == OK && (entry = readdir(dir))) {
        struct str name = str_of(entry->d_name);
        if (str_starts(name, begin) && str_ends(name, end) && ++*ret_count <= 2)
            err = join(str_of(folder), name, *ret_count == 1 ? into : other);
    }
    if (dir)
        closedir(dir);
    return err;
}

/* The file of the model, by the same rules; `path` names a folder or a file, and has a NUL behind it afterwards. */
static enum err find_model(struct buf *path, char why[TTS_WHY_BYTES])
{
    static const char *const usual[] = {"model.onnx", "onnx/model.onnx"};
    autobuf file = BUF(MAPPED_PATH_BYTES), other = BUF(MAPPED_PATH_BYTES);
    autobuf below = BUF(MAPPED_PATH_BYTES);
    size_t count = 0;
    while (path->n > 1 && path->p[path->n - 1] == '/')
        path->n--;
    if (!buf_z(path))
        return ERR_NOMEM;
    if (!mapped_is_folder(path->p))
        return OK;
    for (size_t i = 0; count == 0 && i < sizeof usual / sizeof *usual; i++) {
        try(join(buf_str(path), str_of(usual[i]), &file));
        count = access(file.p, F_OK) == 0;
    }
    if (count == 0)
        try(find_file(path->p, S(""), S(".onnx"), &file, &other, &count));
    if (count == 0) {
        try(join(buf_str(path), S("onnx"), &below));
        try(find_file(below.p, S(""), S(".onnx"), &file, &other, &count));
    }
    if (count != 1) {
        snprintf(why, TTS_WHY_BYTES, "the folder %.150s has %s; name the model's file", path->p,
                 count ? "several files .onnx" : "no model.onnx");
        return ERR_INVALID;
    }
    buf_clear(path);
    try(buf_add(path, buf_str(&file)));
    return buf_z(path) ? OK : ERR_NOMEM;
}

/* "/a/onnx/model.onnx" lies in /a/onnx, and belongs to /a. */
static struct str parent_of(struct str path)
{
    size_t n = path.n;
    while (n > 0 && path.p[n - 1] != '/')
        n--;
    return n > 1 ? str_sub(path, 0, n - 1) : n == 1 ? S("/.") : S(".");
}

/* Without its folders. */
static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* --- voices --- */

static enum err read_archive(const char *path, struct kokoro_files *f, char why[TTS_WHY_BYTES])
{
    struct str bytes;
    try(mapped_open(path, &bytes, why));
    enum err err = styles_read_archive(bytes, &f->styles, why);
    mapped_close(&bytes);
    return err;
}

/* ERR_NOTFOUND: none are here. */
static enum err read_voices_of(struct str folder, struct kokoro_files *f, char why[TTS_WHY_BYTES])
{
    static const char *const endings[] = {".bin", ".npz"};
    autobuf path = BUF(MAPPED_PATH_BYTES), here = BUF(MAPPED_PATH_BYTES);
    autobuf other = BUF(MAPPED_PATH_BYTES);
    size_t count = 0;
    try(join(folder, S("voices"), &path));
    if (mapped_is_folder(path.p))
        return styles_read_folder(path.p, &f->styles, why);
    try(join(folder, S("."), &here));
    for (size_t i = 0; count == 0 && i < sizeof endings / sizeof *endings; i++)
        try(find_file(here.p, S("voices"), str_of(endings[i]), &path, &other, &count));
    if (count > 1) {
        snprintf(why, TTS_WHY_BYTES,
                 "%.60s and %.60s are both archives of voices; keep the one that belongs to the "
                 "model",
                 base_of(path.p), base_of(other.p));
        return ERR_INVALID;
    }
    return count ? read_archive(path.p, f, why) : ERR_NOTFOUND;
}

/* --- symbols --- */

/* Where a file says nothing of symbols they are the usual ones. */
static enum err read_vocab_of(struct str folder, struct kokoro_files *f, char why[TTS_WHY_BYTES])
{
    static const char *const names[] = {"tokenizer.json", "config.json"};
    autobuf path = BUF(MAPPED_PATH_BYTES);
    enum err err = ERR_NOTFOUND;
    for (size_t i = 0; err == ERR_NOTFOUND && i < sizeof names / sizeof *names; i++) {
        struct str text;
        try(join(folder, str_of(names[i]), &path));
        if (access(path.p, F_OK) != 0)
            continue;
        try(mapped_open(path.p, &text, why));
        err = vocab_read(text, &f->vocab, why);
        mapped_close(&text);
    }
    return err;
}

/* --- all of it --- */

static enum err read_beside(struct str model, struct kokoro_files *f, char why[TTS_WHY_BYTES])
{
    struct str folder = parent_of(model);
    bool is_below = str_ends(folder, S("/onnx"));
    enum err err = read_voices_of(folder, f, why);
    if (err == ERR_NOTFOUND && is_below)
        err = read_voices_of(parent_of(folder), f, why);
    if (err == ERR_NOTFOUND || (err == OK && f->styles.n == 0)) {
        snprintf(why, TTS_WHY_BYTES,
                 "the model lacks its voices: a folder voices with files such as af_heart.bin must "
                 "lie beside it");
        return ERR_NOTFOUND;
    }
    try(err);
    err = read_vocab_of(folder, f, why);
    if (err == ERR_NOTFOUND && is_below)
        err = read_vocab_of(parent_of(folder), f, why);
    if (err != ERR_NOTFOUND)
        return err;
    vocab_usual(&f->vocab);
    return OK;
}

static enum err open_model(const struct tts_load *load, const char *path, struct kokoro_files *f,
                           char why[TTS_WHY_BYTES])
{
    if (load->sha256.n)
        try(model_hash_check(path, load->sha256, why));
    try(mapped_open(path, &f->onnx, why));
    try(onnx_check(f->onnx, &f->facts, why));
    if (f->facts.kind == ONNX_KOKORO)
        return OK;
    snprintf(why, TTS_WHY_BYTES,
             "%.100s is a voice of Piper; name this file with tts.model, not its folder, and set "
             "tts.driver to piper or auto",
             base_of(path));
    return ERR_INVALID;
}

enum err kokoro_files_open(const struct tts_load *load, struct kokoro_files *f,
                           char why[TTS_WHY_BYTES])
{
    autobuf path = BUF(MAPPED_PATH_BYTES);
    try(mapped_path(load, "a Kokoro: its folder, with model.onnx and voices in it", &path, why));
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    mapped_name(buf_str(&path), f->name);
    try(find_model(&path, why));
    enum err err = open_model(load, path.p, f, why);
    if (err == OK)
        err = read_beside(buf_str(&path), f, why);
    if (err != OK)
        kokoro_files_close(f);
    return err;
}

void kokoro_files_unmap(struct kokoro_files *f)
{
    mapped_close(&f->onnx);
}

void kokoro_files_close(struct kokoro_files *f)
{
    mapped_close(&f->onnx);
    styles_finish(&f->styles);
    vocab_finish(&f->vocab);
}
