// SPDX-License-Identifier: Apache-2.0
// One method of the interface, called by its name with parameters by their names: slots to stub,
// over an rpc_client, stub to slots. [MS-CMRP 3.2.4]
#ifndef RPC_METHOD_CALL_H
#define RPC_METHOD_CALL_H

#include "rpc/client.h"

// A call that is being prepared. Parameters that are never set are zero: a NULL pointer, the NULL
// handle, the number 0, an empty string, no octets. Counts follow from what they count.
struct method_call;

// NULL where version 3.0 of the interface has no such method. To be given to method_call_send.
struct method_call *method_call_create(const char *name);
// Setting a parameter that the request does not have is an error of the program: it ends with a
// message. Texts and octets are copied.
void method_call_handle(struct method_call *call, const char *parameter,
                        const uint8_t handle[CMRP_HANDLE_SIZE]);
void method_call_number(struct method_call *call, const char *parameter, uint64_t number);
// UTF-8, where surrogates without partner may stand as three octets; other octets are the caller's
// error, and send an empty text.
void method_call_text(struct method_call *call, const char *parameter, const char *utf8);
// UTF-16 without NUL.
void method_call_units(struct method_call *call, const char *parameter, cmrp_view units,
                       cmrp_order order);
void method_call_octets(struct method_call *call, const char *parameter, cmrp_view octets);
// A structure: so many numbers (at most CMRP_MAX_PARAMS), in the order of its members.
void method_call_record(struct method_call *call, const char *parameter, const uint64_t *numbers,
                        size_t count);

// How a call ended.
struct method_reply {
    // What decides: 0; the first that is not 0 of the return value and the other status parameters;
    // what rpc_reply has; or RPC_X_BAD_STUB_DATA for a response that cannot be decoded.
    uint32_t status;
    // The method returned: slots, by parameter, hold its response, whatever the status. They and
    // what they point to are valid during the callback.
    bool answered;
    bool fault;      // status is that of a fault PDU
    const char *why; // a sentence, where it was not answered
    const cmrp_method *method;
    const cmrp_slot *slots;
};
typedef void method_done(void *context, const struct method_reply *reply);

// Sends it; `call` is freed, whatever happens. flags are RPC_CALL_*. What is returned can be given
// to rpc_client_cancel until done begins, which comes exactly once.
struct rpc_client_call *method_call_send(struct rpc_client *client, struct method_call *call,
                                         unsigned flags, method_done *done, void *context);

// A parameter of an answered reply; NULL where the response has none of this name.
const cmrp_slot *method_reply_slot(const struct method_reply *reply, const char *parameter);
// Its number or handle. A missing one is 0.
uint64_t method_reply_number(const struct method_reply *reply, const char *parameter);
void method_reply_handle(const struct method_reply *reply, const char *parameter,
                         uint8_t handle[CMRP_HANDLE_SIZE]);

#endif
