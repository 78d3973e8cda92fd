// SPDX-License-Identifier: Apache-2.0
#include "host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// cmocka wants those first
#include <cmocka.h>

#include <netinet/in.h>
#include <stdlib.h>

#include "cmrp/epm.h"

struct host_connection {
    uv_tcp_t tcp;
    struct host *host;
    size_t place;
    bool mapper; // its bind named the endpoint mapper
    uint16_t context_id;
    struct buffer in;
    struct buffer stub; // of a request in fragments
    uint32_t held;      // call that is not answered yet; 0: none
    uint32_t held2;
    char input[4096];
};

static void on_closed(uv_handle_t *handle) {
    struct host_connection *c = handle->data;
    buffer_free(&c->in);
    buffer_free(&c->stub);
    free(c);
}

static void hang_up(struct host_connection *c) {
    if (!uv_is_closing((uv_handle_t *)&c->tcp)) {
        c->host->connections[c->place] = NULL;
        uv_close((uv_handle_t *)&c->tcp, on_closed);
    }
}

struct sending {
    uv_write_t request;
    struct buffer octets;
};

static void on_sent(uv_write_t *request, int status) {
    struct sending *s = (struct sending *)request;
    (void)status;
    buffer_free(&s->octets);
    free(s);
}

static void send_all(struct host_connection *c, struct buffer *out) {
    struct sending *s = calloc(1, sizeof *s);
    s->octets = *out;
    *out = (struct buffer){0};
    const uv_buf_t whole = {.base = (char *)s->octets.data, .len = s->octets.size};
    assert_int_equal(uv_write(&s->request, (uv_stream_t *)&c->tcp, &whole, 1, on_sent), 0);
}

// ---- bind ---------------------------------------------------------------------------------------

static void on_bind(struct host_connection *c, const cmrp_pdu *bind) {
    struct host *host = c->host;
    struct buffer out = {0};
    cmrp_pdu_context context;
    size_t cursor = 0;
    assert_true(cmrp_pdu_next_context(bind, &cursor, &context));
    c->mapper = cmrp_uuid_equal(&context.abstract_syntax.uuid, &cmrp_uuid_epm);
    struct peer_bind how = {.multiplex = host->multiplex,
                            .features = host->keeps_orphans ? 2 : 0,
                            .refuse_ndr64 = host->refuse_ndr64,
                            .group = bind->assoc_group_id};
    if (!c->mapper && bind->assoc_group_id == 0) {
        how.group = 100 + ++host->groups;
    } else if (!c->mapper) {
        host->joined++;
        if (bind->assoc_group_id != 100 + host->groups) {
            peer_bind_nak(&out, bind->header.call_id, 0);
            send_all(c, &out);
            return;
        }
    }
    const bool both = bind->list_count == 3;
    c->context_id = both && !host->refuse_ndr64 ? 1 : 0;
    peer_bind_ack(&out, bind, &how);
    send_all(c, &out);
}

// ---- calls --------------------------------------------------------------------------------------

static void answer(struct host_connection *c, uint32_t call_id, const void *stub, size_t size) {
    enum { ROOM = 5840 - 24 };
    struct buffer out = {0};
    size_t at = 0;
    do {
        const size_t part = size - at > ROOM ? ROOM : size - at;
        unsigned flags = at == 0 ? CMRP_PFC_FIRST_FRAG : 0;
        flags |= at + part == size ? CMRP_PFC_LAST_FRAG : 0;
        peer_response(&out, flags, call_id, c->context_id, (const uint8_t *)stub + at, part);
        at += part;
    } while (at < size);
    send_all(c, &out);
}

static void answer_mapper(struct host_connection *c, uint32_t call_id) {
    const cmrp_floor floors[] = {
        {.protocol = CMRP_TOWER_UUID, .kind = CMRP_FLOOR_UUID, .id = {cmrp_uuid_clusapi, 3, 0}},
        {.protocol = CMRP_TOWER_UUID, .kind = CMRP_FLOOR_UUID, .id = {cmrp_uuid_ndr20, 2, 0}},
        {.protocol = CMRP_TOWER_NCACN, .kind = CMRP_FLOOR_RPC},
        {.protocol = CMRP_TOWER_TCP, .kind = CMRP_FLOOR_PORT, .number = c->host->mapped_port},
        {.protocol = CMRP_TOWER_IP, .kind = CMRP_FLOOR_ADDRESS, .address = {127, 0, 0, 1}},
    };
    uint8_t tower[256], stub[512];
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_writer_init(&writer, tower, sizeof tower, &error, "test");
    assert_true(cmrp_tower_encode(floors, 5, &writer));
    const cmrp_view towers[] = {{NULL, 0}, {tower, writer.size}};
    const bool none = c->host->unregistered;
    const cmrp_epm_response response = {.num_towers = none ? 0 : 2,
                                        .max_towers = 4,
                                        .towers = towers,
                                        .status = none ? 0x16c9a0d6 : 0};
    cmrp_writer_init(&writer, stub, sizeof stub, &error, "test");
    assert_true(cmrp_epm_response_encode(&response, CMRP_NDR20, CMRP_LITTLE_ENDIAN, &writer));
    answer(c, call_id, stub, writer.size);
}

