// SPDX-License-Identifier: Apache-2.0
/* What a question is about: its words, each with the words that mean the same. */
#include "server/rag/words.h"

/* A person asks how to get rid of a file where the manual removes a document. Only words that mean the
 * same in almost any text, and only in questions: the index holds what the documents say. */
static const char *const synonyms[][MEANINGS_MAX] = {
    {"accent", "dialect"},
    {"accept", "support"},
    {"add", "upload", "import", "ingest", "attach", "load", "insert", "feed"},
    {"address", "url"},
    {"allow", "permit", "permission"},
    {"amount", "quantity"},
    {"app", "application", "program", "software"},
    {"arrive", "arrival"},
    {"ask", "question"},
    {"audio", "sound"},
    {"automatic", "auto"},
    {"autumn", "fall"},
    {"baggage", "luggage"},
    {"begin", "start", "launch"},
    {"big", "large", "huge"},
    {"bill", "invoice"},
    {"boss", "manager", "supervisor"},
    {"break", "broken", "damage"},
    {"business", "company", "firm", "commercial"},
    {"buy", "purchase", "sell"},
    {"change", "edit", "modify", "alter", "adjust"},
    {"cheap", "inexpensive"},
    {"child", "kid"},
    {"choose", "pick", "select"},
    {"city", "town"},
    {"color", "colour"},
    {"combine", "merge"},
    {"computer", "laptop", "machine", "notebook", "desktop", "pc"},
    {"connect", "hook", "plug"},
    {"conversation", "chat", "dialogue"},
    {"convert", "transcribe", "transcription", "transcript"},
    {"copy", "duplicate"},
    {"correct", "accurate", "accuracy"},
    {"cost", "price", "fee"},
    {"couch", "sofa"},
    {"country", "nation"},
    {"crash", "die"},
    {"delay", "latency", "lag"},
    {"delete", "remove", "erase", "wipe", "rid", "discard", "purge", "throwaway"},
    {"depart", "departure"},
    {"device", "gadget"},
    {"directory", "folder"},
    {"discussion", "debate"},
    {"doctor", "physician"},
    {"elevator", "lift"},
    {"email", "mail"},
    {"employee", "worker", "staff"},
    {"encrypt", "https", "tls", "ssl"},
    {"error", "fault", "mistake", "bug"},
    {"example", "sample"},
    {"excel", "spreadsheet", "xlsx"},
    {"expire", "valid"},
    {"explain", "explanation"},
    {"fail", "failure"},
    {"fast", "quick", "speed", "rapid"},
    {"film", "movie"},
    {"find", "locate", "lookup"},
    {"fix", "repair", "solve"},
    {"flat", "apartment"},
    {"forbid", "prohibit", "ban", "forbidden"},
    {"freeze", "hang"},
    {"frequent", "often"},
    {"garbage", "trash", "rubbish", "waste"},
    {"glasses", "spectacles"},
    {"guest", "visitor"},
    {"hacker", "attacker", "intruder"},
    {"happen", "occur"},
    {"headphone", "headset", "earphone"},
    {"hear", "listen"},
    {"hidden", "invisible"},
    {"holiday", "vacation"},
    {"home", "house"},
    {"ill", "sick"},
    {"incorrect", "wrong", "false"},
    {"invent", "hallucinate", "makeup", "madeup"},
    {"license", "licence"},
    {"lose", "loss"},
    {"man", "male"},
    {"manual", "guide", "handbook"},
    {"medicine", "medication"},
    {"microphone", "mic"},
    {"misunderstand", "understand"},
    {"move", "transfer", "migrate"},
    {"need", "require", "requirement"},
    {"network", "internet", "wifi"},
    {"option", "preference"},
    {"password", "passphrase"},
    {"pay", "payment"},
    {"people", "person"},
    {"phone", "smartphone", "mobile", "telephone"},
    {"picture", "image", "photo"},
    {"private", "privacy", "confidential"},
    {"problem", "trouble", "issue"},
    {"pupil", "student"},
    {"reach", "access"},
    {"reboot", "restart"},
    {"recall", "remember"},
    {"recognize", "recognition", "recognise"},
    {"refund", "reimburse"},
    {"refuse", "reject", "deny", "decline"},
    {"rent", "lease"},
    {"reply", "answer", "respond", "response"},
    {"robot", "robotic"},
    {"safe", "secure", "security", "protect"},
    {"salary", "wage"},
    {"save", "store", "retain"},
    {"say", "speak", "talk"},
    {"send", "transmit"},
    {"setup", "install", "installation"},
    {"shop", "supermarket"},
    {"shorten", "summarize", "summary"},
    {"show", "display"},
    {"silent", "silence", "quiet"},
    {"simultaneous", "concurrent", "parallel"},
    {"slow", "sluggish"},
    {"small", "tiny", "little"},
    {"spy", "eavesdrop", "snoop"},
    {"steal", "theft", "thief"},
    {"stop", "interrupt", "halt", "abort", "cancel", "quit", "exit", "shut"},
    {"street", "road"},
    {"terminal", "console", "shell"},
    {"toilet", "bathroom", "restroom"},
    {"translate", "translation"},
    {"true", "truth"},
    {"update", "upgrade", "newest", "latest"},
    {"vehicle", "car", "automobile"},
    {"warranty", "guarantee"},
    {"wash", "laundry"},
    {"website", "site"},
    {"weigh", "weight", "heavy"},
    {"woman", "female", "lady"},
};

