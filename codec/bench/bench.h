// SPDX-License-Identifier: Apache-2.0
// What the benchmarks of the library share: a clock, the best of several rounds, and the lines that
// conformance/bench/bench.py reads: NAME, a tab, a number.
#ifndef CMRP_BENCH_H
#define CMRP_BENCH_H

#include <cmrp/cmrp.h>

typedef struct bench_contender {
    const char *name;
    // The work; returns a sum of what it saw, so that no compiler leaves it out.
    uint64_t (*run)(const void *input);
    const void *input;
    double best; // seconds; set by bench_race
} bench_contender;

// Processor seconds of this thread.
double bench_clock(void);

// Runs the contenders in turn, `rounds` times, and keeps the shortest time of each: what else the
// machine does can only lengthen a time, and hits all contenders alike.
void bench_race(bench_contender *contenders, size_t count, unsigned rounds);

// Prints a result.
void bench_put(const char *name, double value);

// Memory or the end of the program.
void *bench_alloc(size_t size);

// Ends the program with status 2.
_Noreturn void bench_usage(const char *problem);

// A repeatable sequence of numbers.
uint32_t bench_random(uint64_t *state);

// ---- batches ------------------------------------------------------------------------------------

// A batch of small commands, at most `capacity` octets; to be freed.
uint8_t *bench_batch_make(size_t capacity, size_t *size);
// What a program does that wants every command and its warnings; named, so that callgrind can count
// what happens inside.
uint64_t bench_batch_read(const void *batch);
// Races over `megabytes` of commands.
void bench_batch(size_t megabytes, unsigned rounds);
// One pass over `commands` small commands, without a measurement: for callgrind. how: walk, next,
// checked.
void bench_batch_once(const char *how, size_t commands);

// ---- stubs --------------------------------------------------------------------------------------

// A stub with a batch in it: a request of ApiExecuteBatch or a response of ApiGetBatchNotification.
typedef struct bench_stub {
    cmrp_stub_format format;
    uint8_t *octets; // to be freed
    size_t size;
} bench_stub;

bench_stub bench_stub_make(bool response, size_t batch_size);
// A contender: BENCH_CALLS decodes of a bench_stub by this library.
enum { BENCH_CALLS = 20000 };
uint64_t bench_stub_decode(const void *stub);

#endif
