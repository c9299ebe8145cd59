// SPDX-License-Identifier: Apache-2.0
#include "server/engine/remote/address.h"

#include <string.h>

#include "server/net/fetch.h"

enum { ADDRESS_MAX = 1024 };

#define SENTENCES(option, server)                                                                  \
    {option ".url must name the server of the remote " server                                      \
            ", such as http://127.0.0.1:8000/v1",                                                  \
     option ".url must be http:// or https://, a host and perhaps a path, such as "                \
            "http://127.0.0.1:8000/v1; a key belongs into " option ".key_file",                    \
     option ".key may hold letters, digits and signs of ASCII only"}

static const struct {
    const char *is_missing, *is_no_address, *is_no_key;
} sentences[] = {
    [REMOTE_LLM] = SENTENCES("llm", "language model"),
    [REMOTE_STT] = SENTENCES("stt", "recogniser"),
    [REMOTE_TTS] = SENTENCES("tts", "synthesiser"),
};

const char *remote_address_wrong(enum remote_kind kind, const char *url, const char *key)
{
    if (!url[0])
        return sentences[kind].is_missing;
    if (strlen(url) > ADDRESS_MAX || fetch_check_url(url) != OK)
        return sentences[kind].is_no_address;
    return fetch_check_key(key) == OK ? nullptr : sentences[kind].is_no_key;
}
