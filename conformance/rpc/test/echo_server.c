// SPDX-License-Identifier: Apache-2.0
// The interfaces of echo.h on a port of 127.0.0.1, and an endpoint mapper that tells it on another.
// The first two lines of its output are "listening on 127.0.0.1:PORT" and "epmap on …". It ends
// when its input does; then its output ends with what there was: "calls 0 handles 0 …".
//
// echo_server [--limit NAME=NUMBER] …   for the members of struct rpc_limits
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echo.h"
#include "rpc/epmap.h"
#include "rpc/listen.h"
#include "util/buffer.h"

struct program {
    uv_loop_t loop;
    struct rpc_server *server;
    struct rpc_epmap *epmap;
    struct rpc_listener *listeners[2];
    uv_pipe_t input;
    char octets[256];
};

static void on_log(void *context, enum rpc_log_level level, const char *text) {
    (void)context;
    (void)level;
    fprintf(stderr, "%s\n", text);
}

// ---- the end ------------------------------------------------------------------------------------

static void on_input(uv_stream_t *stream, ssize_t size, const uv_buf_t *room) {
    struct program *p = stream->data;
    (void)room;
    if (size < 0) {
        rpc_server_stop(p->server);
        for (size_t i = 0; i < 2; i++) {
            rpc_listener_close(p->listeners[i], 500, NULL, NULL);
        }
        uv_close((uv_handle_t *)stream, NULL);
    }
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room) {
    struct program *p = handle->data;
    (void)suggested;
    *room = uv_buf_init(p->octets, sizeof p->octets);
}

// ---- the start ----------------------------------------------------------------------------------

static bool read_limit(const char *text, struct rpc_limits *limits) {
    const struct {
        const char *name;
        uint32_t *value;
    } names[] = {
        {"connections", &limits->connections},
        {"calls", &limits->calls},
        {"contexts", &limits->contexts},
        {"handles", &limits->handles},
        {"stub", &limits->stub},
        {"memory", &limits->memory},
        {"output", &limits->output},
        {"idle", &limits->idle_milliseconds},
    };
    const size_t size = strcspn(text, "=");
    for (size_t i = 0; i < sizeof names / sizeof names[0] && text[size] == '='; i++) {
        if (strlen(names[i].name) == size && strncmp(names[i].name, text, size) == 0) {
            *names[i].value = (uint32_t)strtoul(text + size + 1, NULL, 10);
            return true;
        }
    }
    return false;
}

static void listen_on(struct program *p, size_t i, const char *what) {
    char *why = NULL;
    p->listeners[i] = rpc_listener_create(&p->loop, p->server, "127.0.0.1", 0, &why);
    if (p->listeners[i] == NULL) {
        fprintf(stderr, "%s\n", why);
        exit(3);
    }
    printf("%s on %s\n", what, rpc_listener_name(p->listeners[i]));
}

static void run(struct program *p) {
    listen_on(p, 0, "listening");
    listen_on(p, 1, "epmap");
    fflush(stdout);
    rpc_epmap_add(p->epmap, &echo_id, "Echo for tests", rpc_listener_port(p->listeners[0]),
                  rpc_listener_ipv4(p->listeners[0]));
    rpc_epmap_add(p->epmap, &other_id, "", rpc_listener_port(p->listeners[0]),
                  (const uint8_t[4]){0});
    uv_pipe_init(&p->loop, &p->input, 0);
    p->input.data = p;
    uv_pipe_open(&p->input, 0);
    uv_read_start((uv_stream_t *)&p->input, on_room, on_input);
    uv_run(&p->loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv) {
    static struct program p;
    struct rpc_server_options options = {.log = on_log};
    struct echo *echo = echo_create();
    p.epmap = rpc_epmap_create();
    const struct rpc_interface *const *both = echo_interfaces(echo);
    const struct rpc_interface *interfaces[] = {both[0], both[1], rpc_epmap_interface(p.epmap),
                                                NULL};
    options.interfaces = interfaces;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--limit") != 0 || i + 1 == argc ||
            !read_limit(argv[++i], &options.limits)) {
            fprintf(stderr, "echo_server: %s?\n", argv[i]);
            return 2;
        }
    }
    uv_loop_init(&p.loop);
    p.server = rpc_server_create(&options);
    run(&p);
    printf("connections %zu calls %zu held %zu handles %zu rundowns %zu gone %zu\n",
           rpc_server_connections(p.server), rpc_server_calls(p.server), echo_held(echo),
           rpc_handles_open(p.server, NULL), echo_rundowns(echo), echo_gone(echo));
    rpc_server_destroy(p.server);
    rpc_epmap_destroy(p.epmap);
    echo_destroy(echo);
    return uv_loop_close(&p.loop) == 0 ? 0 : 5;
}
