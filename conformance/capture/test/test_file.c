// SPDX-License-Identifier: Apache-2.0
//
// Runs over capture files: formats, compression, where they come from, and everything that can be
// wrong with them.

#include "world.h"

#include <errno.h>
#include <pcap/dlt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define OPENED     "open 1 10.0.0.1:1000 > 10.0.0.2:135\n"
#define TRANSCRIPT OPENED "1.0 @3 request\n1.1 @4 response\nclose 1 end\n"

static char directory[] = "/tmp/capture-test-XXXXXX";

static int make_directory(void **state) {
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state) {
    (void)state;
    return rmdir(directory);
}

// A world used as the receiver of a run.
static struct world *start(void) {
    struct world *world = malloc(sizeof *world);

    assert_non_null(world);
    world_start(world, NULL);
    world->with_frames = true;
    return world;
}

static void end(struct world *w) {
    world_end(w);
    free(w);
}

static void file_segment(struct file *file, struct world *w, int from, uint32_t seq, uint8_t flags,
                         const char *text, uint32_t index) {
    packet_payload(&w->packet, text, strlen(text));
    world_wrap(w, from, seq, from == CLIENT ? 501 : 101, flags);
    packet_ethernet(&w->packet, TYPE_IPV4);
    size_t size = packet_size(&w->packet);
    file_packet(file, packet_data(&w->packet), size, size, index);
}

// The conversation of TRANSCRIPT. `form`: bit 0 big endian, 1 nanoseconds, 2 pcapng.
static struct file conversation(unsigned form) {
    struct file file = {.big_endian = (form & 1) != 0,
                        .nanoseconds = (form & 2) != 0,
                        .next_generation = (form & 4) != 0};
    struct world *w = start();

    file_start(&file, DLT_EN10MB);
    file_segment(&file, w, CLIENT, 100, SYN, "", 0);
    file_segment(&file, w, SERVER, 500, SYN | ACK, "", 1);
    file_segment(&file, w, CLIENT, 101, ACK, "request", 2);
    file_segment(&file, w, SERVER, 501, ACK, "response", 3);
    end(w);
    return file;
}

static enum capture_status run_file(struct world *w, const struct file *file,
                                    struct capture_stats *stats, struct capture_error *error) {
    // In a heap block of exactly this size, a sanitizer sees every octet read too far.
    uint8_t *exact = malloc(file->size > 0 ? file->size : 1);

    assert_non_null(exact);
    if (file->size > 0)
        memcpy(exact, file->data, file->size);
    enum capture_status status =
        capture_run_memory(exact, file->size, NULL, &w->handler, stats, error);
    free(exact);
    if (error)
        assert_int_equal(error->status, status);
    return status;
}

static void write_path(char path[64], const char *name, const void *data, size_t size) {
    snprintf(path, 64, "%s/%s", directory, name);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(data, 1, size, stream), size);
    assert_int_equal(fclose(stream), 0);
}

static void every_format(void **state) {
    (void)state;
    for (unsigned form = 0; form < 16; form++) {
        struct file file = conversation(form);
        struct world *w = start();
        struct capture_stats stats;
        struct capture_error error;
        char path[64];

        if ((form & 8) != 0)
            file_compress(&file);
        assert_int_equal(run_file(w, &file, &stats, &error), CAPTURE_OK);
        expect(w, TRANSCRIPT);
        assert_int_equal(stats.packets, 4);
        assert_int_equal(stats.octets, 4 * 54 + 15);
        assert_string_equal(error.text, "");
        write_path(path, "capture", file.data, file.size);
        assert_int_equal(capture_run(path, NULL, &w->handler, NULL, NULL), CAPTURE_OK);
        expect(w, TRANSCRIPT);
        assert_int_equal(unlink(path), 0);
        file_free(&file);
        end(w);
    }
}

struct stamps {
    struct capture_stamp seen[8];
    size_t count;
};

static bool keep_stamp(void *ctx, void *user, int direction, const uint8_t *data, size_t size,
                       const struct capture_stamp *stamp) {
    struct stamps *stamps = ctx;

    (void)user;
    (void)direction;
    (void)data;
    (void)size;
    assert_true(stamps->count < 8);
    stamps->seen[stamps->count++] = *stamp;
    return true;
}

