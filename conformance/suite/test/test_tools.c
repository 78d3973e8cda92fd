// SPDX-License-Identifier: Apache-2.0
// What explain and export are made of: fields, names that are close, descriptions, and every form
// of every vector.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/capture.h"
#include "suite/describe.h"
#include "suite/export.h"
#include "suite/fields.h"
#include "suite/near.h"
#include "suite/shown.h"
#include "suite/test/each.h"
#include "util/file.h"
#include "util/hex.h"

static const struct vector *find(const char *id) {
    const struct vector *v = vector_find(&set, id);
    if (v == NULL) {
        fail_msg("no vector %s", id);
    }
    return v;
}

// ---- fields -------------------------------------------------------------------------------------

// "0 VersionNumber|4 …", with "=>" before the wrong one.
static void expect_fields(const char *id, const char *expected) {
    const struct vector *v = find(id);
    struct field_spans s;
    struct buffer text = {0};
    fields_find(&v->how, buffer_view(&v->octets), SIZE_MAX, &s);
    for (size_t i = 0; i < s.count; i++) {
        buffer_printf(&text, "%s%s%zu %s", i > 0 ? "|" : "", i == s.error_index ? "=>" : "",
                      s.spans[i].offset, s.spans[i].name);
    }
    assert_string_equal(buffer_text(&text), expected);
    buffer_free(&text);
    fields_free(&s);
}

static void test_fields(void **state) {
    (void)state;
    expect_fields("batch-lenient-no-name-no-pad",
                  "0 VersionNumber|4 CommandType|8 ValueType|=>12 NameLength|16 (not read)");
    expect_fields("batch-cut-at-17",
                  "0 VersionNumber|4 CommandType|8 ValueType|=>12 NameLength|16 (not read)");
    expect_fields("change-type-registry", "0 value");
    expect_fields("change-v1-length-8", "0 value|=>4 (trailing)");
    expect_fields("stub-getnotify-resp-trailing-v2-ndr",
                  "0 dwNotifyKey|4 dwFilter|8 dwStateSequence|12 Name|16 Name|20 Name|24 Name|"
                  "42 (gap)|44 return|48 (trailing)");
    // Found out when all is read, shown where it is.
    expect_fields("stub-getnotifyv2-resp-closed-ndr-null-with-count",
                  "=>0 Notifications|4 dwNumNotifications|8 return");
    expect_fields("pdu-bad-header-4", "0 rpc_vers|1 rpc_vers_minor|2 PTYPE|3 pfc_flags");
}

// Spans follow each other from the first octet to the last, and the wrong one is where the error
// is.
static void test_fields_cover(void **state) {
    enum { LIMIT = 200 };
    (void)state;
    for (size_t i = 0; i < set.count; i++) {
        const struct vector *v = &set.vectors[i];
        struct field_spans s;
        size_t at = 0;
        fields_find(&v->how, buffer_view(&v->octets), LIMIT, &s);
        for (size_t j = 0; j < s.count; j++) {
            assert_int_equal(s.spans[j].offset, at);
            assert_true(s.spans[j].size > 0);
            at += s.spans[j].size;
        }
        assert_int_equal(at, v->octets.size);
        assert_true(s.count <= LIMIT + 10);
        if (s.error_index < s.count && s.count < LIMIT) {
            assert_int_equal(s.spans[s.error_index].offset, s.error.offset);
        }
        fields_free(&s);
    }
}

// ---- names --------------------------------------------------------------------------------------

static void expect_near(const char *wanted, const char *expected) {
    static const char *const names[] = {"name-overrun", "name-length",    "data-overrun", "padding",
                                        "ApiGetNotify", "ApiGetNotifyV2", "name-overrun"};
    struct near near = {.wanted = wanted};
    struct buffer text = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        near_offer(&near, names[i]);
    }
    for (size_t i = 0; i < near.count; i++) {
        buffer_printf(&text, "%s%s", i > 0 ? " " : "", near.names[i]);
    }
    assert_string_equal(buffer_text(&text), expected);
    buffer_free(&text);
}

static void test_near(void **state) {
    (void)state;
    expect_near("name-overun", "name-overrun");
    expect_near("Name-Overrun", "name-overrun data-overrun");
    expect_near("overrun", "name-overrun data-overrun");
    expect_near("ApiGetNotif", "ApiGetNotify ApiGetNotifyV2");
    expect_near("padd", "padding");
    expect_near("", "");
    expect_near("x", "");
    expect_near("something else entirely", "");
}

