// SPDX-License-Identifier: Apache-2.0
// The client on sockets: connections it opens, calls that pass each other, time limits, endings.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "host.h"
#include "rpc/client.h"

enum { PATIENCE = 10000 }; // milliseconds after which a test has failed

struct scene {
    uv_loop_t loop;
    uv_timer_t alarm;
    struct host host;
    struct rpc_client *client;
    struct rpc_client_options options;
    unsigned pending;   // calls and connects that have not ended
    struct buffer told; // text: a line for each end
    size_t last_size;   // octets of the last reply
    bool inside;        // the function that was called has not returned
};

// One call: its name and what it sends.
struct order {
    struct scene *scene;
    const char *name;
    size_t size;
    bool refuse;
};

static void on_alarm(uv_timer_t *timer) {
    struct scene *s = timer->data;
    fail_msg("nothing happens any more: %s", buffer_text(&s->told));
}

static void open_scene(struct scene *s) {
    memset(s, 0, sizeof *s);
    uv_loop_init(&s->loop);
    uv_timer_init(&s->loop, &s->alarm);
    s->alarm.data = s;
    uv_timer_start(&s->alarm, on_alarm, PATIENCE, 0);
    host_open(&s->host, &s->loop);
    s->options = (struct rpc_client_options){
        .host = "127.0.0.1", .port = s->host.port, .interface = {cmrp_uuid_clusapi, 3, 0}};
}

static void start_client(struct scene *s) {
    s->client = rpc_client_create(&s->loop, &s->options);
}

static void on_client_closed(void *context) {
    struct scene *s = context;
    buffer_printf(&s->told, "closed\n");
    uv_stop(&s->loop);
    s->client = NULL;
}

// Runs until no more than so many of those that were started have not ended.
static void settle_to(struct scene *s, unsigned pending) {
    while (s->pending > pending) {
        uv_run(&s->loop, UV_RUN_ONCE);
    }
}

static void settle(struct scene *s) {
    settle_to(s, 0);
}

static void run_for(struct scene *s, unsigned milliseconds) {
    const uint64_t until = uv_now(&s->loop) + milliseconds;
    while (uv_now(&s->loop) < until) {
        uv_run(&s->loop, UV_RUN_NOWAIT);
    }
}

static void expect(struct scene *s, const char *text) {
    assert_string_equal(buffer_text(&s->told), text);
    buffer_clear(&s->told);
}

static void close_scene(struct scene *s) {
    if (s->client != NULL) {
        rpc_client_close(s->client, on_client_closed, s);
    }
    host_close(&s->host);
    while (s->client != NULL) {
        uv_run(&s->loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&s->alarm, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0); // no handle is left
    buffer_free(&s->told);
}

static bool encode(void *context, cmrp_syntax syntax, struct buffer *stub) {
    const struct order *order = context;
    (void)syntax;
    memset(buffer_extend(stub, order->size), 'x', order->size);
    return !order->refuse;
}

static void on_done(void *context, const struct rpc_reply *reply) {
    struct order *order = context;
    struct scene *s = order->scene;
    assert_false(s->inside);
    assert_true(reply->status == 0 || reply->why != NULL);
    buffer_printf(&s->told, "%s %u%s%s\n", order->name, reply->status, reply->fault ? " fault" : "",
                  reply->did_not_execute ? " dne" : "");
    s->last_size = reply->stub.size;
    s->pending--;
    uv_stop(&s->loop); // a timer's callback comes before the wait of the same round
    free(order);
}

static struct rpc_client_call *start(struct scene *s, const char *name, uint16_t opnum,
                                     unsigned flags, size_t size) {
    struct order *order = calloc(1, sizeof *order);
    *order = (struct order){s, name, size, size == SIZE_MAX};
    order->size = order->refuse ? 0 : size;
    const struct rpc_client_request request = {opnum, flags, order, encode, on_done};
    s->pending++;
    s->inside = true;
    struct rpc_client_call *call = rpc_client_call(s->client, &request);
    s->inside = false;
    return call;
}

static void on_connect(void *context, uint32_t status, const char *why) {
    struct scene *s = context;
    assert_false(s->inside);
    assert_non_null(why);
    buffer_printf(&s->told, "connect %u\n", status);
    s->pending--;
    uv_stop(&s->loop); // a timer's callback comes before the wait of the same round
}

static void connect_client(struct scene *s) {
    s->pending++;
    s->inside = true;
    rpc_client_connect(s->client, on_connect, s);
    s->inside = false;
}

// ---- connecting ---------------------------------------------------------------------------------

static void test_connect(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s);
    start_client(&s);
    connect_client(&s);
    connect_client(&s);
    settle(&s);
    connect_client(&s); // is already
    settle(&s);
    expect(&s, "connect 0\nconnect 0\nconnect 0\n");
    assert_int_equal(rpc_client_syntax(s.client), CMRP_NDR64);
    assert_true(rpc_client_multiplexes(s.client));
    assert_int_equal(s.host.accepted, 1);
    close_scene(&s);
}

