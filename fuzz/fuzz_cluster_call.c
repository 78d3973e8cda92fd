// SPDX-License-Identifier: Apache-2.0
// Calls of honest clients: requests by the codec, and answers compared with what the model says.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_cluster.h"

enum { TEXTS = 1 << 10 };

#define KINDS SERVICE_KINDS
// clang-format off
static const struct form forms[] = {
    {0, NULL, KINDS, NULL, KINDS, NULL, NULL, NULL, {NULL}, {"return"}, false},
    {1, "Cluster", SERVICE_HCLUSTER, NULL, KINDS, NULL, NULL, NULL, {NULL}, {"Cluster"}, true},
    {8, NULL, KINDS, NULL, KINDS, "lpszResourceName", NULL, NULL, {NULL}, {"return"}, false},
    {9, "hGroup", SERVICE_HGROUP, NULL, KINDS, "lpszResourceName", "lpszResourceType", NULL, {NULL}, {"return"}, false},
    {10, "hResource", SERVICE_HRES, NULL, KINDS, NULL, NULL, NULL, {NULL}, {NULL}, false},
    {11, "Resource", SERVICE_HRES, NULL, KINDS, NULL, NULL, NULL, {NULL}, {"Resource"}, true},
    {12, "hResource", SERVICE_HRES, NULL, KINDS, NULL, NULL, NULL, {NULL}, {"State", "NodeName", "GroupName"}, false},
    {16, "hResource", SERVICE_HRES, NULL, KINDS, NULL, NULL, NULL, {NULL}, {NULL}, false},
    {17, "hResource", SERVICE_HRES, NULL, KINDS, NULL, NULL, NULL, {NULL}, {NULL}, false},
    {18, "hResource", SERVICE_HRES, NULL, KINDS, NULL, NULL, NULL, {NULL}, {NULL}, false},
    {28, NULL, KINDS, NULL, KINDS, NULL, NULL, NULL, {"samDesired"}, {"return"}, false},
    {29, "hKey", SERVICE_HKEY, NULL, KINDS, "lpSubKey", NULL, NULL, {"samDesired"}, {"lpdwDisposition", "return"}, false},
    {30, "hKey", SERVICE_HKEY, NULL, KINDS, "lpSubKey", NULL, NULL, {"samDesired"}, {"return"}, false},
    {32, "hKey", SERVICE_HKEY, NULL, KINDS, "lpValueName", NULL, "lpData", {"dwType"}, {NULL}, false},
    {33, "hKey", SERVICE_HKEY, NULL, KINDS, "lpValueName", NULL, NULL, {NULL}, {NULL}, false},
    {34, "hKey", SERVICE_HKEY, NULL, KINDS, "lpValueName", NULL, NULL, {"cbData"}, {"lpValueType", "lpData", "lpcbRequired"}, false},
    {35, "hKey", SERVICE_HKEY, NULL, KINDS, "lpSubKey", NULL, NULL, {NULL}, {NULL}, false},
    {37, "pKey", SERVICE_HKEY, NULL, KINDS, NULL, NULL, NULL, {NULL}, {"pKey"}, true},
    {41, NULL, KINDS, NULL, KINDS, "lpszGroupName", NULL, NULL, {NULL}, {"return"}, false},
    {42, NULL, KINDS, NULL, KINDS, "lpszGroupName", NULL, NULL, {NULL}, {"return"}, false},
    {43, "Group", SERVICE_HGROUP, NULL, KINDS, NULL, NULL, NULL, {"force"}, {NULL}, false},
    {44, "Group", SERVICE_HGROUP, NULL, KINDS, NULL, NULL, NULL, {NULL}, {"Group"}, true},
    {45, "hGroup", SERVICE_HGROUP, NULL, KINDS, NULL, NULL, NULL, {NULL}, {"State", "NodeName"}, false},
    {49, "hGroup", SERVICE_HGROUP, NULL, KINDS, NULL, NULL, NULL, {NULL}, {NULL}, false},
    {50, "hGroup", SERVICE_HGROUP, NULL, KINDS, NULL, NULL, NULL, {NULL}, {NULL}, false},
    {55, NULL, KINDS, NULL, KINDS, NULL, NULL, NULL, {NULL}, {"return"}, false},
    {56, "Notify", SERVICE_HNOTIFY, NULL, KINDS, NULL, NULL, NULL, {NULL}, {"Notify"}, true},
    {57, "hNotify", SERVICE_HNOTIFY, "hCluster", SERVICE_HCLUSTER, NULL, NULL, NULL, {"dwFilter", "dwNotifyKey"}, {NULL}, false},
    {59, "hNotify", SERVICE_HNOTIFY, "hGroup", SERVICE_HGROUP, NULL, NULL, NULL, {"dwFilter", "dwNotifyKey"}, {"dwStateSequence"}, false},
    {60, "hNotify", SERVICE_HNOTIFY, "hResource", SERVICE_HRES, NULL, NULL, NULL, {"dwFilter", "dwNotifyKey"}, {"dwStateSequence"}, false},
    {61, "hNotify", SERVICE_HNOTIFY, "hKey", SERVICE_HKEY, NULL, NULL, NULL, {"Filter", "dwNotifyKey", "WatchSubTree"}, {NULL}, false},
    {63, "hNotify", SERVICE_HNOTIFY, "hGroup", SERVICE_HGROUP, NULL, NULL, NULL, {"dwFilter", "dwNotifyKey", "StateSequence"}, {NULL}, false},
    {64, "hNotify", SERVICE_HNOTIFY, "hResource", SERVICE_HRES, NULL, NULL, NULL, {"dwFilter", "dwNotifyKey", "StateSequence"}, {NULL}, false},
    {65, "hNotify", SERVICE_HNOTIFY, NULL, KINDS, NULL, NULL, NULL, {NULL}, {"dwNotifyKey", "dwFilter", "dwStateSequence", "Name"}, false},
    {107, "hNotify", SERVICE_HNOTIFY, NULL, KINDS, NULL, NULL, NULL, {NULL}, {NULL}, false},
    {113, "hKey", SERVICE_HKEY, NULL, KINDS, NULL, NULL, "lpData", {NULL}, {"pdwFailedCommand"}, false},
    {114, "hKey", SERVICE_HKEY, NULL, KINDS, NULL, NULL, NULL, {NULL}, {"phBatchPort"}, false},
    {115, "hBatchNotify", SERVICE_HBATCH_PORT, NULL, KINDS, NULL, NULL, NULL, {NULL}, {"lpData"}, false},
    {116, "phBatchPort", SERVICE_HBATCH_PORT, NULL, KINDS, NULL, NULL, NULL, {NULL}, {"phBatchPort"}, true},
    {137, NULL, KINDS, NULL, KINDS, NULL, NULL, NULL, {NULL}, {"return"}, false},
    {138, "hNotify", SERVICE_HNOTIFY, "hObject", KINDS, NULL, NULL, NULL, {"dwNotifyKey", "isTargetedAtObject", "dwVersion"}, {NULL}, false},
    {139, "hNotify", SERVICE_HNOTIFY, NULL, KINDS, NULL, NULL, NULL, {NULL}, {"Notifications"}, false},
    {147, "hNotify", SERVICE_HNOTIFY, NULL, KINDS, NULL, NULL, NULL, {NULL}, {"Notifications"}, false},
};
// clang-format on

