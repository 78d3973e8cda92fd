// SPDX-License-Identifier: Apache-2.0
// The empty harness: what reading inputs costs without a property to check.
#include "fuzz_support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    (void)data;
    (void)size;
    return 0;
}
