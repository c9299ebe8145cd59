// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "server/cli/help.h"
#include "server/cli/man.h"
#include "server/cli/options.h"

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

static enum err configure(struct cli *c, struct conf_err *why)
{
    try(conf_init(&c->conf));
    try(read_conf_file(&c->conf, c->config, why));
    try(conf_read_env(&c->conf, environ, why));
    try(conf_read_args(&c->conf, &c->flag_count, c->flag, why));
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    for (int i = 0; i < 4; i++)
        if (strcmp(c->conf.log_level, levels[i]) == 0)
            log_set_level((enum log_level)i);
    return OK;
}

static int run(struct cli *c, int argc, char **argv)
{
    int code = options_parse(c, argc, argv);
    if (code != EXIT_OK)
        return code;
    if (c->help)
        return help_command(c->command);
    struct conf_err why = {"there is not enough memory; end some programs and try again"};
    if (!c->command->is_bare && configure(c, &why) != OK)
        return cli_misuse(c, "%s", why.text);
    if (!c->command->is_bare && data_dir(&c->conf, &c->data, &why) != OK)
        return cli_fail(c, "%s", why.text);
    return c->command->run(c);
}

static int no_command(const char *name)
{
    const struct command *meant = nearest_command(name);
    if (name[0] == '-')
        fprintf(stderr, "repartee: the command comes first: repartee COMMAND %s\n", name);
    else
        fprintf(stderr, "repartee: there is no command \"%s\"%s%s%s\n", name,
                meant ? "; did you mean " : "", meant ? meant->name : "", meant ? "?" : "");
    fputs("Try 'repartee --help'.\n", stderr);
    return EXIT_USAGE;
}

static int dispatch(struct cli *c, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "--help";
    bool asks_help =
        strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
    if (asks_help && argc < 3) {
        help_overview();
        return argc < 2 ? EXIT_USAGE : EXIT_OK;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        puts("repartee " REPARTEE_VERSION);
        return EXIT_OK;
    }
    if (asks_help && argc == 4 && strcmp(argv[2], "--man") == 0) /* what the build asks for */
        return man_page(argv[3]);
    c->command = find_command(asks_help ? argv[2] : name);
    if (!c->command)
        return no_command(asks_help ? argv[2] : name);
    return asks_help ? help_command(c->command) : run(c, argc - 2, argv + 2);
}

int main(int argc, char **argv)
{
    struct cli c = {};
    signal(SIGPIPE, SIG_IGN); /* a reader that leaves is an error code, not an end */
    int code = dispatch(&c, argc, argv);
    if (fflush(stdout) != 0 && code == EXIT_OK) {
        fprintf(stderr, "repartee: the output cannot be written (%s); send it elsewhere\n",
                strerror(errno));
        code = EXIT_FAILED;
    }
    conf_finish(&c.conf);
    free(c.flag);
    free(c.data);
    return code;
}
