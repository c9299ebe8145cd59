// SPDX-License-Identifier: Apache-2.0
#include "server/engine/remote/address.h"

#include <string.h>

#include "server/net/dial.h"
#include "server/net/fetch.h"

enum { ADDRESS_MAX = 1024 };

#define SENTENCES(option, server, or)                                                                  \
    {option ".url must name the server of the remote " server                                      \
            ", such as http://127.0.0.1:8000/v1",                                                  \
     option ".url must be http:// or https://, a host and perhaps a path, such as "                \
            "http://127.0.0.1:8000/v1" or "; a key belongs into " option ".key_file",              \
     option ".key may hold letters, digits and signs of ASCII only"}

static const char wyoming_is_no_address[] =
    "stt.url must be tcp://HOST:PORT or wyoming://HOST:PORT for a recogniser that speaks the "
    "Wyoming protocol, such as tcp://127.0.0.1:10300";

static const struct {
    const char *is_missing, *is_no_address, *is_no_key;
} sentences[] = {
    [REMOTE_LLM] = SENTENCES("llm", "language model", ""),
    [REMOTE_STT] =
        SENTENCES("stt", "recogniser",
                  ", or for the Wyoming protocol tcp://HOST:PORT or wyoming://HOST:PORT"),
    [REMOTE_TTS] = SENTENCES("tts", "synthesiser", ""),
};

const char *remote_address_of_wyoming(const char *url)
{
    static const struct str schemes[] = {S("tcp://"), S("wyoming://")};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (str_starts(str_of(url), schemes[i]))
            return url + schemes[i].n;
    return nullptr;
}

static const char *wyoming_wrong(const char *address, const char *key)
{
    char bare[ADDRESS_MAX];
    size_t n = strlen(address);
    n -= n && address[n - 1] == '/';
    if (n >= sizeof bare)
        return wyoming_is_no_address;
    memcpy(bare, address, n);
    bare[n] = 0;
    if (dial_check(bare) != OK)
        return wyoming_is_no_address;
    return key[0]
               ? "stt.key is for a server of stt.url that speaks HTTP; the Wyoming protocol knows no keys"
               : nullptr;
}

const char *remote_address_wrong(enum remote_kind kind, const char *url, const char *key)
{
    if (!url[0])
        return sentences[kind].is_missing;
    if (kind == REMOTE_STT && remote_address_of_wyoming(url))
        return wyoming_wrong(remote_address_of_wyoming(url), key);
    if (strlen(url) > ADDRESS_MAX || fetch_check_url(url) != OK)
        return sentences[kind].is_no_address;
    return fetch_check_key(key) == OK ? nullptr : sentences[kind].is_no_key;
}
