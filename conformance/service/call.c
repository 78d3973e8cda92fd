// SPDX-License-Identifier: Apache-2.0
// The parameters of a call, and its answer.
#include <stdlib.h>

#include "service/state.h"

// ---- memory -------------------------------------------------------------------------------------

static void *take(struct service_call *call, size_t size) {
    if (call->later && !call->marked) {
        call->mark = memory_now(&call->service->memory);
        call->marked = true;
    }
    return memory_take(&call->service->memory, size);
}

void *service_alloc(struct service_call *call, size_t size) {
    return memset(take(call, size), 0, size);
}

void *service_copy(struct service_call *call, const void *data, size_t size) {
    void *copy = take(call, size);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

// ---- the request --------------------------------------------------------------------------------

struct cluster *service_cluster(const struct service_call *call) {
    return call->service->cluster;
}

enum service_state service_state_of(const struct service_call *call) {
    return call->service->state;
}

const cmrp_slot *service_slot(const struct service_call *call, unsigned n) {
    return &call->slots[call->row->index[n]];
}

uint64_t service_number(const struct service_call *call, unsigned n) {
    return service_slot(call, n)->value;
}

cmrp_view service_octets(const struct service_call *call, unsigned n) {
    return service_slot(call, n)->bytes;
}

bool service_fits_name(const struct service_call *call, unsigned n) {
    return service_slot(call, n)->bytes.size <= 2 * (size_t)SERVICE_NAME_UNITS;
}

const char *service_text(struct service_call *call, unsigned n) {
    return service_slot_text(call, service_slot(call, n));
}

// Units before the first NUL, and whether all of them are ASCII.
static size_t text_length(cmrp_view units, cmrp_order order, bool *ascii) {
    *ascii = true;
    for (size_t i = 0; i + 1 < units.size; i += 2) {
        const uint16_t unit = cmrp_load_u16(units.data + i, order);
        if (unit == 0) {
            return i / 2;
        }
        *ascii = *ascii && unit < 0x80;
    }
    return units.size / 2;
}

const char *service_slot_text(struct service_call *call, const cmrp_slot *slot) {
    if (slot->null) {
        return NULL;
    }
    bool ascii;
    const size_t count = text_length(slot->bytes, slot->order, &ascii);
    if (!ascii) {
        struct buffer *text = &call->service->text;
        const cmrp_view units = {slot->bytes.data, 2 * count};
        buffer_clear(text);
        text_from_units(text, units, slot->order);
        return service_copy(call, buffer_text(text), text->size + 1);
    }
    char *copy = take(call, count + 1);
    for (size_t i = 0; i < count; i++) {
        copy[i] = (char)cmrp_load_u16(slot->bytes.data + 2 * i, slot->order);
    }
    copy[count] = '\0';
    return copy;
}

bool service_record(const struct service_call *call, unsigned n,
                    cmrp_slot members[CMRP_MAX_PARAMS]) {
    const cmrp_slot *slot = service_slot(call, n);
    cmrp_rows rows = slot->rows;
    return !slot->null && cmrp_rows_next(&rows, members);
}

// ---- the response -------------------------------------------------------------------------------

// The slots of a call that went on appear with the first thing that is set.
static cmrp_slot *slots_of(struct service_call *call) {
    if (call->slots == NULL) {
        call->slots = take(call, call->row->description->count * sizeof *call->slots);
    }
    return call->slots;
}

// The slot of parameter `index`, as if nothing was set.
static cmrp_slot *anew(struct service_call *call, uint8_t index) {
    cmrp_slot *slot = &slots_of(call)[index];
    *slot = call->row->blank[index];
    call->set |= 1u << index;
    return slot;
}

void service_slot_number(cmrp_slot *slot, uint64_t value) {
    slot->present = true;
    slot->value = value;
}

void service_slot_set_octets(cmrp_slot *slot, cmrp_view octets) {
    slot->present = true;
    slot->null = false;
    slot->bytes = octets;
}

void service_slot_set_text(struct service_call *call, cmrp_slot *slot, const char *utf8) {
    slot->present = true;
    slot->null = utf8 == NULL;
    if (utf8 == NULL) {
        return;
    }
    slot->order = CMRP_LITTLE_ENDIAN;
    const size_t size = strlen(utf8);
    uint8_t *units = take(call, 2 * size); // no text has more units than UTF-8 octets
    size_t count = 0;
    while (count < size && (utf8[count] & 0x80) == 0) {
        units[2 * count] = (uint8_t)utf8[count];
        units[2 * count + 1] = 0;
        count++;
    }
    slot->bytes.data = units;
    slot->bytes.size = 2 * count;
    if (count < size) {
        struct buffer *text = &call->service->text;
        buffer_clear(text);
        text_to_units(text, utf8 + count, size - count, CMRP_LITTLE_ENDIAN);
        memcpy(units + 2 * count, text->data, text->size);
        slot->bytes.size += text->size;
    }
}

void service_set_nothing(struct service_call *call, unsigned n) {
    anew(call, call->row->index[n]);
}

void service_set_number(struct service_call *call, unsigned n, uint64_t value) {
    service_slot_number(anew(call, call->row->index[n]), value);
}

void service_set_text(struct service_call *call, unsigned n, const char *utf8) {
    service_slot_set_text(call, anew(call, call->row->index[n]), utf8);
}

void service_set_octets(struct service_call *call, unsigned n, cmrp_view octets) {
    service_slot_set_octets(anew(call, call->row->index[n]), octets);
}

cmrp_slot *service_set_rows(struct service_call *call, unsigned n, size_t count) {
    return service_slot_set_rows(call, anew(call, call->row->index[n]), count);
}

cmrp_slot *service_slot_set_rows(struct service_call *call, cmrp_slot *slot, size_t count) {
    const cmrp_struct *type = slot->rows.type;
    cmrp_slot *members = take(call, count * type->count * sizeof *members);
    for (size_t i = 0; i < type->count && count > 0; i++) {
        service_blank(&members[i], type->members, type->count, i);
    }
    for (size_t row = 1; row < count; row++) {
        memcpy(members + row * type->count, members, type->count * sizeof *members);
    }
    slot->present = true;
    slot->null = false;
    slot->rows.count = count;
    slot->rows.members = members;
    return members;
}

// ---- answers ------------------------------------------------------------------------------------

// Encodes the response into the service's buffer, little-endian as the server's PDUs say they are.
static bool encode(struct service_call *call, size_t *size) {
    struct buffer *output = &call->service->output;
    const cmrp_stub_format format = {call->row->description, CMRP_INTERFACE_3, true, call->syntax,
                                     CMRP_LITTLE_ENDIAN};
    for (bool grown = false;; grown = true) {
        cmrp_error error = {0};
        cmrp_writer writer;
        cmrp_writer_init(&writer, output->data, output->capacity, &error, NULL);
        if (cmrp_stub_encode(&format, call->slots, &writer)) {
            *size = writer.size;
            return true;
        }
        if (error.code != CMRP_E_NO_SPACE || grown) {
            service_complain(call, "response", &error);
            return false;
        }
        cmrp_error none = {0};
        cmrp_sizer_init(&writer, &none, NULL);
        cmrp_stub_encode(&format, call->slots, &writer);
        buffer_clear(output);
        buffer_reserve(output, writer.size);
    }
}

// The call is answered, or nobody wants it.
static void let_go(struct service_call *call) {
    if (call->later) {
        if (call->marked) {
            memory_return(&call->service->memory, call->mark);
        }
        call->service->counters.blocked--;
        free(call);
    }
}

static void tell(const struct service_call *call, uint32_t status, bool fault) {
    const struct service_options *options = &call->service->options;
    if (options->answers != NULL) {
        options->answers(options->context, call->rpc, call->row->description, status, fault);
    }
}

void service_done(struct service_call *call, uint32_t status) {
    const struct service_row *row = call->row;
    if (call->later && call->service->stopping && status != STATUS_SUCCESS) {
        status = STATUS_NODE_SHUTTING_DOWN; // whatever its port says when it is run down
    }
    service_slot_number(anew(call, row->status), status);
    for (size_t i = 0; i < row->result_count; i++) {
        const uint8_t index = row->results[i];
        const cmrp_param *p = &row->description->params[index];
        const bool stays = p->kind == CMRP_KIND_HANDLE && (p->directions & CMRP_IN) != 0;
        if ((call->set >> index & 1) == 0 && !stays) {
            call->slots[index] = row->blank[index];
        }
        if (p->kind == CMRP_KIND_ROOM) { // the response repeats it, whatever came of the call
            service_slot_number(&call->slots[index], call->slots[row->room].value);
        }
    }
    size_t size;
    if (!encode(call, &size)) {
        service_fault(call, RPC_FAULT_REMOTE_NO_MEMORY);
        return;
    }
    struct service_counters *counters = &call->service->counters;
    *(status == 0 ? &counters->succeeded : &counters->failed) += 1;
    tell(call, status, false);
    rpc_call_respond(call->rpc, call->service->output.data, size);
    let_go(call);
}

void service_fault(struct service_call *call, uint32_t status) {
    call->service->counters.faulted++;
    tell(call, status, true);
    rpc_call_fault(call->rpc, status, false);
    let_go(call);
}

static void on_end(void *context, enum rpc_end end) {
    struct service_call *call = context;
    call->ended(call->context, end);
    if (end == RPC_END_GONE) {
        let_go(call);
    }
}

struct service_call *service_later(struct service_call *call,
                                   void (*ended)(void *context, enum rpc_end end), void *context) {
    struct service_call *later = util_alloc(sizeof *later);
    later->service = call->service;
    later->row = call->row;
    later->rpc = call->rpc;
    later->association = call->association;
    later->syntax = call->syntax;
    later->later = true;
    later->ended = ended;
    later->context = context;
    call->service->counters.blocked++;
    rpc_call_on_end(later->rpc, on_end, later);
    return later;
}
