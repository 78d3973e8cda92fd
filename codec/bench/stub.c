// SPDX-License-Identifier: Apache-2.0
#include "bench.h"

#include <stdlib.h>

enum { EXECUTE_BATCH = 113, GET_BATCH_NOTIFICATION = 115, HANDLE = 0, DATA = 2, RETURN = 3 };

bench_stub bench_stub_make(bool response, size_t batch_size) {
    bench_stub stub = {.format = {.interface = CMRP_INTERFACE_3, .response = response}};
    cmrp_slot slots[CMRP_MAX_PARAMS] = {0};
    cmrp_error error = {0};
    cmrp_writer w;
    size_t size;
    uint8_t *batch = bench_batch_make(batch_size, &size);
    stub.format.method =
        cmrp_method_numbered(CMRP_INTERFACE_3, response ? GET_BATCH_NOTIFICATION : EXECUTE_BATCH);
    if (response) {
        slots[RETURN].present = true;
    } else {
        slots[HANDLE].present = true;
        slots[HANDLE].handle[4] = 1;
    }
    slots[DATA].present = true;
    slots[DATA].bytes = (cmrp_view){batch, size};
    stub.octets = bench_alloc(size + 64);
    cmrp_writer_init(&w, stub.octets, size + 64, &error, NULL);
    if (!cmrp_stub_encode(&stub.format, slots, &w)) {
        bench_usage("the stub could not be made");
    }
    stub.size = w.size;
    free(batch);
    return stub;
}

uint64_t bench_stub_decode(const void *context) {
    const bench_stub *stub = context;
    cmrp_slot slots[CMRP_MAX_PARAMS];
    uint64_t sum = 0;
    for (unsigned i = 0; i < BENCH_CALLS; i++) {
        cmrp_error error = {0};
        if (!cmrp_stub_decode(&stub->format, (cmrp_view){stub->octets, stub->size}, 0, slots, NULL,
                              NULL, &error)) {
            bench_usage("the stub is not decoded");
        }
        sum += slots[DATA].bytes.data[i % 64];
    }
    return sum;
}
