// SPDX-License-Identifier: Apache-2.0
// The server on sockets: accepting, back-pressure, endings. Clients are plain sockets; the loop
// runs between their steps. cmocka wants those four first
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"
#include "rpc/listen.h"
#include "util/buffer.h"

enum { PATIENCE = 10000 }; // milliseconds after which a test has failed

struct scene {
    uv_loop_t loop;
    struct echo *echo;
    struct rpc_server *server;
    struct rpc_listener *listener;
    struct buffer log;
    bool closed;
};

static void on_log(void *context, enum rpc_log_level level, const char *text) {
    struct scene *s = context;
    (void)level;
    buffer_printf(&s->log, "%s\n", text);
}

static void listen_with(struct scene *s, const struct rpc_limits *limits, const char *address) {
    char *why = NULL;
    *s = (struct scene){.echo = echo_create()};
    const struct rpc_server_options options = {
        .interfaces = echo_interfaces(s->echo), .limits = *limits, .context = s, .log = on_log};
    uv_loop_init(&s->loop);
    s->server = rpc_server_create(&options);
    s->listener = rpc_listener_create(&s->loop, s->server, address, 0, &why);
    assert_non_null(s->listener);
}

static void listen_on(struct scene *s, const char *address) {
    listen_with(s, &(struct rpc_limits){0}, address);
}

static void on_closed(void *context) {
    struct scene *s = context;
    s->closed = true;
}

static void pump(struct scene *s) {
    uv_run(&s->loop, UV_RUN_NOWAIT);
    usleep(500);
}

// Runs the loop until a condition holds.
#define PUMP(s, condition)                                                                         \
    do {                                                                                           \
        const uint64_t pumped_since = uv_hrtime();                                                 \
        while (!(condition)) {                                                                     \
            pump(s);                                                                               \
            assert_true(uv_hrtime() - pumped_since < PATIENCE * (uint64_t)1000000);                \
        }                                                                                          \
    } while (0)

static void close_scene(struct scene *s) {
    if (!s->closed) {
        rpc_listener_close(s->listener, 0, on_closed, s);
        PUMP(s, s->closed);
    }
    assert_int_equal(rpc_server_connections(s->server), 0);
    assert_int_equal(rpc_server_calls(s->server), 0);
    assert_int_equal(rpc_handles_open(s->server, NULL), 0);
    rpc_server_destroy(s->server);
    echo_destroy(s->echo);
    buffer_free(&s->log);
    PUMP(s, uv_loop_close(&s->loop) == 0);
}

// ---- clients ------------------------------------------------------------------------------------

static int open_client(const char *address, uint16_t port) {
    struct sockaddr_storage place = {0};
    socklen_t size = sizeof(struct sockaddr_in);
    if (uv_ip4_addr(address, port, (struct sockaddr_in *)&place) != 0) {
        assert_int_equal(uv_ip6_addr(address, port, (struct sockaddr_in6 *)&place), 0);
        size = sizeof(struct sockaddr_in6);
    }
    const int client = socket(place.ss_family, SOCK_STREAM, 0);
    assert_true(client >= 0);
    assert_int_equal(connect(client, (struct sockaddr *)&place, size), 0); // into the backlog
    fcntl(client, F_SETFL, O_NONBLOCK);
    return client;
}

static void send_all(struct scene *s, int client, const void *octets, size_t size) {
    const uint8_t *at = octets;
    while (size > 0) {
        ssize_t n;
        PUMP(s, (n = send(client, at, size, MSG_NOSIGNAL)) > 0 || errno != EAGAIN);
        assert_true(n > 0);
        at += n;
        size -= (size_t)n;
    }
}

// Reads `size` octets; fewer only at the end of the connection, which is said by the result.
static size_t receive(struct scene *s, int client, void *octets, size_t size) {
    uint8_t *at = octets;
    size_t have = 0;
    while (have < size) {
        ssize_t n;
        PUMP(s, (n = recv(client, at + have, size - have, 0)) >= 0 || errno != EAGAIN);
        assert_true(n >= 0); // not reset
        if (n == 0) {
            break;
        }
        have += (size_t)n;
    }
    return have;
}

