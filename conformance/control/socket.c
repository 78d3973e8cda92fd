// SPDX-License-Identifier: Apache-2.0
#include "control/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/buffer.h"

enum { LINE_LIMIT = 16 * 1024 * 1024, CLIENT_LIMIT = 64, BACKLOG = 64, READ_SIZE = 64 * 1024 };

struct client {
    uv_pipe_t pipe;
    uv_write_t write;
    struct control_socket *owner;
    struct client *next;
    struct buffer in;  // what has come and is not a whole line yet, or waits for its turn
    size_t searched;   // octets of it that hold no newline
    struct buffer out; // the answer on its way; one at a time, so that nobody's answers pile up
    bool answering;    // it is being sent: nothing is read meanwhile
    bool ended;        // nothing more comes
    bool hang_up;      // after the answer
};

struct control_socket {
    struct control_socket_options o;
    uv_pipe_t pipe;
    struct client *clients;
    uint32_t client_count;
    char *path;
    dev_t device;
    ino_t inode;
    bool closed;
    size_t handles; // not closed yet
    char block[READ_SIZE];
};

static void serve_lines(struct client *c);

static void say(struct control_socket *s, const char *text) {
    if (s->o.log != NULL) {
        s->o.log(s->o.log_context, text);
    }
}

// ---- clients ------------------------------------------------------------------------------------

static void let_go(struct control_socket *s) {
    if (--s->handles == 0) {
        free(s->path);
        free(s);
    }
}

static void client_closed(uv_handle_t *handle) {
    struct client *c = handle->data;
    buffer_free(&c->in);
    buffer_free(&c->out);
    let_go(c->owner);
    free(c);
}

static void close_client(struct client *c) {
    if (uv_is_closing((uv_handle_t *)&c->pipe)) {
        return;
    }
    struct client **at = &c->owner->clients;
    while (*at != c) {
        at = &(*at)->next;
    }
    *at = c->next;
    c->owner->client_count--;
    uv_close((uv_handle_t *)&c->pipe, client_closed);
}

static void provide(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
    struct client *c = handle->data;
    (void)suggested;
    *out = uv_buf_init(c->owner->block, READ_SIZE); // one thread: used up before the next read
}

static void received(uv_stream_t *stream, ssize_t n, const uv_buf_t *block) {
    struct client *c = stream->data;
    if (n > 0) {
        buffer_append(&c->in, block->base, (size_t)n);
    } else if (n == UV_EOF) {
        uv_read_stop(stream);
        c->ended = true;
    } else if (n < 0) {
        close_client(c);
        return;
    }
    serve_lines(c);
}

static void written(uv_write_t *request, int status) {
    struct client *c = request->data;
    c->answering = false;
    buffer_clear(&c->out);
    if (status < 0 || c->hang_up) {
        close_client(c);
    } else if (!uv_is_closing((uv_handle_t *)&c->pipe)) {
        serve_lines(c);
    }
}

// Sends an answer, which is taken.
static void send_answer(struct client *c, json_t *answer) {
    char *text = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    buffer_printf(&c->out, "%s\n", text);
    free(text);
    uv_buf_t out = uv_buf_init((char *)c->out.data, (unsigned)c->out.size);
    c->write.data = c;
    c->answering = true;
    uv_read_stop((uv_stream_t *)&c->pipe);
    if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &out, 1, written) != 0) {
        c->answering = false;
        close_client(c);
    }
}

static bool is_blank(const char *line, size_t size) {
    while (size > 0 && memchr(" \t\r", line[size - 1], 3) != NULL) {
        size--;
    }
    return size == 0;
}

static void refuse_line(struct client *c) {
    char message[100];
    snprintf(message, sizeof message, "a line of more than %u octets", c->owner->o.line);
    say(c->owner, "control: a client sent a line that is too long, and was hung up on");
    c->hang_up = true;
    buffer_free(&c->in);
    send_answer(c, json_pack("{s:{s:s, s:s}}", "error", "kind", "usage", "message", message));
}

// Takes a line's octets out of what has come.
static void drop(struct client *c, size_t size) {
    c->in.size -= size;
    memmove(c->in.data, c->in.data + size, c->in.size);
    c->searched = 0;
}

// The next line is answered; those behind it wait until the answer is sent. What stands before the
// end of the stream is a line, too.
static void serve_lines(struct client *c) {
    while (!c->answering && !uv_is_closing((uv_handle_t *)&c->pipe)) {
        const char *from = (const char *)c->in.data;
        const char *end = c->in.size > c->searched
                              ? memchr(from + c->searched, '\n', c->in.size - c->searched)
                              : NULL;
        const size_t size = end != NULL ? (size_t)(end - from) : c->in.size;
        c->searched = c->in.size;
        if (size > c->owner->o.line) {
            refuse_line(c);
        } else if (end == NULL && !c->ended) {
            uv_read_start((uv_stream_t *)&c->pipe, provide, received);
            return;
        } else if (end == NULL && size == 0) {
            close_client(c);
        } else if (is_blank(from, size)) {
            drop(c, size + (end != NULL));
        } else {
            json_t *answer = control_perform_line(&c->owner->o.control, from, size);
            drop(c, size + (end != NULL));
            send_answer(c, answer);
        }
    }
}

