// SPDX-License-Identifier: Apache-2.0
// One connectionless PDU of each kind, built field by field from the tables of C706 12.5, with what
// a decoder must say of each cut.
#ifndef CMRP_PDU_CL_SHAPES_H
#define CMRP_PDU_CL_SHAPES_H

#include "test_support.h"

#include "cmrp/pdu_cl.h"

#define CL_HEADER "C706 12.5.2"

enum { CL_KINDS = 11, CL_MASKS = 2 };

typedef struct cl_kind {
    uint8_t ptype;
    const char *name;
    const char *section; // that describes the body
} cl_kind;

extern const cl_kind cl_kinds[CL_KINDS];
extern const uint8_t cl_uuids[3][16]; // object, interface and activity of every variant

// Each kind in each byte order, with and without authentication.
enum { CL_VARIANTS = CL_KINDS * 4 };
uint8_t cl_ptype_of(unsigned variant);
bool cl_has_auth(unsigned variant);

// Builds a variant's header and body, without stub data and authentication; len is 0.
void build_cl_fields(built *b, unsigned variant);
// Builds a variant. A cut inside the body is shorter than len says; one behind it may be a whole by
// itself.
void build_cl_variant(built *b, unsigned variant);
void patch_cl_len(built *b, size_t len);

// A decoded PDU, and its list as the encoder takes it.
typedef struct rebuilt_cl {
    cmrp_pdu_cl pdu;
    uint32_t masks[65536];
} rebuilt_cl;

bool decode_pdu_cl(void *context, cmrp_view input, uint64_t offset, cmrp_error *error);
bool encode_pdu_cl(void *context, cmrp_writer *w);
// Builds a variant and decodes it.
void decode_cl_variant(built *b, unsigned variant, cmrp_pdu_cl *pdu);
// Reads the list of a decoded PDU and makes it the encoder's.
void list_cl_again(rebuilt_cl *r);

#endif
