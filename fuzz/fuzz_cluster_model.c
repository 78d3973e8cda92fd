// SPDX-License-Identifier: Apache-2.0
// What the plain model makes of a call of an honest client.
#include <stdlib.h>
#include <string.h>

#include "cluster/cluster.h"
#include "fuzz_cluster.h"

enum {
    NOT_FOUND = 2,
    DENIED = 5,
    INVALID_HANDLE = 6,
    NO_MEMORY = 8,
    INVALID_PARAMETER = 87,
    INVALID_NAME = 123,
    MORE_DATA = 234,
    KEY_DELETED = 1018,
    NO_RESOURCES = 1450,
    CONTEXT_MISMATCH = 0x1c00001a,
};

// ---- handles ------------------------------------------------------------------------------------

static struct handle *handle_of(struct world *w, const struct call *call, int n) {
    struct handle *h = n != NONE ? &w->handles[n] : NULL;
    return h != NULL && h->open && h->holder == call->link->association->number ? h : NULL;
}

static bool is_gone(const struct world *w, const struct handle *h) {
    return h != NULL && (h->kind == SERVICE_HGROUP || h->kind == SERVICE_HRES) &&
           w->objects[h->index].deleted;
}

static uint32_t gone(const struct call *call, const struct handle *h) {
    return call->form->opnum == 9    ? CLUSTER_ERROR_GROUP_NOT_FOUND
           : h->kind == SERVICE_HRES ? CLUSTER_ERROR_RESOURCE_NOT_AVAILABLE
                                     : CLUSTER_ERROR_GROUP_NOT_AVAILABLE;
}

// Whether the call gets as far as its method.
static bool admitted(struct call *call, const struct handle *h, const struct handle *second) {
    const struct form *form = call->form;
    if ((form->handle != NULL && h == NULL) || (form->second != NULL && second == NULL)) {
        call_wants_fault(call, CONTEXT_MISMATCH);
        return false;
    }
    if ((form->handle != NULL && h->kind != form->kind) ||
        (form->second_kind != SERVICE_KINDS && second->kind != form->second_kind)) {
        call_wants(call, INVALID_HANDLE, NULL);
        return false;
    }
    const struct world *w = call->link->world;
    if (!form->closes && (is_gone(w, h) || is_gone(w, second))) {
        call_wants(call, gone(call, is_gone(w, h) ? h : second), NULL);
        return false;
    }
    return true;
}

// Whether there may be a handle for what a call is to make; without, nothing is made.
static bool has_room(struct call *call) {
    if (call->link->association->handles < MAX_HANDLES) {
        return true;
    }
    call_wants(call, NO_RESOURCES, NULL);
    return false;
}

// A handle for what a call has opened; `before` is what its answer has in front of it.
static bool opened(struct call *call, enum service_kind kind, int index, unsigned version,
                   const char *before) {
    struct association *a = call->link->association;
    if (a->handles >= MAX_HANDLES) {
        call_wants(call, NO_RESOURCES, "%s-", before);
        return false;
    }
    a->handles++;
    call_makes(call, kind, index, version);
    call_wants(call, 0, "%shandle", before);
    return true;
}

static void close_handle(struct world *w, struct call *call, struct handle *h) {
    if (h->kind == SERVICE_HNOTIFY || h->kind == SERVICE_HBATCH_PORT) {
        box_close(w->boxes[h->index]);
    }
    h->open = false;
    call->link->association->handles--;
    call_wants(call, 0, "-");
}

static void open_box(struct world *w, struct call *call, unsigned version, int hkey) {
    const bool batch = version == 0;
    if (!opened(call, batch ? SERVICE_HBATCH_PORT : SERVICE_HNOTIFY, w->box_count, version, "")) {
        return;
    }
    w->boxes = util_grow(w->boxes, (size_t)w->box_count + 1, sizeof(struct box *));
    struct box *box = w->boxes[w->box_count++] = util_alloc(sizeof(struct box));
    box->open = true;
    box->version = version;
    box->hkey = hkey;
}

// ---- registry -----------------------------------------------------------------------------------

