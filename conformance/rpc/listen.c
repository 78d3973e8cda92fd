// SPDX-License-Identifier: Apache-2.0
// Listening and accepting.
//
// The listening socket is this file's own, watched by the loop: libuv's way of accepting drops
// clients without a word when descriptors run out.
#include "rpc/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "rpc/listen_state.h"
#include "util/buffer.h"

enum {
    BACKLOG = 512,
    ACCEPTED_AT_ONCE = 64, // clients, before connections that exist get their turn
    TICK_MILLISECONDS = 1000,
    CLOSING_TICK_MILLISECONDS = 20,
    RETRY_MILLISECONDS = 200, // after descriptors ran out
    KEEPALIVE_SECONDS = 60,
};

void rpc_listen_end(struct rpc_listener *listener) {
    if (listener->closing && listener->handles == 0 && listener->links == NULL) {
        void (*closed)(void *context) = listener->closed;
        void *context = listener->context;
        free(listener);
        if (closed != NULL) {
            closed(context);
        }
    }
}

// ---- accepting ----------------------------------------------------------------------------------

static void format_address(const struct sockaddr_storage *address, char *text, size_t size,
                           uint16_t *port) {
    char host[INET6_ADDRSTRLEN] = "?";
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    const bool is_v6 = address->ss_family == AF_INET6;
    if (is_v6) {
        uv_ip6_name(v6, host, sizeof host);
    } else {
        uv_ip4_name(v4, host, sizeof host);
    }
    *port = ntohs(is_v6 ? v6->sin6_port : v4->sin_port);
    snprintf(text, size, "%s", host);
}

static void name_address(const struct sockaddr_storage *address, char *text, size_t size) {
    char host[INET6_ADDRSTRLEN];
    uint16_t port;
    format_address(address, host, sizeof host, &port);
    snprintf(text, size, address->ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, port);
}

// The IPv4 address, also of one that is mapped into IPv6; zero otherwise.
static void ipv4_of(const struct sockaddr_storage *address, uint8_t ipv4[4]) {
    memset(ipv4, 0, 4);
    if (address->ss_family == AF_INET) {
        memcpy(ipv4, &((const struct sockaddr_in *)address)->sin_addr, 4);
    } else {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(v6)) {
            memcpy(ipv4, v6->s6_addr + 12, 4);
        }
    }
}

static void serve(struct rpc_listener *listener, struct link *link,
                  const struct sockaddr_storage *peer) {
    char client[INET6_ADDRSTRLEN];
    char name[LISTEN_NAME_SIZE];
    uint16_t port;
    struct sockaddr_storage local = {0};
    int size = sizeof local;
    struct rpc_ends ends = {.client = client, .peer = name, .port = listener->port_text};
    const struct rpc_transport transport = rpc_link_transport(link);
    format_address(peer, client, sizeof client, &port);
    name_address(peer, name, sizeof name);
    if (uv_tcp_getsockname(&link->tcp, (struct sockaddr *)&local, &size) == 0) {
        ipv4_of(&local, ends.local);
    }
    link->connection = rpc_connection_create(listener->server, &transport, &ends);
    if (link->connection == NULL) {
        rpc_link_close(link);
        return;
    }
    uv_tcp_nodelay(&link->tcp, 1);
    uv_tcp_keepalive(&link->tcp, 1, KEEPALIVE_SECONDS);
    rpc_link_read(link, true);
}

static void add_link(struct rpc_listener *listener, int descriptor,
                     const struct sockaddr_storage *peer) {
    struct link *link = util_alloc(sizeof *link);
    link->listener = listener;
    uv_tcp_init(listener->loop, &link->tcp);
    link->tcp.data = link;
    DL_APPEND(listener->links, link);
    if (uv_tcp_open(&link->tcp, descriptor) != 0) {
        close(descriptor);
        rpc_link_close(link);
        return;
    }
    serve(listener, link, peer);
}

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void on_retry(uv_timer_t *timer) {
    struct rpc_listener *listener = timer->data;
    uv_poll_start(&listener->poll, UV_READABLE, on_acceptable);
}

// Descriptors, or memory, ran out: what waits is accepted later, when others have gone.
static void starve(struct rpc_listener *listener, int error) {
    if (!listener->starved) {
        listener->starved = true;
        rpc_server_log(listener->server, RPC_LOG_WARNING, "%s: new clients wait: %s",
                       listener->name, uv_strerror(-error));
    }
    uv_poll_stop(&listener->poll);
    uv_timer_start(&listener->retry, on_retry, RETRY_MILLISECONDS, 0);
}

static void on_acceptable(uv_poll_t *poll, int status, int events) {
    struct rpc_listener *listener = poll->data;
    (void)events;
    for (int i = 0; status == 0 && i < ACCEPTED_AT_ONCE; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t size = sizeof peer;
        const int descriptor = accept(listener->socket, (struct sockaddr *)&peer, &size);
        if (descriptor >= 0) {
            fcntl(descriptor, F_SETFD, FD_CLOEXEC);
            add_link(listener, descriptor, &peer);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            starve(listener, errno);
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            listener->starved = false; // nobody waits any more
            return;
        }
    }
}

