// SPDX-License-Identifier: Apache-2.0
// A server's life: options, clock, random octets, log.
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "rpc/state.h"
#include "util/text.h"

// ---- options ------------------------------------------------------------------------------------

static uint32_t limit(uint32_t given, uint32_t otherwise) {
    return given != 0 ? given : otherwise;
}

static struct rpc_limits limits_of(const struct rpc_limits *given) {
    struct rpc_limits limits = {
        .connections = limit(given->connections, 1024),
        .calls = limit(given->calls, 1024),
        .contexts = limit(given->contexts, 64),
        .handles = limit(given->handles, 65536),
        .all_handles = limit(given->all_handles, 1 << 20),
        .stub = limit(given->stub, 4 << 20),
        .memory = limit(given->memory, 256 << 20),
        .output = limit(given->output, 32 << 20),
        .all_output = limit(given->all_output, 256 << 20),
        .fragment = (uint16_t)limit(given->fragment, 5840),
        .idle_milliseconds = limit(given->idle_milliseconds, 30000),
    };
    if (limits.fragment < FRAGMENT_MINIMUM) {
        limits.fragment = FRAGMENT_MINIMUM;
    }
    return limits;
}

struct rpc_server *rpc_server_create(const struct rpc_server_options *options) {
    struct rpc_server *server = util_alloc(sizeof *server);
    server->options = *options;
    server->limits = limits_of(&options->limits);
    while (options->interfaces[server->interface_count] != NULL) {
        server->interface_count++;
    }
    rpc_random(server, (uint8_t *)&server->next_group, sizeof server->next_group);
    return server;
}

void rpc_server_destroy(struct rpc_server *server) {
    if (server == NULL) {
        return;
    }
    while (server->connections != NULL) {
        server->connections->closed = true;
        rpc_connection_end(server->connections);
    }
    while (server->spare_calls != NULL) {
        struct rpc_call *call = server->spare_calls;
        server->spare_calls = call->next;
        free(call);
    }
    buffer_free(&server->output);
    buffer_free(&server->scratch);
    buffer_free(&server->opened);
    free(server);
}

size_t rpc_server_calls(const struct rpc_server *server) {
    return server->call_count;
}

size_t rpc_server_connections(const struct rpc_server *server) {
    return server->connection_count;
}

void rpc_server_stop(struct rpc_server *server) {
    server->stopped = true;
    for (struct rpc_connection *c = server->connections; c != NULL; c = c->next) {
        rpc_send_shutdown(c);
    }
}

// ---- clock and random octets --------------------------------------------------------------------

uint64_t rpc_now(const struct rpc_server *server) {
    if (server->options.now != NULL) {
        return server->options.now(server->options.context);
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void system_random(uint8_t *octets, size_t size) {
    while (size > 0) {
        const ssize_t n = getrandom(octets, size, 0);
        if (n > 0) {
            octets += n;
            size -= (size_t)n;
        }
    }
}

void rpc_random(struct rpc_server *server, uint8_t *octets, size_t size) {
    if (server->options.random != NULL) {
        server->options.random(server->options.context, octets, size);
        return;
    }
    if (server->random_left < size) { // asked for in advance: a handle costs no system call
        system_random(server->random, sizeof server->random);
        server->random_left = sizeof server->random;
    }
    server->random_left -= size;
    memcpy(octets, server->random + server->random_left, size);
}

// ---- log ----------------------------------------------------------------------------------------

__attribute__((format(printf, 4, 0))) static void say(const struct rpc_server *server,
                                                      enum rpc_log_level level, const char *peer,
                                                      const char *format, va_list arguments) {
    if (server->options.log == NULL) {
        return;
    }
    char text[512];
    vsnprintf(text, sizeof text, format, arguments);
    struct buffer line = {0};
    buffer_printf(&line, "%s%s", peer != NULL ? peer : "", peer != NULL ? ": " : "");
    text_make_safe(&line, text, strlen(text));
    server->options.log(server->options.context, level, buffer_text(&line));
    buffer_free(&line);
}

void rpc_server_log(const struct rpc_server *server, enum rpc_log_level level, const char *format,
                    ...) {
    va_list arguments;
    va_start(arguments, format);
    say(server, level, NULL, format, arguments);
    va_end(arguments);
}

void rpc_say(const struct rpc_connection *c, enum rpc_log_level level, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(c->server, level, c->peer, format, arguments);
    va_end(arguments);
}
