// SPDX-License-Identifier: Apache-2.0
// Writes a capture for measurements: bench-traffic FILE MEGABYTES CONNECTIONS. TCP connections take
// turns, each with a few segments; on each of them every described method of protocol 3 is called
// in turn, and after each of these calls one that carries a batch or notifications, so that nearly
// all octets travel in full segments. Nobody authenticates; in everything else the specification is
// kept, so that rules have to look at all of it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmrp/cmrp.h"

enum {
    SEGMENT = 1460,
    FRAGMENT = 5840, // the PDUs of a call, header included
    PDU_HEADER = 24, // of a request or response
    ASSOC_GROUP_AT = 20,
    BATCH = 16 * 1024,
    SMALL_VALUE = 8,
    OCTETS = 512, // of an array that is no batch
    ROWS = 8,
    UNITS = 20, // of a string
    ETHERNET_IP_TCP = 14 + 20 + 20,
    LINK_ETHERNET = 1,
    FIRST_SECOND = 1700000000,
    STUB_ROOM = 64 * 1024,
    MOST_CALLS = 1024,
    FIRST_PORT = 1025,
    TRAIN = 10, // segments of one direction, one behind the other
};

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "bench-traffic: %s\n", what);
    exit(2);
}

static void *allocate(size_t size) {
    void *memory = calloc(1, size);
    if (memory == NULL) {
        fail("out of memory");
    }
    return memory;
}

// ---- values -------------------------------------------------------------------------------------

// What is registered. Of events of SPACEPORT it is not specified what their buffer holds.
enum { SPACEPORT = 11, SPACEPORT_CHANGED = 0x1, GROUP_STATE = 0x1000 };
enum { MARK_AT = 12 };

// Objects that stay open as long as their connection, and those that are closed again.
enum set { LASTING, PASSING };

static const uint8_t mark[CMRP_HANDLE_SIZE - MARK_AT] = "benchmrk"; // ends every handle
static uint8_t text[2 * UNITS];
static uint8_t octets[OCTETS];
struct batch {
    uint8_t octets[BATCH];
    size_t size;
    size_t count;
};
static struct batch executed, notified, asked, answered;

// At most so many commands of this type, until the batch is full. Each has a name of its own; in a
// notification every fourth comes with what the value held before.
static void make_batch(struct batch *batch, uint32_t type, bool with_old, size_t most) {
    uint8_t name[2 * UNITS + CMRP_BATCH_NAME_MINIMUM] = {0};
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_batch_writer bw;
    memcpy(name, text, sizeof text);
    cmrp_writer_init(&w, batch->octets, sizeof batch->octets, &error, NULL);
    cmrp_batch_writer_open(&bw, &w, CMRP_BATCH_STRICT);
    cmrp_batch_command command = {.type = type, .name = {name, sizeof name}};
    // Small values, and every 16th of the size of a property list.
    for (size_t i = 0; error.code == CMRP_OK; i++) {
        batch->size = w.size;
        batch->count = i;
        if (i == most) {
            break;
        }
        name[0] = (uint8_t)('a' + i % 26);
        name[2] = (uint8_t)('A' + i / 26);
        if (type != CMRP_CLUSREG_READ_VALUE || with_old) {
            command.value_type = CMRP_REG_BINARY;
            command.data = (cmrp_view){octets, i % 16 == 15 ? OCTETS : SMALL_VALUE};
        }
        if (with_old && type == CMRP_CLUSREG_SET_VALUE && i % 4 == 3) {
            command.type = CMRP_CLUSREG_VALUE_DELETED;
            cmrp_batch_put(&bw, &command);
            command.type = type;
        }
        cmrp_batch_put(&bw, &command);
    }
}

static void make_values(void) {
    for (size_t i = 0; i < sizeof octets; i++) {
        octets[i] = (uint8_t)(i * 37);
    }
    for (size_t i = 0; i < UNITS; i++) {
        text[2 * i] = (uint8_t)('A' + i);
    }
    make_batch(&executed, CMRP_CLUSREG_SET_VALUE, false, SIZE_MAX);
    make_batch(&notified, CMRP_CLUSREG_SET_VALUE, true, SIZE_MAX);
    make_batch(&answered, CMRP_CLUSREG_READ_VALUE, true, SIZE_MAX);
    make_batch(&asked, CMRP_CLUSREG_READ_VALUE, false, answered.count);
}