static void send_pdu(struct scene *s, int client, cmrp_pdu *pdu) {
    uint8_t octets[4096];
    cmrp_error error = {0};
    cmrp_writer w;
    pdu->header.drep[0] = 0x10;
    cmrp_writer_init(&w, octets, sizeof octets, &error, "");
    assert_true(cmrp_pdu_encode(pdu, &w));
    send_all(s, client, octets, w.size);
}

static void call(struct scene *s, int client, uint32_t call_id, enum echo_opnum opnum,
                 const void *stub, size_t size) {
    cmrp_pdu pdu = {.header = {.ptype = CMRP_PTYPE_REQUEST,
                               .flags = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG,
                               .call_id = call_id},
                    .opnum = (uint16_t)opnum,
                    .stub = {stub, size}};
    send_pdu(s, client, &pdu);
}

// The next PDU; valid until the next call. Returns false at the end of the connection.
static bool next_pdu(struct scene *s, int client, cmrp_pdu *pdu) {
    static uint8_t octets[CMRP_PDU_MAXIMUM];
    cmrp_error error = {0};
    cmrp_pdu_header header;
    const size_t have = receive(s, client, octets, CMRP_PDU_HEADER_SIZE);
    if (have == 0) {
        return false;
    }
    assert_int_equal(have, CMRP_PDU_HEADER_SIZE);
    assert_true(cmrp_pdu_peek((cmrp_view){octets, have}, 0, &header, &error));
    const size_t rest = header.frag_length - have;
    assert_int_equal(receive(s, client, octets + have, rest), rest);
    assert_true(
        cmrp_pdu_decode((cmrp_view){octets, header.frag_length}, 0, pdu, NULL, NULL, &error));
    return true;
}

static uint32_t bind_client(struct scene *s, int client, uint32_t group, cmrp_pdu *ack) {
    const cmrp_syntax_id ndr = {.uuid = cmrp_uuid_ndr20, .version = 2};
    cmrp_pdu_context context = {.abstract_syntax = echo_id, .transfer_count = 1, .transfers = &ndr};
    cmrp_pdu pdu = {
        .header = {.ptype = CMRP_PTYPE_BIND,
                   .flags = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG | CMRP_PFC_CONC_MPX,
                   .call_id = 1},
        .max_xmit_frag = 5840,
        .max_recv_frag = 5840,
        .assoc_group_id = group,
        .list_count = 1,
        .contexts = &context};
    send_pdu(s, client, &pdu);
    assert_true(next_pdu(s, client, ack));
    return ack->assoc_group_id;
}

static int bound_client(struct scene *s) {
    cmrp_pdu ack;
    const int client = open_client("127.0.0.1", rpc_listener_port(s->listener));
    assert_int_not_equal(bind_client(s, client, 0, &ack), 0);
    assert_int_equal(ack.header.ptype, CMRP_PTYPE_BIND_ACK);
    return client;
}

static void expect_response(struct scene *s, int client, uint32_t call_id, const char *stub) {
    cmrp_pdu pdu;
    assert_true(next_pdu(s, client, &pdu));
    assert_int_equal(pdu.header.ptype, CMRP_PTYPE_RESPONSE);
    assert_int_equal(pdu.header.call_id, call_id);
    assert_int_equal(pdu.stub.size, strlen(stub));
    assert_memory_equal(pdu.stub.data, stub, strlen(stub));
}

static void expect_end(struct scene *s, int client) {
    uint8_t octet;
    assert_int_equal(receive(s, client, &octet, 1), 0);
    close(client);
}

// ---- tests --------------------------------------------------------------------------------------