static void time_stamps(void **state) {
    (void)state;
    for (unsigned form = 0; form < 8; form++) {
        struct file file = conversation(form);
        struct stamps stamps = {.count = 0};
        const struct capture_handler handler = {.ctx = &stamps, .data = keep_stamp};

        assert_int_equal(capture_run_memory(file.data, file.size, NULL, &handler, NULL, NULL),
                         CAPTURE_OK);
        assert_int_equal(stamps.count, 2);
        assert_int_equal(stamps.seen[1].frame, 4);
        assert_int_equal(stamps.seen[1].seconds, 1700000003);
        assert_int_equal(stamps.seen[1].nanoseconds, file.nanoseconds ? 123456 : 123456000);
        file_free(&file);
    }
}

static void seconds_after_2038(void **state) {
    struct file file = {.size = 0};
    struct world *w = start();
    struct stamps stamps = {.count = 0};
    const struct capture_handler handler = {.ctx = &stamps, .data = keep_stamp};

    (void)state;
    file_start(&file, DLT_EN10MB);
    file_segment(&file, w, CLIENT, 100, SYN, "x", 2500000000u - 1700000000u);
    assert_int_equal(capture_run_memory(file.data, file.size, NULL, &handler, NULL, NULL),
                     CAPTURE_OK);
    assert_int_equal(stamps.seen[0].seconds, INT64_C(2500000000));
    file_free(&file);
    end(w);
}

static void impossible_fractions_of_a_second(void **state) {
    (void)state;
    for (unsigned form = 0; form < 4; form += 2) {
        struct file file = conversation(form);
        struct stamps stamps = {.count = 0};
        const struct capture_handler handler = {.ctx = &stamps, .data = keep_stamp};

        memset(file.data + 24 + 2 * (16 + 54) + 4, 0x7f, 4); // of the third packet
        memset(file.data + 24 + 2 * (16 + 54) + 16 + 61 + 4, 0xff, 4);
        assert_int_equal(capture_run_memory(file.data, file.size, NULL, &handler, NULL, NULL),
                         CAPTURE_OK);
        assert_int_equal(stamps.count, 2);
        assert_int_equal(stamps.seen[0].nanoseconds, 999999999);
        assert_true(stamps.seen[1].nanoseconds <= 999999999);
        file_free(&file);
    }
}

// Runs over standard input, into which a child writes the file in chunks.
static enum capture_status run_stdin(struct world *w, const struct file *file, size_t chunk) {
    int ends[2], saved = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        for (size_t at = 0; at < file->size; at += chunk) {
            size_t size = file->size - at < chunk ? file->size - at : chunk;
            if (write(ends[1], file->data + at, size) != (ssize_t)size)
                _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    enum capture_status status = capture_run("-", NULL, &w->handler, NULL, NULL);
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    if (saved >= 0) {
        assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
        close(saved);
    } else {
        close(STDIN_FILENO);
    }
    return status;
}

static void standard_input(void **state) {
    (void)state;
    for (unsigned form = 0; form < 16; form += 4) {
        struct file file = conversation(form & 7);
        struct world *w = start();

        if ((form & 8) != 0)
            file_compress(&file);
        assert_int_equal(run_stdin(w, &file, 1 << 16), CAPTURE_OK);
        expect(w, TRANSCRIPT);
        assert_int_equal(run_stdin(w, &file, 1), CAPTURE_OK);
        expect(w, TRANSCRIPT);
        file_free(&file);
        end(w);
    }
}

static int live_end;

// The other end of the pipe stays open until the packets so far have been delivered.
static bool close_when_delivered(void *ctx) {
    struct world *w = ctx;

    if (live_end >= 0 && strstr(w->log, "response")) {
        close(live_end);
        live_end = -1;
    }
    return false;
}

static void live_input_is_delivered_at_once(void **state) {
    (void)state;
    for (unsigned form = 0; form < 16; form += 4) {
        struct file file = conversation(form & 7);
        struct world *w = start();
        int ends[2];

        if ((form & 8) != 0)
            file_compress(&file);
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], file.data, file.size), file.size);
        live_end = ends[1];
        w->handler.stop = close_when_delivered;
        alarm(20); // it would wait for ever
        assert_int_equal(capture_run_descriptor(ends[0], NULL, &w->handler, NULL, NULL),
                         CAPTURE_OK);
        alarm(0);
        expect(w, TRANSCRIPT);
        assert_int_equal(close(ends[0]), 0); // left open
        file_free(&file);
        end(w);
    }
}

