// SPDX-License-Identifier: Apache-2.0
#include "server/talk/keep.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/loop/lane.h"

enum { LANE_JOBS = 64, JUMP_MS = 60000 };

struct keep {
    struct sessions *sessions; /* loop */
    struct lane *lane;
    struct keep_file *file; /* lane, once the lane has a job */
    char secret[KEEP_SECRET_BYTES];
    int64_t wall_lead_ms; /* loop: of the wall clock before the monotonic one, in the rows' times */
    bool behind;          /* loop: the snapshot of some session is missing */
    bool told;            /* loop: of a failure, and nothing was written since */
};

/* What a job knows; the session may be gone when it is done. */
struct work {
    struct lane_job job;
    struct keep *keep;
    enum err err;
    char id[2 * SESSION_ID_BYTES + 1], owner[SESSION_OWNER_MAX + 1];
    int64_t
        time_ms; /* of the snapshot; before which nothing is kept any more; that the clock was set by */
    uint32_t max; /* run_prune */
    struct buf said;
    void (*done)(void *arg, enum err err); /* keep_forget */
    void *arg;
};

static struct work *work_create(struct keep *k, void (*run)(struct lane_job *job),
                                void (*done)(struct lane_job *job))
{
    struct work *w = mem_zero(1, sizeof *w);
    if (w)
        *w = (struct work){
            .job = {.run = run, .done = done}, .keep = k, .said = BUF(HISTORY_JSON_MAX)};
    return w;
}

static void work_free(struct work *w)
{
    buf_finish(&w->said);
    free(w);
}

static enum err work_post(struct work *w)
{
    enum err err = lane_post(w->keep->lane, &w->job);
    if (err != OK)
        work_free(w);
    return err;
}

static const char *remedy(enum err err)
{
    return err == ERR_NOSPACE ? "free some space"
           : err == ERR_NOMEM ? "it is tried again every minute"
                              : "look at the disk and at the rights of the folder";
}

static void tell(struct keep *k, enum err err)
{
    if (err == OK && k->told)
        log_info("conversations are written to the disk again");
    else if (err != OK && !k->told)
        log_error("conversations cannot be written to sessions.db in the data folder: %s; they go "
                  "on, but a restart would forget what is new; %s",
                  err_text(err), remedy(err));
    k->told = err != OK;
}

/* --- snapshots --- */

static void run_save(struct lane_job *job)
{
    struct work *w = (struct work *)job;
    const struct keep_row row = {str_of(w->id), str_of(w->owner), w->time_ms, buf_str(&w->said)};
    w->err = keep_file_put(w->keep->file, &row);
}

static void save_missing(struct keep *k);

static void save_done(struct lane_job *job)
{
    struct work *w = (struct work *)job;
    struct keep *k = w->keep;
    tell(k, w->err);
    struct session *session = session_peek(k->sessions, str_of(w->id), str_of(w->owner));
    if (w->err != OK && session)
        session->unsaved = k->behind = true;
    if (w->err == OK && lane_jobs(k->lane) == 0)
        save_missing(k);
    work_free(w);
}

/* Unlike clock_wall_lead_ms it grows while the machine sleeps: sessions are not idle then. */
static int64_t wall_lead_ms(void)
{
    return clock_wall_ms() - (int64_t)clock_ms();
}

static void run_shift(struct lane_job *job)
{
    struct work *w = (struct work *)job;
    w->err = keep_file_shift(w->keep->file, w->time_ms);
}

static void shift_done(struct lane_job *job)
{
    struct work *w = (struct work *)job;
    if (w->err != OK)
        tell(w->keep, w->err);
    work_free(w);
}

/* Who sets the wall clock makes no conversation older: the rows follow it. */
static void follow_clock(struct keep *k)
{
    int64_t lead_ms = wall_lead_ms(), by_ms = lead_ms - k->wall_lead_ms;
    if (by_ms > -JUMP_MS && by_ms < JUMP_MS)
        return;
    struct work *w = work_create(k, run_shift, shift_done);
    if (!w)
        return;
    w->time_ms = by_ms;
    if (work_post(w) == OK)
        k->wall_lead_ms = lead_ms;
}

static enum err save(struct keep *k, const struct session *session)
{
    follow_clock(k);
    struct work *w = work_create(k, run_save, save_done);
    if (!w)
        return ERR_NOMEM;
    struct json_out j = {.to = &w->said};
    history_put_json(&session->history, &j);
    enum err err = json_finish(&j);
    if (err != OK) {
        work_free(w);
        return err;
    }
    memcpy(w->id, session->id, sizeof w->id);
    memcpy(w->owner, session->owner, sizeof w->owner);
    w->time_ms = (int64_t)session->used_ms + k->wall_lead_ms;
    return work_post(w);
}

void keep_save(struct keep *k, struct session *session)
{
    if (!k || session->ended)
        return;
    session->unsaved = save(k, session) != OK;
    k->behind = k->behind || session->unsaved;
}

