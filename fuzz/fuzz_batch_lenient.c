// SPDX-License-Identifier: Apache-2.0
// Property batch_lenient: lenient reading keeps what batch_strict demands of every walk, accepts
// whatever strict reading accepts, and never delivers fewer commands.
#include "fuzz_batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const cmrp_view bytes = {data, size};
    const struct fuzz_batch_end lenient =
        fuzz_batch_walk("batch_lenient", bytes, CMRP_BATCH_LENIENT);
    const struct fuzz_batch_end strict = fuzz_batch_walk("batch_lenient", bytes, CMRP_BATCH_STRICT);
    if (lenient.count < strict.count || (strict.ok && !lenient.ok)) {
        fuzz_fail("batch_lenient", "lenient reading stops before strict reading");
    }
    if (strict.ok && strict.count != lenient.count) {
        fuzz_fail("batch_lenient", "strict and lenient reading differ in a legal buffer");
    }
    *(lenient.ok ? &fuzz_tally.accepted : &fuzz_tally.rejected) += 1;
    return 0;
}