static void several_gzip_members(void **state) {
    struct file whole = conversation(0);
    struct file joined = {.size = 0};
    struct world *w = start();

    (void)state;
    for (size_t at = 0; at < whole.size; at += 100) {
        struct file part = {.size = 0};
        file_raw(&part, whole.data + at, whole.size - at < 100 ? whole.size - at : 100);
        file_compress(&part);
        file_raw(&joined, part.data, part.size);
        file_free(&part);
    }
    assert_int_equal(run_file(w, &joined, NULL, NULL), CAPTURE_OK);
    expect(w, TRANSCRIPT);
    file_free(&whole);
    file_free(&joined);
    end(w);
}

// Where the records of `conversation` end, in a plain file of this form.
static bool is_record_end(unsigned form, size_t size) {
    static const size_t content[] = {54, 54, 61, 62};
    size_t at = 24;

    if ((form & 4) != 0)
        at = 28 + ((form & 2) != 0 ? 32 : 20);
    for (size_t i = 0;; i++) {
        if (size == at)
            return true;
        if (i == 4)
            return false;
        at += (form & 4) != 0 ? 32 + (content[i] + 3) / 4 * 4 : 16 + content[i];
    }
}

static void truncated_at_every_octet(void **state) {
    (void)state;
    for (unsigned form = 0; form < 8; form++) {
        struct file file = conversation(form);
        size_t delivered = 0;

        for (size_t size = 0; size <= file.size; size++) {
            struct file cut = {.data = file.data, .size = size};
            struct world *w = start();
            struct capture_error error;
            enum capture_status status = run_file(w, &cut, NULL, &error);

            if (size < 4)
                assert_int_equal(status, CAPTURE_NOT_CAPTURE);
            else if (is_record_end(form, size))
                assert_int_equal(status, CAPTURE_OK);
            else
                assert_int_equal(status, CAPTURE_TRUNCATED);
            if (status == CAPTURE_TRUNCATED)
                assert_int_equal(error.offset, size);
            assert_true(strlen(w->log) >= delivered || size == file.size);
            delivered = strlen(w->log);
            end(w);
        }
        assert_int_equal(delivered, strlen(TRANSCRIPT));
        file_free(&file);
    }
}

static void truncated_gzip_at_every_octet(void **state) {
    struct file file = conversation(0);
    size_t longest = 0;

    (void)state;
    file_compress(&file);
    for (size_t size = 0; size < file.size; size++) {
        struct file cut = {.data = file.data, .size = size};
        struct world *w = start();
        struct capture_error error;
        enum capture_status status = run_file(w, &cut, NULL, &error);

        assert_int_equal(status, size < 2 ? CAPTURE_NOT_CAPTURE : CAPTURE_TRUNCATED);
        assert_true(strlen(error.text) > 0);
        if (strlen(w->log) > longest)
            longest = strlen(w->log);
        end(w);
    }
    assert_int_equal(longest, strlen(TRANSCRIPT)); // what came before the cut is delivered
    file_free(&file);
}

static void damaged_gzip_at_every_octet(void **state) {
    struct file file = conversation(0);
    unsigned damaged = 0;

    (void)state;
    file_compress(&file);
    for (size_t at = 0; at < file.size; at++) {
        struct world *w = start();
        enum capture_status status;

        file.data[at] ^= 0xff;
        status = run_file(w, &file, NULL, NULL);
        file.data[at] ^= 0xff;
        if (at < 2)
            assert_int_equal(status, CAPTURE_NOT_CAPTURE);
        else if (at >= file.size - 8) // checksum and length
            assert_int_equal(status, CAPTURE_DAMAGED);
        else if (at < 4 || at > 9) // what is between is time and system
            assert_int_not_equal(status, CAPTURE_OK);
        damaged += status == CAPTURE_DAMAGED;
        end(w);
    }
    assert_true(damaged > file.size / 2);
    file_raw(&file, "tail", 4);
    struct world *w = start();
    struct capture_error error;
    assert_int_equal(run_file(w, &file, NULL, &error), CAPTURE_DAMAGED);
    expect(w, TRANSCRIPT);
    assert_string_equal(error.text, "the gzip stream is damaged: octets after its end");
    end(w);
    file_free(&file);
}

