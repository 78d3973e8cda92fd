// SPDX-License-Identifier: Apache-2.0
// Mutates a stub: the selectors mostly stay, so that the octets keep being read as the same
// parameters, and counts become numbers that mean something here.
#include "fuzz_support.h"
#include "mutate.h"

// An aligned word of the stub becomes a referent, a small count, the octets or units that are left,
// or one more or less than it was.
static void change_word(const cmrp_stub_format *format, uint8_t *data, size_t size,
                        uint32_t *random) {
    const size_t width = mutate_below(random, 2) == 0 ? 4 : cmrp_ndr_word(format->syntax);
    if (size < width) {
        return;
    }
    const size_t at = width * mutate_below(random, (uint32_t)(size / width));
    const uint64_t old = width == 8 ? cmrp_load_u64(data + at, format->order)
                                    : cmrp_load_u32(data + at, format->order);
    const uint64_t left = size - at - width;
    const uint64_t values[] = {0,
                               1,
                               mutate_below(random, 8),
                               CMRP_NDR_FIRST_REFERENT,
                               left,
                               left / 2,
                               left / 4,
                               left / 8,
                               left + 1,
                               old + 1,
                               old - 1,
                               UINT32_MAX,
                               UINT64_MAX};
    const uint32_t count = sizeof values / sizeof values[0];
    cmrp_store(data + at, width, values[mutate_below(random, count)], format->order);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    uint32_t random = seed;
    if (size <= FUZZ_STUB_SELECTORS || max_size <= FUZZ_STUB_SELECTORS) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    if (mutate_below(&random, 16) == 0) {
        data[mutate_below(&random, FUZZ_STUB_SELECTORS)] = (uint8_t)mutate_below(&random, 256);
        return size;
    }
    uint8_t *stub = data + FUZZ_STUB_SELECTORS;
    if (mutate_below(&random, 3) == 0) {
        const cmrp_stub_format format = fuzz_stub_format(data);
        change_word(&format, stub, size - FUZZ_STUB_SELECTORS, &random);
        return size;
    }
    return FUZZ_STUB_SELECTORS +
           LLVMFuzzerMutate(stub, size - FUZZ_STUB_SELECTORS, max_size - FUZZ_STUB_SELECTORS);
}
