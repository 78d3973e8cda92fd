// SPDX-License-Identifier: Apache-2.0
// Writers without room: at every capacity the field that does not fit is named, where it would
// begin, how much it asks for, and the section that describes it.
#include "test_support.h"

#include <stdlib.h>

#include "cmrp/batch.h"
#include "cmrp/epm.h"
#include "cmrp/payload.h"
#include "cmrp/pdu.h"
#include "cmrp/pdu_cl.h"

// A field as the writer puts it. Section NULL: that of the one before.
typedef struct part {
    const char *field;
    size_t size;
    const char *section;
} part;

typedef struct layout {
    size_t count;
    part parts[64];
} layout;

static void add_parts(layout *l, const part *parts, size_t count) {
    assert_true(l->count + count <= COUNT_OF(l->parts));
    memcpy(l->parts + l->count, parts, count * sizeof *parts);
    l->count += count;
}

#define ADD(layout_, ...)                                                                          \
    add_parts(layout_, (const part[]){__VA_ARGS__},                                                \
              sizeof((const part[]){__VA_ARGS__}) / sizeof(part))

static void check_capacity(encode_function *encode, void *context, const layout *l,
                           size_t capacity) {
    uint8_t *room = malloc(capacity + 1);
    const char *section = "none";
    cmrp_error error = {0};
    cmrp_writer w;
    size_t at = 0;
    size_t i = 0;
    assert_non_null(room);
    for (;; i++) {
        section = l->parts[i].section != NULL ? l->parts[i].section : section;
        if (at + l->parts[i].size > capacity) {
            break;
        }
        at += l->parts[i].size;
    }
    cmrp_writer_init(&w, room, capacity, &error, "none");
    assert_false(encode(context, &w));
    assert_error(&error, CMRP_E_NO_SPACE, at, l->parts[i].field, section);
    assert_int_equal(error.value, l->parts[i].size);
    assert_int_equal(error.left, capacity - at);
    assert_int_equal(w.size, at);
    free(room);
}

static void check_room(encode_function *encode, void *context, const layout *l) {
    static uint8_t room[4096];
    cmrp_error error = {0};
    cmrp_writer w;
    size_t size = 0;
    for (size_t i = 0; i < l->count; i++) {
        size += l->parts[i].size;
    }
    assert_true(size <= sizeof room);
    for (size_t capacity = 0; capacity < size; capacity++) {
        check_capacity(encode, context, l, capacity);
    }
    cmrp_writer_init(&w, room, size, &error, "none");
    assert_true(encode(context, &w));
    assert_int_equal(w.size, size);
}

// ---- PDUs ---------------------------------------------------------------------------------------

static const cmrp_view three = {(const uint8_t *)"abc", 3};

static bool put_pdu(void *context, cmrp_writer *w) {
    return cmrp_pdu_encode(context, w);
}

static const cmrp_syntax_id syntaxes[2] = {{.version = 1}, {.version = 2}};
static const cmrp_pdu_context contexts[2] = {
    {.id = 1, .transfer_count = 2, .transfers = syntaxes},
    {.id = 2, .transfer_count = 1, .transfers = syntaxes},
};
static const cmrp_pdu_result results[2] = {{.result = 0}, {.result = 2}};

#define ASSOCIATION                                                                                \
    {"max_xmit_frag", 2, NULL}, {"max_recv_frag", 2, NULL}, {                                      \
        "assoc_group_id", 4, NULL                                                                  \
    }
#define SYNTAX(field)                                                                              \
    {field, 16, NULL}, {                                                                           \
        field, 4, NULL                                                                             \
    }
#define CONTEXT                                                                                    \
    {"p_cont_id", 2, NULL}, {"n_transfer_syn", 1, NULL}, {"reserved", 1, NULL},                    \
        SYNTAX("abstract_syntax")
#define RESULT {"result", 2, NULL}, {"reason", 2, NULL}, SYNTAX("transfer_syntax")

