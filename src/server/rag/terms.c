// SPDX-License-Identifier: Apache-2.0
/* What a question is about: its words, each with the words that mean the same. */
#include "server/rag/words.h"

/* A person asks how to get rid of a file where the manual removes a document. Only words that mean the
 * same in almost any text, and only in questions: the index holds what the documents say. */
static const char *const synonyms[][MEANINGS_MAX] = {
    {"add", "upload", "import", "ingest", "attach"},
    {"allow", "permit", "permission"},
    {"app", "application", "program", "software"},
    {"ask", "question"},
    {"audio", "sound"},
    {"begin", "start", "launch"},
    {"big", "large", "huge"},
    {"bill", "invoice"},
    {"buy", "purchase"},
    {"car", "automobile"},
    {"choose", "pick", "select"},
    {"computer", "laptop", "machine", "notebook", "desktop"},
    {"convert", "transcribe", "transcription", "transcript"},
    {"correct", "accurate", "accuracy"},
    {"cost", "price"},
    {"crash", "die"},
    {"delete", "remove", "erase", "wipe", "rid", "discard"},
    {"encrypt", "https", "tls", "ssl"},
    {"error", "fault", "mistake"},
    {"expire", "valid"},
    {"fast", "quick", "speed", "rapid"},
    {"find", "locate", "lookup"},
    {"fix", "repair", "solve"},
    {"folder", "directory"},
    {"hidden", "invisible"},
    {"holiday", "vacation"},
    {"invent", "hallucinate"},
    {"save", "store", "retain"},
    {"man", "male"},
    {"microphone", "mic"},
    {"network", "internet", "wifi"},
    {"option", "setting", "preference"},
    {"password", "passphrase"},
    {"people", "person"},
    {"phone", "smartphone", "mobile", "telephone"},
    {"picture", "image", "photo"},
    {"private", "privacy", "confidential"},
    {"recognize", "recognition", "recognise"},
    {"reply", "answer", "respond", "response"},
    {"safe", "secure", "security", "protect"},
    {"say", "speak", "talk"},
    {"send", "transmit"},
    {"show", "display"},
    {"shorten", "summarize", "summary"},
    {"small", "tiny", "little"},
    {"stop", "interrupt", "halt", "abort", "cancel"},
    {"terminal", "console", "shell"},
    {"true", "truth"},
    {"update", "upgrade", "newest", "latest"},
    {"website", "site"},
    {"woman", "female"},
};

/* Its stem, in the place of the word. */
static void to_stem(const char *word, char into[WORD_MAX])
{
    struct str text = str_of(word);
    struct word w;
    if (word_next(&text, &w))
        memcpy(into, w.stem, WORD_MAX);
}

static void add_meanings(struct term *term)
{
    static const size_t groups = sizeof synonyms / sizeof *synonyms;
    for (size_t g = 0; g < groups; g++) {
        char stems[MEANINGS_MAX][WORD_MAX] = {};
        bool means_it = false;
        for (size_t i = 0; i < MEANINGS_MAX && synonyms[g][i]; i++) {
            to_stem(synonyms[g][i], stems[i]);
            means_it |= strcmp(stems[i], term->stem[0]) == 0;
        }
        for (size_t i = 0, n = 1; means_it && i < MEANINGS_MAX && stems[i][0]; i++)
            if (strcmp(stems[i], term->stem[0]) != 0)
                memcpy(term->stem[n++], stems[i], WORD_MAX);
    }
}

static bool means(const struct term *term, struct str stem)
{
    for (size_t i = 0; i < MEANINGS_MAX && term->stem[i][0]; i++)
        if (str_eq(str_of(term->stem[i]), stem))
            return true;
    return false;
}

static size_t position(const struct terms *t, struct str stem)
{
    size_t i = 0;
    while (i < t->count && !means(&t->term[i], stem))
        i++;
    return i;
}

static uint32_t set_of(const struct terms *t, struct str stem)
{
    size_t i = position(t, stem);
    return i < t->count ? UINT32_C(1) << i : 0;
}

static void collect(struct str question, bool with_function_words, struct terms *t)
{
    struct word w;
    while (t->count < TERMS_MAX && word_next(&question, &w)) {
        if ((w.function && !with_function_words) || position(t, str_of(w.stem)) < t->count)
            continue;
        struct term *term = &t->term[t->count++];
        *term = (struct term){.weight = 1, .common = w.common};
        memcpy(term->stem[0], w.stem, sizeof w.stem);
        add_meanings(term);
    }
}

void terms_of(struct str question, struct terms *ret_terms)
{
    *ret_terms = (struct terms){};
    collect(question, false, ret_terms);
    if (ret_terms->count == 0)
        collect(question, true, ret_terms);
}

uint32_t terms_in(const struct terms *t, struct str text)
{
    uint32_t set = 0;
    struct word w;
    while (word_next(&text, &w))
        set |= set_of(t, str_of(w.stem));
    return set;
}

uint32_t terms_in_stems(const struct terms *t, struct str stems)
{
    uint32_t set = 0;
    struct str one;
    while (str_cut(&stems, ' ', &one))
        set |= set_of(t, one);
    return set;
}

double terms_share(const struct terms *t, uint32_t set)
{
    double sum = 0, all = 0;
    for (size_t i = 0; i < t->count; i++) {
        all += t->term[i].weight;
        sum += set >> i & 1 ? t->term[i].weight : 0;
    }
    return all > 0 ? sum / all : 0;
}