static void expect_described(const char *name, const char *const *parts) {
    struct buffer text = {0};
    assert_true(describe_name(&text, name));
    for (size_t i = 0; parts[i] != NULL; i++) {
        if (strstr(buffer_text(&text), parts[i]) == NULL) {
            fail_msg("%s: no \"%s\" in:\n%s", name, parts[i], buffer_text(&text));
        }
    }
    buffer_free(&text);
}

static void test_describe(void **state) {
    struct buffer text = {0};
    (void)state;
    expect_described("ApiGetNotify",
                     (const char *[]){"opnum 65", "[MS-CMRP 3.1.4.1.66]", "[MS-CMRP 3.1.4.2.66]",
                                      "in       Timeout", "(protocol 2 only)", "may be NULL",
                                      "HNOTIFY_RPC", NULL});
    expect_described("139",
                     (const char *[]){"ApiGetNotifyV2: method, opnum 139",
                                      "NOTIFICATION_RPC:", "as many as dwNumNotifications", NULL});
    expect_described("CLUSTER_CHANGE_REGISTRY_V2",
                     (const char *[]){"8 octets [MS-CMRP 2.2.2.19]", "CLUSTER_OBJECT_TYPE_REGISTRY",
                                      "0x8          CLUSTER_CHANGE_REGISTRY_VALUE_V2",
                                      "HANDLE_CLOSE_V2 (client only)", NULL});
    expect_described("CLUSTER_CHANGE_GROUP_STATE",
                     (const char *[]){"0x1000 (4096)", "ApiAddNotifyGroup, ApiReAddNotifyGroup",
                                      "a server may return it", NULL});
    expect_described("CLUSTER_CHANGE_HANDLE_CLOSE",
                     (const char *[]){"no method takes it", "never by a server", NULL});
    expect_described("CLUSREG_VALUE_DELETED",
                     (const char *[]){"command 6", "the type that the value had", NULL});
    expect_described("CLUSREG_DELETE_KEY", (const char *[]){"Data: nothing", NULL});
    expect_described("REG_QWORD", (const char *[]){"registry type 11", NULL});
    expect_described("padding",
                     (const char *[]){"FIELD is missing after", "FIELD is 0xN, not 0", NULL});
    assert_false(describe_name(&text, "nothing"));
    assert_false(describe_name(&text, ""));
    assert_false(describe_name(&text, "065"));
    assert_int_equal(text.size, 0);
    buffer_free(&text);
}

static void test_shown(void **state) {
    static const char text[] = "a \"quoted\" \\ word\x1b[31m \xe2\x80\xae \xff";
    struct buffer out = {0};
    (void)state;
    shown_text(&out, text, sizeof text - 1);
    assert_string_equal(buffer_text(&out), "a \"quoted\" \\ word\\x1b[31m \\u{202e} \\xff");
    buffer_free(&out);
}

// ---- export -------------------------------------------------------------------------------------

static void export_to(const struct vector *v, enum export_form form, struct buffer *out) {
    char *error = NULL;
    if (!export_vector(v, form, out, &error)) {
        fail_msg("%s: %s", v->id, error);
    }
}

static void test_export_octets(void **state) {
    (void)state;
    for (size_t i = 0; i < set.count; i++) {
        const struct vector *v = &set.vectors[i];
        struct buffer out = {0};
        struct buffer octets = {0};
        size_t at;
        if (!v->has_octets) {
            continue;
        }
        export_to(v, EXPORT_FRAME, &out);
        assert_int_equal(out.size, v->octets.size);
        assert_true(out.size == 0 || memcmp(out.data, v->octets.data, out.size) == 0);
        buffer_clear(&out);
        export_to(v, EXPORT_HEX, &out);
        assert_true(hex_parse((const char *)out.data, out.size - 1, &octets, &at));
        assert_int_equal(octets.size, v->octets.size);
        assert_true(octets.size == 0 || memcmp(octets.data, v->octets.data, octets.size) == 0);
        buffer_free(&out);
        buffer_free(&octets);
    }
}

static void test_export_json(void **state) {
    (void)state;
    for (size_t i = 0; i < set.count; i++) {
        struct buffer out = {0};
        char *error = NULL;
        export_to(&set.vectors[i], EXPORT_JSON, &out);
        json_t *value = json_parse((const char *)out.data, out.size, &error);
        assert_true(json_equal(value, set.vectors[i].json));
        json_decref(value);
        buffer_free(&out);
    }
}

