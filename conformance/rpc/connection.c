// SPDX-License-Identifier: Apache-2.0
// A connection: from pieces of a stream to PDUs, and answers out; limits of time.
#include <stdarg.h>
#include <stdio.h>

#include "rpc/state.h"

enum {
    PARTIAL_KEPT = 8192,   // room that is kept for the next unfinished PDU
    FULL = 256 << 10,      // octets waiting to be sent, from where on requests wait, too
    TURN_MILLISECONDS = 2, // for requests of one connection, while others wait
};

// ---- life ---------------------------------------------------------------------------------------

static void set_waiting(struct rpc_connection *c, size_t octets) {
    c->server->waiting = c->server->waiting - c->waiting + octets;
    c->waiting = octets;
}

struct rpc_connection *rpc_connection_create(struct rpc_server *server,
                                             const struct rpc_transport *transport,
                                             const struct rpc_ends *ends) {
    if (server->connection_count >= server->limits.connections) {
        rpc_server_log(server, RPC_LOG_WARNING, "%s: refused: there are %zu connections already",
                       ends->peer, server->connection_count);
        return NULL;
    }
    struct rpc_connection *c = util_alloc(sizeof *c);
    c->server = server;
    c->transport = *transport;
    c->client = util_strdup(ends->client);
    c->peer = util_strdup(ends->peer);
    c->port = util_strdup(ends->port);
    memcpy(c->local, ends->local, sizeof c->local);
    c->created = rpc_now(server);
    DL_APPEND(server->connections, c);
    server->connection_count++;
    return c;
}

void rpc_connection_end(struct rpc_connection *c) {
    struct rpc_server *server = c->server;
    c->closed = true; // nothing of what follows is sent
    set_waiting(c, 0);
    rpc_joining_end(c);
    rpc_calls_gone(c);
    rpc_group_leave(c);
    if (server->options.security != NULL) {
        server->options.security->ended(server->options.security->context, c);
    }
    DL_DELETE(server->connections, c);
    server->connection_count--;
    buffer_free(&c->partial);
    buffer_free(&c->held);
    free(c->contexts);
    free(c->client);
    free(c->peer);
    free(c->port);
    free(c);
}

size_t rpc_connection_calls(const struct rpc_connection *c) {
    return c->call_count;
}

void **rpc_connection_security(struct rpc_connection *c) {
    return &c->security;
}

// ---- output -------------------------------------------------------------------------------------

struct buffer *rpc_output(struct rpc_connection *c) {
    return c->server->corked == c ? &c->server->output : &c->server->scratch;
}

static void flush(struct rpc_connection *c, struct buffer *output) {
    if (output->size == 0) {
        return;
    }
    const size_t waiting = c->transport.send(c->transport.context, output->data, output->size);
    buffer_clear(output);
    if (c->waiting == 0 && waiting > 0) {
        c->waiting_since = rpc_now(c->server);
    }
    set_waiting(c, waiting);
}

void rpc_output_done(struct rpc_connection *c, struct buffer *output) {
    if (output == &c->server->scratch || output->size > OUTPUT_PIECE) {
        flush(c, output);
    }
}

static void close_connection(struct rpc_connection *c, enum rpc_log_level level, const char *why,
                             bool drop) {
    rpc_say(c, level, "closed: %s", why);
    c->closed = true;
    if (c->server->corked == c) {
        flush(c, &c->server->output);
    }
    rpc_joining_end(c);
    c->transport.close(c->transport.context, drop);
}

void rpc_give_up_at(struct rpc_connection *c, enum rpc_log_level level, const char *format, ...) {
    if (c->closed) {
        return;
    }
    va_list arguments;
    char text[512];
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    close_connection(c, level, text, false);
}

// What waits for a client that does not read it would wait in vain.
static void give_up_reader(struct rpc_connection *c, const char *why) {
    char text[256];
    snprintf(text, sizeof text,
             "%zu octets wait to be sent%s: the client does not read its answers", c->waiting, why);
    close_connection(c, RPC_LOG_WARNING, text, true);
    set_waiting(c, 0);
}

// Gives up those who read least, until all that waits is within its limit.
static void shed(struct rpc_server *server) {
    while (server->waiting > server->limits.all_output) {
        struct rpc_connection *most = NULL;
        for (struct rpc_connection *c = server->connections; c != NULL; c = c->next) {
            if (!c->closed && (most == NULL || c->waiting > most->waiting)) {
                most = c;
            }
        }
        if (most == NULL || most->waiting == 0) {
            return;
        }
        give_up_reader(most, ", most of what waits on all connections, which is the limit");
    }
}

bool rpc_may_send(struct rpc_connection *c) {
    if (!c->closed && c->waiting > c->server->limits.output) {
        char why[64];
        snprintf(why, sizeof why, ", more than the limit of %u", c->server->limits.output);
        give_up_reader(c, why);
    }
    shed(c->server);
    return !c->closed;
}

// ---- PDUs ---------------------------------------------------------------------------------------

