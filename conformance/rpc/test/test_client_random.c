// SPDX-License-Identifier: Apache-2.0
// Random conversations with a server that is mostly right: whatever it sends, in pieces of whatever
// size, each call ends exactly once, unless it was abandoned: then never.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdlib.h>

#include "peer.h"
#include "rpc/client_link.h"

enum { CONVERSATIONS = 20000, STEPS = 120, CALLS = 64 };

enum state { OPEN, ENDED, ABANDONED };

struct call {
    enum state state;
    uint32_t number;
    bool begun;    // the server has sent a first fragment
    bool answered; // and a last one, or a fault
};

struct talk {
    struct rpc_link *link;
    struct call calls[CALLS];
    size_t count;
    struct buffer wire; // from the server, not delivered yet
    cmrp_pdu bind;
    struct buffer bind_octets;
    bool failed;
    uint64_t random;
};

static unsigned pick(struct talk *t, unsigned below) {
    t->random = t->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(t->random >> 33) % below;
}

static size_t count_open(const struct talk *t) {
    size_t open = 0;
    for (size_t i = 0; i < t->count; i++) {
        open += t->calls[i].state == OPEN;
    }
    return open;
}

static void on_send(void *context, const uint8_t *octets, size_t size) {
    struct talk *t = context;
    if (t->bind_octets.size == 0) {
        buffer_append(&t->bind_octets, octets, size);
    } else {
        (void)peer_read((cmrp_view){octets, size}); // whatever it is, it is right
    }
    assert_false(t->failed);
}

static void on_bound(void *context) {
    const struct talk *t = context;
    assert_false(t->failed);
}

static void abandon(struct talk *t, bool all);

static void on_answered(void *context, void *opaque, const struct rpc_reply *reply) {
    struct talk *t = context;
    struct call *call = opaque;
    assert_int_equal(call->state, OPEN);
    assert_false(t->failed);
    assert_true(reply->status == 0 || reply->stub.size == 0);
    call->state = ENDED;
    if (pick(t, 8) == 0) {
        abandon(t, pick(t, 2) == 0); // as one does who gives up for the failure of one call
    }
}

static void on_failed(void *context, uint32_t status, const char *why) {
    struct talk *t = context;
    assert_false(t->failed);
    assert_true(status != 0 && why != NULL);
    assert_int_equal(count_open(t), 0);
    t->failed = true;
}

// ---- what happens -------------------------------------------------------------------------------

static void start_call(struct talk *t) {
    static const uint8_t stub[7000];
    if (t->count == CALLS || !rpc_link_ready(t->link)) {
        return;
    }
    struct call *call = &t->calls[t->count++];
    *call = (struct call){.state = OPEN};
    call->number =
        rpc_link_call(t->link, 3, (cmrp_view){stub, pick(t, 10) == 0 ? sizeof stub : 4}, call);
}

static void abandon(struct talk *t, bool all) {
    for (size_t i = 0; i < t->count; i++) {
        if (t->calls[i].state == OPEN && (all || pick(t, 4) == 0)) {
            t->calls[i].state = ABANDONED;
            rpc_link_abandon(t->link, t->calls[i].number, pick(t, 2) == 0);
        }
    }
}

static void answer(struct talk *t) {
    struct buffer *out = &t->wire;
    const unsigned mistakes = pick(t, 300);
    if (t->count == 0) {
        return;
    }
    struct call *call = &t->calls[pick(t, (unsigned)t->count)];
    unsigned flags = call->begun ? 0 : CMRP_PFC_FIRST_FRAG;
    flags |= pick(t, 3) > 0 ? CMRP_PFC_LAST_FRAG : 0;
    flags = mistakes == 0 ? pick(t, 4) : flags;
    const uint16_t context = (uint16_t)(mistakes == 1 ? 0 : 1);
    if (call->answered && mistakes > 2) {
        return; // mostly
    }
    if (pick(t, 5) == 0) {
        peer_fault(out, BOTH_FRAGS, call->number, pick(t, 200));
        call->answered = true;
    } else {
        peer_response(out, flags, call->number, context, "stub octets", pick(t, 12));
        call->answered = (flags & CMRP_PFC_LAST_FRAG) != 0;
        call->begun = !call->answered;
    }
}

static void spoil(struct talk *t) {
    if (t->wire.size > 0) {
        t->wire.data[pick(t, (unsigned)t->wire.size)] = (uint8_t)pick(t, 256);
    }
}

static void deliver(struct talk *t) {
    if (t->wire.size == 0) {
        return;
    }
    const size_t size = 1 + pick(t, (unsigned)t->wire.size);
    uint8_t *exact = malloc(size);
    memcpy(exact, t->wire.data, size);
    memmove(t->wire.data, t->wire.data + size, t->wire.size - size);
    t->wire.size -= size;
    rpc_link_data(t->link, exact, size);
    free(exact);
}

static void step(struct talk *t) {
    switch (pick(t, 20)) {
    case 0: abandon(t, false); break;
    case 1:
        if (t->count > 0) {
            rpc_link_cancel(t->link, t->calls[pick(t, (unsigned)t->count)].number);
        }
        break;
    case 2:
        if (pick(t, 20) == 0) {
            peer_plain(&t->wire, CMRP_PTYPE_SHUTDOWN, 0);
        }
        break;
    case 3:
        if (pick(t, 20) == 0) {
            spoil(t);
        }
        break;
    case 4:
        if (pick(t, 40) == 0) {
            rpc_link_lost(t->link, "closed");
        }
        break;
    case 5:
    case 6:
    case 7:
    case 8: start_call(t); break;
    case 9:
    case 10:
    case 11:
    case 12: answer(t); break;
    default: deliver(t); break;
    }
    if (!t->failed) {
        assert_int_equal(rpc_link_calls(t->link), count_open(t));
    } else {
        assert_false(rpc_link_ready(t->link));
    }
}

static bool converse(uint64_t seed) {
    struct talk t = {.random = seed};
    const struct rpc_link_options options = {
        .interface = {cmrp_uuid_clusapi, 3, 0},
        .multiplex = pick(&t, 4) > 0,
        .response = 64,
        .context = &t,
        .send = on_send,
        .bound = on_bound,
        .answered = on_answered,
        .failed = on_failed,
    };
    const struct peer_bind how = {.multiplex = pick(&t, 8) > 0, .features = (uint16_t)pick(&t, 4)};
    t.link = rpc_link_create(&options);
    t.bind = peer_read(buffer_view(&t.bind_octets));
    peer_bind_ack(&t.wire, &t.bind, &how);
    for (int i = 0; i < STEPS; i++) {
        step(&t);
    }
    if (!t.failed) {
        rpc_link_lost(t.link, "closed");
    }
    assert_true(t.failed);
    const bool talked = t.count > 3;
    rpc_link_free(t.link);
    buffer_free(&t.wire);
    buffer_free(&t.bind_octets);
    return talked;
}

static void test_conversations(void **state) {
    (void)state;
    unsigned talked = 0;
    for (uint64_t seed = 0; seed < CONVERSATIONS; seed++) {
        talked += converse(seed);
    }
    assert_true(talked > CONVERSATIONS / 2); // most of them get somewhere
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_conversations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