static void test_export_refusals(void **state) {
    struct buffer out = {0};
    (void)state;
    for (int form = EXPORT_C; form <= EXPORT_FRAME; form++) {
        char *error = NULL;
        if (form != EXPORT_JSON) {
            assert_false(export_vector(find("change-encode-value-null"), (enum export_form)form,
                                       &out, &error));
            assert_non_null(strstr(error, "has no octets"));
            free(error);
        }
    }
    char *error = NULL;
    assert_false(export_vector(find("change-type-registry"), EXPORT_PCAP, &out, &error));
    assert_non_null(strstr(error, "is a change value"));
    free(error);
    assert_int_equal(out.size, 0);
}

// All vectors in one C file, which a program reads back: the compiler takes each without a warning.
static void test_export_compiles(void **state) {
    char folder[] = "/tmp/cmrp-export-XXXXXX";
    struct buffer source = {0};
    char *error = NULL;
    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < set.count; i++) {
        if (set.vectors[i].has_octets && set.vectors[i].octets.size < 4096) {
            export_to(&set.vectors[i], EXPORT_C, &source);
        }
    }
    buffer_printf(&source, "#include <stdio.h>\nint main(void) {\n"
                           "    fwrite(batch_notifytest_sent, 1, batch_notifytest_sent_size, "
                           "stdout);\n"
                           "    return sizeof batch_notifytest_sent != "
                           "batch_notifytest_sent_size;\n}\n");
    char *path = util_format("%s/a.c", folder);
    char *output = util_format("%s/out", folder);
    char *command = util_format("cd %s && cc -std=c11 -Wall -Wextra -Wpedantic -Werror -o a a.c && "
                                "./a > out",
                                folder);
    assert_true(file_write(path, buffer_view(&source), &error));
    assert_int_equal(system(command), 0);
    buffer_clear(&source);
    assert_true(file_read(output, FILE_LIMIT, &source, &error));
    const struct vector *v = find("batch-notifytest-sent");
    assert_int_equal(source.size, v->octets.size);
    assert_memory_equal(source.data, v->octets.data, source.size);
    free(command);
    command = util_format("rm -r %s", folder);
    assert_int_equal(system(command), 0);
    free(command);
    free(path);
    free(output);
    buffer_free(&source);
}

// ---- captures -----------------------------------------------------------------------------------

struct streams {
    struct buffer octets[2];
    size_t flows;
    size_t datagrams;
    size_t complaints;
};

static void *on_open(void *ctx, const struct capture_flow *flow, const struct capture_stamp *s) {
    struct streams *streams = ctx;
    (void)s;
    streams->flows++;
    streams->complaints += !flow->initiator_known || flow->endpoint[1].port != 49152;
    return NULL;
}

static bool on_data(void *ctx, void *user, int direction, const uint8_t *data, size_t size,
                    const struct capture_stamp *s) {
    struct streams *streams = ctx;
    (void)user;
    (void)s;
    buffer_append(&streams->octets[direction], data, size);
    return true;
}

static void on_gap(void *ctx, void *user, int direction, uint64_t octets,
                   const struct capture_stamp *s) {
    struct streams *streams = ctx;
    (void)user;
    (void)direction;
    (void)octets;
    (void)s;
    streams->complaints++;
}

static void on_close(void *ctx, void *user, enum capture_close why, const struct capture_stamp *s) {
    struct streams *streams = ctx;
    (void)user;
    (void)s;
    streams->complaints += why != CAPTURE_CLOSE_FIN;
}

static void on_datagram(void *ctx, const struct capture_datagram *datagram,
                        const struct capture_stamp *s) {
    struct streams *streams = ctx;
    const bool to_client = datagram->source.port == 49152;
    (void)s;
    streams->datagrams++;
    streams->complaints += datagram->missing > 0 || (!to_client && datagram->target.port != 49152);
    buffer_append(&streams->octets[to_client], datagram->data, datagram->size);
}

static void on_note(void *ctx, enum capture_note kind, const struct capture_flow *flow,
                    const char *text, const struct capture_stamp *s) {
    struct streams *streams = ctx;
    (void)kind;
    (void)flow;
    (void)text;
    (void)s;
    streams->complaints++;
}

