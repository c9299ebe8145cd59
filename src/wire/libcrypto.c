// SPDX-License-Identifier: Apache-2.0
#include "wire/libcrypto.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

void libcrypto_prepare(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, nullptr);
    ERR_clear_error();
}
