// SPDX-License-Identifier: Apache-2.0
// Connections of the generated traffic: binds, requests and responses as octets of a capture.
#ifndef TRAFFIC_TALK_H
#define TRAFFIC_TALK_H

#include <jansson.h>

#include "cmrp/cmrp.h"
#include "suite/wire.h"

struct line {
    struct wire_flow flow;
    bool open;
    cmrp_syntax syntax; // that the server took of those that were offered
    cmrp_order order;   // of the client; the server's is little-endian
    uint32_t call_id;   // of the last call
};

// Opens a connection and binds the interface in both transfer syntaxes; the server takes one.
// group: that the client asks for, 0 for a new one; assigned: what the server answers.
void talk_open(struct line *line, struct wire *wire, uint32_t client, uint16_t port, uint32_t group,
               uint32_t assigned);
void talk_close(struct line *line, bool reset);

// params are the request's or the response's, in the form of docs/json.md; they are not freed. A
// value that cannot be encoded is a fault of the generator and ends the program.
void talk_request(struct line *line, uint32_t call_id, uint32_t opnum, const json_t *params);
// A fault in place of a response; the call was not executed.
void talk_fault(struct line *line, uint32_t call_id, uint32_t status);
void talk_response(struct line *line, uint32_t call_id, uint32_t opnum, const json_t *params);

#endif
