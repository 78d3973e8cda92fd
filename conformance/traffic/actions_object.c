// SPDX-License-Identifier: Apache-2.0
// What clients do, and what the server answers: objects.
#include "traffic/actions.h"

#include <stdio.h>
#include <string.h>

// ---- opening and closing ------------------------------------------------------------------------

const unsigned kind_means[OBJECT_KINDS] = {
    [NODE] = CMRP_MEANS_HNODE,       [GROUP] = CMRP_MEANS_HGROUP,
    [NETWORK] = CMRP_MEANS_HNETWORK, [NETINTERFACE] = CMRP_MEANS_HNETINTERFACE,
    [RESOURCE] = CMRP_MEANS_HRES,
};

bool ask_nothing(struct play *p, struct call *c) {
    (void)p;
    c->request = json_object();
    return true;
}

bool ask_access(struct play *p, struct call *c) {
    static const json_int_t levels[] = {0x1, 0x3, 0x80000000, 0x10000000, 0x02000000};
    c->request = json_pack("{sI}", "dwDesiredAccess", levels[draw(&p->world.lot, 5)]);
    return true;
}

bool open_cluster(struct play *p, struct call *c) {
    const bool ex = c->action->opnum == 117;
    const struct handle *h = handle_make(p, c, CMRP_MEANS_HCLUSTER);
    c->response = ex ? json_object() : json_object();
    if (ex) {
        json_object_set_new(c->response, "lpdwGrantedAccess", json_integer(0x10000000));
    }
    json_object_set_new(c->response, "Status", json_integer(h != NULL ? 0 : NO_MEMORY));
    json_object_set_new(c->response, "return", json_string(h != NULL ? h->hex : null_handle));
    return true;
}

bool answer_handle(struct call *c, const struct handle *h, uint32_t status) {
    c->response = json_pack("{sIsiss}", "Status", (json_int_t)status, "rpc_status", 0, "return",
                            h != NULL ? h->hex : null_handle);
    return true;
}

static const char *name_param(uint32_t opnum) {
    switch (opnum) {
    case 66:
    case 118: return "lpszNodeName";
    case 81:
    case 121: return "lpszNetworkName";
    case 92:
    case 122: return "lpszNetInterfaceName";
    case 8:
    case 120: return "lpszResourceName";
    default: return "lpszGroupName";
    }
}

static enum kind kind_opened(uint32_t opnum) {
    switch (opnum) {
    case 66:
    case 118: return NODE;
    case 81:
    case 121: return NETWORK;
    case 92:
    case 122: return NETINTERFACE;
    case 8:
    case 120: return RESOURCE;
    default: return GROUP;
    }
}

static bool ask_open(struct play *p, struct call *c, uint32_t opnum) {
    struct lot *lot = &p->world.lot;
    const struct object *o = &p->world.objects[kind_opened(opnum)][draw(lot, OBJECTS)];
    const char *name = o->life > 0 && !chance(lot, 10) ? o->name : "Nobody";
    c->request = json_pack("{ss}", name_param(opnum), name);
    if (opnum >= 118) {
        json_object_set_new(c->request, "dwDesiredAccess", json_integer(3));
    }
    return true;
}

#define ASK_OPEN(opnum)                                                                            \
    bool ask_open_##opnum(struct play *p, struct call *c) {                                        \
        return ask_open(p, c, opnum);                                                              \
    }
ASK_OPEN(66)
ASK_OPEN(81)
ASK_OPEN(92)
ASK_OPEN(41)
ASK_OPEN(118)
ASK_OPEN(119)
ASK_OPEN(8)
ASK_OPEN(120)
ASK_OPEN(121)
ASK_OPEN(122)

static const uint32_t missing[OBJECT_KINDS] = {
    [NODE] = 5042, [GROUP] = 5013, [NETWORK] = 5045, [NETINTERFACE] = 5047, [RESOURCE] = 5007};

bool open_object(struct play *p, struct call *c) {
    const enum kind kind = kind_opened(c->action->opnum);
    const char *name = text_of(c->request, name_param(c->action->opnum));
    struct handle *h = NULL;
    uint32_t status = missing[kind]; // there is none of this name
    for (int i = 0; i < OBJECTS; i++) {
        const struct object *o = &p->world.objects[kind][i];
        if (o->alive && strcmp(o->name, name) == 0) {
            h = handle_make(p, c, kind_means[kind]);
            status = h != NULL ? 0 : NO_MEMORY;
            if (h != NULL) {
                h->kind = kind;
                h->index = i;
                h->life = o->life;
            }
        }
    }
    answer_handle(c, h, status);
    if (c->action->opnum >= 118) {
        json_object_set_new(c->response, "lpdwGrantedAccess", json_integer(0x10000000));
    }
    return true;
}

bool ask_create_group(struct play *p, struct call *c) {
    char name[32];
    snprintf(name, sizeof name, "Group%u", p->world.next_id + 1);
    c->request = json_pack("{ss}", "lpszGroupName", name);
    return chance(&p->world.lot, 10);
}

