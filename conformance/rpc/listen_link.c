// SPDX-License-Identifier: Apache-2.0
// A client's socket: reading, writing, closing.
#include <stdlib.h>
#include <utlist.h>

#include "rpc/listen_state.h"
#include "util/buffer.h"

enum {
    LINGER_MILLISECONDS = 2000, // for which a connection that was given up is read to its end
    CLOSING_LINGER_MILLISECONDS = 250,
};

struct write {
    uv_write_t request;
    struct link *link;
    size_t size;
    uint8_t octets[];
};

// ---- closing ------------------------------------------------------------------------------------

static void on_link_closed(uv_handle_t *handle) {
    struct link *link = handle->data;
    struct rpc_listener *listener = link->listener;
    if (link->connection != NULL) {
        rpc_connection_end(link->connection);
    }
    DL_DELETE(listener->links, link);
    free(link);
    rpc_listen_end(listener);
}

void rpc_link_close(struct link *link) {
    if (!link->closing) {
        link->closing = true;
        uv_close((uv_handle_t *)&link->tcp, on_link_closed);
    }
}

static void on_shut(uv_shutdown_t *request, int status) {
    struct link *link = request->data;
    if (status < 0) {
        rpc_link_close(link);
    }
}

// Nothing more is sent. The client may still read: closing with octets unread would take from it
// what it was sent last, so that it is read to its end, for a while.
static void shut_link(struct link *link) {
    if (link->ending && !link->shut && !link->closing && link->waiting == 0) {
        link->shut = true;
        link->shutdown.data = link;
        if (uv_shutdown(&link->shutdown, (uv_stream_t *)&link->tcp, on_shut) != 0) {
            rpc_link_close(link);
            return;
        }
        rpc_link_read(link, true);
    }
}

// ---- output -------------------------------------------------------------------------------------

// Reads on, or not while requests wait.
static void read_on(struct link *link) {
    rpc_link_read(link, !rpc_connection_full(link->connection));
    if (rpc_connection_resting(link->connection)) {
        rpc_listen_turn(link->listener);
    }
}

void rpc_link_turn(struct link *link) {
    if (!link->closing && link->connection != NULL && rpc_connection_resting(link->connection)) {
        rpc_connection_waiting(link->connection, link->waiting);
        read_on(link);
    }
}

static void on_written(uv_write_t *request, int status) {
    struct write *write = (struct write *)request;
    struct link *link = write->link;
    link->waiting -= write->size;
    link->since = uv_now(link->listener->loop);
    free(write);
    if (status < 0) {
        rpc_link_close(link);
        return;
    }
    if (link->connection != NULL) {
        rpc_connection_waiting(link->connection, link->waiting);
        read_on(link);
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
        rpc_link_close(link);
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
            rpc_link_close(link);
            return 0;
        }
        const size_t sent = n > 0 ? (size_t)n : 0;
        octets += sent;
        size -= sent;
    }
    if (size > 0) {
        queue(link, octets, size);
    }
    return link->waiting;
}

static void on_give_up(void *context, bool drop) {
    struct link *link = context;
    if (drop) {
        rpc_link_close(link);
        return;
    }
    link->ending = true;
    link->since = uv_now(link->listener->loop);
    shut_link(link);
}

struct rpc_transport rpc_link_transport(struct link *link) {
    return (struct rpc_transport){link, on_send, on_give_up};
}

// ---- input --------------------------------------------------------------------------------------

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room) {
    struct link *link = handle->data;
    (void)suggested;
    *room = uv_buf_init((char *)link->listener->input, LISTEN_READ_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *room) {
    struct link *link = stream->data;
    (void)room;
    if (size < 0) {
        rpc_link_close(link);
    } else if (size > 0 && !link->ending) {
        rpc_connection_data(link->connection, link->listener->input, (size_t)size);
        read_on(link);
    }
}

void rpc_link_read(struct link *link, bool on) {
    if (on != link->reading && !link->closing) {
        link->reading = on;
        if (on) {
            uv_read_start((uv_stream_t *)&link->tcp, on_room, on_read);
        } else {
            uv_read_stop((uv_stream_t *)&link->tcp);
        }
    }
}

// ---- time ---------------------------------------------------------------------------------------

void rpc_link_tick(struct link *link, bool late) {
    const struct rpc_listener *listener = link->listener;
    if (link->closing) {
        return;
    }
    if (link->ending) {
        const uint64_t linger =
            listener->closing ? CLOSING_LINGER_MILLISECONDS : LINGER_MILLISECONDS;
        if (late || uv_now(listener->loop) - link->since > linger) {
            rpc_link_close(link);
        }
    } else if (late) {
        rpc_server_log(listener->server, RPC_LOG_INFO, "cut: %zu calls are not answered",
                       rpc_connection_calls(link->connection));
        rpc_link_close(link);
    } else if (listener->closing && rpc_connection_calls(link->connection) == 0) {
        on_give_up(link, false);
    } else {
        rpc_connection_tick(link->connection);
    }
}
