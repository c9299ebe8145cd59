// SPDX-License-Identifier: Apache-2.0
#include "server/access/own_certificate.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "server/access/pem_file.h"
#include "server/net/addresses.h"
#include "server/net/self_signed.h"

enum { LIFE_DAYS = 800, LEFT_DAYS = 14, NAMES_MAX = 2048, PATH_BYTES = 4096 };

void own_certificate_path(const char *data, enum own_file which, char *into, size_t size)
{
    snprintf(into, size, "%s/tls/%s.pem", data, which == OWN_KEY ? "key" : "certificate");
}

/* --- names --------------------------------------------------------------------------------------- */

/* A host may be called anything; a certificate's names are letters, digits, dots and hyphens. */
static bool is_host_name(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '.')
            return false;
    return n > 0 && n < 200 && name[0] != '.' && name[0] != '-' && name[n - 1] != '.' &&
           strcmp(name, "localhost") != 0;
}

static enum err list_names(struct str host, struct buf *into)
{
    char name[256] = "";
    try(buf_add(into, S("DNS:localhost,IP:127.0.0.1,IP:::1")));
    if (gethostname(name, sizeof name - 1) == 0 && is_host_name(name)) {
        int label = (int)strcspn(name, ".");
        try(buf_addf(into, ",DNS:%s", name));
        if (strcmp(name + label, ".local") != 0)
            try(buf_addf(into, ",DNS:%.*s.local", label, name));
    }
    struct addresses list;
    addresses_of(host, &list);
    for (unsigned i = 0; i < list.count; i++)
        try(buf_addf(into, ",IP:%s", list.text[i]));
    return OK;
}

/* --- files --------------------------------------------------------------------------------------- */

/* All of it under its name, or nothing; readable by its owner only from the first moment on. */
static enum err save(const char *data, enum own_file which, struct str pem)
{
    char path[PATH_BYTES];
    own_certificate_path(data, which, path, sizeof path);
    return file_replace(path, 0600, pem);
}

/* The key first: a certificate that is there has its key beside it, unless we died just between. */
static enum err make(const char *data, const char *names)
{
    char folder[PATH_BYTES];
    autobuf cert = BUF(PEM_FILE_MAX);
    autobuf key = BUF(PEM_FILE_MAX);
    snprintf(folder, sizeof folder, "%s/tls", data);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return err_from_errno(errno);
    enum err err = buf_reserve(&key, 4096); /* so that no copy of it is left behind by growing */
    if (err == OK)
        err = self_signed_make(names, LIFE_DAYS, &cert, &key);
    if (err == OK)
        err = save(data, OWN_KEY, buf_str(&key));
    if (err == OK)
        err = save(data, OWN_CERTIFICATE, buf_str(&cert));
    if (key.n > 0)
        OPENSSL_cleanse(key.p, key.n);
    return err;
}

/* --- whether it still does ----------------------------------------------------------------------- */

static enum own_made why_anew(struct str cert, struct str key, const char *names)
{
    switch (self_signed_check(cert, key, names, LEFT_DAYS)) {
    case SELF_SIGNED_FITS:
        return OWN_KEPT;
    case SELF_SIGNED_ENDS:
        return OWN_EXPIRED;
    case SELF_SIGNED_OTHER:
        return OWN_MOVED;
    default:
        return cert.n > 0 || key.n > 0 ? OWN_DAMAGED : OWN_FIRST;
    }
}

enum err own_certificate_renew(const char *data, struct str host, enum own_made *ret_made)
{
    char path[PATH_BYTES];
    autobuf names = BUF(NAMES_MAX);
    autobuf more = BUF(NAMES_MAX);
    autobuf cert = BUF(PEM_FILE_MAX);
    autobuf key = BUF(PEM_FILE_MAX);
    try(list_names(host, &names));
    const char *asked = buf_z(&names);
    if (!asked)
        return ERR_NOMEM;
    own_certificate_path(data, OWN_CERTIFICATE, path, sizeof path);
    enum err err = pem_file_read(path, &cert);
    own_certificate_path(data, OWN_KEY, path, sizeof path);
    if (err == OK || err == ERR_NOTFOUND)
        err = pem_file_read(path, &key);
    if (err != OK && err != ERR_NOTFOUND)
        return err;
    enum own_made made = why_anew(buf_str(&cert), buf_str(&key), asked);
    if (key.n > 0)
        OPENSSL_cleanse(key.p, key.n);
    if (made != OWN_KEPT) {
        try(buf_add(&more, str_of(asked)));
        if (self_signed_addresses(buf_str(&cert), asked, &more) != OK)
            buf_clear(&more); /* too many by now: those of today are enough */
        const char *all = more.n > 0 ? buf_z(&more) : asked;
        try(make(data, all ? all : asked));
    }
    *ret_made = made;
    return OK;
}
