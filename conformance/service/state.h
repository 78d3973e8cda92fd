// SPDX-License-Identifier: Apache-2.0
// What the framework's own files share: a service, its rows, a call.
#ifndef SERVICE_STATE_H
#define SERVICE_STATE_H

#include "service/memory.h"
#include "service/parts.h"

enum { NO_PARAM = 0xff };

// A method with everything about its parameters looked up.
struct service_row {
    const struct service_method *method; // NULL: not served
    const cmrp_method *description;
    uint8_t index[SERVICE_PARAMS];    // of the row's names
    uint8_t handles[CMRP_MAX_PARAMS]; // those of the request
    uint8_t results[CMRP_MAX_PARAMS]; // those of the response
    uint8_t handle_count, result_count, status;
    uint8_t room;     // that of the request which a CMRP_KIND_ROOM repeats
    cmrp_slot *blank; // by parameter: what stands in the response where nothing is set
};

struct service {
    struct cluster *cluster;
    struct service_options options;
    struct rpc_interface interface;
    enum service_state state;
    bool stopping;
    struct service_counters counters;
    struct memory memory;
    struct buffer output; // the stub of a response
    struct buffer text;
    size_t method_count;
    struct service_row rows[SERVICE_OPNUMS];
};

struct service_call {
    struct service *service;
    const struct service_row *row;
    struct rpc_call *rpc;
    struct rpc_association *association;
    cmrp_syntax syntax;
    cmrp_slot *slots;                // NULL: of a call that goes on, of which nothing is set yet
    struct service_handle **handles; // by parameter; NULL after service_later
    uint32_t set;                    // bits: parameters of the response that are set
    bool later;
    struct memory_mark mark; // of a call that goes on: from its first use of memory
    bool marked;
    void (*ended)(void *context, enum rpc_end end);
    void *context;
};

// service.c: one line in the log about a stub ("request", "response") that cannot be read or
// written.
void service_complain(const struct service_call *call, const char *stub, const cmrp_error *error);

// password.c: the response stub of a method that the codec does not describe; false: the request
// cannot be read. `writer` has room for 64 octets.
enum { SET_SERVICE_ACCOUNT_PASSWORD = 108 };
bool service_refuse_password(const struct rpc_request *request, cmrp_writer *writer);

// methods.c: fills the rows in. NULL, or what is wrong (free() it).
char *service_rows_prepare(struct service *service);
void service_rows_free(struct service *service);
// What stands in a response where nothing is set: 0, NULL, empty, a count to be derived. Structures
// that are no pointers have no members yet.
void service_blank(cmrp_slot *slot, const cmrp_param *params, size_t count, size_t index);

// handles.c: the kind that a parameter of this meaning must be of; false: any (HGENERIC).
bool service_kind_of(uint8_t meaning, enum service_kind *kind);
// The handle in the slot of parameter `index`, or NULL where the association has none such.
struct service_handle *service_handle_of(struct rpc_association *association,
                                         const cmrp_slot *slot);
bool service_carries_level(enum service_kind kind);
bool service_is_gone(const struct service_handle *handle);

#endif