static void test_connect_by_name(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s);
    s.options.host = "localhost";
    s.host.refuse_ndr64 = true;
    start_client(&s);
    connect_client(&s);
    settle(&s);
    expect(&s, "connect 0\n");
    assert_int_equal(rpc_client_syntax(s.client), CMRP_NDR20);
    close_scene(&s);
}

static void test_nobody_there(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s);
    host_close(&s.host);
    run_for(&s, 20);
    start_client(&s);
    connect_client(&s);
    start(&s, "echo", HOST_ECHO, 0, 3);
    settle(&s);
    expect(&s, "connect 1722\necho 1722 dne\n");
    start(&s, "again", HOST_ECHO, 0, 3); // tries anew
    settle(&s);
    expect(&s, "again 1722 dne\n");
    close_scene(&s);
}

static void test_no_such_name(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s);
    s.options.host = "no.such.name.invalid";
    s.options.connect_milliseconds = 3000;
    start_client(&s);
    connect_client(&s);
    settle(&s);
    expect(&s, "connect 1722\n");
    close_scene(&s);
}

static void test_mute_server(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s);
    s.host.mute = true;
    s.options.connect_milliseconds = 100;
    start_client(&s);
    connect_client(&s);
    start(&s, "echo", HOST_ECHO, 0, 3);
    settle(&s);
    expect(&s, "connect 1722\necho 1722 dne\n");
    close_scene(&s);
}

static void test_endpoint_mapper(void **state) {
    (void)state;
    struct scene s;
    struct host mapper;
    open_scene(&s);
    host_open(&mapper, &s.loop);
    mapper.mapped_port = s.host.port;
    s.options.port = 0;
    s.options.epmap = mapper.port;
    start_client(&s);
    start(&s, "echo", HOST_ECHO, 0, 3);
    settle(&s);
    expect(&s, "echo 0\n");
    assert_int_equal(mapper.accepted, 1);
    host_hang_up(&s.host); // the port may have changed: the mapper is asked again
    run_for(&s, 50);
    start(&s, "echo", HOST_ECHO, 0, 3);
    settle(&s);
    expect(&s, "echo 0\n");
    assert_int_equal(mapper.accepted, 2);
    assert_int_equal(s.host.accepted, 2);

    host_hang_up(&s.host);
    run_for(&s, 50);
    mapper.unregistered = true;
    start(&s, "echo", HOST_ECHO, 0, 3);
    settle(&s);
    expect(&s, "echo 1753 dne\n");
    host_close(&mapper);
    close_scene(&s);
}

// ---- calls --------------------------------------------------------------------------------------

static void test_calls(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s);
    start_client(&s);
    start(&s, "one", HOST_ECHO, 0, 3);
    start(&s, "large", HOST_ECHO, 0, 200000);
    settle(&s);
    assert_int_equal(s.last_size, 200000);
    start(&s, "fault", HOST_FAULT, 0, 3);
    settle(&s);
    start(&s, "long", HOST_LONG, 0, 0);
    settle(&s);
    assert_int_equal(s.last_size, 100000);
    start(&s, "refused", HOST_ECHO, 0, SIZE_MAX);
    settle(&s);
    expect(&s, "one 0\nlarge 0\nfault 5 fault dne\nlong 0\nrefused 1783 dne\n");
    assert_int_equal(s.host.accepted, 1);
    close_scene(&s);
}

// One connection takes a call that blocks, and those that pass it.
static void test_multiplexed(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s);
    start_client(&s);
    start(&s, "get", HOST_HOLD, RPC_CALL_BLOCKS, 0);
    start(&s, "echo", HOST_ECHO, 0, 3);
    settle_to(&s, 1);
    start(&s, "unblock", HOST_RELEASE, 0, 0);
    settle(&s);
    expect(&s, "echo 0\nget 0\nunblock 0\n");
    assert_int_equal(s.host.accepted, 1);
    close_scene(&s);
}

