// SPDX-License-Identifier: Apache-2.0
#include "test_support.h"

#include <stdlib.h>

#include "cmrp/change.h"
#include "cmrp/payload.h"

#define LIST     "MS-CMRP 2.2.3.10"
#define PROPERTY "MS-CMRP 2.2.3.10.1"
#define SYNTAX   "MS-CMRP 2.2.2.3"
#define EVENTS   "MS-CMRP 3.1.4.2.138"

enum { CLUSTER = 1, GROUP = 2, RESOURCE = 3, REGISTRY = 8, QUORUM = 9, SHARED_VOLUME = 10 };

// One event of each kind.
static const struct event {
    uint32_t type;
    uint64_t flag;
    cmrp_payload_kind kind;
} opaque = {4, 0x20, CMRP_PAYLOAD_OPAQUE}, empty = {GROUP, 0x1, CMRP_PAYLOAD_EMPTY},
  state = {GROUP, 0x8, CMRP_PAYLOAD_STATE}, dword = {CLUSTER, 0x1000, CMRP_PAYLOAD_DWORD},
  id = {GROUP, 0x10, CMRP_PAYLOAD_ID}, expression = {RESOURCE, 0x10, CMRP_PAYLOAD_TEXT},
  multi_sz = {GROUP, 0x20, CMRP_PAYLOAD_MULTI_SZ},
  properties = {GROUP, 0x2, CMRP_PAYLOAD_PROPERTIES},
  membership = {CLUSTER, 0x800, CMRP_PAYLOAD_MEMBERSHIP},
  quorum = {QUORUM, 0x1, CMRP_PAYLOAD_STATE},
  volumes = {SHARED_VOLUME, 0x1, CMRP_PAYLOAD_SHARED_VOLUMES};

static bool decode_event(void *context, cmrp_view input, uint64_t offset, cmrp_error *error) {
    const struct event *e = context;
    cmrp_payload p;
    return cmrp_payload_decode(e->type, e->flag, input, offset, &p, NULL, NULL, error);
}

static bool encode_payload(void *context, cmrp_writer *w) {
    return cmrp_payload_encode(context, w);
}

// Decodes, wants these warnings, and writes the identical octets back.
static cmrp_payload accepted(const struct event *e, cmrp_view octets, size_t warning_count) {
    cmrp_error error = {0};
    cmrp_payload p;
    warnings w = {0};
    assert_true(cmrp_payload_decode(e->type, e->flag, octets, BASE, &p, collect, &w, &error));
    assert_int_equal(w.count, warning_count);
    assert_int_equal(error.code, CMRP_OK);
    static const cmrp_reservation count = {0, 4}; // propertyCount is filled in at the end
    const bool list = p.kind == CMRP_PAYLOAD_PROPERTIES;
    check_encode(encode_payload, &p, octets, list ? &count : NULL);
    return p;
}

static cmrp_payload accepted_text(const struct event *e, const char *octets, size_t size,
                                  size_t warning_count) {
    return accepted(e, (cmrp_view){(const uint8_t *)octets, size}, warning_count);
}

static void refused(const struct event *e, const char *octets, size_t size, cmrp_code code,
                    uint64_t offset, const char *path, const char *section) {
    const cmrp_view input = exact(octets, size);
    cmrp_error error = {0};
    const cmrp_payload untouched = {.nuls = 77};
    cmrp_payload p = untouched;
    assert_false(cmrp_payload_decode(e->type, e->flag, input, BASE, &p, NULL, NULL, &error));
    assert_error(&error, code, BASE + offset, path, section);
    assert_int_equal(p.nuls, untouched.nuls);
    free_view(input);
}

// ---- tables -------------------------------------------------------------------------------------

