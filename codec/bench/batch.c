// SPDX-License-Identifier: Apache-2.0
// Batches: reading against a walk that trusts every length, copying against memcpy.
#include "bench.h"

#include <cmrp/cmrp.h>
#include <stdlib.h>

enum {
    NAME_UNITS = 10,
    SMALL = 8,          // octets of a small value
    LARGE = 256 * 1024, // octets of a large one
};

typedef struct input {
    uint8_t *octets;
    size_t size;
    unsigned flags;
    uint8_t *copy; // where values are copied to; NULL: they are not
} input;

// ---- inputs -------------------------------------------------------------------------------------

static void put_command(cmrp_batch_writer *bw, uint64_t *state, const uint8_t *data, size_t size) {
    static const struct {
        uint32_t type, value_type;
    } kinds[] = {
        {CMRP_CLUSREG_SET_VALUE, CMRP_REG_QWORD},
        {CMRP_CLUSREG_SET_VALUE, CMRP_REG_BINARY},
        {CMRP_CLUSREG_VALUE_DELETED, CMRP_REG_BINARY},
        {CMRP_CLUSREG_READ_VALUE, CMRP_REG_BINARY},
    };
    uint8_t name[2 * NAME_UNITS + CMRP_BATCH_NAME_MINIMUM] = {0};
    const uint32_t choice = bench_random(state);
    for (size_t i = 0; i < NAME_UNITS; i++) {
        name[2 * i] = (uint8_t)('a' + (choice >> i) % 26);
    }
    cmrp_batch_put(bw, &(cmrp_batch_command){.type = kinds[choice % 4].type,
                                             .value_type = kinds[choice % 4].value_type,
                                             .name = {name, sizeof name},
                                             .data = {data, size}});
}

// A batch of as many commands as `capacity` octets hold, `most` at the most.
static input make(size_t capacity, size_t most, size_t value_size) {
    const size_t each = CMRP_BATCH_COMMAND_MINIMUM + 2 * NAME_UNITS + value_size;
    input in = {.octets = bench_alloc(capacity)};
    uint8_t *value = bench_alloc(value_size);
    uint64_t state = 1;
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_batch_writer bw;
    for (size_t i = 0; i < value_size; i++) {
        value[i] = (uint8_t)bench_random(&state);
    }
    cmrp_writer_init(&w, in.octets, capacity, &error, NULL);
    cmrp_batch_writer_open(&bw, &w, CMRP_BATCH_STRICT);
    while (bw.count < most && capacity - w.size >= each) {
        put_command(&bw, &state, value, value_size);
    }
    if (!cmrp_batch_writer_close(&bw, (cmrp_view){NULL, 0})) {
        bench_usage("the input could not be made");
    }
    free(value);
    in.size = w.size;
    return in;
}

uint8_t *bench_batch_make(size_t capacity, size_t *size) {
    const input in = make(capacity, SIZE_MAX, SMALL);
    *size = in.size;
    return in.octets;
}

// ---- contenders ---------------------------------------------------------------------------------

// Follows the lengths and checks nothing.
static uint64_t walk(const void *context) {
    const input *in = context;
    const uint8_t *p = in->octets + 4;
    const uint8_t *end = in->octets + in->size;
    uint64_t sum = 0;
    while (p < end) {
        const uint32_t name_length = cmrp_load_u32(p + 8, CMRP_LITTLE_ENDIAN);
        const uint32_t data_length = cmrp_load_u32(p + 12 + name_length, CMRP_LITTLE_ENDIAN);
        sum += cmrp_load_u32(p, CMRP_LITTLE_ENDIAN) + name_length + data_length;
        p += 16 + (size_t)name_length + data_length + data_length % 2;
    }
    return sum;
}

uint64_t bench_batch_read(const void *context) {
    const input *in = context;
    cmrp_error error = {0};
    cmrp_batch batch;
    cmrp_batch_command c;
    uint64_t sum = 0;
    cmrp_batch_open(&batch, (cmrp_view){in->octets, in->size}, 0, in->flags, &error);
    while (cmrp_batch_next(&batch, &c)) {
        sum += c.type + c.name.size + c.data.size;
        if (c.warnings != 0) {
            bench_usage("the input is at fault");
        }
    }
    return error.code == CMRP_OK ? sum : 0;
}

static uint64_t read_and_copy(const void *context) {
    const input *in = context;
    cmrp_error error = {0};
    cmrp_batch batch;
    cmrp_batch_command c;
    uint64_t sum = 0;
    cmrp_batch_open(&batch, (cmrp_view){in->octets, in->size}, 0, in->flags, &error);
    while (cmrp_batch_next(&batch, &c)) {
        memcpy(in->copy, c.data.data, c.data.size);
        sum += in->copy[c.data.size / 2];
    }
    return sum;
}

// The same octets to the same place, without a look at what they are.
static uint64_t copy(const void *context) {
    const input *in = context;
    uint64_t sum = 0;
    for (size_t at = 0; in->size - at >= LARGE; at += LARGE) {
        memcpy(in->copy, in->octets + at, LARGE);
        sum += in->copy[LARGE / 2];
    }
    return sum;
}

// ---- the part -----------------------------------------------------------------------------------

static void race_reading(size_t size, unsigned rounds) {
    const input checked = make(size, SIZE_MAX, SMALL);
    input unchecked = checked;
    unchecked.flags = CMRP_BATCH_UNCHECKED_NAMES;
    bench_contender c[] = {{"batch-walk", walk, &checked, 0},
                           {"batch-next", bench_batch_read, &unchecked, 0},
                           {"batch-checked", bench_batch_read, &checked, 0}};
    bench_race(c, 3, rounds);
    free(checked.octets);
}

static void race_copying(size_t size, unsigned rounds) {
    input in = make(size, SIZE_MAX, LARGE);
    in.copy = bench_alloc(LARGE);
    bench_contender c[] = {{"copy-memcpy", copy, &in, 0}, {"copy-batch", read_and_copy, &in, 0}};
    bench_race(c, 2, rounds);
    free(in.copy);
    free(in.octets);
}

void bench_batch(size_t megabytes, unsigned rounds) {
    const size_t size = megabytes * 1024 * 1024;
    race_reading(size, rounds);
    race_copying(size, rounds);
}

void bench_batch_once(const char *how, size_t commands) {
    input in = make(commands * 64 + 64, commands, SMALL);
    in.flags = strcmp(how, "next") == 0 ? CMRP_BATCH_UNCHECKED_NAMES : CMRP_BATCH_STRICT;
    bench_put("sum", (double)(strcmp(how, "walk") == 0 ? walk(&in) : bench_batch_read(&in)));
    free(in.octets);
}
