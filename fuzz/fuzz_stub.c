// SPDX-License-Identifier: Apache-2.0
// Property stub: the first two octets pick method, direction, interface version, transfer syntax
// and byte order; the rest is refused with one error inside it, or exactly the parameters of the
// method are present with views inside it, and its slots encode, with the size that the null sink
// predicts, to a stub that decodes without warnings and encodes to itself. What the values mean is
// the property stub_json.
#include <stdio.h>
#include <stdlib.h>

#include "fuzz_support.h"

#define PROPERTY "stub"

// An alignment gap that is cut short makes the field behind it, up to 7 octets further, incomplete.
enum { GAP = 7 };

struct stub {
    cmrp_stub_format format;
    cmrp_view bytes;
    cmrp_slot slots[CMRP_MAX_PARAMS];
};

static void warned(void *context, const cmrp_error *warning) {
    const struct stub *stub = context;
    fuzz_check_place(PROPERTY, warning, FUZZ_BASE, stub->bytes.size, 0);
}

static void check_slots(const struct stub *stub, const cmrp_param *params, size_t count,
                        const cmrp_slot *slots);

static void check_rows(const struct stub *stub, cmrp_rows rows) {
    cmrp_slot members[CMRP_MAX_PARAMS];
    uint64_t n = 0;
    while (cmrp_rows_next(&rows, members)) {
        check_slots(stub, rows.type->members, rows.type->count, members);
        n++;
    }
    if (n != rows.count) {
        fuzz_fail(PROPERTY, "%llu of %llu rows are delivered", (unsigned long long)n,
                  (unsigned long long)rows.count);
    }
}

static void check_slots(const struct stub *stub, const cmrp_param *params, size_t count,
                        const cmrp_slot *slots) {
    for (size_t i = 0; i < count; i++) {
        const cmrp_slot *slot = &slots[i];
        if (!slot->present || slot->null) {
            continue;
        }
        fuzz_check_inside(PROPERTY, params[i].name, slot->bytes, stub->bytes);
        if (cmrp_param_struct(&params[i]) != NULL) {
            check_rows(stub, slot->rows);
        }
    }
}

// Exactly the parameters of this stub are present.
static void check_presence(const struct stub *stub) {
    const cmrp_method *method = stub->format.method;
    for (uint32_t i = 0; i < method->count; i++) {
        if (stub->slots[i].present != cmrp_param_travels(&method->params[i], &stub->format)) {
            fuzz_fail(PROPERTY, "presence of %s is wrong", method->params[i].name);
        }
    }
}

// ---- modes --------------------------------------------------------------------------------------

// A method, its direction, and a protocol with a transfer syntax: protocol 2 has NDR 2.0 only.
enum { CODINGS = 3, MODES_OF_METHOD = 2 * CODINGS, MOST_METHODS = 512 };

static const struct {
    const char *name;
    unsigned interface;
    cmrp_syntax syntax;
} codings[CODINGS] = {
    {"protocol 2, NDR", CMRP_INTERFACE_2, CMRP_NDR20},
    {"protocol 3, NDR", CMRP_INTERFACE_3, CMRP_NDR20},
    {"protocol 3, NDR64", CMRP_INTERFACE_3, CMRP_NDR64},
};

static bool reached[MOST_METHODS * MODES_OF_METHOD];

static bool mode_name(size_t index, char *buffer, size_t capacity) {
    const cmrp_method *method = cmrp_method_at(index / MODES_OF_METHOD);
    const size_t coding = index % CODINGS;
    const bool response = index / CODINGS % 2 != 0;
    if (cmrp_method_section(method, codings[coding].interface) == NULL) {
        return false;
    }
    snprintf(buffer, capacity, "%s %s, %s", method->name, response ? "response" : "request",
             codings[coding].name);
    return true;
}

static void reach(const cmrp_stub_format *format) {
    static struct fuzz_modes modes = {.name = mode_name, .reached = reached};
    size_t method = 0;
    while (cmrp_method_at(method) != format->method) {
        method++;
    }
    for (size_t i = 0; i < CODINGS && method < MOST_METHODS; i++) {
        if (codings[i].interface == format->interface && codings[i].syntax == format->syntax) {
            reached[method * MODES_OF_METHOD + (format->response ? CODINGS : 0) + i] = true;
        }
    }
    modes.count = cmrp_method_count() * MODES_OF_METHOD;
    fuzz_modes = &modes;
}

// ---- checks -------------------------------------------------------------------------------------

static bool write_slots(void *context, cmrp_writer *w) {
    const struct stub *stub = context;
    return cmrp_stub_encode(&stub->format, stub->slots, w);
}

static void no_warning(void *context, const cmrp_error *warning) {
    (void)context;
    fuzz_fail(PROPERTY, "the encoded stub is warned of: %s of %s at %llu",
              cmrp_code_id(warning->code), warning->field, (unsigned long long)warning->offset);
}

static void check_accepted(struct stub *stub) {
    check_presence(stub);
    check_slots(stub, stub->format.method->params, stub->format.method->count, stub->slots);

    size_t size;
    size_t size_again;
    cmrp_error error = {0};
    struct stub canonical = {.format = stub->format};
    uint8_t *octets = fuzz_write(PROPERTY, write_slots, stub, &size);
    canonical.bytes = (cmrp_view){octets, size};
    if (!cmrp_stub_decode(&canonical.format, canonical.bytes, 0, canonical.slots, no_warning, NULL,
                          &error)) {
        fuzz_fail(PROPERTY, "the encoded stub does not decode: %s of %s at %llu",
                  cmrp_code_id(error.code), error.field, (unsigned long long)error.offset);
    }
    uint8_t *again = fuzz_write(PROPERTY, write_slots, &canonical, &size_again);
    fuzz_check_same_octets(PROPERTY, "the encoded stub encodes differently", canonical.bytes,
                           (cmrp_view){again, size_again});
    free(again);
    free(octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < FUZZ_STUB_SELECTORS) {
        return 0;
    }
    struct stub stub = {
        .format = fuzz_stub_format(data),
        .bytes = {data + FUZZ_STUB_SELECTORS, size - FUZZ_STUB_SELECTORS},
    };
    cmrp_error error = {0};
    if (cmrp_stub_decode(&stub.format, stub.bytes, FUZZ_BASE, stub.slots, warned, &stub, &error)) {
        fuzz_tally.accepted++;
        reach(&stub.format);
        check_accepted(&stub);
    } else {
        fuzz_tally.rejected++;
        fuzz_check_error(PROPERTY, &error, FUZZ_BASE, stub.bytes.size,
                         error.code == CMRP_E_TRUNCATED ? GAP : 0);
    }
    return 0;
}
