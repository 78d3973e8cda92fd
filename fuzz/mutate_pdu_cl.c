// SPDX-License-Identifier: Apache-2.0
// Mutates a connectionless PDU and mostly makes its version and len right again. With security the
// body ends before the datagram does, so an old len that fits is left alone half of the time.
#include "cmrp/pdu_cl.h"
#include "mutate.h"

enum { AT_DREP = 4, AT_LEN = 74, AT_AUTH_PROTO = 78 };

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    uint32_t random = seed;
    size = LLVMFuzzerMutate(data, size, max_size);
    if (size < CMRP_PDU_CL_HEADER_SIZE || mutate_below(&random, 8) == 0) {
        return size;
    }
    const cmrp_order order = data[AT_DREP] >> 4 == 0 ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN;
    const size_t body = size - CMRP_PDU_CL_HEADER_SIZE;
    const bool fits = cmrp_load_u16(data + AT_LEN, order) <= body;
    data[0] = 4;
    if (!fits || data[AT_AUTH_PROTO] == 0 || mutate_below(&random, 2) == 0) {
        cmrp_store(data + AT_LEN, 2, body, order);
    }
    return size;
}