static void open_key(struct world *w, struct call *call, int key) {
    const bool creates = call->form->opnum == 29;
    const char *path = call->ask.text;
    bool made = false;
    if (creates && !has_room(call)) {
        return;
    }
    if (!path_good(path)) {
        call_wants(call, INVALID_NAME, NULL);
    } else if (!w->registry.keys[key].there) {
        call_wants(call, KEY_DELETED, NULL);
    } else {
        int found = key_find(&w->registry, key, path);
        if (found == NONE && !creates) {
            call_wants(call, NOT_FOUND, NULL);
            return;
        }
        if (found == NONE) {
            found = key_make(&w->registry, key, path, &made, &w->events);
            ports_tell(w);
        }
        opened(call, SERVICE_HKEY, found, 0, !creates ? "" : made ? "1 " : "2 ");
    }
}

static void delete_key(struct world *w, struct call *call, int key) {
    const char *path = call->ask.text;
    uint32_t status = 0;
    const bool good = *path != '\0' && path_good(path);
    const int found =
        good && w->registry.keys[key].there ? key_find(&w->registry, key, path) : NONE;
    if (!good) {
        status = *path == '\0' ? INVALID_PARAMETER : INVALID_NAME;
    } else if (found == NONE) {
        status = w->registry.keys[key].there ? NOT_FOUND : KEY_DELETED;
    } else if (key_has_children(&w->registry, found)) {
        status = DENIED;
    } else {
        key_delete(&w->registry, found, &w->events);
        ports_tell(w);
    }
    call_wants(call, status, NULL);
}

static void change_value(struct world *w, struct call *call, int key) {
    const struct ask *ask = &call->ask;
    const bool there = w->registry.keys[key].there;
    uint32_t status = there ? 0 : KEY_DELETED;
    if (call->form->opnum == 33) {
        if (there && !value_delete(&w->registry, key, ask->text, &w->events)) {
            status = NOT_FOUND;
        }
    } else if (cmrp_reg_type_name((uint32_t)ask->numbers[0]) == NULL) {
        status = INVALID_PARAMETER;
    } else if (there) {
        value_set(&w->registry, key, ask->text, (uint32_t)ask->numbers[0], buffer_view(&ask->data),
                  &w->events);
    }
    ports_tell(w);
    call_wants(call, status, NULL);
}

static void query_value(struct world *w, struct call *call, int key) {
    const size_t room = (size_t)call->ask.numbers[0];
    const bool there = w->registry.keys[key].there;
    const struct plain_value *v = there ? value_find(&w->registry, key, call->ask.text) : NULL;
    struct buffer data = {0}, hex = {0};
    if (v == NULL) {
        call_wants(call, there ? NOT_FOUND : KEY_DELETED, NULL);
        return;
    }
    const bool fits = v->data.size <= room;
    if (fits) {
        buffer_append(&data, v->data.data, v->data.size);
    }
    while (data.size < room) {
        buffer_append(&data, "", 1);
    }
    append_hex(&hex, buffer_view(&data));
    call_wants(call, fits ? 0 : MORE_DATA, "%u %s %zu", fits ? v->type : 0, buffer_text(&hex),
               v->data.size);
    buffer_free(&data);
    buffer_free(&hex);
}

static void execute_batch(struct world *w, struct call *call, int key) {
    if (!w->registry.keys[key].there) {
        call_wants(call, KEY_DELETED, NULL);
        return;
    }
    struct plain_registry after = registry_copy(&w->registry);
    struct batch_result result = {0};
    batch_execute(&after, key, buffer_view(&call->ask.data), &result, &w->events);
    call_wants(call, result.status, "%u", result.failed);
    if (result.status != 0) {
        events_clear(&w->events);
        registry_free(&after);
        registry_compare(&w->registry, w->cluster, "after a batch that fails");
    } else {
        registry_free(&w->registry);
        w->registry = after;
        ports_tell(w);
        batch_ports_tell(w, &result);
    }
    buffer_free(&result.mirror);
    free(result.touched);
}

static void create_batch_port(struct world *w, struct call *call, int key) {
    if (w->registry.keys[key].there) {
        open_box(w, call, 0, key);
    } else {
        call_wants(call, KEY_DELETED, NULL);
    }
}

// ---- filters ------------------------------------------------------------------------------------

static bool allowed(uint32_t filter, unsigned scope) {
    const uint64_t mask =
        cmrp_change_registrable(cmrp_change_set_at(CMRP_SET_CLUSTER_CHANGE), scope);
    return filter != 0 && (filter & ~mask) == 0;
}

static uint32_t filter_add(struct box *box, const struct filter *f) {
    if (box->filter_count == FILTERS) {
        return NO_MEMORY;
    }
    box->filters[box->filter_count++] = *f;
    return 0;
}

