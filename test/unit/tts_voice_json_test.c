// SPDX-License-Identifier: Apache-2.0
/* What a Piper voice says of itself: all published forms are read, and of fifty broken ones each is refused with a sentence. */
#include "tts/piper/voice_json.h"

#include <stdlib.h>

#include "alloc_fault.h"
#include "unit.h"
#include "voice_write.h"

static char why[VOICE_WHY_BYTES];

#define AUDIO "\"audio\":{\"sample_rate\":22050,\"quality\":\"medium\"}"
#define ESPEAK "\"espeak\":{\"voice\":\"en-us\"}"
#define MAP "\"phoneme_id_map\":{\"_\":[0],\"^\":[1],\"$\":[2],\" \":[3],\"a\":[14],\"\\u0259\":[59]}"
#define GOOD "{" AUDIO "," ESPEAK "," MAP "}"

static enum err read_text(const char *text, struct voice_json *v)
{
    why[0] = 0;
    return voice_json_read(str_of(text), v, why);
}

static void the_least_there_can_be(void **)
{
    struct voice_json v = {};
    assert_ok(read_text(GOOD, &v));
    assert_int_equal(v.rate_hz, 22050);
    assert_int_equal(v.kind, PHONEMES_ESPEAK);
    assert_str(str_of(v.espeak), "en-us");
    assert_str(str_of(v.language), "en");
    assert_int_equal(v.speakers_n, 1);
    assert_null(v.speakers);
    assert_true(v.noise_scale == 0.667f && v.length_scale == 1 && v.noise_w == 0.8f);
    assert_int_equal(v.phonemes_n, 6);
    assert_int_equal(voice_json_phoneme(&v, 0x259)->id[0], 59);
    assert_null(voice_json_phoneme(&v, 'b'));
    voice_json_finish(&v);
}

static void all_that_is_said_is_taken(void **)
{
    struct voice_json v = {};
    assert_ok(read_text(
        "{\"dataset\":\"x\",\"piper_version\":\"1.0.0\",\"audio\":{\"sample_rate\":16000},"
        "\"espeak\":{\"voice\":\"es-419\"},\"inference\":{\"noise_scale\":0.1,\"length_scale\":1.5,\"noise_w\":0},"
        "\"language\":{\"code\":\"es_MX\",\"family\":\"es\",\"region\":\"MX\"},"
        "\"phoneme_type\":\"text\",\"phoneme_map\":{},\"num_symbols\":130,\"num_speakers\":3,"
        "\"speaker_id_map\":{\"ana\":2,\"lu, is\":1},"
        "\"phoneme_id_map\":{\"_\":[0],\"^\":[1],\"$\":[2],\"ab\":[9],\"\\u00f1\":[4,5]}}",
        &v));
    assert_int_equal(v.kind, PHONEMES_TEXT);
    assert_str(str_of(v.language), "es");
    assert_true(v.noise_scale == 0.1f && v.length_scale == 1.5f && v.noise_w == 0);
    assert_int_equal(v.speakers_n, 3);
    assert_str(str_of(v.speakers[0].name), "0");
    assert_str(str_of(v.speakers[1].name), "1"); /* a comma parts names */
    assert_str(str_of(v.speakers[2].name), "ana");
    assert_int_equal(v.phonemes_n, 4); /* "ab" is no letter */
    assert_int_equal(voice_json_phoneme(&v, 0xf1)->count, 2);
    assert_int_equal(voice_json_phoneme(&v, 0xf1)->id[1], 5);
    voice_json_finish(&v);
}

/* The largest published voice has 904. */
static void many_speakers(void **)
{
    struct voice_shape shape = voice_tiny_made();
    autobuf text = {};
    struct voice_json v = {};
    shape.speakers = 904;
    voice_write_json(&shape, &text);
    assert_ok(voice_json_read(buf_str(&text), &v, why));
    assert_int_equal(v.speakers_n, 904);
    assert_str(str_of(v.speakers[903].name), "p1003");
    assert_int_equal(v.speakers[903].id, 903);
    voice_json_finish(&v);
}