static void save_missing(struct keep *k)
{
    if (!k->behind)
        return;
    k->behind = false;
    struct session *at = sessions_next(k->sessions, nullptr);
    for (; at && !k->behind; at = sessions_next(k->sessions, at))
        if (at->unsaved)
            keep_save(k, at);
}

/* --- leaving --- */

static void run_forget(struct lane_job *job)
{
    struct work *w = (struct work *)job;
    w->err = keep_file_delete(w->keep->file, str_of(w->owner), str_of(w->id));
}

static void forget_done(struct lane_job *job)
{
    struct work *w = (struct work *)job;
    if (w->err == ERR_BUSY)
        log_warn(
            "what was forgotten may still lie in sessions.db-wal in the data folder, which another "
            "program is reading; it is overwritten as soon as that has ended");
    else if (w->err != ERR_NOTFOUND) /* nothing written: no news of the disk */
        tell(w->keep, w->err);
    w->done(w->arg, w->err);
    work_free(w);
}

enum err keep_forget(struct keep *k, struct str owner, struct str id,
                     void (*done)(void *arg, enum err err), void *arg)
{
    check(owner.n < sizeof((struct work *)nullptr)->owner &&
          id.n < sizeof((struct work *)nullptr)->id);
    struct work *w = work_create(k, run_forget, forget_done);
    if (!w)
        return ERR_NOMEM;
    memcpy(w->owner, owner.p, owner.n);
    memcpy(w->id, id.p, id.n);
    w->done = done;
    w->arg = arg;
    return work_post(w);
}

static void run_prune(struct lane_job *job)
{
    struct work *w = (struct work *)job;
    w->err = keep_file_prune(w->keep->file, w->time_ms, w->max);
}

static void prune_done(struct lane_job *job)
{
    struct work *w = (struct work *)job;
    if (w->err != OK) /* nothing written does not mean that something could be */
        tell(w->keep, w->err);
    work_free(w);
}

static int64_t oldest_ms(const struct keep *k)
{
    return (int64_t)clock_ms() + k->wall_lead_ms - (int64_t)sessions_idle_ms(k->sessions);
}

void keep_tick(struct keep *k)
{
    if (!k)
        return;
    follow_clock(k);
    save_missing(k);
    struct work *w = work_create(k, run_prune, prune_done);
    if (!w)
        return;
    w->time_ms = oldest_ms(k);
    w->max = sessions_max(k->sessions);
    (void)work_post(w); /* there is another minute */
}

/* --- the beginning and the end --- */

static enum err restore(void *arg, const struct keep_row *row)
{
    struct keep *k = arg;
    int64_t age_ms = clock_wall_ms() - row->used_ms;
    struct history history;
    enum err err = history_read_json(row->said, &history);
    if (err == OK) {
        /* A clock that was set back makes nobody younger than new. */
        err = session_restore(k->sessions, row->id, row->owner, age_ms > 0 ? (uint64_t)age_ms : 0,
                              &history);
        if (err != OK)
            history_finish(&history);
    }
    if (err == OK || err == ERR_NOMEM || err == ERR_BUSY)
        return err;
    return ERR_INVALID;
}

/* What cannot be written now can still be read. */
static enum err load(struct keep *k)
{
    size_t bad = 0;
    enum err err = keep_file_secret(k->file, k->secret);
    if (err != OK) {
        random_bytes(k->secret, sizeof k->secret);
        tell(k, err);
    }
    err = keep_file_clamp(k->file, clock_wall_ms());
    if (err == OK)
        err = keep_file_prune(k->file, oldest_ms(k), sessions_max(k->sessions));
    if (err != OK)
        tell(k, err);
    try(keep_file_load(k->file, oldest_ms(k), sessions_max(k->sessions), restore, k, &bad));
    if (bad)
        log_warn("%zu conversations in sessions.db were damaged and are forgotten", bad);
    return OK;
}

enum err keep_open(struct loop *l, const char *data, struct sessions *sessions,
                   struct keep **ret_keep)
{
    struct keep *k = mem_zero(1, sizeof *k);
    if (!k)
        return ERR_NOMEM;
    k->sessions = sessions;
    k->wall_lead_ms = wall_lead_ms();
    enum keep_found found;
    enum err err = keep_file_open(data, &k->file, &found);
    if (err == OK && found != KEEP_FOUND_GOOD)
        log_warn("sessions.db %s; it was set aside as sessions.db.aside, and conversations begin "
                 "anew",
                 found == KEEP_FOUND_NEWER ? "was written by a newer Repartee" : "is damaged");
    if (err == OK)
        err = load(k);
    if (err == OK)
        err = lane_create(l, "keep", LANE_JOBS, &k->lane);
    if (err != OK) {
        keep_close(k);
        return err;
    }
    *ret_keep = k;
    return OK;
}

void keep_close(struct keep *k)
{
    if (!k)
        return;
    if (k->lane)
        save_missing(k);
    lane_destroy(k->lane);
    keep_file_close(k->file);
    explicit_bzero(k->secret, sizeof k->secret);
    free(k);
}

struct str keep_secret(const struct keep *k)
{
    return k ? (struct str){k->secret, sizeof k->secret} : S("");
}
