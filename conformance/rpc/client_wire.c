// SPDX-License-Identifier: Apache-2.0
// TCP connections of the client: name to address, endpoint mapper to port, octets to the link.
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "cmrp/epm.h"
#include "rpc/client_state.h"

enum { KEEPALIVE = 30 }; // seconds of silence after which a blocked call's peer is probed

// ---- closing ------------------------------------------------------------------------------------

static void on_closed(uv_handle_t *handle) {
    struct wire *wire = handle->data;
    struct rpc_client *client = wire->client;
    rpc_link_free(wire->link);
    free(wire);
    client_released(client);
}

static struct wire *find_bound(const struct rpc_client *client, const struct wire *except) {
    struct wire *wire;
    DL_FOREACH(client->wires, wire) {
        if (wire != except && wire->link != NULL && !wire->mapper && rpc_link_bound(wire->link)) {
            return wire;
        }
    }
    return NULL;
}

bool wire_expendable(const struct wire *wire) {
    return find_bound(wire->client, wire) != NULL;
}

// With its last connection the association is gone, and with it what was to join it.
static void forget_association(struct rpc_client *client) {
    struct wire *wire, *next;
    client->bound = false;
    client->group = 0;
    DL_FOREACH_SAFE(client->wires, wire, next) {
        if (!wire->first) {
            wire->closing = true;
            DL_DELETE(client->wires, wire);
            uv_close((uv_handle_t *)&wire->tcp, on_closed);
        }
    }
}

void wire_hang_up(struct wire *wire) {
    if (wire->closing) {
        return;
    }
    struct rpc_client *client = wire->client;
    wire->closing = true;
    DL_DELETE(client->wires, wire);
    uv_close((uv_handle_t *)&wire->tcp, on_closed);
    if (find_bound(client, wire) == NULL) {
        forget_association(client);
        client->known = client->known && wire->mapper;
        client->port = client->known ? client->port : client->options.port;
    }
}

void wire_retire(struct wire *wire) {
    if (rpc_link_closing(wire->link) && rpc_link_calls(wire->link) == 0) {
        wire_hang_up(wire);
    }
}

// ---- octets -------------------------------------------------------------------------------------

struct output {
    uv_write_t request;
    struct wire *wire;
};

static void on_written(uv_write_t *request, int status) {
    struct wire *wire = ((struct output *)request)->wire;
    free(request);
    if (status < 0 && !wire->closing) {
        rpc_link_lost(wire->link, "the connection was lost while sending");
    }
}

static void send_octets(void *context, const uint8_t *octets, size_t size) {
    struct wire *wire = context;
    uv_stream_t *stream = (uv_stream_t *)&wire->tcp;
    if (wire->closing) {
        return;
    }
    const uv_buf_t whole = {.base = (char *)(uintptr_t)octets, .len = size};
    const int sent = uv_try_write(stream, &whole, 1);
    const size_t done = sent > 0 ? (size_t)sent : 0;
    if (done == size) {
        return;
    }
    struct output *output = util_alloc(sizeof *output + size - done);
    output->wire = wire;
    const uv_buf_t rest = {.base = (char *)(output + 1), .len = size - done};
    memcpy(rest.base, octets + done, size - done);
    if (uv_write(&output->request, stream, &rest, 1, on_written) < 0) {
        free(output); // reading tells that the connection is lost
    }
}

static void give_input(uv_handle_t *handle, size_t size, uv_buf_t *buffer) {
    (void)size;
    struct wire *wire = handle->data;
    *buffer = uv_buf_init(wire->client->input, sizeof wire->client->input);
}

static void on_input(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer) {
    struct wire *wire = stream->data;
    if (wire->closing || size == 0) {
        return;
    }
    if (size < 0) {
        rpc_link_lost(wire->link,
                      size == UV_EOF ? "the server closed the connection" : uv_strerror((int)size));
        return;
    }
    rpc_link_data(wire->link, (const uint8_t *)buffer->base, (size_t)size);
    if (!wire->closing) {
        wire_retire(wire);
    }
    client_dispatch(wire->client);
}

// ---- what the link says -------------------------------------------------------------------------

