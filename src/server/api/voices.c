// SPDX-License-Identifier: Apache-2.0
/* GET /voices: the voices that /tts, /v1/audio/speech and WS /voice take by name, whose they are and which language they
 * speak, and which is the standard one. */
#include "base/conf.h"
#include "base/json.h"
#include "server/api/route.h"
#include "server/api/voice_about.h"
#include "server/engine/engine.h"
#include "server/engine/mouth/mouth.h"

enum { BODY_MAX = 256 * 1024 };

/* remote: the name of who speaks in place of the others; NULL: nobody. */
static enum err write_list(const struct engine_info *info, const char *standard, const char *remote,
                           struct buf *body)
{
    struct json_out j = {.to = body};
    struct str names = str_of(info->voices), name;
    json_obj(&j);
    json_kstr(&j, "standard", str_of(standard));
    json_key(&j, "voices");
    json_arr(&j);
    if (remote) {
        json_obj(&j);
        json_kstr(&j, "name", str_of(remote));
        json_kbool(&j, "remote", true);
        json_end(&j);
    }
    while (str_cut(&names, ',', &name)) {
        struct voice_about about;
        voice_about(info, str_trim(name), &about);
        json_obj(&j);
        json_kstr(&j, "name", str_trim(name));
        json_kstr(&j, "engine", str_of(about.engine));
        json_kstr(&j, "language", str_of(about.language));
        json_end(&j);
    }
    json_end(&j);
    json_end(&j);
    return json_finish(&j);
}

void handle_voices(struct server *s, struct exchange *x, const struct principal *who, struct str id)
{
    (void)who, (void)id;
    struct engine_info info;
    engine_info(s->tts, &info);
    if (!info.voices[0]) {
        exchange_error(x, ERR_ENGINE, "the voices are still being loaded; try again in a moment",
                       nullptr);
        return;
    }
    autobuf body = BUF(BODY_MAX);
    struct mouth_info mouth;
    const char *remote = engine_mouth_info(s->tts, &mouth) ? mouth.name : nullptr;
    const char *standard = remote                  ? remote
                           : s->conf->tts_voice[0] ? s->conf->tts_voice
                                                   : info.model;
    enum err err = write_list(&info, standard, remote, &body);
    if (err == OK)
        exchange_reply(x, 200, "application/json", buf_str(&body));
    else
        exchange_error(x, err, nullptr, nullptr);
}
