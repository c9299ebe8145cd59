// SPDX-License-Identifier: Apache-2.0
#include "server/engine/remote_verdict.h"

struct verdict verdict_of_status(int status, enum err said)
{
    if (said == ERR_TOOBIG)
        return (struct verdict){ERR_TOOBIG, "this is too long for the language model", false};
    if (status == 401 || status == 403)
        return (struct verdict){
            ERR_REFUSED, "the language model's server does not accept this server's key", false};
    if (status == 404)
        return (struct verdict){ERR_REFUSED, "the language model's server does not know the model",
                                false};
    if (status == 429)
        return (struct verdict){
            ERR_BUSY,
            "the language model's server has too much to do; please try again in a moment", true};
    if (status == 408 || (status >= 502 && status <= 504))
        return (struct verdict){
            ERR_BUSY,
            "the language model's server is busy or still loading; please try again in a moment",
            true};
    if (status >= 500)
        return (struct verdict){ERR_ENGINE,
                                "the language model's server has failed; please try again", false};
    return (struct verdict){ERR_REFUSED, "the language model's server refuses the question", false};
}

struct verdict verdict_of_err(enum err err, bool has_begun)
{
    switch (err) {
    case ERR_NOMEM:
        return (struct verdict){err, err_text(err), false};
    case ERR_LATE:
        return (struct verdict){
            err,
            has_begun ? "the language model's server has fallen silent in the middle of its answer"
                      : "the language model's server has not begun to answer in time",
            false};
    case ERR_NOTFOUND:
    case ERR_TIMEOUT:
        return (struct verdict){ERR_ENGINE, "the language model's server cannot be reached",
                                err == ERR_NOTFOUND};
    case ERR_CLOSED:
        return (struct verdict){
            ERR_ENGINE,
            has_begun ? "the language model's server broke off in the middle of its answer"
                      : "the language model's server broke off before its answer",
            true};
    case ERR_UNSUPPORTED:
        return (struct verdict){
            err, "the language model's server tells no logprobs; ask without logprobs", false};
    case ERR_TOOBIG:
        return (struct verdict){ERR_ENGINE, "the language model's answer is too long", false};
    case ERR_ENGINE:
        return (struct verdict){ERR_ENGINE,
                                "the language model's server has failed; please try again", false};
    default:
        return (struct verdict){ERR_ENGINE, "what the language model's server sent is no answer",
                                false};
    }
}