static void release(struct host *host) {
    for (size_t i = 0; i < HOST_CONNECTIONS; i++) {
        struct host_connection *c = host->connections[i];
        if (c != NULL && c->held != 0) {
            answer(c, c->held, "released", 8);
            c->held = 0;
        }
        if (c != NULL && c->held2 != 0) {
            answer(c, c->held2, "released", 8);
            c->held2 = 0;
        }
    }
}

static void on_request(struct host_connection *c, const cmrp_pdu *pdu) {
    struct buffer out = {0};
    static const char nonsense[] = "this is no protocol data unit";
    static char large[100000];
    const uint32_t call_id = pdu->header.call_id;
    buffer_append(&c->stub, pdu->stub.data, pdu->stub.size);
    if ((pdu->header.flags & CMRP_PFC_LAST_FRAG) == 0) {
        return;
    }
    switch (c->mapper ? -1 : pdu->opnum) {
    case -1: answer_mapper(c, call_id); break;
    case HOST_ECHO: answer(c, call_id, c->stub.data, c->stub.size); break;
    case HOST_HOLD: *(c->held == 0 ? &c->held : &c->held2) = call_id; break;
    case HOST_RELEASE:
        release(c->host);
        answer(c, call_id, "yes", 3);
        break;
    case HOST_FAULT:
        peer_fault(&out, BOTH_FRAGS | CMRP_PFC_DID_NOT_EXECUTE, call_id, 5);
        send_all(c, &out);
        break;
    case HOST_HANG_UP: hang_up(c); break;
    case HOST_NONSENSE:
        buffer_append(&out, nonsense, sizeof nonsense);
        send_all(c, &out);
        break;
    case HOST_SHUTDOWN:
        peer_plain(&out, CMRP_PTYPE_SHUTDOWN, 0);
        send_all(c, &out);
        answer(c, call_id, "bye", 3);
        break;
    case HOST_LONG:
        memset(large, 'l', sizeof large);
        answer(c, call_id, large, sizeof large);
        break;
    default: // HOST_SILENT
        break;
    }
    buffer_clear(&c->stub);
}

static void on_pdu(struct host_connection *c, const cmrp_pdu *pdu) {
    struct buffer out = {0};
    switch (pdu->header.ptype) {
    case CMRP_PTYPE_BIND: on_bind(c, pdu); break;
    case CMRP_PTYPE_REQUEST: on_request(c, pdu); break;
    case CMRP_PTYPE_CO_CANCEL:
        c->host->cancels++;
        if (!c->host->ignores_cancel && c->held == pdu->header.call_id) {
            peer_fault(&out, BOTH_FRAGS, c->held, 0x1c00000d);
            c->held = 0;
            send_all(c, &out);
        }
        break;
    case CMRP_PTYPE_ORPHANED: c->host->orphans++; break;
    default: fail_msg("the client sent a PDU of type %u", pdu->header.ptype);
    }
}

static void on_input(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer) {
    struct host_connection *c = stream->data;
    if (size < 0) {
        hang_up(c);
        return;
    }
    if (c->host->mute) {
        return;
    }
    buffer_append(&c->in, buffer->base, (size_t)size);
    while (c->in.size >= 16 && !uv_is_closing((uv_handle_t *)&c->tcp)) {
        const size_t length = cmrp_load_u16(c->in.data + 8, CMRP_LITTLE_ENDIAN);
        if (c->in.size < length) {
            break;
        }
        const cmrp_pdu pdu = peer_read((cmrp_view){c->in.data, length});
        on_pdu(c, &pdu);
        memmove(c->in.data, c->in.data + length, c->in.size - length);
        c->in.size -= length;
    }
}

static void give_input(uv_handle_t *handle, size_t size, uv_buf_t *buffer) {
    struct host_connection *c = handle->data;
    (void)size;
    *buffer = uv_buf_init(c->input, sizeof c->input);
}

// ---- life ---------------------------------------------------------------------------------------

static void on_accept(uv_stream_t *listener, int status) {
    struct host *host = listener->data;
    struct host_connection *c = calloc(1, sizeof *c);
    assert_int_equal(status, 0);
    c->host = host;
    c->tcp.data = c;
    uv_tcp_init(listener->loop, &c->tcp);
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&c->tcp), 0);
    while (host->connections[c->place] != NULL) {
        c->place++;
        assert_true(c->place < HOST_CONNECTIONS);
    }
    host->connections[c->place] = c;
    host->accepted++;
    uv_read_start((uv_stream_t *)&c->tcp, give_input, on_input);
}

void host_open(struct host *host, uv_loop_t *loop) {
    struct sockaddr_in address;
    struct sockaddr_storage name;
    int size = sizeof name;
    *host = (struct host){.multiplex = true, .keeps_orphans = true};
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    uv_tcp_init(loop, &host->listener);
    host->listener.data = host;
    assert_int_equal(uv_tcp_bind(&host->listener, (const struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&host->listener, 64, on_accept), 0);
    assert_int_equal(uv_tcp_getsockname(&host->listener, (struct sockaddr *)&name, &size), 0);
    host->port = ntohs(((const struct sockaddr_in *)&name)->sin_port);
}

void host_hang_up(struct host *host) {
    for (size_t i = 0; i < HOST_CONNECTIONS; i++) {
        if (host->connections[i] != NULL) {
            hang_up(host->connections[i]);
        }
    }
}

void host_close(struct host *host) {
    host_hang_up(host);
    if (!uv_is_closing((uv_handle_t *)&host->listener)) {
        uv_close((uv_handle_t *)&host->listener, NULL);
    }
}
