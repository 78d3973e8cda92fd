// SPDX-License-Identifier: Apache-2.0
// Sockets of a server: accepting, reading, writing, closing.
//
// The listening socket is this file's own, watched by the loop: libuv's way of accepting drops
// clients without a word when descriptors run out.
#include "rpc/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "util/buffer.h"

enum {
    BACKLOG = 512,
    ACCEPTED_AT_ONCE = 64, // clients, before connections that exist get their turn
    READ_SIZE = 65536,
    FULL = 256 << 10, // octets waiting to be sent, from where on a client is not read
    TICK_MILLISECONDS = 1000,
    RETRY_MILLISECONDS = 200, // after descriptors ran out
    KEEPALIVE_SECONDS = 60,
    CLOSING_TICK_MILLISECONDS = 20,
    LINGER_MILLISECONDS = 2000, // for which a connection that was given up is read to its end
    CLOSING_LINGER_MILLISECONDS = 250,
    NAME_SIZE = INET6_ADDRSTRLEN + 10,
};

struct link {
    struct rpc_listener *listener;
    struct rpc_connection *connection; // NULL: over
    uv_tcp_t tcp;
    uv_shutdown_t shutdown;
    struct write *writes; // not finished, oldest first
    size_t waiting;       // octets of them
    bool reading;
    bool ending;    // given up: to be closed when all is sent
    bool shut;      // all is sent, and the client was told so
    bool closing;   // uv_close was called
    uint64_t since; // ending, or the last progress of it
    struct link *prev;
    struct link *next;
};

struct write {
    uv_write_t request;
    struct link *link;
    size_t size;
    uint8_t octets[];
};

struct rpc_listener {
    uv_loop_t *loop;
    struct rpc_server *server;
    int socket; // -1: closed
    uv_poll_t poll;
    uv_timer_t timer;
    uv_timer_t retry;
    unsigned handles; // of the three above, open
    bool starved;     // descriptors ran out, and it was said
    char name[NAME_SIZE];
    char port_text[8];
    uint16_t port;
    uint8_t ipv4[4];
    struct link *links;
    bool closing;
    uint64_t deadline;
    void (*closed)(void *context);
    void *context;
    uint8_t input[READ_SIZE]; // one is enough: what is read is looked at at once
};

// ---- closing ------------------------------------------------------------------------------------

static void end_listener(struct rpc_listener *listener) {
    if (listener->closing && listener->handles == 0 && listener->links == NULL) {
        void (*closed)(void *context) = listener->closed;
        void *context = listener->context;
        free(listener);
        if (closed != NULL) {
            closed(context);
        }
    }
}

static void on_link_closed(uv_handle_t *handle) {
    struct link *link = handle->data;
    struct rpc_listener *listener = link->listener;
    if (link->connection != NULL) {
        rpc_connection_end(link->connection);
    }
    DL_DELETE(listener->links, link);
    free(link);
    end_listener(listener);
}

static void close_link(struct link *link) {
    if (!link->closing) {
        link->closing = true;
        uv_close((uv_handle_t *)&link->tcp, on_link_closed);
    }
}

static void on_shut(uv_shutdown_t *request, int status) {
    struct link *link = request->data;
    if (status < 0) {
        close_link(link);
    }
}

static void read_link(struct link *link, bool on);

// Nothing more is sent. The client may still read: closing with octets unread would take from it
// what it was sent last, so that it is read to its end, for a while.
static void shut_link(struct link *link) {
    if (link->ending && !link->shut && !link->closing && link->waiting == 0) {
        link->shut = true;
        link->shutdown.data = link;
        if (uv_shutdown(&link->shutdown, (uv_stream_t *)&link->tcp, on_shut) != 0) {
            close_link(link);
            return;
        }
        read_link(link, true);
    }
}

// ---- output -------------------------------------------------------------------------------------

static void on_written(uv_write_t *request, int status) {
    struct write *write = (struct write *)request;
    struct link *link = write->link;
    link->waiting -= write->size;
    link->since = uv_now(link->listener->loop);
    free(write);
    if (status < 0) {
        close_link(link);
        return;
    }
    if (link->connection != NULL) {
        rpc_connection_waiting(link->connection, link->waiting);
    }
    if (link->waiting <= FULL / 2) {
        read_link(link, true);
    }
    shut_link(link);
}

static void queue(struct link *link, const uint8_t *octets, size_t size) {
    struct write *write = util_alloc(sizeof *write + size);
    write->link = link;
    write->size = size;
    memcpy(write->octets, octets, size);
    uv_buf_t part = uv_buf_init((char *)write->octets, (unsigned)size);
    if (uv_write(&write->request, (uv_stream_t *)&link->tcp, &part, 1, on_written) != 0) {
        free(write);
        close_link(link);
        return;
    }
    link->waiting += size;
}

