// SPDX-License-Identifier: Apache-2.0
// What clients do, and what the server answers: keys, values, batches, batch ports.
#include <stdio.h>
#include <string.h>

#include "traffic/actions.h"

bool answer_status(struct call *c, uint32_t status) {
    c->response = json_pack("{sisI}", "rpc_status", 0, "return", (json_int_t)status);
    return true;
}

// ---- keys ---------------------------------------------------------------------------------------

static const char *draw_path(struct play *p) {
    static const char *const paths[] = {"Groups", "Nodes", "Sub1", "Sub2", "Sub1\\Deep", "Missing"};
    return paths[draw(&p->world.lot, 6)];
}

static bool pick_key(struct play *p, struct call *c) {
    c->handle = handle_pick(p, c->client, CMRP_MEANS_HKEY);
    c->request = c->handle != NULL ? json_pack("{ss}", "hKey", c->handle->hex) : NULL;
    return c->handle != NULL;
}

static void set(struct call *c, const char *name, json_t *value) {
    json_object_set_new(c->request, name, value);
}

bool ask_root_key(struct play *p, struct call *c) {
    (void)p;
    c->request = json_pack("{si}", "samDesired", 0x2001f);
    return true;
}

static bool answer_key(struct play *p, struct call *c, int key, uint32_t status) {
    struct handle *h = status == 0 ? handle_make(p, c, CMRP_MEANS_HKEY) : NULL;
    if (h != NULL) {
        h->index = key;
        h->life = p->world.registry.keys[key].life;
    } else if (status == 0) {
        status = NO_MEMORY;
    }
    c->response = json_pack("{sIsiss}", "Status", (json_int_t)status, "rpc_status", 0, "return",
                            h != NULL ? h->hex : null_handle);
    return true;
}

bool root_key(struct play *p, struct call *c) {
    return answer_key(p, c, 0, 0);
}

bool ask_open_key(struct play *p, struct call *c) {
    if (!pick_key(p, c)) {
        return false;
    }
    set(c, "lpSubKey", json_string(chance(&p->world.lot, 5) ? "" : draw_path(p)));
    set(c, "samDesired", json_integer(0x20019));
    return true;
}

bool open_key(struct play *p, struct call *c) {
    if (handle_key(p, c->handle) == NULL) {
        return answer_key(p, c, 0, KEY_DELETED);
    }
    const int key = key_find(&p->world.registry, c->handle->index, text_of(c->request, "lpSubKey"));
    return answer_key(p, c, key, key < 0 ? FILE_NOT_FOUND : 0);
}

bool ask_create_key(struct play *p, struct call *c) {
    if (!pick_key(p, c)) {
        return false;
    }
    set(c, "lpSubKey", json_string(draw_path(p)));
    set(c, "dwOptions", json_integer(0));
    set(c, "samDesired", json_integer(0x2001f));
    set(c, "lpSecurityAttributes",
        chance(&p->world.lot, 70)
            ? json_null()
            : json_pack("{sis{sssisi}si}", "nLength", 12, "RpcSecurityDescriptor",
                        "lpSecurityDescriptor", "0100048000000000000000000000000000000000",
                        "cbInSecurityDescriptor", 20, "cbOutSecurityDescriptor", 20,
                        "bInheritHandle", 0));
    return true;
}

bool create_key(struct play *p, struct call *c) {
    struct registry *r = &p->world.registry;
    bool made = false;
    int key = -1;
    uint32_t status = KEY_DELETED;
    if (handle_key(p, c->handle) != NULL) {
        key = key_make(r, c->handle->index, text_of(c->request, "lpSubKey"), &made);
        status = key < 0 ? NO_MEMORY : 0;
    }
    if (made && key >= 0) {
        world_tell_registry(&p->world, CHANGED_KEY, key, 0);
    }
    answer_key(p, c, key, status);
    json_object_set_new(c->response, "lpdwDisposition", json_integer(made ? 1 : 2));
    return true;
}

bool ask_close_key(struct play *p, struct call *c) {
    return ask_close(p, c, 37, CMRP_MEANS_HKEY);
}

bool ask_delete_key(struct play *p, struct call *c) {
    if (!pick_key(p, c)) {
        return false;
    }
    set(c, "lpSubKey", json_string(chance(&p->world.lot, 50) ? "Sub2" : "Sub1"));
    return true;
}

