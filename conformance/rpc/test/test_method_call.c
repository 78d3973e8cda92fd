// SPDX-License-Identifier: Apache-2.0
// Methods by name: the client and the server of this folder talk over loopback, in both syntaxes,
// with the endpoint mapper in between.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "rpc/epmap.h"
#include "rpc/listen.h"
#include "rpc/method_call.h"
#include "util/text.h"

enum { PATIENCE = 10000, OPNUMS = 265 };

enum mode { ANSWER, REFUSE, GARBAGE };

// Both sides in one loop.
struct stage {
    uv_loop_t loop;
    uv_timer_t alarm;
    struct rpc_epmap *epmap;
    struct rpc_interface interface;
    const struct rpc_interface *interfaces[3]; // and a NULL
    struct rpc_server *server;
    struct rpc_listener *listener, *mapper;
    struct rpc_client *client;
    struct rpc_call *held; // ApiGetNotifyV2
    enum mode mode;
    struct buffer seen; // what the server was asked, as text
    struct buffer told; // what the client was told
    unsigned pending;
    unsigned open; // listeners and clients that are not closed yet
};

// ---- the server ---------------------------------------------------------------------------------

static void respond(struct rpc_call *call, const cmrp_stub_format *format, const cmrp_slot *slots) {
    uint8_t stub[4096];
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_stub_format response = *format;
    response.response = true;
    cmrp_writer_init(&writer, stub, sizeof stub, &error, "test");
    assert_true(cmrp_stub_encode(&response, slots, &writer));
    rpc_call_respond(call, stub, writer.size);
}

static void note_text(struct stage *s, const cmrp_slot *slot) {
    text_from_units(&s->seen, slot->bytes, slot->order);
    buffer_append(&s->seen, "\n", 1);
}

// All out parameters 0 or NULL but for the ones that a test looks at.
static void fill(struct stage *s, const cmrp_method *method, const cmrp_slot *in, cmrp_slot *out) {
    static const uint8_t data[] = "datadata";
    for (uint32_t i = 0; i < method->count; i++) {
        out[i] = (cmrp_slot){.present = method->params[i].meaning != CMRP_MEANS_COUNT,
                             .null = method->params[i].unique != 0};
    }
    if (strcmp(method->name, "ApiOpenKey") == 0) {
        note_text(s, &in[1]);
        out[3].value = s->mode == REFUSE ? 2 : 0;
        out[5].handle[5] = 7;
    } else if (strcmp(method->name, "ApiQueryValue") == 0) {
        buffer_printf(&s->seen, "handle %u, room %llu\n", in[0].handle[5],
                      (unsigned long long)in[4].value);
        out[2].value = 3;
        out[3].bytes = (cmrp_view){data, 8};
        out[5].value = 4;
        out[7].value = s->mode == REFUSE ? 234 : 0;
    } else if (strcmp(method->name, "ApiSetValue") == 0) {
        buffer_printf(&s->seen, "%llu octets\n", (unsigned long long)in[4].value);
    } else if (strcmp(method->name, "ApiAddNotifyV2") == 0) {
        cmrp_slot members[CMRP_MAX_PARAMS];
        cmrp_rows rows = in[2].rows;
        assert_true(cmrp_rows_next(&rows, members));
        buffer_printf(&s->seen, "type %llu flags %llu key %llu\n",
                      (unsigned long long)members[0].value, (unsigned long long)members[1].value,
                      (unsigned long long)in[3].value);
    }
}

static void serve(void *context, struct rpc_call *call, const struct rpc_request *request) {
    struct stage *s = context;
    const cmrp_method *method = cmrp_method_numbered(CMRP_INTERFACE_3, request->opnum);
    cmrp_slot in[CMRP_MAX_PARAMS], out[CMRP_MAX_PARAMS];
    cmrp_error error = {0};
    assert_non_null(method);
    const cmrp_stub_format format = {method, CMRP_INTERFACE_3, false, request->syntax,
                                     request->order};
    assert_true(cmrp_stub_decode(&format, request->stub, 0, in, NULL, NULL, &error));
    if (s->mode == GARBAGE) {
        rpc_call_respond(call, (const uint8_t *)"xyz", 3);
        return;
    }
    if (strcmp(method->name, "ApiGetNotifyV2") == 0) {
        s->held = call;
        return;
    }
    if (strcmp(method->name, "ApiUnblockGetNotifyCall") == 0 && s->held != NULL) {
        const cmrp_method *get = cmrp_method_named(CMRP_INTERFACE_3, "ApiGetNotifyV2");
        const cmrp_stub_format answer = {get, CMRP_INTERFACE_3, false, request->syntax,
                                         request->order};
        fill(s, get, in, out);
        out[3].value = 1;
        respond(s->held, &answer, out);
        s->held = NULL;
    }
    if (strcmp(method->name, "ApiCreateNotifyV2") == 0) {
        rpc_call_fault(call, RPC_FAULT_OP_RANGE, true);
        return;
    }
    fill(s, method, in, out);
    respond(call, &format, out);
}

