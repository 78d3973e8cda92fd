// SPDX-License-Identifier: Apache-2.0
// Notification ports of version 2: opnums 137 to 139, 155.
// [MS-CMRP 3.1.4.2.136 to 3.1.4.2.138, 3.1.4.2.144]
#include "cmrp/payload.h"
#include "service/notify.h"
#include "service/property.h"

enum {
    VERSION = 2,
    TYPE_CLUSTER = 1,
    TYPE_RESOURCE_TYPE = 4,
    TYPE_REGISTRY = 8,
    TYPE_QUORUM = 9,
    TYPE_SHARED_VOLUME = 10,
    TYPE_GROUPSET = 13,
};

// ---- filters ------------------------------------------------------------------------------------

static void create_notify(struct service_call *call) {
    notify_create(call, VERSION);
}

// What the handle of a filter designates. Some types have no handle but the cluster's.
static uint32_t target_of(const struct service_handle *handle, uint32_t type, bool targeted,
                          struct port_target *target) {
    *target = (struct port_target){0};
    if (handle->kind == SERVICE_HCLUSTER) {
        const bool of_cluster = type == TYPE_CLUSTER || type == TYPE_RESOURCE_TYPE ||
                                (type > TYPE_REGISTRY && type != TYPE_GROUPSET);
        return !targeted || of_cluster ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
    }
    if (handle->kind == SERVICE_HKEY) {
        target->hkey = targeted ? handle->object : NULL;
        return type == TYPE_REGISTRY ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
    }
    if (!targeted || handle->kind == SERVICE_HNOTIFY || handle->kind == SERVICE_HBATCH_PORT) {
        return STATUS_INVALID_HANDLE;
    }
    if (handle->kind == SERVICE_HGROUPSET) { // a registry key; there are no events of group sets
        return type == TYPE_GROUPSET ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
    }
    target->object = handle->object;
    return STATUS_SUCCESS;
}

// Parameters: the port, hObject, filter, dwNotifyKey, dwVersion, isTargetedAtObject. A filter that
// is not good is that with any handle, so that it is refused first.
static void add_notify(struct service_call *call) {
    struct port *port = service_object(call, 0);
    cmrp_slot filter[CMRP_MAX_PARAMS];
    struct port_target target;
    service_record(call, 2, filter);
    const uint32_t type = (uint32_t)filter[0].value;
    uint32_t status = service_number(call, 4) == VERSION
                          ? port_check_v2(port, type, filter[1].value)
                          : (uint32_t)STATUS_INVALID_PARAMETER;
    if (status == 0) {
        status = target_of(service_handle(call, 1), type, service_number(call, 5) != 0, &target);
    }
    if (status == 0) {
        status =
            port_add_v2(port, type, filter[1].value, (uint32_t)service_number(call, 3), &target);
    }
    service_done(call, status);
}

// Parameters: the port, filter, dwNotifyKey, resTypeName, dwVersion.
static void add_notify_type(struct service_call *call) {
    const struct port_target target = {.resource_type = service_text(call, 3)};
    uint32_t status = STATUS_INVALID_PARAMETER;
    if (service_number(call, 4) == VERSION) {
        status = port_add_v2(service_object(call, 0), TYPE_RESOURCE_TYPE, service_number(call, 1),
                             (uint32_t)service_number(call, 2), &target);
    }
    service_done(call, status);
}

// ---- payloads -----------------------------------------------------------------------------------

static cmrp_view multi_sz(struct service_call *call, const struct port_payload *p) {
    struct buffer units = {0};
    for (size_t i = 0; i < p->text_count; i++) {
        const cmrp_view text = property_text(call, p->texts[i]);
        buffer_append(&units, text.data, text.size);
    }
    buffer_append(&units, "\0", 2);
    const cmrp_view view = {service_copy(call, units.data, units.size), units.size};
    buffer_free(&units);
    return view;
}

