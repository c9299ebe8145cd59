// SPDX-License-Identifier: Apache-2.0
/*
 * A conversation over WS /voice: what is said in it and what goes out as numbered messages. The
 * connection (voice.c) reads the client's messages and calls these. Loop thread.
 *
 * A call of a client that can resume outlives its connection for resume.keep_ms: the turn goes on, its
 * sound waits. Both sides count the messages of the other, so that after a cut each sends again
 * exactly what the other has not got. Calls that may be resumed hang on their session.
 */
#pragma once

#include "server/access/auth.h"
#include "server/api/call_log.h"
#include "server/api/voice_format.h"
#include "server/talk/conversation.h"

struct call;
struct server;
struct ws;

struct call_wishes {
    struct voice_format format;
    uint32_t patience_percent; /* as conversation_wishes */
    bool hands_free, use_rag;
    bool resumable;
    struct str voice; /* borrowed; at most CALL_VOICE_MAX bytes */
};
enum { CALL_ID_BYTES = 16, CALL_VOICE_MAX = 63 };

/* Holds the session; greets with `ready`. `holder` is whoever has the connection. */
enum err call_create(struct server *s, struct ws *ws, void *holder, const struct sock_peer *peer,
                     const struct principal *who, struct session *session,
                     const struct call_wishes *wishes, struct call **ret_call);
/* The client has gone for good. Takes NULL. */
void call_destroy(struct call *call);

/* The call of that name in the session, or NULL; and is it the same conversation? */
struct call *call_find(struct session *session, struct str id);
bool call_is_like(const struct call *call, const struct call_wishes *wishes);
/* Who has the connection now; NULL: nobody. */
void *call_holder(const struct call *call);
/* The client is back and has got everything up to `got`. ERR_NOTFOUND: what he has not got is not there
 * any more; nothing has changed. */
enum err call_resume(struct call *call, struct ws *ws, void *holder, const struct sock_peer *peer,
                     const struct principal *who, struct call_place got);
/* The connection is lost, for this reason: the call waits for the client, or is destroyed. */
void call_lose(struct call *call, uint16_t code);
/* Those of the session that nobody is connected to, and of the whole server. */
void calls_drop_away(struct session *session);
void calls_drop_all_away(struct server *s);
/* The session is about to end: nothing that was said in it is kept for those who were cut off. */
void calls_forget(struct session *session);

struct conversation *call_conversation(struct call *call);
/* A message of the client's has come, of any kind; it is counted. */
void call_count(struct call *call);
/* The client has got everything up to there. */
void call_received(struct call *call, struct call_place got);
/* The socket takes more. */
void call_pump(struct call *call);
/* Now and then: forgets what will not be asked for. */
void call_tick(struct call *call, uint64_t now_ms);
/* Would he still be let in? ERR_AUTH: his key was revoked or his session ended; another error: it cannot
 * be told now. */
enum err call_still(const struct call *call);
void call_say_goodbye(struct call *call);
void call_error(struct call *call, enum err err, const char *message);
/* The same for who has not said hello: one sentence. */
void voice_refuse(struct ws *ws, enum err err, const char *message);
