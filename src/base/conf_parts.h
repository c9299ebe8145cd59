// SPDX-License-Identifier: Apache-2.0
/* What the files of conf share among themselves. */
#pragma once

#include "base/conf.h"

/* One of the names of an option: dotted, flag or environment variable. */
typedef void conf_name_fn(const struct conf_option *o, char *into, size_t size);
enum { CONF_NAME_BYTES = 96 };

void conf_dotted_name(const struct conf_option *o, char *into, size_t size);
/* The option whose name is `name`; of a secret also NAME + suffix, told by *ret_file. Or NULL. */
const struct conf_option *conf_find(struct str name, conf_name_fn *name_of, const char *suffix,
                                    bool *ret_file);
/* The option whose name is most like `name`, or NULL when none is near. */
const struct conf_option *conf_nearest(struct str name, conf_name_fn *name_of);
/* Where the option's value lies in c. */
void *conf_field(const struct conf *c, const struct conf_option *o);
/* Sets an option that has been found; `file`: the value is a path, and the file holds the secret. */
enum err conf_set_found(struct conf *c, const struct conf_option *o, bool file, struct str value,
                        const char *origin, struct conf_err *why);
/* Writes the sentence and returns `err`. why may be NULL. */
enum err conf_refuse(struct conf_err *why, enum err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
