// SPDX-License-Identifier: Apache-2.0
/* What a hub answers, a header a line: X-Linked-Etag, size, commit, range, Location, ETag. */
#include "base/check.h"
#include "fuzz.h"
#include "server/models/hub.h"
#include "server/net/fetch_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str rest = {(const char *)bytes, size}, line[6] = {};
    for (size_t i = 0; i < sizeof line / sizeof *line && str_cut(&rest, '\n', &line[i]); i++)
        ;
    struct hub_facts f;
    hub_facts_read(&(struct hub_headers){line[0], line[1], line[2], line[5]}, &f);
    check(f.size >= 0 && (!f.sha256[0] || sha256_is_good(str_of(f.sha256))));
    check(!f.git[0] || (git_is_good(str_of(f.git)) && !f.sha256[0]));
    check(strlen(f.commit) == 0 || (strlen(f.commit) >= 40 && strlen(f.commit) <= SHA256_HEX));
    int64_t from = 0, total = 0;
    if (content_range_read(line[3], &from, &total))
        check(from >= 0 && (total == 0 || from < total));
    autobuf url = BUF(URL_MAX);
    struct url_parts parts;
    if (url_follow("https://hub.example/a/b", line[4], &url) == OK && buf_z(&url) &&
        url_read(url.p, &parts) == OK)
        check(parts.host[0] && parts.port > 0);
    return 0;
}