// Integers that may not be 1. A method of NULL is any; the first row counts.
static const struct value {
    const char *method;
    const char *param;
    bool response;
    uint64_t value;
} values[] = {
    {"ApiAddNotifyNode", "dwFilter", false, 0x1},
    {"ApiReAddNotifyNode", "dwFilter", false, 0x1},
    {"ApiAddNotifyResource", "dwFilter", false, 0x100},
    {"ApiReAddNotifyResource", "dwFilter", false, 0x100},
    {"ApiAddNotifyNetwork", "dwFilter", false, 0x100000},
    {"ApiReAddNotifyNetwork", "dwFilter", false, 0x100000},
    {"ApiAddNotifyNetInterface", "dwFilter", false, 0x1000000},
    {"ApiReAddNotifyNetInterface", "dwFilter", false, 0x1000000},
    {"ApiAddNotifyKey", "Filter", false, 0x10},
    {NULL, "dwFilter", false, GROUP_STATE},
    {NULL, "dwFilter", true, GROUP_STATE},
    {NULL, "filter", false, 1}, // of a resource type
    {NULL, "dwVersion", false, 2},
    {NULL, "dwObjectType", false, SPACEPORT},
    {NULL, "FilterFlags", false, SPACEPORT_CHANGED},
    {NULL, "isTargetedAtObject", false, 0},
    {NULL, "NotificationData.FilterAndType.dwObjectType", true, SPACEPORT},
    {NULL, "NotificationData.FilterAndType.FilterFlags", true, SPACEPORT_CHANGED},
    {NULL, "bInheritHandle", false, 0},
    {NULL, "lpdwGrantedAccess", true, 0x10000000},
    {NULL, "dwSize", true, 20},
    {NULL, "dwReserved", true, 0},
    {NULL, "dwClusterHighestVersion", true, 0x000a0003},
    {NULL, "dwClusterLowestVersion", true, 0x00090003},
    {"ApiEnumValue", "lpcbData", false, OCTETS}, // room
    {NULL, "TotalSize", true, OCTETS},
    {NULL, "lpcbSecurityDescriptor", true, 20},
};

static uint64_t value_of(const cmrp_stub_format *format, const cmrp_param *p) {
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (strcmp(values[i].param, p->name) == 0 && values[i].response == format->response &&
            (values[i].method == NULL || strcmp(values[i].method, format->method->name) == 0)) {
            return values[i].value;
        }
    }
    return p->meaning == CMRP_MEANS_STATUS ? 0 : 1;
}

// ---- stubs --------------------------------------------------------------------------------------

static bool gives(const cmrp_param *p) {
    return p->kind == CMRP_KIND_HANDLE && p->directions == CMRP_OUT;
}

static bool closes(const cmrp_param *p) {
    return p->kind == CMRP_KIND_HANDLE && p->directions == (CMRP_IN | CMRP_OUT);
}

// The connection's number follows the mark's place: see number_pdus.
static void fill_handle(const cmrp_stub_format *format, const cmrp_param *p, enum set set,
                        uint8_t handle[CMRP_HANDLE_SIZE]) {
    if (format->response && !gives(p)) {
        return; // the NULL handle: it is closed
    }
    handle[4] = (uint8_t)(p->meaning == CMRP_MEANS_HGENERIC ? CMRP_MEANS_HCLUSTER : p->meaning);
    handle[5] = (uint8_t)(gives(p) || closes(p) ? set : LASTING);
    handle[6] = (uint8_t)(p->meaning == CMRP_MEANS_HNOTIFY && handle[5] == LASTING &&
                          strstr(format->method->name, "V2") != NULL); // a port of its own
    memcpy(handle + MARK_AT, mark, sizeof mark);
}

