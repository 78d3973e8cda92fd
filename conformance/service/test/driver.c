// SPDX-License-Identifier: Apache-2.0
#include "service/test/driver.h"

#include <stdlib.h>

#include "util/text.h"

enum { CONTEXT = 1, FRAGMENT = 5840, KEY_ALL_ACCESS = 0x000f003f };

// ---- a server and its clients -------------------------------------------------------------------

static void log_line(void *context, const char *text) {
    struct driver *d = context;
    buffer_printf(&d->log, "%s\n", text);
}

static void log_rpc(void *context, enum rpc_log_level level, const char *text) {
    (void)level;
    log_line(context, text);
}

static enum service_access entitled(void *context, struct rpc_association *association) {
    (void)association;
    const struct driver *d = context;
    return d->entitled;
}

static uint64_t frozen(void *context) {
    (void)context;
    return 1000;
}

struct driver *driver_create(const struct cluster_options *options) {
    struct driver *d = util_alloc(sizeof *d);
    d->entitled = SERVICE_ALL;
    struct cluster_options plain = {.context = d, .log = log_line};
    char *error = NULL;
    d->cluster = cluster_create(options != NULL ? options : &plain, &error);
    if (d->cluster == NULL) {
        fail_msg("%s", error);
    }
    const struct service_options service = {.context = d, .log = log_line, .entitled = entitled};
    d->service = service_create(d->cluster, &service, &error);
    if (d->service == NULL) {
        fail_msg("%s", error);
    }
    d->interfaces[0] = service_interface(d->service);
    const struct rpc_server_options server = {
        .interfaces = d->interfaces, .context = d, .log = log_rpc, .now = frozen};
    d->server = rpc_server_create(&server);
    assert_non_null(d->server);
    return d;
}

void driver_destroy(struct driver *d) {
    while (d->links != NULL) {
        driver_disconnect(d->links);
    }
    rpc_server_destroy(d->server);
    service_destroy(d->service);
    cluster_destroy(d->cluster);
    buffer_free(&d->log);
    free(d);
}

// ---- PDUs ---------------------------------------------------------------------------------------

static void put(struct driver_link *link, cmrp_pdu *pdu) {
    uint8_t octets[FRAGMENT];
    cmrp_error error = {0};
    cmrp_writer writer;
    pdu->header.drep[0] = link->order == CMRP_LITTLE_ENDIAN ? 0x10 : 0;
    cmrp_writer_init(&writer, octets, sizeof octets, &error, NULL);
    assert_true(cmrp_pdu_encode(pdu, &writer));
    rpc_connection_data(link->connection, octets, writer.size);
}

static struct driver_call *find_call(const struct driver_link *link, uint32_t id) {
    struct driver_call *call = link->calls;
    while (call != NULL && call->id != id) {
        call = call->next;
    }
    return call;
}

static void decode_answer(struct driver_call *call, cmrp_order order) {
    const cmrp_stub_format format = {call->method, CMRP_INTERFACE_3, true, call->link->syntax,
                                     order};
    cmrp_error error = {0};
    if (!cmrp_stub_decode(&format, buffer_view(&call->answer), 0, call->response, NULL, NULL,
                          &error)) {
        fail_msg("%s: %s at %llu", call->method->name, error.field,
                 (unsigned long long)error.offset);
    }
}

static void take_pdu(struct driver_link *link, const cmrp_pdu *pdu) {
    struct driver_call *call = find_call(link, pdu->header.call_id);
    switch (pdu->header.ptype) {
    case CMRP_PTYPE_BIND_ACK: {
        cmrp_pdu_result result;
        size_t cursor = 0;
        assert_true(cmrp_pdu_next_result(pdu, &cursor, &result));
        assert_int_equal(result.result, CMRP_RESULT_ACCEPTANCE);
        link->group = pdu->assoc_group_id;
        link->bound = true;
        break;
    }
    case CMRP_PTYPE_RESPONSE:
        assert_non_null(call);
        buffer_append(&call->answer, pdu->stub.data, pdu->stub.size);
        if ((pdu->header.flags & CMRP_PFC_LAST_FRAG) != 0) {
            assert_false(call->answered);
            call->answered = true;
            decode_answer(call, pdu->header.order);
        }
        break;
    case CMRP_PTYPE_FAULT:
        assert_non_null(call);
        assert_false(call->answered);
        call->answered = call->faulted = true;
        call->fault = pdu->status;
        break;
    case CMRP_PTYPE_SHUTDOWN: break;
    default: fail_msg("PDU of type %u", pdu->header.ptype);
    }
}

