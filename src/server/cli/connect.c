// SPDX-License-Identifier: Apache-2.0
#include "server/cli/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/api/claim.h"

enum {
    START_MS = 60000,
    SETTLED_MS = 5000,            /* until an engine that does not run is believed, */
    STARTING_MS = 4 * SETTLED_MS, /* or one that still starts */
    POLL_MS = 20,
    ANSWER_MAX = 64 * 1024 * 1024,
    STOP_MS = 5000
};

struct connection {
    struct client *client;
    pid_t own; /* the private server, or 0 */
    enum connect_mode mode;
    int words; /* what it and its engines say on standard error, a file in memory; -1: none */
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

/* Becomes the private server. Standard output stays clean for the command's results, and standard
 * error is not held: whoever reads the command's would wait for the server's end too. */
[[noreturn]] static void become_server(const struct cli *c, const struct connection *k)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        _exit(EXIT_FAILED);
    setpgid(0, 0); /* Ctrl-C is the command's; it ends us in order */
    struct cli server = *c;
    server.is_private = true;
    server.is_patient = k->mode != CONNECT_READY;
    if (!log_enabled(LOG_DEBUG)) { /* who wants to see more wants it at once */
        log_set_level(LOG_WARN);   /* its good news is not what the command was asked for */
        if (k->words >= 0 && dup2(k->words, STDERR_FILENO) < 0)
            _exit(EXIT_FAILED);
    }
    _exit(cli_serve(&server));
}

static pid_t start_server(const struct cli *c, struct connection *k)
{
    fflush(nullptr);
    if (k->words < 0)
        k->words = memfd_create("words", MFD_CLOEXEC);
    pid_t pid = fork();
    if (pid == 0)
        become_server(c, k);
    return pid;
}

/* Passes on what our own server has said. */
static void print_words(const struct connection *k)
{
    char piece[4096];
    ssize_t n;
    for (off_t at = 0; k->words >= 0 && (n = pread(k->words, piece, sizeof piece, at)) > 0; at += n)
        fwrite(piece, 1, (size_t)n, stderr);
}

/* Our own server has ended just now, and how. */
static bool has_died(struct connection *k, int *ret_code)
{
    int status;
    if (!k->own || waitpid(k->own, &status, WNOHANG) != k->own)
        return false;
    k->own = 0;
    *ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
    return true;
}

static int no_server(const struct cli *c, const char *why)
{
    char holder[CLAIM_HOLDER_BYTES];
    claim_holder(c->data, holder);
    return cli_fail(c, "%s: %s has %s; end it, or name another directory with --data", why, holder,
                    c->data);
}

/* Does an engine still start, as /readyz says? */
static bool some_start(struct str ready)
{
    struct json_doc *doc;
    struct json_why why;
    if (json_parse(ready, &doc, &why) != OK)
        return false;
    const struct json_val *engine;
    struct str role;
    bool some = false;
    for (size_t i = 0; json_next(json_get(json_root(doc), "engines"), &i, &role, &engine);)
        some |= str_eq(json_str(json_get(engine, "state")), S("starting"));
    json_doc_destroy(doc);
    return some;
}

/* Is a server that lives and is not ready what is wanted? */
static bool is_content(const struct connection *k, uint64_t waited_ms, struct str ready)
{
    if (k->mode == CONNECT_SETTLED)
        return waited_ms > STARTING_MS || (waited_ms > SETTLED_MS && !some_start(ready));
    return k->mode == CONNECT_ALIVE;
}