// Every event that servers return has a row, except those of object types that 3.1.4.2.138 does not
// describe; the table has one row more, for SUBTREE, which no server returns.
static void test_rows(void **unused) {
    (void)unused;
    size_t rows = 0;
    for (uint32_t type = 0; type <= 0x20; type++) {
        const cmrp_change_set *set = cmrp_change_set_of_type(type);
        for (unsigned bit = 0; bit < 64; bit++) {
            const uint64_t flag = (uint64_t)1 << bit;
            const cmrp_payload_row *row = cmrp_payload_row_of(type, flag);
            const bool described = type >= CLUSTER && type <= SHARED_VOLUME;
            const bool returned =
                set != NULL && (cmrp_change_with(set, CMRP_CHANGE_RETURNABLE) & flag) != 0;
            const bool subtree = type == REGISTRY && flag == 0x4;
            assert_int_equal(row != NULL, described && (returned || subtree));
            assert_true(row == NULL || (row->object_type == type && row->flag == flag &&
                                        (row->kind == CMRP_PAYLOAD_STATE) == (row->names != NULL)));
            rows += row != NULL;
        }
        assert_null(cmrp_payload_row_of(type, 0));
        assert_null(cmrp_payload_row_of(type, 0x3));
    }
    assert_null(cmrp_payload_row_at(rows));
    for (size_t i = 0; i < rows; i++) {
        const cmrp_payload_row *row = cmrp_payload_row_at(i);
        assert_ptr_equal(cmrp_payload_row_of(row->object_type, row->flag), row);
        assert_string_equal(row->section, EVENTS);
        assert_true(strlen(row->what) > 0);
    }
}

static void check_names(const cmrp_payload_names *names) {
    uint32_t value = 7777;
    for (uint32_t i = 0; i < names->count; i++) {
        assert_true(cmrp_payload_named(names, names->names[i].name, &value));
        assert_int_equal(value, names->names[i].value);
        assert_string_equal(cmrp_payload_name_of(names, value), names->names[i].name);
        assert_true(i == 0 || names->names[i - 1].value < value);
    }
    value = 7777;
    assert_false(cmrp_payload_named(names, "", &value));
    assert_int_equal(value, 7777);
    assert_null(cmrp_payload_name_of(names, 7777));
}

static void test_names(void **unused) {
    (void)unused;
    const cmrp_payload_row *row;
    for (size_t i = 0; (row = cmrp_payload_row_at(i)) != NULL; i++) {
        if (row->names != NULL) {
            check_names(row->names);
        }
    }
    check_names(cmrp_shared_volume_states());
    check_names(cmrp_redirected_reasons());
    check_names(cmrp_block_redirected_reasons());
    assert_string_equal(cmrp_payload_kind_name(CMRP_PAYLOAD_MULTI_SZ), "multi-sz");
    assert_null(cmrp_payload_kind_name(CMRP_PAYLOAD_KIND_COUNT));
}

// Each syntax is a type and a format that 2.2.2.1 and 2.2.2.2 list.
static void test_syntaxes(void **unused) {
    (void)unused;
    static const uint32_t values[] = {
#define VALUE(name, value, form, size, least) value,
        CMRP_PROPERTY_SYNTAXES(VALUE)
#undef VALUE
    };
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        uint32_t found = 0;
        const char *name = cmrp_property_syntax_name(values[i]);
        assert_true(cmrp_property_syntax_named(name, &found));
        assert_int_equal(found, values[i]);
        assert_in_range(values[i] >> 16, 1, 0xe);
        assert_in_range(values[i] & 0xffff, 1, 0xc);
    }
    assert_int_equal(COUNT_OF(values), 22);
    assert_null(cmrp_property_syntax_name(CMRP_CLUSPROP_SYNTAX_NAME));
    assert_null(cmrp_property_syntax_name(CMRP_CLUSPROP_SYNTAX_ENDMARK));
    assert_null(cmrp_property_syntax_name(0x00030001));
    uint32_t untouched = 5;
    assert_false(cmrp_property_syntax_named("CLUSPROP_SYNTAX_NAME", &untouched));
    assert_int_equal(untouched, 5);
}

