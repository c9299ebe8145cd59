// SPDX-License-Identifier: Apache-2.0
/*
 * The command line: one program, a table of commands (main.c), one file a command. Every command
 * but `serve` and `doctor` is a client: of the server that runs on the same data directory, or, when
 * there is none, of a private one that it starts for itself (connect.h). So there is one code path,
 * and never a second writer. Messages to people go to standard error, results to standard output.
 */
#pragma once

#include "base/conf.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };
/* Between connect.c and its private server: another process has the data directory. */
enum { EXIT_IN_USE = 75 };

struct cli {
    struct conf conf;
    char *data;      /* the data directory, absolute; owned */
    bool json;       /* --json: results as one JSON object */
    bool is_private; /* this process is the private server of a command */
    int argc;        /* what is left for the command; argv[0] is its name */
    char **argv;
    const struct command *command;
};

struct command {
    const char *name, *usage, *summary, *examples;
    int (*run)(struct cli *c); /* an exit code */
};

int cli_serve(struct cli *c);
int cli_ask(struct cli *c);
int cli_say(struct cli *c);
int cli_hear(struct cli *c);
int cli_talk(struct cli *c);
int cli_ingest(struct cli *c);
int cli_doctor(struct cli *c);

/* "repartee ask: text" on standard error; returns EXIT_FAILED, for `return cli_fail(…)`. */
int cli_fail(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for a wrong call: adds how to get help, returns EXIT_USAGE. */
int cli_misuse(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for an argument that nobody takes: names the flag that was probably meant. */
int cli_no_option(const struct cli *c, const char *arg);

/* The data directory: the option, else $XDG_DATA_HOME/repartee, else ~/.local/share/repartee. Made
 * when missing (0700). On failure *ret_why is a sentence. */
enum err data_dir(const struct conf *conf, char **ret_path, struct conf_err *ret_why);
