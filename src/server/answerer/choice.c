// SPDX-License-Identifier: Apache-2.0
#include "server/answerer/choice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"

/* A text of CHOICE_TOLD_BYTES may grow when it is quoted. */
enum { PATH_BYTES = 4200, FILE_MAX = 8 * CHOICE_TOLD_BYTES };

static enum err path_of(const char *data, char into[PATH_BYTES])
{
    return snprintf(into, PATH_BYTES, "%s/models.choice", data) < PATH_BYTES ? OK : ERR_TOOBIG;
}

static enum err read_text(const char *path, struct buf *text)
{
    char piece[4096];
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = OK;
    while (err == OK && (n = read(fd, piece, sizeof piece)) != 0)
        err = n > 0 ? buf_add(text, (struct str){piece, (size_t)n}) : err_from_errno(errno);
    close(fd);
    return err;
}

static bool copy(struct str from, char *into, size_t size)
{
    int n = snprintf(into, size, "%.*s", (int)from.n, from.p ? from.p : "");
    return n >= 0 && (size_t)n == from.n && from.n < size; /* a NUL within ends it early */
}

static enum err take(const struct json_val *root, struct choice *ret_choice)
{
    struct {
        struct str llm, instead_of;
    } said = {};
    const struct json_field fields[] = {
        {"llm", JSON_STR, 0, .required = true, .min = 1, .max = MODEL_NAME_MAX},
        {"instead_of", JSON_STR, sizeof(struct str), .required = true},
    };
    struct json_why why;
    struct choice c;
    enum err err = json_read(root, fields, 2, JSON_IGNORE_UNKNOWN, &said, &why);
    if (err == ERR_NOMEM)
        return err;
    if (err != OK || !model_name_is_good(said.llm) || !copy(said.llm, c.llm, sizeof c.llm) ||
        !copy(said.instead_of, c.instead_of, sizeof c.instead_of))
        return ERR_SYNTAX;
    *ret_choice = c;
    return OK;
}

enum err choice_parse(struct str text, struct choice *ret_choice)
{
    struct json_doc *doc = nullptr;
    struct json_why why;
    enum err err = json_parse(text, &doc, &why);
    if (err == OK)
        err = take(json_root(doc), ret_choice);
    json_doc_destroy(doc);
    return err == OK || err == ERR_NOMEM ? err : ERR_SYNTAX;
}

enum err choice_read(const char *data, struct choice *ret_choice)
{
    char path[PATH_BYTES];
    autobuf text = BUF(FILE_MAX);
    try(path_of(data, path));
    enum err err = read_text(path, &text);
    if (err == ERR_TOOBIG)
        return ERR_SYNTAX;
    return err == OK ? choice_parse(buf_str(&text), ret_choice) : err;
}

enum err choice_write(const char *data, const struct choice *choice)
{
    char path[PATH_BYTES];
    autobuf text = BUF(FILE_MAX);
    try(path_of(data, path));
    struct json_out j = {.to = &text};
    json_obj(&j);
    json_kstr(&j, "llm", str_of(choice->llm));
    json_kstr(&j, "instead_of", str_of(choice->instead_of));
    json_end(&j);
    try(json_finish(&j));
    try(buf_add_byte(&text, '\n'));
    return file_replace_soon(path, 0600, buf_str(&text));
}

enum err choice_forget(const char *data)
{
    char path[PATH_BYTES];
    try(path_of(data, path));
    return unlink(path) == 0 || errno == ENOENT ? OK : err_from_errno(errno);
}
