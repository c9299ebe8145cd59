// SPDX-License-Identifier: Apache-2.0
/* A completion script, made from the tables of commands and options: it needs no other package. */
#include <stdio.h>

#include "server/cli/cli.h"

/* bash cuts words at "=", and hands the value over as a word of its own. */
static const char bash_head[] =
    "# bash completion of repartee; made by 'repartee completion bash'\n"
    "_repartee_files() { compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -f -- "
    "\"$1\"); }\n"
    "_repartee_folders() { compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -d "
    "-- \"$1\"); }\n"
    "_repartee_words() { mapfile -t COMPREPLY < <(compgen -W \"$2\" -- \"$1\"); }\n"
    "_repartee() {\n"
    "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} "
    "command=${COMP_WORDS[1]}\n"
    "    if [[ $word == = ]]; then word=\n"
    "    elif [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
    "    COMPREPLY=()\n";

/* The shell function that offers `offer`, for the word that is being written. */
static void put_offer(const char *offer)
{
    if (!offer)
        fputs("return", stdout); /* anything may stand here */
    else if (strcmp(offer, "files") == 0 || strcmp(offer, "folders") == 0)
        printf("_repartee_%s \"$word\"; return", offer);
    else if (strcmp(offer, "options") == 0)
        fputs("_repartee_words \"$word\" \"$names\"; return", stdout);
    else {
        fputs("_repartee_words \"$word\" '", stdout);
        for (; *offer; offer++)
            putchar(*offer == '|' ? ' ' : *offer);
        fputs("'; return", stdout);
    }
}

static const char *offer_of(const struct conf_option *o)
{
    struct str name = str_of(o->name);
    if (o->kind == CONF_KIND_WORD)
        return o->words;
    if (str_eq(name, S("data")) || str_eq(name, S("docs")) || str_ends(name, S("dir")))
        return "folders";
    return str_ends(name, S("_file")) ? "files" : nullptr;
}

static void put_option_names(const struct cli_option *o, int count)
{
    for (int i = 0; i < count && o[i].name; i++) {
        if (!o[i].help)
            continue;
        if (o[i].letter)
            printf(" -%c", o[i].letter);
        printf(" --%s", o[i].name);
    }
}

static void put_values(void)
{
    int count, common_count;
    size_t flags;
    const struct command *c = commands(&count);
    const struct cli_option *common = common_options(&common_count);
    const struct conf_option *o = conf_options(&flags);
    puts("    case $command:$before in");
    for (int i = 0; i < count; i++)
        for (const struct cli_option *p = c[i].options; p->name; p++) {
            if (!p->value || !p->help)
                continue;
            printf("    %s:--%s", c[i].name, p->name);
            if (p->letter)
                printf(" | %s:-%c", c[i].name, p->letter);
            fputs(") ", stdout);
            put_offer(p->offer);
            puts(";;");
        }
    for (int i = 0; i < common_count; i++)
        if (common[i].value) {
            printf("    *:--%s) ", common[i].name);
            put_offer(common[i].offer);
            puts(";;");
        }
    for (size_t i = 0; i < flags; i++) {
        char flag[96];
        conf_flag_name(&o[i], flag, sizeof flag);
        if (o[i].kind == CONF_KIND_SECRET)
            printf("    *:%s-file) _repartee_files \"$word\"; return;;\n", flag);
        if (o[i].kind == CONF_KIND_BOOL)
            continue;
        printf("    *:%s) ", flag);
        put_offer(offer_of(&o[i]));
        puts(";;");
    }
    puts("    esac");
}

static void put_flags(void)
{
    size_t count;
    const struct conf_option *o = conf_options(&count);
    fputs("    local flags='", stdout);
    for (size_t i = 0; i < count; i++) {
        char flag[96];
        conf_flag_name(&o[i], flag, sizeof flag);
        printf(" %s", flag);
        if (o[i].kind == CONF_KIND_BOOL)
            printf(" --no-%s", flag + 2);
        if (o[i].kind == CONF_KIND_SECRET)
            printf(" %s-file", flag);
    }
    fputs("' names='", stdout);
    for (size_t i = 0; i < count; i++)
        printf(" %s", o[i].name);
    puts("'");
}

static void put_commands(void)
{
    int count, common_count;
    const struct command *c = commands(&count);
    const struct cli_option *common = common_options(&common_count);
    fputs("    if ((COMP_CWORD == 1)); then _repartee_words \"$word\" 'help --help --version",
          stdout);
    for (int i = 0; i < count; i++)
        printf(" %s", c[i].name);
    puts("'; return; fi");
    fputs("    if [[ $command == help ]]; then _repartee_words \"$word\" '", stdout);
    for (int i = 0; i < count; i++)
        printf("%s ", c[i].name);
    puts("'; return; fi");
    put_values();
    puts("    if [[ $word == -* ]]; then");
    puts("        case $command in");
    for (int i = 0; i < count; i++) {
        printf("        %s) _repartee_words \"$word\" \"", c[i].name);
        put_option_names(c[i].options, COMMAND_OPTIONS);
        put_option_names(common, common_count);
        puts(c[i].is_bare ? "\";;" : " $flags\";;");
    }
    puts("        esac\n        return\n    fi\n    case $command in");
    for (int i = 0; i < count; i++)
        if (c[i].offer) {
            printf("    %s) ", c[i].name);
            put_offer(c[i].offer);
            puts(";;");
        }
    puts("    esac");
}

int cli_completion(struct cli *c)
{
    if (strcmp(c->operand[0], "bash") != 0)
        return cli_misuse(c, "there is no completion for \"%s\"; there is one for bash",
                          c->operand[0]);
    fputs(bash_head, stdout);
    put_flags();
    put_commands();
    puts("}\ncomplete -F _repartee repartee");
    return EXIT_OK;
}
