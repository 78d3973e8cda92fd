// SPDX-License-Identifier: Apache-2.0
#include "guest.h"

#include <ctype.h>
#include <string.h>

const cmrp_syntax_id ndr20 = {.uuid = {{0x8a, 0x88, 0x5d, 0x04, 0x1c, 0xeb, 0x11, 0xc9, 0x9f, 0xe8,
                                        0x08, 0x00, 0x2b, 0x10, 0x48, 0x60}},
                              .version = 2};
const cmrp_syntax_id ndr64 = {.uuid = {{0x71, 0x71, 0x05, 0x33, 0xbe, 0xba, 0x49, 0x37, 0x83, 0x19,
                                        0xb5, 0xdb, 0xef, 0x9c, 0xcc, 0x36}},
                              .version = 1};
const cmrp_syntax_id unknown_id = {
    .uuid = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}, .version = 1};

cmrp_syntax_id features(uint8_t bits) {
    cmrp_syntax_id id = {.uuid = cmrp_uuid_bind_time, .version = 1};
    id.uuid.octets[8] = bits;
    return id;
}

// ---- a server -----------------------------------------------------------------------------------

static void on_log(void *context, enum rpc_log_level level, const char *text) {
    struct place *place = context;
    (void)level;
    buffer_printf(&place->log, "%s\n", text);
    for (const char *p = text; *p != '\0'; p++) {
        assert_true(isprint((unsigned char)*p));
    }
}

static uint64_t on_now(void *context) {
    struct place *place = context;
    place->now += place->passing;
    return place->now;
}

static void on_random(void *context, uint8_t *octets, size_t size) {
    struct place *place = context;
    memset(octets, 0, size);
    place->random++;
    memcpy(octets, &place->random, size < sizeof place->random ? size : sizeof place->random);
}

static void open_server(struct place *place, const struct rpc_interface *const *interfaces,
                        const struct rpc_limits *limits, const struct rpc_security *security) {
    const struct rpc_server_options options = {
        .interfaces = interfaces,
        .limits = limits != NULL ? *limits : (struct rpc_limits){0},
        .security = security,
        .context = place,
        .log = on_log,
        .now = on_now,
        .random = on_random,
    };
    place->server = rpc_server_create(&options);
}

void place_open(struct place *place, const struct rpc_limits *limits,
                const struct rpc_security *security) {
    *place = (struct place){.echo = echo_create(), .random = 100};
    open_server(place, echo_interfaces(place->echo), limits, security);
}

void place_open_with(struct place *place, const struct rpc_interface *const *interfaces) {
    *place = (struct place){.echo = echo_create(), .random = 100};
    open_server(place, interfaces, NULL, NULL);
}

void place_close(struct place *place) {
    assert_int_equal(rpc_server_calls(place->server), 0);
    assert_int_equal(rpc_server_connections(place->server), 0);
    assert_int_equal(rpc_handles_open(place->server, NULL), 0);
    assert_int_equal(echo_held(place->echo), 0);
    rpc_server_destroy(place->server);
    echo_destroy(place->echo);
    buffer_free(&place->log);
}

void place_logged(struct place *place, const char *text) {
    if (strstr(buffer_text(&place->log), text) == NULL) {
        fail_msg("the log does not hold \"%s\":\n%s", text, buffer_text(&place->log));
    }
    buffer_clear(&place->log);
}

// ---- a client -----------------------------------------------------------------------------------

static size_t on_send(void *context, const uint8_t *octets, size_t size) {
    struct guest *guest = context;
    assert_false(guest->given_up);
    buffer_append(&guest->received, octets, size);
    guest->waiting += guest->stuck ? size : 0;
    return guest->waiting;
}

static void on_close(void *context, bool drop) {
    struct guest *guest = context;
    assert_false(guest->given_up);
    guest->given_up = true;
    guest->dropped = drop;
}

void guest_open(struct guest *guest, struct place *place, const char *client) {
    char name[64];
    *guest = (struct guest){.place = place, .fragment = 5840};
    snprintf(name, sizeof name, "%s:50000", client);
    const struct rpc_transport transport = {guest, on_send, on_close};
    const struct rpc_ends ends = {
        .client = client, .peer = name, .port = "49664", .local = {127, 0, 0, 1}};
    guest->connection = rpc_connection_create(place->server, &transport, &ends);
}