static const struct {
    const char *text, *says;
} broken[] = {
    {"", "not JSON"},
    {"{", "not JSON"},
    {GOOD "x", "not JSON"},
    {"[]", "no object"},
    {"null", "no object"},
    {"{}", "sample_rate"},
    {"{\"audio\":22050," ESPEAK "," MAP "}", "\"audio\" is no object"},
    {"{\"audio\":{}," ESPEAK "," MAP "}", "sample_rate"},
    {"{\"audio\":{\"sample_rate\":\"22050\"}," ESPEAK "," MAP "}", "sample_rate"},
    {"{\"audio\":{\"sample_rate\":0}," ESPEAK "," MAP "}", "sample_rate"},
    {"{\"audio\":{\"sample_rate\":-22050}," ESPEAK "," MAP "}", "sample_rate"},
    {"{\"audio\":{\"sample_rate\":1e9}," ESPEAK "," MAP "}", "sample_rate"},
    {"{\"audio\":{\"sample_rate\":22050.5}," ESPEAK "," MAP "}", "sample_rate"},
    {"{\"audio\":{\"sample_rate\":99999999999999999999}," ESPEAK "," MAP "}", "sample_rate"},
    {"{" AUDIO "," AUDIO "," ESPEAK "," MAP "}", "twice"},
    {"{" AUDIO "," MAP "}", "does not name its voice"},
    {"{" AUDIO ",\"espeak\":[]," MAP "}", "\"espeak\" is no object"},
    {"{" AUDIO ",\"espeak\":{}," MAP "}", "does not name its voice"},
    {"{" AUDIO ",\"espeak\":{\"voice\":\"\"}," MAP "}", "no tag"},
    {"{" AUDIO ",\"espeak\":{\"voice\":7}," MAP "}", "no tag"},
    {"{" AUDIO ",\"espeak\":{\"voice\":\"../../etc/passwd\"}," MAP "}", "no tag"},
    {"{" AUDIO ",\"espeak\":{\"voice\":\"en us\"}," MAP "}", "no tag"},
    {"{" AUDIO ",\"espeak\":{\"voice\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}," MAP "}",
     "no tag"},
    {"{" AUDIO ",\"espeak\":{\"voice\":\"en\\u0000us\"}," MAP "}", "no tag"},
    {"{" AUDIO "," ESPEAK ",\"language\":\"en\"," MAP "}", "\"language\" is no object"},
    {"{" AUDIO "," ESPEAK ",\"language\":{\"family\":\"e/n\"}," MAP "}", "no tag"},
    {"{" AUDIO "," ESPEAK ",\"phoneme_type\":\"pinyin\"," MAP "}", "kind \"pinyin\""},
    {"{" AUDIO "," ESPEAK ",\"phoneme_type\":1," MAP "}", "of the kind \"\""},
    {"{" AUDIO "," ESPEAK ",\"phoneme_map\":{\"a\":[\"b\"]}," MAP "}", "renames phonemes"},
    {"{" AUDIO "," ESPEAK ",\"phoneme_map\":[]," MAP "}", "\"phoneme_map\" is no object"},
    {"{" AUDIO "," ESPEAK "}", "phoneme_id_map"},
    {"{" AUDIO "," ESPEAK ",\"phoneme_id_map\":{}}", "phoneme_id_map"},
    {"{" AUDIO "," ESPEAK ",\"phoneme_id_map\":[[0],[1]]}", "\"phoneme_id_map\" is no object"},
    {"{" AUDIO "," ESPEAK ",\"phoneme_id_map\":{\"^\":[1],\"$\":[2]}}", "lacks the phoneme \"_\""},
    {"{" AUDIO "," ESPEAK ",\"phoneme_id_map\":{\"_\":[0],\"$\":[2]}}", "lacks the phoneme \"^\""},
    {"{" AUDIO "," ESPEAK ",\"phoneme_id_map\":{\"_\":[0],\"^\":[1]}}", "lacks the phoneme \"$\""},
    {"{" AUDIO "," ESPEAK ",\"phoneme_id_map\":{\"_\":0}}", "list of 1 to 4"},
    {"{" AUDIO "," ESPEAK ",\"phoneme_id_map\":{\"_\":[]}}", "list of 1 to 4"},
    {"{" AUDIO "," ESPEAK ",\"phoneme_id_map\":{\"_\":[1,2,3,4,5]}}", "list of 1 to 4"},
    {"{" AUDIO "," ESPEAK ",\"phoneme_id_map\":{\"_\":[-1]}}", "none of 1024"},
    {"{" AUDIO "," ESPEAK ",\"phoneme_id_map\":{\"_\":[1.5]}}", "none of 1024"},
    {"{" AUDIO "," ESPEAK ",\"phoneme_id_map\":{\"_\":[\"0\"]}}", "none of 1024"},
    {"{" AUDIO "," ESPEAK ",\"num_symbols\":14," MAP "}", "none of 14"},
    {"{" AUDIO "," ESPEAK ",\"num_symbols\":0," MAP "}", "num_symbols"},
    {"{" AUDIO "," ESPEAK ",\"num_symbols\":1000000," MAP "}", "num_symbols"},
    {"{" AUDIO "," ESPEAK ",\"num_speakers\":0," MAP "}", "num_speakers"},
    {"{" AUDIO "," ESPEAK ",\"num_speakers\":\"two\"," MAP "}", "num_speakers"},
    {"{" AUDIO "," ESPEAK ",\"num_speakers\":2000000000," MAP "}", "num_speakers"},
    {"{" AUDIO "," ESPEAK ",\"num_speakers\":2,\"speaker_id_map\":{\"a\":2}," MAP "}", "none of 2"},
    {"{" AUDIO "," ESPEAK ",\"num_speakers\":2,\"speaker_id_map\":{\"a\":-1}," MAP "}",
     "none of 2"},
    {"{" AUDIO "," ESPEAK ",\"num_speakers\":2,\"speaker_id_map\":[]," MAP "}", "no object"},
    {"{" AUDIO "," ESPEAK ",\"inference\":{\"noise_scale\":-1}," MAP "}", "noise_scale"},
    {"{" AUDIO "," ESPEAK ",\"inference\":{\"noise_w\":\"much\"}," MAP "}", "noise_w"},
    {"{" AUDIO "," ESPEAK ",\"inference\":{\"length_scale\":0}," MAP "}", "length_scale"},
    {"{" AUDIO "," ESPEAK ",\"inference\":{\"length_scale\":1e30}," MAP "}", "length_scale"},
    {"{" AUDIO "," ESPEAK ",\"inference\":3," MAP "}", "\"inference\" is no object"},
};