bool create_group(struct play *p, struct call *c) {
    const char *name = text_of(c->request, "lpszGroupName");
    struct handle *h = NULL;
    for (int i = 0; i < OBJECTS && h == NULL; i++) {
        struct object *o = &p->world.objects[GROUP][i];
        char made[32];
        snprintf(made, sizeof made, "Group%u", p->world.next_id + 1);
        if (!o->alive && strcmp(made, name) == 0) { // the name is still free
            h = handle_make(p, c, CMRP_MEANS_HGROUP);
            if (h != NULL) {
                world_add_object(&p->world, GROUP, i);
                h->kind = GROUP;
                h->index = i;
                h->life = o->life;
            }
        }
    }
    return answer_handle(c, h, h != NULL ? 0 : NO_MEMORY);
}

bool ask_delete_group(struct play *p, struct call *c) {
    c->handle = handle_pick(p, c->client, CMRP_MEANS_HGROUP);
    if (c->handle == NULL || c->handle->index < 2) {
        return false;
    }
    c->request = json_pack("{sssi}", "Group", c->handle->hex, "force", 0);
    return true;
}

bool delete_group(struct play *p, struct call *c) {
    const bool there = handle_object(p, c->handle) != NULL;
    if (there) {
        world_delete_object(&p->world, GROUP, c->handle->index);
    }
    return answer_status(c, there ? 0 : 5013);
}

bool ask_group_state(struct play *p, struct call *c) {
    c->handle = handle_pick(p, c->client, CMRP_MEANS_HGROUP);
    c->request = c->handle != NULL ? json_pack("{ss}", "hGroup", c->handle->hex) : NULL;
    return c->handle != NULL;
}

bool group_state(struct play *p, struct call *c) {
    const struct object *o = handle_object(p, c->handle);
    c->response = json_pack("{sIsssisI}", "State", (json_int_t)(o != NULL ? o->state : 0xffffffff),
                            "NodeName", p->world.objects[NODE][0].name, "rpc_status", 0, "return",
                            (json_int_t)(o != NULL ? 0 : 5013));
    if (o == NULL) {
        json_object_set_new(c->response, "NodeName", json_null());
    }
    return true;
}

bool ask_resource_state(struct play *p, struct call *c) {
    c->handle = handle_pick(p, c->client, CMRP_MEANS_HRES);
    c->request = c->handle != NULL ? json_pack("{ss}", "hResource", c->handle->hex) : NULL;
    return c->handle != NULL;
}

bool resource_state(struct play *p, struct call *c) {
    const struct object *o = handle_object(p, c->handle);
    c->response =
        json_pack("{sIsssssisI}", "State", (json_int_t)(o != NULL ? o->state : 0), "NodeName",
                  p->world.objects[NODE][0].name, "GroupName", p->world.objects[GROUP][0].name,
                  "rpc_status", 0, "return", (json_int_t)(o != NULL ? 0 : missing[RESOURCE]));
    if (o == NULL) {
        json_object_set_new(c->response, "NodeName", json_null());
        json_object_set_new(c->response, "GroupName", json_null());
    }
    return true;
}

static const char *closed_param(uint32_t opnum) {
    switch (opnum) {
    case 1: return "Cluster";
    case 11: return "Resource";
    case 37: return "pKey";
    case 44: return "Group";
    case 56: return "Notify";
    case 67: return "Node";
    case 82: return "Network";
    case 93: return "NetInterface";
    default: return "phBatchPort";
    }
}

bool ask_close(struct play *p, struct call *c, uint32_t opnum, unsigned meaning) {
    struct handle *h = handle_pick(p, c->client, meaning);
    if (h == NULL || handle_uses(p, h) > 0) {
        return false;
    }
    h->closing = true;
    c->handle = h;
    c->request = json_pack("{ss}", closed_param(opnum), h->hex);
    return true;
}

#define ASK_CLOSE(opnum, meaning)                                                                  \
    bool ask_close_##opnum(struct play *p, struct call *c) {                                       \
        return ask_close(p, c, opnum, meaning);                                                    \
    }
ASK_CLOSE(1, CMRP_MEANS_HCLUSTER)
ASK_CLOSE(11, CMRP_MEANS_HRES)
ASK_CLOSE(44, CMRP_MEANS_HGROUP)
ASK_CLOSE(67, CMRP_MEANS_HNODE)
ASK_CLOSE(82, CMRP_MEANS_HNETWORK)
ASK_CLOSE(93, CMRP_MEANS_HNETINTERFACE)

bool close_handle(struct play *p, struct call *c) {
    handle_close(p, c->handle);
    c->response = json_pack("{sssi}", closed_param(c->action->opnum), null_handle, "return", 0);
    return true;
}

void told_closed(struct play *p, struct call *c) {
    (void)p;
    c->handle->open = false;
}

bool get_cluster_name(struct play *p, struct call *c) {
    c->response = json_pack("{sssssi}", "ClusterName", "CLUSTER1", "NodeName",
                            p->world.objects[NODE][0].name, "return", 0);
    return true;
}