static void calls_over(const char *address, const char *prefix) {
    struct scene s;
    char name[64];
    char port[16];
    cmrp_pdu ack;
    listen_on(&s, address);
    snprintf(name, sizeof name, "%s:%u", prefix, rpc_listener_port(s.listener));
    snprintf(port, sizeof port, "%u", rpc_listener_port(s.listener));
    assert_string_equal(rpc_listener_name(s.listener), name);
    const int client = open_client(address, rpc_listener_port(s.listener));
    const int other = open_client(address, rpc_listener_port(s.listener));
    const uint32_t group = bind_client(&s, client, 0, &ack);
    assert_int_equal(ack.sec_addr.size, strlen(port));
    assert_memory_equal(ack.sec_addr.data, port, strlen(port));
    assert_int_equal(bind_client(&s, other, group, &ack), group);
    call(&s, client, 2, ECHO_STUB, "hello", 5);
    call(&s, other, 2, ECHO_STUB, "again", 5);
    expect_response(&s, client, 2, "hello");
    expect_response(&s, other, 2, "again");
    close(client);
    close(other);
    PUMP(&s, rpc_server_connections(s.server) == 0);
    close_scene(&s);
}

static void ipv4_and_ipv6(void **state) {
    (void)state;
    calls_over("127.0.0.1", "127.0.0.1");
    calls_over("::1", "[::1]");
}

static void addresses_that_cannot_be_listened_on(void **state) {
    struct scene s;
    char *why = NULL;
    (void)state;
    listen_on(&s, "127.0.0.1");
    assert_memory_equal(rpc_listener_ipv4(s.listener), "\x7f\0\0\1", 4);
    const char *const addresses[] = {"localhost", "300.1.1.1", "", "203.0.113.1"};
    for (size_t i = 0; i < 4; i++) {
        assert_null(rpc_listener_create(&s.loop, s.server, addresses[i], 0, &why));
        assert_non_null(strstr(why, addresses[i]));
        free(why);
    }
    assert_null(
        rpc_listener_create(&s.loop, s.server, "127.0.0.1", rpc_listener_port(s.listener), &why));
    assert_non_null(strstr(why, "in use"));
    free(why);
    close_scene(&s);
}

static void many_clients(void **state) {
    enum { COUNT = 200 };
    struct scene s;
    int clients[COUNT];
    (void)state;
    listen_on(&s, "127.0.0.1");
    for (size_t i = 0; i < COUNT; i++) {
        clients[i] = bound_client(&s);
        call(&s, clients[i], 2, HOLD, NULL, 0);
    }
    PUMP(&s, echo_held(s.echo) == COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        call(&s, clients[i], 3, ECHO_STUB, "x", 1);
        expect_response(&s, clients[i], 3, "x");
        close(clients[i]);
    }
    PUMP(&s, rpc_server_connections(s.server) == 0);
    assert_int_equal(echo_gone(s.echo), COUNT);
    close_scene(&s);
}

static void too_many_clients(void **state) {
    struct scene s;
    (void)state;
    listen_with(&s, &(struct rpc_limits){.connections = 1}, "127.0.0.1");
    const int first = bound_client(&s);
    const int second = open_client("127.0.0.1", rpc_listener_port(s.listener));
    expect_end(&s, second);
    assert_non_null(strstr(buffer_text(&s.log), "refused: there are 1 connections already"));
    call(&s, first, 2, ECHO_STUB, "x", 1);
    expect_response(&s, first, 2, "x");
    close(first);
    close_scene(&s);
}

static size_t take_responses(struct scene *s, int client, uint32_t first, uint32_t count) {
    size_t octets = 0;
    cmrp_pdu pdu;
    for (uint32_t i = 0; i < count;) {
        assert_true(next_pdu(s, client, &pdu));
        assert_int_equal(pdu.header.ptype, CMRP_PTYPE_RESPONSE);
        assert_int_equal(pdu.header.call_id, first + i);
        octets += pdu.stub.size;
        i += (pdu.header.flags & CMRP_PFC_LAST_FRAG) != 0;
    }
    return octets;
}

// A client that asks for 100 MiB before it reads the first octet gets all of it, and the server
// never holds much.
static void a_client_that_reads_late(void **state) {
    enum { COUNT = 100 };
    struct scene s;
    (void)state;
    listen_with(&s, &(struct rpc_limits){.output = 4 << 20}, "127.0.0.1");
    const int client = bound_client(&s);
    for (uint32_t i = 0; i < COUNT; i++) {
        call(&s, client, 2 + i, REPEAT, "\0\0\x10\0x", 5); // 1 MiB
    }
    for (size_t i = 0; i < 100; i++) {
        pump(&s);
    }
    assert_int_equal(take_responses(&s, client, 2, COUNT), (size_t)COUNT << 20);
    call(&s, client, 200, ECHO_STUB, "alive", 5);
    expect_response(&s, client, 200, "alive");
    close(client);
    close_scene(&s);
}

