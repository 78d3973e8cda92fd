// SPDX-License-Identifier: Apache-2.0
// Batch ports: the codes with which the calls on them come back.
#include "rules/batch_state.h"

enum {
    ERROR_INVALID_HANDLE = 0x6,
    ERROR_SEM_TIMEOUT = 0x79,
    WAIT_TIMEOUT = 0x102,
    ERROR_NO_MORE_ITEMS = 0x103,
    ERROR_TIMEOUT = 0x5b4,
};

// Whether the port of this call was open when its answer was seen. Only its own association can
// close a port, and the requests of this one were seen: HANDLE_VALID and FLIGHT_NONE mean that none
// of them, answered or not, was to close it.
enum port { PORT_UNKNOWN, PORT_OPEN, PORT_CLOSED };

static enum port port_of(const struct sight *s) {
    const struct rules_side *in = &s->call->request;
    const cmrp_slot *slot = &in->slots[0];
    struct rules_handle *port;
    const enum handle_fault fault = handle_check(s, &in->format.method->params[0], slot, &port);
    if (s->connection->group->blind || s->flight == NULL) {
        return PORT_UNKNOWN;
    }
    if (fault == HANDLE_UNKNOWABLE) { // closed since the request
        return port != NULL && port->closed && !port->uncertain ? PORT_CLOSED : PORT_UNKNOWN;
    }
    if (fault != HANDLE_VALID) {
        return PORT_UNKNOWN;
    }
    switch (flight_on(s, OPNUM_CLOSE_BATCH_PORT, slot->handle)) {
    case FLIGHT_NONE: return PORT_OPEN;
    case FLIGHT_SURE: return PORT_CLOSED; // perhaps
    default: return PORT_UNKNOWN;
    }
}

static void judge_invalid_handle(const struct sight *s, size_t rule, enum port port,
                                 uint32_t status) {
    if (port != PORT_OPEN || status == 0) {
        return;
    }
    if (status != ERROR_INVALID_HANDLE) {
        rule_kept(s, rule);
        return;
    }
    const struct where where = sight_where(s, true, "return");
    rule_broken(s, rule, &where, "ERROR_INVALID_HANDLE, but the port is open");
}

static void judge_no_more_items(const struct sight *s, enum port port) {
    if (port == PORT_OPEN) {
        const struct where where = sight_where(s, true, "return");
        rule_broken(s, RULE_BATCH_NO_MORE_ITEMS, &where,
                    "ERROR_NO_MORE_ITEMS, but ApiCloseBatchPort has not been called for the port");
    } else if (port == PORT_CLOSED) {
        rule_kept(s, RULE_BATCH_NO_MORE_ITEMS);
    }
}

// The call ends with an indication or with the port; a code that says that time has run out says
// that there was neither.
static void judge_timeout(const struct sight *s, uint32_t status) {
    if (status == WAIT_TIMEOUT || status == ERROR_TIMEOUT || status == ERROR_SEM_TIMEOUT) {
        const struct where where = sight_where(s, true, "return");
        rule_broken(s, RULE_BATCH_NOTIFICATION_TIMEOUT, &where, "0x%08lx says that time ran out",
                    (unsigned long)status);
    } else if (status == 0) {
        rule_kept(s, RULE_BATCH_NOTIFICATION_TIMEOUT);
    }
}

void batch_port_on_call(const struct sight *s) {
    uint32_t status;
    if (!s->call->request.decoded || !sight_status(s, &status)) {
        return;
    }
    const enum port port = port_of(s);
    if (s->call->call->opnum == OPNUM_CLOSE_BATCH_PORT) {
        judge_invalid_handle(s, RULE_BATCH_CLOSE_CODE, port, status);
        return;
    }
    judge_timeout(s, status);
    judge_invalid_handle(s, RULE_BATCH_NOTIFICATION_CODE, port, status);
    if (status == ERROR_NO_MORE_ITEMS) {
        judge_no_more_items(s, port);
    }
}
