// SPDX-License-Identifier: Apache-2.0
// Association groups and their context handles.
#include "rpc/state.h"

enum { ATTRIBUTES_SIZE = CMRP_HANDLE_SIZE - CMRP_UUID_SIZE };

// ---- groups -------------------------------------------------------------------------------------

static struct group *create_group(struct rpc_connection *c) {
    struct rpc_server *server = c->server;
    struct group *group = NULL;
    uint32_t id;
    do {
        id = server->next_group++;
        HASH_FIND(hh, server->groups, &id, sizeof id, group);
    } while (id == 0 || group != NULL);
    group = util_alloc(sizeof *group + server->interface_count * sizeof group->parts[0]);
    group->id = id;
    group->server = server;
    group->client = util_strdup(c->client);
    for (size_t i = 0; i < server->interface_count; i++) {
        group->parts[i].group = group;
    }
    HASH_ADD(hh, server->groups, id, sizeof group->id, group);
    return group;
}

struct group *rpc_group_join(struct rpc_connection *c, uint32_t id) {
    struct group *group = NULL;
    if (id == 0) {
        group = create_group(c);
    } else {
        HASH_FIND(hh, c->server->groups, &id, sizeof id, group);
        if (group == NULL || strcmp(group->client, c->client) != 0) {
            return NULL;
        }
    }
    group->connections++;
    c->group = group;
    return group;
}

static void run_down(struct rpc_association *part) {
    struct handle *handle;
    while ((handle = part->handles) != NULL) { // the first: a rundown may close others
        const struct rpc_handle_kind *kind = handle->kind;
        void *object = handle->object;
        HASH_DEL(part->handles, handle);
        free(handle);
        part->group->handles--;
        part->group->server->handle_count--;
        if (kind->rundown != NULL) {
            kind->rundown(object);
        }
    }
}

void rpc_group_leave(struct rpc_connection *c) {
    struct group *group = c->group;
    struct rpc_server *server = c->server;
    c->group = NULL;
    if (group == NULL || --group->connections > 0) {
        return;
    }
    HASH_DEL(server->groups, group);
    if (group->handles > 0) {
        rpc_say(c, RPC_LOG_INFO, "association group %u ends: %zu context handles are run down",
                group->id, group->handles);
    }
    for (size_t i = 0; i < server->interface_count; i++) {
        run_down(&group->parts[i]);
    }
    free(group->client);
    free(group);
}

void rpc_server_run_down(struct rpc_server *server) {
    for (struct group *group = server->groups; group != NULL; group = group->hh.next) {
        for (size_t i = 0; i < server->interface_count; i++) {
            run_down(&group->parts[i]);
        }
    }
}

// ---- handles ------------------------------------------------------------------------------------

bool rpc_handle_room(struct rpc_association *association, const struct rpc_handle_kind *kind) {
    const struct group *group = association->group;
    struct rpc_server *server = group->server;
    const size_t left = server->limits.all_handles - server->handle_count;
    if (group->handles < server->limits.handles && group->handles < left) {
        return true;
    }
    rpc_server_log(server, RPC_LOG_WARNING,
                   "%s: association group %u has %zu context handles, the server %zu, as many "
                   "as it may: %s handle refused",
                   group->client, group->id, group->handles, server->handle_count, kind->name);
    return false;
}

bool rpc_handle_open(struct rpc_association *association, const struct rpc_handle_kind *kind,
                     void *object, uint8_t handle[CMRP_HANDLE_SIZE]) {
    struct group *group = association->group;
    struct rpc_server *server = group->server;
    if (!rpc_handle_room(association, kind)) {
        return false;
    }
    struct handle *new = util_alloc(sizeof *new);
    rpc_random(server, new->id, sizeof new->id);
    new->kind = kind;
    new->object = object;
    HASH_ADD(hh, association->handles, id, sizeof new->id, new);
    group->handles++;
    server->handle_count++;
    memset(handle, 0, ATTRIBUTES_SIZE);
    memcpy(handle + ATTRIBUTES_SIZE, new->id, sizeof new->id);
    return true;
}

static struct handle *find(struct rpc_association *association,
                           const uint8_t handle[CMRP_HANDLE_SIZE]) {
    static const uint8_t attributes[ATTRIBUTES_SIZE];
    struct handle *found = NULL;
    if (memcmp(handle, attributes, sizeof attributes) == 0) {
        HASH_FIND(hh, association->handles, handle + ATTRIBUTES_SIZE, CMRP_UUID_SIZE, found);
    }
    return found;
}

void *rpc_handle_find(struct rpc_association *association, const uint8_t handle[CMRP_HANDLE_SIZE],
                      const struct rpc_handle_kind **kind) {
    const struct handle *found = find(association, handle);
    if (found == NULL) {
        return NULL;
    }
    *kind = found->kind;
    return found->object;
}

bool rpc_handle_close(struct rpc_association *association, const uint8_t handle[CMRP_HANDLE_SIZE]) {
    struct handle *found = find(association, handle);
    if (found == NULL) {
        return false;
    }
    HASH_DEL(association->handles, found);
    free(found);
    association->group->handles--;
    association->group->server->handle_count--;
    return true;
}

size_t rpc_handles_open(const struct rpc_server *server, const struct rpc_handle_kind *kind) {
    size_t count = 0;
    for (const struct group *g = server->groups; g != NULL; g = g->hh.next) {
        for (size_t i = 0; i < server->interface_count; i++) {
            for (const struct handle *h = g->parts[i].handles; h != NULL; h = h->hh.next) {
                count += kind == NULL || h->kind == kind;
            }
        }
    }
    return count;
}