const struct form *form_of(uint16_t opnum) {
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (forms[i].opnum == opnum) {
            return &forms[i];
        }
    }
    fuzz_fail(PROPERTY, "no form of opnum %u", opnum);
}

// ---- answers as texts ---------------------------------------------------------------------------

void append_hex(struct buffer *out, cmrp_view octets) {
    for (size_t i = 0; i < octets.size; i++) {
        buffer_printf(out, "%02x", octets.data[i]);
    }
    buffer_printf(out, "%s", octets.size == 0 ? "-" : "");
}

void append_text(struct buffer *out, cmrp_view units, cmrp_order order) {
    buffer_printf(out, "\"");
    text_from_units(out, units, order);
    buffer_printf(out, "\"");
}

static bool null_handle(const uint8_t handle[CMRP_HANDLE_SIZE]) {
    static const uint8_t null[CMRP_HANDLE_SIZE];
    return memcmp(handle, null, CMRP_HANDLE_SIZE) == 0;
}

static void append_rows(struct buffer *out, const cmrp_slot *slot) {
    cmrp_rows rows = slot->rows;
    cmrp_slot m[CMRP_MAX_PARAMS];
    while (cmrp_rows_next(&rows, m)) {
        buffer_printf(out, "[%llu %llu ", (unsigned long long)m[0].value,
                      (unsigned long long)m[1].value);
        if (rows.type->count < 9) {
            append_text(out, m[2].bytes, m[2].order);
        } else {
            buffer_printf(out, "%llx ", (unsigned long long)m[2].value);
            if (m[3].bytes.size == 4) {
                buffer_printf(out, "%u", cmrp_load_u32(m[3].bytes.data, CMRP_LITTLE_ENDIAN));
            } else {
                append_hex(out, m[3].bytes);
            }
            for (size_t i = 5; i < 9; i++) {
                buffer_printf(out, " ");
                append_text(out, m[i].bytes, m[i].order);
            }
        }
        buffer_printf(out, "]");
    }
}

