// SPDX-License-Identifier: Apache-2.0
// When a retrieval may complete with what, and how a client closes a port.
#include "rules/notify.h"

enum { EARLY = 100 }; // milliseconds that clocks and captures may be wrong by

// ---- the end ------------------------------------------------------------------------------------

static void judge_manners(const struct sight *s, const struct flight *f) {
    const bool v1 = f->version == 1;
    const bool p3 = sight_slot(&s->call->request, "Notify") != NULL;
    const struct where where = sight_where(s, false, p3 ? "Notify" : "hNotify");
    if (f->filtered && f->retrieved) {
        rule_kept(s, v1 ? RULE_RETRIEVE_V1 : RULE_RETRIEVE_V2);
    } else if (f->filtered && notify_sees_all(s)) {
        rule_broken(s, v1 ? RULE_RETRIEVE_V1 : RULE_RETRIEVE_V2, &where,
                    "the port is closed; it had filters, and no event was ever asked for");
    }
    if (f->waits && notify_sees_all(s)) {
        rule_broken(s, v1 ? RULE_UNBLOCK_V1 : RULE_UNBLOCK_V2, &where,
                    "the port is closed while a retrieval is outstanding");
    } else if (!f->waits && f->relieved) {
        rule_kept(s, v1 ? RULE_UNBLOCK_V1 : RULE_UNBLOCK_V2);
    }
}

void notify_judge_close(const struct sight *s) {
    if (s->flight != NULL && s->flight->version != 0 && sight_succeeded(s)) {
        judge_manners(s, s->flight);
    }
}

// ---- completion ---------------------------------------------------------------------------------

static int64_t elapsed(const struct sight *s) { // milliseconds
    const struct assoc_stamp *from = &s->call->call->request.stamp;
    const struct assoc_stamp *to = &s->call->call->response.stamp;
    return (to->seconds - from->seconds) * 1000 +
           ((int64_t)to->nanoseconds - (int64_t)from->nanoseconds) / 1000000;
}

static void judge_timeout(const struct sight *s, const struct notify_getter *getter) {
    const cmrp_slot *timeout = sight_slot(&s->call->request, "Timeout");
    const struct where where = sight_where(s, true, "return");
    if (getter->protocol == NOTIFY_P3) {
        rule_broken(s, getter->wait, &where, "WAIT_TIMEOUT, and there is no event");
    } else if (timeout != NULL && elapsed(s) + EARLY < (int64_t)timeout->value) {
        rule_broken(s, RULE_GET_TIMEOUT, &where, "WAIT_TIMEOUT %lld ms after a request to wait %lu",
                    (long long)elapsed(s), (unsigned long)timeout->value);
    } else if (timeout != NULL) {
        rule_kept(s, RULE_GET_TIMEOUT);
    }
}

// Success means one indication at least.
static void judge_success(const struct sight *s, const struct notify_getter *getter) {
    const cmrp_slot *array = sight_slot(&s->call->response, "Notifications");
    if (array != NULL && (array->null || array->rows.count == 0)) {
        const struct where where = sight_where(s, true, "dwNumNotifications");
        rule_broken(s, getter->wait, &where, "0 is returned, and no event");
    } else if (getter->wait != RULE_COUNT) {
        rule_kept(s, getter->wait);
    }
}

// INVALID_FUNCTION or NO_MORE_ITEMS: somebody must have unblocked or closed the port. An Unblock
// may have its effect on later calls, too, and counts as closing [MS-CMRP 3.1.4.2.66].
static void judge_ended(const struct sight *s, const struct rules_handle *handle, size_t rule,
                        const char *code) {
    const enum flight_sort unblock = flight_on(s, 107, handle->key.octets);
    const enum flight_sort close = flight_on(s, 56, handle->key.octets);
    if (handle->closed && handle->closed_at != 0) {
        rule_kept(s, rule);
    } else if (handle->notify == NULL) {
        return;
    } else if (handle->notify->unblocked != 0 || unblock == FLIGHT_SURE || close == FLIGHT_SURE) {
        rule_kept(s, rule);
    } else if (unblock == FLIGHT_NONE && close == FLIGHT_NONE && !handle->uncertain &&
               notify_sees_all(s)) {
        const struct where where = sight_where(s, true, "return");
        rule_broken(s, rule, &where, "%s, and nobody has unblocked or closed the port", code);
    }
}

void notify_judge_completion(const struct sight *s, const struct notify_getter *getter) {
    struct rules_handle *handle;
    uint32_t status;
    (void)notify_port_of(s, &handle);
    notify_judge_get_port(s, getter);
    if (!sight_status(s, &status)) {
        return;
    }
    if (status == 0) {
        judge_success(s, getter);
    } else if (status == NOTIFY_WAIT_TIMEOUT) {
        judge_timeout(s, getter);
    }
    if (handle == NULL || handle->group != s->connection->group ||
        notify_version_of(handle) != getter->port) {
        return;
    }
    if (status == NOTIFY_INVALID_FUNCTION) {
        judge_ended(s, handle, getter->invalid, "ERROR_INVALID_FUNCTION");
    } else if (status == NOTIFY_NO_MORE_ITEMS) {
        judge_ended(s, handle, getter->no_more, "ERROR_NO_MORE_ITEMS");
    }
}
