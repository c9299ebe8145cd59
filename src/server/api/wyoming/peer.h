// SPDX-License-Identifier: Apache-2.0
/*
 * Private to api/wyoming/: whoever has connected to wyoming.listen, and the one thing that is done for him at a time.
 *
 *   READY ─audio-start──────▶ LISTENING ─audio-stop──────┐
 *     ▲  ─synthesize-start──▶ READING ───synthesize-stop─┤
 *     │  ─synthesize, transcript─────────────────────────▼
 *     └───────────────────────────────────────────── ANSWERING
 *
 * In ANSWERING no event is taken; what comes waits, a little of it here and the rest at the peer. What goes wrong is told
 * by an `error`, and the connection closed: Home Assistant waits on as long as it is open. Only questions that have no
 * answer leave it open, since for these there is an event of their own (question.c). A callback of a job never frees the
 * peer: that is done in a step of its own, or by the socket and the clock. Loop thread.
 */
#pragma once

#include "server/access/auth.h"
#include "server/api/server.h"
#include "server/net/wyoming.h"

struct hearing;
struct peer;
struct speaking;

enum peer_state : uint8_t {
    PEER_READY,
    PEER_LISTENING, /* to an utterance */
    PEER_READING,   /* a text that is spoken meanwhile */
    PEER_ANSWERING,
    PEER_CLOSING, /* what is queued goes out, the rest of the input is thrown away */
    PEER_DOOMED,  /* freed in the next step */
};

enum {
    CONVERSATIONS = 64,
    CONVERSATION_ID_MAX = 128, /* Home Assistant's have 26 */
    CONTEXT_MAX = 16 * 1024,
    LANGUAGE_MAX = 16,
};

/* A session of questions, and whose; "": none yet. */
struct session_name {
    char id[sizeof((struct session){}.id)];
    char owner[SESSION_OWNER_MAX + 1];
};

/* Which session goes on with what Home Assistant calls a conversation. The longest unused one makes room. */
struct wyoming_conversation {
    char id[CONVERSATION_ID_MAX + 1];
    char from[sizeof((struct sock_peer){}.text)];
    struct session_name session;
    uint64_t used_ms;
};

struct wyoming_door {
    struct server *server;
    struct listener *listener; /* NULL: it is draining */
    struct peer *peers;
    uint32_t count;
    uint64_t refused;
    struct wyoming_conversation conversations[CONVERSATIONS];
};

struct sound_format {
    int64_t rate, width, channels;
};

struct peer {
    struct wyoming_door *door;
    struct peer *next, **at; /* door->peers */
    struct sock *sock;
    struct sock_peer from;
    struct principal who;
    struct wyoming_decoder decoder;
    struct buf input;      /* came while no event was taken */
    struct buf head, json; /* of an event that is being sent */
    struct timer timer;
    struct deferred pump;
    enum peer_state state;
    uint64_t heard_ms; /* since when the next event, or more of what it is within, is awaited */
    uint64_t until_ms; /* by when the utterance or text must have ended; 0: neither is there */
    uint64_t stall_ms; /* since when the queue is above its cap; 0: it is not */
    uint64_t stall_delivered; /* what had reached him then */

    /* hear.c */
    struct hearing *hearing;
    char language[LANGUAGE_MAX + 1]; /* of the next utterance; "": as the option says */
    struct sound_format format;
    struct buf sound; /* less than a frame, between two chunks */
    uint64_t frames;  /* of the utterance so far */
    bool has_words;   /* transcript-start was sent */

    /* say.c */
    struct speaking *speaking;
    uint64_t spoken; /* samples */
    bool has_sound;  /* audio-start was sent */
    bool is_streamed;

    /* question.c */
    struct turn *turn;
    struct session_name session; /* of questions that name no conversation */
    struct buf context;          /* JSON, or nothing */
    bool has_answer;             /* handled-start was sent */
};

/* enter.c */
void peer_accept(struct wyoming_door *door, struct sock *s);
/* May he still come in, and is it within the limits of turns? Before anything is begun for him. */
enum err peer_admit(struct peer *p, struct json_why *why);

/* peer.c */
struct peer *peer_begin(struct wyoming_door *door, struct sock *s); /* NULL: no memory */
void peer_free(struct peer *p);  /* now; not from a callback of a job or inside a peer_ call */
void peer_drain(struct peer *p); /* closes as soon as it is READY */
/* His time begins anew, also where it is the state that he was in. */
void peer_set_state(struct peer *p, enum peer_state state);
/* Begins an event's fields in p->json. */
struct json_out peer_event(struct peer *p);
/* Returns what is queued; `fields` NULL: it has none. */
size_t peer_send(struct peer *p, const char *type, struct json_out *fields, struct str payload);
enum { PEER_QUEUE = 64 * 1024 }; /* above it nothing more is made or taken */
/* The error's event; a sentence that is NULL or empty is the error's own. */
void peer_tell(struct peer *p, enum err err, const char *sentence);
/* The same, and that was all. */
void peer_fail(struct peer *p, enum err err, const char *sentence);

/* events.c */
void event_take(struct peer *p, const struct wyoming_event *e);

/* What is done about each event; an error ends the connection, with why.text. */
typedef enum err (*peer_fn)(struct peer *p, const struct wyoming_event *e, struct json_why *why);
enum err describe_tell(struct peer *p, const struct wyoming_event *e, struct json_why *why);

enum err hear_wish(struct peer *p, const struct wyoming_event *e, struct json_why *why);
enum err hear_start(struct peer *p, const struct wyoming_event *e, struct json_why *why);
enum err hear_chunk(struct peer *p, const struct wyoming_event *e, struct json_why *why);
enum err hear_stop(struct peer *p, const struct wyoming_event *e, struct json_why *why);
bool hear_is_behind(const struct peer *p);
void hear_drop(struct peer *p);

enum err say_all(struct peer *p, const struct wyoming_event *e, struct json_why *why);
enum err say_start(struct peer *p, const struct wyoming_event *e, struct json_why *why);
enum err say_chunk(struct peer *p, const struct wyoming_event *e, struct json_why *why);
enum err say_stop(struct peer *p, const struct wyoming_event *e, struct json_why *why);
void say_resume(struct peer *p); /* the peer has taken what there was */
void say_drop(struct peer *p);

enum err question_take(struct peer *p, const struct wyoming_event *e, struct json_why *why);
void question_drop(struct peer *p);
/* No turn is live: nobody can ask on in the connection's session. */
void question_forget(struct peer *p);
