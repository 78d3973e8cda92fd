// SPDX-License-Identifier: Apache-2.0
// Batch ports: when ApiGetBatchNotification may come back.
#include "rules/batch_state.h"

// Hung on a port that a call may have closed without a word of success.
struct batch_port {
    bool closing;
};

enum {
    ERROR_SEM_TIMEOUT = 0x79,
    WAIT_TIMEOUT = 0x102,
    ERROR_NO_MORE_ITEMS = 0x103,
    ERROR_TIMEOUT = 0x5b4,
};

static void note_close(const struct sight *s) {
    uint32_t status;
    if (sight_status(s, &status)) {
        return; // closed, which the handle tells, or certainly not
    }
    struct rules_handle *port = handle_named(s, false, "phBatchPort");
    if (port == NULL) {
        s->connection->group->batch_unsure = true;
    } else if (port->batch == NULL) {
        port->batch = util_alloc(sizeof *port->batch);
        port->batch->closing = true;
    }
}

// Whether this port has been closed, or may have been, by the time its answer was seen.
static bool may_be_closed(const struct sight *s, const struct rules_handle *port) {
    return port->closed || (port->batch != NULL && port->batch->closing) ||
           flight_on(s, OPNUM_CLOSE_BATCH_PORT, port->key.octets) != FLIGHT_NONE;
}

static void judge_return(const struct sight *s) {
    uint32_t status;
    const struct rules_handle *port = handle_named(s, false, "hBatchNotify");
    if (!sight_status(s, &status)) {
        return;
    }
    // The specification lets the call end with an indication or with the port; a code that says
    // that time has run out says that there was neither.
    if (status == WAIT_TIMEOUT || status == ERROR_TIMEOUT || status == ERROR_SEM_TIMEOUT) {
        const struct where where = sight_where(s, true, "return");
        rule_broken(s, RULE_BATCH_NOTIFICATION_TIMEOUT, &where, "0x%08lx says that time ran out",
                    (unsigned long)status);
    } else if (status == 0) {
        rule_kept(s, RULE_BATCH_NOTIFICATION_TIMEOUT);
    }
    // Only a client of the port's association can close it; all its requests so far were seen.
    const struct rules_group *group = s->connection->group;
    if (status != ERROR_NO_MORE_ITEMS || port == NULL || port->meaning != CMRP_MEANS_HBATCH_PORT ||
        group->blind || group->batch_unsure || port->group != group || s->flight == NULL) {
        return;
    }
    if (may_be_closed(s, port)) {
        rule_kept(s, RULE_BATCH_NO_MORE_ITEMS);
        return;
    }
    const struct where where = sight_where(s, true, "return");
    rule_broken(s, RULE_BATCH_NO_MORE_ITEMS, &where,
                "ERROR_NO_MORE_ITEMS, but ApiCloseBatchPort has not been called for the port");
}

void batch_port_on_call(const struct sight *s) {
    const struct assoc_call *call = s->call->call;
    if (call->request.state == ASSOC_ABSENT) {
        s->connection->group->batch_unsure = true; // whatever it was
    } else if (s->call->method == NULL) {
        return;
    } else if (call->opnum == OPNUM_CLOSE_BATCH_PORT) {
        note_close(s);
    } else if (call->opnum == OPNUM_GET_BATCH_NOTIFICATION) {
        judge_return(s);
    }
}

void batch_forget(struct rules *rules, struct rules_handle *handle) {
    (void)rules;
    free(handle->batch);
    handle->batch = NULL;
}

void batch_on_blind(struct rules *rules, struct rules_group *group) {
    (void)rules;
    (void)group; // asked for where it matters
}