static size_t on_send(void *context, const uint8_t *octets, size_t size) {
    struct driver_link *link = context;
    buffer_append(&link->received, octets, size);
    for (;;) {
        cmrp_error error = {0};
        cmrp_pdu pdu;
        const cmrp_view view = buffer_view(&link->received);
        if (view.size < CMRP_PDU_HEADER_SIZE || !cmrp_pdu_peek(view, 0, &pdu.header, &error) ||
            pdu.header.frag_length > view.size) {
            assert_int_equal(error.code, CMRP_OK);
            return 0;
        }
        const size_t length = pdu.header.frag_length;
        const cmrp_view one = {view.data, length};
        assert_true(cmrp_pdu_decode(one, 0, &pdu, NULL, NULL, &error));
        take_pdu(link, &pdu);
        memmove(link->received.data, link->received.data + length, view.size - length);
        link->received.size -= length;
    }
}

static void on_close(void *context, bool drop) {
    struct driver_link *link = context;
    (void)drop;
    link->closed = true;
}

// ---- links --------------------------------------------------------------------------------------

static void bind(struct driver_link *link, uint32_t group) {
    const bool ndr64 = link->syntax == CMRP_NDR64;
    const cmrp_syntax_id transfer = {ndr64 ? cmrp_uuid_ndr64 : cmrp_uuid_ndr20, ndr64 ? 1 : 2, 0};
    const cmrp_pdu_context context = {.id = CONTEXT,
                                      .abstract_syntax = {cmrp_uuid_clusapi, 3, 0},
                                      .transfer_count = 1,
                                      .transfers = &transfer};
    cmrp_pdu pdu = {
        .header = {.ptype = CMRP_PTYPE_BIND,
                   .flags = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG | CMRP_PFC_CONC_MPX,
                   .call_id = ++link->next_call},
        .max_xmit_frag = FRAGMENT,
        .max_recv_frag = FRAGMENT,
        .assoc_group_id = group,
        .list_count = 1,
        .contexts = &context};
    put(link, &pdu);
    assert_true(link->bound);
}

struct driver_link *driver_connect(struct driver *d, cmrp_syntax syntax, uint32_t group) {
    struct driver_link *link = util_alloc(sizeof *link);
    link->driver = d;
    link->next = d->links;
    link->syntax = syntax;
    d->links = link;
    const struct rpc_transport transport = {link, on_send, on_close};
    const struct rpc_ends ends = {"test", "test:1", "49664", {127, 0, 0, 1}};
    link->connection = rpc_connection_create(d->server, &transport, &ends);
    assert_non_null(link->connection);
    bind(link, group);
    return link;
}

void driver_disconnect(struct driver_link *link) {
    while (link->calls != NULL) {
        struct driver_call *call = link->calls;
        call->answered = true; // whoever ends it now is the server's business
        driver_end(call);
    }
    rpc_connection_end(link->connection);
    struct driver_link **place = &link->driver->links;
    while (*place != link) {
        place = &(*place)->next;
    }
    *place = link->next;
    buffer_free(&link->received);
    free(link);
}

// ---- requests -----------------------------------------------------------------------------------

// What is not given: 0, NULL, empty; counts are derived.
static void fill(cmrp_slot *slots, const cmrp_param *params, size_t count) {
    for (size_t i = 0; i < count; i++) {
        memset(&slots[i], 0, sizeof slots[i]);
        slots[i].present = cmrp_param_sized_by(params, count, i) == NULL;
        slots[i].null = params[i].unique != 0;
    }
}

struct driver_call *driver_begin(struct driver_link *link, const char *method) {
    struct driver_call *call = util_alloc(sizeof *call);
    call->link = link;
    call->method = cmrp_method_named(CMRP_INTERFACE_3, method);
    if (call->method == NULL) {
        fail_msg("%s is not described", method);
    }
    fill(call->request, call->method->params, call->method->count);
    call->id = ++link->next_call;
    call->next = link->calls;
    link->calls = call;
    buffer_reserve(&call->text, 1 << 20); // texts must not move
    return call;
}

// The slot of a parameter in one direction.
static size_t find(const struct driver_call *call, const char *name, uint8_t direction) {
    for (size_t i = 0; i < call->method->count; i++) {
        const cmrp_param *p = &call->method->params[i];
        if (strcmp(p->name, name) == 0 && (p->directions & direction) != 0 &&
            (p->protocols & CMRP_PROTOCOL_3) != 0) {
            return i;
        }
    }
    fail_msg("%s has no %s parameter %s", call->method->name,
             direction == CMRP_IN ? "[in]" : "[out]", name);
    return 0;
}

static cmrp_slot *given(struct driver_call *call, const char *name) {
    cmrp_slot *slot = &call->request[find(call, name, CMRP_IN)];
    slot->present = true;
    slot->null = false;
    return slot;
}

void driver_number(struct driver_call *call, const char *name, uint64_t value) {
    given(call, name)->value = value;
}

