// SPDX-License-Identifier: Apache-2.0
// The model of a server's registry and batch ports: when there is one, and what each call means to
// it.
#include <string.h>

#include "rules/model.h"

// ---- models -------------------------------------------------------------------------------------

static struct model *model_make(struct rules *r) {
    struct model *m = util_alloc(sizeof *m);
    m->rules = r;
    m->root = util_alloc(sizeof *m->root);
    return m;
}

// Handles and calls under way may still point to the model, which is lost.
static void empty(struct model *m) {
    struct model_key *key, *next_key;
    struct model_value *value, *next_value;
    model_batches_forget(m);
    HASH_ITER(hh, m->values, value, next_value) {
        HASH_DEL(m->values, value);
        model_spare(m, value, sizeof *value);
    }
    HASH_ITER(hh, m->keys, key, next_key) {
        HASH_DEL(m->keys, key);
        model_spare(m, key, sizeof *key);
    }
}

static void lose(struct model *m) {
    m->lost = true;
    if (m->root != NULL) {
        empty(m);
        free(m->root);
        m->root = NULL;
    }
}

void model_lose(struct rules_server *server) {
    server->unseen = true;
    if (server->model != NULL) {
        lose(server->model);
    }
}

// The registry of this server as far as it is known, or NULL. Servers that are told apart by their
// addresses may be nodes of one cluster: of two none is known.
static struct model *model_of(const struct sight *s) {
    struct rules *r = s->rules;
    struct rules_server *server = s->connection->group->server;
    if (!r->limits.complete || server->unseen) {
        return NULL;
    }
    if (server->model == NULL) {
        server->model = model_make(r);
        if (r->modelled != NULL) {
            model_lose(r->modelled);
            model_lose(server);
        }
        r->modelled = server;
    }
    if (server->model->lost) {
        model_lose(server);
        return NULL;
    }
    return server->model;
}

void model_end(struct rules_server *server) {
    if (server->model != NULL) {
        lose(server->model);
        free(server->model);
    }
}

// ---- handles ------------------------------------------------------------------------------------

void model_forget(struct rules_handle *handle) {
    struct model_port *port = handle->port;
    handle->key_of = NULL;
    handle->port = NULL;
    if (port != NULL) {
        port->closed = true;
        if (!port->model->lost) {
            port->model->ports--;
        }
        model_port_leave(port);
    }
}

// That is open, and was when a call came that began at q; NULL: not known.
static struct rules_handle *open_handle(const struct sight *s, const cmrp_slot *slot, uint64_t q) {
    struct rules_handle *h = handle_find(s, slot);
    return h != NULL && !h->closed && !h->uncertain && h->opened < q ? h : NULL;
}

// Whether the key may have been deleted since its handle was given, and another one be in its
// place.
static bool is_stale(const struct rules_handle *h) {
    for (const struct model_key *k = h->key_of; k != NULL && h->key_of->above != NULL;
         k = k->above) {
        if (k->wiped_p > h->opened || k->shaken > h->opened) {
            return true;
        }
    }
    return false;
}

struct model_key *model_key_of(const struct sight *s, const char *name, uint64_t q) {
    const struct rules_handle *h = open_handle(s, sight_slot(&s->call->request, name), q);
    return h != NULL && h->meaning == CMRP_MEANS_HKEY && !is_stale(h) ? h->key_of : NULL;
}

// ---- methods ------------------------------------------------------------------------------------

// Methods that change nothing in the registry but by commands of batches, calls on values and
// ApiDeleteKey: by name and description they open, close, read, or are about notifications. Others
// may keep what they do in the registry. ApiCreateKey leaves all values as they are.
static bool is_quiet(uint16_t opnum) {
    static const uint16_t ranges[][2] = {
        {0, 1},     {3, 5},     {7, 8},     {11, 12},   {14, 15},   {21, 22},
        {28, 31},   {34, 34},   {36, 38},   {40, 41},   {44, 45},   {47, 48},
        {53, 53},   {55, 68},   {81, 83},   {85, 86},   {90, 96},   {99, 103},
        {107, 107}, {110, 110}, {112, 112}, {114, 122}, {124, 125}, {137, 139},
        {143, 145}, {147, 147}, {155, 155}, {157, 157}, {164, 165}, {180, 181},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (opnum >= ranges[i][0] && opnum <= ranges[i][1]) {
            return true;
        }
    }
    return false;
}

bool model_matters(uint16_t opnum) {
    return !is_quiet(opnum) || opnum == OPNUM_CREATE_BATCH_PORT ||
           opnum == OPNUM_GET_BATCH_NOTIFICATION;
}

// ---- calls under way ----------------------------------------------------------------------------

static void count(struct model_flight *f, int step) {
    size_t *counter = f->values_only ? &f->key->value_flights : &f->key->flights;
    *counter = step > 0 ? *counter + 1 : *counter - 1;
    f->counted = step > 0;
}

