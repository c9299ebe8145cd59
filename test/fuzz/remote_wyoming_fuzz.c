// SPDX-License-Identifier: Apache-2.0
/* What a recogniser behind Wyoming sends: of itself, and for words. Whatever is believed of it is bounded and clean. */
#include "base/check.h"
#include "fuzz.h"
#include "server/engine/remote/transcript.h"
#include "server/engine/remote/wyoming_info.h"
#include "server/engine/remote/wyoming_words.h"

static const struct wyoming_limits limits = {.line = 8192, .data = 8192, .payload = 8192};

static bool is_clean(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < ' ' ||
            (text.p[i] == ' ' && (i == 0 || i + 1 == text.n || text.p[i + 1] == ' ')))
            return false;
    return text.n <= REMOTE_TRANSCRIPT_MAX && utf8_valid(text);
}

static bool is_line(const char *s, size_t room)
{
    size_t n = strnlen(s, room);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
            return false;
    return n < room && utf8_valid(str_of(s));
}

static void look_at_info(const struct wyoming_event *e, struct str wanted)
{
    struct wyoming_info info;
    if (wyoming_info_read(e, wanted, &info) != OK)
        return;
    check(is_line(info.models.name, sizeof info.models.name));
    check(is_line(info.models.names, sizeof info.models.names));
    check(is_line(info.languages, sizeof info.languages));
    check(!info.models.name[0] || info.has_recogniser);
    check(!wanted.n || !info.models.name[0] || str_eq(str_of(info.models.name), wanted));
}

static void look_at_words(const struct wyoming_words *w)
{
    autobuf so_far = BUF(REMOTE_TRANSCRIPT_MAX);
    check(is_clean(buf_str(&w->text)) && is_line(w->language, sizeof w->language));
    check(is_line(w->said, sizeof w->said));
    check(wyoming_words_so_far(w, &so_far) == OK && is_clean(buf_str(&so_far)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    struct wyoming_decoder d;
    struct wyoming_words words;
    struct wyoming_event e;
    bool is_whole = true;
    wyoming_decoder_init(&d, &limits);
    wyoming_words_init(&words);
    enum err err = OK;
    while (err == OK && wyoming_decode(&d, &bytes, &is_whole, &e) == OK && is_whole) {
        look_at_info(&e, S(""));
        look_at_info(&e, S("m"));
        err = wyoming_words_take(&words, &e);
        look_at_words(&words);
    }
    wyoming_words_finish(&words);
    wyoming_decoder_finish(&d);
    return 0;
}
