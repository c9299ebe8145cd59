// SPDX-License-Identifier: Apache-2.0
/*
 * The server as a whole: what exists once, and its life from start to drain. Handlers (one file a
 * group of routes) get a pointer to it and use the modules it names. Loop thread only.
 */
#pragma once

#include "server/api/claim.h"
#include "server/loop/loop.h"
#include "server/talk/turn.h"

struct answerer;
struct auth;
struct call;
struct conf;
struct engine;
struct front;
struct host_rules;
struct keep;
struct limit;
struct models;
struct rag;
struct rag_reader_events;
struct secure;
struct startup;
struct voice;
struct wyoming_door;

/* Of a host name as long as it may be. */
enum { SERVER_URL_BYTES = 280 };

struct server;
/* ready: false when it is not after SERVER_PATIENCE_MS; it is called once more then. */
typedef void (*server_ready_fn)(void *arg, struct server *s, bool ready);
enum { SERVER_PATIENCE_MS = 5000 };

/* Why it does not start, in a sentence that says what to do. */
struct server_why {
    char text[320];
};

struct server {
    /* const after server_create */
    bool is_private, is_patient; /* see server_where */
    const struct conf *conf;
    const char *data; /* directory */
    struct loop *loop;
    struct front *front;
    struct secure *secure; /* NULL: plain HTTP */
    struct host_rules *hosts;
    struct auth *auth;
    struct limit *turn_limit;
    struct engine *stt, *ears, *tts; /* ears: NULL where stt has its own */
    struct engine *embed;            /* NULL without an embedding model */
    struct answerer *answerer;
    struct engine
        *llm; /* of the answerer, now; NULL with the quote answerer, or while talk.unanswered */
    struct rag *rag;
    struct models *models; /* NULL until somebody asks for them (api/models) */
    struct sessions *sessions;
    struct keep *keep;  /* NULL: they are not kept on the disk */
    bool keep_is_stuck; /* without one: earlier ones may lie there, and cannot be deleted */

    struct talk talk;
    struct voice *voices;         /* open /voice connections */
    struct wyoming_door *wyoming; /* NULL: nobody listens there (api/wyoming) */
    struct call *away;            /* calls whose client was cut off and may come back */
    uint32_t away_count;
    struct timer tick;       /* once a minute: forget idle sessions */
    struct timer drain;      /* after SIGTERM: looks whether the turns have finished */
    uint64_t drain_until_ms; /* the end of patience */
    uint32_t uploads;        /* bodies that are being received or read; at most limit.uploads */
    size_t embedding_bytes;  /* of replies to /v1/embeddings that are being made or taken */
    bool draining;
    bool was_ready;             /* once */
    struct server_why refused;  /* why an engine would not load, before it was ready; "": all did */
    bool had_terminal;          /* when it started */
    struct timer terminal_tick; /* in its foreground: looks whether it is still there */
    bool leaving; /* a private server whose command has ended: drains when the last client goes */
    struct claim claim;
    struct startup *startup; /* the manual's way into the store */
    struct {
        const struct rag_reader_events *events;
        void *arg;
    } ingest_reader; /* who hears of the document that is being read */
    char url[SERVER_URL_BYTES];
    struct timer announce; /* until whoever waits for readiness is told that it takes longer */
    server_ready_fn on_ready;
    void *on_ready_arg;
};

struct server_where {
    const char *data; /* directory, absolute */
    const char *docs; /* folder that is ingested at start; NULL: none */
    const char *what; /* the command that asks, such as "repartee serve" */
    /* A private server belongs to a command: it listens on DATA/server.sock only, and SIGTERM, which is
     * the end of the command, lets other commands that use it finish first. */
    bool is_private;
    /* It goes on also when an engine will not load: whoever started it wants to tell that, or needs none. */
    bool is_patient;
};

/* Writes the sentence; returns `err`. */
enum err server_refuse(struct server_why *why, enum err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Opens the store, starts the engines, listens. ERR_CONFLICT: another server has this data directory. */
enum err server_create(const struct conf *conf, const struct server_where *where,
                       struct server **ret_server, struct server_why *ret_why);
/* Runs until SIGTERM or SIGINT, then drains: not ready at once, running turns finish (http.drain_ms),
 * a second signal ends it now. Ends also, ERR_ENGINE with a sentence, when an engine will not load what the
 * configuration says before all has been ready once; later it is tried again and again. */
enum err server_run(struct server *s, struct server_why *ret_why);
void server_destroy(struct server *s); /* takes NULL */
/* "http://127.0.0.1:8600/" with the real port, or NULL without TCP. Good for the server's life. */
const char *server_url(const struct server *s);
/* Every engine is ready, the first documents are in the store and the recogniser knows their words. */
bool server_ready(const struct server *s);
/* Who wants to know when it is. Before server_run. */
void server_on_ready(struct server *s, server_ready_fn fn, void *arg);
/* For the parts of the server: what readiness depends on has changed. */
void server_look(struct server *s);
