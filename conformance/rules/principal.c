// SPDX-License-Identifier: Apache-2.0
// The name of the service in the ticket that a client's first token holds: an AP-REQ of Kerberos
// [RFC 4120 5.5.1] in the GSS-API's frame [RFC 2743 3.1], within SPNEGO's NegTokenInit [RFC 4178
// 4.2.1] or alone. Only that name is read; whatever does not look like it is no name.
#include <string.h>

#include "rules/state.h"

enum {
    SEQUENCE = 0x30,
    OCTET_STRING = 0x04,
    GENERAL_STRING = 0x1b,
    OBJECT_IDENTIFIER = 0x06,
    APPLICATION = 0x60, // constructed
    TICKET = 0x61,      // APPLICATION 1
    AP_REQ = 0x6e,      // APPLICATION 14
    CONTEXT = 0xa0,     // constructed
};

// Takes an element of DER off the front of *rest. False: there is none.
static bool take(cmrp_view *rest, unsigned *tag, cmrp_view *content) {
    size_t head = 2, length;
    if (rest->size < head || (rest->data[0] & 0x1f) == 0x1f) {
        return false;
    }
    length = rest->data[1];
    if (length >= 0x80) {
        const size_t count = length - 0x80;
        if (count == 0 || count > 3 || rest->size < head + count) {
            return false;
        }
        length = 0;
        for (size_t i = 0; i < count; i++) {
            length = length << 8 | rest->data[head + i];
        }
        head += count;
    }
    if (length > rest->size - head) {
        return false;
    }
    *tag = rest->data[0];
    *content = (cmrp_view){rest->data + head, length};
    *rest = (cmrp_view){rest->data + head + length, rest->size - head - length};
    return true;
}

// The element with this tag among the next ones.
static bool find(cmrp_view within, unsigned wanted, cmrp_view *content) {
    unsigned tag = 0;
    while (take(&within, &tag, content)) {
        if (tag == wanted) {
            return true;
        }
    }
    return false;
}

// The element with this tag that stands alone or first.
static bool enter(cmrp_view within, unsigned wanted, cmrp_view *content) {
    unsigned tag;
    return take(&within, &tag, content) && tag == wanted;
}

// What the GSS-API's frame holds behind the mechanism's identifier.
static bool unframe(cmrp_view token, cmrp_view *inner) {
    unsigned tag;
    cmrp_view identifier;
    if (!enter(token, APPLICATION, inner) || !take(inner, &tag, &identifier) ||
        tag != OBJECT_IDENTIFIER) {
        return false;
    }
    return true;
}

static bool find_ap_req(cmrp_view token, cmrp_view *request) {
    cmrp_view inner, negotiation, mechanism;
    if (enter(token, AP_REQ, request)) {
        return true;
    }
    if (!unframe(token, &inner)) {
        return false;
    }
    if (inner.size > 2 && inner.data[0] == 0x01 && inner.data[1] == 0x00) { // token identifier
        return enter((cmrp_view){inner.data + 2, inner.size - 2}, AP_REQ, request);
    }
    return enter(inner, CONTEXT, &negotiation) && enter(negotiation, SEQUENCE, &negotiation) &&
           find(negotiation, CONTEXT | 2, &mechanism) &&
           enter(mechanism, OCTET_STRING, &mechanism) && mechanism.size < token.size &&
           (enter(mechanism, AP_REQ, request) ||
            (unframe(mechanism, &inner) && inner.size > 2 && inner.data[0] == 0x01 &&
             inner.data[1] == 0x00 &&
             enter((cmrp_view){inner.data + 2, inner.size - 2}, AP_REQ, request)));
}

static bool append(char *name, size_t size, size_t *used, cmrp_view text) {
    if (text.size == 0 || *used + 1 + text.size + 1 > size) {
        return false;
    }
    if (*used > 0) {
        name[(*used)++] = '/';
    }
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.data[i];
        name[(*used)++] = (char)(c >= 0x20 && c < 0x7f ? c : '?');
    }
    name[*used] = '\0';
    return true;
}

bool principal_of(cmrp_view token, char *name, size_t size, size_t *offset, size_t *length) {
    cmrp_view request, ticket, principal, names, text;
    unsigned tag;
    size_t used = 0;
    if (!find_ap_req(token, &request) || !enter(request, SEQUENCE, &request) ||
        !find(request, CONTEXT | 3, &ticket) || !enter(ticket, TICKET, &ticket) ||
        !enter(ticket, SEQUENCE, &ticket) || !find(ticket, CONTEXT | 2, &principal) ||
        !enter(principal, SEQUENCE, &principal) || !find(principal, CONTEXT | 1, &names) ||
        !enter(names, SEQUENCE, &names)) {
        return false;
    }
    *offset = (size_t)(names.data - token.data);
    *length = names.size;
    while (take(&names, &tag, &text)) {
        if (tag != GENERAL_STRING || !append(name, size, &used, text)) {
            return false;
        }
    }
    return used > 0;
}