static void append_slot(struct buffer *out, const cmrp_param *p, const cmrp_slot *slot) {
    switch (p->kind) {
    case CMRP_KIND_HANDLE: buffer_printf(out, null_handle(slot->handle) ? "-" : "handle"); break;
    case CMRP_KIND_STRING:
        if (slot->null) {
            buffer_printf(out, "-");
        } else {
            append_text(out, slot->bytes, slot->order);
        }
        break;
    case CMRP_KIND_OCTETS: append_hex(out, slot->bytes); break;
    case CMRP_KIND_ARRAY:
        if (slot->null || slot->rows.count == 0) {
            buffer_printf(out, "-");
        } else {
            append_rows(out, slot);
        }
        break;
    default: buffer_printf(out, "%llu", (unsigned long long)slot->value);
    }
}

static size_t param_of(const cmrp_method *method, const char *name, uint8_t direction) {
    for (size_t i = 0; i < method->count; i++) {
        const cmrp_param *p = &method->params[i];
        if (strcmp(p->name, name) == 0 && (p->directions & direction) != 0 &&
            (p->protocols & CMRP_PROTOCOL_3) != 0) {
            return i;
        }
    }
    fuzz_fail(PROPERTY, "%s has no parameter %s", method->name, name);
}

static size_t status_of(const cmrp_method *method) {
    if (method->params[method->count - 1].kind != CMRP_KIND_HANDLE) {
        return method->count - 1U;
    }
    return param_of(method, method->opnum == 137 ? "rpc_error" : "Status", CMRP_OUT);
}

void call_take(struct call *call, cmrp_order order) {
    const cmrp_stub_format format = {call->method, CMRP_INTERFACE_3, true, call->link->syntax,
                                     order};
    cmrp_slot slots[CMRP_MAX_PARAMS];
    cmrp_error error = {0};
    if (!cmrp_stub_decode(&format, buffer_view(&call->answer), 0, slots, NULL, NULL, &error)) {
        fuzz_fail(PROPERTY, "the response of %s is refused: %s of %s", call->method->name,
                  cmrp_code_id(error.code), error.field);
    }
    buffer_printf(&call->found, "%u", (unsigned)slots[status_of(call->method)].value);
    for (size_t i = 0; i < 4 && call->form->outs[i] != NULL; i++) {
        const size_t n = param_of(call->method, call->form->outs[i], CMRP_OUT);
        buffer_printf(&call->found, " ");
        append_slot(&call->found, &call->method->params[n], &slots[n]);
        if (call->method->params[n].kind == CMRP_KIND_HANDLE && !null_handle(slots[n].handle)) {
            memcpy(call->made.octets, slots[n].handle, CMRP_HANDLE_SIZE);
        }
    }
}

// ---- what the model wants -----------------------------------------------------------------------

void call_wants_fault(struct call *call, uint32_t fault) {
    call->expected = true;
    buffer_printf(&call->wanted, "fault %08x", fault);
}

static void want_nothing(struct call *call) {
    for (size_t i = 0; i < 4 && call->form->outs[i] != NULL; i++) {
        const cmrp_param *p =
            &call->method->params[param_of(call->method, call->form->outs[i], CMRP_OUT)];
        const bool number = p->kind == CMRP_KIND_U32 || p->kind == CMRP_KIND_I32;
        buffer_printf(&call->wanted, " ");
        if (call->form->opnum == 34 && p->kind == CMRP_KIND_OCTETS && call->ask.numbers[0] > 0) {
            buffer_printf(&call->wanted, "%0*u", (int)(2 * call->ask.numbers[0]), 0);
        } else {
            buffer_printf(&call->wanted, number ? "0" : call->form->closes ? "handle" : "-");
        }
    }
}