static void broken_ones_are_refused(void **)
{
    static_assert(countof(broken) >= 50);
    for (size_t i = 0; i < countof(broken); i++) {
        struct voice_json v = {};
        if (read_text(broken[i].text, &v) != ERR_INVALID || !strstr(why, broken[i].says))
            fail_msg("%s: \"%s\" instead of \"%s\"", broken[i].text, why, broken[i].says);
        assert_true(utf8_valid(str_of(why)));
        assert_null(v.phonemes);
    }
}

static void one_that_is_cut_anywhere_is_refused(void **)
{
    for (size_t n = 0; n < sizeof GOOD - 1; n++) {
        struct voice_json v = {};
        assert_err(voice_json_read(str_sub(S(GOOD), 0, n), &v, why), ERR_INVALID);
    }
}

/* Not by torture(): yyjson gives memory back by realloc, which may fail and matter to nobody. */
static void memory_may_be_short(void **)
{
    struct voice_shape shape = voice_tiny_made();
    autobuf text = {};
    shape.speakers = 300; /* more keys than the reader of JSON has room for by itself */
    voice_write_json(&shape, &text);
    unsigned failed = 0;
    for (unsigned n = 0;; n++) {
        struct voice_json v = {};
        alloc_fault_arm(n);
        enum err err = voice_json_read(buf_str(&text), &v, why);
        bool has_failed = alloc_fault_disarm();
        voice_json_finish(&v);
        assert_true(err == OK || (has_failed && err == ERR_NOMEM));
        failed += err == ERR_NOMEM;
        if (!has_failed)
            break;
    }
    assert_true(failed >= 4); /* the document, the keys, phonemes, speakers */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_there_can_be),
        cmocka_unit_test(all_that_is_said_is_taken),
        cmocka_unit_test(many_speakers),
        cmocka_unit_test(broken_ones_are_refused),
        cmocka_unit_test(one_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(memory_may_be_short),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