void model_on_request(const struct sight *s, const struct assoc_call *call, struct flight *flight) {
    struct model *m = model_of(s);
    if (m == NULL || !model_matters(call->opnum)) {
        return;
    }
    struct model_flight *f = util_alloc(sizeof *f);
    cmrp_slot slot = {.present = true};
    memcpy(slot.handle, flight->handle, sizeof slot.handle);
    const struct rules_handle *h =
        flight->known ? open_handle(s, &slot, call->request.stamp.frame) : NULL;
    flight->model = f;
    m->now = call->request.stamp;
    f->model = m;
    f->ended = m->ended;
    f->known = h != NULL && h->key_of != NULL;
    f->key = f->known ? h->key_of : m->root;
    if (call->opnum == OPNUM_CREATE_BATCH_PORT) {
        f->opening = true;
        m->opening++;
    } else if (call->opnum == OPNUM_GET_BATCH_NOTIFICATION) {
        f->port = h != NULL ? h->port : NULL;
        if (f->port != NULL) {
            f->gets = true;
            f->port->users++;
            f->port->gets++;
        }
    } else {
        f->values_only =
            f->known && (call->opnum == OPNUM_SET_VALUE || call->opnum == OPNUM_DELETE_VALUE);
        if (!is_quiet(call->opnum) && call->opnum != OPNUM_SET_VALUE &&
            call->opnum != OPNUM_DELETE_VALUE && call->opnum != OPNUM_DELETE_KEY &&
            call->opnum != OPNUM_EXECUTE_BATCH) {
            f->known = false;
            f->key = m->root; // whatever it is about
        }
        count(f, 1);
    }
    if (call->opnum == OPNUM_EXECUTE_BATCH) {
        model_batch_sent(m, f, call);
    }
}

// The call is not under way any more.
static void land(struct model_flight *f) {
    if (f->gets) {
        f->gets = false;
        f->port->gets--;
    }
    if (f->model->lost) {
        return;
    }
    if (f->opening) {
        f->opening = false;
        f->model->opening--;
    }
    if (f->counted) {
        count(f, -1);
    }
}

// A call whose end was not judged leaves everything open that it may do.
void model_flight_end(struct flight *flight) {
    struct model_flight *f = flight->model;
    if (f == NULL) {
        return;
    }
    flight->model = NULL;
    const bool judged = !f->counted && !f->gets && !f->opening;
    const bool changes = f->counted;
    land(f);
    if (!judged && !f->model->lost) {
        const struct model_end end = {.p = MODEL_NEVER, .state = MODEL_MAYBE};
        if (changes) {
            model_shake(f->key, &end);
        }
        if (f->batch != NULL) {
            model_batch_ended(f->model, f, &end);
        }
    }
    if (f->port != NULL) {
        f->port->leaky = f->port->leaky || !judged;
        model_port_leave(f->port);
    }
    free(f);
}

// ---- calls --------------------------------------------------------------------------------------

static struct model_end end_of(const struct sight *s, struct model *m) {
    const struct assoc_call *call = s->call->call;
    const bool answered = call->response.state != ASSOC_ABSENT || call->faulted;
    struct model_end end = {.q = call->request.stamp.frame,
                            .p = call->response.stamp.frame,
                            .state = MODEL_MAYBE,
                            .call = ++m->calls};
    uint32_t status;
    if (!answered || end.p < end.q) {
        end.p = MODEL_NEVER;
    } else if (call->faulted) {
        end.state = call->did_not_execute ? MODEL_FAILED : MODEL_MAYBE;
    } else if (sight_status(s, &status)) {
        const cmrp_slot *rpc = sight_slot(&s->call->response, "rpc_status");
        end.state = status == 0                      ? MODEL_DONE
                    : rpc == NULL || rpc->value == 0 ? MODEL_FAILED
                                                     : MODEL_MAYBE;
    }
    return end;
}

// A handle of a key that was given.
static void learn_key(const struct sight *s, struct model *m, const struct model_end *end) {
    const struct assoc_call *call = s->call->call;
    struct rules_handle *h = handle_named(s, true, "return");
    if (end->state != MODEL_DONE || h == NULL || h->closed || h->uncertain) {
        return;
    }
    if (call->opnum == OPNUM_GET_ROOT_KEY) {
        h->key_of = m->root;
        return;
    }
    struct model_key *from = model_key_of(s, "hKey", end->q);
    struct model_name name;
    h->key_of = NULL;
    if (from == NULL || !model_name_of(sight_slot(&s->call->request, "lpSubKey"), &name)) {
        return;
    }
    h->key_of = model_key_below(m, from, name.units);
    const cmrp_slot *disposition = sight_slot(&s->call->response, "lpdwDisposition");
    if (h->key_of != NULL && disposition != NULL && disposition->value == 1) { // it is new
        model_wipe(h->key_of, end);
    }
}

void model_on_call(const struct sight *s) {
    struct model_flight *f = s->flight != NULL ? s->flight->model : NULL;
    const uint16_t opnum = s->call->call->opnum;
    struct model *m = model_of(s);
    if (m == NULL) {
        return;
    }
    m->now = s->call->call->response.stamp;
    if (s->call->call->request.state == ASSOC_ABSENT ||
        (f == NULL && model_matters(opnum))) { // it was not told of when it began
        model_lose(s->connection->group->server);
        return;
    }
    const struct model_end end = end_of(s, m);
    if (f != NULL) {
        land(f);
    }
    switch (opnum) {
    case OPNUM_GET_ROOT_KEY:
    case OPNUM_CREATE_KEY:
    case OPNUM_OPEN_KEY: learn_key(s, m, &end); break;
    case OPNUM_QUERY_VALUE:
    case OPNUM_ENUM_VALUE:
    case OPNUM_EXECUTE_READ_BATCH:
    case OPNUM_EXECUTE_READ_BATCH_EX: model_on_read(s, m, &end); break;
    case OPNUM_CREATE_BATCH_PORT: model_port_made(s, m, f, &end); break;
    case OPNUM_GET_BATCH_NOTIFICATION: model_port_told(s, m, f, &end); break;
    default:
        if (model_matters(opnum)) {
            model_on_change(s, m, f, &end);
        }
    }
}
