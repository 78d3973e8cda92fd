// SPDX-License-Identifier: Apache-2.0
// The limits of the server, by name. All are 32 bits wide but for the size of fragments.
#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include "serve/serve.h"

enum { MILLION = 1000000, MIB = 1024 * 1024 };

#define AT(member) offsetof(struct serve_options, member)
static const struct {
    struct serve_limit limit;
    size_t at;
} limits[] = {
    {{"connections", "TCP connections", MILLION, 1024}, AT(rpc.connections)},
    {{"calls", "unanswered calls of a connection", MILLION, 1024}, AT(rpc.calls)},
    {{"contexts", "presentation contexts of a connection", 65535, 64}, AT(rpc.contexts)},
    {{"handles", "context handles of an association", 100 * MILLION, 65536}, AT(rpc.handles)},
    {{"all-handles", "context handles of all associations", 100 * MILLION, 1 << 20},
     AT(rpc.all_handles)},
    {{"stub", "octets of a request", 1024 * MIB, 4 * MIB}, AT(rpc.stub)},
    {{"memory", "octets of unfinished requests", UINT32_MAX, 256 * MIB}, AT(rpc.memory)},
    {{"output", "octets of an answer, or on their way to a client", 1024 * MIB, 32 * MIB},
     AT(rpc.output)},
    {{"all-output", "octets on their way to all clients", UINT32_MAX, 256 * MIB},
     AT(rpc.all_output)},
    {{"fragment", "octets of a fragment", 65535, 5840}, AT(rpc.fragment)},
    {{"idle", "milliseconds that an unfinished request may stand still", 86400 * 1000, 30000},
     AT(rpc.idle_milliseconds)},
    {{"ports", "notification ports", 100 * MILLION, 100000}, AT(cluster.ports)},
    {{"filters", "filters of a notification port", MILLION, 10000}, AT(cluster.filters)},
    {{"queue", "notifications kept for a port", 100 * MILLION, 10000}, AT(cluster.queue)},
    {{"all-filters", "filters of all notification ports", 100 * MILLION, 1 << 20},
     AT(cluster.all_filters)},
    {{"all-queues", "octets kept for all notification ports", UINT32_MAX, 256 * MIB},
     AT(cluster.all_queues)},
    {{"all-batches", "octets kept for all batch ports", UINT32_MAX, 256 * MIB},
     AT(cluster.registry.all_port_octets)},
    {{"value", "octets of a registry value", 1024 * MIB, 16 * MIB},
     AT(cluster.registry.value_octets)},
    {{"depth", "levels of registry keys", 65535, 512}, AT(cluster.registry.depth)},
};

const struct serve_limit *serve_limit_at(size_t index) {
    return index < sizeof limits / sizeof *limits ? &limits[index].limit : NULL;
}

bool serve_limit_set(struct serve_options *options, const char *name, uint64_t value) {
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (strcmp(limits[i].limit.name, name) == 0 && value > 0 && value <= limits[i].limit.most) {
            void *place = (char *)options + limits[i].at;
            if (limits[i].at == AT(rpc.fragment)) {
                *(uint16_t *)place = (uint16_t)value;
            } else {
                *(uint32_t *)place = (uint32_t)value;
            }
            return true;
        }
    }
    return false;
}

bool serve_is_loopback(const char *host, bool *valid) {
    uint8_t octets[16];
    static const uint8_t loopback[16] = {[15] = 1};
    if (inet_pton(AF_INET, host, octets) == 1) {
        *valid = true;
        return octets[0] == 127;
    }
    *valid = inet_pton(AF_INET6, host, octets) == 1;
    return *valid && memcmp(octets, loopback, sizeof loopback) == 0;
}
