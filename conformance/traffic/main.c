// SPDX-License-Identifier: Apache-2.0
// Writes a capture of traffic that keeps the specification: legal-traffic [--closed]
// [--calm] SEED STEPS [SKIP LOSE].
// Clients come and go, calls overlap and are answered in drawn orders, things change that no call
// has caused, unless --closed; with --calm few calls overlap. SKIP leaves out the first packets; of
// the others LOSE in 10,000 are lost.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traffic/client.h"

enum { FILE_HEADER = 24, RECORD_HEADER = 16, CHUNK = 1 << 20 };

struct output {
    uint64_t packets;
    uint64_t skip;
    uint32_t lose; // of 10,000
    struct lot lot;
    bool header_written;
};

static _Noreturn void fail(void) {
    perror("legal-traffic");
    exit(2);
}

static void put(const uint8_t *octets, size_t size) {
    if (fwrite(octets, 1, size, stdout) != size) {
        fail();
    }
}

// Writes the records that are kept, and empties the buffer.
static void flush(struct output *o, struct buffer *b) {
    size_t at = 0;
    if (!o->header_written) {
        put(b->data, FILE_HEADER);
        at = FILE_HEADER;
        o->header_written = true;
    }
    while (at < b->size) {
        const size_t size = RECORD_HEADER + cmrp_load_u32(b->data + at + 8, CMRP_LITTLE_ENDIAN);
        if (o->packets++ >= o->skip && draw(&o->lot, 10000) >= o->lose) {
            put(b->data + at, size);
        }
        at += size;
    }
    buffer_clear(b);
}

int main(int argc, char **argv) {
    static struct play play;
    const bool closed = argc > 1 && strcmp(argv[1], "--closed") == 0;
    argc -= closed;
    argv += closed;
    const bool calm = argc > 1 && strcmp(argv[1], "--calm") == 0;
    argc -= calm;
    argv += calm;
    if (argc != 3 && argc != 5) {
        fputs("usage: legal-traffic [--closed] [--calm] SEED STEPS [SKIP LOSE] >CAPTURE\n", stderr);
        return 2;
    }
    const uint64_t seed = strtoull(argv[1], NULL, 0);
    const uint64_t steps = strtoull(argv[2], NULL, 0);
    struct output output = {.lot = {seed + 0x10553}};
    if (argc == 5) {
        output.skip = strtoull(argv[3], NULL, 0);
        output.lose = (uint32_t)strtoul(argv[4], NULL, 0);
    }
    play_begin(&play, seed);
    play.closed = closed;
    play.calm = calm;
    for (uint64_t i = 0; i < steps; i++) {
        play_step(&play);
        if (play.out.size > CHUNK) {
            flush(&output, &play.out);
        }
    }
    play_end(&play);
    flush(&output, &play.out);
    buffer_free(&play.out);
    return fflush(stdout) == 0 ? 0 : 2;
}