bool delete_key(struct play *p, struct call *c) {
    struct registry *r = &p->world.registry;
    if (handle_key(p, c->handle) == NULL) {
        return answer_status(c, KEY_DELETED);
    }
    const int key = key_find(r, c->handle->index, text_of(c->request, "lpSubKey"));
    if (key < 0 || key_has_children(r, key)) {
        return answer_status(c, key < 0 ? FILE_NOT_FOUND : 5);
    }
    world_tell_registry(&p->world, CHANGED_KEY, key, 0);
    key_delete(r, key);
    return answer_status(c, 0);
}

bool ask_enum(struct play *p, struct call *c) {
    if (!pick_key(p, c)) {
        return false;
    }
    set(c, "dwIndex", json_integer(draw(&p->world.lot, 4)));
    return true;
}

bool enum_key(struct play *p, struct call *c) {
    const struct registry *r = &p->world.registry;
    json_int_t index = json_integer_value(json_object_get(c->request, "dwIndex"));
    const bool there = handle_key(p, c->handle) != NULL;
    const char *name = NULL;
    for (int i = 1; i < KEYS && there && name == NULL; i++) {
        if (r->keys[i].alive && r->keys[i].parent == c->handle->index && index-- == 0) {
            name = key_relative(r, i, c->handle->index);
        }
    }
    c->response =
        json_pack("{sss{sisi}sisi}", "KeyName", name != NULL ? name : "", "lpftLastWriteTime",
                  "dwLowDateTime", 0, "dwHighDateTime", 0, "rpc_status", 0, "return",
                  name != NULL ? 0
                  : there      ? NO_MORE_ITEMS
                               : KEY_DELETED);
    if (name == NULL) {
        json_object_set_new(c->response, "KeyName", json_null());
    }
    return true;
}

// ---- values -------------------------------------------------------------------------------------

static json_t *hex_of(const uint8_t *octets, uint32_t size, uint32_t room) {
    char text[2 * 256 + 1] = "";
    for (uint32_t i = 0; i < room; i++) {
        snprintf(text + 2 * (size_t)i, 3, "%02x", i < size ? octets[i] : 0);
    }
    return json_string(text);
}

static void set_name(struct play *p, struct call *c) {
    char name[16];
    value_name((int)draw(&p->world.lot, VALUES), name);
    set(c, "lpValueName", json_string(name));
}

static struct value *named_value(struct play *p, struct call *c, int *index) {
    const char *name = text_of(c->request, "lpValueName");
    struct key *k = handle_key(p, c->handle);
    char known[16];
    for (*index = 0; *index < VALUES; ++*index) {
        value_name(*index, known);
        if (strcmp(known, name) == 0) {
            break;
        }
    }
    return k != NULL ? &k->values[*index] : NULL;
}

bool ask_set_value(struct play *p, struct call *c) {
    struct value value;
    if (!pick_key(p, c)) {
        return false;
    }
    value_draw(&p->world.lot, &value);
    set_name(p, c);
    set(c, "dwType", json_integer(value.type));
    set(c, "lpData", hex_of(value.data, value.size, value.size));
    return true;
}

bool set_value(struct play *p, struct call *c) {
    int index;
    struct value *value = named_value(p, c, &index);
    const char *data = text_of(c->request, "lpData");
    if (value == NULL) {
        return answer_status(c, KEY_DELETED);
    }
    value->there = true;
    value->type = (uint32_t)json_integer_value(json_object_get(c->request, "dwType"));
    value->size = (uint32_t)strlen(data) / 2;
    for (uint32_t i = 0; i < value->size; i++) {
        unsigned octet = 0;
        sscanf(data + 2 * (size_t)i, "%2x", &octet);
        value->data[i] = (uint8_t)octet;
    }
    world_tell_registry(&p->world, CHANGED_VALUE, c->handle->index, index);
    return answer_status(c, 0);
}

bool ask_delete_value(struct play *p, struct call *c) {
    if (!pick_key(p, c)) {
        return false;
    }
    set_name(p, c);
    return true;
}

bool delete_value(struct play *p, struct call *c) {
    int index;
    struct value *value = named_value(p, c, &index);
    if (value == NULL || !value->there) {
        return answer_status(c, value == NULL ? KEY_DELETED : FILE_NOT_FOUND);
    }
    value->there = false;
    world_tell_registry(&p->world, CHANGED_VALUE, c->handle->index, index);
    return answer_status(c, 0);
}

bool ask_query_value(struct play *p, struct call *c) {
    if (!pick_key(p, c)) {
        return false;
    }
    set_name(p, c);
    set(c, "cbData", json_integer(chance(&p->world.lot, 70) ? 128 : 2));
    return true;
}