// ---- small payloads -----------------------------------------------------------------------------

static void test_values(void **unused) {
    (void)unused;
    cmrp_payload p = accepted_text(&state, "\4\0\0\0", 4, 0);
    assert_int_equal(p.kind, CMRP_PAYLOAD_STATE);
    assert_int_equal(p.value, 4);
    assert_string_equal(cmrp_payload_name_of(p.row->names, p.value), "ClusterGroupPending");
    (void)accepted_text(&state, "\5\0\0\0", 4, 1);
    (void)accepted_text(&dword, "\5\0\0\0", 4, 0);
    assert_int_equal(accepted_text(&quorum, "", 0, 0).kind, CMRP_PAYLOAD_EMPTY);
    assert_int_equal(accepted_text(&quorum, "\2\0\0\0", 4, 0).value, 2);
    refused(&state, "\4\0\0", 3, CMRP_E_TRUNCATED, 0, "buffer", EVENTS);
    refused(&state, "\4\0\0\0\0", 5, CMRP_E_TRAILING, 4, "buffer", EVENTS);
    refused(&quorum, "\2", 1, CMRP_E_TRUNCATED, 0, "buffer", EVENTS);
    (void)accepted_text(&empty, "", 0, 0);
    refused(&empty, "x", 1, CMRP_E_TRAILING, 0, "buffer", EVENTS);
    assert_int_equal(accepted_text(&opaque, "xyz", 3, 0).octets.size, 3);
    const struct event none = {0xd, 0x8, CMRP_PAYLOAD_OPAQUE};
    assert_null(accepted_text(&none, "xyz", 3, 0).row);
}

static void test_texts(void **unused) {
    (void)unused;
    cmrp_payload p = accepted_text(&id, "1\0002\0\0\0", 6, 0);
    assert_int_equal(p.text.size, 4);
    assert_int_equal(p.nuls, 1);
    assert_int_equal(accepted_text(&id, "1\0", 2, 0).nuls, 0);
    assert_int_equal(accepted_text(&id, "1\0\0\0\0\0", 6, 1).nuls, 2);
    (void)accepted_text(&id, "\0\0", 2, 1);
    (void)accepted_text(&id, "\0\xd8\0\0", 4, 1);
    refused(&id, "", 0, CMRP_E_TRUNCATED, 0, "buffer", EVENTS);
    refused(&id, "1\0x", 3, CMRP_E_TRUNCATED, 2, "buffer", EVENTS);
    refused(&id, "1\0\0\0002\0", 6, CMRP_E_STRING_NUL, 0, "buffer", EVENTS);
    (void)accepted_text(&expression, "", 0, 0);
    (void)accepted_text(&expression, "\0\0", 2, 0);
}

static void test_lists(void **unused) {
    (void)unused;
    static const char two[] = "a\0b\0\0\0c\0\0\0\0";
    const cmrp_payload p = accepted_text(&multi_sz, two, sizeof two, 0);
    size_t cursor = 0;
    cmrp_view text;
    assert_true(cmrp_multi_sz_next(p.octets, &cursor, &text));
    assert_int_equal(text.size, 4);
    assert_true(cmrp_multi_sz_next(p.octets, &cursor, &text));
    assert_int_equal(text.size, 2);
    assert_false(cmrp_multi_sz_next(p.octets, &cursor, &text));
    (void)accepted_text(&multi_sz, "", 0, 1);
    (void)accepted_text(&multi_sz, "\0\0", 2, 0);
    (void)accepted_text(&multi_sz, "\0\0\0\0", 4, 0);
    (void)accepted_text(&multi_sz, "\0\0\0\0\0\0", 6, 1);
    (void)accepted_text(&multi_sz, "a\0\0\0", 4, 1);
    refused(&multi_sz, "a\0", 2, CMRP_E_STRING_TERMINATOR, 0, "buffer", EVENTS);
    refused(&multi_sz, "a\0\0\0x", 5, CMRP_E_TRUNCATED, 4, "buffer", EVENTS);
    refused(&multi_sz, "\0\0a\0\0\0\0\0", 8, CMRP_E_STRING_NUL, 0, "buffer", EVENTS);
    // An iterator that is given anything stays inside.
    cursor = 0;
    assert_true(cmrp_multi_sz_next((cmrp_view){(const uint8_t *)"ab\0", 3}, &cursor, &text));
    assert_int_equal(text.size, 2);
    assert_false(cmrp_multi_sz_next((cmrp_view){(const uint8_t *)"ab\0", 3}, &cursor, &text));
}