// Version 1.
static void add_filter(struct world *w, struct call *call, struct box *box,
                       const struct handle *of) {
    const struct ask *ask = &call->ask;
    struct filter f = {.change = (uint32_t)ask->numbers[0],
                       .key = (uint32_t)ask->numbers[1],
                       .hkey = NONE,
                       .object = NONE};
    unsigned scope = CMRP_SCOPE_CLUSTER;
    if (of->kind == SERVICE_HKEY) {
        scope = CMRP_SCOPE_KEY;
        f.hkey = of->index;
        f.subtree = ask->numbers[2] != 0;
    } else if (of->kind == SERVICE_HCLUSTER) {
        f.all = true;
        f.hkey = 0;
        f.subtree = (f.change & 0x80) != 0;
    } else {
        scope = of->kind == SERVICE_HGROUP ? CMRP_SCOPE_GROUP : CMRP_SCOPE_RESOURCE;
        f.object = of->index;
    }
    uint32_t status = box->version != 1           ? INVALID_HANDLE
                      : !allowed(f.change, scope) ? INVALID_PARAMETER
                                                  : 0;
    if (status == 0 && of->kind == SERVICE_HKEY && !w->registry.keys[of->index].there) {
        status = KEY_DELETED;
    }
    status = status == 0 ? filter_add(box, &f) : status;
    const struct object *o = f.object != NONE ? &w->objects[f.object] : NULL;
    if (call->form->outs[0] != NULL) {
        call_wants(call, status, "%u", status == 0 ? o->sequence : 0);
        return;
    }
    call_wants(call, status, NULL);
    const bool again = call->form->opnum == 63 || call->form->opnum == 64;
    const uint32_t state = f.object != NONE && o->resource ? 0x100 : 0x1000;
    if (again && status == 0 && ask->numbers[2] != o->sequence && (f.change & state) != 0) {
        const struct event e = {.change = state,
                                .key = NONE,
                                .sequence = o->sequence,
                                .name = o->name,
                                .id = "",
                                .parent = "",
                                .kind = "",
                                .payload = ""};
        box_queue(w, box, &f, &e);
        ports_tell(w);
    }
}

static uint32_t target_of(const struct world *w, const struct ask *ask, const struct handle *of,
                          struct filter *f) {
    const bool targeted = ask->numbers[1] != 0;
    const uint32_t type = ask->type;
    f->all = type != 8;
    f->hkey = type == 8 ? 0 : NONE;
    if (of->kind == SERVICE_HCLUSTER) {
        const bool of_cluster = type == 1 || type == 4 || (type > 8 && type != 0xd);
        return !targeted || of_cluster ? 0 : INVALID_HANDLE;
    }
    if (of->kind == SERVICE_HKEY) {
        f->hkey = targeted ? of->index : 0;
        return type != 8                                        ? INVALID_HANDLE
               : targeted && !w->registry.keys[of->index].there ? KEY_DELETED
                                                                : 0;
    }
    const uint32_t own = of->kind == SERVICE_HGROUP ? 2 : of->kind == SERVICE_HRES ? 3 : 0;
    if (!targeted || own != type) {
        return INVALID_HANDLE;
    }
    f->all = false;
    f->object = of->index;
    return 0;
}

static void add_filter_v2(struct world *w, struct call *call, struct box *box,
                          const struct handle *of) {
    const struct ask *ask = &call->ask;
    const cmrp_change_set *set = cmrp_change_set_of_type(ask->type);
    struct filter f = {.key = (uint32_t)ask->numbers[0],
                       .type = ask->type,
                       .flags = ask->flags,
                       .hkey = NONE,
                       .object = NONE,
                       .subtree = (ask->flags & 0x4) != 0,
                       .lost = ask->type == 1 && (ask->flags & 0x200) != 0};
    uint32_t status = ask->numbers[2] != 2 ? INVALID_PARAMETER : 0;
    if (status == 0) {
        status = box->version != 2 ? INVALID_HANDLE
                 : set == NULL || ask->flags == 0 ||
                         (ask->flags & ~cmrp_change_registrable(set, CMRP_SCOPE_V2)) != 0
                     ? INVALID_PARAMETER
                     : 0;
    }
    status = status == 0 ? target_of(w, ask, of, &f) : status;
    status = status == 0 ? filter_add(box, &f) : status;
    call_wants(call, status, NULL);
}

