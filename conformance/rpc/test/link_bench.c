// SPDX-License-Identifier: Apache-2.0
#include "link_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdlib.h>

static void on_send(void *context, const uint8_t *octets, size_t size) {
    struct bench *b = context;
    assert_true(b->count < 64);
    buffer_append(&b->sent[b->count++], octets, size);
}

static void on_bound(void *context) {
    struct bench *b = context;
    buffer_printf(&b->told, "bound\n");
}

static void on_answered(void *context, void *call, const struct rpc_reply *reply) {
    struct bench *b = context;
    buffer_printf(&b->told, "%s %u%s%s %.*s\n", (const char *)call, reply->status,
                  reply->fault ? " fault" : "", reply->did_not_execute ? " dne" : "",
                  reply->stub.size < 20 ? (int)reply->stub.size : 0,
                  reply->stub.size > 0 ? (const char *)reply->stub.data : "");
    buffer_clear(&b->stub);
    buffer_append(&b->stub, reply->stub.data, reply->stub.size);
}

static void on_failed(void *context, uint32_t status, const char *why) {
    struct bench *b = context;
    (void)why;
    buffer_printf(&b->told, "failed %u\n", status);
}

void bench_open(struct bench *b, enum rpc_offer offer, uint32_t group, bool multiplex,
                uint32_t response) {
    *b = (struct bench){0};
    const struct rpc_link_options options = {
        .interface = {cmrp_uuid_clusapi, 3, 0},
        .offer = offer,
        .group = group,
        .multiplex = multiplex,
        .response = response,
        .context = b,
        .send = on_send,
        .bound = on_bound,
        .answered = on_answered,
        .failed = on_failed,
    };
    b->link = rpc_link_create(&options);
}

void bench_close(struct bench *b) {
    rpc_link_free(b->link);
    for (size_t i = 0; i < b->count; i++) {
        buffer_free(&b->sent[i]);
    }
    buffer_free(&b->told);
    buffer_free(&b->stub);
}

cmrp_pdu bench_sent(const struct bench *b, size_t index) {
    assert_true(index < b->count);
    return peer_read(buffer_view(&b->sent[index]));
}

void bench_feed(struct bench *b, struct buffer *octets) {
    uint8_t *exact = malloc(octets->size > 0 ? octets->size : 1);
    if (octets->size > 0) {
        memcpy(exact, octets->data, octets->size);
    }
    rpc_link_data(b->link, exact, octets->size);
    free(exact);
    buffer_free(octets);
}

void bench_expect(struct bench *b, const char *text) {
    assert_string_equal(buffer_text(&b->told), text);
    buffer_clear(&b->told);
}

void bench_open_bound(struct bench *b, bool multiplex, uint16_t features) {
    struct buffer out = {0};
    const struct peer_bind how = {.multiplex = multiplex, .features = features};
    bench_open(b, RPC_OFFER_BOTH, 0, multiplex, 0);
    const cmrp_pdu bind = bench_sent(b, 0);
    peer_bind_ack(&out, &bind, &how);
    bench_feed(b, &out);
    bench_expect(b, "bound\n");
}

uint32_t bench_call(struct bench *b, const char *name, size_t size) {
    uint8_t *stub = malloc(size + 1);
    memset(stub, 'x', size + 1);
    const uint32_t number =
        rpc_link_call(b->link, 139, (cmrp_view){stub, size}, (void *)(uintptr_t)name);
    free(stub);
    return number;
}
