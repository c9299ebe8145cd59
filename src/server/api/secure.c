// SPDX-License-Identifier: Apache-2.0
#include "server/api/secure.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"

enum { LOOK_MS = 2000, PEM_MAX = 1024 * 1024, WARN_DAYS = 14, DAY_S = 86400 };

/* By which a change of a file is seen; all zero when it is not there. */
struct stamp {
    dev_t device;
    ino_t file;
    off_t size;
    struct timespec changed;
};

struct secure {
    struct tls *tls;
    char *cert_file, *key_file;
    struct tls_cert cert;
    struct timer look;
    struct stamp used[2],
        seen[2]; /* of the certificate and the key: when read; when last looked at */
};

/* --- files --------------------------------------------------------------------------------------- */

static struct stamp stamp_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return (struct stamp){};
    return (struct stamp){st.st_dev, st.st_ino, st.st_size, st.st_ctim};
}

static bool same(const struct stamp a[2], const struct stamp b[2])
{
    for (int i = 0; i < 2; i++)
        if (a[i].device != b[i].device || a[i].file != b[i].file || a[i].size != b[i].size ||
            a[i].changed.tv_sec != b[i].changed.tv_sec ||
            a[i].changed.tv_nsec != b[i].changed.tv_nsec)
            return false;
    return true;
}

static enum err read_file(const char *path, struct buf *into)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_from_errno(errno);
    enum err err = OK;
    ssize_t n = 1;
    while (err == OK && n > 0) {
        err = buf_reserve(into, 4096);
        n = err == OK ? read(fd, into->p + into->n, 4096) : 0;
        if (n < 0)
            err = err_from_errno(errno);
        else
            into->n += (size_t)n;
    }
    close(fd);
    return err;
}

static void warn_of_key(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && (st.st_mode & S_IROTH) != 0)
        log_warn("everybody on this machine may read the private key %.200s; chmod o-r mends it",
                 path);
}

/* --- the certificate ----------------------------------------------------------------------------- */

static void date(int64_t at_s, char into[32])
{
    time_t t = (time_t)at_s;
    struct tm tm = {};
    (void)gmtime_r(&t, &tm);
    (void)strftime(into, 32, "%Y-%m-%d", &tm);
}

/* The sentence's beginning is the caller's: "the certificate cannot be used: …". */
static enum err load(struct secure *s, char *why, size_t size)
{
    autobuf cert = BUF(PEM_MAX), key = BUF(PEM_MAX);
    s->used[0] = s->seen[0] = stamp_of(s->cert_file);
    s->used[1] = s->seen[1] = stamp_of(s->key_file);
    enum err err = read_file(s->cert_file, &cert);
    if (err != OK) {
        snprintf(why, size, "%.120s cannot be read: %s", s->cert_file, err_text(err));
        return err;
    }
    err = read_file(s->key_file, &key);
    const char *reason = nullptr;
    if (err != OK) {
        snprintf(why, size, "%.120s cannot be read: %s", s->key_file, err_text(err));
    } else {
        err = tls_use(s->tls, buf_str(&cert), buf_str(&key), &s->cert, &reason);
        if (err != OK)
            snprintf(why, size, "%s", reason != nullptr ? reason : err_text(err));
    }
    if (key.n > 0)
        OPENSSL_cleanse(key.p, key.n);
    return err;
}

static void tell_loaded(const struct secure *s)
{
    char until[32];
    int64_t left_s = s->cert.expires_s - clock_wall_ms() / 1000;
    date(s->cert.expires_s, until);
    if (left_s < 0)
        log_warn("the certificate %.200s has expired on %s; browsers will refuse it", s->cert_file,
                 until);
    else if (left_s < (int64_t)WARN_DAYS * DAY_S)
        log_warn("the certificate %.200s expires on %s; renew it", s->cert_file, until);
    else
        log_info("the certificate %.200s is valid until %s", s->cert_file, until);
    warn_of_key(s->key_file);
}

void secure_reload(struct secure *s)
{
    char why[200] = "";
    if (load(s, why, sizeof why) == OK)
        tell_loaded(s);
    else
        log_warn("the new certificate is not used, the old one stays: %s", why);
}

/* Changed is not enough: somebody may be writing just now. What looks the same twice is at rest. */
static void on_look(void *arg)
{
    struct secure *s = arg;
    const struct stamp now[2] = {stamp_of(s->cert_file), stamp_of(s->key_file)};
    bool at_rest = same(now, s->seen);
    s->seen[0] = now[0];
    s->seen[1] = now[1];
    if (at_rest && !same(now, s->used))
        secure_reload(s);
    timer_start(&s->look, LOOK_MS);
}

/* --- life ---------------------------------------------------------------------------------------- */

static enum err refuse(struct server_why *why, const char *text)
{
    snprintf(why->text, sizeof why->text, "%s", text);
    return ERR_INVALID;
}

static enum err check_options(const struct conf *conf, struct server_why *why)
{
    bool files = strcmp(conf->tls, "files") == 0;
    if (files && (!conf->tls_cert_file[0] || !conf->tls_key_file[0]))
        return refuse(why, "tls = files needs tls.cert_file and tls.key_file: name the certificate "
                           "and its private key, both in PEM format");
    if (!files && (conf->tls_cert_file[0] || conf->tls_key_file[0]))
        return refuse(why,
                      "tls.cert_file and tls.key_file are used with tls = files only; set that, "
                      "or take them out");
    return OK;
}

static enum err build(struct loop *l, const struct conf *conf, struct secure *s,
                      struct server_why *why)
{
    timer_init(&s->look, l, on_look, s);
    try(tls_create(l, (uint32_t)conf->header_ms, &s->tls));
    s->cert_file = mem_strdup(str_of(conf->tls_cert_file));
    s->key_file = mem_strdup(str_of(conf->tls_key_file));
    if (!s->cert_file || !s->key_file)
        return ERR_NOMEM;
    char reason[200] = "";
    enum err err = load(s, reason, sizeof reason);
    if (err != OK) {
        snprintf(why->text, sizeof why->text, "the certificate cannot be used: %s", reason);
        return err;
    }
    tell_loaded(s);
    timer_start(&s->look, LOOK_MS);
    return OK;
}

enum err secure_open(struct loop *l, const struct conf *conf, struct secure **ret_secure,
                     struct server_why *ret_why)
{
    try(check_options(conf, ret_why));
    *ret_secure = nullptr;
    if (strcmp(conf->tls, "off") == 0)
        return OK;
    struct secure *s = mem_zero(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    enum err err = build(l, conf, s, ret_why);
    if (err != OK) {
        secure_close(s);
        return err;
    }
    *ret_secure = s;
    return OK;
}

void secure_close(struct secure *s)
{
    if (!s)
        return;
    if (s->look.loop)
        timer_stop(&s->look);
    tls_destroy(s->tls);
    free(s->cert_file);
    free(s->key_file);
    free(s);
}

struct tls *secure_tls(const struct secure *s)
{
    return s->tls;
}

const struct tls_cert *secure_certificate(const struct secure *s)
{
    return &s->cert;
}
