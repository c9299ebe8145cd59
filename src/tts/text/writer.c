// SPDX-License-Identifier: Apache-2.0
#include "tts/text/writer.h"

static bool clings(char c)
{
    return c != '\0' && strchr(".,;:!?)", c) != nullptr;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

char writer_last(const struct writer *w)
{
    return w->into->n > w->begin ? w->into->p[w->into->n - 1] : '\0';
}

void put(struct writer *w, char c)
{
    if (w->err != OK)
        return;
    char last = writer_last(w);
    if (is_blank(c) && last == '-' && w->into->n - w->begin > 1 &&
        w->into->p[w->into->n - 2] != ' ') {
        w->into->p[w->into->n - 1] = ' '; /* a hyphen with nothing behind it */
        return;
    }
    if (is_blank(c)) {
        if (last != '\0' && last != ' ' && last != '(')
            w->err = buf_add_byte(w->into, ' ');
        return;
    }
    if (clings(c) && last == ' ')
        w->into->n--;
    last = writer_last(w);
    if (c == ')' && last == '(') { /* what was in the brackets has gone */
        w->into->n--;
        return;
    }
    if (c == ',' && (last == '\0' || last == '(' || clings(last)) && last != ')')
        return;
    if (clings(c) && c != ')' && last == ',')
        w->into->n--;
    w->err = buf_add_byte(w->into, c);
}

void put_all(struct writer *w, struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        put(w, text.p[i]);
}

void put_word(struct writer *w, const char *words)
{
    put(w, ' ');
    put_all(w, str_of(words));
}

void put_pause(struct writer *w)
{
    put(w, ',');
    put(w, ' ');
}

void put_stop(struct writer *w)
{
    while (writer_last(w) == ' ' || writer_last(w) == ',')
        w->into->n--;
    char last = writer_last(w);
    if (last != '\0' && (!clings(last) || last == ')'))
        put(w, '.');
    put(w, ' ');
}

void put_end(struct writer *w)
{
    while (writer_last(w) == ' ')
        w->into->n--;
}
