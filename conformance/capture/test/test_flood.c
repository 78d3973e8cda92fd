// SPDX-License-Identifier: Apache-2.0
//
// A million connections that nobody completes, around some that somebody does.

#include "world.h"

#include <pcap/dlt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MILLION = 1000000, MANY = 200000 };

// A segment between host 10.a.b.c, of which `number` is made, and the server.
static void flood(struct world *w, uint32_t number, int from, uint32_t seq, uint32_t ack,
                  uint8_t flags, const char *text) {
    packet_payload(&w->packet, text, strlen(text));
    if (from == CLIENT)
        packet_tcp(&w->packet, (uint16_t)(1024 + number % 60000), 135, seq, ack, flags);
    else
        packet_tcp(&w->packet, 135, (uint16_t)(1024 + number % 60000), seq, ack, flags);
    packet_ipv4(&w->packet, from == CLIENT ? 9 : 2, from == CLIENT ? 2 : 9, NEXT_TCP, 0);
    uint8_t *client = packet_data(&w->packet) + (from == CLIENT ? 12 : 16);
    client[1] = (uint8_t)(1 + (number >> 16));
    client[2] = (uint8_t)(number >> 8);
    client[3] = (uint8_t)number;
    world_feed(w, DLT_RAW);
}

// One connection is in the midst of a conversation, one is open and silent, one half-open and
// another closed. After the flood all are known but the half-open one, whose answer brings it back.
static void a_million_half_open_connections(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "request");
    say_from(w, 2000, SYN, 100, ""); // silent
    say_from(w, 2000, ACK, 101, "");
    say_from(w, 2001, SYN, 100, "");  // half open
    say_from(w, 2002, SYN, 100, "x"); // closed
    say_from(w, 2002, RST, 102, "");
    expect(w, OPENED "1.0 request\nopen 4 10.0.0.1:2002 > 10.0.0.2:135\n4.0 x\nclose 4 reset\n");
    for (uint32_t i = 0; i < MILLION; i++) {
        if (i % 100000 == 50000) { // somebody completes a connection in the midst of it
            say_from(w, (uint16_t)(3000 + i / 100000), SYN, 100, "");
            flood(w, i, CLIENT, 100, 0, SYN, "");
            say_from(w, (uint16_t)(3000 + i / 100000), ACK, 101, "in the flood");
        } else {
            flood(w, i, CLIENT, 100, 0, SYN, "");
        }
    }
    assert_int_equal(STAT(w, flows), MILLION + 14);
    // 10 became real, and so many are known still.
    assert_int_equal(STAT(w, half_open_evictions), MILLION + 1 - capture_limits_default.half_open);
    assert_int_equal(STAT(w, flow_evictions), 0);
    assert_int_equal(STAT(w, closed_evictions), 0);
    assert_non_null(strstr(w->log, "note half-open-limit\n"));
    assert_int_equal(STAT(w, delivered), 7 + 1 + 10 * 12);
    w->used = 0;
    say(w, SERVER, 501, 108, ACK, "response");
    say_from(w, 2000, ACK, 101, "at last");
    say_from(w, 2002, ACK, 101, "x"); // a stray
    expect(w, "1.1 response\nopen 2 10.0.0.1:2000 > 10.0.0.2:135\n2.0 at last\n");
    assert_int_equal(STAT(w, flows_joined_late), 0);
}

// Each SYN is answered, as with SYN cookies, and some of the answers are reset.
static void answered_syns(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "request");
    for (uint32_t i = 0; i < MANY; i++) {
        flood(w, i, CLIENT, 100, 0, SYN, "");
        flood(w, i, SERVER, 500, 101, SYN | ACK, "");
        if (i % 4 == 0)
            flood(w, i, CLIENT, 101, 0, RST, "");
    }
    say(w, SERVER, 501, 108, ACK, "response");
    expect(w, OPENED "1.0 request\nnote half-open-limit\n1.1 response\n");
    assert_int_equal(STAT(w, half_open_evictions), MANY / 4 * 3 - capture_limits_default.half_open);
    assert_int_equal(STAT(w, closed_evictions), 0); // refused ones are not remembered
}

// A port scan: refused at once. And many short connections that carry something.
static void short_connections(void **state) {
    struct world *w = *state;

    handshake(w);
    say(w, CLIENT, 101, 501, ACK, "request");
    say_from(w, 2000, SYN, 100, "x");
    say_from(w, 2000, RST, 102, "");
    for (uint32_t i = 0; i < MANY; i++) {
        flood(w, i, CLIENT, 100, 0, SYN, "");
        flood(w, i, SERVER, 0, 101, RST | ACK, "");
    }
    assert_int_equal(STAT(w, closed_evictions) + STAT(w, half_open_evictions), 0);
    say(w, SERVER, 501, 108, ACK, "response");
    say_from(w, 2000, ACK, 101, "x"); // a stray
    expect(w, OPENED "1.0 request\nopen 2 10.0.0.1:2000 > 10.0.0.2:135\n2.0 x\n"
                     "close 2 reset\n1.1 response\n");
    for (uint32_t i = 0; i < MANY; i++) {
        flood(w, i, CLIENT, 100, 0, SYN, "");
        flood(w, i, CLIENT, 101, 0, ACK | FIN, "x");
        flood(w, i, SERVER, 500, 103, ACK | FIN, "");
    }
    assert_int_equal(STAT(w, flow_evictions), 0);
    w->used = 0;
    say(w, CLIENT, 108, 509, ACK, "still known");
    expect(w, "1.0 still known\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_million_half_open_connections),
        WORLD_TEST(answered_syns),
        WORLD_TEST(short_connections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
