// SPDX-License-Identifier: Apache-2.0
// Stubs of every shape that the interface has, built field by field from the tables of the IDL
// [MS-CMRP 6] and the rules of NDR, with what a decoder must say of each cut.
#ifndef CMRP_STUB_SHAPES_H
#define CMRP_STUB_SHAPES_H

#include "test_support.h"

#include "cmrp/method.h"

typedef struct stub_shape {
    const char *name;
    uint32_t opnum;
    unsigned interface;
    bool response;
    void (*build)(built *b);
} stub_shape;

extern const stub_shape stub_shapes[];
extern const size_t stub_shape_count;

extern const uint8_t sample_handle[CMRP_HANDLE_SIZE];

// Syntax and byte order number `form`, 0 to STUB_FORMS - 1.
enum { STUB_FORMS = 4 };
cmrp_stub_format stub_format(const stub_shape *shape, unsigned form);
void stub_build(built *b, const stub_shape *shape, unsigned form);

// The format of a method that is described, in a form.
cmrp_stub_format format_of(uint32_t opnum, bool response, unsigned form);
// Whether units are this ASCII text in the order.
bool is_text(cmrp_view units, cmrp_order order, const char *ascii);

// Slots of a decode, and the encoder of what they hold.
typedef struct stub_slots {
    cmrp_stub_format format;
    cmrp_slot slots[CMRP_MAX_PARAMS];
} stub_slots;

bool decode_stub(void *context, cmrp_view input, uint64_t offset, cmrp_error *error);
bool encode_stub(void *context, cmrp_writer *w);

#endif