// A PDU of which a body cannot be read.
static void refuse_body(struct rpc_connection *c, const cmrp_pdu *pdu, const cmrp_error *error) {
    char text[256];
    cmrp_error_format(error, text, sizeof text);
    const char *name = cmrp_ptype_name(pdu->header.ptype);
    switch (pdu->header.ptype) {
    case CMRP_PTYPE_BIND:
        rpc_bind_nak(c, pdu->header.call_id, NAK_VERSION, "%s: %s", name, text);
        break;
    case CMRP_PTYPE_REQUEST:
    case CMRP_PTYPE_ALTER_CONTEXT:
        rpc_protocol_error(c, pdu->header.call_id, 0, "%s: %s", name, text);
        break;
    default: rpc_give_up(c, "%s: %s", name, text); break;
    }
}

// Opens a PDU that belongs to no handshake. Returns false where it was refused.
static bool unwrap(struct rpc_connection *c, cmrp_pdu *pdu, uint8_t *octets) {
    const struct rpc_security *security = c->server->options.security;
    const uint32_t status = security->unwrap(security->context, c, pdu, octets);
    if (status == 0) {
        return true;
    }
    if (pdu->header.ptype == CMRP_PTYPE_REQUEST) {
        rpc_send_fault(c, &(struct fault){.call_id = pdu->header.call_id,
                                          .context_id = pdu->context_id,
                                          .status = status,
                                          .did_not_execute = true});
    }
    rpc_give_up(c, "its %s was refused by the security context (0x%08x)",
                cmrp_ptype_name(pdu->header.ptype), status);
    return false;
}

static void handle_pdu(struct rpc_connection *c, const cmrp_pdu *pdu) {
    switch (pdu->header.ptype) {
    case CMRP_PTYPE_REQUEST: rpc_request_pdu(c, pdu); break;
    case CMRP_PTYPE_BIND: rpc_bind(c, pdu); break;
    case CMRP_PTYPE_ALTER_CONTEXT: rpc_alter_context(c, pdu); break;
    case CMRP_PTYPE_AUTH3: rpc_auth3(c, pdu); break;
    case CMRP_PTYPE_CO_CANCEL: rpc_co_cancel(c, pdu->header.call_id); break;
    case CMRP_PTYPE_ORPHANED: rpc_orphaned(c, pdu->header.call_id); break;
    default: rpc_give_up(c, "a client does not send %s", cmrp_ptype_name(pdu->header.ptype)); break;
    }
}

static void read_pdu(struct rpc_connection *c, const uint8_t *octets, size_t size) {
    struct rpc_server *server = c->server;
    cmrp_error error = {0};
    cmrp_pdu pdu;
    if (server->options.security != NULL) {
        buffer_clear(&server->opened);
        buffer_append(&server->opened, octets, size);
        octets = server->opened.data;
    }
    const bool whole = cmrp_pdu_decode((cmrp_view){octets, size}, 0, &pdu, NULL, NULL, &error);
    const uint8_t ptype = pdu.header.ptype;
    if (c->group == NULL && ptype != CMRP_PTYPE_BIND) {
        rpc_give_up(c, "%s before bind", cmrp_ptype_name(ptype));
    } else if (!whole) {
        refuse_body(c, &pdu, &error);
    } else if (server->options.security == NULL || ptype == CMRP_PTYPE_BIND ||
               ptype == CMRP_PTYPE_ALTER_CONTEXT || ptype == CMRP_PTYPE_AUTH3 ||
               unwrap(c, &pdu, server->opened.data)) {
        handle_pdu(c, &pdu);
    }
    c->unfinished = c->joining.active;
    if (!c->unfinished) {
        c->received = 0;
    }
}

// ---- framing ------------------------------------------------------------------------------------

// Neither 5.0 nor anything that is known.
static void refuse_version(struct rpc_connection *c, const uint8_t *octets) {
    const cmrp_order order = octets[4] >> 4 == 0 ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN;
    const uint32_t call_id = cmrp_load_u32(octets + 12, order);
    if (octets[2] == CMRP_PTYPE_BIND) {
        rpc_bind_nak(c, call_id, NAK_VERSION, "version %u.%u, not 5.0", octets[0], octets[1]);
    } else if (c->group != NULL && octets[2] == CMRP_PTYPE_REQUEST) {
        rpc_protocol_error(c, call_id, 0, "version %u.%u, not 5.0", octets[0], octets[1]);
    } else {
        rpc_give_up(c, "version %u.%u, not 5.0", octets[0], octets[1]);
    }
}

// Reads the header of a PDU of which at least that is there. Returns false, the connection being
// given up, for one that cannot be accepted.
static bool read_header(struct rpc_connection *c, const uint8_t *octets, cmrp_pdu_header *header) {
    cmrp_error error = {0};
    if (!cmrp_pdu_peek((cmrp_view){octets, CMRP_PDU_HEADER_SIZE}, 0, header, &error)) {
        char text[256];
        if (error.code == CMRP_E_RPC_VERSION) {
            refuse_version(c, octets);
        } else {
            cmrp_error_format(&error, text, sizeof text);
            rpc_give_up(c, "%s", text);
        }
        return false;
    }
    if (header->minor != 0) {
        refuse_version(c, octets);
        return false;
    }
    // What is never fragmented may be as large as a token needs.
    const bool whole = header->ptype == CMRP_PTYPE_BIND ||
                       header->ptype == CMRP_PTYPE_ALTER_CONTEXT ||
                       header->ptype == CMRP_PTYPE_AUTH3;
    if (!whole && header->frag_length > c->server->limits.fragment) {
        rpc_protocol_error(c, header->call_id, 0,
                           "a fragment of %u octets, more than the %u that were agreed on",
                           header->frag_length, c->server->limits.fragment);
        return false;
    }
    return true;
}

