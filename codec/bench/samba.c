// SPDX-License-Identifier: Apache-2.0
// The same stubs through Samba's NDR code: the interface's table is in one of its private
// libraries, which is opened here; the structures come from the headers of its development package.
// A call is what its RPC server and client do for one: a context for what is allocated, a pull, the
// context freed.
#include "bench.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
// Samba's own order of headers.
#include <core/ntstatus.h>
#include <ndr.h>
#include <talloc.h>

static const struct ndr_interface_call *call_of(const struct ndr_interface_table *table,
                                                const cmrp_stub_format *format) {
    const uint32_t opnum = format->method->opnum;
    return opnum < table->num_calls ? &table->calls[opnum] : NULL;
}

typedef struct samba_input {
    const bench_stub *stub;
    const struct ndr_interface_call *call;
} samba_input;

static uint64_t samba_decode(const void *context) {
    const samba_input *in = context;
    const int direction = in->stub->format.response ? NDR_OUT : NDR_IN;
    const DATA_BLOB blob = {in->stub->octets, in->stub->size};
    uint64_t sum = 0;
    for (unsigned i = 0; i < BENCH_CALLS; i++) {
        TALLOC_CTX *memory = talloc_new(NULL);
        void *values = talloc_zero_size(memory, in->call->struct_size);
        struct ndr_pull *ndr = ndr_pull_init_blob(&blob, memory);
        if (values == NULL || ndr == NULL) {
            bench_usage("out of memory");
        }
        ndr->flags |= LIBNDR_FLAG_REF_ALLOC;
        if (in->call->ndr_pull(ndr, direction, values) != NDR_ERR_SUCCESS ||
            ndr->offset != ndr->data_size) {
            bench_usage("Samba does not decode the stub");
        }
        sum += ndr->offset;
        talloc_free(memory);
    }
    return sum;
}

static void race(const struct ndr_interface_table *table, bool response, size_t batch_size,
                 unsigned rounds) {
    char ours[32];
    char theirs[32];
    const bench_stub stub = bench_stub_make(response, batch_size);
    const samba_input in = {&stub, call_of(table, &stub.format)};
    if (in.call == NULL) {
        bench_usage("Samba's table lacks the method");
    }
    snprintf(ours, sizeof ours, "stub-%s-%zu", response ? "response" : "request", batch_size);
    snprintf(theirs, sizeof theirs, "samba-%s-%zu", response ? "response" : "request", batch_size);
    bench_contender contenders[] = {{ours, bench_stub_decode, &stub, 0},
                                    {theirs, samba_decode, &in, 0}};
    bench_race(contenders, 2, rounds);
    free(stub.octets);
}

int main(int argc, char **argv) {
    const unsigned rounds = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    if (rounds == 0) {
        bench_usage("usage: bench-samba ROUNDS");
    }
    void *library = dlopen(SAMBA_LIBRARY, RTLD_NOW);
    const struct ndr_interface_table *table =
        library != NULL ? dlsym(library, "ndr_table_clusapi") : NULL;
    if (table == NULL) {
        printf("skip\t%s\n", dlerror());
        return 0;
    }
    race(table, false, 200, rounds);
    race(table, false, 8000, rounds);
    race(table, true, 200, rounds);
    race(table, true, 8000, rounds);
    return 0;
}