static void check_failure(const struct file *file, enum capture_status wanted, const char *text) {
    struct world *w = start();
    struct capture_error error;
    char line[400];

    assert_int_equal(run_file(w, file, NULL, &error), wanted);
    capture_error_format(&error, "x.pcap", line, sizeof line);
    if (!strstr(line, text))
        fail_msg("\"%s\" does not say \"%s\"", line, text);
    expect(w, "");
    end(w);
}

static void not_captures(void **state) {
    struct file file = {.size = 0};

    (void)state;
    check_failure(&file, CAPTURE_NOT_CAPTURE, "x.pcap: empty");
    file_raw(&file, "abc", 3);
    check_failure(&file, CAPTURE_NOT_CAPTURE, "x.pcap: too short");
    file_raw(&file, "d", 1);
    check_failure(&file, CAPTURE_NOT_CAPTURE, "x.pcap: not a pcap or pcapng capture (");
    for (int i = 0; i < 1000; i++)
        file_raw(&file, "This is a text file.\n", 21);
    check_failure(&file, CAPTURE_NOT_CAPTURE, "x.pcap: not a pcap or pcapng capture (");
    file_compress(&file);
    check_failure(&file, CAPTURE_NOT_CAPTURE, "x.pcap: not a pcap or pcapng capture (");
    file_free(&file);
    file_compress(&file);
    check_failure(&file, CAPTURE_NOT_CAPTURE, "x.pcap: empty");
    file_free(&file);
}

static void link_types(void **state) {
    struct file file = {.size = 0};

    (void)state;
    file_start(&file, DLT_IEEE802_11);
    check_failure(&file, CAPTURE_LINK_TYPE, "link type IEEE802_11 (105, 802.11) is not supported");
    file_free(&file);
    file_start(&file, 12345);
    check_failure(&file, CAPTURE_LINK_TYPE, "link type unknown (12345) is not supported");
    file_free(&file);
    file.next_generation = true;
    file_start(&file, DLT_EN10MB);
    file_interface(&file, DLT_LINUX_SLL);
    check_failure(&file, CAPTURE_LINK_TYPE, "interfaces of different kinds");
    file_free(&file);
}

static void unreadable(void **state) {
    struct world *w = start();
    struct capture_stats stats = {.packets = 9};
    struct capture_error error;
    char path[64], line[400];

    (void)state;
    snprintf(path, sizeof path, "%s/none", directory);
    assert_int_equal(capture_run(path, NULL, &w->handler, &stats, &error), CAPTURE_UNREADABLE);
    assert_int_equal(error.system, ENOENT);
    assert_int_equal(stats.packets, 0);
    int length = capture_error_format(&error, "none", line, sizeof line);
    assert_string_equal(line, "none: cannot open: No such file or directory");
    assert_int_equal(length, strlen(line));
    assert_int_equal(capture_run(directory, NULL, &w->handler, &stats, &error), CAPTURE_UNREADABLE);
    assert_int_equal(error.system, EISDIR);
    assert_string_equal(error.text, "cannot read: Is a directory");
    assert_int_equal(capture_run_descriptor(-1, NULL, &w->handler, &stats, &error),
                     CAPTURE_UNREADABLE);
    assert_int_equal(error.system, EBADF);
    expect(w, "");
    end(w);
}