static void ask_mapper(struct wire *wire) {
    struct buffer stub = {0};
    client_epmap_encode(&wire->client->options.interface, rpc_link_syntax(wire->link), &stub);
    rpc_link_call(wire->link, CMRP_EPM_OPNUM_MAP, buffer_view(&stub), NULL);
    buffer_free(&stub);
}

static void open_wire(struct rpc_client *client, const struct sockaddr *address, bool mapper,
                      bool first, uint64_t deadline);

static void set_port(struct sockaddr_storage *address, uint16_t port) {
    if (address->ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
    } else {
        ((struct sockaddr_in *)address)->sin_port = htons(port);
    }
}

static void on_mapper_answer(struct wire *wire, const struct rpc_reply *reply) {
    struct rpc_client *client = wire->client;
    const char *why = reply->why;
    uint32_t status = reply->status;
    if (status == RPC_S_OK) {
        status = client_epmap_decode(reply, &client->options.interface, &client->port, &why);
    }
    const uint64_t deadline = client->found_by;
    wire->deadline = 0;
    if (status != RPC_S_OK) {
        char text[320];
        snprintf(text, sizeof text, "endpoint mapper: %s", why);
        wire_hang_up(wire);
        client_unfounded(client, status, text);
        return;
    }
    set_port(&client->address, client->port);
    wire_hang_up(wire);
    open_wire(client, (const struct sockaddr *)&client->address, false, true, deadline);
}

static void on_bound(void *context) {
    struct wire *wire = context;
    struct rpc_client *client = wire->client;
    if (wire->mapper) {
        ask_mapper(wire);
        return;
    }
    wire->deadline = 0;
    if (wire->first) {
        client->bound = true;
        client->group = rpc_link_group(wire->link);
        client->syntax = rpc_link_syntax(wire->link);
        client->multiplexes = rpc_link_multiplexes(wire->link);
        client_founded(client);
    }
}

static void on_answered(void *context, void *call, const struct rpc_reply *reply) {
    struct wire *wire = context;
    if (!wire->mapper) {
        client_answered(wire, call, reply);
    } else if (reply->status == RPC_S_OK || reply->fault) {
        on_mapper_answer(wire, reply);
    } // else the link has failed and says so next
}

static void on_failed(void *context, uint32_t status, const char *why) {
    struct wire *wire = context;
    struct rpc_client *client = wire->client;
    const bool founding = wire->mapper || (wire->first && !rpc_link_bound(wire->link));
    const bool joining = !wire->first && !rpc_link_bound(wire->link);
    const bool mapper = wire->mapper;
    if (wire->closing) {
        return;
    }
    char text[320];
    snprintf(text, sizeof text, "%s%s", mapper ? "endpoint mapper: " : "", why);
    wire_hang_up(wire);
    if (founding) {
        client_unfounded(client, status, text);
    } else if (joining) {
        client_end_waiting(client, status, text);
    } else {
        client_dispatch(client);
    }
}

static enum rpc_offer offer_of(const struct wire *wire) {
    const struct rpc_client *client = wire->client;
    if (wire->mapper) {
        return RPC_OFFER_NDR; // which every endpoint mapper has
    }
    if (wire->first) {
        return client->options.offer;
    }
    return client->syntax == CMRP_NDR64 ? RPC_OFFER_NDR64 : RPC_OFFER_NDR;
}

static void start_link(struct wire *wire) {
    const struct rpc_client *client = wire->client;
    const struct rpc_link_options options = {
        .interface = wire->mapper ? client_epmap_interface : client->options.interface,
        .offer = offer_of(wire),
        .group = wire->first ? 0 : client->group,
        .multiplex = !wire->mapper && !client->options.one_call_a_connection,
        .fragment = client->options.fragment,
        .context = wire,
        .send = send_octets,
        .bound = on_bound,
        .answered = on_answered,
        .failed = on_failed,
    };
    wire->link = rpc_link_create(&options);
    uv_read_start((uv_stream_t *)&wire->tcp, give_input, on_input);
}

// ---- connecting ---------------------------------------------------------------------------------

static void try_next_address(struct rpc_client *client, const char *why);