static void add_pdu_body(layout *l, const cmrp_pdu *p) {
    switch (p->header.ptype) {
    case CMRP_PTYPE_REQUEST:
        ADD(l, {"alloc_hint", 4, NULL}, {"p_cont_id", 2, NULL}, {"opnum", 2, NULL});
        ADD(l, {"object", p->has_object ? 16 : 0, NULL}, {"stub", 3, NULL});
        break;
    case CMRP_PTYPE_RESPONSE:
    case CMRP_PTYPE_FAULT:
        ADD(l, {"alloc_hint", 4, NULL}, {"p_cont_id", 2, NULL});
        ADD(l, {"cancel_count", 1, NULL}, {"reserved", 1, NULL});
        if (p->header.ptype == CMRP_PTYPE_FAULT) {
            ADD(l, {"status", 4, NULL}, {"reserved2", 4, NULL});
        }
        ADD(l, {"stub", 3, NULL});
        break;
    case CMRP_PTYPE_BIND:
    case CMRP_PTYPE_ALTER_CONTEXT:
        ADD(l, ASSOCIATION, {"n_context_elem", 1, NULL}, {"reserved", 3, NULL});
        ADD(l, CONTEXT, SYNTAX("transfer_syntaxes"), SYNTAX("transfer_syntaxes"));
        ADD(l, CONTEXT, SYNTAX("transfer_syntaxes"));
        break;
    case CMRP_PTYPE_BIND_ACK:
    case CMRP_PTYPE_ALTER_CONTEXT_RESP:
        // The address and its NUL end at octet 30.
        ADD(l, ASSOCIATION, {"sec_addr.length", 2, NULL}, {"sec_addr.port_spec", 3, NULL});
        ADD(l, {"sec_addr.port_spec", 1, NULL}, {"n_results", 2, NULL}, {"n_results", 1, NULL});
        ADD(l, {"reserved", 3, NULL}, RESULT, RESULT);
        break;
    case CMRP_PTYPE_BIND_NAK:
        ADD(l, {"provider_reject_reason", 2, NULL}, {"n_protocols", 1, NULL});
        ADD(l, {"p_protocols", 4, NULL}, {"extension", 3, NULL});
        break;
    case CMRP_PTYPE_AUTH3: ADD(l, {"pad", 4, NULL}); break;
    default: break;
    }
}

static void check_pdu(cmrp_pdu *p, const char *section) {
    layout l = {0};
    ADD(&l, {"rpc_vers", 1, section}, {"rpc_vers_minor", 1, NULL}, {"PTYPE", 1, NULL});
    ADD(&l, {"pfc_flags", 1, NULL}, {"packed_drep", 4, NULL}, {"frag_length", 2, NULL});
    ADD(&l, {"auth_length", 2, NULL}, {"call_id", 4, NULL});
    add_pdu_body(&l, p);
    ADD(&l, {"trailing", p->trailing.size, NULL});
    if (p->has_auth) {
        ADD(&l, {"auth_padding", 3, NULL}, {"auth_type", 1, NULL}, {"auth_level", 1, NULL});
        ADD(&l, {"auth_pad_length", 1, NULL}, {"auth_reserved", 1, NULL});
        ADD(&l, {"auth_context_id", 4, NULL}, {"auth_value", 3, NULL});
    }
    check_room(put_pdu, p, &l);
}

static void test_pdus(void **state) {
    (void)state;
    static const struct {
        uint8_t ptype;
        const char *section;
    } kinds[] = {
        {CMRP_PTYPE_REQUEST, "C706 12.6.4.9"},
        {CMRP_PTYPE_RESPONSE, "C706 12.6.4.10"},
        {CMRP_PTYPE_FAULT, "C706 12.6.4.7"},
        {CMRP_PTYPE_BIND, "C706 12.6.4.3"},
        {CMRP_PTYPE_BIND_ACK, "C706 12.6.4.4"},
        {CMRP_PTYPE_BIND_NAK, "C706 12.6.4.5"},
        {CMRP_PTYPE_ALTER_CONTEXT, "C706 12.6.4.1"},
        {CMRP_PTYPE_ALTER_CONTEXT_RESP, "C706 12.6.4.2"},
        {CMRP_PTYPE_AUTH3, "MS-RPCE 2.2.2.10"},
        {17, "C706 12.6.4.11"},
        {99, "C706 12.6.3.1"}, // none: then the common header's
    };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        for (unsigned form = 0; form < 8; form++) {
            cmrp_pdu p = {
                .header = {.ptype = kinds[i].ptype, .drep = {0x10}},
                .has_object = form % 2 != 0,
                .stub = three,
                .sec_addr = three,
                .list_count = 2,
                .list = {(const uint8_t *)"\5\0\5\1", 4},
                .contexts = contexts,
                .results = results,
                .extension = three,
                .trailing = {three.data, form / 2 % 2 != 0 ? 3 : 0},
                .has_auth = form / 4 != 0,
                .auth_padding = three,
                .auth_token = three,
            };
            check_pdu(&p, kinds[i].section);
        }
    }
}

