// SPDX-License-Identifier: Apache-2.0
// Context handles over their life.
#include <string.h>

#include "rules/state.h"

static struct rules_handle *look_up(const struct sight *s, const uint8_t *octets,
                                    struct rules_handle_key *key) {
    struct rules_handle *handle;
    memset(key, 0, sizeof *key);
    key->server = s->connection->group->server;
    memcpy(key->octets, octets, CMRP_HANDLE_SIZE);
    HASH_FIND(hh, s->rules->handles, key, sizeof *key, handle);
    return handle;
}

struct rules_handle *handle_find(const struct sight *s, const cmrp_slot *slot) {
    struct rules_handle_key key;
    return slot == NULL ? NULL : look_up(s, slot->handle, &key);
}

struct rules_handle *handle_named(const struct sight *s, bool response, const char *name) {
    return handle_find(s, sight_slot(response ? &s->call->response : &s->call->request, name));
}

static void close_handle(struct rules *r, struct rules_handle *handle, uint64_t frame) {
    if (!handle->closed) {
        notify_forget(r, handle);
        batch_forget(r, handle);
        handle->closed = true;
        handle->closed_at = frame;
    }
}

static void learn(const struct sight *s, const cmrp_param *p, const cmrp_slot *slot) {
    static const uint8_t null[CMRP_HANDLE_SIZE];
    struct rules_handle_key key;
    if (memcmp(slot->handle, null, sizeof null) == 0) {
        return;
    }
    struct rules_handle *handle = look_up(s, slot->handle, &key);
    if (handle == NULL) {
        handle = util_alloc(sizeof *handle);
        handle->key = key;
        HASH_ADD(hh, s->rules->handles, key, sizeof handle->key, handle);
    } else {
        close_handle(s->rules, handle, 0);
    }
    handle->closed = false;
    handle->closed_at = 0;
    handle->meaning = p->meaning;
    handle->opnum = s->call->call->opnum;
    handle->group = s->connection->group;
    handle->opened = s->call->call->response.stamp.frame;
}

void handle_on_call(const struct sight *s) {
    const struct rules_side *in = &s->call->request, *out = &s->call->response;
    if (!in->decoded || !out->decoded || !sight_succeeded(s)) {
        return;
    }
    const cmrp_method *method = out->format.method;
    for (uint32_t i = 0; i < method->count; i++) {
        const cmrp_param *p = &method->params[i];
        if (p->kind != CMRP_KIND_HANDLE || !out->slots[i].present) {
            continue;
        }
        if (in->slots[i].present) { // [in, out]: it closes
            struct rules_handle *handle = handle_find(s, &in->slots[i]);
            if (handle != NULL) {
                close_handle(s->rules, handle, s->call->call->response.stamp.frame);
            }
        } else {
            learn(s, p, &out->slots[i]);
        }
    }
}

void handle_run_down(struct rules *r, struct rules_group *group) {
    struct rules_handle *handle, *next;
    HASH_ITER(hh, r->handles, handle, next) {
        if (handle->group == group) {
            close_handle(r, handle, 0);
            HASH_DEL(r->handles, handle);
            free(handle);
        }
    }
}

void handle_end(struct rules *r) {
    struct rules_handle *handle, *next;
    HASH_ITER(hh, r->handles, handle, next) {
        HASH_DEL(r->handles, handle);
        free(handle);
    }
}
