// SPDX-License-Identifier: Apache-2.0
#include "fuzz_reassembly_talk.h"

#include <stdlib.h>
#include <string.h>

#include "util/buffer.h"

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10 };
enum { TCP_HEADER = 20, HEADERS = 48, FRAGMENT_UNIT = 8 };

uint8_t talk_octet(uint32_t connection, uint32_t direction, uint32_t place) {
    const uint32_t seed = connection * 2 + direction;
    return (uint8_t)(((place + seed * 7919) * 2654435761u) >> 21);
}

uint8_t talk_wrong_octet(uint32_t connection, uint32_t direction, uint32_t place) {
    return (uint8_t)~talk_octet(connection, direction, place);
}

uint32_t talk_draw(struct talk *talk, uint32_t bound) {
    uint32_t value = 0;
    for (uint32_t reach = 1; reach < bound && talk->left > 0; reach <<= 8) {
        value = value << 8 | *talk->input;
        talk->input++;
        talk->left--;
    }
    return value % bound;
}

static bool one_in(struct talk *talk, uint32_t bound) {
    return talk_draw(talk, bound) == 1; // never at the end of the input
}

// ---- what is said -------------------------------------------------------------------------------

static void draw_connection(struct talk *talk, struct talk_connection *c) {
    c->ipv6 = talk_draw(talk, 4) == 1;
    c->fast_open = talk_draw(talk, 4) == 1;
    for (int direction = 0; direction < 2; direction++) {
        // Most streams wrap.
        c->isn[direction] = talk_draw(talk, 4) == 1 ? talk_draw(talk, 1u << 24) * 251
                                                    : UINT32_MAX - talk_draw(talk, 1024);
    }
}

static void draw_messages(struct talk *talk) {
    const uint32_t count = 1 + talk_draw(talk, TALK_MESSAGES - 1);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t which = (uint8_t)talk_draw(talk, talk->connections * 2);
        struct talk_connection *c = &talk->connection[which / 2];
        struct talk_message *m = &talk->message[talk->messages];
        const uint32_t direction = which % 2;
        uint32_t size = 1 + talk_draw(talk, 256);
        if (talk_draw(talk, 8) == 1) {
            size *= 8;
        }
        if (c->size[direction] + size > TALK_STREAM) {
            continue;
        }
        *m = (struct talk_message){.connection = which / 2,
                                   .direction = (uint8_t)direction,
                                   .from = c->size[direction],
                                   .to = c->size[direction] + size,
                                   .need = c->size[!direction]};
        c->size[direction] += size;
        talk->messages++;
    }
}

// ---- packets ------------------------------------------------------------------------------------

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value);
}

// Octets of an IP packet after its header, and the place at which its data begins in the stream.
struct segment {
    uint8_t connection;
    uint8_t direction;
    uint32_t from;
    uint32_t size;
    bool wrong;
    uint8_t octets[TCP_HEADER + TALK_STREAM];
};

static struct talk_packet *add_packet(struct talk *talk, const struct segment *s, uint32_t header,
                                      uint32_t content) {
    struct talk_packet *p = &talk->packet[talk->packets];
    if (talk->packets == TALK_PACKETS) {
        talk->full = true;
        return NULL;
    }
    *p = (struct talk_packet){.octets = util_alloc(header + content),
                              .size = header + content,
                              .captured = header + content,
                              .late = talk->packets + talk_draw(talk, TALK_REORDER + 1),
                              .connection = s->connection,
                              .direction = s->direction,
                              .wrong = s->wrong,
                              .segment = s->from};
    memset(p->octets, 0, header);
    talk->packets++;
    talk->connection[s->connection].packets++;
    return p;
}

static void put_ipv4(uint8_t *at, const struct segment *s, uint32_t content, uint16_t id,
                     uint32_t offset, bool more) {
    at[0] = 0x45;
    put16(at + 2, 20 + content);
    put16(at + 4, id);
    put16(at + 6, offset / FRAGMENT_UNIT | (more ? 0x2000u : 0));
    at[8] = 64;
    at[9] = 6;
    put32(at + 12, 0x0a000001u + s->direction);
    put32(at + 16, 0x0a000002u - s->direction);
}