// ---- time ---------------------------------------------------------------------------------------

static void on_handle_closed(uv_handle_t *handle) {
    struct rpc_listener *listener = handle->data;
    if (handle == (uv_handle_t *)&listener->poll) {
        close(listener->socket);
    }
    listener->handles--;
    rpc_listen_end(listener);
}

static void on_tick(uv_timer_t *timer) {
    struct rpc_listener *listener = timer->data;
    const bool late = listener->closing && uv_now(listener->loop) >= listener->deadline;
    struct link *link;
    struct link *next;
    DL_FOREACH_SAFE(listener->links, link, next) {
        rpc_link_tick(link, late);
    }
    if (listener->closing && listener->links == NULL) {
        uv_close((uv_handle_t *)timer, on_handle_closed);
        uv_close((uv_handle_t *)&listener->turn, on_handle_closed);
    }
}

// ---- turns --------------------------------------------------------------------------------------

static void on_turn(uv_idle_t *idle) {
    struct rpc_listener *listener = idle->data;
    struct link *link;
    uv_idle_stop(idle); // whoever rests then starts it again
    DL_FOREACH(listener->links, link) {
        rpc_link_turn(link);
    }
}

void rpc_listen_turn(struct rpc_listener *listener) {
    uv_idle_start(&listener->turn, on_turn);
}

// ---- listeners ----------------------------------------------------------------------------------

// Reads an address. Returns its size, or 0.
static socklen_t read_address(const char *text, uint16_t port, struct sockaddr_storage *address) {
    memset(address, 0, sizeof *address);
    if (uv_ip4_addr(text, port, (struct sockaddr_in *)address) == 0) {
        return sizeof(struct sockaddr_in);
    }
    if (uv_ip6_addr(text, port, (struct sockaddr_in6 *)address) == 0) {
        return sizeof(struct sockaddr_in6);
    }
    return 0;
}

// Returns a socket that listens, or -1 with errno.
static int open_socket(const struct sockaddr_storage *address, socklen_t size) {
    const int on = 1;
    const int descriptor =
        socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return -1;
    }
    if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(descriptor, (const struct sockaddr *)address, size) != 0 ||
        listen(descriptor, BACKLOG) != 0) {
        const int error = errno;
        close(descriptor);
        errno = error;
        return -1;
    }
    return descriptor;
}

static void start(struct rpc_listener *listener) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char host[INET6_ADDRSTRLEN];
    getsockname(listener->socket, (struct sockaddr *)&address, &size);
    format_address(&address, host, sizeof host, &listener->port);
    name_address(&address, listener->name, sizeof listener->name);
    snprintf(listener->port_text, sizeof listener->port_text, "%u", listener->port);
    ipv4_of(&address, listener->ipv4);
    uv_poll_init(listener->loop, &listener->poll, listener->socket);
    uv_timer_init(listener->loop, &listener->timer);
    uv_timer_init(listener->loop, &listener->retry);
    uv_idle_init(listener->loop, &listener->turn);
    listener->handles = 4;
    listener->poll.data = listener;
    listener->timer.data = listener;
    listener->retry.data = listener;
    listener->turn.data = listener;
    uv_poll_start(&listener->poll, UV_READABLE, on_acceptable);
    uv_timer_start(&listener->timer, on_tick, TICK_MILLISECONDS, TICK_MILLISECONDS);
}

struct rpc_listener *rpc_listener_create(uv_loop_t *loop, struct rpc_server *server,
                                         const char *address, uint16_t port, char **why) {
    struct sockaddr_storage place;
    const socklen_t size = read_address(address, port, &place);
    if (size == 0) {
        *why = util_format("%s is no IPv4 or IPv6 address", address);
        return NULL;
    }
    const int descriptor = open_socket(&place, size);
    if (descriptor < 0) {
        *why = util_format("cannot listen on %s port %u: %s", address, port, strerror(errno));
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN); // libuv writes without MSG_NOSIGNAL
    struct rpc_listener *listener = util_alloc(sizeof *listener);
    listener->loop = loop;
    listener->server = server;
    listener->socket = descriptor;
    start(listener);
    return listener;
}

const char *rpc_listener_name(const struct rpc_listener *listener) {
    return listener->name;
}

uint16_t rpc_listener_port(const struct rpc_listener *listener) {
    return listener->port;
}

const uint8_t *rpc_listener_ipv4(const struct rpc_listener *listener) {
    return listener->ipv4;
}

void rpc_listener_close(struct rpc_listener *listener, uint64_t milliseconds,
                        void (*closed)(void *context), void *context) {
    listener->closing = true;
    listener->closed = closed;
    listener->context = context;
    uv_update_time(listener->loop);
    listener->deadline = uv_now(listener->loop) + milliseconds;
    uv_close((uv_handle_t *)&listener->poll, on_handle_closed);
    uv_close((uv_handle_t *)&listener->retry, on_handle_closed);
    uv_timer_start(&listener->timer, on_tick, 0, CLOSING_TICK_MILLISECONDS);
}
