// SPDX-License-Identifier: Apache-2.0
#include "testee/process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CHUNK = 64 * 1024,  // octets of one read
    ERRORS_KEPT = 8192, // octets of standard error
    ERRORS_LINES = 20,  // lines of it that are handed out
    ERRORS_READS = 64,  // reads in a row at most, should it be flooded
    HANDLES = 5,        // process, three pipes, timer
    READ_END = 0,
    WRITE_END = 1,
};

struct process {
    uv_process_t handle;
    uv_pipe_t input;
    uv_pipe_t output;
    uv_pipe_t errors;
    uv_timer_t timer;
    struct process_handler handler;
    struct process_limits limits;
    struct buffer line; // begun, not yet ended
    struct buffer errors_text;
    char chunk[CHUNK];
    char errors_chunk[CHUNK / 16];
    unsigned open_handles;
    bool running;
    bool output_open;
    bool errors_open;
    bool input_closing;
    bool muted;
    bool ended;
    int status;
    int signal;
};

// ---- the end ------------------------------------------------------------------------------------

static void finish(struct process *p) {
    if (!p->ended) {
        p->ended = true;
        uv_timer_stop(&p->timer);
        kill(-p->handle.pid, SIGKILL); // somebody it started may go on, with its pipes or without
        p->handler.ended(p->handler.context, p->status, p->signal);
    }
}

static void on_timer(uv_timer_t *timer) {
    struct process *p = timer->data;
    if (p->running) {
        p->handler.silent(p->handler.context);
        return;
    }
    finish(p); // somebody it started still holds its pipes: no more of that
}

static void arm(struct process *p, double seconds) {
    uv_timer_start(&p->timer, on_timer, (uint64_t)(seconds * 1000), 0);
}

static void look_for_end(struct process *p) {
    if (!p->running && !p->output_open && !p->errors_open) {
        finish(p);
    } else if (!p->running) {
        arm(p, p->limits.linger);
    } else if (!p->output_open) {
        arm(p, p->limits.silence);
    }
}

static void on_exit_status(uv_process_t *handle, int64_t status, int signal) {
    struct process *p = handle->data;
    p->running = false;
    p->status = (int)status;
    p->signal = signal;
    look_for_end(p);
}

// ---- standard output ----------------------------------------------------------------------------

static void deliver(struct process *p, const char *data, size_t size) {
    while (size > 0 && !p->muted) {
        const char *feed = memchr(data, '\n', size);
        const size_t part = feed != NULL ? (size_t)(feed - data) : size;
        if (part > p->limits.line - p->line.size) {
            p->muted = true;
            p->handler.too_long(p->handler.context);
            return;
        }
        buffer_append(&p->line, data, part);
        if (feed == NULL) {
            return;
        }
        p->handler.line(p->handler.context, buffer_text(&p->line), p->line.size);
        buffer_clear(&p->line);
        data += part + 1;
        size -= part + 1;
    }
}

static void give_chunk(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    struct process *p = handle->data;
    (void)suggested;
    const bool output = handle == (uv_handle_t *)&p->output;
    *buf = output ? uv_buf_init(p->chunk, sizeof p->chunk)
                  : uv_buf_init(p->errors_chunk, sizeof p->errors_chunk);
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    struct process *p = stream->data;
    if (n > 0) {
        deliver(p, buf->base, (size_t)n);
    } else if (n < 0) {
        uv_read_stop(stream);
        p->output_open = false;
        look_for_end(p);
    }
}

// ---- standard error -----------------------------------------------------------------------------

static void keep_errors(struct process *p, const char *data, size_t size) {
    buffer_append(&p->errors_text, data, size);
    if (p->errors_text.size > 2 * ERRORS_KEPT) {
        const size_t excess = p->errors_text.size - ERRORS_KEPT;
        memmove(p->errors_text.data, p->errors_text.data + excess, ERRORS_KEPT);
        p->errors_text.size = ERRORS_KEPT;
    }
}

static void on_errors(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    struct process *p = stream->data;
    if (n > 0) {
        keep_errors(p, buf->base, (size_t)n);
    } else if (n < 0) {
        uv_read_stop(stream);
        p->errors_open = false;
        look_for_end(p);
    }
}

// What it wrote before an answer is in the pipe when the answer is here; the loop may come to it
// only later.
static void read_waiting_errors(struct process *p) {
    uv_os_fd_t fd;
    if (!p->errors_open || uv_fileno((uv_handle_t *)&p->errors, &fd) != 0) {
        return;
    }
    for (int i = 0; i < ERRORS_READS; i++) {
        const ssize_t n = read(fd, p->errors_chunk, sizeof p->errors_chunk);
        if (n <= 0) {
            return; // nothing there, or the end, which the loop will see too
        }
        keep_errors(p, p->errors_chunk, (size_t)n);
    }
}

void process_take_errors(struct process *p, struct buffer *out) {
    read_waiting_errors(p);
    const char *text = buffer_text(&p->errors_text);
    size_t start = p->errors_text.size;
    size_t lines = 0;
    while (start > 0 && p->errors_text.size - start < ERRORS_KEPT) {
        lines += start < p->errors_text.size && text[start - 1] == '\n';
        if (lines == ERRORS_LINES) {
            break;
        }
        start--;
    }
    buffer_append(out, text + start, p->errors_text.size - start);
    buffer_clear(&p->errors_text);
}

