// SPDX-License-Identifier: Apache-2.0
#include "server/cli/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

enum {
    START_MS = 60000,
    ANYHOW_MS = 5000,
    POLL_MS = 20,
    ANSWER_MAX = 64 * 1024 * 1024,
    STOP_MS = 5000
};

struct connection {
    struct client *client;
    pid_t own; /* the private server, or 0 */
};

static void nap(unsigned ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, nullptr);
}

static enum err collect(void *arg, struct str bytes)
{
    return buf_add(arg, bytes);
}

static enum err get(struct client *client, const char *path, struct buf *answer, int *ret_status)
{
    const struct client_request r = {.method = "GET", .path = path, .timeout_ms = 5000};
    buf_clear(answer);
    return client_do(client, &r, collect, answer, ret_status);
}

/* Becomes the private server. Standard output stays clean for the command's results. */
[[noreturn]] static void become_server(const struct cli *c)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        _exit(EXIT_FAILED);
    setpgid(0, 0); /* Ctrl-C is the command's; it ends us in order */
    struct cli server = *c;
    server.quiet = true;
    if (!log_enabled(LOG_DEBUG))
        log_set_level(LOG_WARN); /* its good news is not what the command was asked for */
    _exit(cli_serve(&server));
}

static pid_t start_server(const struct cli *c)
{
    fflush(nullptr);
    pid_t pid = fork();
    if (pid == 0)
        become_server(c);
    return pid;
}

static bool has_died(struct connection *k)
{
    int status;
    if (!k->own || waitpid(k->own, &status, WNOHANG) != k->own)
        return false;
    k->own = 0;
    return true;
}

static int wait_until_ready(const struct cli *c, enum connect_mode mode, struct connection *k)
{
    uint64_t until = clock_ms() + (mode == CONNECT_READY ? START_MS : ANYHOW_MS);
    autobuf answer = BUF(1024 * 1024);
    for (;;) {
        int status = 0;
        enum err err = get(k->client, "/readyz", &answer, &status);
        if (err == OK && status == 200)
            return EXIT_OK;
        if (has_died(k))
            return cli_fail(c, "the server did not start; its own words stand above");
        if (clock_ms() > until && mode == CONNECT_ANYHOW && err == OK)
            return EXIT_OK;
        if (clock_ms() > until)
            return cli_fail(c,
                            "the server is not ready after %d s; 'repartee doctor' says what is "
                            "missing",
                            START_MS / 1000);
        nap(POLL_MS);
    }
}

int connect_server(const struct cli *c, enum connect_mode mode, struct connection **ret_connection)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/server.sock", c->data);
    struct connection *k = mem_zero(1, sizeof *k);
    if (!k || client_create(path, nullptr, &k->client) != OK) {
        free(k);
        return cli_fail(c, "there is not enough memory");
    }
    autobuf answer = BUF(1024 * 1024);
    int status;
    if (get(k->client, "/healthz", &answer, &status) != OK)
        k->own = start_server(c);
    int code = k->own < 0 ? cli_fail(c, "no process can be started: %s", strerror(errno))
                          : wait_until_ready(c, mode, k);
    if (code != EXIT_OK) {
        disconnect_server(k);
        return code;
    }
    *ret_connection = k;
    return EXIT_OK;
}

void disconnect_server(struct connection *k)
{
    if (!k)
        return;
    client_destroy(k->client);
    if (k->own > 0) {
        kill(k->own, SIGTERM);
        uint64_t until = clock_ms() + STOP_MS;
        while (!has_died(k) && clock_ms() < until)
            nap(POLL_MS / 4);
        if (k->own) {
            kill(k->own, SIGKILL);
            waitpid(k->own, nullptr, 0);
        }
    }
    free(k);
}

enum err connection_get(struct connection *k, const char *path, struct buf *ret_answer,
                        int *ret_status)
{
    return get(k->client, path, ret_answer, ret_status);
}

struct client *connection_client(const struct connection *k)
{
    return k->client;
}

int connection_refused(const struct cli *c, int status, struct str answer)
{
    struct json_doc *doc = nullptr;
    struct json_why why;
    struct str message = {};
    if (json_parse(answer, &doc, &why) == OK)
        message = json_str(json_get(json_get(json_root(doc), "error"), "message"));
    if (message.n)
        cli_fail(c, "%.*s", STR_FMT(message));
    else
        cli_fail(c, "the server answered with status %d", status);
    json_doc_destroy(doc);
    return EXIT_FAILED;
}

int connection_json(const struct cli *c, struct connection *k, const char *method, const char *path,
                    const char *content_type, struct str body, struct buf *ret_answer)
{
    char type[128];
    snprintf(type, sizeof type, "Content-Type: %s", content_type);
    const char *const headers[] = {type, nullptr};
    const struct client_request r = {
        .method = method, .path = path, .headers = body.n ? headers : nullptr, .body = body};
    int status = 0;
    buf_clear(ret_answer);
    ret_answer->cap = ANSWER_MAX;
    enum err err = client_do(k->client, &r, collect, ret_answer, &status);
    if (err != OK)
        return cli_fail(c, "the server went away (%s); try again", err_text(err));
    return status < 300 ? EXIT_OK : connection_refused(c, status, buf_str(ret_answer));
}
