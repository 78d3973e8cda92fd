// SPDX-License-Identifier: Apache-2.0
// The way of the connectionless protocol: datagrams to conversations, conversations to calls.
#include "assoc/datagram.h"

#include <string.h>

#include "replay/state.h"

// ---- addresses ----------------------------------------------------------------------------------

static struct assoc_address address_of(const struct capture_endpoint *endpoint) {
    struct assoc_address address = {.port = endpoint->port};
    _Static_assert(sizeof address.host == sizeof endpoint->addr + 1, "an address and its family");
    memcpy(address.host, endpoint->addr, sizeof endpoint->addr);
    address.host[sizeof endpoint->addr] = endpoint->family;
    return address;
}

static void set_endpoint(struct replay_connection *c, int end,
                         const struct assoc_address *address) {
    struct capture_endpoint *endpoint = &c->endpoint[end];
    memcpy(endpoint->addr, address->host, sizeof endpoint->addr);
    endpoint->family = address->host[sizeof endpoint->addr];
    endpoint->port = address->port;
    capture_endpoint_format(endpoint, c->text[end]);
}

static const uint64_t DATAGRAMS = (uint64_t)1 << 63; // in the id of a conversation

// ---- events -------------------------------------------------------------------------------------

static void *on_open(void *context, const struct assoc_conversation *conversation,
                     const struct assoc_stamp *stamp) {
    struct replay *r = context;
    struct replay_connection *c = util_alloc(sizeof *c);
    if (!r->started) {
        r->started = true;
        r->start = (struct capture_stamp){stamp->frame, stamp->seconds, stamp->nanoseconds};
    }
    c->replay = r;
    c->opened = stamp->frame;
    c->id = DATAGRAMS | ++r->conversations;
    set_endpoint(c, 0, &conversation->client);
    set_endpoint(c, 1, &conversation->server);
    r->result->activities++;
    return c;
}

static void on_move(void *user, const struct assoc_address *server) {
    struct replay_connection *c = user;
    // To rules it is another conversation: handles are those of a server.
    replay_judge_close(c);
    c->id = DATAGRAMS | ++c->replay->conversations;
    set_endpoint(c, 1, server);
    c->ends_for = 0;
}

static void on_call(void *user, const struct assoc_call *call) {
    replay_on_call(user, call);
}

static void on_note(void *context, void *user, enum assoc_note note, const char *text,
                    const struct assoc_stamp *stamp) {
    if (user != NULL && !replay_note_is_harmless(note)) {
        replay_blind(user, -1);
    }
    replay_on_note(context, user, assoc_note_code(note), text, stamp);
}

static void on_close(void *user) {
    struct replay_connection *c = user;
    replay_judge_close(c);
    free(c);
}

// ---- life ---------------------------------------------------------------------------------------

void replay_datagrams_begin(struct replay *r) {
    const struct assoc_datagram_events events = {.context = r,
                                                 .open = on_open,
                                                 .move = on_move,
                                                 .call = on_call,
                                                 .note = on_note,
                                                 .close = on_close};
    r->datagrams = assoc_datagrams_create(&r->options->datagrams, &events, &r->memory);
}

void replay_on_datagram(void *context, const struct capture_datagram *datagram,
                        const struct capture_stamp *stamp) {
    struct replay *r = context;
    const struct assoc_address source = address_of(&datagram->source);
    const struct assoc_address target = address_of(&datagram->target);
    const struct assoc_stamp at = {stamp->frame, stamp->seconds, stamp->nanoseconds};
    const cmrp_view octets = {datagram->data, datagram->size};
    (void)assoc_datagram(r->datagrams, &source, &target, octets, datagram->missing, &at);
}

void replay_datagrams_end(struct replay *r) {
    assoc_datagrams_close(r->datagrams);
    assoc_datagrams_destroy(r->datagrams);
    r->datagrams = NULL;
}