// Without multiplexing each call has a connection of the same association.
static void test_not_multiplexed(void **state) {
    (void)state;
    for (int by_client = 0; by_client < 2; by_client++) {
        struct scene s;
        open_scene(&s);
        s.host.multiplex = by_client != 0;
        s.options.one_call_a_connection = by_client != 0;
        start_client(&s);
        start(&s, "get", HOST_HOLD, RPC_CALL_BLOCKS, 0);
        start(&s, "get", HOST_HOLD, RPC_CALL_BLOCKS, 0);
        start(&s, "echo", HOST_ECHO, 0, 3);
        settle_to(&s, 2);
        assert_false(rpc_client_multiplexes(s.client));
        assert_int_equal(s.host.accepted, 3);
        assert_int_equal(s.host.groups, 1);
        assert_int_equal(s.host.joined, 2);
        start(&s, "unblock", HOST_RELEASE, 0, 0);
        settle(&s);
        expect(&s, "echo 0\nget 0\nget 0\nunblock 0\n");
        start(&s, "echo", HOST_ECHO, 0, 3);
        settle(&s);
        assert_int_equal(s.host.accepted, 3); // idle ones are used
        close_scene(&s);
    }
}

// As many connections as allowed, of which one stays for calls that do not block.
static void test_connections_bounded(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s);
    s.host.multiplex = false;
    s.options.connections = 3;
    start_client(&s);
    for (int i = 0; i < 3; i++) {
        start(&s, "get", HOST_HOLD, RPC_CALL_BLOCKS, 0);
    }
    for (int i = 0; i < 5; i++) {
        start(&s, "echo", HOST_ECHO, 0, 3);
    }
    settle_to(&s, 3);
    expect(&s, "echo 0\necho 0\necho 0\necho 0\necho 0\n");
    start(&s, "unblock", HOST_RELEASE, 0, 0); // lets two go; then the third is sent
    settle_to(&s, 1);
    run_for(&s, 30);
    start(&s, "unblock", HOST_RELEASE, 0, 0);
    settle(&s);
    expect(&s, "get 0\nget 0\nunblock 0\nget 0\nunblock 0\n");
    assert_int_equal(s.host.accepted, 3);
    close_scene(&s);
}

// ---- ends that nobody wanted --------------------------------------------------------------------

static void test_lost(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s);
    start_client(&s);
    start(&s, "get", HOST_HOLD, RPC_CALL_BLOCKS, 0);
    connect_client(&s);
    settle_to(&s, 1);
    start(&s, "dies", HOST_HANG_UP, 0, 0);
    settle(&s);
    expect(&s, "connect 0\nget 1726\ndies 1726\n");
    start(&s, "echo", HOST_ECHO, 0, 3); // founds an association anew
    settle(&s);
    expect(&s, "echo 0\n");
    assert_int_equal(s.host.groups, 2);
    close_scene(&s);
}

static void test_nonsense(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s);
    start_client(&s);
    start(&s, "nonsense", HOST_NONSENSE, 0, 0);
    settle(&s);
    expect(&s, "nonsense 1728\n");
    start(&s, "echo", HOST_ECHO, 0, 3);
    settle(&s);
    expect(&s, "echo 0\n");
    close_scene(&s);
}

static void test_shutdown(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s);
    start_client(&s);
    start(&s, "last", HOST_SHUTDOWN, 0, 0);
    settle(&s);
    start(&s, "echo", HOST_ECHO, 0, 3);
    settle(&s);
    expect(&s, "last 0\necho 0\n");
    assert_int_equal(s.host.groups, 2);
    close_scene(&s);
}

static void test_time_limit(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s);
    s.options.call_milliseconds = 60;
    start_client(&s);
    start(&s, "silent", HOST_SILENT, 0, 0);
    start(&s, "get", HOST_HOLD, RPC_CALL_BLOCKS, 0);
    settle_to(&s, 1);
    expect(&s, "silent 1460\n");
    assert_int_equal(s.host.cancels, 0);
    start(&s, "unblock", HOST_RELEASE, 0, 0); // the connection lives on
    settle(&s);
    expect(&s, "get 0\nunblock 0\n");
    assert_int_equal(s.host.orphans, 1);
    assert_int_equal(s.host.accepted, 1);
    close_scene(&s);
}