static cmrp_view octets_of(const cmrp_stub_format *format, const cmrp_param *p) {
    if (p->meaning != CMRP_MEANS_BATCH) {
        return (cmrp_view){octets, sizeof octets};
    }
    const struct batch *batch = strcmp(p->name, "lpInData") == 0    ? &asked
                                : strcmp(p->name, "lpOutData") == 0 ? &answered
                                : format->response                  ? &notified
                                                                    : &executed;
    return (cmrp_view){batch->octets, batch->size};
}

static void fill(const cmrp_stub_format *format, enum set set, const cmrp_param *params,
                 size_t count, cmrp_slot *slots);

static void fill_one(const cmrp_stub_format *format, enum set set, const cmrp_param *p,
                     cmrp_slot *slot) {
    slot->present = true;
    slot->value = value_of(format, p);
    switch (p->kind) {
    case CMRP_KIND_HANDLE: fill_handle(format, p, set, slot->handle); break;
    case CMRP_KIND_STRING:
    case CMRP_KIND_OPEN_STRING: slot->bytes = (cmrp_view){text, sizeof text}; break;
    case CMRP_KIND_UNITS:
    case CMRP_KIND_OCTETS:
    case CMRP_KIND_VARYING: slot->bytes = octets_of(format, p); break;
    case CMRP_KIND_RECORD:
    case CMRP_KIND_ARRAY:
    case CMRP_KIND_TAIL: {
        const cmrp_struct *type = cmrp_param_struct(p);
        const size_t rows = p->kind == CMRP_KIND_RECORD ? 1 : ROWS;
        cmrp_slot *members = allocate(rows * type->count * sizeof *members);
        for (size_t i = 0; i < rows; i++) {
            fill(format, set, type->members, type->count, members + i * type->count);
        }
        slot->rows = (cmrp_rows){.type = type, .count = rows, .members = members};
        break;
    }
    default: break;
    }
}

static void fill(const cmrp_stub_format *format, enum set set, const cmrp_param *params,
                 size_t count, cmrp_slot *slots) {
    for (size_t i = 0; i < count; i++) {
        if (cmrp_param_sized_by(params, count, i) == NULL) { // counts are derived
            fill_one(format, set, &params[i], &slots[i]);
        }
    }
}

static void release(size_t count, const cmrp_slot *slots) {
    for (size_t i = 0; i < count; i++) {
        if (slots[i].rows.members != NULL) {
            release(slots[i].rows.count * slots[i].rows.type->count, slots[i].rows.members);
            free((void *)slots[i].rows.members);
        }
    }
}

// ---- calls --------------------------------------------------------------------------------------

enum { MARKS = 2 };

typedef struct stream {
    uint8_t *octets;
    size_t size;
    size_t numbers[MARKS]; // where handles hold the connection's number; 0: none
} stream;

typedef struct call {
    stream side[2]; // PDUs of the request and the response
    bool between;   // an object is open that the next call closes
} call;

static call calls[MOST_CALLS];
static size_t call_count;
static size_t lasting_count; // calls at first, which open what stays open
static call first;           // bind and its answer

static void put_pdu(stream *s, const cmrp_pdu *pdu) {
    cmrp_error error = {0};
    cmrp_writer w;
    s->octets = realloc(s->octets, s->size + FRAGMENT);
    if (s->octets == NULL) {
        fail("out of memory");
    }
    cmrp_writer_init(&w, s->octets + s->size, FRAGMENT, &error, NULL);
    if (!cmrp_pdu_encode(pdu, &w)) {
        fail("a PDU could not be made");
    }
    s->size += w.size;
}

static void put_fragments(stream *s, const cmrp_method *method, bool response, cmrp_view stub) {
    const size_t room = FRAGMENT - PDU_HEADER;
    for (size_t at = 0; at == 0 || at < stub.size; at += room) {
        const size_t left = stub.size - at;
        const cmrp_pdu pdu = {
            .header = {.ptype = response ? CMRP_PTYPE_RESPONSE : CMRP_PTYPE_REQUEST,
                       .flags = (uint8_t)((at == 0 ? CMRP_PFC_FIRST_FRAG : 0) |
                                          (left <= room ? CMRP_PFC_LAST_FRAG : 0)),
                       .drep = {0x10}},
            .alloc_hint = (uint32_t)left,
            .opnum = (uint16_t)method->opnum,
            .stub = {stub.data + at, left < room ? left : room},
        };
        put_pdu(s, &pdu);
    }
}