/* One look at the server. Returns ERR_AGAIN to look again, else sets *ret_code. */
static enum err look(const struct cli *c, struct connection *k, uint64_t waited_ms, int *ret_code)
{
    autobuf answer = BUF(1024 * 1024);
    int status = 0, code;
    enum err err = get(k->client, "/readyz", &answer, &status);
    if (err == OK && (status == 200 || is_content(k, waited_ms, buf_str(&answer)))) {
        *ret_code = EXIT_OK;
        return OK;
    }
    if (has_died(k, &code) && code != EXIT_IN_USE) {
        print_words(k);
        *ret_code = cli_fail(c, "the server did not start; its own words stand above");
        return OK;
    }
    /* Nobody answers: we start one ourselves, unless somebody else is just doing that, or is just
     * ending: then ours finds the directory taken, and we look again. */
    if (err == ERR_NOTFOUND && !k->own) {
        k->own = start_server(c, k);
        if (k->own < 0) {
            k->own = 0;
            *ret_code = cli_fail(c, "no process can be started: %s; end some and try again",
                                 strerror(errno));
            return OK;
        }
    }
    return ERR_AGAIN;
}

static int wait_until_ready(const struct cli *c, struct connection *k)
{
    uint64_t begun = clock_ms();
    int code;
    for (;;) {
        uint64_t waited = clock_ms() - begun;
        if (look(c, k, waited, &code) == OK)
            return code;
        if (waited > START_MS && !k->own)
            return no_server(c, "the running server does not answer");
        if (waited > START_MS)
            return cli_fail(c,
                            "the server is not ready after %d s; 'repartee doctor' says what is "
                            "missing",
                            START_MS / 1000);
        nap(waited < 1000 ? POLL_MS : 5 * POLL_MS);
    }
}

int connect_server(const struct cli *c, enum connect_mode mode, struct connection **ret_connection)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/server.sock", c->data);
    struct connection *k = mem_zero(1, sizeof *k);
    if (k)
        *k = (struct connection){.words = -1, .mode = mode};
    if (!k || client_create(path, nullptr, &k->client) != OK) {
        free(k);
        return cli_no_memory(c);
    }
    int code = wait_until_ready(c, k);
    if (code != EXIT_OK) {
        disconnect_server(k);
        return code;
    }
    *ret_connection = k;
    return EXIT_OK;
}

/* How many connections the server has, ours among them; -1: it does not answer. */
static int64_t connections(struct connection *k)
{
    autobuf answer = BUF(1024 * 1024);
    struct json_doc *doc;
    struct json_why why;
    int status;
    if (get(k->client, "/readyz", &answer, &status) != OK ||
        json_parse(buf_str(&answer), &doc, &why) != OK)
        return -1;
    int64_t n = json_int(json_get(json_root(doc), "connections"), -1);
    json_doc_destroy(doc);
    return n;
}

/* Ours ends now, or after the commands that have come to use it too; those we do not wait for. */
static void leave_server(struct connection *k)
{
    int64_t users = connections(k);
    client_destroy(k->client);
    k->client = nullptr;
    kill(k->own, SIGTERM);
    uint64_t until = clock_ms() + STOP_MS;
    int code;
    while (users <= 1 && !has_died(k, &code) && clock_ms() < until)
        nap(POLL_MS / 4);
    if (users < 0 && k->own) { /* it hangs */
        kill(k->own, SIGKILL);
        waitpid(k->own, nullptr, 0);
    }
    print_words(k);
}

void disconnect_server(struct connection *k)
{
    if (!k)
        return;
    if (k->own > 0)
        leave_server(k);
    client_destroy(k->client);
    if (k->words >= 0)
        close(k->words);
    free(k);
}

enum err connection_get(struct connection *k, const char *path, struct buf *ret_answer,
                        int *ret_status)
{
    return get(k->client, path, ret_answer, ret_status);
}

bool connection_is_private(const struct connection *k)
{
    return k->own > 0;
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
    bool is_sound = status == 415 && strcmp(c->command->name, "hear") == 0;
    if (message.n)
        cli_fail(c, "%.*s%s", STR_FMT(message), is_sound ? CLI_CONVERT : "");
    else
        cli_fail(c, "the server answered with status %d; 'repartee doctor' may tell why", status);
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
