// SPDX-License-Identifier: Apache-2.0
// Connections to the server under test, and their PDUs.
#include <stdlib.h>
#include <string.h>

#include "fuzz_cluster.h"

enum { CONTEXT = 1, FRAGMENT = 5840, KEEP_ON_ORPHAN = 2 };

// ---- PDUs ---------------------------------------------------------------------------------------

void pdu_put(struct link *link, cmrp_pdu *pdu, struct buffer *out) {
    uint8_t octets[FRAGMENT];
    cmrp_error error = {0};
    cmrp_writer writer;
    pdu->header.drep[0] = link->order == CMRP_LITTLE_ENDIAN ? 0x10 : 0;
    cmrp_writer_init(&writer, octets, sizeof octets, &error, NULL);
    if (!cmrp_pdu_encode(pdu, &writer)) {
        fuzz_fail(PROPERTY, "a PDU cannot be made: %s", error.field);
    }
    buffer_append(out, octets, writer.size);
}

void request_put(struct link *link, uint32_t id, uint16_t opnum, cmrp_view stub, size_t piece,
                 struct buffer *out) {
    size_t at = 0;
    do {
        const size_t n = stub.size - at < piece ? stub.size - at : piece;
        const unsigned first = at == 0 ? CMRP_PFC_FIRST_FRAG : 0;
        const unsigned last = at + n == stub.size ? CMRP_PFC_LAST_FRAG : 0;
        cmrp_pdu pdu = {.header = {.ptype = CMRP_PTYPE_REQUEST,
                                   .flags = (uint8_t)(first | last),
                                   .call_id = id},
                        .alloc_hint = (uint32_t)(stub.size - at),
                        .context_id = CONTEXT,
                        .opnum = opnum,
                        .stub = {n > 0 ? stub.data + at : NULL, n}};
        pdu_put(link, &pdu, out);
        at += n;
    } while (at < stub.size);
}

static struct call *call_of(const struct link *link, uint32_t id) {
    struct call *call = link->calls;
    while (call != NULL && call->id != id) {
        call = call->next;
    }
    return call;
}

static void take_honest(struct link *link, const cmrp_pdu *pdu) {
    struct call *call = call_of(link, pdu->header.call_id);
    if (pdu->header.ptype == CMRP_PTYPE_BIND_ACK && !link->bound) {
        link->bound = true;
        link->group = pdu->assoc_group_id;
        return;
    }
    if (pdu->header.ptype == CMRP_PTYPE_SHUTDOWN && link->world->stopping) {
        return;
    }
    if (call == NULL || !call->sent || call->answered ||
        (pdu->header.ptype != CMRP_PTYPE_RESPONSE && pdu->header.ptype != CMRP_PTYPE_FAULT)) {
        fuzz_fail(PROPERTY, "PDU of type %u for call %u, which %s", pdu->header.ptype,
                  pdu->header.call_id, call == NULL ? "is not there" : "is answered, or not sent");
    }
    if (pdu->header.ptype == CMRP_PTYPE_FAULT) {
        call->answered = true;
        buffer_printf(&call->found, "fault %08x", pdu->status);
        return;
    }
    buffer_append(&call->answer, pdu->stub.data, pdu->stub.size);
    if ((pdu->header.flags & CMRP_PFC_LAST_FRAG) != 0) {
        call->answered = true;
        call_take(call, pdu->header.order);
    }
}

// Of a client that says anything: remembers what may be handles.
static void take_other(struct link *link, const cmrp_pdu *pdu) {
    if (pdu->header.ptype == CMRP_PTYPE_BIND_ACK) {
        link->group = pdu->assoc_group_id;
        link->bound = true;
    } else if (pdu->header.ptype == CMRP_PTYPE_RESPONSE && pdu->stub.size >= CMRP_HANDLE_SIZE) {
        memcpy(link->handles[link->heard++ % 4], pdu->stub.data + pdu->stub.size - CMRP_HANDLE_SIZE,
               CMRP_HANDLE_SIZE);
    }
}