static void test_membership(void **unused) {
    (void)unused;
    static built b;
    built_init(&b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
    add_uint(&b, "HasQuorum", 1, 1);
    add_uint(&b, "UpNodesSize", 4, 3);
    add_octets(&b, "UpNodesSize", "\1\2\7", 3, CMRP_E_OVERRUN, 1);
    struct event e = membership;
    check_cuts(&b, decode_event, &e, BASE);
    const cmrp_payload p = accepted(&membership, built_view(&b), 0);
    assert_int_equal(p.has_quorum, 1);
    assert_int_equal(p.up_nodes.size, 3);
    assert_true(inside(p.up_nodes, built_view(&b)));
    (void)accepted_text(&membership, "\2\0\0\0\0", 5, 1);
    refused(&membership, "\1\1\0\0\0\1\2", 7, CMRP_E_TRAILING, 6, "buffer", "MS-CMRP 2.2.3.42");
}

// ---- property lists -----------------------------------------------------------------------------

// Two properties with each kind of padding.
static void build_list(built *b) {
    built_init(b, CMRP_LITTLE_ENDIAN, CMRP_NDR20);
    add_uint(b, "propertyCount", 4, 2);
    add_uint(b, "propertyValue[0].CLUSPROP_SYNTAX_NAME", 4, CMRP_CLUSPROP_SYNTAX_NAME);
    add_uint(b, "propertyValue[0].size", 4, 6);
    add_octets(b, "propertyValue[0].size", "A\0b\0\0\0", 6, CMRP_E_OVERRUN, 8);
    add_uint(b, "propertyValue[0].padding", 2, 0);
    add_uint(b, "propertyValue[0].Syntax", 4, CMRP_CLUSPROP_SYNTAX_LIST_VALUE_BINARY);
    add_uint(b, "propertyValue[0].Size", 4, 1);
    add_octets(b, "propertyValue[0].Size", "\x5a", 1, CMRP_E_OVERRUN, 24);
    // Three octets at once, so not add_uint.
    add_octets(b, "propertyValue[0].Padding", "\0\0\0", 3, CMRP_E_TRUNCATED, 29);
    add_uint(b, "propertyValue[0].CLUSPROP_SYNTAX_ENDMARK", 4,
             CMRP_CLUSPROP_SYNTAX_LIST_VALUE_DWORD);
    add_uint(b, "propertyValue[0].Size", 4, 4);
    add_octets(b, "propertyValue[0].Size", "\1\2\3\4", 4, CMRP_E_OVERRUN, 36);
    add_uint(b, "propertyValue[0].CLUSPROP_SYNTAX_ENDMARK", 4, 0);
    add_uint(b, "propertyValue[1].CLUSPROP_SYNTAX_NAME", 4, CMRP_CLUSPROP_SYNTAX_NAME);
    add_uint(b, "propertyValue[1].size", 4, 4);
    add_octets(b, "propertyValue[1].size", "C\0\0\0", 4, CMRP_E_OVERRUN, 52);
    add_uint(b, "propertyValue[1].Syntax", 4, CMRP_CLUSPROP_SYNTAX_LIST_VALUE_SZ);
    add_uint(b, "propertyValue[1].Size", 4, 4);
    add_octets(b, "propertyValue[1].Size", "x\0\0\0", 4, CMRP_E_OVERRUN, 64);
    add_uint(b, "propertyValue[1].CLUSPROP_SYNTAX_ENDMARK", 4, 0);
}

static void test_list_cuts(void **unused) {
    (void)unused;
    static built b;
    struct event e = properties;
    build_list(&b);
    check_cuts(&b, decode_event, &e, BASE);
    (void)accepted(&properties, built_view(&b), 0);
    refused(&properties, "\0\0\0\0\0", 5, CMRP_E_TRAILING, 4, "PROPERTY_LIST", LIST);
}

static void test_list_iteration(void **unused) {
    (void)unused;
    static built b;
    build_list(&b);
    const cmrp_view whole = exact(b.octets, b.size);
    cmrp_error error = {0};
    cmrp_property_list list;
    cmrp_property p;
    cmrp_property_value v;
    size_t cursor = 0;
    assert_true(cmrp_property_list_open(&list, whole, BASE, &error));
    assert_int_equal(list.count, 2);
    assert_true(cmrp_property_list_next(&list, &p));
    assert_int_equal(p.offset, BASE + 4);
    assert_int_equal(p.value_count, 2);
    assert_true(inside(p.name, whole) && inside(p.values, whole));
    assert_true(cmrp_property_next_value(&p, &cursor, &v));
    assert_int_equal(v.offset, BASE + 20);
    assert_int_equal(cmrp_property_value_form(&v), CMRP_FORM_OCTETS);
    assert_int_equal(cmrp_property_value_number(&v), 0);
    assert_true(cmrp_property_next_value(&p, &cursor, &v));
    assert_int_equal(v.offset, BASE + 32);
    assert_int_equal(cmrp_property_value_number(&v), 0x04030201);
    assert_false(cmrp_property_next_value(&p, &cursor, &v));
    assert_true(cmrp_property_list_next(&list, &p));
    assert_false(cmrp_property_list_next(&list, &p));
    assert_int_equal(error.code, CMRP_OK);
    assert_false(cmrp_property_list_next(&list, &p));
    free_view(whole);
}

static void test_numbers(void **unused) {
    (void)unused;
    static const uint8_t ones[8] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const struct {
        uint32_t syntax;
        size_t size;
        cmrp_property_form form;
        uint64_t number;
    } rows[] = {
        {CMRP_CLUSPROP_SYNTAX_LIST_VALUE_WORD, 2, CMRP_FORM_UNSIGNED, 0xfffe},
        {CMRP_CLUSPROP_SYNTAX_LIST_VALUE_DWORD, 4, CMRP_FORM_UNSIGNED, 0xfffffffe},
        {CMRP_CLUSPROP_SYNTAX_LIST_VALUE_LONG, 4, CMRP_FORM_SIGNED, UINT64_MAX - 1},
        {CMRP_CLUSPROP_SYNTAX_LIST_VALUE_ULARGE_INTEGER, 8, CMRP_FORM_UNSIGNED, UINT64_MAX - 1},
        {CMRP_CLUSPROP_SYNTAX_LIST_VALUE_LARGE_INTEGER, 8, CMRP_FORM_SIGNED, UINT64_MAX - 1},
        {CMRP_CLUSPROP_SYNTAX_LIST_VALUE_DWORD, 3, CMRP_FORM_OCTETS, 0},
        {CMRP_CLUSPROP_SYNTAX_RESCLASS, 8, CMRP_FORM_OCTETS, 0},
        {CMRP_CLUSPROP_SYNTAX_LIST_VALUE_SZ, 4, CMRP_FORM_STRING, 0},
        {CMRP_CLUSPROP_SYNTAX_LIST_VALUE_MULTI_SZ, 4, CMRP_FORM_MULTI_SZ, 0},
        {0x12345678, 4, CMRP_FORM_OCTETS, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const cmrp_property_value v = {.syntax = rows[i].syntax, .data = {ones, rows[i].size}};
        assert_int_equal(cmrp_property_value_form(&v), rows[i].form);
        assert_true(cmrp_property_value_number(&v) == rows[i].number);
    }
}

// ---- writing ------------------------------------------------------------------------------------

// What the property writer is given, and what it must say.
static const struct refusal {
    const char *name;
    size_t name_size;
    uint32_t syntax;
    const char *data;
    size_t size;
    cmrp_code code;
    const char *field;
} refusals[] = {
    {"A\0\0\0", 4, CMRP_CLUSPROP_SYNTAX_LIST_VALUE_DWORD, "1234", 4, CMRP_OK, NULL},
    {"", 0, CMRP_CLUSPROP_SYNTAX_LIST_VALUE_DWORD, "1234", 4, CMRP_E_STRING_LENGTH, "size"},
    {"A\0\0", 3, CMRP_CLUSPROP_SYNTAX_LIST_VALUE_DWORD, "1234", 4, CMRP_E_STRING_LENGTH, "size"},
    {"A\0", 2, CMRP_CLUSPROP_SYNTAX_LIST_VALUE_DWORD, "1234", 4, CMRP_E_STRING_TERMINATOR,
     "buffer"},
    {"A\0\0\0B\0\0\0", 8, CMRP_CLUSPROP_SYNTAX_LIST_VALUE_DWORD, "1234", 4, CMRP_E_STRING_NUL,
     "buffer"},
    {"A\0\0\0", 4, CMRP_CLUSPROP_SYNTAX_NAME, "1234", 4, CMRP_E_PROPERTY_SYNTAX, "Syntax"},
    {"A\0\0\0", 4, CMRP_CLUSPROP_SYNTAX_ENDMARK, "", 0, CMRP_E_PROPERTY_SYNTAX, "Syntax"},
    {"A\0\0\0", 4, CMRP_CLUSPROP_SYNTAX_LIST_VALUE_DWORD, "123", 3, CMRP_E_VALUE_SIZE, "Size"},
    {"A\0\0\0", 4, CMRP_CLUSPROP_SYNTAX_LIST_VALUE_SZ, "123", 3, CMRP_E_STRING_LENGTH, "Size"},
    {"A\0\0\0", 4, CMRP_CLUSPROP_SYNTAX_LIST_VALUE_SZ, "1\0", 2, CMRP_E_STRING_TERMINATOR,
     "Buffer"},
    {"A\0\0\0", 4, CMRP_CLUSPROP_SYNTAX_LIST_VALUE_MULTI_SZ, "\0\0001\0\0\0", 6, CMRP_E_STRING_NUL,
     "Buffer"},
};

static bool write_refusal(void *context, cmrp_writer *w) {
    const struct refusal *r = context;
    cmrp_property_writer pw;
    const cmrp_property p = {.name = {(const uint8_t *)r->name, r->name_size}};
    const cmrp_property_value v = {.syntax = r->syntax,
                                   .data = {(const uint8_t *)r->data, r->size}};
    return cmrp_property_writer_open(&pw, w) && cmrp_property_put(&pw, &p) &&
           cmrp_property_put_value(&pw, &v) && cmrp_property_writer_close(&pw);
}

static void test_writer_refusals(void **unused) {
    (void)unused;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct refusal r = refusals[i];
        cmrp_error error = {0};
        cmrp_writer w;
        cmrp_sizer_init(&w, &error, "none");
        assert_int_equal(write_refusal(&r, &w), r.code == CMRP_OK);
        assert_int_equal(error.code, r.code);
        assert_true(r.field == NULL || strcmp(error.field, r.field) == 0);
    }
}

static void test_writer_order(void **unused) {
    (void)unused;
    const cmrp_property p = {.name = {(const uint8_t *)"A\0\0\0", 4}};
    const cmrp_property_value v = {.syntax = CMRP_CLUSPROP_SYNTAX_LIST_VALUE_WORD,
                                   .data = {(const uint8_t *)"12", 2}};
    for (int i = 0; i < 3; i++) {
        cmrp_error error = {0};
        cmrp_writer w;
        cmrp_property_writer pw;
        cmrp_sizer_init(&w, &error, "none");
        assert_true(cmrp_property_writer_open(&pw, &w));
        if (i == 0) { // a value without a property
            assert_false(cmrp_property_put_value(&pw, &v));
        } else if (i == 1) { // a property without a value, then another
            assert_true(cmrp_property_put(&pw, &p));
            assert_false(cmrp_property_put(&pw, &p));
        } else { // a property without a value, at the end
            assert_true(cmrp_property_put(&pw, &p));
            assert_false(cmrp_property_writer_close(&pw));
        }
        assert_int_equal(error.code, CMRP_E_NO_VALUE);
    }
}

// Fields that decoding would not give.
static void test_encode_refusals(void **unused) {
    (void)unused;
    static const uint8_t text[] = {'1', 0, 0, 0};
    const cmrp_payload_row *id_row = cmrp_payload_row_of(id.type, id.flag);
    const cmrp_payload_row *list_row = cmrp_payload_row_of(multi_sz.type, multi_sz.flag);
    const cmrp_payload_row *state_row = cmrp_payload_row_of(state.type, state.flag);
    const cmrp_payload_row *properties_row = cmrp_payload_row_of(properties.type, properties.flag);
    const struct {
        cmrp_payload payload;
        cmrp_code code;
    } rows[] = {
        {{.row = state_row, .kind = CMRP_PAYLOAD_DWORD}, CMRP_E_OTHER_KIND},
        {{.row = state_row, .kind = CMRP_PAYLOAD_EMPTY}, CMRP_E_OTHER_KIND},
        {{.row = NULL, .kind = CMRP_PAYLOAD_STATE}, CMRP_E_OTHER_KIND},
        {{.row = id_row, .kind = CMRP_PAYLOAD_ID}, CMRP_E_TRUNCATED},
        {{.row = id_row, .kind = CMRP_PAYLOAD_ID, .text = {text, 1}, .nuls = 1},
         CMRP_E_STRING_LENGTH},
        {{.row = id_row, .kind = CMRP_PAYLOAD_ID, .text = {text, 4}, .nuls = 1}, CMRP_E_STRING_NUL},
        {{.row = id_row, .kind = CMRP_PAYLOAD_ID, .text = {text, 2}, .nuls = SIZE_MAX},
         CMRP_E_TOO_LARGE},
        {{.row = list_row, .kind = CMRP_PAYLOAD_MULTI_SZ, .octets = {text, 2}},
         CMRP_E_STRING_TERMINATOR},
        {{.row = list_row, .kind = CMRP_PAYLOAD_MULTI_SZ, .octets = {text, 3}},
         CMRP_E_STRING_LENGTH},
        {{.row = properties_row, .kind = CMRP_PAYLOAD_PROPERTIES, .octets = {text, 3}},
         CMRP_E_TRUNCATED},
        {{.row = properties_row, .kind = CMRP_PAYLOAD_PROPERTIES, .octets = {text, 4}},
         CMRP_E_TRUNCATED},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        cmrp_error error = {0};
        cmrp_writer w;
        cmrp_sizer_init(&w, &error, "none");
        assert_false(cmrp_payload_encode(&rows[i].payload, &w));
        assert_int_equal(error.code, rows[i].code);
    }
}

// ---- shared volumes -----------------------------------------------------------------------------

static bool encode_volume(void *context, cmrp_writer *w) {
    return cmrp_shared_volume_write(context, w);
}

static void test_shared_volumes(void **unused) {
    (void)unused;
    static const size_t sizes[] = {CMRP_SHARED_VOLUME_SIZE, CMRP_SHARED_VOLUME_EX_SIZE};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        cmrp_error error = {0};
        cmrp_shared_volume volume;
        warnings w = {0};
        uint8_t *octets = calloc(1, sizes[i]);
        assert_non_null(octets);
        octets[0] = 'V';
        octets[519] = 0xee; // behind the NUL
        octets[520] = 'N';
        octets[1040] = 9; // VolumeState
        assert_true(cmrp_shared_volume_read((cmrp_view){octets, sizes[i]}, BASE, &volume, collect,
                                            &w, &error));
        assert_int_equal(volume.ex, i == 1);
        assert_int_equal(volume.state, 9);
        assert_int_equal(volume.volume_name.text.size, 2);
        assert_int_equal(volume.volume_name.rest.size, 516);
        assert_int_equal(w.count, 2);
        assert_error(&w.list[0], CMRP_E_STRING_REST, BASE + 4, "szVolumeName",
                     i == 1 ? "MS-CMRP 2.2.3.32" : "MS-CMRP 2.2.3.29");
        assert_error(&w.list[1], CMRP_E_UNLISTED, BASE + 1040, "VolumeState",
                     i == 1 ? "MS-CMRP 2.2.3.32" : "MS-CMRP 2.2.3.29");
        check_encode(encode_volume, &volume, (cmrp_view){octets, sizes[i]}, NULL);
        for (size_t n = 0; n < CMRP_SHARED_VOLUME_SIZE; n += 13) {
            error = (cmrp_error){0};
            assert_false(
                cmrp_shared_volume_read((cmrp_view){octets, n}, BASE, &volume, NULL, NULL, &error));
            assert_int_equal(error.code, CMRP_E_TRUNCATED);
        }
        free(octets);
    }
}

