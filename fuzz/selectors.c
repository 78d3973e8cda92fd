// SPDX-License-Identifier: Apache-2.0
// Prints, from the library's tables, which octets in front of an input select what: a line each,
//   change SET HEX
//   payload OBJECT_TYPE FLAG HEX
//   stub METHOD INTERFACE request|response ndr|ndr64 le|be HEX
// make_seeds.py puts them in front of the vectors.
#include <stdio.h>

#include "fuzz_support.h"

enum { OCTETS = 256 };

static bool same(const cmrp_stub_format *a, const cmrp_stub_format *b) {
    return a->method == b->method && a->interface == b->interface && a->response == b->response &&
           a->syntax == b->syntax && a->order == b->order;
}

// Prints the first selectors of a format, found by asking what each of them means.
static void print_format(const cmrp_stub_format *wanted) {
    uint8_t octets[FUZZ_STUB_SELECTORS];
    for (unsigned n = 0; n < OCTETS * OCTETS; n++) {
        octets[0] = (uint8_t)(n % OCTETS);
        octets[1] = (uint8_t)(n / OCTETS);
        const cmrp_stub_format found = fuzz_stub_format(octets);
        if (same(&found, wanted)) {
            printf("stub %s %u %s %s %s %02x%02x\n", wanted->method->name, wanted->interface,
                   wanted->response ? "response" : "request",
                   wanted->syntax == CMRP_NDR64 ? "ndr64" : "ndr",
                   wanted->order == CMRP_BIG_ENDIAN ? "be" : "le", octets[0], octets[1]);
            return;
        }
    }
    fuzz_fail("selectors", "no octets select %s", wanted->method->name);
}

static void print_events(void) {
    const cmrp_change_set *types = cmrp_change_set_at(CMRP_SET_CLUSTER_OBJECT_TYPE);
    for (uint32_t t = 0; t < types->count; t++) {
        const uint8_t type = (uint8_t)types->flags[t].value;
        const cmrp_change_set *set = cmrp_change_set_of_type(type);
        for (uint32_t f = 0; set != NULL && f < set->count; f++) {
            const uint8_t octets[FUZZ_PAYLOAD_SELECTORS] = {type, (uint8_t)f};
            uint32_t object_type;
            if (fuzz_payload_event(octets, &object_type) == &set->flags[f]) {
                printf("payload %s %s %02x%02x\n", types->flags[t].name, set->flags[f].name, type,
                       f);
            }
        }
    }
}

int main(void) {
    for (unsigned i = 0; i < CMRP_SET_COUNT; i++) {
        unsigned octet = 0;
        while (octet < OCTETS && fuzz_change_set((uint8_t)octet) != cmrp_change_set_at(i)) {
            octet++;
        }
        printf("change %s %02x\n", cmrp_change_set_at(i)->name, octet);
    }
    print_events();
    for (size_t i = 0; i < cmrp_method_count(); i++) {
        const cmrp_method *method = cmrp_method_at(i);
        for (unsigned bits = 0; bits < 16; bits++) {
            const cmrp_stub_format format = {
                .method = method,
                .interface = (bits & 1) != 0 ? CMRP_INTERFACE_2 : CMRP_INTERFACE_3,
                .response = (bits & 2) != 0,
                .syntax = (bits & 4) != 0 ? CMRP_NDR64 : CMRP_NDR20,
                .order = (bits & 8) != 0 ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN,
            };
            if (cmrp_method_section(method, format.interface) != NULL) {
                print_format(&format);
            }
        }
    }
    return ferror(stdout) != 0;
}