static void get(struct world *w, struct call *call, struct box *box) {
    const unsigned version = call->form->opnum == 115 ? 0 : call->form->opnum == 139 ? 2 : 1;
    if (box->version == version) {
        box_get(w, box, call);
    } else {
        call_wants(call, INVALID_HANDLE, NULL);
    }
}

// ---- objects ------------------------------------------------------------------------------------

static void open_object(struct world *w, struct call *call, bool resource) {
    const int n = object_find(w, resource, call->ask.text);
    if (n == NONE) {
        call_wants(call,
                   resource ? CLUSTER_ERROR_RESOURCE_NOT_FOUND : CLUSTER_ERROR_GROUP_NOT_FOUND,
                   NULL);
    } else {
        opened(call, resource ? SERVICE_HRES : SERVICE_HGROUP, n, 0, "");
    }
}

static void create_object(struct world *w, struct call *call, const struct handle *group) {
    int made = NONE;
    const bool resource = call->form->opnum == 9;
    if (!has_room(call)) {
        return;
    }
    const uint32_t status =
        resource ? resource_create(w, group->index, call->ask.text, call->ask.text2, &made)
                 : group_create(w, call->ask.text, &made);
    if (status != 0) {
        call_wants(call, status, NULL);
    } else {
        opened(call, resource ? SERVICE_HRES : SERVICE_HGROUP, made, 0, "");
    }
}

static void get_state(struct world *w, struct call *call, int n) {
    const struct object *o = &w->objects[n];
    if (o->resource) {
        call_wants(call, 0, "%u \"N\" \"%s\"", o->state, w->objects[o->group].name);
    } else {
        call_wants(call, 0, "%u \"N\"", o->state);
    }
}

// ---- all ----------------------------------------------------------------------------------------

static void of_registry(struct world *w, struct call *call, int key) {
    switch (call->form->opnum) {
    case 29:
    case 30: open_key(w, call, key); break;
    case 32:
    case 33: change_value(w, call, key); break;
    case 34: query_value(w, call, key); break;
    case 35: delete_key(w, call, key); break;
    case 113: execute_batch(w, call, key); break;
    default: create_batch_port(w, call, key);
    }
}

static void of_object(struct world *w, struct call *call, const struct handle *h) {
    switch (call->form->opnum) {
    case 9: create_object(w, call, h); break;
    case 10:
    case 43: call_wants(call, object_delete(w, h->index, call->ask.numbers[0] != 0), NULL); break;
    case 16: call_wants(call, resource_fail(w, h->index), NULL); break;
    case 17:
    case 49: call_wants(call, object_online(w, h->index, true), NULL); break;
    case 18:
    case 50: call_wants(call, object_online(w, h->index, false), NULL); break;
    default: get_state(w, call, h->index);
    }
}

static void of_port(struct world *w, struct call *call, struct box *box,
                    const struct handle *second) {
    switch (call->form->opnum) {
    case 107:
        box_release(box, 1);
        call_wants(call, 0, NULL);
        break;
    case 138: add_filter_v2(w, call, box, second); break;
    case 65:
    case 115:
    case 139:
    case 147: get(w, call, box); break;
    default: add_filter(w, call, box, second);
    }
}

void call_model(struct world *w, struct call *call) {
    struct handle *h = handle_of(w, call, call->ask.handle);
    const struct handle *second = handle_of(w, call, call->ask.second);
    if (!admitted(call, h, second)) {
        return;
    }
    if (call->form->closes) {
        close_handle(w, call, h);
        return;
    }
    switch (call->form->opnum) {
    case 0: opened(call, SERVICE_HCLUSTER, 0, 0, ""); return;
    case 8: open_object(w, call, true); return;
    case 28: opened(call, SERVICE_HKEY, 0, 0, ""); return;
    case 41: open_object(w, call, false); return;
    case 42: create_object(w, call, NULL); return;
    case 55: open_box(w, call, 1, NONE); return;
    case 137: open_box(w, call, 2, NONE); return;
    default: break;
    }
    switch (h->kind) {
    case SERVICE_HKEY: of_registry(w, call, h->index); break;
    case SERVICE_HGROUP:
    case SERVICE_HRES: of_object(w, call, h); break;
    default: of_port(w, call, w->boxes[h->index], second);
    }
}
