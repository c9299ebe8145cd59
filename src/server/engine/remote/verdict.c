// SPDX-License-Identifier: Apache-2.0
#include "server/engine/remote/verdict.h"

enum {
    PAUSE_MS = 250,      /* before the second try; four times as long before the third */
    PAUSE_MAX_MS = 5000, /* whoever wants to be left alone for longer is not asked again */
};

/* The same of each kind of server, by enum remote_kind. */
#define SERVER(does) {"the language model's server " does, "the recogniser's server " does}

static const char *const
    too_long[] = {"this is too long for the language model",
                  "the recording is too long for the recogniser's server; cut it into "
                  "shorter ones"},
    *const refuses_key[] = SERVER("does not accept this server's key"),
    *const lacks_model[] =
        {"the language model's server does not know the model",
         "the recogniser's server does not know the model, or takes no recordings at this address"},
    *const is_busy[] = SERVER("has too much to do; please try again in a moment"),
    *const is_loading[] = SERVER("is busy or still loading; please try again in a moment"),
    *const has_failed[] = SERVER("has failed; please try again"),
    *const refuses[] = {"the language model's server refuses the question",
                        "the recogniser's server refuses the recording"},
    *const is_silent[] = SERVER("has fallen silent in the middle of its answer"),
    *const is_late[] = SERVER("has not begun to answer in time"),
    *const is_away[] = SERVER("cannot be reached"),
    *const broke_amid[] = SERVER("broke off in the middle of its answer"),
    *const broke_before[] = SERVER("broke off before its answer"),
    *const too_early[] = SERVER("answered before it had heard everything"),
    *const cannot[] = {"the language model's server tells no logprobs; ask without logprobs",
                       "the recogniser's server does not measure when each word was said"},
    *const says_much[] = {"the language model's answer is too long",
                          "what the recogniser's server sent is too long"},
    *const no_answer[] = {"what the language model's server sent is no answer",
                          "what the recogniser's server sent is no transcript"};

struct verdict verdict_of_status(enum remote_kind kind, int status, enum err said)
{
    if (said == ERR_TOOBIG || status == 413)
        return (struct verdict){ERR_TOOBIG, too_long[kind], false};
    if (status == 401 || status == 403)
        return (struct verdict){ERR_REFUSED, refuses_key[kind], false};
    if (status == 404)
        return (struct verdict){ERR_REFUSED, lacks_model[kind], false};
    if (status == 429)
        return (struct verdict){ERR_BUSY, is_busy[kind], true};
    if (status == 408 || (status >= 502 && status <= 504))
        return (struct verdict){ERR_BUSY, is_loading[kind], true};
    if (status >= 500)
        return (struct verdict){ERR_ENGINE, has_failed[kind], false};
    return (struct verdict){ERR_REFUSED, refuses[kind], false};
}

struct verdict verdict_of_err(enum remote_kind kind, enum err err, bool has_begun)
{
    switch (err) {
    case ERR_NOMEM:
        return (struct verdict){err, err_text(err), false};
    case ERR_LATE:
        return (struct verdict){err, has_begun ? is_silent[kind] : is_late[kind], false};
    case ERR_NOTFOUND:
    case ERR_TIMEOUT:
        return (struct verdict){ERR_ENGINE, is_away[kind], err == ERR_NOTFOUND};
    case ERR_CLOSED:
        return (struct verdict){ERR_ENGINE, has_begun ? broke_amid[kind] : broke_before[kind],
                                true};
    case ERR_CONFLICT:
        return (struct verdict){ERR_ENGINE, too_early[kind], true};
    case ERR_INVALID: /* a request that somebody else may be able to answer */
    case ERR_UNSUPPORTED:
        return (struct verdict){err, cannot[kind], false};
    case ERR_TOOBIG:
        return (struct verdict){ERR_ENGINE, says_much[kind], false};
    case ERR_ENGINE:
        return (struct verdict){ERR_ENGINE, has_failed[kind], false};
    default:
        return (struct verdict){ERR_ENGINE, no_answer[kind], false};
    }
}

#define AWAY(server)                                                                               \
    {ERR_ENGINE, "the " server " cannot be reached, or is not ready; please try again later", true}
#define CLOSED(server)                                                                             \
    {ERR_REFUSED,                                                                                  \
     "the " server " refuses this server, or lacks the model; whoever runs this server has to "    \
     "mend that",                                                                                  \
     false}
const struct verdict verdict_away[REMOTE_KINDS] = {AWAY("language model's server"),
                                                   AWAY("recogniser's server")},
                     verdict_closed[REMOTE_KINDS] = {CLOSED("language model's server"),
                                                     CLOSED("recogniser's server")};

uint32_t verdict_pause_ms(struct verdict v, unsigned tries, uint32_t retry_after_s,
                          uint64_t left_ms)
{
    uint64_t pause_ms = retry_after_s ? (uint64_t)retry_after_s * 1000
                        : tries > 1   ? 4 * PAUSE_MS
                                      : PAUSE_MS;
    bool again =
        v.passes && tries < VERDICT_TRIES_MAX && pause_ms <= PAUSE_MAX_MS && pause_ms < left_ms;
    return again ? (uint32_t)pause_ms : 0;
}
