// SPDX-License-Identifier: Apache-2.0
#include "wire/inbox.h"

#include <stdlib.h>

#include "base/check.h"

enum { FREE_LETTERS_MAX = 64 };

void inbox_init(struct inbox *in)
{
    *in = (struct inbox){};
    in->tail = &in->first;
}

void inbox_finish(struct inbox *in)
{
    for (struct letter *l; (l = inbox_take(in));)
        free(l);
}

static enum err letter_write(const struct frame *frame, struct letter **ret_letter)
{
    struct letter *l = malloc(sizeof *l + frame->payload.n);
    if (!l)
        return ERR_NOMEM;
    *l = (struct letter){.type = frame->type,
                         .cost = msg_cost(frame->type, (uint32_t)frame->payload.n)};
    if (frame->payload.n)
        memcpy(l->bytes, frame->payload.p, frame->payload.n);
    struct frame own = *frame;
    own.payload.p = l->bytes;
    enum err err = msg_decode(&own, &l->msg);
    check(err == OK); /* the same bytes once more */
    *ret_letter = l;
    return OK;
}

enum err inbox_post(struct inbox *in, const struct frame *frame)
{
    uint32_t cost = msg_cost(frame->type, (uint32_t)frame->payload.n);
    if (cost > WIRE_CREDIT - in->unpaid_bytes ||
        (cost == 0 && in->free_letters == FREE_LETTERS_MAX))
        return ERR_SYNTAX;
    struct letter *l;
    try(letter_write(frame, &l));
    in->unpaid_bytes += cost;
    in->free_letters += cost == 0;
    *in->tail = l;
    in->tail = &l->next;
    return OK;
}

struct letter *inbox_take(struct inbox *in)
{
    struct letter *l = in->first;
    if (!l)
        return nullptr;
    in->first = l->next;
    if (!in->first)
        in->tail = &in->first;
    in->free_letters -= l->cost == 0;
    return l;
}

void inbox_pay(struct inbox *in, uint32_t bytes)
{
    check(bytes <= in->unpaid_bytes);
    in->unpaid_bytes -= bytes;
}
