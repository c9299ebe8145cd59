// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "server/cli/cli.h"

// clang-format off
static const struct command commands[] = {
    {"serve", "repartee serve [OPTION]…",
     "run the server and print its address",
     "  repartee serve\n"
     "  repartee serve --listen 127.0.0.1:9000 --data ./data\n", cli_serve},
    {"ask", "repartee ask [--no-rag] [--json] QUESTION",
     "ask by text; the answer is written as it comes, with its sources",
     "  repartee ask \"how do I add documents?\"\n"
     "  echo \"what is stored?\" | repartee ask -\n", cli_ask},
    {"say", "repartee say [-o FILE.wav] [--voice NAME] TEXT",
     "speak a text into a WAV file (or to standard output)",
     "  repartee say \"Good morning.\" -o morning.wav\n"
     "  repartee say \"Good morning.\" | aplay\n", cli_say},
    {"hear", "repartee hear [--json] FILE.wav",
     "write down what is said in a recording",
     "  repartee hear interview.wav\n", cli_hear},
    {"talk", "repartee talk QUESTION.wav [-o ANSWER.wav] [--json]",
     "a whole spoken turn: question in, spoken answer out",
     "  repartee talk question.wav -o answer.wav\n", cli_talk},
    {"ingest", "repartee ingest PATH…",
     "add documents (Markdown, text, HTML; folders with all they hold)",
     "  repartee ingest handbook.md notes/\n", cli_ingest},
    {"doctor", "repartee doctor [--json]",
     "say what is installed, which engines run, and what to do next",
     "  repartee doctor\n", cli_doctor},
};
// clang-format on
enum { COMMANDS = sizeof commands / sizeof *commands };

static void vmessage(const struct cli *c, const char *fmt, va_list ap)
{
    fprintf(stderr, "repartee %s: ", c->command->name);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
}

int cli_fail(const struct cli *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vmessage(c, fmt, ap);
    va_end(ap);
    return EXIT_FAILED;
}

int cli_misuse(const struct cli *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vmessage(c, fmt, ap);
    va_end(ap);
    fprintf(stderr, "Try 'repartee %s --help'.\n", c->command->name);
    return EXIT_USAGE;
}

int cli_no_option(const struct cli *c, const char *arg)
{
    const struct conf_option *meant = conf_nearest_flag(str_of(arg));
    char flag[96] = "";
    if (meant)
        conf_flag_name(meant, flag, sizeof flag);
    return cli_misuse(c, "\"%s\" is no option of this command%s%s%s", arg,
                      meant ? "; did you mean " : "", flag, meant ? "?" : "");
}

static void print_overview(void)
{
    puts("Repartee: talk with your documents, by text and by voice, on your own machine.\n");
    puts("Usage: repartee COMMAND [OPTION]…\n\nCommands:");
    for (int i = 0; i < COMMANDS; i++)
        printf("  %-8s %s\n", commands[i].name, commands[i].summary);
    puts("\n'repartee COMMAND --help' shows a command's usage, examples and every option.\n"
         "'repartee --version' shows the version.");
}

static int print_help(const struct command *command)
{
    printf(
        "Usage: %s\n\n%c%s.\n\nExamples:\n%s\nOptions (flag, and name in the configuration file; --http-body is\nREPARTEE_HTTP_BODY in the environment):\n",
        command->usage, command->summary[0] - 'a' + 'A', command->summary + 1, command->examples);
    autobuf help = BUF(256 * 1024);
    if (conf_help(&help) != OK)
        return EXIT_FAILED;
    fwrite(help.p, 1, help.n, stdout);
    return EXIT_OK;
}

static const struct command *find_command(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return nullptr;
}

/* Takes the flag `name` out of argv; with a value, also that. */
static bool take_flag(int *argc, char **argv, const char *name, char **ret_value)
{
    size_t n = strlen(name);
    for (int i = 1; i < *argc && strcmp(argv[i], "--") != 0; i++) {
        int taken = 0;
        if (strcmp(argv[i], name) == 0) {
            taken = 1;
            if (ret_value && i + 1 < *argc)
                *ret_value = argv[i + taken++];
        } else if (ret_value && strncmp(argv[i], name, n) == 0 && argv[i][n] == '=') {
            *ret_value = argv[i] + n + 1;
            taken = 1;
        }
        if (taken) {
            memmove(&argv[i], &argv[i + taken], (size_t)(*argc - i - taken + 1) * sizeof *argv);
            *argc -= taken;
            return true;
        }
    }
    return false;
}

/* The configuration file: --config, REPARTEE_CONFIG, the user's own, the system's. */
static enum err read_conf_file(struct conf *conf, const char *flag, struct conf_err *why)
{
    const char *named = flag ? flag : getenv("REPARTEE_CONFIG");
    if (named)
        return conf_read_file(conf, named, why);
    autobuf path = BUF(8192);
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (xdg && xdg[0])
        try(buf_addf(&path, "%s/repartee/repartee.conf", xdg));
    else if (home && home[0])
        try(buf_addf(&path, "%s/.config/repartee/repartee.conf", home));
    const char *places[] = {path.n ? buf_z(&path) : nullptr, "/etc/repartee/repartee.conf"};
    for (int i = 0; i < 2; i++)
        if (places[i] && access(places[i], F_OK) == 0)
            return conf_read_file(conf, places[i], why);
    return OK;
}

static enum err configure(struct cli *c, int *argc, char **argv, struct conf_err *why)
{
    char *file = nullptr;
    take_flag(argc, argv, "--config", &file);
    try(conf_init(&c->conf));
    try(read_conf_file(&c->conf, file, why));
    try(conf_read_env(&c->conf, environ, why));
    try(conf_read_args(&c->conf, argc, argv, why));
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    for (int i = 0; i < 4; i++)
        if (strcmp(c->conf.log_level, levels[i]) == 0)
            log_set_level((enum log_level)i);
    return data_dir(&c->conf, &c->data, why);
}

int main(int argc, char **argv)
{
    struct cli c = {};
    signal(SIGPIPE, SIG_IGN); /* a reader that leaves is an error code, not an end */
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_overview();
        return argc < 2 ? EXIT_USAGE : EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("repartee " REPARTEE_VERSION);
        return EXIT_OK;
    }
    c.command = find_command(argv[1]);
    if (!c.command) {
        fprintf(stderr, "repartee: there is no command '%s'.\nTry 'repartee --help'.\n", argv[1]);
        return EXIT_USAGE;
    }
    c.argc = argc - 1;
    c.argv = argv + 1;
    if (take_flag(&c.argc, c.argv, "--help", nullptr))
        return print_help(c.command);
    c.json = take_flag(&c.argc, c.argv, "--json", nullptr);

    struct conf_err why = {"there is not enough memory"};
    enum err err = configure(&c, &c.argc, c.argv, &why);
    int code = err == OK ? c.command->run(&c) : cli_misuse(&c, "%s", why.text);
    if (fflush(stdout) != 0 && code == EXIT_OK)
        code = cli_fail(&c, "the output could not be written: %s", strerror(errno));
    conf_finish(&c.conf);
    free(c.data);
    return code;
}