static bool put_pdu_cl(void *context, cmrp_writer *w) {
    return cmrp_pdu_cl_encode(context, w);
}

static void add_pdu_cl_body(layout *l, uint8_t ptype) {
    switch (ptype) {
    case CMRP_PTYPE_CL_REQUEST:
    case CMRP_PTYPE_CL_RESPONSE: ADD(l, {"stub", 3, NULL}); break;
    case CMRP_PTYPE_CL_FAULT:
    case CMRP_PTYPE_CL_REJECT: ADD(l, {"status", 4, NULL}); break;
    case CMRP_PTYPE_CL_NOCALL:
    case CMRP_PTYPE_CL_FACK:
        ADD(l, {"vers", 1, NULL}, {"pad", 1, NULL}, {"window_size", 2, NULL});
        ADD(l, {"max_tsdu", 4, NULL}, {"max_frag_size", 4, NULL}, {"serial_num", 2, NULL});
        ADD(l, {"selack_len", 2, NULL}, {"selack", 4, NULL}, {"selack", 4, NULL});
        break;
    case CMRP_PTYPE_CL_CANCEL_ACK:
        ADD(l, {"vers", 4, NULL}, {"cancel_id", 4, NULL}, {"server_is_accepting", 1, NULL});
        break;
    case CMRP_PTYPE_CL_CL_CANCEL: ADD(l, {"vers", 4, NULL}, {"cancel_id", 4, NULL}); break;
    default: break;
    }
}

static void check_pdu_cl(cmrp_pdu_cl *p, const char *section) {
    layout l = {0};
    ADD(&l, {"rpc_vers", 1, section}, {"ptype", 1, NULL}, {"flags1", 1, NULL}, {"flags2", 1, NULL});
    ADD(&l, {"drep", 3, NULL}, {"serial_hi", 1, NULL}, {"object", 16, NULL}, {"if_id", 16, NULL});
    ADD(&l, {"act_id", 16, NULL}, {"server_boot", 4, NULL}, {"if_vers", 4, NULL});
    ADD(&l, {"seqnum", 4, NULL}, {"opnum", 2, NULL}, {"ihint", 2, NULL}, {"ahint", 2, NULL});
    ADD(&l, {"len", 2, NULL}, {"fragnum", 2, NULL}, {"auth_proto", 1, NULL});
    ADD(&l, {"serial_lo", 1, NULL});
    add_pdu_cl_body(&l, p->header.ptype);
    ADD(&l, {"trailing", p->trailing.size, NULL});
    size_t body = 0;
    for (size_t i = 0; i < l.count; i++) {
        body += l.parts[i].size;
    }
    if (p->has_auth) {
        p->auth_padding = (cmrp_view){(const uint8_t *)"padding", -body & 7};
        ADD(&l, {"auth_padding", p->auth_padding.size, NULL}, {"auth_level", 1, NULL});
        ADD(&l, {"key_vers_num", 1, NULL}, {"auth_pad", 2, NULL}, {"auth_value", 3, NULL});
    }
    check_room(put_pdu_cl, p, &l);
}

static void test_connectionless_pdus(void **state) {
    (void)state;
    static const char *const sections[] = {
        "C706 12.5.3.9",  "C706 12.5.3.7", "C706 12.5.3.10", "C706 12.5.3.5",
        "C706 12.5.3.11", "C706 12.5.3.6", "C706 12.5.3.8",  "C706 12.5.3.1",
        "C706 12.5.3.3",  "C706 12.5.3.4", "C706 12.5.3.2",  "C706 12.5.2", // none: the header's
    };
    static const uint32_t masks[2] = {1, 2};
    for (uint8_t ptype = 0; ptype < COUNT_OF(sections); ptype++) {
        for (unsigned form = 0; form < 4; form++) {
            cmrp_pdu_cl p = {
                .header = {.ptype = ptype, .auth_proto = 10},
                .stub = three,
                .has_body = true,
                .selack_len = 2,
                .masks = masks,
                .trailing = {three.data, form % 2 != 0 ? 3 : 0},
                .has_auth = form / 2 != 0,
                .auth_token = three,
            };
            check_pdu_cl(&p, sections[ptype]);
        }
    }
}

// ---- towers -------------------------------------------------------------------------------------

typedef struct tower {
    size_t count;
    const cmrp_floor *floors;
} tower;

static bool put_tower(void *context, cmrp_writer *w) {
    const tower *t = context;
    return cmrp_tower_encode(t->floors, t->count, w);
}