bool query_value(struct play *p, struct call *c) {
    const uint32_t room = (uint32_t)json_integer_value(json_object_get(c->request, "cbData"));
    int index;
    const struct value *value = named_value(p, c, &index);
    const uint32_t status = value == NULL        ? KEY_DELETED
                            : !value->there      ? FILE_NOT_FOUND
                            : value->size > room ? MORE_DATA
                                                 : 0;
    const bool known = status == 0 || status == MORE_DATA;
    c->response = json_pack(
        "{sIsosIsisI}", "lpValueType", (json_int_t)(known ? value->type : 0), "lpData",
        hex_of(known ? value->data : NULL, status == 0 ? value->size : 0, room), "lpcbRequired",
        (json_int_t)(known ? value->size : 0), "rpc_status", 0, "return", (json_int_t)status);
    return true;
}

bool ask_enum_value(struct play *p, struct call *c) {
    if (!ask_enum(p, c)) {
        return false;
    }
    set(c, "lpcbData", json_integer(chance(&p->world.lot, 70) ? 128 : 2));
    return true;
}

bool enum_value(struct play *p, struct call *c) {
    const uint32_t room = (uint32_t)json_integer_value(json_object_get(c->request, "lpcbData"));
    json_int_t index = json_integer_value(json_object_get(c->request, "dwIndex"));
    const struct key *k = handle_key(p, c->handle);
    const struct value *value = NULL;
    char name[16] = "";
    for (int i = 0; i < VALUES && k != NULL && value == NULL; i++) {
        if (k->values[i].there && index-- == 0) {
            value = &k->values[i];
            value_name(i, name);
        }
    }
    const bool fits = value != NULL && value->size <= room;
    const uint32_t status = k == NULL       ? KEY_DELETED
                            : value == NULL ? NO_MORE_ITEMS
                            : fits          ? 0
                                            : MORE_DATA;
    c->response =
        json_pack("{sssIsosIsIsisI}", "lpValueName", name, "lpType",
                  (json_int_t)(value != NULL ? value->type : 0), "lpData",
                  hex_of(fits ? value->data : NULL, fits ? value->size : 0, fits ? value->size : 0),
                  "lpcbData", (json_int_t)(fits ? value->size : 0), "TotalSize",
                  (json_int_t)(value != NULL ? value->size : 0), "rpc_status", 0, "return",
                  (json_int_t)status);
    return true;
}

// ---- batches ------------------------------------------------------------------------------------

bool ask_batch(struct play *p, struct call *c) {
    if (!pick_key(p, c)) {
        return false;
    }
    set(c, "lpData",
        json_pack("{siso}", "version", 1, "commands", batch_draw(&p->world, c->handle->index)));
    return true;
}

bool execute_batch(struct play *p, struct call *c) {
    const json_t *commands = json_object_get(json_object_get(c->request, "lpData"), "commands");
    int failed = 0;
    const uint32_t status = handle_key(p, c->handle) != NULL
                                ? batch_execute(&p->world, c->handle->index, commands, &failed)
                                : KEY_DELETED;
    c->response = json_pack("{sisisI}", "pdwFailedCommand", failed, "rpc_status", 0, "return",
                            (json_int_t)status);
    return true;
}

static json_t *read_command(uint32_t type, uint32_t value_type, const char *name, json_t *data) {
    return json_pack("{sIsIssso}", "command", (json_int_t)type, "value_type",
                     (json_int_t)value_type, "name", name, "data", data);
}

bool ask_read_batch(struct play *p, struct call *c) {
    json_t *commands = json_array();
    const uint32_t count = 1 + draw(&p->world.lot, 5);
    for (uint32_t i = 0; i < count; i++) {
        char name[16];
        value_name((int)draw(&p->world.lot, VALUES), name);
        const bool key = chance(&p->world.lot, 25);
        json_array_append_new(commands,
                              read_command(key ? CMRP_CLUSREG_READ_KEY : CMRP_CLUSREG_READ_VALUE, 0,
                                           key ? draw_path(p) : name, json_string("")));
    }
    if (!pick_key(p, c)) {
        json_decref(commands);
        return false;
    }
    set(c, "lpInData", json_pack("{siso}", "version", 1, "commands", commands));
    return true;
}

