// SPDX-License-Identifier: Apache-2.0
#include "wire/script.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/check.h"

enum { LOOK_MS = 5 };

static enum err set_number(struct str text, uint32_t *ret_number)
{
    int64_t n;
    try(str_to_i64(text, &n));
    if (n < 0 || n > UINT32_MAX)
        return ERR_INVALID;
    *ret_number = (uint32_t)n;
    return OK;
}

static const struct script_word *find(const struct script_word *words, size_t count,
                                      struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(name, str_of(words[i].name)))
            return &words[i];
    return nullptr;
}

/* Cuts "name=" off *rest. */
static struct str cut_name(struct str *rest)
{
    size_t n = 0;
    while (n < rest->n && ((rest->p[n] >= 'a' && rest->p[n] <= 'z') || rest->p[n] == '_'))
        n++;
    struct str name = str_sub(*rest, 0, n < rest->n && rest->p[n] == '=' ? n : 0);
    *rest = str_sub(*rest, name.n + 1, rest->n);
    return name;
}

static struct str cut_number(struct str *rest)
{
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != ',')
        n++;
    struct str number = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n, rest->n);
    return number;
}

static struct str skip_separators(struct str s)
{
    size_t n = 0;
    while (n < s.n && (s.p[n] == ' ' || s.p[n] == ','))
        n++;
    return str_sub(s, n, s.n);
}

static enum err parse_word(struct script *script, struct str *rest, const struct script_word *words,
                           size_t count)
{
    struct script none = {}, *s = script ? script : &none;
    const struct script_word common[] = {
        {"slow", .number = &s->slow_ms}, {"fail", .number = &s->fail},
        {"hang", .number = &s->hang},    {"crash", .number = &s->crash},
        {"after", .number = &s->after},  {"start", .number = &s->start_ms},
    };
    struct str name = cut_name(rest);
    const struct script_word *word =
        find(common, script ? sizeof common / sizeof *common : 0, name);
    if (!word)
        word = find(words, count, name);
    if (!word)
        return ERR_INVALID;
    if (word->number)
        return set_number(cut_number(rest), word->number);
    check(word->text != nullptr);
    struct str text = *rest;
    *rest = str_sub(text, text.n, text.n);
    buf_clear(word->text);
    return buf_add(word->text, text);
}

static void nap(uint32_t ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, nullptr);
}

enum err script_parse(struct script *script, struct str options, const struct script_word *words,
                      size_t count, char why[SCRIPT_WHY_BYTES])
{
    struct str rest = skip_separators(options);
    while (rest.n) {
        struct str at = rest;
        enum err err = parse_word(script, &rest, words, count);
        if (err != OK) {
            snprintf(why, SCRIPT_WHY_BYTES, "%s not understood at \"%.*s\"",
                     script ? "the script is" : "the engine's options are",
                     STR_FMT(str_sub(at, 0, utf8_prefix(at, 60))));
            return err;
        }
        rest = skip_separators(rest);
    }
    if (script)
        nap(script->start_ms);
    return OK;
}

struct script_call script_begin(struct script *script)
{
    return (struct script_call){.number = atomic_fetch_add(&script->calls, 1) + 1};
}

enum err script_wait(uint32_t ms, bool (*canceled)(void *arg), void *arg)
{
    while (!canceled(arg)) {
        if (ms == 0)
            return OK;
        uint32_t step = ms < LOOK_MS ? ms : LOOK_MS;
        nap(step);
        ms -= step;
    }
    return ERR_CANCELED;
}

enum err script_step(const struct script *script, struct script_call *call,
                     bool (*canceled)(void *arg), void *arg, char why[SCRIPT_WHY_BYTES])
{
    if (call->steps++ == script->after) {
        if (call->number == script->crash)
            (void)raise(SIGKILL);
        while (call->number == script->hang)
            try(script_wait(LOOK_MS, canceled, arg));
        if (call->number == script->fail) {
            snprintf(why, SCRIPT_WHY_BYTES, "the script lets call %u fail", call->number);
            return ERR_INTERNAL;
        }
    }
    return script_wait(script->slow_ms, canceled, arg);
}