void guest_close(struct guest *guest) {
    if (guest->connection != NULL) {
        rpc_connection_end(guest->connection);
    }
    buffer_free(&guest->received);
    buffer_free(&guest->text);
    *guest = (struct guest){0};
}

void guest_octets(struct guest *guest, const void *octets, size_t size) {
    const uint8_t *at = octets;
    while (size > 0) {
        const size_t n = guest->piece > 0 && guest->piece < size ? guest->piece : size;
        uint8_t *exact = util_alloc(n); // so that a sanitizer sees every octet read too far
        memcpy(exact, at, n);
        rpc_connection_data(guest->connection, exact, n);
        free(exact);
        at += n;
        size -= n;
    }
}

void guest_encode(const struct guest *guest, cmrp_pdu *pdu, struct buffer *out) {
    cmrp_error error = {0};
    cmrp_writer w;
    pdu->header.drep[0] = guest->big_endian ? 0x00 : 0x10;
    cmrp_sizer_init(&w, &error, "");
    assert_true(cmrp_pdu_encode(pdu, &w));
    const size_t size = w.size;
    cmrp_writer_init(&w, buffer_extend(out, size), size, &error, "");
    assert_true(cmrp_pdu_encode(pdu, &w));
}

void guest_pdu(struct guest *guest, cmrp_pdu *pdu) {
    struct buffer octets = {0};
    guest_encode(guest, pdu, &octets);
    guest_octets(guest, octets.data, octets.size);
    buffer_free(&octets);
}

void guest_offer(struct guest *guest, unsigned ptype, uint32_t call_id, unsigned more,
                 const struct offer *offers, size_t count) {
    cmrp_pdu_context *contexts = util_alloc((count + 1) * sizeof *contexts);
    for (size_t i = 0; i < count; i++) {
        contexts[i] = (cmrp_pdu_context){.id = offers[i].id,
                                         .abstract_syntax = *offers[i].interface,
                                         .transfer_count = offers[i].count,
                                         .transfers = offers[i].transfers};
    }
    cmrp_pdu pdu = {
        .header = {.ptype = (uint8_t)ptype, .flags = (uint8_t)(BOTH | more), .call_id = call_id},
        .max_xmit_frag = guest->fragment,
        .max_recv_frag = guest->fragment,
        .assoc_group_id = guest->group,
        .list_count = (uint8_t)count,
        .contexts = contexts};
    guest_pdu(guest, &pdu);
    free(contexts);
}

void guest_bind(struct guest *guest, uint32_t group) {
    const struct offer offer = {0, &echo_id, {ndr20}, 1};
    guest->group = group;
    guest_offer(guest, CMRP_PTYPE_BIND, 1, MPX, &offer, 1);
    (void)guest_text(guest);
    assert_false(guest->given_up);
    assert_int_not_equal(guest->group, 0);
}

void guest_request(struct guest *guest, unsigned flags, uint32_t call_id, uint16_t context,
                   uint16_t opnum, const void *stub, size_t size) {
    cmrp_pdu pdu = {
        .header = {.ptype = CMRP_PTYPE_REQUEST, .flags = (uint8_t)flags, .call_id = call_id},
        .context_id = context,
        .opnum = opnum,
        .stub = {stub, size}};
    guest_pdu(guest, &pdu);
}

void guest_call(struct guest *guest, uint32_t call_id, enum echo_opnum opnum, const void *stub,
                size_t size) {
    guest_request(guest, BOTH, call_id, 0, (uint16_t)opnum, stub, size);
}

void guest_call_u32(struct guest *guest, uint32_t call_id, enum echo_opnum opnum, uint32_t value) {
    uint8_t stub[4];
    cmrp_store_u32(stub, value, guest->big_endian ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN);
    guest_call(guest, call_id, opnum, stub, sizeof stub);
}

void guest_plain(struct guest *guest, unsigned ptype, uint32_t call_id) {
    cmrp_pdu pdu = {.header = {.ptype = (uint8_t)ptype, .flags = BOTH, .call_id = call_id}};
    guest_pdu(guest, &pdu);
}

// ---- answers as text ----------------------------------------------------------------------------

