// SPDX-License-Identifier: Apache-2.0
/*
 * The table of routes, and what every request passes before it reaches its handler: Host, Origin,
 * method, principal. Loop thread.
 */
#pragma once

#include "server/access/auth.h"
#include "server/api/server.h"

/* A handler gets a request whose headers have come. It answers, or reads the body (exchange_read_body
 * …) before it returns. `id` is what stands in the place of the star in the pattern. `who` is borrowed. */
typedef void (*handler_fn)(struct server *s, struct exchange *x, const struct principal *who,
                           struct str id);

enum access : uint8_t {
    ACCESS_OPEN,  /* anybody; `who` has an empty owner when nobody is known */
    ACCESS_VISIT, /* whoever may begin a session */
    ACCESS_USE,   /* a principal, also a visitor */
    ACCESS_CLIENT, /* the same, but where no key is asked for any is taken: OpenAI's clients have to send one */
    ACCESS_WRITE, /* a principal that may change things */
    ACCESS_ADMIN, /* a trusted principal */
};

struct route {
    enum http_method method;
    const char
        *pattern; /* a star at its end is one whole part of the path; two are all that follow */
    enum access access;
    handler_fn handle;
};

/* The front's on_head; arg is the server. */
void route_request(void *arg, struct exchange *x);
const struct route *routes(size_t *ret_count);

/* Tells every open /voice that the server goes; idle ones are closed, talking ones after their turn. */
void voices_drain(struct server *s);
/* The end of the server: nobody comes back any more. */
void voices_end(struct server *s);
/* Once a minute: closes those that were silent or open for too long, or whose key is gone. */
void voices_tick(struct server *s);

/* The server drains: the pull that is under way ends, what has come is kept. And its end. */
void models_drain(struct server *s);
void models_end(struct server *s);

/* Home Assistant's door (api/wyoming), where wyoming.listen names one. With a sentence where it cannot be. */
enum err wyoming_open(struct server *s, struct server_why *why);
/* Its listener closes, and each connection after what it is at. */
void wyoming_drain(struct server *s);
void wyoming_close(struct server *s);
uint32_t wyoming_connections(const struct server *s);
uint64_t wyoming_descriptors(const struct conf *c); /* that it may need at once */
uint64_t wyoming_refused(const struct server *s);   /* connections, ever */

void handle_page(struct server *, struct exchange *, const struct principal *, struct str);
void handle_healthz(struct server *, struct exchange *, const struct principal *, struct str);
void handle_readyz(struct server *, struct exchange *, const struct principal *, struct str);
void handle_metrics(struct server *, struct exchange *, const struct principal *, struct str);
void handle_session(struct server *, struct exchange *, const struct principal *, struct str);
void handle_session_end(struct server *, struct exchange *, const struct principal *, struct str);
void handle_sessions_end(struct server *, struct exchange *, const struct principal *, struct str);
void handle_session_refresh(struct server *, struct exchange *, const struct principal *,
                            struct str);
void handle_chat(struct server *, struct exchange *, const struct principal *, struct str);
void handle_completion(struct server *, struct exchange *, const struct principal *, struct str);
void handle_embedding(struct server *, struct exchange *, const struct principal *, struct str);
void handle_transcription(struct server *, struct exchange *, const struct principal *, struct str);
void handle_translation(struct server *, struct exchange *, const struct principal *, struct str);
void handle_speech(struct server *, struct exchange *, const struct principal *, struct str);
void handle_models(struct server *, struct exchange *, const struct principal *, struct str);
void handle_model_list(struct server *, struct exchange *, const struct principal *, struct str);
void handle_model_pull(struct server *, struct exchange *, const struct principal *, struct str);
void handle_model_cancel(struct server *, struct exchange *, const struct principal *, struct str);
void handle_model_delete(struct server *, struct exchange *, const struct principal *, struct str);
void handle_model_use(struct server *, struct exchange *, const struct principal *, struct str);
void handle_voice(struct server *, struct exchange *, const struct principal *, struct str);
void handle_stt(struct server *, struct exchange *, const struct principal *, struct str);
void handle_tts(struct server *, struct exchange *, const struct principal *, struct str);
void handle_voices(struct server *, struct exchange *, const struct principal *, struct str);
void handle_ingest(struct server *, struct exchange *, const struct principal *, struct str);
void handle_job(struct server *, struct exchange *, const struct principal *, struct str);
void handle_query(struct server *, struct exchange *, const struct principal *, struct str);
void handle_documents(struct server *, struct exchange *, const struct principal *, struct str);
void handle_document_delete(struct server *, struct exchange *, const struct principal *,
                            struct str);
