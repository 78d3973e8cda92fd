// SPDX-License-Identifier: Apache-2.0
// Handles of methods that are not described. Those that open an object return two statuses and the
// handle, those that close one take nothing but it, so that their stubs can be read here
// [MS-CMRP 6.2].
#include <string.h>

#include "rules/state.h"

static const uint8_t null_handle[CMRP_HANDLE_SIZE];

static const struct plain {
    uint16_t opnum; // of version 3
    uint8_t meaning;
    bool closes;
} plains[] = {
    {129, CMRP_MEANS_HGROUP, false},   // ApiCreateGroupEx
    {163, CMRP_MEANS_HGENERIC, false}, // ApiCreateGroupSet
    {164, CMRP_MEANS_HGENERIC, false}, // ApiOpenGroupSet
    {165, CMRP_MEANS_HGENERIC, true},  // ApiCloseGroupSet
};

void handle_begin_plain(struct rules *r) {
    for (size_t i = 0; i < sizeof plains / sizeof plains[0]; i++) {
        r->traits[plains[i].opnum] |= plains[i].closes ? TRAIT_CLOSES : TRAIT_OPENS;
    }
}

static const struct plain *plain_of(const struct sight *s) {
    for (size_t i = 0; i < sizeof plains / sizeof plains[0]; i++) {
        if (plains[i].opnum == s->call->call->opnum && sight_interface(s) == CMRP_INTERFACE_3) {
            return &plains[i];
        }
    }
    return NULL;
}

// `before` statuses, a handle, `after` statuses. Returns whether the stub is whole and holds that.
static bool read(const struct assoc_part *part, unsigned before, unsigned after, cmrp_slot *slot,
                 bool *succeeded) {
    cmrp_error error = {0};
    cmrp_ndr_reader r = {.order = part->order};
    *succeeded = true;
    if (part->state != ASSOC_WHOLE) {
        return false;
    }
    cmrp_reader_init(&r.bytes, part->stub, 0, &error, "");
    for (unsigned i = 0; i < before + after; i++) {
        uint64_t status;
        if ((i == before && !cmrp_ndr_take_handle(&r, "handle", slot->handle)) ||
            !cmrp_ndr_take_uint(&r, "status", sizeof(uint32_t), &status)) {
            return false;
        }
        *succeeded = *succeeded && status == 0;
    }
    return after > 0 || cmrp_ndr_take_handle(&r, "handle", slot->handle);
}

static void learn_close(const struct sight *s) {
    const struct assoc_call *call = s->call->call;
    cmrp_slot in = {0}, out = {0};
    bool succeeded;
    if (!read(&call->request, 0, 0, &in, &succeeded)) {
        s->connection->group->lost = true;
    } else if (!read(&call->response, 0, 1, &out, &succeeded)) {
        handle_doubt(s, &in);
    } else if (succeeded) {
        handle_close(s, &in, memcmp(out.handle, null_handle, sizeof null_handle) == 0);
    }
}

void handle_learn_plain(const struct sight *s) {
    const struct plain *plain = plain_of(s);
    cmrp_slot slot = {0};
    bool succeeded;
    if (plain == NULL) {
        return;
    }
    if (plain->closes) {
        learn_close(s);
    } else if (!read(&s->call->call->response, 2, 0, &slot, &succeeded)) {
        s->connection->group->unseen |= 1u << plain->meaning;
    } else if (succeeded) {
        handle_give(s, plain->meaning, &slot);
    }
}