#define SIDES(more, right)                                                                         \
    {"lhs_length", 2, NULL}, {"lhs", 1, NULL}, {"lhs", more, NULL}, {"rhs_length", 2, NULL}, {     \
        "rhs", right, NULL                                                                         \
    }

static void test_towers(void **state) {
    (void)state;
    const cmrp_floor floors[] = {
        {.protocol = 0x0d, .kind = CMRP_FLOOR_UUID},
        {.protocol = 0x0b, .kind = CMRP_FLOOR_RPC},
        {.protocol = 0x07, .kind = CMRP_FLOOR_PORT},
        {.protocol = 0x09, .kind = CMRP_FLOOR_ADDRESS},
        {.protocol = 0x0f, .kind = CMRP_FLOOR_NAME, .name = three},
        {.protocol = 0x70, .kind = CMRP_FLOOR_OTHER, .lhs = three, .rhs = three},
    };
    layout l = {0};
    ADD(&l, {"floor_count", 2, "C706 appendix L"});
    for (size_t count = 1; count <= COUNT_OF(floors); count++) { // each of them once the last one
        tower t = {count, floors};
        switch (floors[count - 1].kind) {
        case CMRP_FLOOR_UUID:
            ADD(&l, {"lhs_length", 2, NULL}, {"lhs", 1, NULL}, {"lhs", 16, NULL}, {"lhs", 2, NULL});
            ADD(&l, {"rhs_length", 2, NULL}, {"rhs", 2, NULL});
            break;
        case CMRP_FLOOR_ADDRESS: ADD(&l, SIDES(0, 4)); break;
        case CMRP_FLOOR_NAME: ADD(&l, SIDES(0, 3), {"rhs", 1, NULL}); break;
        case CMRP_FLOOR_OTHER: ADD(&l, SIDES(3, 3)); break;
        default: ADD(&l, SIDES(0, 2)); break;
        }
        check_room(put_tower, &t, &l);
    }
}

static bool put_request(void *context, cmrp_writer *w) {
    return cmrp_epm_request_encode(context, CMRP_NDR20, CMRP_LITTLE_ENDIAN, w);
}

static bool put_response(void *context, cmrp_writer *w) {
    return cmrp_epm_response_encode(context, CMRP_NDR20, CMRP_LITTLE_ENDIAN, w);
}

#define MAP "MS-RPCE 2.2.1.2.5"
#define TWR(length)                                                                                \
    {"tower_octet_string", 4, NULL}, {"tower_length", 4, NULL}, {                                  \
        "tower_octet_string", length, NULL                                                         \
    }

static void test_ept_map(void **state) {
    (void)state;
    cmrp_epm_request request = {.has_object = true, .has_tower = true, .tower = three};
    layout l = {0};
    ADD(&l, {"obj", 4, MAP}, {"obj", 16, NULL}, {"map_tower", 4, NULL}, TWR(3));
    ADD(&l, {"entry_handle", 1, NULL}, {"entry_handle", 20, NULL}, {"max_towers", 4, NULL});
    check_room(put_request, &request, &l);
    const cmrp_view towers[] = {three, {NULL, 0}, three};
    cmrp_epm_response response = {.num_towers = 3, .max_towers = 3, .towers = towers};
    l.count = 0;
    ADD(&l, {"entry_handle", 20, MAP}, {"num_towers", 4, NULL});
    for (unsigned i = 0; i < 6; i++) { // three counts and three referents
        ADD(&l, {"ITowers", 4, NULL});
    }
    ADD(&l, TWR(3), {"tower_octet_string", 1, NULL}, TWR(3));
    ADD(&l, {"status", 1, NULL}, {"status", 4, NULL});
    check_room(put_response, &response, &l);
}

// ---- payloads -----------------------------------------------------------------------------------

static bool put_volume(void *context, cmrp_writer *w) {
    return cmrp_shared_volume_write(context, w);
}

#define NAME(field, text)                                                                          \
    {field, text, NULL}, {field, 2, NULL}, {                                                       \
        field, 518 - (text), NULL                                                                  \
    }

static void test_volumes(void **state) {
    (void)state;
    const cmrp_view text = {(const uint8_t *)"a\0b\0", 4};
    cmrp_shared_volume v = {.volume_name.text = text, .node_name.text = text};
    layout l = {0};
    ADD(&l, {"", 0, "MS-CMRP 2.2.3.29"}, NAME("szVolumeName", 4), NAME("szNodeName", 4));
    ADD(&l, {"VolumeState", 4, NULL});
    check_room(put_volume, &v, &l);
    v.ex = true;
    l.parts[0].section = "MS-CMRP 2.2.3.32";
    ADD(&l, NAME("szVolumeFriendlyName", 0), {"RedirectedIOReason", 8, NULL});
    ADD(&l, {"BlockRedirectedIOReason", 8, NULL});
    check_room(put_volume, &v, &l);
}