static void put_ipv6(uint8_t *at, const struct segment *s, uint32_t content, uint16_t id,
                     uint32_t offset, bool more, bool fragment) {
    at[0] = 0x60;
    put16(at + 4, content + (fragment ? 8 : 0));
    at[6] = fragment ? 44 : 6;
    at[7] = 64;
    at[8] = at[24] = 0xfd;
    at[23] = (uint8_t)(1 + s->direction);
    at[39] = (uint8_t)(2 - s->direction);
    if (fragment) {
        at[40] = 6;
        put16(at + 42, offset | (more ? 1 : 0));
        put32(at + 44, id);
    }
}

// Octets `at` to `end` of a segment as a packet.
static struct talk_packet *add_part(struct talk *talk, const struct segment *s, uint16_t id,
                                    uint32_t at, uint32_t end, uint32_t total) {
    const bool ipv6 = talk->connection[s->connection].ipv6;
    const bool fragment = at > 0 || end < total;
    const uint32_t header = !ipv6 ? 20 : fragment ? 48 : 40;
    struct talk_packet *p = add_packet(talk, s, header, end - at);
    if (p == NULL) {
        return NULL;
    }
    if (ipv6) {
        put_ipv6(p->octets, s, end - at, id, at, end < total, fragment);
    } else {
        put_ipv4(p->octets, s, end - at, id, at, end < total);
    }
    memcpy(p->octets + header, s->octets + at, end - at);
    p->from = s->from + (at > TCP_HEADER ? at - TCP_HEADER : 0);
    p->to = s->from + (end > TCP_HEADER ? end - TCP_HEADER : 0);
    return p;
}

// A fragment once more, with other octets or other edges.
static void add_contradiction(struct talk *talk, const struct segment *s, uint16_t id, uint32_t at,
                              uint32_t end, uint32_t total) {
    struct segment other = *s;
    if (at < TCP_HEADER + 4) {
        return; // a wrong header would say other things of the octets behind it
    }
    for (uint32_t i = at; i < end; i++) {
        other.octets[i] = (uint8_t)~other.octets[i];
    }
    other.wrong = !s->wrong;
    add_part(talk, &other, id, at, end, total);
}

// Whole, or in fragments of which some may come twice or overlap.
static void add_segment(struct talk *talk, const struct segment *s) {
    const uint32_t total = TCP_HEADER + s->size;
    const uint16_t id = ++talk->identification;
    uint32_t unit = total;
    if (talk_draw(talk, 6) == 1) {
        unit = FRAGMENT_UNIT * (1 + talk_draw(talk, 24));
    }
    for (uint32_t at = 0; at < total; at += unit) {
        uint32_t end = at + unit < total ? at + unit : total;
        add_part(talk, s, id, at, end, total);
        if (end - at == total) {
            break;
        }
        if (one_in(talk, 6)) { // a copy, or an overlap
            const uint32_t longer = end + FRAGMENT_UNIT * talk_draw(talk, 3);
            const bool whole = longer % FRAGMENT_UNIT != 0 || longer >= total;
            add_part(talk, s, id, at, whole ? end : longer, total);
        }
        if (talk->hostile && one_in(talk, 8)) {
            add_contradiction(talk, s, id, at, end, total);
        }
    }
}

// Octets `from` to `to` of a direction, with an acknowledgement of `acked` octets.
static void say(struct talk *talk, uint8_t connection, uint8_t direction, uint32_t from,
                uint32_t to, uint32_t acked, uint8_t flags) {
    const struct talk_connection *c = &talk->connection[connection];
    struct segment s = {
        .connection = connection, .direction = direction, .from = from, .size = to - from};
    const uint16_t client = (uint16_t)(TALK_PORT + connection);
    s.wrong = talk->hostile && one_in(talk, 16);
    put16(s.octets, direction == 0 ? client : TALK_SERVER_PORT);
    put16(s.octets + 2, direction == 0 ? TALK_SERVER_PORT : client);
    put32(s.octets + 4, c->isn[direction] + from + ((flags & SYN) != 0 ? 0 : 1));
    if ((flags & ACK) != 0) {
        put32(s.octets + 8, c->isn[!direction] + 1 + acked);
    }
    s.octets[12] = TCP_HEADER / 4 << 4;
    s.octets[13] = flags;
    for (uint32_t i = from; i < to; i++) {
        s.octets[TCP_HEADER + i - from] = s.wrong ? talk_wrong_octet(connection, direction, i)
                                                  : talk_octet(connection, direction, i);
    }
    add_segment(talk, &s);
    if (one_in(talk, 8)) { // captured twice
        add_segment(talk, &s);
    }
}

