// SPDX-License-Identifier: Apache-2.0
#include "server/access/jwt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"

/* {"alg":"HS256","typ":"JWT"}: the only header that is ever written or accepted. */
static const char header[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
static const char issuer[] = "repartee";
enum { MAC_BYTES = 32, MAC_CHARS = 43 };

/* base64url without padding (RFC 4648, section 5). */
static enum err put_base64url(struct buf *into, const unsigned char *bytes, size_t n)
{
    size_t room = 4 * ((n + 2) / 3);
    try(buf_reserve(into, room + 1)); /* EVP_EncodeBlock adds a NUL */
    char *at = into->p + into->n;
    EVP_EncodeBlock((unsigned char *)at, bytes, (int)n);
    while (room && at[room - 1] == '=')
        room--;
    for (size_t i = 0; i < room; i++)
        at[i] = at[i] == '+' ? '-' : at[i] == '/' ? '_' : at[i];
    into->n += room;
    return OK;
}

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static enum err get_base64url(struct str text, struct buf *into)
{
    uint32_t bits = 0;
    int have = 0;
    for (size_t i = 0; i < text.n; i++) {
        int d = digit_of(text.p[i]);
        if (d < 0)
            return ERR_AUTH;
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have >= 8) {
            have -= 8;
            try(buf_add_byte(into, (char)(bits >> have & 0xff)));
        }
    }
    return OK;
}

static enum err mac_of(struct str key, struct str signed_part, unsigned char ret_mac[MAC_BYTES])
{
    check(key.n >= JWT_KEY_MIN);
    return HMAC(EVP_sha256(), key.p, (int)key.n, (const unsigned char *)signed_part.p,
                signed_part.n, ret_mac, nullptr)
               ? OK
               : ERR_NOMEM;
}

enum err jwt_sign(struct str key, int64_t now_s, struct jwt_claims *claims, struct buf *into)
{
    random_hex(claims->id, 16);
    claims->issued_s = now_s;
    claims->expires_s = now_s + JWT_LIFE_S;

    autobuf body = BUF(JWT_MAX_BYTES);
    struct json_out j = {.to = &body};
    json_obj(&j);
    json_kstr(&j, "iss", str_of(issuer));
    json_kstr(&j, "aud", str_of(issuer));
    json_kstr(&j, "sub", str_of(claims->owner));
    json_kstr(&j, "sid", str_of(claims->session));
    json_kstr(&j, "right", str_of(claims->right));
    json_kstr(&j, "jti", str_of(claims->id));
    json_kint(&j, "iat", claims->issued_s);
    json_kint(&j, "nbf", claims->issued_s);
    json_kint(&j, "exp", claims->expires_s);
    json_end(&j);
    try(json_finish(&j));

    size_t start = into->n;
    try(buf_add(into, str_of(header)));
    try(buf_add_byte(into, '.'));
    try(put_base64url(into, (const unsigned char *)body.p, body.n));
    unsigned char mac[MAC_BYTES];
    try(mac_of(key, str_sub(buf_str(into), start, into->n), mac));
    try(buf_add_byte(into, '.'));
    return put_base64url(into, mac, sizeof mac);
}

static bool copy_claim(const struct json_val *obj, const char *key, char *into, size_t max)
{
    struct str s = json_str(json_get(obj, key));
    if (s.n == 0 || s.n > max)
        return false;
    memcpy(into, s.p, s.n);
    into[s.n] = 0;
    return true;
}

static enum err read_claims(struct str json, int64_t now_s, struct jwt_claims *ret_claims)
{
    struct json_doc *doc;
    struct json_why why;
    enum err err = json_parse(json, &doc, &why);
    if (err != OK)
        return err == ERR_NOMEM ? ERR_NOMEM : ERR_AUTH;
    const struct json_val *obj = json_root(doc);
    struct jwt_claims c = {};
    int64_t not_before = json_int(json_get(obj, "nbf"), INT64_MAX);
    c.issued_s = json_int(json_get(obj, "iat"), INT64_MAX);
    c.expires_s = json_int(json_get(obj, "exp"), 0);
    /* Subtractions are safe: a verified token carries numbers that this server wrote. */
    bool good = str_eq(json_str(json_get(obj, "iss")), str_of(issuer)) &&
                str_eq(json_str(json_get(obj, "aud")), str_of(issuer)) &&
                copy_claim(obj, "sub", c.owner, JWT_OWNER_MAX) &&
                copy_claim(obj, "sid", c.session, JWT_SESSION_MAX) &&
                copy_claim(obj, "right", c.right, JWT_RIGHT_MAX) &&
                copy_claim(obj, "jti", c.id, sizeof c.id - 1) &&
                not_before <= now_s + JWT_LEEWAY_S && c.issued_s <= now_s + JWT_LEEWAY_S &&
                c.expires_s > now_s - JWT_LEEWAY_S && c.expires_s - c.issued_s <= JWT_LIFE_S;
    json_doc_destroy(doc);
    if (!good)
        return ERR_AUTH;
    *ret_claims = c;
    return OK;
}

enum err jwt_verify(struct str key, int64_t now_s, struct str token, struct jwt_claims *ret_claims)
{
    if (token.n > JWT_MAX_BYTES || token.n < sizeof header + 1 + MAC_CHARS)
        return ERR_AUTH;
    struct str head = str_sub(token, 0, sizeof header - 1);
    size_t last_dot = token.n - MAC_CHARS - 1;
    if (!str_eq(head, str_of(header)) || token.p[head.n] != '.' || token.p[last_dot] != '.')
        return ERR_AUTH;

    unsigned char mac[MAC_BYTES];
    try(mac_of(key, str_sub(token, 0, last_dot), mac));
    autobuf want = BUF(64);
    try(put_base64url(&want, mac, sizeof mac));
    if (want.n != MAC_CHARS || CRYPTO_memcmp(want.p, token.p + last_dot + 1, MAC_CHARS) != 0)
        return ERR_AUTH;

    autobuf json = BUF(JWT_MAX_BYTES);
    try(get_base64url(str_sub(token, head.n + 1, last_dot), &json));
    return read_claims(buf_str(&json), now_s, ret_claims);
}
