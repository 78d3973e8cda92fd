// SPDX-License-Identifier: Apache-2.0
// One PDU of each kind, built field by field from the tables of C706 12.6.4, with what a decoder
// must say of each cut.
#ifndef CMRP_PDU_SHAPES_H
#define CMRP_PDU_SHAPES_H

#include "test_support.h"

#include "cmrp/pdu.h"

// The PDUs of the connection-oriented protocol [C706 12.6.1, MS-RPCE 2.2.2.3]; the numbers between
// belong to the connectionless one.
enum { PTYPES = 12 };
typedef struct pdu_kind {
    uint8_t ptype;
    const char *name;
    const char *section; // that describes the body
    size_t fixed;        // octets of the body that every such PDU has first
} pdu_kind;

extern const pdu_kind pdu_kinds[PTYPES];

// Each kind in each byte order, with and without authentication and object.
enum { VARIANTS = PTYPES * 2 * 2 * 2, CONTEXTS = 2 };
const pdu_kind *kind_of(unsigned variant);
bool has_auth(unsigned variant);
bool has_object(unsigned variant);

// Builds a variant, with its frag_length: input that ends behind the header is shorter than that.
void build_variant(built *b, unsigned variant);
// Builds a variant's header and body, without stub data and authentication, with a frag_length of
// 0.
void build_body(built *b, unsigned variant);
void patch_u16(built *b, size_t at, size_t value);

// A decoded PDU, and its lists as the encoder takes them.
typedef struct rebuilt {
    cmrp_pdu pdu;
    cmrp_pdu_context contexts[256];
    cmrp_syntax_id transfers[1024];
    cmrp_pdu_result results[256];
} rebuilt;

bool decode_pdu(void *context, cmrp_view input, uint64_t offset, cmrp_error *error);
bool encode_pdu(void *context, cmrp_writer *w);
// Reads the lists of a decoded PDU with the iterators.
void list_again(rebuilt *r);

#endif
