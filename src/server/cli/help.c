// SPDX-License-Identifier: Apache-2.0
#include "server/cli/help.h"

#include <stdio.h>

void help_overview(void)
{
    int count;
    const struct command *c = commands(&count);
    puts("Repartee: talk with your documents, by text and by voice, on your own machine.\n");
    puts("Usage: repartee COMMAND [OPTION]…\n\nCommands:");
    for (int i = 0; i < count; i++)
        printf("  %-10s %s\n", c[i].name, c[i].summary);
    puts("\n'repartee COMMAND --help' shows a command's usage, options and examples;\n"
         "'repartee serve --help' shows every option of the configuration.\n"
         "'repartee --version' shows the version.");
}

enum err help_usage(const struct command *command, struct buf *into)
{
    bool optional = command->least == 0 && command->most != 0;
    try(buf_addf(into, "repartee %s [OPTION]…", command->name));
    if (command->operands[0])
        try(buf_addf(into, optional ? " [%s]" : " %s", command->operands));
    return command->most < 0 ? buf_add(into, S("…")) : OK;
}

/* The words of a paragraph in lines of at most 80 characters. */
static void put_paragraph(const char *text)
{
    struct str rest = str_of(text), word;
    size_t column = 0;
    while (str_cut(&rest, ' ', &word)) {
        bool breaks = column && column + 1 + word.n > 80;
        printf("%s%.*s", breaks ? "\n" : column ? " " : "", STR_FMT(word));
        column = breaks || !column ? word.n : column + 1 + word.n;
    }
    putchar('\n');
}

static void put_option(const struct cli_option *o)
{
    char names[64];
    char letter[8] = "    ";
    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(names, sizeof names, "%s--%s%s%s", letter, o->name, o->value ? "=" : "",
             o->value ? o->value : "");
    printf("  %-24s %s\n", names, o->help);
}

int help_command(const struct command *command)
{
    autobuf usage = BUF(1024), options = BUF(256 * 1024);
    bool is_server = strcmp(command->name, "serve") == 0;
    if (help_usage(command, &usage) != OK || (is_server && conf_help(&options) != OK))
        return EXIT_FAILED;
    printf("Usage: %.*s\n\n%c%s.\n", STR_FMT(usage), command->summary[0] - 'a' + 'A',
           command->summary + 1);
    put_paragraph(command->about);
    printf("\nExamples:\n%s\nOptions:\n", command->examples);
    int count;
    const struct cli_option *common = common_options(&count);
    for (const struct cli_option *o = command->options; o->name; o++)
        if (o->help)
            put_option(o);
    for (int i = 0; i < count; i++)
        put_option(&common[i]);
    if (command->is_bare)
        return EXIT_OK;
    if (is_server)
        printf("\nConfiguration (flag, and name in repartee.conf; --http-body is "
               "REPARTEE_HTTP_BODY\nin the environment):\n%.*s",
               STR_FMT(options));
    else
        puts("\nEvery option of the configuration is taken as well, such as --data=DIR;\n"
             "'repartee serve --help' shows them all.");
    return EXIT_OK;
}