static void find_marks(stream *s) {
    size_t count = 0;
    for (size_t at = MARK_AT; at + sizeof mark <= s->size && count < MARKS; at++) {
        if (memcmp(s->octets + at, mark, sizeof mark) == 0) {
            s->numbers[count++] = at - 4;
        }
    }
}

static void make_call(const cmrp_method *method, enum set set) {
    static uint8_t stub[STUB_ROOM];
    call *c = &calls[call_count++];
    if (call_count == MOST_CALLS) {
        fail("too many methods");
    }
    for (int response = 0; response < 2; response++) {
        const cmrp_stub_format format = {
            .method = method, .interface = CMRP_INTERFACE_3, .response = response != 0};
        cmrp_slot slots[CMRP_MAX_PARAMS] = {0};
        cmrp_error error = {0};
        cmrp_writer w;
        fill(&format, set, method->params, method->count, slots);
        cmrp_writer_init(&w, stub, sizeof stub, &error, NULL);
        if (!cmrp_stub_encode(&format, slots, &w)) {
            fprintf(stderr, "%s: %s %s\n", method->name, cmrp_code_id(error.code), error.field);
            fail("a stub could not be made");
        }
        put_fragments(&c->side[response], method, response != 0, (cmrp_view){stub, w.size});
        find_marks(&c->side[response]);
        release(method->count, slots);
    }
}

static const cmrp_method *named(const char *name) {
    const cmrp_method *method = cmrp_method_named(CMRP_INTERFACE_3, name);
    if (method == NULL) {
        fail(name);
    }
    return method;
}

// The handle that a method gives or closes, or CMRP_MEANS_NOTHING.
static unsigned meaning_of(const cmrp_method *method, bool (*which)(const cmrp_param *p)) {
    for (uint32_t i = 0; i < method->count; i++) {
        if ((method->params[i].protocols & CMRP_PROTOCOL_3) != 0 && which(&method->params[i])) {
            return method->params[i].meaning;
        }
    }
    return 0;
}

static const cmrp_method *closer_of(unsigned meaning) {
    for (size_t i = 0; i < cmrp_method_count(); i++) {
        if (meaning_of(cmrp_method_at(i), closes) == meaning) {
            return cmrp_method_at(i);
        }
    }
    fail("nothing closes it");
}

static void make_lasting(void) {
    static const char *const names[] = {
        "ApiOpenCluster",    "ApiOpenNode",         "ApiOpenGroup",  "ApiOpenResource",
        "ApiOpenNetwork",    "ApiOpenNetInterface", "ApiGetRootKey", "ApiCreateNotify",
        "ApiCreateNotifyV2", "ApiCreateBatchPort",  "ApiAddNotifyV2"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        make_call(named(names[i]), LASTING);
    }
    lasting_count = call_count;
}

static void make_calls(void) {
    static const char *const large[] = {"ApiExecuteBatch", "ApiGetBatchNotification",
                                        "ApiGetNotifyV2"};
    make_values();
    make_lasting();
    for (size_t i = 0, n = 0; i < cmrp_method_count(); i++) {
        const cmrp_method *method = cmrp_method_at(i);
        if (cmrp_method_section(method, CMRP_INTERFACE_3) == NULL ||
            meaning_of(method, closes) != 0) {
            continue; // what closes is called behind what opens
        }
        const unsigned given = meaning_of(method, gives);
        make_call(method, PASSING);
        calls[call_count - 1].between = given != 0;
        make_call(named(large[n++ % 3]), LASTING);
        if (given != 0) {
            calls[call_count - 1].between = true;
            make_call(closer_of(given), PASSING);
            make_call(named(large[n++ % 3]), LASTING);
        }
    }
}