static size_t on_send(void *context, const uint8_t *octets, size_t size) {
    struct link *link = context;
    if (link->closing) {
        return 0;
    }
    if (link->waiting == 0) {
        uv_buf_t part = uv_buf_init((char *)octets, (unsigned)size);
        const int n = uv_try_write((uv_stream_t *)&link->tcp, &part, 1);
        if (n < 0 && n != UV_EAGAIN) {
            close_link(link);
            return 0;
        }
        const size_t sent = n > 0 ? (size_t)n : 0;
        octets += sent;
        size -= sent;
    }
    if (size > 0) {
        queue(link, octets, size);
    }
    if (link->waiting > FULL) {
        read_link(link, false);
    }
    return link->waiting;
}

static void on_give_up(void *context) {
    struct link *link = context;
    link->ending = true;
    link->since = uv_now(link->listener->loop);
    shut_link(link);
}

// ---- input --------------------------------------------------------------------------------------

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room) {
    struct link *link = handle->data;
    (void)suggested;
    *room = uv_buf_init((char *)link->listener->input, READ_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *room) {
    struct link *link = stream->data;
    (void)room;
    if (size < 0) {
        close_link(link);
    } else if (size > 0 && !link->ending) {
        rpc_connection_data(link->connection, link->listener->input, (size_t)size);
    }
}

static void read_link(struct link *link, bool on) {
    if (on != link->reading && !link->closing) {
        link->reading = on;
        if (on) {
            uv_read_start((uv_stream_t *)&link->tcp, on_room, on_read);
        } else {
            uv_read_stop((uv_stream_t *)&link->tcp);
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
    char name[NAME_SIZE];
    uint16_t port;
    struct sockaddr_storage local = {0};
    int size = sizeof local;
    struct rpc_ends ends = {.client = client, .peer = name, .port = listener->port_text};
    const struct rpc_transport transport = {link, on_send, on_give_up};
    format_address(peer, client, sizeof client, &port);
    name_address(peer, name, sizeof name);
    if (uv_tcp_getsockname(&link->tcp, (struct sockaddr *)&local, &size) == 0) {
        ipv4_of(&local, ends.local);
    }
    link->connection = rpc_connection_create(listener->server, &transport, &ends);
    if (link->connection == NULL) {
        close_link(link);
        return;
    }
    uv_tcp_nodelay(&link->tcp, 1);
    uv_tcp_keepalive(&link->tcp, 1, KEEPALIVE_SECONDS);
    read_link(link, true);
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
        close_link(link);
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
            listener->starved = false;
            fcntl(descriptor, F_SETFD, FD_CLOEXEC);
            add_link(listener, descriptor, &peer);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            starve(listener, errno);
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

// ---- time ---------------------------------------------------------------------------------------

static void tick_link(struct link *link, bool late) {
    const struct rpc_listener *listener = link->listener;
    if (link->closing) {
        return;
    }
    if (link->ending) {
        const uint64_t linger =
            listener->closing ? CLOSING_LINGER_MILLISECONDS : LINGER_MILLISECONDS;
        if (late || uv_now(listener->loop) - link->since > linger) {
            close_link(link);
        }
    } else if (late) {
        rpc_server_log(listener->server, RPC_LOG_INFO, "cut: %zu calls are not answered",
                       rpc_connection_calls(link->connection));
        close_link(link);
    } else if (listener->closing && rpc_connection_calls(link->connection) == 0) {
        on_give_up(link);
    } else {
        rpc_connection_tick(link->connection);
    }
}

static void on_handle_closed(uv_handle_t *handle) {
    struct rpc_listener *listener = handle->data;
    if (handle == (uv_handle_t *)&listener->poll) {
        close(listener->socket);
    }
    listener->handles--;
    end_listener(listener);
}

static void on_tick(uv_timer_t *timer) {
    struct rpc_listener *listener = timer->data;
    const bool late = listener->closing && uv_now(listener->loop) >= listener->deadline;
    struct link *link;
    struct link *next;
    DL_FOREACH_SAFE(listener->links, link, next) {
        tick_link(link, late);
    }
    if (listener->closing && listener->links == NULL) {
        uv_close((uv_handle_t *)timer, on_handle_closed);
    }
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
    listener->handles = 3;
    listener->poll.data = listener;
    listener->timer.data = listener;
    listener->retry.data = listener;
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