void driver_text(struct driver_call *call, const char *name, const char *utf8) {
    cmrp_slot *slot = given(call, name);
    const size_t start = call->text.size;
    slot->order = call->link->order;
    assert_true(text_to_units(&call->text, utf8, strlen(utf8), slot->order));
    assert_true(call->text.size <= 1 << 20);
    slot->bytes.data = call->text.data + start;
    slot->bytes.size = call->text.size - start;
}

void driver_octets(struct driver_call *call, const char *name, const void *data, size_t size) {
    const cmrp_view view = {data, size};
    cmrp_slot *slot = given(call, name);
    slot->bytes = view;
    slot->order = call->link->order;
}

void driver_handle(struct driver_call *call, const char *name, const uint8_t *handle) {
    memcpy(given(call, name)->handle, handle, CMRP_HANDLE_SIZE);
}

cmrp_slot *driver_member(struct driver_call *call, const char *name, const char *member) {
    const size_t index = find(call, name, CMRP_IN);
    const cmrp_struct *type = cmrp_param_struct(&call->method->params[index]);
    cmrp_slot *slot = &call->request[index];
    if (slot->rows.members == NULL) {
        fill(call->members, type->members, type->count);
        slot->present = true;
        slot->null = false;
        slot->rows.type = type;
        slot->rows.count = 1;
        slot->rows.members = call->members;
    }
    for (size_t i = 0; i < type->count; i++) {
        if (strcmp(type->members[i].name, member) == 0) {
            call->members[i].present = true;
            call->members[i].null = false;
            return &call->members[i];
        }
    }
    fail_msg("%s has no member %s", name, member);
    return NULL;
}

static void encode_request(struct driver_call *call) {
    const cmrp_stub_format format = {call->method, CMRP_INTERFACE_3, false, call->link->syntax,
                                     call->link->order};
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_sizer_init(&writer, &error, NULL);
    if (!cmrp_stub_encode(&format, call->request, &writer)) {
        fail_msg("%s: %s", call->method->name, error.field);
    }
    uint8_t *room = buffer_extend(&call->stub, writer.size);
    cmrp_writer_init(&writer, room, call->stub.size, &error, NULL);
    assert_true(cmrp_stub_encode(&format, call->request, &writer));
}

void driver_send(struct driver_call *call) {
    encode_request(call);
    driver_send_stub(call, call->stub.data, call->stub.size);
}

void driver_send_stub(struct driver_call *call, const void *stub, size_t size) {
    const size_t room = FRAGMENT - 24;
    size_t at = 0;
    do {
        const size_t n = size - at < room ? size - at : room;
        const unsigned first = at == 0 ? CMRP_PFC_FIRST_FRAG : 0;
        const unsigned last = at + n == size ? CMRP_PFC_LAST_FRAG : 0;
        cmrp_pdu pdu = {.header = {.ptype = CMRP_PTYPE_REQUEST,
                                   .flags = (uint8_t)(first | last),
                                   .call_id = call->id},
                        .alloc_hint = (uint32_t)(size - at),
                        .context_id = CONTEXT,
                        .opnum = (uint16_t)call->method->opnum,
                        .stub = {(const uint8_t *)stub + at, n}};
        put(call->link, &pdu);
        at += n;
    } while (at < size);
}

void driver_cancel(struct driver_call *call, bool orphan) {
    cmrp_pdu pdu = {.header = {.ptype = orphan ? CMRP_PTYPE_ORPHANED : CMRP_PTYPE_CO_CANCEL,
                               .flags = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG,
                               .call_id = call->id}};
    put(call->link, &pdu);
}

bool driver_answered(const struct driver_call *call) {
    return call->answered;
}

uint32_t driver_run(struct driver_call *call) {
    driver_send(call);
    return driver_status(call);
}

uint32_t driver_status(struct driver_call *call) {
    if (!call->answered || call->faulted) {
        fail_msg("%s: %s %08x", call->method->name, call->faulted ? "fault" : "not answered",
                 call->fault);
    }
    const cmrp_param *last = &call->method->params[call->method->count - 1];
    if (last->kind != CMRP_KIND_HANDLE) {
        return (uint32_t)driver_number_of(call, "return");
    }
    const bool v2 = strcmp(call->method->name, "ApiCreateNotifyV2") == 0;
    return (uint32_t)driver_number_of(call, v2 ? "rpc_error" : "Status");
}

uint32_t driver_fault(struct driver_call *call) {
    if (call->stub.size == 0 && !call->answered) {
        driver_send(call);
    }
    if (!call->faulted) {
        fail_msg("%s: %s", call->method->name, call->answered ? "no fault" : "not answered");
    }
    return call->fault;
}

// ---- responses ----------------------------------------------------------------------------------

const cmrp_slot *driver_slot(const struct driver_call *call, const char *name) {
    assert_true(call->answered && !call->faulted);
    return &call->response[find(call, name, CMRP_OUT)];
}