// Adds to an unfinished PDU. Returns how many octets were used.
static size_t collect(struct rpc_connection *c, const uint8_t *octets, size_t size) {
    struct buffer *partial = &c->partial;
    size_t goal = CMRP_PDU_HEADER_SIZE;
    cmrp_pdu_header header;
    if (partial->size >= CMRP_PDU_HEADER_SIZE) {
        goal = c->expected;
    }
    const size_t n = size < goal - partial->size ? size : goal - partial->size;
    buffer_append(partial, octets, n);
    c->received += n;
    if (partial->size < goal) {
        return n;
    }
    if (goal == CMRP_PDU_HEADER_SIZE && c->expected == 0) {
        if (!read_header(c, partial->data, &header)) {
            return n;
        }
        c->expected = header.frag_length;
        if (c->expected > CMRP_PDU_HEADER_SIZE) {
            return n;
        }
    }
    c->expected = 0;
    read_pdu(c, partial->data, partial->size);
    buffer_clear(partial);
    if (partial->capacity > PARTIAL_KEPT) {
        buffer_free(partial);
    }
    return n;
}

// Reads the PDU that starts here, in place where it is whole. Returns how many octets were used.
static size_t take(struct rpc_connection *c, const uint8_t *octets, size_t size) {
    cmrp_pdu_header header;
    if (size < CMRP_PDU_HEADER_SIZE) {
        return collect(c, octets, size);
    }
    if (!read_header(c, octets, &header)) {
        return size;
    }
    if (header.frag_length > size) {
        buffer_append(&c->partial, octets, size);
        c->expected = header.frag_length;
        c->received += size;
        return size;
    }
    c->received += header.frag_length;
    read_pdu(c, octets, header.frag_length);
    return header.frag_length;
}

// Whether so much waits to be sent that requests wait, too.
static bool clogged(const struct rpc_connection *c) {
    const size_t half = c->server->limits.output / 2;
    return c->waiting > (half < FULL ? half : (size_t)FULL);
}

bool rpc_connection_full(const struct rpc_connection *c) {
    return clogged(c) || c->held.size > 0;
}

bool rpc_connection_resting(const struct rpc_connection *c) {
    return c->held.size > 0 && !clogged(c) && !c->closed;
}

void rpc_connection_data(struct rpc_connection *c, const uint8_t *octets, size_t size) {
    struct rpc_server *server = c->server;
    if (c->closed) {
        return;
    }
    server->corked = c;
    uint64_t began = 0;
    bool turn = c->held.size == 0;
    while (size > 0 && !c->closed && turn && !clogged(c)) {
        const size_t n = c->partial.size > 0 ? collect(c, octets, size) : take(c, octets, size);
        octets += n;
        size -= n;
        if (size > 0) { // the clock costs something: it is looked at where more than one PDU came
            const uint64_t now = rpc_now(server);
            began = began != 0 ? began : now;
            turn = now - began < TURN_MILLISECONDS;
        }
    }
    flush(c, &server->output);
    server->corked = NULL;
    if (!c->closed) {
        buffer_append(&c->held, octets, size);
    }
    if (!c->unfinished && (c->partial.size > 0 || c->joining.active)) {
        c->unfinished = true;
        c->since = rpc_now(server);
    }
}

void rpc_connection_waiting(struct rpc_connection *c, size_t octets) {
    if (octets < c->waiting) {
        c->waiting_since = rpc_now(c->server);
    }
    set_waiting(c, octets);
    if (rpc_connection_resting(c)) {
        struct buffer held = c->held;
        c->held = (struct buffer){0};
        rpc_connection_data(c, held.data, held.size);
        buffer_free(&held);
    }
}

// ---- time ---------------------------------------------------------------------------------------

void rpc_connection_tick(struct rpc_connection *c) {
    const uint64_t now = rpc_now(c->server);
    const uint64_t idle = c->server->limits.idle_milliseconds;
    if (c->closed) {
        return;
    }
    if (c->context_count == 0 && now - c->created > idle) {
        rpc_give_up_at(c, RPC_LOG_WARNING, "no presentation context after %u ms",
                       c->server->limits.idle_milliseconds);
    } else if (c->unfinished && now - c->since > idle + c->received) {
        rpc_give_up_at(c, RPC_LOG_WARNING, "a request is unfinished after %llu ms (%llu octets)",
                       (unsigned long long)(now - c->since), (unsigned long long)c->received);
    } else if (c->waiting > 0 && now - c->waiting_since > idle) {
        give_up_reader(c, " and do not grow fewer");
    }
}