static void a_client_that_never_reads(void **state) {
    struct scene s;
    (void)state;
    listen_with(&s, &(struct rpc_limits){.idle_milliseconds = 300}, "127.0.0.1");
    const int client = bound_client(&s);
    const int other = bound_client(&s);
    for (uint32_t i = 0; i < 20; i++) {
        call(&s, client, 2 + i, REPEAT, "\0\0\x10\0x", 5);
    }
    call(&s, other, 2, ECHO_STUB, "unharmed", 8);
    expect_response(&s, other, 2, "unharmed");
    PUMP(&s, strstr(buffer_text(&s.log), "does not read its answers") != NULL);
    PUMP(&s, rpc_server_connections(s.server) == 1);
    close(client);
    close(other);
    close_scene(&s);
}

static void a_slow_client(void **state) {
    struct scene s;
    (void)state;
    listen_with(&s, &(struct rpc_limits){.idle_milliseconds = 300}, "127.0.0.1");
    const int silent = open_client("127.0.0.1", rpc_listener_port(s.listener));
    const int half = bound_client(&s);
    send_all(&s, half, "\5\0\0", 3);
    expect_end(&s, silent);
    expect_end(&s, half);
    assert_non_null(strstr(buffer_text(&s.log), "no presentation context after 300 ms"));
    assert_non_null(strstr(buffer_text(&s.log), "a request is unfinished after"));
    close_scene(&s);
}

// What a client is told last reaches it, although it goes on sending.
static void the_last_word_arrives(void **state) {
    static const uint8_t nonsense[200000];
    struct scene s;
    cmrp_pdu pdu;
    (void)state;
    listen_on(&s, "127.0.0.1");
    const int client = bound_client(&s);
    call(&s, client, 5, ECHO_STUB, "x", 1);
    call(&s, client, 4, ECHO_STUB, "x", 1);
    send_all(&s, client, nonsense, sizeof nonsense);
    expect_response(&s, client, 5, "x");
    assert_true(next_pdu(&s, client, &pdu));
    assert_int_equal(pdu.header.ptype, CMRP_PTYPE_FAULT);
    assert_int_equal(pdu.status, RPC_FAULT_PROTOCOL_ERROR);
    expect_end(&s, client);
    PUMP(&s, rpc_server_connections(s.server) == 0);
    close_scene(&s);
}

static void clients_that_vanish(void **state) {
    struct scene s;
    (void)state;
    listen_on(&s, "127.0.0.1");
    for (uint32_t i = 0; i < 30; i++) {
        const struct linger reset = {.l_onoff = 1};
        const int client = bound_client(&s);
        call(&s, client, 2, OPEN, NULL, 0);
        call(&s, client, 3, HOLD, NULL, 0);
        call(&s, client, 4, REPEAT, "\0\0\x10\0x", 5);
        send_all(&s, client, "\5\0\0\3", i % 5);
        if (i % 2 == 0) {
            setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        }
        if (i % 3 == 0) {
            pump(&s);
        }
        close(client);
    }
    PUMP(&s, rpc_server_connections(s.server) == 0);
    assert_int_equal(echo_held(s.echo), 0);
    close_scene(&s);
}