static void connected(uv_stream_t *stream, int status) {
    struct control_socket *s = stream->data;
    struct client *c = util_alloc(sizeof *c);
    c->owner = s;
    c->pipe.data = c;
    if (status < 0 || uv_pipe_init(stream->loop, &c->pipe, 0) != 0) {
        free(c);
        return;
    }
    s->handles++;
    s->client_count++;
    c->next = s->clients;
    s->clients = c;
    if (uv_accept(stream, (uv_stream_t *)&c->pipe) != 0) {
        close_client(c);
    } else if (s->client_count > s->o.clients) {
        say(s, "control: too many clients, one more was hung up on");
        close_client(c);
    } else {
        serve_lines(c);
    }
}

// ---- the socket ---------------------------------------------------------------------------------

static char *fault(const char *path, const char *what) {
    return util_format("control socket %s: %s", path, what);
}

static struct sockaddr_un address_of(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path));
    return address;
}

// Makes way for a new socket file; NULL, or why it may not be made.
static const char *clear_path(const char *path) {
    const struct sockaddr_un address = address_of(path);
    struct stat status;
    if (lstat(path, &status) != 0) {
        return errno == ENOENT ? NULL : strerror(errno);
    }
    if (!S_ISSOCK(status.st_mode)) {
        return "there is a file that is no socket";
    }
    const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) {
        return strerror(errno);
    }
    const int result = connect(probe, (const struct sockaddr *)&address, sizeof address);
    const int reason = errno;
    close(probe);
    if (result == 0 || reason == EAGAIN) {
        return "another server listens there";
    }
    if (reason != ECONNREFUSED) {
        return strerror(reason);
    }
    return unlink(path) == 0 ? NULL : strerror(errno);
}

static void listener_closed(uv_handle_t *handle) {
    let_go(handle->data);
}

// Not by uv_pipe_bind, of which the end would remove whatever file is there then.
static const char *bind_and_listen(struct control_socket *s) {
    const struct sockaddr_un address = address_of(s->path);
    struct stat status;
    const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        return strerror(errno);
    }
    const mode_t mask = umask(0177);
    const int result = bind(descriptor, (const struct sockaddr *)&address, sizeof address);
    const int reason = errno;
    umask(mask);
    if (result != 0) {
        close(descriptor);
        return strerror(reason);
    }
    if (lstat(s->path, &status) == 0) {
        s->device = status.st_dev;
        s->inode = status.st_ino;
    }
    int code = uv_pipe_open(&s->pipe, descriptor);
    if (code != 0) {
        close(descriptor);
    } else {
        code = uv_listen((uv_stream_t *)&s->pipe, BACKLOG, connected);
    }
    return code == 0 ? NULL : uv_strerror(code);
}

struct control_socket *control_socket_listen(uv_loop_t *loop, const char *path,
                                             const struct control_socket_options *options,
                                             char **error) {
    if (*path == '\0' || strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
        *error = fault(path, "a path of 1 to 107 octets is expected");
        return NULL;
    }
    const char *reason = clear_path(path);
    if (reason != NULL) {
        *error = fault(path, reason);
        return NULL;
    }
    struct control_socket *s = util_alloc(sizeof *s);
    s->o = *options;
    s->o.line = s->o.line != 0 ? s->o.line : LINE_LIMIT;
    s->o.clients = s->o.clients != 0 ? s->o.clients : CLIENT_LIMIT;
    s->path = util_strdup(path);
    s->handles = 1;
    uv_pipe_init(loop, &s->pipe, 0);
    s->pipe.data = s;
    reason = bind_and_listen(s);
    if (reason != NULL) {
        *error = fault(path, reason);
        s->closed = true;
        uv_close((uv_handle_t *)&s->pipe, listener_closed);
        return NULL;
    }
    return s;
}

void control_socket_close(struct control_socket *s) {
    struct stat status;
    if (s == NULL || s->closed) {
        return;
    }
    s->closed = true;
    if (lstat(s->path, &status) == 0 && status.st_dev == s->device && status.st_ino == s->inode) {
        unlink(s->path);
    }
    while (s->clients != NULL) {
        close_client(s->clients);
    }
    uv_close((uv_handle_t *)&s->pipe, listener_closed);
}