uint64_t driver_number_of(const struct driver_call *call, const char *name) {
    return driver_slot(call, name)->value;
}

const char *driver_slot_text(struct driver_call *call, const cmrp_slot *slot) {
    if (slot->null) {
        return NULL;
    }
    buffer_clear(&call->spoken);
    text_from_units(&call->spoken, slot->bytes, slot->order);
    return buffer_text(&call->spoken);
}

const char *driver_text_of(struct driver_call *call, const char *name) {
    return driver_slot_text(call, driver_slot(call, name));
}

const uint8_t *driver_handle_of(const struct driver_call *call, const char *name) {
    return driver_slot(call, name)->handle;
}

bool driver_is_null(const uint8_t handle[CMRP_HANDLE_SIZE]) {
    static const uint8_t null[CMRP_HANDLE_SIZE];
    return memcmp(handle, null, CMRP_HANDLE_SIZE) == 0;
}

static bool says_nothing(const cmrp_param *p, const cmrp_slot *slot) {
    if (p->unique) {
        return slot->null;
    }
    if (p->kind == CMRP_KIND_RECORD) {
        cmrp_rows rows = slot->rows;
        cmrp_slot members[CMRP_MAX_PARAMS];
        bool nothing = cmrp_rows_next(&rows, members);
        for (size_t i = 0; nothing && i < rows.type->count; i++) {
            nothing = says_nothing(&rows.type->members[i], &members[i]);
        }
        return nothing;
    }
    return slot->value == 0 && slot->bytes.size == 0 && driver_is_null(slot->handle);
}

void driver_expect_nothing(const struct driver_call *call, const char *except) {
    assert_true(call->answered && !call->faulted);
    for (size_t i = 0; i < call->method->count; i++) {
        const cmrp_param *p = &call->method->params[i];
        const bool status = p->meaning == CMRP_MEANS_STATUS && strcmp(p->name, "rpc_status") != 0;
        const bool kept = (p->directions & CMRP_IN) != 0;
        if ((p->directions & CMRP_OUT) != 0 && (p->protocols & CMRP_PROTOCOL_3) != 0 && !status &&
            !kept && (except == NULL || strcmp(except, p->name) != 0) &&
            !says_nothing(p, &call->response[i])) {
            fail_msg("%s: %s is not empty", call->method->name, p->name);
        }
    }
}

void driver_end(struct driver_call *call) {
    struct driver_call **place = &call->link->calls;
    while (*place != call) {
        place = &(*place)->next;
    }
    *place = call->next;
    buffer_free(&call->text);
    buffer_free(&call->stub);
    buffer_free(&call->answer);
    buffer_free(&call->spoken);
    free(call);
}

// ---- whole calls --------------------------------------------------------------------------------

void driver_open(struct driver_link *link, const char *method, const char *param, const char *name,
                 uint8_t handle[CMRP_HANDLE_SIZE]) {
    struct driver_call *call = driver_begin(link, method);
    if (param != NULL) {
        driver_text(call, param, name);
    }
    assert_int_equal(driver_run(call), 0);
    memcpy(handle, driver_handle_of(call, "return"), CMRP_HANDLE_SIZE);
    assert_false(driver_is_null(handle));
    driver_end(call);
}

void driver_open_key(struct driver_link *link, const char *path, uint8_t handle[CMRP_HANDLE_SIZE]) {
    uint8_t root[CMRP_HANDLE_SIZE];
    struct driver_call *call = driver_begin(link, "ApiGetRootKey");
    driver_number(call, "samDesired", KEY_ALL_ACCESS);
    assert_int_equal(driver_run(call), 0);
    memcpy(root, driver_handle_of(call, "return"), CMRP_HANDLE_SIZE);
    driver_end(call);
    if (*path == '\0') {
        memcpy(handle, root, CMRP_HANDLE_SIZE);
        return;
    }
    call = driver_begin(link, "ApiOpenKey");
    driver_handle(call, "hKey", root);
    driver_text(call, "lpSubKey", path);
    driver_number(call, "samDesired", KEY_ALL_ACCESS);
    assert_int_equal(driver_run(call), 0);
    memcpy(handle, driver_handle_of(call, "return"), CMRP_HANDLE_SIZE);
    driver_end(call);
    assert_int_equal(driver_close(link, "ApiCloseKey", "pKey", root), 0);
}

uint32_t driver_close(struct driver_link *link, const char *method, const char *param,
                      uint8_t handle[CMRP_HANDLE_SIZE]) {
    struct driver_call *call = driver_begin(link, method);
    driver_handle(call, param, handle);
    const uint32_t status = driver_run(call);
    memcpy(handle, driver_handle_of(call, param), CMRP_HANDLE_SIZE);
    driver_end(call);
    return status;
}