static void descriptors_run_out(void **state) {
    struct scene s;
    struct rlimit usual;
    (void)state;
    listen_on(&s, "127.0.0.1");
    const int first = bound_client(&s);
    const int second = open_client("127.0.0.1", rpc_listener_port(s.listener));
    getrlimit(RLIMIT_NOFILE, &usual);
    const struct rlimit none = {.rlim_cur = 3, .rlim_max = usual.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    PUMP(&s, strstr(buffer_text(&s.log), "new clients wait: too many open files") != NULL);
    call(&s, first, 2, ECHO_STUB, "x", 1);
    expect_response(&s, first, 2, "x");
    setrlimit(RLIMIT_NOFILE, &usual);
    cmrp_pdu ack;
    assert_int_not_equal(bind_client(&s, second, 0, &ack), 0);
    close(first);
    close(second);
    close_scene(&s);
}

// ---- the end ------------------------------------------------------------------------------------

static void calls_are_answered_before_the_end(void **state) {
    struct scene s;
    cmrp_pdu pdu;
    (void)state;
    listen_on(&s, "127.0.0.1");
    const int idle = bound_client(&s);
    const int client = bound_client(&s);
    const uint16_t port = rpc_listener_port(s.listener);
    call(&s, client, 2, HOLD, NULL, 0);
    PUMP(&s, echo_held(s.echo) == 1);
    rpc_server_stop(s.server);
    rpc_listener_close(s.listener, PATIENCE, on_closed, &s);
    assert_true(next_pdu(&s, idle, &pdu));
    assert_int_equal(pdu.header.ptype, CMRP_PTYPE_SHUTDOWN);
    expect_end(&s, idle);
    for (size_t i = 0; i < 200; i++) {
        pump(&s);
    }
    assert_false(s.closed); // a call is not answered yet
    struct sockaddr_in place;
    uv_ip4_addr("127.0.0.1", port, &place);
    const int late = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_not_equal(connect(late, (struct sockaddr *)&place, sizeof place), 0);
    close(late);
    pdu = (cmrp_pdu){.header = {.ptype = CMRP_PTYPE_CO_CANCEL, .flags = 3, .call_id = 2}};
    send_pdu(&s, client, &pdu); // lets its owner answer it
    assert_true(next_pdu(&s, client, &pdu));
    assert_int_equal(pdu.header.ptype, CMRP_PTYPE_FAULT);
    assert_int_equal(pdu.status, RPC_FAULT_CANCEL);
    assert_true(next_pdu(&s, client, &pdu));
    assert_int_equal(pdu.header.ptype, CMRP_PTYPE_SHUTDOWN);
    expect_end(&s, client);
    PUMP(&s, s.closed);
    close_scene(&s);
}

static void calls_that_nobody_answers_are_cut(void **state) {
    struct scene s;
    (void)state;
    listen_on(&s, "127.0.0.1");
    const int client = bound_client(&s);
    call(&s, client, 2, HOLD, NULL, 0);
    PUMP(&s, echo_held(s.echo) == 1);
    const uint64_t start = uv_hrtime();
    rpc_listener_close(s.listener, 200, on_closed, &s);
    PUMP(&s, s.closed);
    assert_true((uv_hrtime() - start) / 1000000 >= 190);
    assert_int_equal(echo_gone(s.echo), 1);
    expect_end(&s, client);
    close_scene(&s);
}

static void two_listeners_one_server(void **state) {
    struct scene s;
    char *why = NULL;
    cmrp_pdu ack;
    (void)state;
    listen_on(&s, "127.0.0.1");
    struct rpc_listener *second = rpc_listener_create(&s.loop, s.server, "127.0.0.1", 0, &why);
    assert_non_null(second);
    const int a = open_client("127.0.0.1", rpc_listener_port(s.listener));
    const int b = open_client("127.0.0.1", rpc_listener_port(second));
    const uint32_t group = bind_client(&s, a, 0, &ack);
    assert_int_equal(bind_client(&s, b, group, &ack), group);
    rpc_listener_close(second, 0, NULL, NULL);
    expect_end(&s, b);
    call(&s, a, 2, ECHO_STUB, "x", 1);
    expect_response(&s, a, 2, "x");
    close(a);
    close_scene(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_and_ipv6),
        cmocka_unit_test(addresses_that_cannot_be_listened_on),
        cmocka_unit_test(many_clients),
        cmocka_unit_test(too_many_clients),
        cmocka_unit_test(a_client_that_reads_late),
        cmocka_unit_test(a_client_that_never_reads),
        cmocka_unit_test(a_slow_client),
        cmocka_unit_test(the_last_word_arrives),
        cmocka_unit_test(clients_that_vanish),
        cmocka_unit_test(descriptors_run_out),
        cmocka_unit_test(calls_are_answered_before_the_end),
        cmocka_unit_test(calls_that_nobody_answers_are_cut),
        cmocka_unit_test(two_listeners_one_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
