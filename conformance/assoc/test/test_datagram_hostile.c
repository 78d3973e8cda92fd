// SPDX-License-Identifier: Apache-2.0
// Datagrams that nobody sane would send.
#include "datagrams.h"

#include <stdlib.h>

static bool is_asked(uint8_t ptype) {
    return ptype == CMRP_PTYPE_CL_REQUEST || ptype == CMRP_PTYPE_CL_PING ||
           ptype == CMRP_PTYPE_CL_ACK || ptype == CMRP_PTYPE_CL_CL_CANCEL;
}

static struct sent random_datagram(uint32_t random, uint64_t frame) {
    return (struct sent){.ptype = (uint8_t)(random % 11),
                         .call = (uint32_t)frame / 64 + random / 11 % 4,
                         .activity = (uint8_t)(random / 44 % 4 + (random % 64 == 0 ? 16 : 0)),
                         .number = (uint16_t)(random / 176 % 3),
                         .flags1 = (uint8_t)(random >> 13 & 0x3e),
                         .flags2 = (uint8_t)(random >> 18 & 4),
                         .sealed = (random >> 19 & 7) == 0,
                         .stub = "hostile."};
}

// Octets changed at random, the same in every run: events stay within the contract, memory within
// its limit, and all of it is given back.
static void test_hostile_datagrams(void **state) {
    (void)state;
    static const struct assoc_address ends[] = {{{10}, 1025}, {{20}, SERVER}, {{20}, MAPPER}};
    static const char *const met[] = {"breach",
                                      "given up",
                                      "note activity-limit",
                                      "note call-contradiction",
                                      "note cancel",
                                      "note pdu",
                                      "move",
                                      "request=lost",
                                      "request=partial",
                                      "request=whole",
                                      "request=sealed",
                                      "response=sealed",
                                      "response=whole",
                                      " maybe"};
    struct world w;
    struct assoc_memory memory = {.limit = 50000};
    uint32_t random = 1;
    size_t taken = 0;
    begin_with(&w, &(struct assoc_datagram_limits){.activities = 8, .calls = 4, .fragments = 8},
               &memory);
    for (w.frame = 1; w.frame <= 50000; w.frame++) {
        uint8_t octets[256];
        const struct sent s = random_datagram(random, w.frame);
        size_t size = encode_datagram(&s, octets, sizeof octets);
        for (unsigned changes = random >> 22 & 3; changes > 0; changes--) {
            random = random * 1664525u + 1013904223u;
            octets[(random >> 8) % size] ^= (uint8_t)(1u << (random & 7));
        }
        random = random * 1664525u + 1013904223u;
        const uint64_t missing = (random >> 8) % 16 == 0 ? 1 + (random >> 12) % 4 : 0;
        size -= missing;
        uint8_t *exact = malloc(size);
        assert_non_null(exact);
        memcpy(exact, octets, size);
        const struct assoc_stamp stamp = {.frame = w.frame};
        // From the end that sends such PDUs, mostly.
        const bool asks = is_asked(s.ptype) != ((random >> 16) % 32 == 0);
        const struct assoc_address *server = &ends[1 + ((random >> 4) % 32 == 0)];
        taken += assoc_datagram(w.datagrams, asks ? &ends[0] : server, asks ? server : &ends[0],
                                (cmrp_view){exact, size}, missing, &stamp);
        free(exact);
        assert_true(memory.used <=
                    memory.limit + 2048); // an activity and a call are always allowed
    }
    assert_true(taken > 5000);
    assoc_datagrams_close(w.datagrams);
    assert_int_equal(memory.used, 0);
    assert_int_equal(w.open, 0);
    for (size_t i = 0; i < sizeof met / sizeof met[0]; i++) {
        assert_non_null(strstr(buffer_text(&w.said), met[i]));
    }
    assoc_datagrams_destroy(w.datagrams);
    buffer_free(&w.said);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_datagrams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