static size_t on_send(void *context, const uint8_t *octets, size_t size) {
    struct link *link = context;
    size_t at = 0;
    buffer_append(&link->received, octets, size);
    for (;;) {
        cmrp_error error = {0};
        cmrp_pdu pdu;
        const cmrp_view rest = {link->received.data + at, link->received.size - at};
        if (rest.size < CMRP_PDU_HEADER_SIZE || !cmrp_pdu_peek(rest, 0, &pdu.header, &error) ||
            pdu.header.frag_length > rest.size) {
            break;
        }
        const cmrp_view one = {rest.data, pdu.header.frag_length};
        if (!cmrp_pdu_decode(one, 0, &pdu, NULL, NULL, &error)) {
            fuzz_fail(PROPERTY, "the server sends what is no PDU: %s", error.field);
        }
        if (link->association != NULL) {
            take_honest(link, &pdu);
        } else {
            take_other(link, &pdu);
        }
        at += one.size;
    }
    link->received.size -= at;
    memmove(link->received.data, link->received.data + at, link->received.size);
    link->waiting += link->slow ? size : 0;
    return link->waiting;
}

static void on_close(void *context, bool drop) {
    (void)drop;
    struct link *link = context;
    if (link->association != NULL && !link->gives) {
        fuzz_fail(PROPERTY, "the server gives up an honest connection");
    }
    link->closed = true;
}

void link_hear(struct link *link, const uint8_t *octets, size_t size) {
    uint8_t *exact = util_alloc(size); // so that a sanitizer sees every octet too far
    if (size > 0) {
        memcpy(exact, octets, size);
    }
    link->world->other_speaks = link->association == NULL;
    rpc_connection_data(link->connection, exact, size);
    link->world->other_speaks = false;
    free(exact);
}

bool link_connect(struct link *link, const char *client, uint32_t group) {
    const bool ndr64 = link->syntax == CMRP_NDR64;
    const cmrp_syntax_id transfer = {ndr64 ? cmrp_uuid_ndr64 : cmrp_uuid_ndr20, ndr64 ? 1 : 2, 0};
    cmrp_syntax_id features = {cmrp_uuid_bind_time, 1, 0};
    features.uuid.octets[8] = KEEP_ON_ORPHAN;
    const cmrp_pdu_context contexts[] = {
        {.id = CONTEXT,
         .abstract_syntax = {cmrp_uuid_clusapi, 3, 0},
         .transfer_count = 1,
         .transfers = &transfer},
        {.id = CONTEXT + 1,
         .abstract_syntax = {cmrp_uuid_clusapi, 3, 0},
         .transfer_count = 1,
         .transfers = &features},
    };
    cmrp_pdu pdu = {
        .header = {.ptype = CMRP_PTYPE_BIND,
                   .flags = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG | CMRP_PFC_CONC_MPX,
                   .call_id = ++link->next_call},
        .max_xmit_frag = FRAGMENT,
        .max_recv_frag = FRAGMENT,
        .assoc_group_id = group,
        .list_count = link->keeps ? 2 : 1,
        .contexts = contexts};
    const struct rpc_transport transport = {link, on_send, on_close};
    const struct rpc_ends ends = {client, client, "49664", {127, 0, 0, 1}};
    struct buffer octets = {0};
    link->connection = rpc_connection_create(link->world->server, &transport, &ends);
    if (link->connection == NULL) {
        return false;
    }
    pdu_put(link, &pdu, &octets);
    link_hear(link, octets.data, octets.size);
    buffer_free(&octets);
    return link->bound;
}

void link_disconnect(struct link *link) {
    struct world *w = link->world;
    while (link->calls != NULL) {
        box_leave(link->calls);
        call_end(link->calls);
    }
    rpc_connection_end(link->connection);
    buffer_free(&link->received);
    *link = (struct link){.world = w};
}
