// SPDX-License-Identifier: Apache-2.0
#include "server/net/self_signed.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

constexpr long DAY_S = 86400;
enum { SERIAL_BITS = 127 };

static bool add_extension(X509 *x, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, x, x, nullptr, nullptr, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    bool done = e != nullptr && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return done;
}

static bool number(X509 *x)
{
    BIGNUM *n = BN_new();
    bool done = n != nullptr && BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != nullptr;
    BN_free(n);
    return done;
}

/* Valid since yesterday: clocks of phones are not all right. No certificate authority: who trusts it
 * trusts this machine only. */
static bool fill(X509 *x, EVP_PKEY *key, const char *names, unsigned days)
{
    X509_NAME *subject = X509_NAME_new();
    bool done = subject != nullptr &&
                X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                           (const unsigned char *)"Repartee", -1, -1, 0) == 1 &&
                X509_set_subject_name(x, subject) == 1 && X509_set_issuer_name(x, subject) == 1;
    X509_NAME_free(subject);
    return done && X509_set_version(x, X509_VERSION_3) == 1 && number(x) &&
           X509_gmtime_adj(X509_getm_notBefore(x), -DAY_S) != nullptr &&
           X509_gmtime_adj(X509_getm_notAfter(x), (long)days * DAY_S) != nullptr &&
           X509_set_pubkey(x, key) == 1 && add_extension(x, NID_subject_alt_name, names) &&
           add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(x, NID_key_usage, "critical,digitalSignature") &&
           add_extension(x, NID_ext_key_usage, "serverAuth") && X509_sign(x, key, EVP_sha256()) > 0;
}

static enum err take(BIO *bio, struct buf *into)
{
    char *bytes;
    long n = BIO_get_mem_data(bio, &bytes);
    return n > 0 ? buf_add(into, (struct str){bytes, (size_t)n}) : ERR_NOMEM;
}

enum err self_signed_make(const char *names, unsigned days, struct buf *ret_cert_pem,
                          struct buf *ret_key_pem)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    BIO *cert_out = BIO_new(BIO_s_mem()), *key_out = BIO_new(BIO_s_secmem());
    enum err err = ERR_NOMEM;
    if (key != nullptr && x != nullptr && cert_out != nullptr && key_out != nullptr &&
        fill(x, key, names, days) && PEM_write_bio_X509(cert_out, x) == 1 &&
        PEM_write_bio_PrivateKey(key_out, key, nullptr, nullptr, 0, nullptr, nullptr) == 1) {
        err = take(cert_out, ret_cert_pem);
        if (err == OK)
            err = take(key_out, ret_key_pem);
    }
    BIO_free(cert_out);
    BIO_free(key_out);
    X509_free(x);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return err;
}

static bool fits_name(X509 *x, struct str name)
{
    char text[256];
    if (name.n >= sizeof text)
        return false;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    if (str_starts(name, S("IP:")))
        return X509_check_ip_asc(x, text + 3, 0) == 1;
    return str_starts(name, S("DNS:")) && X509_check_host(x, text + 4, 0, 0, nullptr) == 1;
}

static X509 *read_certificate(struct str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.n > 0 ? pem.p : "", (int)pem.n);
    X509 *x = bio != nullptr ? PEM_read_bio_X509(bio, nullptr, nullptr, nullptr) : nullptr;
    BIO_free(bio);
    return x;
}

static EVP_PKEY *read_key(struct str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.n > 0 ? pem.p : "", (int)pem.n);
    EVP_PKEY *key = bio != nullptr ? PEM_read_bio_PrivateKey_ex(bio, nullptr, nullptr, (void *)"",
                                                                nullptr, nullptr)
                                   : nullptr;
    BIO_free(bio);
    return key;
}

static enum self_signed_state check_names(X509 *x, const char *names, unsigned days)
{
    int left_days = 0, left_s = 0, until_days = 0, until_s = 0;
    if (ASN1_TIME_diff(&left_days, &left_s, nullptr, X509_get0_notAfter(x)) != 1 ||
        left_days < (int)days || left_s < 0)
        return SELF_SIGNED_ENDS;
    /* Made while the clock was wrong. */
    if (ASN1_TIME_diff(&until_days, &until_s, nullptr, X509_get0_notBefore(x)) != 1 ||
        until_days > 0 || until_s > 0)
        return SELF_SIGNED_ENDS;
    struct str rest = str_of(names), name;
    while (str_cut(&rest, ',', &name))
        if (!fits_name(x, name))
            return SELF_SIGNED_OTHER;
    return SELF_SIGNED_FITS;
}

enum self_signed_state self_signed_check(struct str cert_pem, struct str key_pem, const char *names,
                                         unsigned days)
{
    X509 *x = read_certificate(cert_pem);
    EVP_PKEY *key = read_key(key_pem);
    enum self_signed_state state = SELF_SIGNED_BROKEN;
    if (x != nullptr && key != nullptr && X509_check_private_key(x, key) == 1)
        state = check_names(x, names, days);
    X509_free(x);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return state;
}

static enum err add_address(const ASN1_OCTET_STRING *address, const char *names, struct buf *into)
{
    char text[INET6_ADDRSTRLEN], name[INET6_ADDRSTRLEN + 8];
    int n = ASN1_STRING_length(address);
    if ((n != 4 && n != 16) ||
        inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text, sizeof text) ==
            nullptr)
        return OK;
    snprintf(name, sizeof name, "IP:%s", text);
    struct str rest = str_of(names), known;
    while (str_cut(&rest, ',', &known))
        if (str_eq(known, str_of(name)))
            return OK;
    return buf_addf(into, ",%s", name);
}

enum err self_signed_addresses(struct str cert_pem, const char *names, struct buf *into)
{
    X509 *x = read_certificate(cert_pem);
    GENERAL_NAMES *all =
        x != nullptr ? X509_get_ext_d2i(x, NID_subject_alt_name, nullptr, nullptr) : nullptr;
    enum err err = OK;
    for (int i = 0; err == OK && i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        if (name->type == GEN_IPADD)
            err = add_address(name->d.iPAddress, names, into);
    }
    GENERAL_NAMES_free(all);
    X509_free(x);
    ERR_clear_error();
    return err;
}
