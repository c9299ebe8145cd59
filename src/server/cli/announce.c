// SPDX-License-Identifier: Apache-2.0
#include "server/cli/announce.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "server/api/doors.h"
#include "server/api/secure.h"
#include "server/cli/qr.h"

enum { PICTURE_MAX = 64 * 1024 };

static bool has_room_for(unsigned columns)
{
    struct winsize size = {};
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 ||
           size.ws_col >= columns;
}

/* The address alone: whoever photographs the screen still needs the key. */
static void show_picture(const struct cli *c, const char *url)
{
    autobuf picture = BUF(PICTURE_MAX);
    unsigned columns;
    bool terminal = isatty(STDOUT_FILENO);
    if ((!terminal && !c->conf.qr) || qr_draw(url, &picture, &columns) != OK)
        return;
    if (terminal && !c->conf.qr && !has_room_for(columns))
        return;
    printf("\n%.*s\nPoint the camera of a phone in the same network at it.\n",
           STR_FMT(buf_str(&picture)));
}

static void show_certificate(const struct tls_cert *cert)
{
    if (cert->self_signed)
        printf(
            "The certificate is self-signed, so a browser warns of it once. Go on if it shows the\n"
            "same SHA-256 fingerprint:\n%s\n",
            cert->fingerprint);
}

static void announce_json(const char *url, const struct tls_cert *cert, bool ready)
{
    printf("{\"url\":\"%s\",\"ready\":%s", url, ready ? "true" : "false");
    if (cert)
        printf(",\"fingerprint\":\"%s\"", cert->fingerprint);
    printf("}\n");
}

void announce(const struct cli *c, const struct server *s, bool ready)
{
    const char *url = server_url(s);
    const struct tls_cert *cert = s->secure ? secure_certificate(s->secure) : nullptr;
    char other[SERVER_URL_BYTES];
    if (c->json) {
        announce_json(url, cert, ready);
        fflush(stdout);
        return;
    }
    printf("Repartee is %s: %s\n", ready ? "ready" : "starting", url);
    for (unsigned i = 1; doors_url(s, i, other, sizeof other); i++)
        printf("Also:              %s\n", other);
    if (cert)
        show_certificate(cert);
    else if (doors_lead_outside(s))
        printf("Other devices get no microphone over plain http; --tls auto encrypts.\n");
    if (doors_lead_outside(s))
        show_picture(c, url);
    fflush(stdout);
}

void announce_ready(const struct cli *c)
{
    if (!c->json)
        printf("Repartee is ready.\n");
    fflush(stdout);
}