// What one command of a read batch gives; *key is the current key, -1 where there is none.
static json_t *read_one(struct play *p, const struct call *c, const json_t *command, int *key) {
    const struct registry *r = &p->world.registry;
    const char *name = text_of(command, "name");
    char known[16];
    if (json_integer_value(json_object_get(command, "command")) == CMRP_CLUSREG_READ_KEY) {
        *key = key_find(r, c->handle->index, name);
        return *key >= 0
                   ? read_command(CMRP_CLUSREG_READ_KEY, 0, name, json_string(""))
                   : read_command(CMRP_CLUSREG_READ_ERROR, FILE_NOT_FOUND, name, json_string(""));
    }
    for (int i = 0; i < VALUES && *key >= 0; i++) {
        const struct value *value = &r->keys[*key].values[i];
        value_name(i, known);
        if (value->there && strcmp(known, name) == 0) {
            return read_command(CMRP_CLUSREG_READ_VALUE, value->type, name,
                                hex_of(value->data, value->size, value->size));
        }
    }
    return read_command(CMRP_CLUSREG_READ_ERROR, FILE_NOT_FOUND, name, json_string(""));
}

bool read_batch(struct play *p, struct call *c) {
    const json_t *commands = json_object_get(json_object_get(c->request, "lpInData"), "commands");
    json_t *answers = json_array();
    int key = c->handle->index;
    if (handle_key(p, c->handle) == NULL) {
        json_decref(answers);
        c->response = json_pack("{snsisi}", "lpOutData", "rpc_status", 0, "return", KEY_DELETED);
        return true;
    }
    for (size_t i = 0; i < json_array_size(commands); i++) {
        json_array_append_new(answers, read_one(p, c, json_array_get(commands, i), &key));
    }
    c->response = json_pack("{s{siso}sisi}", "lpOutData", "version", 1, "commands", answers,
                            "rpc_status", 0, "return", 0);
    return true;
}

bool ask_read_batch_ex(struct play *p, struct call *c) {
    enum { ISOLATE_READ = 2 };
    if (!ask_read_batch(p, c)) {
        return false;
    }
    set(c, "flags", json_integer(chance(&p->world.lot, 50) ? ISOLATE_READ : 0));
    return true;
}

bool read_batch_ex(struct play *p, struct call *c) {
    enum { NCA_OP_RNG_ERROR = 0x1c010002 };
    if (p->old) {
        c->fault = NCA_OP_RNG_ERROR;
        c->response = json_object();
        return true;
    }
    return read_batch(p, c);
}

// ---- batch ports --------------------------------------------------------------------------------

bool ask_batch_port(struct play *p, struct call *c) {
    return pick_key(p, c);
}

bool create_batch_port(struct play *p, struct call *c) {
    struct handle *h = NULL;
    for (int i = 0; i < PORTS && h == NULL && handle_key(p, c->handle) != NULL; i++) {
        struct batch_port *port = &p->world.batch_ports[i];
        if (!port->used && (h = handle_make(p, c, CMRP_MEANS_HBATCH_PORT)) != NULL) {
            h->index = i;
            *port = (struct batch_port){.used = true,
                                        .key = c->handle->index,
                                        .life = c->handle->life,
                                        .queue = json_array()};
        }
    }
    c->response = json_pack("{sssisi}", "phBatchPort", h != NULL ? h->hex : null_handle,
                            "rpc_status", 0, "return", h != NULL ? 0 : NO_MEMORY);
    return true;
}

bool ask_batch_get(struct play *p, struct call *c) {
    c->handle = handle_pick(p, c->client, CMRP_MEANS_HBATCH_PORT);
    if (c->handle == NULL || handle_uses(p, c->handle) > 1) {
        return false;
    }
    c->request = json_pack("{ss}", "hBatchNotify", c->handle->hex);
    return true;
}

bool get_batch(struct play *p, struct call *c) {
    json_t *queue = p->world.batch_ports[c->handle->index].queue;
    if (json_array_size(queue) == 0) {
        return false;
    }
    c->response = json_pack("{sOsi}", "lpData", json_array_get(queue, 0), "return", 0);
    json_array_remove(queue, 0);
    return true;
}

bool ask_close_batch_port(struct play *p, struct call *c) {
    c->handle = handle_pick(p, c->client, CMRP_MEANS_HBATCH_PORT);
    if (c->handle == NULL) {
        return false;
    }
    c->handle->closing = true;
    c->request = json_pack("{ss}", "phBatchPort", c->handle->hex);
    return true;
}

bool close_batch_port(struct play *p, struct call *c) {
    for (int i = 0; i < CALLS; i++) {
        struct call *other = &p->calls[i];
        if (other->action != NULL && other->handle == c->handle && other->response == NULL &&
            other->action->opnum == 115) {
            other->response = json_pack("{snsi}", "lpData", "return", NO_MORE_ITEMS);
        }
    }
    return close_handle(p, c);
}
