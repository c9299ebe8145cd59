// SPDX-License-Identifier: Apache-2.0
/* The inside of the client, shared by client.c (requests, by curl) and client_ws.c. */
#pragma once

struct client {
    void *curl;        /* an easy handle */
    char *socket_path; /* NULL: TCP */
    char *base_url;
};