static bool is_connectionless(const struct vector *v) {
    return v->how.type == JSON_TYPE_PDU
               ? json_is_pdu_cl(buffer_view(&v->octets))
               : v->how.type == JSON_TYPE_STUB && v->how.stub.interface == CMRP_INTERFACE_2;
}

static void read_streams(const struct vector *v, struct streams *streams) {
    const struct capture_handler handler = {.ctx = streams,
                                            .open = on_open,
                                            .data = on_data,
                                            .gap = on_gap,
                                            .close = on_close,
                                            .datagram = on_datagram,
                                            .note = on_note};
    struct capture_error error;
    struct buffer out = {0};
    *streams = (struct streams){0};
    export_to(v, EXPORT_PCAP, &out);
    if (capture_run_memory(out.data, out.size, NULL, &handler, NULL, &error) != CAPTURE_OK) {
        fail_msg("%s: %s", v->id, error.text);
    }
    const bool empty = v->how.type == JSON_TYPE_PDU && v->octets.size == 0;
    const bool udp = is_connectionless(v);
    if (streams->flows != (!udp && !empty) || (streams->datagrams > 0) != udp ||
        streams->complaints != 0) {
        fail_msg("%s: %zu flows, %zu complaints", v->id, streams->flows, streams->complaints);
    }
    buffer_free(&out);
}

// The stub of the call that the PDUs of a stream carry, its fragments joined.
static void join_stubs(const struct vector *v, const struct buffer *stream, uint8_t ptype,
                       struct buffer *stub) {
    cmrp_view left = buffer_view(stream);
    while (left.size > 0) {
        cmrp_error error = {0};
        cmrp_pdu pdu;
        cmrp_pdu_header header;
        if (!cmrp_pdu_peek(left, 0, &header, &error) || header.frag_length > left.size ||
            !cmrp_pdu_decode((cmrp_view){left.data, header.frag_length}, 0, &pdu, NULL, NULL,
                             &error)) {
            fail_msg("%s: a PDU of the capture: %s", v->id, cmrp_code_id(error.code));
        }
        if (header.ptype == ptype) {
            buffer_append(stub, pdu.stub.data, pdu.stub.size);
            assert_int_equal(pdu.alloc_hint, v->how.type == JSON_TYPE_STUB
                                                 ? v->octets.size - (stub->size - pdu.stub.size)
                                                 : pdu.alloc_hint);
        }
        left.data += header.frag_length;
        left.size -= header.frag_length;
    }
}

// The same of datagrams, one behind the other.
static void join_datagrams(const struct vector *v, const struct buffer *all, struct buffer *stub) {
    cmrp_view left = buffer_view(all);
    for (uint16_t number = 0; left.size > 0; number++) {
        cmrp_error error = {0};
        cmrp_pdu_cl pdu;
        if (!cmrp_pdu_cl_decode(left, 0, &pdu, NULL, NULL, &error)) {
            fail_msg("%s: a PDU of the capture: %s", v->id, cmrp_code_id(error.code));
        }
        const size_t size = CMRP_PDU_CL_HEADER_SIZE + pdu.stub.size;
        const unsigned end = CMRP_PF_FRAG | CMRP_PF_LASTFRAG;
        assert_int_equal(pdu.header.ptype,
                         v->how.stub.response ? CMRP_PTYPE_CL_RESPONSE : CMRP_PTYPE_CL_REQUEST);
        assert_int_equal(pdu.header.fragnum, number);
        assert_int_equal((pdu.header.flags1 & end) == end || pdu.header.flags1 == 0,
                         size == left.size);
        buffer_append(stub, pdu.stub.data, pdu.stub.size);
        left.data += size;
        left.size -= size;
    }
}

