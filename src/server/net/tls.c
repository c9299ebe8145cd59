// SPDX-License-Identifier: Apache-2.0
#include "server/net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/net/tls_parts.h"

constexpr uint64_t KEYS_MS = 12ull * 3600 * 1000;
constexpr long TICKET_S = 2 * 3600;
static const unsigned char session_context[] = "repartee";

/* --- what every connection gets ------------------------------------------------------------------ */

static int choose_protocol(SSL *, const unsigned char **ret_name, unsigned char *ret_n,
                           const unsigned char *offered, unsigned n, void *)
{
    static const unsigned char ours[] = "\x08http/1.1";
    return SSL_select_next_proto((unsigned char **)ret_name, ret_n, ours, sizeof ours - 1, offered,
                                 n) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool set_up(const struct tls *t, SSL_CTX *ctx)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets keep no memory here */
    SSL_CTX_set_timeout(ctx, TICKET_S);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, nullptr);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
           SSL_CTX_set_session_id_context(ctx, session_context, sizeof session_context - 1) == 1 &&
           SSL_CTX_set_tlsext_ticket_keys(ctx, (void *)t->ticket_keys, TLS_TICKET_KEYS) == 1;
}

static void on_new_keys(void *arg)
{
    struct tls *t = arg;
    random_bytes(t->ticket_keys, sizeof t->ticket_keys);
    if (t->ctx != nullptr &&
        SSL_CTX_set_tlsext_ticket_keys(t->ctx, t->ticket_keys, TLS_TICKET_KEYS) != 1)
        log_debug("tls: the ticket keys stay as they are");
    timer_start(&t->new_keys, KEYS_MS);
}

/* --- certificates -------------------------------------------------------------------------------- */

/* Else OpenSSL would ask for it on the terminal. */
static int no_passphrase(char *, int, int, void *)
{
    return 0;
}

static const char *use_chain(SSL_CTX *ctx, BIO *pem, X509 **ret_leaf)
{
    X509 *leaf = PEM_read_bio_X509(pem, nullptr, no_passphrase, nullptr);
    if (leaf == nullptr)
        return "there is no certificate in PEM format in the certificate file";
    *ret_leaf = leaf;
    if (SSL_CTX_use_certificate(ctx, leaf) != 1)
        return "OpenSSL refuses the certificate; its key may be too short or its signature too old";
    X509 *next;
    while ((next = PEM_read_bio_X509(pem, nullptr, no_passphrase, nullptr)) != nullptr)
        if (SSL_CTX_add0_chain_cert(ctx, next) != 1) {
            X509_free(next);
            return "OpenSSL refuses a certificate of the chain";
        }
    return nullptr;
}

static const char *use_key(SSL_CTX *ctx, BIO *pem)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, nullptr, no_passphrase, nullptr);
    if (key == nullptr)
        return "there is no private key in PEM format, without a passphrase, in the key file";
    const char *why = SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1
                          ? nullptr
                          : "the private key belongs to another certificate";
    EVP_PKEY_free(key);
    return why;
}

static void copy_name(X509 *leaf, char *into, size_t size)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr);
    for (int i = 0; i < sk_GENERAL_NAME_num(all) && into[0] == '\0'; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        if (name->type != GEN_DNS)
            continue;
        struct str text = {(const char *)ASN1_STRING_get0_data(name->d.dNSName),
                           (size_t)ASN1_STRING_length(name->d.dNSName)};
        if (text.n < size && str_find_byte(text, '*') == text.n)
            snprintf(into, size, "%.*s", STR_FMT(text));
    }
    GENERAL_NAMES_free(all);
}

static bool describe(X509 *leaf, struct tls_cert *ret_cert)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int days, seconds;
    if (X509_digest(leaf, EVP_sha256(), digest, &n) != 1 || n * 3 != TLS_FINGERPRINT_SIZE ||
        ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(leaf)) != 1)
        return false;
    for (unsigned i = 0; i < n; i++)
        snprintf(ret_cert->fingerprint + (size_t)3 * i, 4, i + 1 < n ? "%02X:" : "%02X", digest[i]);
    ret_cert->expires_s = clock_wall_ms() / 1000 + (int64_t)days * 86400 + seconds;
    copy_name(leaf, ret_cert->name, sizeof ret_cert->name);
    ret_cert->self_signed = X509_self_signed(leaf, 0) == 1;
    return true;
}

static const char *fill(SSL_CTX *ctx, struct str cert_pem, struct str key_pem,
                        struct tls_cert *ret_cert)
{
    BIO *cert = BIO_new_mem_buf(cert_pem.n > 0 ? cert_pem.p : "", (int)cert_pem.n);
    BIO *key = BIO_new_mem_buf(key_pem.n > 0 ? key_pem.p : "", (int)key_pem.n);
    X509 *leaf = nullptr;
    const char *why = "there is not enough memory";
    if (cert != nullptr && key != nullptr)
        why = use_chain(ctx, cert, &leaf);
    if (why == nullptr)
        why = use_key(ctx, key);
    if (why == nullptr && !describe(leaf, ret_cert))
        why = "the certificate cannot be read";
    X509_free(leaf);
    BIO_free(cert);
    BIO_free(key);
    ERR_clear_error();
    return why;
}

enum err tls_use(struct tls *t, struct str cert_pem, struct str key_pem, struct tls_cert *ret_cert,
                 const char **ret_why)
{
    if (cert_pem.n > INT32_MAX || key_pem.n > INT32_MAX)
        return ERR_TOOBIG;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (ctx == nullptr || !set_up(t, ctx)) {
        SSL_CTX_free(ctx);
        return ERR_NOMEM;
    }
    struct tls_cert cert = {};
    const char *why = fill(ctx, cert_pem, key_pem, &cert);
    if (why != nullptr) {
        SSL_CTX_free(ctx);
        *ret_why = why;
        return ERR_INVALID;
    }
    SSL_CTX_free(t->ctx);
    t->ctx = ctx;
    *ret_cert = cert;
    return OK;
}

/* --- life ---------------------------------------------------------------------------------------- */

enum err tls_create(struct loop *l, uint32_t handshake_ms, struct tls **ret_tls)
{
    struct tls *t = mem_zero(1, sizeof *t);
    if (t == nullptr)
        return ERR_NOMEM;
    t->loop = l;
    t->handshake_ms = handshake_ms;
    t->bio = tls_bio_create();
    timer_init(&t->new_keys, l, on_new_keys, t);
    if (t->bio == nullptr) {
        tls_destroy(t);
        return ERR_NOMEM;
    }
    on_new_keys(t);
    *ret_tls = t;
    return OK;
}

void tls_destroy(struct tls *t)
{
    if (t == nullptr)
        return;
    tls_end_handshakes(t);
    timer_stop(&t->new_keys);
    SSL_CTX_free(t->ctx);
    BIO_meth_free(t->bio);
    OPENSSL_cleanse(t->ticket_keys, sizeof t->ticket_keys);
    free(t);
}
