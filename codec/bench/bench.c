// SPDX-License-Identifier: Apache-2.0
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double bench_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void bench_race(bench_contender *contenders, size_t count, unsigned rounds) {
    volatile uint64_t sink = 0;
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < count; i++) {
            bench_contender *c = &contenders[i];
            const double began = bench_clock();
            sink += c->run(c->input);
            const double seconds = bench_clock() - began;
            c->best = round == 0 || seconds < c->best ? seconds : c->best;
        }
    }
    (void)sink;
    for (size_t i = 0; i < count; i++) {
        bench_put(contenders[i].name, contenders[i].best);
    }
}

void bench_put(const char *name, double value) {
    printf("%s\t%.9g\n", name, value);
}

void *bench_alloc(size_t size) {
    void *memory = malloc(size);
    if (memory == NULL) {
        bench_usage("out of memory");
    }
    return memory;
}

void bench_usage(const char *problem) {
    fprintf(stderr, "bench-codec: %s\n", problem);
    exit(2);
}

uint32_t bench_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 32);
}
