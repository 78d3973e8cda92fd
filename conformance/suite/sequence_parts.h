// SPDX-License-Identifier: Apache-2.0
// What the files that make a capture of a sequence share. Not for other files.
#ifndef SUITE_SEQUENCE_PARTS_H
#define SUITE_SEQUENCE_PARTS_H

#include "suite/sequence.h"
#include "suite/wire.h"

enum { SEQUENCE_CONTEXTS = 8, SEQUENCE_TOKEN = 16 };

struct sequence_context { // a presentation context of a connection
    uint16_t id;
    unsigned interface; // version
    cmrp_syntax syntax; // of stubs
};

struct sequence_security {
    bool used;
    uint8_t type;
    uint8_t level;
};

struct sequence_talk { // a connection
    const char *name;
    struct wire_flow flow;
    bool datagrams;
    bool opened, bound, closed;
    bool secured; // its bind says how it is secured, were it not at all
    struct sequence_security security;
    struct sequence_context contexts[SEQUENCE_CONTEXTS];
    size_t context_count;
    cmrp_order order;
    uint32_t group;
    uint32_t call_id; // of the next call or bind
    uint8_t number;   // from 1
};

struct sequence_call {
    const char *name; // of one in flight; NULL: it has ended
    struct sequence_talk *talk;
    struct sequence_context context;
    const cmrp_method *method; // NULL: not described
    uint16_t opnum;
    uint32_t call_id;
    struct sequence_security security;
};

struct sequence_maker {
    const struct sequence *sequence;
    struct sequence_capture *out;
    char **error;
    struct wire wire;
    struct sequence_talk **talks;
    size_t talk_count;
    struct sequence_call *calls;
    size_t call_count;
    uint32_t groups; // given so far
    size_t step;
    struct sequence_talk *talk; // that the step is about, or NULL
};

// Sets *m->error: "steps/N/SUB: message". Returns false.
bool sequence_wrong(const struct sequence_maker *m, const char *sub, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// The object has no keys but these (NULL-terminated).
bool sequence_keys(const struct sequence_maker *m, const char *sub, const json_t *object,
                   const char *const *keys);

// sequence_bind.c: a step {"bind":…}, or what stands for it (NULL).
bool sequence_bind(struct sequence_maker *m, struct sequence_talk *talk, const json_t *bind);
// {"type":…,"level":…} or null.
bool sequence_read_security(const struct sequence_maker *m, const char *sub, const json_t *value,
                            struct sequence_security *out);
// The fields of a security trailer for a stub or body of this many octets; false: there is none.
void sequence_secure(const struct sequence_security *security, size_t size, cmrp_pdu *pdu);
// The connection of this name, which may be new.
struct sequence_talk *sequence_talk(struct sequence_maker *m, const char *name);

// sequence_stub.c: the octets of a request or response, by KEY or KEY_hex of the step.
bool sequence_stub(const struct sequence_maker *m, const json_t *step, const char *key,
                   const struct sequence_call *call, bool response, struct buffer *out);

#endif
