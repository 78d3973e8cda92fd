// SPDX-License-Identifier: Apache-2.0
//
// Some packets of a capture, taken out as a capture.

#include "build.h"
#include "capture/excerpt.h"

#include <pcap/pcap.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/excerpt-test-XXXXXX";
static char path[64];

static int make_directory(void **state) {
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/capture", directory);
    return 0;
}

static int remove_directory(void **state) {
    (void)state;
    unlink(path);
    return rmdir(directory);
}

// ---- captures -----------------------------------------------------------------------------------

enum form { PLAIN, TAGGED, COOKED, SIX, DATAGRAM };

static struct packet packet;      // too large for a stack
static long fraction = 123456000; // of a second, in nanoseconds, that packets have

// A packet with one octet of text, between 10.0.0.<source> and 10.0.0.<target> or the like.
static void add(struct file *file, enum form form, uint8_t source, uint16_t source_port,
                uint8_t target, uint16_t target_port, char text, uint32_t index) {
    const uint8_t next = form == DATAGRAM ? NEXT_UDP : NEXT_TCP;

    packet_payload(&packet, &text, 1);
    if (form == DATAGRAM)
        packet_udp(&packet, source_port, target_port);
    else
        packet_tcp(&packet, source_port, target_port, index, 1, ACK);
    if (form == SIX)
        packet_ipv6(&packet, source, target, next);
    else
        packet_ipv4(&packet, source, target, next, 0);
    if (form == TAGGED)
        packet_vlan(&packet, 7, TYPE_IPV4);
    if (form == COOKED)
        packet_cooked(&packet, TYPE_IPV4);
    else
        packet_ethernet(&packet, form == SIX ? TYPE_IPV6 : form == TAGGED ? 0x8100 : TYPE_IPV4);
    file_packet(file, packet_data(&packet), packet_size(&packet), packet_size(&packet), index);
}

// Client 1:1000, server 2:135; a second connection and one in reverse between them.
static void fill(struct file *file, enum form form) {
    file_start(file, form == COOKED ? DLT_LINUX_SLL : DLT_EN10MB);
    add(file, form, 1, 1000, 2, 135, 'a', 1);
    add(file, form, 1, 1001, 2, 135, 'x', 2);
    add(file, form, 2, 135, 1, 1000, 'b', 3);
    add(file, form, 1, 135, 2, 1000, 'x', 4);
    add(file, form, 3, 1000, 2, 135, 'x', 5);
    add(file, form, 1, 1000, 2, 135, 'c', 6);
    add(file, form, 2, 135, 1, 1000, 'd', 7);
    add(file, form, 1, 1000, 2, 135, 'e', 8);
}

static void save(const struct file *file) {
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(file->data, 1, file->size, f), file->size);
    fclose(f);
}

// The last octets of the packets of a capture in memory.
static void read_text(const uint8_t *octets, size_t size, char *text) {
    char reason[PCAP_ERRBUF_SIZE];
    FILE *f = fmemopen((void *)(uintptr_t)octets, size, "rb");
    pcap_t *pcap = pcap_fopen_offline_with_tstamp_precision(f, PCAP_TSTAMP_PRECISION_NANO, reason);
    struct pcap_pkthdr *header;
    const u_char *data;

    assert_non_null(pcap);
    while (pcap_next_ex(pcap, &header, &data) == 1) {
        assert_int_equal(header->ts.tv_usec, fraction);
        *text++ = (char)data[header->caplen - 1];
    }
    *text = '\0';
    pcap_close(pcap);
}

static const struct excerpt usual = {"10.0.0.1:1000", "10.0.0.2:135", 8, 0, 1000};

static void expect(const struct excerpt *excerpt, const char *text) {
    uint8_t *octets = NULL;
    size_t size = 0;
    char found[16];

    assert_true(capture_excerpt(path, excerpt, &octets, &size));
    read_text(octets, size, found);
    assert_string_equal(found, text);
    free(octets);
}

static void expect_none(const char *name, const struct excerpt *excerpt) {
    uint8_t *octets = NULL;
    size_t size = 7;

    assert_false(capture_excerpt(name, excerpt, &octets, &size));
    assert_null(octets);
    assert_int_equal(size, 7);
}

// ---- tests --------------------------------------------------------------------------------------

static void every_form(void **state) {
    (void)state;
    for (int form = PLAIN; form <= DATAGRAM; form++) {
        struct excerpt excerpt = usual;
        struct file file = {0};

        if (form == SIX) {
            excerpt.client = "[2001:db8::1]:1000";
            excerpt.server = "[2001:db8::2]:135";
        }
        fill(&file, (enum form)form);
        save(&file);
        expect(&excerpt, "abcde");
        file_compress(&file);
        save(&file);
        expect(&excerpt, "abcde");
        file_free(&file);
    }
}

static void every_file(void **state) {
    (void)state;
    for (int form = 0; form < 8; form++) {
        struct file file = {.big_endian = form & 1,
                            .nanoseconds = (form & 2) != 0,
                            .next_generation = (form & 4) != 0};

        fill(&file, PLAIN);
        save(&file);
        fraction = file.nanoseconds ? 123456 : 123456000;
        expect(&usual, "abcde");
        file_free(&file);
    }
    fraction = 123456000;
}

static void up_to_a_frame(void **state) {
    static const struct {
        uint64_t last, more;
        const char *text;
    } rows[] = {{1, 0, "a"},    {2, 0, "a"},     {3, 0, "ab"}, {2, 1, "ab"},
                {5, 2, "abcd"}, {7, 9, "abcde"}, {0, 1, "a"}};
    struct file file = {0};

    (void)state;
    fill(&file, PLAIN);
    save(&file);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct excerpt excerpt = usual;

        excerpt.last = rows[i].last;
        excerpt.more = rows[i].more;
        expect(&excerpt, rows[i].text);
    }
    file_free(&file);
}

static void nothing(void **state) {
    static const char *const ends[] = {
        "10.0.0.9:1000", "10.0.0.1",        "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1:1 or 1",
        "host:1000",     "[10.0.0.1]:1000", "",          ":1000",          "[::1:1000"};
    struct excerpt excerpt = usual;
    struct file file = {0};

    (void)state;
    fill(&file, PLAIN);
    save(&file);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        excerpt.client = ends[i];
        expect_none(path, &excerpt);
    }
    excerpt = usual;
    excerpt.limit = 5 * 55 - 1; // Ethernet, IP, TCP, one octet
    expect_none(path, &excerpt);
    excerpt.limit++;
    expect(&excerpt, "abcde");
    expect_none("/nowhere/capture", &usual);
    expect_none(directory, &usual);
    assert_int_equal(truncate(path, 10), 0);
    expect_none(path, &usual);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_none(path, &usual); // and does not wait
    file_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form),
        cmocka_unit_test(every_file),
        cmocka_unit_test(up_to_a_frame),
        cmocka_unit_test(nothing),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