// ---- the stage ----------------------------------------------------------------------------------

static void on_alarm(uv_timer_t *timer) {
    struct stage *s = timer->data;
    fail_msg("nothing happens any more: %s", buffer_text(&s->told));
}

static void open_stage(struct stage *s, enum rpc_offer offer, bool one_call_a_connection) {
    static const uint8_t any[4] = {0};
    memset(s, 0, sizeof *s);
    char *why = NULL;
    uv_loop_init(&s->loop);
    uv_timer_init(&s->loop, &s->alarm);
    s->alarm.data = s;
    uv_timer_start(&s->alarm, on_alarm, PATIENCE, 0);
    s->epmap = rpc_epmap_create();
    s->interface = (struct rpc_interface){.id = {cmrp_uuid_clusapi, 3, 0},
                                          .name = "test",
                                          .opnums = OPNUMS,
                                          .context = s,
                                          .call = serve};
    s->interfaces[0] = &s->interface;
    s->interfaces[1] = rpc_epmap_interface(s->epmap);
    const struct rpc_server_options options = {.interfaces = s->interfaces};
    s->server = rpc_server_create(&options);
    s->listener = rpc_listener_create(&s->loop, s->server, "127.0.0.1", 0, &why);
    s->mapper = rpc_listener_create(&s->loop, s->server, "127.0.0.1", 0, &why);
    assert_non_null(s->listener);
    assert_non_null(s->mapper);
    rpc_epmap_add(s->epmap, &s->interface.id, "test", rpc_listener_port(s->listener), any);
    const struct rpc_client_options client = {.host = "127.0.0.1",
                                              .epmap = rpc_listener_port(s->mapper),
                                              .interface = s->interface.id,
                                              .offer = offer,
                                              .one_call_a_connection = one_call_a_connection};
    s->client = rpc_client_create(&s->loop, &client);
    s->open = 3;
}

static void on_closed(void *context) {
    struct stage *s = context;
    s->open--;
    uv_stop(&s->loop);
}

