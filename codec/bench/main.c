// SPDX-License-Identifier: Apache-2.0
// The benchmarks of the library; conformance/bench/bench.py runs them and judges.
#include "bench.h"

#include <stdlib.h>
#include <string.h>

static unsigned long number(const char *text) {
    char *end;
    const unsigned long value = strtoul(text, &end, 10);
    if (*end != '\0' || value == 0) {
        bench_usage("a number from 1 on, please");
    }
    return value;
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "batch") == 0) {
        bench_batch(number(argv[2]), (unsigned)number(argv[3]));
    } else if (argc == 4 && strcmp(argv[1], "once") == 0) {
        bench_batch_once(argv[2], number(argv[3]));
    } else {
        bench_usage("usage: bench-codec batch MEGABYTES ROUNDS | once walk|next|checked COMMANDS");
    }
    return 0;
}
