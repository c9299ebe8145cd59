// SPDX-License-Identifier: Apache-2.0
#include "server/talk/history.h"

#include "base/mem.h"

static void drop_oldest(struct history *h)
{
    h->bytes -= h->entry[0].n;
    free(h->entry[0].text);
    memmove(&h->entry[0], &h->entry[1], (h->count - 1) * sizeof h->entry[0]);
    h->count--;
}

void history_finish(struct history *h)
{
    while (h->count)
        drop_oldest(h);
}

enum err history_add(struct history *h, enum said_by by, uint64_t turn, struct str text,
                     bool interrupted)
{
    text.n = utf8_prefix(text, HISTORY_BYTES_MAX / 2);
    char *copy = mem_strdup(text);
    if (!copy)
        return ERR_NOMEM;
    while (h->count && (h->count == HISTORY_ENTRIES_MAX || h->bytes + text.n > HISTORY_BYTES_MAX))
        drop_oldest(h);
    /* A history never opens with an answer to a question that has left it. */
    while (h->count && h->entry[0].by == SAID_BY_ASSISTANT)
        drop_oldest(h);
    h->entry[h->count++] = (struct said){
        .by = by, .interrupted = interrupted, .turn = turn, .text = copy, .n = text.n};
    h->bytes += text.n;
    return OK;
}
