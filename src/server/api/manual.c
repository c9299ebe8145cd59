// SPDX-License-Identifier: Apache-2.0
#include "server/api/manual.h"

static const char answers[] = {
#embed "answers.md"
};
static const char api[] = {
#embed "api.md"
};
static const char command_line[] = {
#embed "command-line.md"
};
static const char configuration[] = {
#embed "configuration.md"
};
static const char documents[] = {
#embed "documents.md"
};
static const char engines[] = {
#embed "engines.md"
};
static const char first_talk[] = {
#embed "first-talk.md"
};
static const char install[] = {
#embed "install.md"
};
static const char models[] = {
#embed "models.md"
};
static const char next[] = {
#embed "next.md"
};
static const char privacy[] = {
#embed "privacy.md"
};
static const char security[] = {
#embed "security.md"
};
static const char troubleshooting[] = {
#embed "troubleshooting.md"
};
static const char voices[] = {
#embed "voices.md"
};

const struct manual_page manual[] = {
    {"answers.md", answers, sizeof answers},
    {"api.md", api, sizeof api},
    {"command-line.md", command_line, sizeof command_line},
    {"configuration.md", configuration, sizeof configuration},
    {"documents.md", documents, sizeof documents},
    {"engines.md", engines, sizeof engines},
    {"first-talk.md", first_talk, sizeof first_talk},
    {"install.md", install, sizeof install},
    {"models.md", models, sizeof models},
    {"next.md", next, sizeof next},
    {"privacy.md", privacy, sizeof privacy},
    {"security.md", security, sizeof security},
    {"troubleshooting.md", troubleshooting, sizeof troubleshooting},
    {"voices.md", voices, sizeof voices},
};
const size_t manual_count = sizeof manual / sizeof *manual;
