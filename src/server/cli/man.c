// SPDX-License-Identifier: Apache-2.0
#include "server/cli/man.h"

#include <stdio.h>

#include "server/cli/cli.h"

/* Text in which nothing is a request or an escape; "…" is what mdoc calls "...". */
static void put(const char *text)
{
    struct str rest = str_of(text);
    if (rest.n && (rest.p[0] == '.' || rest.p[0] == '\''))
        fputs("\\&", stdout);
    while (rest.n) {
        uint32_t point;
        size_t n = utf8_next(rest, &point);
        if (n <= 1 && rest.p[0] == '\\')
            fputs("\\e", stdout);
        else if (str_starts(rest, S(". ")) && rest.n > 2) {
            puts("."); /* roff wants every sentence on a line of its own */
            n = 2;
        } else if (n <= 1)
            putchar(rest.p[0]);
        else if (point == 0x2026)
            fputs("...", stdout);
        else
            printf("\\[u%04X]", (unsigned)point);
        rest = str_sub(rest, n ? n : 1, rest.n);
    }
}

/* As a word of a macro's line, where quotes hold it together. */
static void put_word(const char *text)
{
    putchar('"');
    for (; *text; text++)
        fputs(*text == '"' ? "\\(dq" : *text == '\\' ? "\\e" : (char[]){*text, 0}, stdout);
    fputs("\\&\"", stdout); /* a full stop at the end is none of the macro's */
}

/* A sentence that began small, with its full stop, on a line of its own. */
static void put_sentence(const char *text)
{
    char first[] = {text[0], 0};
    if (first[0] >= 'a' && first[0] <= 'z')
        first[0] = (char)(first[0] - 'a' + 'A');
    put(first);
    put(text + 1);
    puts(".");
}

static void put_options(const struct cli_option *o, int count)
{
    puts(".Bl -tag -width Ds");
    for (int i = 0; i < count && o[i].name; i++) {
        if (!o[i].help)
            continue;
        fputs(".It ", stdout);
        if (o[i].letter && o[i].value)
            printf("Fl %c Ar %s , ", o[i].letter, o[i].value);
        else if (o[i].letter)
            printf("Fl %c , ", o[i].letter);
        printf("Fl \\-%s", o[i].name);
        if (o[i].value)
            printf(" Ns = Ns Ar %s", o[i].value);
        putchar('\n');
        put_sentence(o[i].help);
    }
    puts(".El");
}

static void put_examples(const char *examples)
{
    puts(".Bd -literal -offset indent -compact");
    struct str rest = str_of(examples), line;
    while (str_cut(&rest, '\n', &line)) {
        char text[256];
        struct str bare = str_trim(line);
        snprintf(text, sizeof text, "%.*s", (int)(bare.n < 255 ? bare.n : 255), bare.p);
        put(text);
        putchar('\n');
    }
    puts(".Ed");
}

static void put_command(const struct command *c)
{
    printf(".It Cm %s Oo Ar option ... Oc", c->name);
    if (c->operands[0])
        printf(c->least ? " Ar %s" : " Op Ar %s", c->operands);
    puts(c->most < 0 ? " ..." : "");
    put_sentence(c->summary);
    put(c->about);
    putchar('\n');
    if (c->options[0].name)
        put_options(c->options, COMMAND_OPTIONS);
    puts(".Pp");
    put_examples(c->examples);
}

static void put_head(const char *title, const char *section, const char *name, const char *what)
{
    printf(".\\\" Made from the program's tables by 'repartee help --man'.\n"
           ".Dd %s\n.Dt %s %s\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n",
           REPARTEE_DATE, title, section, name, what);
}

