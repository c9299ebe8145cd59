// SPDX-License-Identifier: Apache-2.0
/*
 * What servers of files say about one in their headers. Pure; what is not well formed counts as not said.
 * Hugging Face's hub answers with where the file is and what it must be (huggingface_hub/file_download.py): of a large
 * file its SHA-256, of a small one, which lies in Git itself, the name that Git has for it. Ranges are RFC 9110, 14.4.
 */
#pragma once

#include "server/models/source.h"

struct hub_facts {
    char sha256[SHA256_HEX + 1]; /* "": not said */
    char git[GIT_HEX + 1];       /* the SHA-1 of "blob SIZE", a zero and the bytes; "": not said */
    char commit[SHA256_HEX + 1]; /* "": not said */
    int64_t size;                /* 0: not said */
};

struct hub_headers {
    struct str linked_etag, linked_size,
        repo_commit; /* X-Linked-Etag, X-Linked-Size, X-Repo-Commit */
    struct str etag;
};
void hub_facts_read(const struct hub_headers *h, struct hub_facts *ret_facts);
/* "bytes 5-9/10": from 5, 10 in all; *ret_total 0: "*". */
bool content_range_read(struct str s, int64_t *ret_from, int64_t *ret_total);
/* A length or a number of seconds; `otherwise` when it is none. */
int64_t header_number(struct str s, int64_t otherwise);
