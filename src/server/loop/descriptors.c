// SPDX-License-Identifier: Apache-2.0
#include "server/loop/descriptors.h"

#include <sys/resource.h>

uint64_t descriptors_allow(uint64_t wanted)
{
    struct rlimit now;
    if (getrlimit(RLIMIT_NOFILE, &now) != 0)
        return 0;
    if (now.rlim_cur >= wanted) /* also when there is no limit */
        return now.rlim_cur;
    struct rlimit more = {wanted < now.rlim_max ? wanted : now.rlim_max, now.rlim_max};
    return setrlimit(RLIMIT_NOFILE, &more) == 0 ? more.rlim_cur : now.rlim_cur;
}