void call_wants(struct call *call, uint32_t status, const char *format, ...) {
    char text[1 << 17];
    va_list args;
    call->expected = true;
    buffer_printf(&call->wanted, "%u", status);
    if (format == NULL) {
        want_nothing(call);
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buffer_printf(&call->wanted, "%s%s", *text != '\0' ? " " : "", text);
}

void call_makes(struct call *call, enum service_kind kind, int index, unsigned version) {
    call->made.kind = kind;
    call->made.index = index;
    call->made.version = version;
}

static void keep_handle(struct call *call) {
    struct world *w = call->link->world;
    w->handles = util_grow(w->handles, (size_t)w->handle_count + 1, sizeof *w->handles);
    call->made.open = true;
    call->made.holder = call->link->association->number;
    w->handles[w->handle_count++] = call->made;
}

void calls_check(struct world *w) {
    for (int i = 0; i < LINKS; i++) {
        for (struct call *call = w->links[i].calls, *next; call != NULL; call = next) {
            next = call->next;
            if (call->answered != call->expected) {
                fuzz_fail(PROPERTY, "%s is %sanswered: %s", call->method->name,
                          call->answered ? "" : "not ",
                          buffer_text(call->answered ? &call->found : &call->wanted));
            }
            if (!call->answered) {
                continue;
            }
            if (strcmp(buffer_text(&call->found), buffer_text(&call->wanted)) != 0) {
                fuzz_fail(PROPERTY, "%s is answered %s\nand not %s", call->method->name,
                          buffer_text(&call->found), buffer_text(&call->wanted));
            }
            if (call->made.kind != SERVICE_KINDS) {
                keep_handle(call);
            }
            *(strncmp(buffer_text(&call->found), "0", 1) == 0 ? &w->succeeded : &w->failed) += 1;
            call_end(call);
        }
    }
}

// ---- calls --------------------------------------------------------------------------------------

// What is not given: 0, NULL, empty; counts are derived.
static void blank(cmrp_slot *slots, const cmrp_param *params, size_t count) {
    for (size_t i = 0; i < count; i++) {
        slots[i] = (cmrp_slot){.present = cmrp_param_sized_by(params, count, i) == NULL,
                               .null = params[i].unique != 0};
    }
}

static void set_text(struct call *call, cmrp_slot *slots, const char *name, const char *text,
                     struct buffer *units) {
    if (name != NULL) {
        cmrp_slot *slot = &slots[param_of(call->method, name, CMRP_IN)];
        const size_t at = units->size;
        slot->order = call->link->order;
        if (!text_to_units(units, text, strlen(text), slot->order) || units->size > TEXTS) {
            fuzz_fail(PROPERTY, "a text cannot be sent: %s", text);
        }
        slot->bytes = (cmrp_view){units->data + at, units->size - at};
    }
}

static void set_handle(struct call *call, cmrp_slot *slots, const char *name, int handle) {
    if (name != NULL && handle != NONE) {
        memcpy(slots[param_of(call->method, name, CMRP_IN)].handle,
               call->link->world->handles[handle].octets, CMRP_HANDLE_SIZE);
    }
}

static void encode(struct call *call) {
    const struct form *form = call->form;
    const struct ask *ask = &call->ask;
    const cmrp_stub_format format = {call->method, CMRP_INTERFACE_3, false, call->link->syntax,
                                     call->link->order};
    cmrp_slot slots[CMRP_MAX_PARAMS], members[CMRP_MAX_PARAMS];
    struct buffer units = {0};
    cmrp_error error = {0};
    cmrp_writer writer;
    blank(slots, call->method->params, call->method->count);
    buffer_reserve(&units, TEXTS);
    set_handle(call, slots, form->handle, ask->handle);
    set_handle(call, slots, form->second, ask->second);
    set_text(call, slots, form->text, ask->text, &units);
    set_text(call, slots, form->text2, ask->text2, &units);
    if (form->data != NULL) {
        slots[param_of(call->method, form->data, CMRP_IN)].bytes = buffer_view(&ask->data);
    }
    for (size_t i = 0; i < 3 && form->numbers[i] != NULL; i++) {
        slots[param_of(call->method, form->numbers[i], CMRP_IN)].value = ask->numbers[i];
    }
    if (form->opnum == 138) {
        const size_t n = param_of(call->method, "filter", CMRP_IN);
        const cmrp_struct *type = cmrp_param_struct(&call->method->params[n]);
        blank(members, type->members, type->count);
        members[0].value = ask->type;
        members[1].value = ask->flags;
        slots[n].rows = (cmrp_rows){.type = type, .count = 1, .members = members};
    }
    cmrp_sizer_init(&writer, &error, NULL);
    bool good = cmrp_stub_encode(&format, slots, &writer);
    buffer_extend(&call->stub, writer.size);
    cmrp_writer_init(&writer, call->stub.data, call->stub.size, &error, NULL);
    good = good && cmrp_stub_encode(&format, slots, &writer);
    if (!good) {
        fuzz_fail(PROPERTY, "a request of %s cannot be made: %s", call->method->name, error.field);
    }
    buffer_free(&units);
}

// Takes ask->data over.
struct call *call_begin(struct link *link, uint16_t opnum, const struct ask *ask) {
    struct call *call = util_alloc(sizeof *call);
    call->link = link;
    call->form = form_of(opnum);
    call->method = cmrp_method_numbered(CMRP_INTERFACE_3, opnum);
    call->ask = *ask;
    call->made.kind = SERVICE_KINDS;
    call->id = ++link->next_call;
    encode(call);
    struct call **place = &link->calls;
    while (*place != NULL) {
        place = &(*place)->next;
    }
    *place = call;
    return call;
}

void call_end(struct call *call) {
    struct call **place = &call->link->calls;
    while (*place != call) {
        place = &(*place)->next;
    }
    *place = call->next;
    buffer_free(&call->ask.data);
    buffer_free(&call->stub);
    buffer_free(&call->answer);
    buffer_free(&call->found);
    buffer_free(&call->wanted);
    free(call);
}
