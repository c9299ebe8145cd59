// SPDX-License-Identifier: Apache-2.0
/*
 * A synthesiser elsewhere that hangs, cuts, lies and babbles, as a table says. Whatever it does, every clause is spoken, in
 * order, by it or by the local voice.
 */
#include "mouth_rig.h"

static const struct row table[] = {
    /* sound, in every form */
    {"good", 200, .ms = 1000, .spoken = ".|.|", .sounds_ms = 2000},
    {"wav", 200, "audio/wav", .ms = 1000, .is_wav = true, .spoken = ".|.|", .sounds_ms = 2000},
    {"wav-with-length", 200, "audio/wav", .ms = 1000, .is_wav = true, .wav_ms = 1000,
     .spoken = ".|.|", .sounds_ms = 2000},
    {"wav-cut", 200, "audio/wav", .ms = 1000, .is_wav = true, .wav_ms = 1700, .spoken = REST,
     .sounds_ms = 1000, .falls = 2, .reason = MOUTH_broken},
    {"wav-as-pcm", 200, .ms = 1000, .is_wav = true, .spoken = ".|.|", .sounds_ms = 2000},
    {"wav-as-mp3", 200, "audio/mpeg", .ms = 1000, .is_wav = true, .spoken = ".|.|",
     .sounds_ms = 2000},
    {"odd", 200, .ms = 1000, .odd = 1, .spoken = ".|.|", .sounds_ms = 2000},
    {"no-type", 200, "", .ms = 1000, .spoken = ".|.|", .sounds_ms = 2000},
    {"late-but-in-time", 200, .ms = 1000, .late_ms = FIRST_MS - 300, .spoken = ".|.|",
     .sounds_ms = 2000, .took_ms = 4000},
    {"until-it-closes", 200, .ms = 1000, .headers = "Connection: close\r\n", .closes = true,
     .spoken = ".|.|", .sounds_ms = 2000},
    {"slow-and-steady", 200, .ms = 200, .drip_ms = 100, .spoken = ".|" SECOND "|", .falls = 1,
     .stays = true, .reason = MOUTH_endless, .took_ms = 12000},
    /* silence */
    {"hangs", 0, .spoken = LOCAL, .falls = 2, .reason = MOUTH_late, .took_ms = FIRST_MS},
    {"hangs-after-head", 200, .claimed = 99, .spoken = LOCAL, .falls = 2, .reason = MOUTH_late,
     .took_ms = FIRST_MS},
    {"too-late", 200, .ms = 1000, .late_ms = FIRST_MS + 300, .spoken = LOCAL, .falls = 2,
     .reason = MOUTH_late, .took_ms = FIRST_MS},
    {"silent-for-long", 200, .ms = 900, .is_silent = true, .claimed = 9999, .spoken = LOCAL,
     .falls = 2, .reason = MOUTH_late, .took_ms = FIRST_MS},
    {"silence", 200, .ms = 500, .is_silent = true, .spoken = LOCAL, .falls = 2, .stays = true,
     .reason = MOUTH_no_sound},
    {"drips", 200, .ms = 0, .drip_ms = 10, .spoken = LOCAL, .falls = 2, .reason = MOUTH_stalled,
     .took_ms = 3500},
    {"hangs-amid", 200, .ms = 1000, .claimed = 9999, .spoken = REST, .sounds_ms = 1000, .falls = 2,
     .reason = MOUTH_stalled, .took_ms = 1000 + FIRST_MS},
    /* refusals */
    {"wrong-key", 401, JSON("{\"error\":{\"message\":\"Bad key\"}}"), .spoken = LOCAL, .falls = 2,
     .reason = MOUTH_refused},
    {"forbidden", 403, JSON("{}"), .spoken = LOCAL, .falls = 2, .reason = MOUTH_refused},
    {"no-voice", 404, JSON("{\"detail\":\"no such voice\"}"), .spoken = LOCAL, .falls = 2,
     .reason = MOUTH_refused},
    {"bad-request", 400, "text/html", .text = "<p>", .spoken = LOCAL, .falls = 2, .stays = true,
     .reason = MOUTH_refused},
    {"unprocessable", 422, JSON("{\"detail\":[{\"msg\":\"voice\"}]}"), .spoken = LOCAL, .falls = 2,
     .stays = true, .reason = MOUTH_refused},
    {"redirects", 307, .headers = "Location: http://127.0.0.1:1/x\r\n", .spoken = LOCAL, .falls = 2,
     .reason = MOUTH_refused},
    {"busy", 429, JSON("{}"), .spoken = LOCAL, .falls = 2, .reason = MOUTH_busy},
    {"loading", 503, .headers = "Retry-After: 3\r\n", .spoken = LOCAL, .falls = 2,
     .reason = MOUTH_busy},
    {"fails", 500, "text/html", .text = "<p>", .spoken = LOCAL, .falls = 2, .stays = true,
     .reason = MOUTH_failed},
    {"no-content", 204, .spoken = LOCAL, .falls = 2, .stays = true, .reason = MOUTH_failed},
    /* no sound */
    {"empty", 200, .spoken = LOCAL, .falls = 2, .stays = true, .reason = MOUTH_no_sound},
    {"one-byte", 200, .odd = 1, .spoken = LOCAL, .falls = 2, .stays = true,
     .reason = MOUTH_no_sound},
    {"error-inside", 200, JSON("{\"error\":\"CUDA\"}"), .spoken = LOCAL, .falls = 2, .stays = true,
     .reason = MOUTH_no_sound},
    {"page", 200, "text/html", .text = "<!doctype html>", .spoken = LOCAL, .falls = 2,
     .stays = true, .reason = MOUTH_no_sound},
    {"json-as-pcm", 200, .text = "{\"error\":{\"message\":\"x\"}}", .spoken = LOCAL, .falls = 2,
     .stays = true, .reason = MOUTH_no_sound},
    {"mp3", 200, "audio/mpeg", .text = "ID3.........", .spoken = LOCAL, .falls = 2, .stays = true,
     .reason = MOUTH_no_sound},
    {"ogg", 200, "audio/pcm", .text = "OggS........", .spoken = LOCAL, .falls = 2, .stays = true,
     .reason = MOUTH_no_sound},
    {"no-wav", 200, "audio/wav", .text = "RIFF....WAVEdata....", .spoken = LOCAL, .falls = 2,
     .stays = true, .reason = MOUTH_no_sound},
    /* ends that are none */
    {"closes", 0, .closes = true, .spoken = LOCAL, .falls = 2, .reason = MOUTH_broken},
    {"closes-after-head", 200, .claimed = 99, .closes = true, .spoken = LOCAL, .falls = 2,
     .reason = MOUTH_broken},
    {"cut", 200, .ms = 1000, .claimed = 99, .closes = true, .spoken = REST, .sounds_ms = 1000,
     .falls = 2, .reason = MOUTH_broken},
    {"chunk-cut", .raw = CHUNKED "fff\r\nab", .closes = true, .spoken = LOCAL, .falls = 2,
     .reason = MOUTH_broken},
    {"no-http", .raw = "220 mail.example.org ESMTP\r\n", .spoken = LOCAL, .falls = 2,
     .reason = MOUTH_broken},
    {"half-a-head", .raw = "HTTP/1.1 200 OK\r\nContent-", .closes = true, .spoken = LOCAL,
     .falls = 2, .stays = true, .reason = MOUTH_no_sound},
    /* without an end */
    {"endless", 200, .ms = 4000, .drip_ms = 1500, .spoken = ".|" SECOND "|", .falls = 1,
     .stays = true, .reason = MOUTH_endless, .took_ms = 3000},
};