// Whether a step says of itself what its writer's error says.
static bool step(bool ok, const cmrp_writer *w) {
    assert_int_equal(ok, w->error->code == CMRP_OK);
    return ok;
}

static bool put_list(void *context, cmrp_writer *w) {
    (void)context;
    cmrp_property_writer pw;
    const cmrp_property p = {.name = {(const uint8_t *)"a\0b\0\0\0", 6}};
    const cmrp_property_value v = {.syntax = CMRP_CLUSPROP_SYNTAX_LIST_VALUE_BINARY, .data = three};
    (void)step(cmrp_property_writer_open(&pw, w), w);
    pw.end_mark = true;
    for (unsigned i = 0; i < 2; i++) {
        (void)step(cmrp_property_put(&pw, &p), w);
        pw.count = i + 1; // go on as if it had been there
        (void)step(cmrp_property_put_value(&pw, &v), w);
        pw.values = 1;
    }
    return step(cmrp_property_writer_close(&pw), w);
}

static void test_property_lists(void **state) {
    (void)state;
    layout l = {0};
    ADD(&l, {"propertyCount", 4, "MS-CMRP 2.2.3.10"});
    for (unsigned i = 0; i < 2; i++) {
        ADD(&l, {"CLUSPROP_SYNTAX_NAME", 4, "MS-CMRP 2.2.3.10.1"}, {"size", 4, NULL});
        ADD(&l, {"buffer", 6, NULL}, {"padding", 2, NULL}, {"Syntax", 4, NULL}, {"Size", 4, NULL});
        ADD(&l, {"Buffer", 3, NULL}, {"Padding", 1, NULL}, {"CLUSPROP_SYNTAX_ENDMARK", 4, NULL});
    }
    ADD(&l, {"CLUSPROP_SYNTAX_ENDMARK", 4, NULL});
    check_room(put_list, NULL, &l);
}

static bool put_payload(void *context, cmrp_writer *w) {
    return cmrp_payload_encode(context, w);
}

static void test_membership(void **state) {
    (void)state;
    cmrp_payload p = {.row = cmrp_payload_row_of(1, 0x800), .kind = CMRP_PAYLOAD_MEMBERSHIP};
    layout l = {0};
    p.up_nodes = three;
    ADD(&l, {"HasQuorum", 1, "MS-CMRP 2.2.3.42"}, {"UpNodesSize", 4, NULL}, {"UpNodes", 3, NULL});
    check_room(put_payload, &p, &l);
}

// ---- batches ------------------------------------------------------------------------------------

static bool put_batch(void *context, cmrp_writer *w) {
    const cmrp_view *trailing = context;
    const cmrp_batch_command c = {
        .type = 4, .value_type = 3, .name = {(const uint8_t *)"n\0\0\0", 4}, .data = three};
    cmrp_batch_writer bw;
    (void)step(cmrp_batch_writer_open(&bw, w, trailing->size != 0 ? CMRP_BATCH_LENIENT : 0), w);
    (void)step(cmrp_batch_put(&bw, &c), w);
    bw.count = 1;
    return step(cmrp_batch_writer_close(&bw, *trailing), w);
}

static void test_batches(void **state) {
    (void)state;
    cmrp_view trailing = {NULL, 0};
    layout l = {0};
    ADD(&l, {"VersionNumber", 4, "MS-CMRP 2.2.3.17"}, {"CommandType", 4, "MS-CMRP 2.2.3.17.1"});
    ADD(&l, {"ValueType", 4, NULL}, {"NameLength", 4, NULL}, {"Name", 4, NULL});
    ADD(&l, {"DataLength", 4, NULL}, {"Data", 3, NULL}, {"Padding", 1, NULL});
    check_room(put_batch, &trailing, &l);
    trailing = three;
    ADD(&l, {"trailing", 3, NULL});
    check_room(put_batch, &trailing, &l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pdus),       cmocka_unit_test(test_connectionless_pdus),
        cmocka_unit_test(test_towers),     cmocka_unit_test(test_ept_map),
        cmocka_unit_test(test_volumes),    cmocka_unit_test(test_property_lists),
        cmocka_unit_test(test_membership), cmocka_unit_test(test_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