/* In a set of terms: there was a first row. */
static const uint32_t FIRST_ROW = UINT32_C(1) << 31;
static_assert(TERMS_MAX < 32);

/* Its stem, in the place of the word. */
static void to_stem(const char *word, char into[WORD_MAX])
{
    struct str text = str_of(word);
    struct word w;
    if (word_next(&text, &w))
        memcpy(into, w.stem, WORD_MAX);
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
    uint32_t set = 0;
    for (size_t i = 0; i < t->count; i++)
        set |= (uint32_t)means(&t->term[i], stem) << i;
    return set;
}

static void add_meaning(struct term *term, const char *stem)
{
    size_t n = 0;
    while (n < MEANINGS_MAX && term->stem[n][0])
        n++;
    if (n < MEANINGS_MAX && !means(term, str_of(stem)))
        memcpy(term->stem[n], stem, WORD_MAX);
}

/* None of the table's words begins with another letter than its stem. */
static bool has_stem(const char *const group[MEANINGS_MAX], const char *stem)
{
    char one[WORD_MAX] = {};
    for (size_t i = 0; i < MEANINGS_MAX && group[i]; i++) {
        if (group[i][0] != stem[0])
            continue;
        to_stem(group[i], one);
        if (strcmp(one, stem) == 0)
            return true;
    }
    return false;
}

/* Adds the words that mean the same as a stem. False: the table has none. */
static bool add_synonyms(struct term *term, const char *stem)
{
    static const size_t groups = sizeof synonyms / sizeof *synonyms;
    bool any = false;
    for (size_t g = 0; g < groups; g++) {
        if (!has_stem(synonyms[g], stem))
            continue;
        any = true;
        char one[WORD_MAX] = {};
        for (size_t i = 0; i < MEANINGS_MAX && synonyms[g][i]; i++) {
            to_stem(synonyms[g][i], one);
            add_meaning(term, one);
        }
    }
    return any;
}

static void add_term(struct terms *t, struct term term)
{
    if (t->count == TERMS_MAX || position(t, str_of(term.stem[0])) < t->count)
        return;
    term.weight = 1;
    add_synonyms(&term, term.stem[0]);
    t->term[t->count++] = term;
}

static void add_word(struct terms *t, struct word w, bool aside)
{
    struct term term = {.common = w.common, .aside = aside};
    memcpy(term.stem[0], w.stem, sizeof w.stem);
    add_term(t, term);
}

/* Both as one word are a meaning of those of them that are terms. Where neither is one, they are a term
 * of their own if they have synonyms: "make up". */