static void check_capture(const struct vector *v) {
    struct streams streams;
    struct buffer stub = {0};
    read_streams(v, &streams);
    if (v->how.type == JSON_TYPE_STUB) {
        const bool response = v->how.stub.response;
        if (is_connectionless(v)) {
            join_datagrams(v, &streams.octets[response], &stub);
        } else {
            join_stubs(v, &streams.octets[response],
                       response ? CMRP_PTYPE_RESPONSE : CMRP_PTYPE_REQUEST, &stub);
        }
        assert_int_equal(stub.size, v->octets.size);
        assert_true(stub.size == 0 || memcmp(stub.data, v->octets.data, stub.size) == 0);
    } else if (v->how.type == JSON_TYPE_BATCH) {
        const cmrp_stub_format format = {.method = cmrp_method_named(3, "ApiGetBatchNotification"),
                                         .interface = 3,
                                         .response = true};
        cmrp_slot slots[CMRP_MAX_PARAMS];
        cmrp_error error = {0};
        join_stubs(v, &streams.octets[1], CMRP_PTYPE_RESPONSE, &stub);
        assert_true(cmrp_stub_decode(&format, buffer_view(&stub), 0, slots, NULL, NULL, &error));
        assert_int_equal(slots[2].bytes.size, v->octets.size);
        assert_true(v->octets.size == 0 ||
                    memcmp(slots[2].bytes.data, v->octets.data, v->octets.size) == 0);
    } else {
        // A PDU stands at the end of the stream of the one who sends it.
        bool found = false;
        for (int d = 0; d < 2; d++) {
            const struct buffer *s = &streams.octets[d];
            found = found || (s->size >= v->octets.size &&
                              (v->octets.size == 0 || memcmp(s->data + s->size - v->octets.size,
                                                             v->octets.data, v->octets.size) == 0));
        }
        assert_true(found);
    }
    buffer_free(&stub);
    buffer_free(&streams.octets[0]);
    buffer_free(&streams.octets[1]);
}

// Every capture holds one whole connection, or datagrams, and in it the vector.
static void test_export_captures(void **state) {
    (void)state;
    for (size_t i = 0; i < set.count; i++) {
        if (set.vectors[i].has_octets && set.vectors[i].how.type != JSON_TYPE_CHANGE &&
            set.vectors[i].how.type != JSON_TYPE_PAYLOAD &&
            set.vectors[i].how.type != JSON_TYPE_TOWER) {
            check_capture(&set.vectors[i]);
        }
    }
}

// tshark finds the right checksums and, where its own dissector is right, the call.
static void test_export_tshark(void **state) {
    static const struct {
        const char *id;
        const char *line;
    } rows[] = {
        {"batch-notifytest-sent", "GetBatchNotification response"},
        {"stub-addnotifygroup-req-state-property-ndr", "AddNotifyGroup request"},
        {"stub-getnotifyv2-resp-two-ndr64", "GetNotifyV2 response"},
        {"stub-getnotify-resp-group1-ndr-be", "GetNotify response"},
    };
    (void)state;
    if (system("command -v tshark > /dev/null") != 0) {
        if (getenv("CMRP_ALLOW_MISSING_WITNESS") == NULL) {
            fail_msg("tshark is not installed (Debian package tshark); "
                     "CMRP_ALLOW_MISSING_WITNESS=1 leaves this out");
        }
        skip();
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[] = "/tmp/cmrp-pcap-XXXXXX";
        struct buffer out = {0};
        struct buffer text = {0};
        char *error = NULL;
        const int fd = mkstemp(path);
        assert_true(fd >= 0);
        close(fd);
        export_to(find(rows[i].id), EXPORT_PCAP, &out);
        assert_true(file_write(path, buffer_view(&out), &error));
        char *command = util_format("tshark -n -r %s -o tcp.check_checksum:TRUE "
                                    "-o ip.check_checksum:TRUE 2>/dev/null > %s.txt",
                                    path, path);
        char *text_path = util_format("%s.txt", path);
        assert_int_equal(system(command), 0);
        assert_true(file_read(text_path, FILE_LIMIT, &text, &error));
        if (strstr(buffer_text(&text), rows[i].line) == NULL ||
            strstr(buffer_text(&text), "CHECKSUM") != NULL ||
            strstr(buffer_text(&text), "Bind_ack") == NULL) {
            fail_msg("%s:\n%s", rows[i].id, buffer_text(&text));
        }
        unlink(path);
        unlink(text_path);
        free(command);
        free(text_path);
        buffer_free(&out);
        buffer_free(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_fields_cover),
        cmocka_unit_test(test_near),
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_shown),
        cmocka_unit_test(test_export_octets),
        cmocka_unit_test(test_export_json),
        cmocka_unit_test(test_export_refusals),
        cmocka_unit_test(test_export_compiles),
        cmocka_unit_test(test_export_captures),
        cmocka_unit_test(test_export_tshark),
    };
    return cmocka_run_group_tests(tests, load_vectors, unload_vectors);
}