static void put_commands_page(void)
{
    int count, common_count;
    const struct command *c = commands(&count);
    const struct cli_option *common = common_options(&common_count);
    put_head("REPARTEE", "1", "repartee", "talk with your documents, by text and by voice");
    puts(".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar option ...\n.Op Ar argument ...\n"
         ".Sh DESCRIPTION\n"
         "A voice and text chatbot that runs on your own machine and answers from your own "
         "documents.\n"
         "Every command but\n.Cm serve\n"
         "is a client of the server that runs on the same data folder; when none is running, it "
         "starts a private one for itself.\n"
         ".Sh COMMANDS\n.Bl -tag -width Ds");
    for (int i = 0; i < count; i++)
        put_command(&c[i]);
    puts(".El\n.Sh OPTIONS\nEvery command takes these:");
    put_options(common, common_count);
    puts(".Pp\nEvery option of\n.Xr repartee.conf 5\n"
         "is taken as well, as a flag: llm.threads is\n.Fl \\-llm-threads Ns = Ns Ar N .\n"
         ".Pp\nTwo minus signs alone end the options.\n"
         "A single minus sign means standard input, or standard output where a file is written.\n"
         ".Sh ENVIRONMENT\n"
         "Every option of\n.Xr repartee.conf 5\nhas a variable; besides them there is\n"
         ".Bl -tag -width Ds\n.It Ev REPARTEE_CONFIG\nThe configuration file.\n"
         ".It Ev XDG_DATA_HOME\nThe folder in which repartee keeps its data, in a folder of its "
         "own.\n.El\n"
         ".Sh FILES\n.Bl -tag -width Ds -compact\n"
         ".It Pa ~/.config/repartee/repartee.conf\nThe configuration of a user.\n"
         ".It Pa /etc/repartee/repartee.conf\nThe configuration of the machine, when the user has "
         "none.\n"
         ".It Pa ~/.local/share/repartee\nThe data folder.\n.El\n"
         ".Sh EXIT STATUS\n.Bl -tag -width Ds -compact\n.It 0\nIt worked.\n"
         ".It 1\nIt failed; a sentence on standard error says what to do.\n"
         ".It 2\nThe command was not written correctly.\n.El\n"
         ".Sh SEE ALSO\n.Xr repartee.conf 5");
}

static void put_option(const struct conf_option *o)
{
    char flag[96], variable[96];
    conf_flag_name(o, flag, sizeof flag);
    conf_env_name(o, variable, sizeof variable);
    printf(".It Ic %s\n", o->name);
    put_sentence(o->help);
    printf(".br\nFlag\n.Fl \\%s ,\n", flag + 1);
    if (o->kind == CONF_KIND_BOOL)
        printf(".Fl \\-no-%s ,\n", flag + 2);
    if (o->kind == CONF_KIND_SECRET)
        printf(".Fl \\%s-file ,\n", flag + 1);
    const char *old = conf_old_variable(o);
    printf("variable\n.Ev %s%s%s .\n", variable, old ? "\nor\n.Ev " : "", old ? old : "");
    if (o->kind == CONF_KIND_INT)
        printf("A number from %lld to %lld%s%s.\n", (long long)o->min, (long long)o->max,
               o->unit[0] ? " " : "", o->unit);
    if (o->kind == CONF_KIND_WORD)
        printf("One of %s.\n", o->words);
    if (o->kind == CONF_KIND_BOOL)
        puts("Either on or off.");
    if (o->def[0]) {
        fputs("Default:\n.Ql ", stdout);
        put_word(o->def);
        puts(" .");
    }
}

static void put_options_page(void)
{
    size_t count;
    const struct conf_option *o = conf_options(&count);
    put_head("REPARTEE.CONF", "5", "repartee.conf", "configuration of repartee");
    puts(".Sh DESCRIPTION\n"
         "Each line holds the name of an option, an equals sign and a value:\n.Pp\n"
         ".Dl listen = 127.0.0.1:9000\n.Pp\n"
         "Lines that begin with a number sign are comments.\n"
         "Blanks at the ends of a value are kept when it stands in double quotes.\n"
         "A flag wins over the variable in the environment, the variable over the file, the file "
         "over the default.\n"
         "Of a secret the name with _file after it names a file that holds it.\n"
         ".Sh OPTIONS\n.Bl -tag -width Ds");
    for (size_t i = 0; i < count; i++)
        put_option(&o[i]);
    puts(".El\n.Sh SEE ALSO\n.Xr repartee 1");
}

int man_page(const char *section)
{
    if (strcmp(section, "1") == 0)
        put_commands_page();
    else if (strcmp(section, "5") == 0)
        put_options_page();
    else
        return EXIT_USAGE;
    return EXIT_OK;
}