static void damaged_record(void **state) {
    struct file file = conversation(0);
    struct world *w = start();
    struct capture_error error;
    char line[400];

    (void)state;
    memset(file.data + 24 + 2 * (16 + 54) + 8, 0xff, 4); // captured length of the third packet
    assert_int_equal(run_file(w, &file, NULL, &error), CAPTURE_DAMAGED);
    assert_int_equal(error.frame, 2);
    capture_error_format(&error, "x", line, sizeof line);
    assert_non_null(strstr(line, "x: offset 180: cannot be read after packet 2 ("));
    expect(w, "");
    file_free(&file);
    end(w);
}

static void truncation_is_explained(void **state) {
    struct file file = conversation(0);
    struct world *w = start();
    struct capture_error error;
    char line[400];

    (void)state;
    file.size -= 3;
    assert_int_equal(run_file(w, &file, NULL, &error), CAPTURE_TRUNCATED);
    expect(w, OPENED "1.0 @3 request\nclose 1 end\n");
    capture_error_format(&error, "x", line, sizeof line);
    assert_non_null(strstr(line, "x: offset 316: cut off after packet 3 ("));
    file_free(&file);
    end(w);
}

static void stopped(void **state) {
    struct file file = conversation(0);
    struct world *w = start();
    struct capture_stats stats;
    struct capture_error error;

    (void)state;
    w->stop_after = 3;
    w->stamp.frame = 0;
    assert_int_equal(run_file(w, &file, &stats, &error), CAPTURE_STOPPED);
    assert_int_equal(stats.packets, 3);
    expect(w, OPENED "1.0 @3 request\nclose 1 end\n");
    file_free(&file);
    end(w);
}

static void no_callbacks(void **state) {
    struct file file = conversation(0);
    const struct capture_handler handler = {.ctx = NULL};
    struct capture_stats stats;

    (void)state;
    assert_int_equal(capture_run_memory(file.data, file.size, NULL, &handler, &stats, NULL),
                     CAPTURE_OK);
    assert_int_equal(stats.delivered, 15);
    file_free(&file);
}

static void large_file_through_every_buffer(void **state) {
    struct file file = {.size = 0};
    struct world *w = start();
    struct capture_stats stats;
    static char text[1401];
    uint32_t seq = 100;

    (void)state;
    memset(text, 'x', 1400);
    file_start(&file, DLT_EN10MB);
    file_segment(&file, w, CLIENT, seq++, SYN, "", 0);
    for (int i = 0; i < 1000; i++, seq += 1400)
        file_segment(&file, w, CLIENT, seq, ACK, text, 1);
    const struct capture_handler handler = {.ctx = NULL};
    assert_int_equal(capture_run_memory(file.data, file.size, NULL, &handler, &stats, NULL),
                     CAPTURE_OK);
    assert_int_equal(stats.delivered, 1400 * 1000);
    file_compress(&file);
    assert_int_equal(capture_run_memory(file.data, file.size, NULL, &handler, &stats, NULL),
                     CAPTURE_OK);
    assert_int_equal(stats.delivered, 1400 * 1000);
    file_free(&file);
    end(w);
}

static void names(void **state) {
    (void)state;
    assert_string_equal(capture_close_name(CAPTURE_CLOSE_EVICTED), "evicted");
    assert_string_equal(capture_note_name(CAPTURE_NOTE_AFTER_END), "after-end");
    assert_string_equal(capture_status_name(CAPTURE_DAMAGED), "damaged");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format),
        cmocka_unit_test(time_stamps),
        cmocka_unit_test(seconds_after_2038),
        cmocka_unit_test(impossible_fractions_of_a_second),
        cmocka_unit_test(standard_input),
        cmocka_unit_test(live_input_is_delivered_at_once),
        cmocka_unit_test(several_gzip_members),
        cmocka_unit_test(truncated_at_every_octet),
        cmocka_unit_test(truncated_gzip_at_every_octet),
        cmocka_unit_test(damaged_gzip_at_every_octet),
        cmocka_unit_test(not_captures),
        cmocka_unit_test(link_types),
        cmocka_unit_test(unreadable),
        cmocka_unit_test(damaged_record),
        cmocka_unit_test(truncation_is_explained),
        cmocka_unit_test(stopped),
        cmocka_unit_test(no_callbacks),
        cmocka_unit_test(large_file_through_every_buffer),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
