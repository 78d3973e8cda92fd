// SPDX-License-Identifier: Apache-2.0
//
// Every allocation fails once. The linker sends malloc, calloc and realloc of the code under test
// through this file.

#include "world.h"

#include <pcap/dlt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static uint64_t countdown; // the allocation to fail, 0: none

static bool fails(void) {
    return countdown > 0 && --countdown == 0;
}

void *__wrap_malloc(size_t size) {
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size) {
    return fails() ? NULL : __real_realloc(old, size);
}

struct sums {
    uint64_t octets;
    uint64_t gaps;
    uint64_t notes;
    int open;
};

static void *on_open(void *ctx, const struct capture_flow *flow,
                     const struct capture_stamp *stamp) {
    struct sums *sums = ctx;

    (void)flow;
    (void)stamp;
    sums->open++;
    return ctx;
}

static bool on_data(void *ctx, void *user, int direction, const uint8_t *data, size_t size,
                    const struct capture_stamp *stamp) {
    struct sums *sums = ctx;

    (void)user;
    (void)direction;
    (void)data;
    (void)stamp;
    sums->octets += size;
    return true;
}

static void on_gap(void *ctx, void *user, int direction, uint64_t octets,
                   const struct capture_stamp *stamp) {
    struct sums *sums = ctx;

    (void)user;
    (void)direction;
    (void)stamp;
    sums->gaps += octets;
}

static void on_close(void *ctx, void *user, enum capture_close why,
                     const struct capture_stamp *stamp) {
    struct sums *sums = ctx;

    (void)user;
    (void)why;
    (void)stamp;
    sums->open--;
}

static void on_note(void *ctx, enum capture_note kind, const struct capture_flow *flow,
                    const char *text, const struct capture_stamp *stamp) {
    struct sums *sums = ctx;

    (void)flow;
    (void)text;
    (void)stamp;
    sums->notes += kind == CAPTURE_NOTE_NO_MEMORY;
}

static void add_segment(struct file *file, struct packet *packet, uint16_t port, uint32_t seq,
                        uint8_t flags, const char *text) {
    packet_payload(packet, text, strlen(text));
    packet_tcp(packet, port, 135, seq, 0, flags);
    packet_ipv4(packet, 1, 2, NEXT_TCP, 0);
    file_packet(file, packet_data(packet), packet_size(packet), packet_size(packet), 0);
}

// Enough flows for the hash table to grow, one with held segments and one in fragments.
static struct file scene(void) {
    struct file file = {.size = 0};
    struct packet *packet = malloc(sizeof *packet);
    static const uint8_t zeros[816];

    assert_non_null(packet);
    file_start(&file, 101); // raw IP
    add_segment(&file, packet, 1, 100, SYN, "");
    for (uint32_t i = 0; i < 5; i++)
        add_segment(&file, packet, 1, 120 - 2 * i, ACK, "--");
    add_segment(&file, packet, 1, 101, ACK, "----------------------");
    for (uint16_t i = 0; i < 400; i++)
        add_segment(&file, packet, (uint16_t)(2000 + i), 100, SYN, "x");
    for (size_t at = 4080; at != 0; at -= 816) {
        packet_payload(packet, zeros, sizeof zeros);
        packet_ipv4_fragment(packet, 1, 2, NEXT_TCP, 5, at - 816, at < 4080);
        file_packet(&file, packet_data(packet), packet_size(packet), packet_size(packet), 0);
    }
    add_segment(&file, packet, 1, 123, RST, "");
    free(packet);
    return file;
}

static enum capture_status run_scene(const struct file *file, uint64_t failing, struct sums *sums,
                                     struct capture_stats *stats) {
    const struct capture_handler handler = {.ctx = sums,
                                            .open = on_open,
                                            .data = on_data,
                                            .gap = on_gap,
                                            .close = on_close,
                                            .note = on_note};

    *sums = (struct sums){0};
    countdown = failing;
    enum capture_status status =
        capture_run_memory(file->data, file->size, NULL, &handler, stats, NULL);
    return status;
}

static void every_allocation_fails_once(void **state) {
    struct file file = scene();
    struct capture_stats stats;
    struct sums all, sums;
    uint64_t survived = 0, failing;

    (void)state;
    assert_int_equal(run_scene(&file, 0, &all, &stats), CAPTURE_OK);
    assert_int_equal(all.octets, 22 + 400);
    assert_int_equal(stats.datagrams_joined, 1);
    for (failing = 1;; failing++) {
        enum capture_status status = run_scene(&file, failing, &sums, &stats);
        assert_int_equal(sums.open, 0);
        if (countdown > 0)
            break; // there were not so many
        if (status == CAPTURE_OUT_OF_MEMORY)
            continue;
        assert_int_equal(status, CAPTURE_OK);
        // At most one connection lost, or one segment of it, and never in silence. A hash table
        // that cannot grow costs nothing.
        assert_true(sums.octets + sums.gaps <= 422 + 2);
        assert_true(sums.octets >= 422 - 22);
        assert_int_equal(sums.notes, stats.no_memory);
        assert_in_range(stats.no_memory, sums.octets == all.octets ? 0 : 1, 1);
        survived++;
    }
    assert_true(failing > 400);
    assert_true(survived > 400);
    countdown = 0;
    file_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_fails_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