// A connection did not come to be: the one that founds the association, or one more.
static void lose_hope(struct rpc_client *client, bool first, const char *why) {
    if (first && client->found != NULL) {
        uv_freeaddrinfo(client->found);
        client->found = NULL;
    }
    if (first) {
        client_unfounded(client, RPC_S_SERVER_UNAVAILABLE, why);
    } else {
        client_end_waiting(client, RPC_S_SERVER_UNAVAILABLE, why);
    }
}

static void on_connected(uv_connect_t *request, int status) {
    struct wire *wire = request->data;
    struct rpc_client *client = wire->client;
    if (wire->closing) {
        return;
    }
    if (status == 0) {
        if (client->found != NULL && wire->first) {
            memcpy(&client->address, client->trying->ai_addr, client->trying->ai_addrlen);
            client->known = true;
            uv_freeaddrinfo(client->found);
            client->found = NULL;
        }
        start_link(wire);
        return;
    }
    const bool first = wire->first;
    char why[160];
    snprintf(why, sizeof why, "%s%s", wire->mapper ? "endpoint mapper: " : "", uv_strerror(status));
    wire_hang_up(wire);
    if (first && client->found != NULL) {
        try_next_address(client, why);
    } else {
        lose_hope(client, first, why);
    }
}

static void open_wire(struct rpc_client *client, const struct sockaddr *address, bool mapper,
                      bool first, uint64_t deadline) {
    struct wire *wire = util_alloc(sizeof *wire);
    wire->client = client;
    wire->mapper = mapper;
    wire->first = first;
    wire->deadline = deadline;
    uv_tcp_init(client->loop, &wire->tcp);
    uv_tcp_nodelay(&wire->tcp, 1);
    uv_tcp_keepalive(&wire->tcp, 1, KEEPALIVE);
    wire->tcp.data = wire;
    wire->connecting.data = wire;
    client->handles++;
    DL_APPEND(client->wires, wire);
    client_ring_at(client, deadline);
    const int status = uv_tcp_connect(&wire->connecting, &wire->tcp, address, on_connected);
    if (status < 0) {
        wire_hang_up(wire);
        lose_hope(client, first, uv_strerror(status));
    }
}

static void try_address(struct rpc_client *client) {
    open_wire(client, client->trying->ai_addr, client->port == 0, true, client->found_by);
}

static void try_next_address(struct rpc_client *client, const char *why) {
    client->trying = client->trying->ai_next;
    if (client->trying != NULL) {
        try_address(client);
    } else {
        lose_hope(client, true, why);
    }
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found) {
    struct rpc_client *client = request->data;
    client->resolves = false;
    if (client->closing || status < 0 || found == NULL) {
        uv_freeaddrinfo(found);
        if (!client->closing) {
            client_unfounded(client, RPC_S_SERVER_UNAVAILABLE,
                             status < 0 ? uv_strerror(status) : "the name has no address");
        }
    } else {
        client->found = found;
        client->trying = found;
        try_address(client);
    }
    client_released(client);
}

void wire_found(struct rpc_client *client) {
    if (client->resolves || client->found != NULL || client->wires != NULL) {
        return;
    }
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char port[8];
    snprintf(port, sizeof port, "%u", client->port != 0 ? client->port : client->options.epmap);
    client->found_by = uv_now(client->loop) + client->options.connect_milliseconds;
    client->resolving.data = client;
    const int status =
        uv_getaddrinfo(client->loop, &client->resolving, on_resolved, client->host, port, &hints);
    if (status < 0) {
        client_unfounded(client, RPC_S_SERVER_UNAVAILABLE, uv_strerror(status));
        return;
    }
    client->resolves = true;
    client->handles++;
    client_ring_at(client, client->found_by);
}

void wire_join(struct rpc_client *client) {
    const uint64_t deadline = uv_now(client->loop) + client->options.connect_milliseconds;
    open_wire(client, (const struct sockaddr *)&client->address, false, false, deadline);
}

void wire_expire(struct wire *wire) {
    struct rpc_client *client = wire->client;
    const bool first = wire->first;
    char why[96];
    snprintf(why, sizeof why, "%s did not answer within %g s",
             wire->mapper ? "the endpoint mapper" : "the server",
             client->options.connect_milliseconds / 1000.0);
    wire_hang_up(wire);
    lose_hope(client, first, why);
}
