// SPDX-License-Identifier: Apache-2.0
// Property batch_strict: reading any octets as a CLUSTER_REG_BATCH_UPDATE ends; it delivers every
// octet, in commands that lie one behind the other inside the buffer and keep the rules of strict
// readers, or one error with an offset inside the buffer, which stays. Following the lengths alone
// (unchecked names) delivers at least as many commands.
#include "fuzz_batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const cmrp_view bytes = {data, size};
    const struct fuzz_batch_end strict = fuzz_batch_walk("batch_strict", bytes, CMRP_BATCH_STRICT);
    const struct fuzz_batch_end loose =
        fuzz_batch_walk("batch_strict", bytes, CMRP_BATCH_UNCHECKED_NAMES);
    if (loose.count < strict.count || (strict.ok && !loose.ok)) {
        fuzz_fail("batch_strict", "unchecked reading stops before strict reading");
    }
    *(strict.ok ? &fuzz_tally.accepted : &fuzz_tally.rejected) += 1;
    return 0;
}
