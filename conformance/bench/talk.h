// SPDX-License-Identifier: Apache-2.0
// A client that is as thin as can be, for benchmarks: one blocking connection, NDR20. Whatever goes
// wrong ends the program with a line on stderr.
#ifndef BENCH_TALK_H
#define BENCH_TALK_H

#include "cmrp/method.h"
#include "cmrp/pdu.h"

enum { TALK_FRAGMENT = 5840, TALK_REQUEST_HEADER = 24 };

struct talk {
    int fd;
    uint32_t call_id; // of the request sent last
    uint32_t group;   // association group
    uint16_t largest; // fragment that the server takes
    uint8_t *in;      // octets received
    size_t start, end;
    uint8_t *joined; // stub of the response read last
    size_t joined_size, joined_room;
};

// A response: which call it answers, and its stub, valid until the next one is read.
struct talk_answer {
    uint32_t call_id;
    cmrp_view stub;
};

_Noreturn void talk_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t talk_now(void); // microseconds of a clock that does not jump
// A number of the command line.
size_t talk_argument(const char *text, size_t least, size_t most);
// A socket connected to this port of 127.0.0.1, without Nagle's delay.
int talk_connect(uint16_t port);
// Connects and binds; group 0: a new association.
void talk_open(struct talk *talk, uint16_t port, uint32_t group);
void talk_close(struct talk *talk);

// The stub of a request of this method: its octets in *stub, which has room for `room`.
size_t talk_stub(const char *method, const cmrp_slot *slots, uint8_t *stub, size_t room);
// Sends a request, in as many fragments as it takes; its number.
uint32_t talk_send(struct talk *talk, unsigned opnum, cmrp_view stub);
// Waits for the next response.
struct talk_answer talk_receive(struct talk *talk);
// Whether a PDU has come that talk_receive need not wait for.
bool talk_pending(const struct talk *talk);
// Asks and waits; slots of the answer, of which `return` must be 0. One call at a time.
void talk_call(struct talk *talk, const char *method, const cmrp_slot *in, cmrp_slot *out);
void talk_decode(const char *method, cmrp_view stub, cmrp_slot *out);
// The index of a parameter.
uint32_t talk_index(const char *method, const char *parameter);
unsigned talk_opnum(const char *method);
cmrp_slot talk_number(uint64_t value);
cmrp_slot talk_handle(const uint8_t octets[CMRP_HANDLE_SIZE]);

#endif
