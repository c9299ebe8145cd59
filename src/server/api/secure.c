// SPDX-License-Identifier: Apache-2.0
#include "server/api/secure.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "server/access/own_certificate.h"
#include "server/access/pem_file.h"

enum { LOOK_MS = 2000, RENEW_MS = 60000, WARN_DAYS = 14, DAY_S = 86400, PATH_BYTES = 4096 };

/* By which a change of a file is seen; all zero when it is not there. */
struct stamp {
    dev_t device;
    ino_t file;
    off_t size;
    struct timespec changed;
};

struct secure {
    struct tls *tls;
    const char *data;
    char *own_for; /* tls = auto: the address that we listen on; else NULL */
    char *cert_file, *key_file;
    struct tls_cert cert;
    struct timer look, renew;
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
    autobuf cert = BUF(PEM_FILE_MAX), key = BUF(PEM_FILE_MAX);
    s->used[0] = s->seen[0] = stamp_of(s->cert_file);
    s->used[1] = s->seen[1] = stamp_of(s->key_file);
    enum err err = pem_file_read(s->cert_file, &cert);
    if (err != OK) {
        snprintf(why, size, "%.120s cannot be read: %s", s->cert_file, err_text(err));
        return err;
    }
    err = pem_file_read(s->key_file, &key);
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
    if (s->own_for) { /* its life is our business */
        log_info("the certificate's SHA-256 fingerprint is %s", s->cert.fingerprint);
        return;
    }
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

/* tls = auto: a certificate there must be, and it must fit. */
static enum err renew(struct secure *s)
{
    static const char *const whys[] = {
        [OWN_EXPIRED] = "the old one is at its end or not valid yet",
        [OWN_MOVED] = "this machine has a new name or address",
        [OWN_DAMAGED] = "the old one is damaged",
    };
    enum own_made made;
    try(own_certificate_renew(s->data, str_of(s->own_for), &made));
    if (made == OWN_FIRST)
        log_info("a self-signed certificate was made: %.200s", s->cert_file);
    else if (made != OWN_KEPT)
        log_warn(
            "a new self-signed certificate was made, since %s; browsers will ask about it again",
            whys[made]);
    return OK;
}

static void on_renew(void *arg)
{
    struct secure *s = arg;
    enum err err = renew(s);
    if (err != OK)
        log_warn("the certificate cannot be made anew: %s", err_text(err));
    timer_start(&s->renew, RENEW_MS); /* a new one is seen by on_look like any other */
}

void secure_reload(struct secure *s)
{
    if (s->own_for)
        on_renew(s);
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

static enum err check_options(const struct conf *conf, struct server_why *why)
{
    bool files = strcmp(conf->tls, "files") == 0;
    if (files && (!conf->tls_cert_file[0] || !conf->tls_key_file[0]))
        return server_refuse(
            why, ERR_INVALID,
            "tls = files needs tls.cert_file and tls.key_file: name the certificate "
            "and its private key, both in PEM format");
    if (!files && (conf->tls_cert_file[0] || conf->tls_key_file[0]))
        return server_refuse(
            why, ERR_INVALID,
            "tls.cert_file and tls.key_file are used with tls = files only; set that, "
            "or take them out");
    return OK;
}

static enum err name_files(const struct conf *conf, struct str host, struct secure *s)
{
    char cert[PATH_BYTES], key[PATH_BYTES];
    bool own = strcmp(conf->tls, "auto") == 0;
    own_certificate_path(s->data, OWN_CERTIFICATE, cert, sizeof cert);
    own_certificate_path(s->data, OWN_KEY, key, sizeof key);
    s->own_for = own ? mem_strdup(host) : nullptr;
    s->cert_file = mem_strdup(str_of(own ? cert : conf->tls_cert_file));
    s->key_file = mem_strdup(str_of(own ? key : conf->tls_key_file));
    return s->cert_file && s->key_file && (!own || s->own_for) ? OK : ERR_NOMEM;
}

static enum err build(struct loop *l, const struct conf *conf, struct str host, struct secure *s,
                      struct server_why *why)
{
    timer_init(&s->look, l, on_look, s);
    timer_init(&s->renew, l, on_renew, s);
    try(tls_create(l, (uint32_t)conf->header_ms, &s->tls));
    try(name_files(conf, host, s));
    enum err err = s->own_for ? renew(s) : OK;
    if (err != OK)
        return server_refuse(
            why, err,
            "the certificate %.200s cannot be made (%s); look at the rights of its folder and the disk's space",
            s->cert_file, err_text(err));
    char reason[200] = "";
    err = load(s, reason, sizeof reason);
    if (err != OK)
        return server_refuse(why, err, "the certificate cannot be used: %s; %s", reason,
                             s->own_for
                                 ? "remove the folder tls in the data folder, and a new "
                                   "one is made"
                                 : "mend tls.cert_file and tls.key_file, or set tls to auto");
    if (!s->own_for) /* else the fingerprint is printed, see cli/announce */
        tell_loaded(s);
    timer_start(&s->look, LOOK_MS);
    if (s->own_for)
        timer_start(&s->renew, RENEW_MS);
    return OK;
}

enum err secure_open(struct loop *l, const struct conf *conf, const char *data, struct str host,
                     struct secure **ret_secure, struct server_why *ret_why)
{
    try(check_options(conf, ret_why));
    *ret_secure = nullptr;
    if (strcmp(conf->tls, "off") == 0)
        return OK;
    struct secure *s = mem_zero(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->data = data;
    enum err err = build(l, conf, host, s, ret_why);
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
    timer_stop(&s->look);
    timer_stop(&s->renew);
    tls_destroy(s->tls);
    free(s->own_for);
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
