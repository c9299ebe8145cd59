// SPDX-License-Identifier: Apache-2.0
/* Which events there are, in which states they may come, and who takes them. */
#include <stdio.h>

#include "base/clock.h"
#include "server/api/wyoming/peer.h"

static enum err pong(struct peer *p, const struct wyoming_event *e, struct json_why *why)
{
    struct {
        struct str text;
    } ping = {};
    static const struct json_field fields[] = {{"text", JSON_STR, 0, .max = 4096}};
    try(wyoming_read(e, fields, 1, &ping, why));
    struct json_out j = peer_event(p);
    if (ping.text.p)
        json_kstr(&j, "text", ping.text);
    peer_send(p, "pong", &j, S(""));
    return OK;
}

enum { READY = 1 << PEER_READY, LISTENING = 1 << PEER_LISTENING, READING = 1 << PEER_READING };

/* A recording that was begun is given up when another one begins. */
static const struct {
    const char *type;
    unsigned in; /* states */
    peer_fn take;
    bool goes_on; /* with what it is within, and so gives it time */
} table[] = {
    {"describe", READY | LISTENING | READING, describe_tell},
    {"ping", READY | LISTENING | READING, pong},
    {"transcribe", READY | LISTENING, hear_wish},
    {"audio-start", READY | LISTENING, hear_start},
    {"audio-chunk", READY | LISTENING, hear_chunk, true},
    {"audio-stop", READY | LISTENING, hear_stop},
    {"synthesize", READY | READING, say_all},
    {"synthesize-start", READY, say_start},
    {"synthesize-chunk", READING, say_chunk, true},
    {"synthesize-stop", READING, say_stop},
    {"transcript", READY, question_take},
};

/* What nobody knows is not for us (README, "select-program"). */
void event_take(struct peer *p, const struct wyoming_event *e)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (!str_eq(e->type, str_of(table[i].type)))
            continue;
        struct json_why why = {};
        enum err err = ERR_CONFLICT;
        if (table[i].in & 1u << p->state)
            err = table[i].take(p, e, &why);
        else
            snprintf(why.text, sizeof why.text, "%s is out of place here", table[i].type);
        if (err != OK)
            peer_fail(p, err, why.text);
        else if (table[i].goes_on)
            p->heard_ms = clock_ms();
        return;
    }
}
