// SPDX-License-Identifier: Apache-2.0
// A client that may only read, and says anything: octets, requests of any method with the handles
// that it has heard of, what an honest client has said with changes. It may not read what it is
// sent. Nothing of it concerns others.
#include <string.h>

#include "fuzz_cluster.h"

static const char other_client[] = "192.0.2.66";

static uint32_t draw(struct world *w, uint32_t bound) {
    return draw_below(&w->draws, bound);
}

void other_ends(struct link *link) {
    if (link->connection != NULL) {
        link_disconnect(link);
    }
}

static bool other_there(struct world *w, struct link *link) {
    if (link->connection == NULL) {
        const uint32_t how = draw(w, 64);
        *link = (struct link){.world = w};
        link->syntax = (how & 1) != 0 ? CMRP_NDR64 : CMRP_NDR20;
        link->order = (how & 2) != 0 ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN;
        link->slow = (how & 12) == 12;
        // Not the group of another address.
        const uint32_t group = how / 16 == 3 ? w->associations[0].group : 0;
        link_connect(link, other_client, group);
    }
    return link->connection != NULL && !link->closed;
}

static void other_octets(struct world *w, struct buffer *out) {
    for (uint32_t n = draw(w, 64); n > 0; n--) {
        *buffer_extend(out, 1) = (uint8_t)draw(w, 256);
    }
}

static void other_request(struct world *w, struct link *link, struct buffer *out) {
    const uint32_t how = draw(w, 256);
    // What honest clients ask, or any method.
    const cmrp_method *method = how < 160
                                    ? cmrp_method_numbered(CMRP_INTERFACE_3, talk_method(how))
                                    : cmrp_method_at((how + draw(w, 256)) % cmrp_method_count());
    const cmrp_stub_format format = {method, CMRP_INTERFACE_3, false, link->syntax, link->order};
    struct side side;
    if (method->sections[1] == NULL) {
        return;
    }
    side_draw(&w->draws, &side, &format);
    for (size_t i = 0; side.shown.decoded && i < method->count; i++) {
        const cmrp_param *p = &method->params[i];
        if (p->kind == CMRP_KIND_HANDLE && side.slots[i].present) {
            memcpy(side.octets + side.slots[i].offset, link->handles[draw(w, 4)], CMRP_HANDLE_SIZE);
        }
    }
    request_put(link, ++link->next_call, (uint16_t)method->opnum, side.shown.stub, 1024, out);
    side_free(&side);
}

static void other_changed(struct world *w, struct buffer *out) {
    buffer_append(out, w->last.data, w->last.size);
    for (uint32_t n = draw(w, 6); n > 0 && out->size > 0; n--) {
        const uint32_t how = draw(w, 256);
        const size_t at = how < 192 ? how % (how < 64 ? 24 : 64) : draw(w, 256);
        out->data[at % out->size] ^= (uint8_t)(1u << draw(w, 8));
    }
}

// What has been sent to it.
static void other_reads(struct link *link) {
    link->waiting = 0;
    link->world->other_speaks = true;
    rpc_connection_waiting(link->connection, 0);
    link->world->other_speaks = false;
}

void other_speaks(struct world *w) {
    const uint32_t what = draw(w, 7);
    struct link *link = &w->others[draw(w, OTHERS)];
    struct buffer octets = {0};
    if (!other_there(w, link)) {
        other_ends(link);
        return;
    }
    switch (what) {
    case 0: other_octets(w, &octets); break;
    case 3: other_reads(link); break;
    case 1:
    case 2: other_changed(w, &octets); break;
    default: other_request(w, link, &octets);
    }
    if (octets.size > 0) {
        link_hear(link, octets.data, octets.size);
    }
    if (link->closed) {
        other_ends(link);
    }
    buffer_free(&octets);
}
