// SPDX-License-Identifier: Apache-2.0
// Mutates a PDU and mostly makes frag_length right again.
#include "cmrp/pdu.h"
#include "mutate.h"

enum { AT_DREP = 4, AT_FRAG_LENGTH = 8 };

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    uint32_t random = seed;
    size = LLVMFuzzerMutate(data, size, max_size);
    if (size >= CMRP_PDU_HEADER_SIZE && size <= CMRP_PDU_MAXIMUM && mutate_below(&random, 8) != 0) {
        const cmrp_order order = data[AT_DREP] >> 4 == 0 ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN;
        cmrp_store(data + AT_FRAG_LENGTH, 2, size, order);
    }
    return size;
}
