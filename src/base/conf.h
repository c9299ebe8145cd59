// SPDX-License-Identifier: Apache-2.0
/*
 * One table of options feeds the configuration file (`llm.threads = 4`), the environment
 * (REPARTEE_LLM_THREADS), the flags (--llm-threads), --help and the manual page. A flag wins over
 * the environment, the environment over the file, the file over the default. The method is
 * Varnish's parameter table.
 *
 * The table itself (conf_table.h) is an X-macro: kind, C field, dotted name, default, minimum,
 * maximum or allowed words, help. Read once at start; const afterwards; any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct conf {
#define CONF_INT(field, name, def, min, max, unit, help) int64_t field;
#define CONF_BOOL(field, name, def, help) bool field;
#define CONF_STR(field, name, def, help) char *field;               /* owned, never NULL */
#define CONF_WORD(field, name, def, words, help) char *field;       /* one of "a|b|c" */
#define CONF_SECRET(field, name, help) char *field;                 /* also NAME_file; never shown */
#include "base/conf_table.h"
#undef CONF_INT
#undef CONF_BOOL
#undef CONF_STR
#undef CONF_WORD
#undef CONF_SECRET
};

struct conf_err {
    char text[240]; /* a sentence that names the option, where it was set, and the remedy */
};

enum err conf_init(struct conf *c); /* the defaults */
void conf_finish(struct conf *c);
/* `name` dotted ("llm.threads"), for a secret also with "_file"; `origin` is what the message calls
 * the place. ERR_UNKNOWN: no such option; ERR_INVALID: the value. why may be NULL here. */
enum err conf_set(struct conf *c, struct str name, struct str value, const char *origin,
                  struct conf_err *why);
/* key = value lines, # comments on lines of their own, values optionally in double quotes, which
 * hide nothing; unknown keys are refused with the nearest known one. At most 256 KiB. */
enum err conf_read_text(struct conf *c, struct str text, const char *origin, struct conf_err *why);
enum err conf_read_file(struct conf *c, const char *path, struct conf_err *why);
/* Every REPARTEE_* variable; unknown ones are refused. REPARTEE_CONFIG, _MIRROR and _ROOT are not
 * for the table and skipped. Before them, the variables of conf_old_variable that are not empty. */
enum err conf_read_env(struct conf *c, char *const *environ_list, struct conf_err *why);
/* Takes `--llm-threads=4`, `--llm-threads 4`, `--x` and `--no-x` for booleans out of argv in place;
 * what is no option of the table stays, in order, for the command to judge. "--" ends options. */
enum err conf_read_args(struct conf *c, int *argc, char **argv, struct conf_err *why);
/* How many words of argv the flag `arg` takes: 1 or 2; 0: it is no option of the table. */
int conf_flag_words(const char *arg);

enum conf_kind : uint8_t {
    CONF_KIND_INT,
    CONF_KIND_BOOL,
    CONF_KIND_STR,
    CONF_KIND_WORD,
    CONF_KIND_SECRET
};
struct conf_option {
    enum conf_kind kind;
    const char *name, *def, *words, *unit, *help;
    int64_t min, max;
    size_t offset;
};
/* The table in order, for --help, the manual page and the tests. */
const struct conf_option *conf_options(size_t *ret_count);
/* "--llm-threads" / "REPARTEE_LLM_THREADS" of "llm.threads". */
void conf_flag_name(const struct conf_option *o, char *into, size_t size);
void conf_env_name(const struct conf_option *o, char *into, size_t size);
/* By what variable operators of the first practice version know it, which is read too; or NULL. */
const char *conf_old_variable(const struct conf_option *o);
/* The present value as text; secrets as "(set)" or "(not set)". */
enum err conf_show(const struct conf *c, const struct conf_option *o, struct buf *into);
/* Every option with its range and default, as --help shows them, grouped by what stands before the
 * dot. */
enum err conf_help(struct buf *into);
/* Who speaks when nobody is named: tts.voice, or "", which leaves it to the server of tts.url. */
static inline struct str conf_standard_voice(const struct conf *c)
{
    return str_of(c->tts_url[0] ? "" : c->tts_voice);
}