static void whatever_it_does_every_clause_is_spoken(void **state)
{
    for (size_t i = 0; i < countof(table); i++) {
        const struct row *r = &table[i];
        if (i)
            set_up(state);
        step_until(info().is_up);
        peer.row = r;
        open_job("", 1);
        uint64_t from = clock_ms();
        say(FIRST);
        say(SECOND);
        finish();
        step_until(is_finished());
        uint64_t took_ms = clock_ms() - from;
        struct mouth_info now = info();
        if (r->spoken && strcmp(fake.spoken, r->spoken) != 0)
            fail_msg("%s: spoken was %s", r->name, fake.spoken);
        if (r->sounds_ms && fake.sound_bytes / PER_MS != r->sounds_ms)
            fail_msg("%s: %llu ms of sound", r->name,
                     (unsigned long long)fake.sound_bytes / PER_MS);
        if (took_ms > r->took_ms + SLACK_MS)
            fail_msg("%s: it took %llu ms", r->name, (unsigned long long)took_ms);
        if (r->falls && now.fallbacks[r->reason] != r->falls)
            fail_msg("%s: %llu fell back: %s", r->name,
                     (unsigned long long)now.fallbacks[r->reason], now.notes);
        if ((r->falls == 0 || r->stays) != now.is_up)
            fail_msg("%s: is %s", r->name, now.is_up ? "up" : "down");
        assert_int_equal(now.clauses, r->falls ? 0 : 2);
        assert_true(peer.most_at_once <= 2);
        end_job();
        if (i + 1 < countof(table))
            tear_down(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whatever_it_does_every_clause_is_spoken, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
