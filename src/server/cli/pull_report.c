// SPDX-License-Identifier: Apache-2.0
/* How a pull goes, told to the server that has started it. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/json.h"
#include "server/cli/pull_parts.h"
#include "wire/inherit.h"

enum { REPORT_FD = 3, SENTENCE_MAX = 2000, NICE = 10 };

enum err pull_report_begin(struct pull *p, const char *fd)
{
    /* Before the first look whether the server is there: from now on its end is ours. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "repartee-pull");
    setpriority(PRIO_PROCESS, 0, NICE); /* conversations go first */
    if (strcmp(fd, "3") != 0 || inherit_socket(REPORT_FD) != OK)
        return ERR_INVALID;
    inherit_signals(false);
    p->reports = true;
    p->c->json = true; /* else silent */
    pull_report_alive(p);
    return OK;
}

/* What was written is there for the next try. */
static void send_line(struct json_out *j)
{
    json_end(j);
    enum err err = json_finish(j);
    if (err == OK)
        err = buf_add_byte(j->to, '\n');
    if (err != OK || inherit_write(REPORT_FD, buf_str(j->to)) != OK)
        exit(EXIT_FAILED);
}

static struct json_out begin_line(struct buf *into, const char *type)
{
    struct json_out j = {.to = into};
    json_obj(&j);
    json_kstr(&j, "type", str_of(type));
    return j;
}

void pull_report_progress(const struct pull *p, const struct wish *w, int64_t done, int64_t total)
{
    autobuf line = BUF(1024);
    if (!p->reports)
        return;
    struct json_out j = begin_line(&line, "progress");
    json_kstr(&j, "name", str_of(w->name));
    json_kint(&j, "done", done);
    json_kint(&j, "total", total);
    send_line(&j);
}

void pull_report_alive(const struct pull *p)
{
    autobuf line = BUF(1024);
    if (!p->reports)
        return;
    struct json_out j = begin_line(&line, "alive");
    send_line(&j);
}

void pull_report_done(const struct pull *p)
{
    autobuf line = BUF(1024);
    if (!p->reports)
        return;
    struct json_out j = begin_line(&line, "done");
    send_line(&j);
}

int pull_fail(const struct pull *p, enum err err, const char *fmt, ...)
{
    char text[SENTENCE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!p->reports)
        return cli_fail(p->c, "%s", text);
    autobuf line = BUF(2 * SENTENCE_MAX);
    struct json_out j = begin_line(&line, "error");
    json_kstr(&j, "code", str_of(err_code(err)));
    json_kstr(&j, "message", str_of(text));
    send_line(&j);
    return EXIT_FAILED;
}