static void make_first(void) {
    const cmrp_syntax_id syntaxes[] = {{.uuid = cmrp_uuid_ndr20, .version = 2},
                                       {.uuid = cmrp_uuid_ndr64, .version = 1}};
    const cmrp_pdu_context context = {
        .abstract_syntax = {.uuid = cmrp_uuid_clusapi, .version = CMRP_INTERFACE_3},
        .transfer_count = 2,
        .transfers = syntaxes};
    const cmrp_pdu_result result = {.transfer = syntaxes[0]};
    cmrp_pdu pdu = {.header = {.ptype = CMRP_PTYPE_BIND,
                               .flags = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG,
                               .drep = {0x10}},
                    .max_xmit_frag = FRAGMENT,
                    .max_recv_frag = FRAGMENT,
                    .list_count = 1,
                    .contexts = &context,
                    .results = &result};
    put_pdu(&first.side[0], &pdu);
    pdu.header.ptype = CMRP_PTYPE_BIND_ACK;
    pdu.assoc_group_id = 1;
    put_pdu(&first.side[1], &pdu);
    first.side[1].numbers[0] = ASSOC_GROUP_AT;
}

// ---- packets ------------------------------------------------------------------------------------

static FILE *file;
static uint64_t written;
static uint64_t microseconds;

typedef struct connection {
    uint32_t address;
    uint16_t port;
    uint32_t sequence[2];
    uint32_t number;
    uint32_t call_id;
    const call *call;
    size_t next;  // index of the call after this one
    size_t start; // of the call behind those that open what stays open
    int side;
    size_t at;
} connection;

static void put_packet(connection *c, int side, unsigned flags, const uint8_t *data, size_t size) {
    const uint32_t server = 0xc0000201;
    const uint16_t server_port = 49152;
    uint8_t head[16 + ETHERNET_IP_TCP] = {0};
    uint8_t *const ip = head + 16 + 14;
    uint8_t *const tcp = ip + 20;
    const size_t length = ETHERNET_IP_TCP + size;
    cmrp_store(head, 4, FIRST_SECOND + microseconds / 1000000, CMRP_LITTLE_ENDIAN);
    cmrp_store(head + 4, 4, microseconds % 1000000, CMRP_LITTLE_ENDIAN);
    cmrp_store(head + 8, 4, length, CMRP_LITTLE_ENDIAN);
    cmrp_store(head + 12, 4, length, CMRP_LITTLE_ENDIAN);
    cmrp_store(head + 16 + 12, 2, 0x0800, CMRP_BIG_ENDIAN);
    cmrp_store(ip, 2, 0x4500, CMRP_BIG_ENDIAN);
    cmrp_store(ip + 2, 2, length - 14, CMRP_BIG_ENDIAN);
    cmrp_store(ip + 8, 2, 0x4006, CMRP_BIG_ENDIAN);
    cmrp_store(ip + 12, 4, side == 0 ? c->address : server, CMRP_BIG_ENDIAN);
    cmrp_store(ip + 16, 4, side == 0 ? server : c->address, CMRP_BIG_ENDIAN);
    cmrp_store(tcp, 2, side == 0 ? c->port : server_port, CMRP_BIG_ENDIAN);
    cmrp_store(tcp + 2, 2, side == 0 ? server_port : c->port, CMRP_BIG_ENDIAN);
    cmrp_store(tcp + 4, 4, c->sequence[side], CMRP_BIG_ENDIAN);
    cmrp_store(tcp + 8, 4, (flags & 0x10) != 0 ? c->sequence[1 - side] : 0, CMRP_BIG_ENDIAN);
    cmrp_store(tcp + 12, 2, 0x5000 | flags, CMRP_BIG_ENDIAN);
    cmrp_store(tcp + 14, 2, 0xffff, CMRP_BIG_ENDIAN);
    if (fwrite(head, sizeof head, 1, file) != 1 ||
        (size > 0 && fwrite(data, 1, size, file) != size)) {
        fail("cannot write");
    }
    c->sequence[side] += (uint32_t)size + ((flags & 2) != 0 ? 1 : 0);
    written += 16 + length;
    microseconds += 10;
}

static void put_handshake(connection *c) {
    put_packet(c, 0, 0x02, NULL, 0);
    put_packet(c, 1, 0x12, NULL, 0);
    put_packet(c, 0, 0x10, NULL, 0);
}