// How much of each direction was sent.
struct progress {
    uint32_t sent[2];
    uint32_t acked[2]; // of these, what the other direction has acknowledged
};

// The message of which an octet is a part.
static const struct talk_message *message_at(const struct talk *talk, const struct talk_message *m,
                                             uint32_t place) {
    for (uint32_t i = 0; i < talk->messages; i++) {
        const struct talk_message *other = &talk->message[i];
        if (other->connection == m->connection && other->direction == m->direction &&
            other->from <= place && place < other->to) {
            return other;
        }
    }
    return m;
}

// Octets again, up to `end`. What its answer acknowledges a host does not send again: such octets
// are an old packet that the network kept.
static void repeat(struct talk *talk, const struct talk_message *m, uint32_t end,
                   const struct progress *p) {
    const uint32_t back = 1 + talk_draw(talk, 400);
    const uint32_t from = end > back ? end - back : 0;
    uint32_t to = from + 1 + talk_draw(talk, end - from);
    uint32_t acked = p->sent[!m->direction];
    if (from < p->acked[m->direction]) {
        const struct talk_message *old = message_at(talk, m, from);
        to = to < old->to ? to : old->to;
        acked = old->need;
    }
    if (to - from > 1) { // a lone octet is a keep-alive
        say(talk, m->connection, m->direction, from, to, acked, ACK);
    }
}

static void say_message(struct talk *talk, const struct talk_message *m, struct progress *p) {
    const uint32_t longest =
        talk_draw(talk, 8) == 1 ? 1 + talk_draw(talk, 12) : 20 + talk_draw(talk, 600);
    const uint32_t acked = p->sent[!m->direction];
    p->acked[!m->direction] = acked;
    const bool out_of_order = talk_draw(talk, 8) == 1;
    for (uint32_t at = m->from; at < m->to;) {
        uint32_t to = at + 1 + talk_draw(talk, longest);
        to = to < m->to ? to : m->to;
        // A lone octet without PSH is taken for a keep-alive where nothing else is known.
        say(talk, m->connection, m->direction, at, to, acked, to - at == 1 ? ACK | PSH : ACK);
        at = to;
        if (one_in(talk, 6)) {
            repeat(talk, m, at, p);
        }
        if (out_of_order && one_in(talk, 3)) { // ahead of itself: all that is left, and then parts
            say(talk, m->connection, m->direction, at < m->to ? at : m->from, m->to, acked,
                ACK | PSH);
        }
    }
    p->sent[m->direction] = m->to;
    if (one_in(talk, 4)) {
        say(talk, m->connection, !m->direction, p->sent[!m->direction], p->sent[!m->direction],
            m->to, ACK);
        p->acked[m->direction] = m->to;
    }
    if (one_in(talk, 12)) { // a keep-alive
        const uint32_t at = m->to - 1;
        say(talk, m->connection, m->direction, at, at + talk_draw(talk, 2), acked, ACK);
    }
}

static void interfere(struct talk *talk, uint8_t connection, const struct progress *p) {
    struct talk_connection *c = &talk->connection[connection];
    const uint8_t direction = (uint8_t)talk_draw(talk, 2);
    const uint32_t end = p->sent[direction];
    const uint32_t away = talk_draw(talk, 3);
    switch (talk_draw(talk, 4)) {
    case 0: // a reset somewhere
        say(talk, connection, direction, end + away, end + away, 0, RST);
        break;
    case 1: say(talk, connection, direction, end + away, end + away, 0, FIN | ACK); break;
    case 2: // a SYN of another connection, whose octets never come
        c->isn[direction] += 1u << 20;
        say(talk, connection, direction, 0, 0, 0, SYN);
        c->isn[direction] -= 1u << 20;
        break;
    default: say(talk, connection, direction, end, end, p->sent[!direction], ACK);
    }
}

