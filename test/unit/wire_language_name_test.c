// SPDX-License-Identifier: Apache-2.0
/* Languages by their codes and by their English names. */
#include "unit.h"
#include "wire/language_name.h"

static void names_of_tags(void **)
{
    static const struct {
        const char *tag, *name;
    } rows[] = {
        {"de", "german"},         {"de-CH", "german"},
        {"DE_ch", "german"},      {"EN", "english"},
        {"haw", "hawaiian"},      {"ha", "hausa"},
        {"ht", "haitian creole"}, {"yue-HK", "cantonese"},
        {"auto", "auto"},         {"gsw", "gsw"},
        {"tlh-Latn", "tlh-Latn"}, {"", ""},
        {"german", "german"},     {"-", "-"},
    };
    for (size_t i = 0; i < countof(rows); i++)
        assert_str(language_name(str_of(rows[i].tag)), rows[i].name);
}

static void codes_of_names_and_tags(void **)
{
    static const struct {
        const char *name, *code;
    } rows[] = {
        {"german", "de"},
        {"German", "de"},
        {"ENGLISH", "en"},
        {"Haitian Creole", "ht"},
        {"de", "de"},
        {"de-CH", "de"},
        {"PT_br", "pt"},
        {"haw", "haw"},
        /* what is none */
        {"auto", ""},
        {"", ""},
        {"Klingon", ""},
        {"haitian", ""},
        {"germ", ""},
        {"german ", ""},
        {"d", ""},
        {"-de", ""},
    };
    for (size_t i = 0; i < countof(rows); i++)
        assert_str(language_code(str_of(rows[i].name)), rows[i].code);
}

static void each_language_has_one_code_and_one_name(void **)
{
    struct str code;
    size_t n = 0;
    for (; language_at(n, &code); n++) {
        assert_true(language_is_tag(code));
        assert_true(str_eq(language_code(language_name(code)), code));
        assert_true(str_eq(language_code(code), code));
    }
    assert_int_equal(n, 100); /* Whisper's */
    assert_false(language_at(SIZE_MAX, &code));
}

static void tags_are_told_from_other_words(void **)
{
    static const char *const tags[] = {"", "de", "pt-BR", "pt_BR", "zh-Hant", "es-419", "auto"},
                             *const others[] = {"de ",        "d e",   "de;q=1",
                                                "gr\xc3\xbc", "../en", "\""};
    for (size_t i = 0; i < countof(tags); i++)
        assert_true(language_is_tag(str_of(tags[i])));
    for (size_t i = 0; i < countof(others); i++)
        assert_false(language_is_tag(str_of(others[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_tags),
        cmocka_unit_test(codes_of_names_and_tags),
        cmocka_unit_test(each_language_has_one_code_and_one_name),
        cmocka_unit_test(tags_are_told_from_other_words),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
