// SPDX-License-Identifier: Apache-2.0
/*
 * What libcrypto keeps for each thread is made while there is memory for it. It makes it with the first error of a
 * thread, and when that error is a lack of memory it cannot, which is an error, and so on until the stack is full
 * (OpenSSL 3.6, crypto/err and crypto/threads_common.c; its strings of errors wait for themselves in the same way,
 * openssl/openssl#32894).
 */
#pragma once

/* At the start of every thread that may call libcrypto, when it is taken for granted that there is memory; the second
 * time does nothing. */
void libcrypto_prepare(void);