static void add_joined(struct terms *t, struct word first, struct word second)
{
    struct term both = {};
    if (!word_join(first, second, both.stem[0]))
        return;
    const struct word *const parts[] = {&first, &second};
    bool is_new = true;
    for (size_t i = 0; i < 2; i++) {
        size_t at = position(t, str_of(parts[i]->stem));
        if (at == t->count || parts[i]->function)
            continue;
        add_meaning(&t->term[at], both.stem[0]);
        add_synonyms(&t->term[at], both.stem[0]);
        is_new = false;
    }
    if (is_new && add_synonyms(&both, both.stem[0]))
        add_term(t, both);
}

static bool is_word(struct word w, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(w.text, str_of(list[i])))
            return true;
    return false;
}

#define IS_ONE_OF(w, list) is_word(w, list, sizeof(list) / sizeof *(list))

/* What follows "my", up to the next word of glue, is the asker's own affair. */
static void collect(struct str question, bool with_function_words, struct terms *t)
{
    static const char *const owning[] = {"my", "our", "his", "her", "their"};
    struct word w;
    bool aside = false;
    while (t->count < TERMS_MAX && word_next(&question, &w)) {
        if (w.function)
            aside = IS_ONE_OF(w, owning);
        if (!w.function || with_function_words)
            add_word(t, w, aside && !w.function);
    }
}

/* "how long" asks, it does not say that something is long. */
static void set_asking(struct terms *t, struct word measure)
{
    size_t at = position(t, str_of(measure.stem));
    if (at < t->count)
        t->term[at].common = t->term[at].asking = true;
}

/* What the words say together. */
static void look_at_pairs(struct str question, struct terms *t)
{
    static const char *const measures[] = {"much", "many", "long", "often", "far",   "old",
                                           "big",  "tall", "high", "deep",  "heavy", "large",
                                           "fast", "hot",  "wide", "soon",  "thick", "late"};
    static const char *const being[] = {"is", "are", "was", "were", "for"};
    struct word last = {}, w;
    for (bool first = true; word_next(&question, &w); first = false) {
        if (str_eq_nocase(w.text, S("when")) && first)
            t->wants_number = true;
        if (str_eq_nocase(last.text, S("how")) && IS_ONE_OF(w, measures)) {
            t->wants_number = true;
            set_asking(t, w);
        }
        if (str_eq_nocase(last.text, S("much")) && IS_ONE_OF(w, being))
            add_term(t, (struct term){.stem = {"cost"}, .common = true}); /* "how much is it?" */
        if (!first && w.text.p <= last.text.p + last.text.n + 1)
            add_joined(t, last, w);
        last = w;
    }
}

void terms_of(struct str question, struct terms *ret_terms)
{
    *ret_terms = (struct terms){};
    collect(question, false, ret_terms);
    ret_terms->glue_only = ret_terms->count == 0;
    if (ret_terms->glue_only)
        collect(question, true, ret_terms);
    look_at_pairs(question, ret_terms);
}

uint32_t terms_in(const struct terms *t, struct str text)
{
    uint32_t set = 0;
    struct stems all = {.rest = text};
    char stem[WORD_MAX];
    while (stems_next(&all, stem))
        set |= set_of(t, str_of(stem));
    return set;
}

double terms_fill(const struct terms *t, struct str heading)
{
    struct word w;
    double filled = 0, all = 0;
    while (word_next(&heading, &w)) {
        double weight = w.function ? 0 : w.common ? 0.5 : 1;
        all += weight;
        filled += position(t, str_of(w.stem)) < t->count ? weight : 0;
    }
    return all > 0 ? filled / all : 0;
}

uint32_t terms_said(const struct terms *t, const struct sentence *s, uint32_t *columns)
{
    uint32_t asking = 0;
    for (size_t i = 0; i < t->count; i++)
        asking |= (uint32_t)t->term[i].asking << i;
    uint32_t in = terms_in(t, s->text) & ~asking;
    if (!sentence_is_row(s))
        *columns = 0;
    else if (*columns == 0)
        *columns = in | FIRST_ROW;
    return (in | *columns) & ~FIRST_ROW;
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

uint32_t terms_own_in_stems(const struct terms *t, struct str stems)
{
    uint32_t set = 0;
    struct str one;
    while (str_cut(&stems, ' ', &one))
        for (size_t i = 0; i < t->count; i++)
            set |= (uint32_t)str_eq(str_of(t->term[i].stem[0]), one) << i;
    return set;
}