static void close_stage(struct stage *s) {
    rpc_client_close(s->client, on_closed, s);
    rpc_listener_close(s->listener, 1000, on_closed, s);
    rpc_listener_close(s->mapper, 1000, on_closed, s);
    while (s->open > 0) {
        uv_run(&s->loop, UV_RUN_ONCE);
    }
    rpc_server_destroy(s->server);
    rpc_epmap_destroy(s->epmap);
    uv_close((uv_handle_t *)&s->alarm, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    buffer_free(&s->seen);
    buffer_free(&s->told);
}

static void settle(struct stage *s, unsigned pending) {
    while (s->pending > pending) {
        uv_run(&s->loop, UV_RUN_ONCE);
    }
}

static void expect(struct stage *s, const char *told, const char *seen) {
    assert_string_equal(buffer_text(&s->told), told);
    assert_string_equal(buffer_text(&s->seen), seen);
    buffer_clear(&s->told);
    buffer_clear(&s->seen);
}

static void on_done(void *context, const struct method_reply *reply) {
    struct stage *s = context;
    uint8_t handle[CMRP_HANDLE_SIZE];
    method_reply_handle(reply, "return", handle);
    buffer_printf(&s->told, "%s %u%s%s\n", reply->method->name, reply->status,
                  reply->answered ? "" : " not answered", reply->fault ? " fault" : "");
    if (strcmp(reply->method->name, "ApiQueryValue") == 0 && reply->answered) {
        const cmrp_slot *data = method_reply_slot(reply, "lpData");
        buffer_printf(&s->told, "%.*s %llu of %llu\n", (int)data->bytes.size,
                      (const char *)data->bytes.data,
                      (unsigned long long)method_reply_number(reply, "lpcbRequired"),
                      (unsigned long long)method_reply_number(reply, "lpValueType"));
    } else if (strcmp(reply->method->name, "ApiOpenKey") == 0 && reply->answered) {
        buffer_printf(&s->told, "handle %u\n", handle[5]);
    }
    assert_null(method_reply_slot(reply, "no such parameter"));
    assert_int_equal(method_reply_number(reply, "no such parameter"), 0);
    s->pending--;
    uv_stop(&s->loop);
}

static void send_call(struct stage *s, struct method_call *call, unsigned flags) {
    s->pending++;
    method_call_send(s->client, call, flags, on_done, s);
}

static const struct {
    enum rpc_offer offer;
    bool one;
    cmrp_syntax syntax;
} ways[] = {{RPC_OFFER_BOTH, false, CMRP_NDR64},
            {RPC_OFFER_NDR, false, CMRP_NDR20},
            {RPC_OFFER_NDR64, true, CMRP_NDR64},
            {RPC_OFFER_NDR, true, CMRP_NDR20}};

enum { WAYS = sizeof ways / sizeof ways[0] };

// ---- tests --------------------------------------------------------------------------------------

static void test_parameters(void **state) {
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct stage s;
        const uint8_t handle[CMRP_HANDLE_SIZE] = {[5] = 9};
        const uint64_t filter[] = {8, 0x10000000b};
        open_stage(&s, ways[i].offer, ways[i].one);
        struct method_call *call = method_call_create("ApiOpenKey");
        method_call_text(call, "lpSubKey", "overwritten");
        method_call_text(call, "lpSubKey",
                         "Gr\xc3\xb6\xc3\x9f"
                         "e\\\xed\xa0\x80x");
        send_call(&s, call, 0);
        settle(&s, 0);
        expect(&s, "ApiOpenKey 0\nhandle 7\n",
               "Gr\xc3\xb6\xc3\x9f"
               "e\\\xed\xa0\x80x\n");
        assert_int_equal(rpc_client_syntax(s.client), ways[i].syntax);
        assert_int_equal(rpc_client_multiplexes(s.client), !ways[i].one);

        call = method_call_create("ApiQueryValue");
        method_call_handle(call, "hKey", handle);
        method_call_number(call, "cbData", 8);
        send_call(&s, call, 0);
        settle(&s, 0);
        expect(&s, "ApiQueryValue 0\ndatadata 4 of 3\n", "handle 9, room 8\n");

        call = method_call_create("ApiSetValue");
        method_call_octets(call, "lpData", (cmrp_view){handle, 13});
        send_call(&s, call, 0);
        settle(&s, 0);
        expect(&s, "ApiSetValue 0\n", "13 octets\n");

        call = method_call_create("ApiAddNotifyV2");
        method_call_record(call, "filter", filter, 2);
        method_call_number(call, "dwNotifyKey", 5);
        send_call(&s, call, 0);
        settle(&s, 0);
        expect(&s, "ApiAddNotifyV2 0\n", "type 8 flags 4294967307 key 5\n");
        close_stage(&s);
    }
}

// What decides is the return value, or a status of a method that returns a handle.
static void test_status(void **state) {
    (void)state;
    struct stage s;
    open_stage(&s, RPC_OFFER_BOTH, false);
    s.mode = REFUSE;
    send_call(&s, method_call_create("ApiOpenKey"), 0);
    settle(&s, 0);
    send_call(&s, method_call_create("ApiQueryValue"), 0);
    settle(&s, 0);
    send_call(&s, method_call_create("ApiCreateNotifyV2"), 0);
    settle(&s, 0);
    s.mode = GARBAGE;
    send_call(&s, method_call_create("ApiGetClusterName"), 0);
    settle(&s, 0);
    assert_string_equal(buffer_text(&s.told), "ApiOpenKey 2\nhandle 7\n"
                                              "ApiQueryValue 234\ndatadata 4 of 3\n"
                                              "ApiCreateNotifyV2 469827586 not answered fault\n"
                                              "ApiGetClusterName 1783 not answered\n");
    close_stage(&s);
}

static void test_blocked_calls_are_passed(void **state) {
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct stage s;
        open_stage(&s, ways[i].offer, ways[i].one);
        send_call(&s, method_call_create("ApiGetNotifyV2"), RPC_CALL_BLOCKS);
        send_call(&s, method_call_create("ApiGetClusterName"), 0);
        settle(&s, 1);
        expect(&s, "ApiGetClusterName 0\n", "");
        while (s.held == NULL) {
            uv_run(&s.loop, UV_RUN_ONCE);
        }
        send_call(&s, method_call_create("ApiUnblockGetNotifyCall"), 0);
        settle(&s, 0);
        const char *told = buffer_text(&s.told); // of two connections, in any order
        assert_non_null(strstr(told, "ApiGetNotifyV2 1\n"));
        assert_non_null(strstr(told, "ApiUnblockGetNotifyCall 0\n"));
        close_stage(&s);
    }
}

static void test_unknown_method(void **state) {
    (void)state;
    assert_null(method_call_create("ApiNothing"));
    assert_null(method_call_create("Opnum2NotUsedOnWire"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_blocked_calls_are_passed),
        cmocka_unit_test(test_unknown_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