// ---- hostile input ------------------------------------------------------------------------------

static bool decode_mutation(void *context, size_t seed, cmrp_view input) {
    const struct event *const *events = context;
    const struct event *e = events[seed];
    cmrp_error error = {0};
    cmrp_payload p;
    if (!cmrp_payload_decode(e->type, e->flag, input, BASE, &p, NULL, NULL, &error)) {
        check_refusal(&error, BASE, input.size);
        return false;
    }
    uint8_t octets[4096];
    cmrp_writer w;
    cmrp_writer_init(&w, octets, sizeof octets, &error, "none");
    assert_true(cmrp_payload_encode(&p, &w));
    assert_int_equal(w.size, input.size);
    assert_memory_equal(octets, input.data, w.size);
    return true;
}

static void test_mutations(void **unused) {
    (void)unused;
    static built b;
    static uint8_t volume[32 + CMRP_SHARED_VOLUME_SIZE + 4] = {
        1, 0, 0, 0, 3, 0, 4, 0, 4, 0, 0, 0, 'D', 0, 0, 0, 1, 0, 1, 0, 0x14, 4};
    const struct event *events[] = {&properties, &volumes, &membership, &multi_sz, &id, &state};
    build_list(&b);
    const cmrp_view seeds[] = {
        built_view(&b),
        {volume, 24 + CMRP_SHARED_VOLUME_SIZE + 4},
        {(const uint8_t *)"\1\2\0\0\0\1\2", 7},
        {(const uint8_t *)"a\0\0\0b\0\0\0\0", 10},
        {(const uint8_t *)"1\0\0", 4},
        {(const uint8_t *)"\1\0\0", 4},
    };
    run_mutations(seeds, COUNT_OF(seeds), decode_mutation, events);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_syntaxes),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_membership),
        cmocka_unit_test(test_list_cuts),
        cmocka_unit_test(test_list_iteration),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_writer_refusals),
        cmocka_unit_test(test_writer_order),
        cmocka_unit_test(test_encode_refusals),
        cmocka_unit_test(test_shared_volumes),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