static void test_cancel(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s);
    start_client(&s);
    struct rpc_client_call *call = start(&s, "get", HOST_HOLD, RPC_CALL_BLOCKS, 0);
    connect_client(&s);
    settle_to(&s, 1);
    rpc_client_cancel(call, false);
    settle(&s);
    expect(&s, "connect 0\nget 469762061 fault\n");
    call = start(&s, "get", HOST_HOLD, RPC_CALL_BLOCKS, 0);
    s.inside = true;
    rpc_client_cancel(call, true);
    s.inside = false;
    settle(&s);
    run_for(&s, 20);
    expect(&s, "get 1818\n");
    assert_int_equal(s.host.cancels, 1);
    assert_int_equal(s.host.orphans, 1);
    close_scene(&s);
}

static void test_cancel_ignored(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s);
    s.host.ignores_cancel = true;
    start_client(&s);
    struct rpc_client_call *call = start(&s, "get", HOST_HOLD, RPC_CALL_BLOCKS, 0);
    connect_client(&s);
    settle_to(&s, 1);
    rpc_client_cancel(call, false);
    settle(&s); // after the grace
    expect(&s, "connect 0\nget 1818\n");
    close_scene(&s);
}

static void test_cancel_unsent(void **state) {
    (void)state;
    struct scene s;
    open_scene(&s);
    start_client(&s);
    struct rpc_client_call *call = start(&s, "get", HOST_HOLD, RPC_CALL_BLOCKS, 0);
    s.inside = true;
    rpc_client_cancel(call, false);
    s.inside = false;
    settle(&s);
    expect(&s, "get 1818 dne\n");
    close_scene(&s);
}

static void test_close_amid(void **state) {
    (void)state;
    for (int stage = 0; stage < 4; stage++) {
        struct scene s;
        open_scene(&s);
        s.host.multiplex = stage < 2;
        start_client(&s);
        if (stage > 0) {
            connect_client(&s);
            settle(&s);
        }
        start(&s, "get", HOST_HOLD, RPC_CALL_BLOCKS, 0);
        start(&s, "echo", HOST_SILENT, 0, 3);
        if (stage == 3) {
            run_for(&s, 20);
        }
        buffer_clear(&s.told);
        s.inside = true;
        rpc_client_close(s.client, on_client_closed, &s);
        s.inside = false;
        while (s.client != NULL) {
            uv_run(&s.loop, UV_RUN_ONCE);
        }
        assert_int_equal(s.pending, 0);
        const char *told = buffer_text(&s.told);
        assert_non_null(strstr(told, "get 1818"));
        assert_non_null(strstr(told, "echo 1818"));
        assert_non_null(strstr(told, "closed"));
        close_scene(&s);
    }
}

// Closing the client, or cancelling other calls, from within the end of a call.
static void close_inside(void *context, const struct rpc_reply *reply) {
    struct order *order = context;
    struct scene *s = order->scene;
    rpc_client_close(s->client, on_client_closed, s);
    on_done(context, reply);
}

static void test_close_inside(void **state) {
    (void)state;
    static const uint16_t ways[] = {HOST_HANG_UP, HOST_NONSENSE, HOST_ECHO};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct scene s;
        open_scene(&s);
        start_client(&s);
        struct order *order = calloc(1, sizeof *order);
        *order = (struct order){&s, "first", 1, false};
        const struct rpc_client_request request = {ways[i], 0, order, encode, close_inside};
        s.pending++;
        rpc_client_call(s.client, &request);
        start(&s, "second", HOST_SILENT, 0, 1);
        start(&s, "third", HOST_HOLD, RPC_CALL_BLOCKS, 1);
        while (s.client != NULL) {
            uv_run(&s.loop, UV_RUN_ONCE);
        }
        assert_int_equal(s.pending, 0);
        assert_non_null(strstr(buffer_text(&s.told), "second 1818"));
        assert_non_null(strstr(buffer_text(&s.told), "third 1818"));
        close_scene(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect),
        cmocka_unit_test(test_connect_by_name),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_no_such_name),
        cmocka_unit_test(test_mute_server),
        cmocka_unit_test(test_endpoint_mapper),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_multiplexed),
        cmocka_unit_test(test_not_multiplexed),
        cmocka_unit_test(test_connections_bounded),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_shutdown),
        cmocka_unit_test(test_time_limit),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cancel_ignored),
        cmocka_unit_test(test_cancel_unsent),
        cmocka_unit_test(test_close_amid),
        cmocka_unit_test(test_close_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