// Gives the PDUs of the call, which all connections share, the call's number, and this connection's
// in its association's identifier and its handles.
static void number_pdus(connection *c) {
    const stream *s = &c->call->side[c->side];
    for (size_t i = 0; i < MARKS && s->numbers[i] != 0; i++) {
        cmrp_store(s->octets + s->numbers[i], 4, c->number, CMRP_LITTLE_ENDIAN);
    }
    for (size_t at = 0; at < s->size; at += cmrp_load_u16(s->octets + at + 8, CMRP_LITTLE_ENDIAN)) {
        cmrp_store(s->octets + at + 12, 4, c->call_id, CMRP_LITTLE_ENDIAN);
    }
}

// Sends what is left of a request or response, or as much as is sent in one go.
static void put_train(connection *c) {
    const stream *s = &c->call->side[c->side];
    number_pdus(c);
    for (unsigned i = 0; i < TRAIN && c->at < s->size; i++) {
        const size_t size = s->size - c->at < SEGMENT ? s->size - c->at : SEGMENT;
        put_packet(c, c->side, 0x18, s->octets + c->at, size);
        c->at += size;
    }
    if (c->at < s->size) {
        return;
    }
    c->at = 0;
    c->side = 1 - c->side;
    if (c->side == 0) {
        c->call = &calls[c->next++];
        c->call_id++;
        if (c->next == lasting_count) {
            c->next = c->start;
        } else if (c->next == call_count) {
            c->next = lasting_count;
        }
    }
}

// Where the connection begins: not all do the same at the same time.
static size_t start_of(size_t number) {
    size_t start = lasting_count + number % (call_count - lasting_count);
    while (calls[start - 1].between) {
        start++;
    }
    return start % call_count == 0 ? lasting_count : start;
}

static void put_capture(uint64_t size, size_t count) {
    connection *all = allocate(count * sizeof *all);
    uint8_t head[24] = {0};
    cmrp_store(head, 4, 0xa1b2c3d4, CMRP_LITTLE_ENDIAN);
    cmrp_store(head + 4, 2, 2, CMRP_LITTLE_ENDIAN);
    cmrp_store(head + 6, 2, 4, CMRP_LITTLE_ENDIAN);
    cmrp_store(head + 16, 4, 262144, CMRP_LITTLE_ENDIAN);
    cmrp_store(head + 20, 4, LINK_ETHERNET, CMRP_LITTLE_ENDIAN);
    if (fwrite(head, sizeof head, 1, file) != 1) {
        fail("cannot write");
    }
    written = sizeof head;
    for (size_t i = 0; i < count; i++) {
        all[i] = (connection){.address = 0x0a000001 + (uint32_t)(i / 32768),
                              .port = (uint16_t)(FIRST_PORT + i % 32768),
                              .sequence = {1000, 5000000},
                              .call_id = 1,
                              .call = &first,
                              .number = (uint32_t)i + 1,
                              .start = start_of(i)};
        put_handshake(&all[i]);
    }
    while (written < size) {
        for (size_t i = 0; i < count && written < size; i++) {
            put_train(&all[i]);
        }
    }
    for (size_t i = 0; i < count; i++) { // every call to its end
        while (all[i].at > 0 || all[i].side > 0) {
            put_train(&all[i]);
        }
        put_packet(&all[i], 0, 0x11, NULL, 0);
        put_packet(&all[i], 1, 0x11, NULL, 0);
    }
    free(all);
}

int main(int argc, char **argv) {
    const uint64_t megabytes = argc == 4 ? strtoull(argv[2], NULL, 10) : 0;
    const size_t connections = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
    if (megabytes == 0 || connections == 0) {
        fail("usage: bench-traffic FILE MEGABYTES CONNECTIONS");
    }
    file = fopen(argv[1], "wb");
    if (file == NULL) {
        fail("cannot write");
    }
    make_calls();
    make_first();
    put_capture(megabytes << 20, connections);
    if (fclose(file) != 0) {
        fail("cannot write");
    }
    return 0;
}