static void open_connection(struct talk *talk, uint8_t connection, struct progress *p) {
    struct talk_connection *c = &talk->connection[connection];
    uint32_t early = 0;
    for (uint32_t i = 0; i < talk->messages && c->fast_open; i++) {
        const struct talk_message *m = &talk->message[i];
        if (m->connection == connection) {
            early = m->direction == 0 && m->to < 1400 ? m->to : 0;
            break;
        }
    }
    say(talk, connection, 0, 0, early, 0, SYN);
    // Some servers do not take early octets: they come again.
    say(talk, connection, 1, 0, 0, talk_draw(talk, 2) == 0 ? early : 0, SYN | ACK);
    say(talk, connection, 0, 0, 0, 0, ACK);
    p->sent[0] = 0;
}

static void close_connection(struct talk *talk, uint8_t connection, const struct progress *p) {
    const uint8_t first = (uint8_t)talk_draw(talk, 2);
    const uint8_t second = !first;
    // The sequence number of the FIN is that after the last octet.
    say(talk, connection, first, p->sent[first], p->sent[first], p->sent[second], FIN | ACK);
    say(talk, connection, second, p->sent[second], p->sent[second], p->sent[first] + 1, FIN | ACK);
    say(talk, connection, first, p->sent[first] + 1, p->sent[first] + 1, p->sent[second] + 1, ACK);
}

// ---- the capture --------------------------------------------------------------------------------

static int compare_packets(const void *a, const void *b) {
    const struct talk_packet *x = a;
    const struct talk_packet *y = b;
    return x->late < y->late ? -1 : x->late > y->late;
}

static void lose(struct talk *talk) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < talk->packets; i++) {
        struct talk_packet *p = &talk->packet[i];
        const uint32_t fate = talk_draw(talk, 16);
        if (fate == 1) {
            free(p->octets);
            continue;
        }
        if (fate == 2 && p->to > p->from) { // cut off by the snapshot length
            const uint32_t cut = 1 + talk_draw(talk, p->to - p->from);
            p->captured -= cut;
            p->to -= cut;
        }
        talk->packet[kept++] = *p;
    }
    talk->packets = kept;
}

struct talk *talk_create(const uint8_t *data, size_t size) {
    struct talk *talk = util_alloc(sizeof *talk);
    struct progress progress[TALK_CONNECTIONS] = {0};
    memset(talk, 0, sizeof *talk);
    talk->input = data;
    talk->left = size;
    talk->hostile = talk_draw(talk, 2) == 1;
    talk->connections = 1 + talk_draw(talk, TALK_CONNECTIONS);
    for (uint32_t i = 0; i < talk->connections; i++) {
        draw_connection(talk, &talk->connection[i]);
    }
    draw_messages(talk);
    for (uint8_t i = 0; i < talk->connections; i++) {
        open_connection(talk, i, &progress[i]);
    }
    for (uint32_t i = 0; i < talk->messages; i++) {
        const struct talk_message *m = &talk->message[i];
        say_message(talk, m, &progress[m->connection]);
        if (talk->hostile && one_in(talk, 8)) {
            interfere(talk, m->connection, &progress[m->connection]);
        }
    }
    for (uint8_t i = 0; i < talk->connections; i++) {
        close_connection(talk, i, &progress[i]);
    }
    if (talk->hostile) {
        lose(talk);
    }
    // Packets that are equally late keep their order.
    for (uint32_t i = 0; i < talk->packets; i++) {
        talk->packet[i].late = talk->packet[i].late * TALK_PACKETS + i;
    }
    qsort(talk->packet, talk->packets, sizeof talk->packet[0], compare_packets);
    return talk;
}

void talk_destroy(struct talk *talk) {
    for (uint32_t i = 0; i < talk->packets; i++) {
        free(talk->packet[i].octets);
    }
    free(talk);
}
