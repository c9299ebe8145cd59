// SPDX-License-Identifier: Apache-2.0
#include "wire/model_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

enum { PIECE = 1 << 20, SUM_BYTES = 32 };

static enum err hash(int fd, EVP_MD_CTX *ctx, char into[2 * SUM_BYTES + 1])
{
    autofree uint8_t *piece = malloc(PIECE);
    uint8_t sum[EVP_MAX_MD_SIZE];
    ssize_t n = 0;
    if (!piece || !ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), nullptr))
        return ERR_NOMEM;
    while ((n = read(fd, piece, PIECE)) > 0)
        if (!EVP_DigestUpdate(ctx, piece, (size_t)n))
            return ERR_NOMEM;
    if (n < 0)
        return err_from_errno(errno);
    if (!EVP_DigestFinal_ex(ctx, sum, nullptr))
        return ERR_NOMEM;
    for (size_t i = 0; i < SUM_BYTES; i++)
        snprintf(into + 2 * i, 3, "%02x", sum[i]);
    return OK;
}

enum err model_hash_check(const char *path, struct str sha256, char why[WORKER_WHY_BYTES])
{
    char is[2 * SUM_BYTES + 1] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum err err = err_from_errno(errno);
        snprintf(why, WORKER_WHY_BYTES, "cannot open the model %.160s: %s", path, err_text(err));
        return err;
    }
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    enum err err = hash(fd, ctx, is);
    EVP_MD_CTX_free(ctx);
    close(fd);
    if (err != OK) {
        snprintf(why, WORKER_WHY_BYTES, "cannot read the model %.160s: %s", path, err_text(err));
        return err;
    }
    if (str_eq(sha256, str_of(is)))
        return OK;
    snprintf(why, WORKER_WHY_BYTES,
             "the model %.80s is not what models.lock says (another SHA-256); remove it with "
             "'repartee models rm' and pull it anew",
             path);
    return ERR_INVALID;
}
