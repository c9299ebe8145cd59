// SPDX-License-Identifier: Apache-2.0
/*
 * The command line: one program, a table of commands (command_table.c), one file a command. The table
 * and the one of options (base/conf_table.h) are the source of parsing (options.c), --help (help.c),
 * the manual pages and the shell's completion. Every command but `serve` is a client: of the server
 * that runs on the same data directory, or, when there is none, of a private one that it starts for
 * itself (connect.h). So there is one code path, and never a second writer. Messages to people go to
 * standard error, results to standard output.
 */
#pragma once

#include "base/conf.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };
/* Between connect.c and its private server: another process has the data directory. */
enum { EXIT_IN_USE = 75 };
enum { COMMAND_OPTIONS = 8 };

struct command;
struct cli {
    const struct command *command;
    /* What options_parse found. */
    int count; /* operands */
    char **operand;
    const char *given[COMMAND_OPTIONS]; /* value of each option of the command; NULL: not given */
    const char *config;                 /* --config */
    bool json, help;                    /* --json: results as one JSON object */
    int flag_count;                     /* flags of the configuration; flag[0] is none */
    char **flag;                        /* owned */

    struct conf conf;
    char *data;      /* the data directory, absolute; owned */
    bool is_private; /* this process is the private server of a command */
    bool is_patient; /* which wants it also without its engines */
};

struct cli_option {
    const char *name;  /* "output": --output; NULL ends the list */
    char letter;       /* 'o': -o; 0: none */
    const char *value; /* what it takes, as people read it: "FILE"; NULL: nothing */
    const char *offer; /* what a shell completes the value to: "files", or words "a|b" */
    const char *help;  /* no full stop; NULL: for programs, people are not told of it */
};
struct command {
    const char *name, *operands; /* operands as people read them: "QUESTION" */
    int least, most;             /* how many operands; most -1: any number */
    const char *missing;         /* what is said when there are fewer */
    const char *offer;           /* as in cli_option, for operands */
    const char *summary;         /* begins small, no full stop */
    const char *about;           /* a paragraph for --help and the manual page */
    const char *examples;        /* lines, indented by two */
    struct cli_option options[COMMAND_OPTIONS];
    int (*run)(struct cli *c); /* an exit code */
    bool is_bare;              /* needs no configuration and no data directory */
};
/* The commands in their order, and the options that all of them have. */
const struct command *commands(int *ret_count);
const struct cli_option *common_options(int *ret_count);

int cli_serve(struct cli *c);
int cli_ask(struct cli *c);
int cli_say(struct cli *c);
int cli_hear(struct cli *c);
int cli_talk(struct cli *c);
int cli_ingest(struct cli *c);
int cli_doctor(struct cli *c);
int cli_bench(struct cli *c);
int cli_config(struct cli *c);
int cli_pull(struct cli *c);
int cli_models(struct cli *c);
int cli_key(struct cli *c);
int cli_forget(struct cli *c);
int cli_completion(struct cli *c);

/* The value that an option of the command was given; "" of one that takes none; NULL: not given. */
const char *cli_given(const struct cli *c, const char *option);

/* "repartee ask: text" on standard error; returns EXIT_FAILED, for `return cli_fail(…)`. */
int cli_fail(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for a wrong call: adds how to get help, returns EXIT_USAGE. */
int cli_misuse(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int cli_no_memory(const struct cli *c);
int cli_not_json(const struct cli *c); /* of what the server answered */
/* The same for a file: what is wrong with it by `errno_value`, and the remedy. */
int cli_cannot_read(const struct cli *c, const char *path, int errno_value);
int cli_cannot_write(const struct cli *c, const char *path, int errno_value);
/* The remedy for a recording in a format that is not understood. */
#define CLI_CONVERT "; convert it, for example with: ffmpeg -i RECORDING out.wav"

/* The data directory: the option, else $XDG_DATA_HOME/repartee, else ~/.local/share/repartee. Made
 * when missing (0700). On failure *ret_why is a sentence. */
enum err data_dir(const struct conf *conf, char **ret_path, struct conf_err *ret_why);