// ---- standard input -----------------------------------------------------------------------------

struct write_request {
    uv_write_t request;
    char *octets;
};

static void on_written(uv_write_t *request, int status) {
    struct write_request *w = request->data;
    (void)status;
    free(w->octets);
    free(w);
}

void process_send(struct process *p, cmrp_view octets) {
    struct write_request *w = util_alloc(sizeof *w);
    w->octets = util_alloc(octets.size + 1);
    memcpy(w->octets, octets.data, octets.size);
    w->request.data = w;
    const uv_buf_t buf = uv_buf_init(w->octets, (unsigned)octets.size);
    if (p->input_closing ||
        uv_write(&w->request, (uv_stream_t *)&p->input, &buf, 1, on_written) != 0) {
        on_written(&w->request, 0);
    }
}

static void on_closed(uv_handle_t *handle) {
    struct process *p = handle->data;
    if (--p->open_handles == 0) {
        buffer_free(&p->line);
        buffer_free(&p->errors_text);
        free(p);
    }
}

static void close_input(struct process *p) {
    if (!uv_is_closing((uv_handle_t *)&p->input)) {
        uv_close((uv_handle_t *)&p->input, on_closed);
    }
}

static void on_shutdown(uv_shutdown_t *request, int status) {
    struct process *p = request->data;
    (void)status;
    free(request);
    close_input(p);
}

void process_close_input(struct process *p) {
    if (p->input_closing) {
        return;
    }
    p->input_closing = true;
    uv_shutdown_t *request = util_alloc(sizeof *request);
    request->data = p;
    if (uv_shutdown(request, (uv_stream_t *)&p->input, on_shutdown) != 0) {
        free(request);
        close_input(p);
    }
}

void process_kill(struct process *p) {
    p->muted = true;
    if (p->running && kill(-p->handle.pid, SIGKILL) != 0) {
        uv_process_kill(&p->handle, SIGKILL);
    }
}

pid_t process_id(const struct process *p) {
    return p->handle.pid;
}

// ---- start and free -----------------------------------------------------------------------------

// Three pipes: standard input, output, error. Returns 0 or an error of libuv with nothing open.
static int open_pipes(uv_file pipes[3][2]) {
    for (int i = 0; i < 3; i++) {
        const int r =
            uv_pipe(pipes[i], i == 0 ? 0 : UV_NONBLOCK_PIPE, i == 0 ? UV_NONBLOCK_PIPE : 0);
        if (r != 0) {
            while (i-- > 0) {
                close(pipes[i][READ_END]);
                close(pipes[i][WRITE_END]);
            }
            return r;
        }
    }
    return 0;
}

static int spawn(struct process *p, uv_loop_t *loop, char *const *words, uv_file pipes[3][2]) {
    uv_stdio_container_t stdio[3];
    for (int i = 0; i < 3; i++) {
        stdio[i].flags = UV_INHERIT_FD;
        stdio[i].data.fd = pipes[i][i == 0 ? READ_END : WRITE_END];
    }
    const uv_process_options_t options = {
        .exit_cb = on_exit_status,
        .file = words[0],
        .args = (char **)words,
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = 3,
        .stdio = stdio,
    };
    return uv_spawn(loop, &p->handle, &options);
}

static void init_handles(struct process *p, uv_loop_t *loop) {
    uv_timer_init(loop, &p->timer);
    uv_pipe_init(loop, &p->input, 0);
    uv_pipe_init(loop, &p->output, 0);
    uv_pipe_init(loop, &p->errors, 0);
    p->timer.data = p;
    p->input.data = p;
    p->output.data = p;
    p->errors.data = p;
    p->handle.data = p;
    p->open_handles = HANDLES;
}

struct process *process_start(uv_loop_t *loop, char *const *words,
                              const struct process_limits *limits,
                              const struct process_handler *handler, char **error) {
    uv_file pipes[3][2];
    int r = open_pipes(pipes);
    if (r != 0) {
        *error = util_format("pipe: %s", uv_strerror(r));
        return NULL;
    }
    struct process *p = util_alloc(sizeof *p);
    p->handler = *handler;
    p->limits = *limits;
    init_handles(p, loop);
    r = spawn(p, loop, words, pipes);
    for (int i = 0; i < 3; i++) {
        uv_pipe_t *const own[] = {&p->input, &p->output, &p->errors};
        close(pipes[i][i == 0 ? READ_END : WRITE_END]);
        uv_pipe_open(own[i], pipes[i][i == 0 ? WRITE_END : READ_END]);
    }
    if (r != 0) {
        *error = util_format("%s: %s", words[0], uv_strerror(r));
        process_free(p);
        return NULL;
    }
    p->running = true;
    p->output_open = true;
    p->errors_open = true;
    uv_read_start((uv_stream_t *)&p->output, give_chunk, on_output);
    uv_read_start((uv_stream_t *)&p->errors, give_chunk, on_errors);
    return p;
}

void process_free(struct process *p) {
    uv_close((uv_handle_t *)&p->timer, on_closed);
    uv_close((uv_handle_t *)&p->output, on_closed);
    uv_close((uv_handle_t *)&p->errors, on_closed);
    uv_close((uv_handle_t *)&p->handle, on_closed);
    p->input_closing = true;
    close_input(p);
}
