// SPDX-License-Identifier: Apache-2.0
// Clients for tests of the server without sockets: PDUs out, answers in as text.
#ifndef RPC_TEST_GUEST_H
#define RPC_TEST_GUEST_H

// cmocka wants those four before its own
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echo.h"
#include "util/buffer.h"

enum {
    FIRST = CMRP_PFC_FIRST_FRAG,
    LAST = CMRP_PFC_LAST_FRAG,
    BOTH = FIRST | LAST,
    MPX = CMRP_PFC_CONC_MPX,
};

extern const cmrp_syntax_id ndr20;
extern const cmrp_syntax_id ndr64;
extern const cmrp_syntax_id unknown_id; // an interface or syntax that nobody knows
cmrp_syntax_id features(uint8_t bits);

// ---- a server -----------------------------------------------------------------------------------

struct place {
    struct echo *echo;
    struct rpc_server *server;
    struct buffer log; // lines
    uint64_t now;      // milliseconds
    uint64_t passing;  // of them with each look at the clock
    uint64_t random;
};

// Limits and security may be NULL. The clock stands still; handles count.
void place_open(struct place *place, const struct rpc_limits *limits,
                const struct rpc_security *security);
// A server of other interfaces.
void place_open_with(struct place *place, const struct rpc_interface *const *interfaces);
void place_close(struct place *place);
// Asserts that a line of the log holds this text, and clears the log.
void place_logged(struct place *place, const char *text);

// ---- a client -----------------------------------------------------------------------------------

struct guest {
    struct place *place;
    struct rpc_connection *connection; // NULL: the server refused it, or it ended
    struct buffer received;            // octets from the server, not yet told
    struct buffer text;
    bool given_up; // by the server
    bool dropped;  // and what waits is not to be sent
    bool told;     // that it was
    bool stuck;    // receives nothing: all waits
    size_t waiting;
    size_t piece;                     // octets given to the server at a time; 0: all
    bool big_endian;                  // what it sends
    bool any_group;                   // the text calls every association group 0
    uint16_t fragment;                // of its bind
    uint32_t group;                   // of the last bind_ack
    uint8_t handle[CMRP_HANDLE_SIZE]; // the last 20 octets that a response held
    uint8_t key;                      // of the security of test_security.c
};

void guest_open(struct guest *guest, struct place *place, const char *client);
void guest_close(struct guest *guest); // ends the connection, if there is one; frees

void guest_octets(struct guest *guest, const void *octets, size_t size);
void guest_pdu(struct guest *guest, cmrp_pdu *pdu);
// Encodes a PDU as the guest would send it, appended.
void guest_encode(const struct guest *guest, cmrp_pdu *pdu, struct buffer *out);

struct offer {
    uint16_t id;
    const cmrp_syntax_id *interface;
    cmrp_syntax_id transfers[3];
    uint8_t count;
};
// A bind or alter_context of flags BOTH | more.
void guest_offer(struct guest *guest, unsigned ptype, uint32_t call_id, unsigned more,
                 const struct offer *offers, size_t count);
// A bind of echo under context 0 in NDR, multiplexing, call_id 1; group 0 or one to be joined. The
// answer is taken, but for the group.
void guest_bind(struct guest *guest, uint32_t group);
void guest_request(struct guest *guest, unsigned flags, uint32_t call_id, uint16_t context,
                   uint16_t opnum, const void *stub, size_t size);
// One whole request on context 0.
void guest_call(struct guest *guest, uint32_t call_id, enum echo_opnum opnum, const void *stub,
                size_t size);
void guest_call_u32(struct guest *guest, uint32_t call_id, enum echo_opnum opnum, uint32_t value);
// A PDU without a body.
void guest_plain(struct guest *guest, unsigned ptype, uint32_t call_id);

// All that the server has sent, one PDU a line, and "closed". Valid until the next call.
const char *guest_text(struct guest *guest);
void guest_expect(struct guest *guest, const char *expected);

#endif
