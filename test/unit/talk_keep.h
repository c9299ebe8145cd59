// SPDX-License-Identifier: Apache-2.0
/* What the tests of kept conversations share: a folder, and lives of a server in it. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/loop/loop.h"
#include "server/talk/keep.h"
#include "unit.h"

constexpr uint64_t HOUR_MS = 3600 * 1000;
enum { TABLE_MAX = 8 };

static char folder[64];
static uint64_t start_us;
static struct loop *loop;
static struct sessions *sessions;
static struct keep *keep;

static inline const char *in_folder(const char *name)
{
    static char path[4][128];
    static unsigned turn;
    char *at = path[turn++ % 4];
    snprintf(at, sizeof path[0], "%s/%s", folder, name);
    return at;
}

static inline enum err live(void)
{
    enum err err = sessions_create(TABLE_MAX, 24 * HOUR_MS, &sessions);
    if (err == OK)
        err = keep_open(loop, folder, sessions, &keep);
    return err;
}

static inline void die(void)
{
    keep_close(keep);
    sessions_destroy(sessions);
    keep = nullptr;
    sessions = nullptr;
}

static inline bool exists(const char *name)
{
    return access(in_folder(name), F_OK) == 0;
}

static inline void clean_folder(void)
{
    static const char *const names[] = {"sessions.db", "sessions.db-wal", "sessions.db-shm",
                                        "sessions.db.aside", "sessions.db.aside-wal"};
    for (size_t i = 0; i < countof(names); i++)
        unlink(in_folder(names[i]));
}

static inline int set_up(void **)
{
    snprintf(folder, sizeof folder, "/tmp/talk_keep_XXXXXX");
    clock_fake(UINT64_MAX);
    start_us = (uint64_t)clock_wall_ms() * 1000; /* files have real times */
    clock_fake(start_us);
    return !mkdtemp(folder) || loop_create(&loop) != OK;
}

static inline int tear_down(void **)
{
    loop_destroy(loop);
    clock_fake(UINT64_MAX);
    clean_folder();
    return rmdir(folder);
}

/* A session in which `text` was said and answered; returns its id. */
static inline const char *say(const char *owner, const char *text)
{
    struct session *session;
    assert_ok(session_create(sessions, str_of(owner), &session));
    assert_ok(history_add(&session->history, SAID_BY_USER, 1, str_of(text), false));
    assert_ok(history_add(&session->history, SAID_BY_ASSISTANT, 1, S("I see."), true));
    keep_save(keep, session);
    return session->id;
}

/* What was said first; NULL: no such session. */
static inline const char *said(const char *id, const char *owner)
{
    struct session *session = session_peek(sessions, str_of(id), str_of(owner));
    return session && session->history.count ? session->history.entry[0].text : nullptr;
}

static inline void pass(uint64_t ms)
{
    clock_fake(clock_us() + ms * 1000);
}
