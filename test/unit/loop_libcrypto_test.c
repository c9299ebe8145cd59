// SPDX-License-Identifier: Apache-2.0
/* libcrypto on a lane, without memory (wire/libcrypto.h). */
#include <openssl/evp.h>

#include "alloc_fault.h"
#include "server/loop/lane.h"
#include "unit.h"

struct digest_job {
    struct lane_job job;
    bool did_fail, is_done;
};

static void digest_without_memory(struct lane_job *lj)
{
    struct digest_job *j = (struct digest_job *)lj;
    unsigned char digest[EVP_MAX_MD_SIZE];
    alloc_fault_arm_all(0);
    bool is_made = EVP_Digest("rake", 4, digest, nullptr, EVP_sha256(), nullptr);
    j->did_fail = alloc_fault_disarm() && !is_made;
}

static void digest_done(struct lane_job *lj)
{
    ((struct digest_job *)lj)->is_done = true;
}

/* Nothing of libcrypto has failed on this thread before, so it keeps no errors yet. */
static void libcrypto_may_be_short_of_memory(void **)
{
    struct loop *loop;
    struct lane *lane;
    struct digest_job j = {.job = {.run = digest_without_memory, .done = digest_done}};
    assert_ok(loop_create(&loop));
    assert_ok(lane_create(loop, "digest", 1, &lane));
    assert_ok(lane_post(lane, &j.job));
    lane_destroy(lane);
    loop_destroy(loop);
    assert_true(j.is_done && j.did_fail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libcrypto_may_be_short_of_memory),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