static void tell_stub(struct guest *guest, cmrp_view stub) {
    bool text = stub.size <= 64;
    for (size_t i = 0; i < stub.size && text; i++) {
        text = isprint(stub.data[i]);
    }
    if (text) {
        buffer_printf(&guest->text, " '%.*s'", (int)stub.size, (const char *)stub.data);
    } else if (stub.size == 4) {
        buffer_printf(&guest->text, " %u", cmrp_load_u32(stub.data, CMRP_LITTLE_ENDIAN));
    } else {
        buffer_printf(&guest->text, " (%zu octets)", stub.size);
    }
    if (stub.size == CMRP_HANDLE_SIZE) {
        memcpy(guest->handle, stub.data, stub.size);
    }
}

static void tell_results(struct guest *guest, const cmrp_pdu *pdu) {
    size_t cursor = 0;
    cmrp_pdu_result r;
    while (cmrp_pdu_next_result(pdu, &cursor, &r)) {
        const char *syntax = cmrp_uuid_equal(&r.transfer.uuid, &ndr20.uuid)   ? " ndr"
                             : cmrp_uuid_equal(&r.transfer.uuid, &ndr64.uuid) ? " ndr64"
                                                                              : "";
        buffer_printf(&guest->text, " [%u/%u%s]", r.result, r.reason, syntax);
    }
}

static void tell_pdu(struct guest *guest, const cmrp_pdu *pdu) {
    struct buffer *t = &guest->text;
    const uint8_t ptype = pdu->header.ptype;
    buffer_printf(t, "%s %u flags=%02x", cmrp_ptype_name(ptype), pdu->header.call_id,
                  pdu->header.flags);
    switch (ptype) {
    case CMRP_PTYPE_BIND_ACK:
    case CMRP_PTYPE_ALTER_CONTEXT_RESP:
        assert_int_equal(pdu->max_xmit_frag, pdu->max_recv_frag);
        guest->group = pdu->assoc_group_id;
        buffer_printf(t, " fragment=%u group=%u address='%.*s'", pdu->max_recv_frag,
                      guest->any_group ? 0 : pdu->assoc_group_id, (int)pdu->sec_addr.size,
                      (const char *)pdu->sec_addr.data);
        tell_results(guest, pdu);
        break;
    case CMRP_PTYPE_BIND_NAK:
        assert_int_equal(pdu->list_count, 1);
        assert_memory_equal(pdu->list.data, "\5\0", 2);
        buffer_printf(t, " reason=%u", pdu->nak_reason);
        break;
    case CMRP_PTYPE_FAULT:
        buffer_printf(t, " context=%u status=%08x cancels=%u", pdu->context_id, pdu->status,
                      pdu->cancel_count);
        break;
    case CMRP_PTYPE_RESPONSE:
        buffer_printf(t, " context=%u hint=%u cancels=%u", pdu->context_id, pdu->alloc_hint,
                      pdu->cancel_count);
        tell_stub(guest, pdu->stub);
        break;
    default: break;
    }
    if (pdu->has_auth) {
        buffer_printf(t, " auth=%u/%u/%u token='%.*s'", pdu->auth_type, pdu->auth_level,
                      pdu->auth_context_id, (int)pdu->auth_token.size,
                      (const char *)pdu->auth_token.data);
    }
    buffer_printf(t, "\n");
}

const char *guest_text(struct guest *guest) {
    size_t at = 0;
    buffer_clear(&guest->text);
    while (at < guest->received.size) {
        cmrp_error error = {0};
        cmrp_pdu_header header;
        cmrp_pdu pdu;
        const cmrp_view rest = {guest->received.data + at, guest->received.size - at};
        assert_true(cmrp_pdu_peek(rest, 0, &header, &error));
        assert_true(header.frag_length <= rest.size); // only whole PDUs are sent
        const cmrp_view octets = {rest.data, header.frag_length};
        assert_true(cmrp_pdu_decode(octets, 0, &pdu, NULL, NULL, &error));
        for (size_t i = 0; guest->key != 0 && i < pdu.stub.size + pdu.auth_padding.size; i++) {
            ((uint8_t *)(uintptr_t)pdu.stub.data)[i] ^= guest->key;
        }
        tell_pdu(guest, &pdu);
        at += header.frag_length;
    }
    buffer_clear(&guest->received);
    if (guest->given_up && !guest->told) {
        guest->told = true;
        buffer_printf(&guest->text, "closed\n");
    }
    return buffer_text(&guest->text);
}

void guest_expect(struct guest *guest, const char *expected) {
    assert_string_equal(guest_text(guest), expected);
}