static cmrp_view property_list(struct service_call *call, const struct port_payload *p) {
    struct property_list list = {.count = p->property_count};
    list.at = service_alloc(call, (p->property_count + 1) * sizeof *list.at);
    for (size_t i = 0; i < p->property_count; i++) {
        const struct port_property *from = &p->properties[i];
        list.at[i] = (struct cluster_property){from->name, from->is_number, from->number,
                                               from->text != NULL ? from->text : ""};
    }
    return property_encode(call, &list);
}

// What the codec writes: the kind is that which the specification has for the event.
static cmrp_payload payload_of(struct service_call *call, const struct port_event *event) {
    const struct port_payload *p = &event->payload;
    cmrp_payload out = {.row = cmrp_payload_row_of(event->object_type, event->flag)};
    out.kind = out.row != NULL ? out.row->kind : CMRP_PAYLOAD_OPAQUE;
    switch (p->kind) {
    case PORT_PAYLOAD_NONE:
        out.kind = out.row != NULL ? CMRP_PAYLOAD_EMPTY : CMRP_PAYLOAD_OPAQUE;
        break;
    case PORT_PAYLOAD_NUMBER: out.value = p->number; break;
    case PORT_PAYLOAD_TEXT:
        out.text = property_text(call, p->texts[0]);
        out.text.size -= 2;
        out.nuls = 1;
        break;
    case PORT_PAYLOAD_TEXTS: out.octets = multi_sz(call, p); break;
    case PORT_PAYLOAD_PROPERTIES: out.octets = property_list(call, p); break;
    default:
        out.has_quorum = p->has_quorum;
        out.up_nodes = (cmrp_view){p->up_nodes, p->up_node_count};
    }
    return out;
}

static cmrp_view encode(struct service_call *call, const struct port_event *event) {
    const cmrp_payload payload = payload_of(call, event);
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_sizer_init(&writer, &error, NULL);
    if (!cmrp_payload_encode(&payload, &writer) || writer.size == 0) {
        return (cmrp_view){0};
    }
    uint8_t *octets = service_alloc(call, writer.size);
    cmrp_writer_init(&writer, octets, writer.size, &error, NULL);
    cmrp_payload_encode(&payload, &writer);
    return (cmrp_view){octets, writer.size};
}

// ---- retrieval ----------------------------------------------------------------------------------

// Parameters: the handle, Notifications.
static void fill(struct service_call *call, const struct port_indication *indications,
                 size_t count) {
    enum { KEY, TYPE, FLAGS, BUFFER, SIZE, ID, PARENT, NAME, KIND, MEMBERS };
    cmrp_slot *row = service_set_rows(call, 1, count);
    for (size_t i = 0; i < count; i++, row += MEMBERS) {
        const struct port_event *e = indications[i].event;
        const bool null = e->object_type == TYPE_QUORUM || e->object_type == TYPE_SHARED_VOLUME;
        const cmrp_view buffer = encode(call, e);
        service_slot_number(&row[KEY], indications[i].key);
        service_slot_number(&row[TYPE], e->object_type);
        service_slot_number(&row[FLAGS], e->flag);
        if (buffer.size > 0) {
            service_slot_set_octets(&row[BUFFER], buffer);
        }
        service_slot_set_text(call, &row[ID], e->id);
        service_slot_set_text(call, &row[PARENT], null ? NULL : e->parent_id);
        service_slot_set_text(call, &row[NAME], indications[i].name);
        service_slot_set_text(call, &row[KIND], null ? NULL : e->type);
    }
}

static void get_notify(struct service_call *call) {
    notify_wait(call, VERSION, false, fill);
}

enum { RO = SERVICE_STATE_READ_ONLY, READ = SERVICE_READ };

// clang-format off
const struct service_method service_notify_v2_methods[] = {
    {137, create_notify,   READ, RO, 0, 0, {"return"}, NULL},
    {138, add_notify,      READ, RO, 0, 0, {"hNotify", "hObject", "filter", "dwNotifyKey", "dwVersion", "isTargetedAtObject"}, NULL},
    {139, get_notify,      READ, RO, 0, 0, {"hNotify", "Notifications"}, NULL},
    {155, add_notify_type, READ, RO, 0, 0, {"hNotify", "filter", "dwNotifyKey", "resTypeName", "dwVersion"}, NULL},
    {0},
};
