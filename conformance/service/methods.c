// SPDX-License-Identifier: Apache-2.0
// The methods that are served, and the parameters of each looked up once.
#include <stdlib.h>

#include "service/state.h"

static const struct service_method *const tables[] = {
    service_object_methods,    service_cluster_methods,  service_group_methods,
    service_resource_methods,  service_enum_methods,     service_control_methods,
    service_registry_methods,  service_batch_methods,    service_notify_methods,
    service_notify_v2_methods, service_groupset_methods,
};
enum { TABLES = sizeof tables / sizeof tables[0] };

static bool is_out(const cmrp_param *p) {
    return (p->directions & CMRP_OUT) != 0 && (p->protocols & CMRP_PROTOCOL_3) != 0;
}

static bool is_in(const cmrp_param *p) {
    return (p->directions & CMRP_IN) != 0 && (p->protocols & CMRP_PROTOCOL_3) != 0;
}

// The parameter of this name, or NO_PARAM.
static uint8_t find(const cmrp_method *description, const char *name) {
    static const char out[] = "out:";
    const bool of_response = strncmp(name, out, sizeof out - 1) == 0;
    name += of_response ? sizeof out - 1 : 0;
    for (uint8_t i = 0; i < description->count; i++) {
        const cmrp_param *p = &description->params[i];
        if (strcmp(p->name, name) == 0 && (is_out(p) || (!of_response && is_in(p)))) {
            return i;
        }
    }
    return NO_PARAM;
}

// What says whether the method succeeded: its return value or, beside a returned handle, a status.
static uint8_t find_status(const cmrp_method *description) {
    const uint8_t last = (uint8_t)(description->count - 1);
    if (description->params[last].kind != CMRP_KIND_HANDLE) {
        return last;
    }
    const uint8_t status = find(description, "Status");
    return status != NO_PARAM ? status : find(description, "rpc_error");
}

void service_blank(cmrp_slot *slot, const cmrp_param *params, size_t count, size_t index) {
    memset(slot, 0, sizeof *slot);
    slot->present = cmrp_param_sized_by(params, count, index) == NULL;
    slot->null = params[index].unique != 0;
    slot->rows.type = cmrp_param_struct(&params[index]);
}

// The same with the members of structures that are no pointers.
static void make_blank(cmrp_slot *slot, const cmrp_param *params, size_t count, size_t index) {
    const cmrp_param *p = &params[index];
    service_blank(slot, params, count, index);
    if (p->kind == CMRP_KIND_RECORD && !p->unique) {
        const cmrp_struct *type = slot->rows.type;
        cmrp_slot *members = util_alloc(CMRP_MAX_PARAMS * sizeof *members);
        for (size_t i = 0; i < type->count; i++) {
            make_blank(&members[i], type->members, type->count, i);
        }
        slot->rows.count = 1;
        slot->rows.members = members;
    }
}

// The parameter of the request that says how much room there is.
static uint8_t find_room(const cmrp_method *description, const char *name) {
    uint8_t i = 0;
    while (!is_in(&description->params[i]) || strcmp(description->params[i].name, name) != 0) {
        i++;
    }
    return i;
}

static void prepare(struct service_row *row, const cmrp_method *description) {
    row->description = description;
    row->blank = util_alloc(description->count * sizeof *row->blank);
    row->status = find_status(description);
    for (uint8_t i = 0; i < description->count; i++) {
        const cmrp_param *p = &description->params[i];
        if (is_in(p) && p->kind == CMRP_KIND_HANDLE) {
            row->handles[row->handle_count++] = i;
        }
        if (is_out(p)) {
            row->results[row->result_count++] = i;
        }
        if (p->kind == CMRP_KIND_ROOM) {
            row->room = find_room(description, p->name);
        }
        make_blank(&row->blank[i], description->params, description->count, i);
    }
}

static char *add(struct service *service, const struct service_method *method) {
    const cmrp_method *description = cmrp_method_numbered(CMRP_INTERFACE_3, method->opnum);
    if (description == NULL || method->opnum >= SERVICE_OPNUMS) {
        return NULL;
    }
    struct service_row *row = &service->rows[method->opnum];
    if (row->method != NULL) {
        return util_format("%s has two handlers", description->name);
    }
    row->method = method;
    prepare(row, description);
    service->method_count++;
    for (size_t i = 0; i < SERVICE_PARAMS && method->params[i] != NULL; i++) {
        row->index[i] = find(description, method->params[i]);
        if (row->index[i] == NO_PARAM) {
            return util_format("%s has no parameter %s", description->name, method->params[i]);
        }
    }
    return row->status == NO_PARAM ? util_format("%s has no status", description->name) : NULL;
}

char *service_rows_prepare(struct service *service) {
    for (size_t i = 0; i < TABLES; i++) {
        for (const struct service_method *m = tables[i]; m->run != NULL; m++) {
            char *error = add(service, m);
            if (error != NULL) {
                return error;
            }
        }
    }
    return NULL;
}

static void free_blank(const cmrp_slot *slot, const cmrp_param *param) {
    const cmrp_struct *type = cmrp_param_struct(param);
    if (slot->rows.members != NULL) {
        for (size_t i = 0; i < type->count; i++) {
            free_blank(&slot->rows.members[i], &type->members[i]);
        }
        free((void *)slot->rows.members);
    }
}

void service_rows_free(struct service *service) {
    for (size_t i = 0; i < SERVICE_OPNUMS; i++) {
        struct service_row *row = &service->rows[i];
        for (size_t p = 0; row->blank != NULL && p < row->description->count; p++) {
            free_blank(&row->blank[p], &row->description->params[p]);
        }
        free(row->blank);
    }
}
