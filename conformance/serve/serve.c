// SPDX-License-Identifier: Apache-2.0
#include "serve/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "control/socket.h"
#include "rpc/epmap.h"
#include "rpc/listen.h"
#include "service/service.h"
#include "show/show.h"
#include "util/file.h"
#include "util/text.h"

enum { GRACE = 5000 };                        // milliseconds for answers to be sent at the end
enum { LINES = 1000, LINES_PER_SECOND = 20 }; // of warnings, at once and in the long run

enum { TERMINATE, INTERRUPT, TELL, SIGNALS };
static const int signal_numbers[SIGNALS] = {SIGTERM, SIGINT, SIGUSR1};

struct host {
    const struct serve_options *o;
    uv_loop_t loop;
    uint64_t began;
    struct cluster *cluster;
    struct service *service;
    struct rpc_epmap *epmap;
    struct rpc_server *server, *epmap_server;
    struct rpc_listener *listener, *epmap_listener;
    struct control_socket *control;
    uv_signal_t signals[SIGNALS];
    uv_async_t stop;  // asked for by the control socket, after its answer
    bool has_handles; // signals and stop are open
    bool stopping;
    unsigned listeners; // not closed yet
    uint64_t lines;     // warnings that may be written at once
    uint64_t said;      // when they last became more, milliseconds
    size_t left_out;    // warnings, since the last one that was written
};

// ---- log and status -----------------------------------------------------------------------------

// Tells how many warnings were left out.
static void say_left_out(struct host *h) {
    char text[100];
    if (h->left_out > 0) {
        snprintf(text, sizeof text, "%zu warnings are left out: there were too many", h->left_out);
        h->left_out = 0;
        h->o->log(h->o->context, RPC_LOG_WARNING, text);
    }
}

// Whether there is room for one more warning. No client fills the disk with the log.
static bool may_say(struct host *h) {
    const uint64_t now = uv_hrtime() / 1000000;
    const uint64_t more = (now - h->said) * LINES_PER_SECOND / 1000;
    if (more > 0) {
        h->said = now;
        h->lines = h->lines + more < LINES ? h->lines + more : LINES;
    }
    if (h->left_out > 0 ? h->lines < LINES_PER_SECOND : h->lines == 0) {
        h->left_out++;
        return false;
    }
    h->lines--;
    say_left_out(h);
    return true;
}

static void say(struct host *h, enum rpc_log_level level, const char *text) {
    // What is said only on request is said whole.
    if (h->o->log != NULL && (level == RPC_LOG_WARNING ? may_say(h) : h->o->verbose)) {
        struct buffer safe = {0};
        text_make_safe(&safe, text, strlen(text));
        h->o->log(h->o->context, level, buffer_text(&safe));
        buffer_free(&safe);
    }
}

static void rpc_says(void *context, enum rpc_log_level level, const char *text) {
    say(context, level, text);
}

static void cluster_says(void *context, const char *text) {
    say(context, RPC_LOG_WARNING, text);
}

static void call_says(void *context, const struct rpc_call *call, const cmrp_method *method,
                      uint32_t status, bool fault) {
    struct buffer text = {0};
    buffer_printf(&text, "%s: %s: ", rpc_call_peer(call), method->name);
    if (status == 0) {
        buffer_printf(&text, "ok");
    } else {
        show_code(&text, status, fault);
    }
    say(context, RPC_LOG_INFO, buffer_text(&text));
    buffer_free(&text);
}

static json_t *calls_status(const struct host *h) {
    const struct service_counters *counters = service_counters(h->service);
    uint64_t calls = 0;
    for (size_t i = 0; i < SERVICE_OPNUMS; i++) {
        calls += counters->calls[i];
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "made", (json_int_t)calls, "succeeded",
                     (json_int_t)counters->succeeded, "failed", (json_int_t)counters->failed,
                     "faulted", (json_int_t)counters->faulted, "waiting",
                     (json_int_t)counters->blocked);
}

static json_t *handles_status(const struct host *h) {
    json_t *handles = json_object();
    json_object_set_new(handles, "all",
                        json_integer((json_int_t)rpc_handles_open(h->server, NULL)));
    for (unsigned i = 0; i < SERVICE_KINDS; i++) {
        json_object_set_new(
            handles, service_kinds[i].name,
            json_integer((json_int_t)rpc_handles_open(h->server, &service_kinds[i])));
    }
    return handles;
}

static json_t *status(void *context) {
    const struct host *h = context;
    json_t *json = json_object();
    json_object_set_new(json, "cluster", json_string(cluster_name(h->cluster)));
    json_object_set_new(json, "listening", json_string(rpc_listener_name(h->listener)));
    if (h->epmap_listener != NULL) {
        json_object_set_new(json, "endpoint_mapper",
                            json_string(rpc_listener_name(h->epmap_listener)));
    }
    json_object_set_new(json, "pid", json_integer(getpid()));
    json_object_set_new(json, "seconds",
                        json_integer((json_int_t)((uv_now(&h->loop) - h->began) / 1000)));
    json_object_set_new(json, "connections",
                        json_integer((json_int_t)rpc_server_connections(h->server)));
    json_object_set_new(json, "calls", calls_status(h));
    json_object_set_new(json, "handles", handles_status(h));
    return json;
}

static void tell(struct host *h) {
    json_t *json = status(h);
    char *text = json_dumps(json, JSON_COMPACT);
    if (h->o->log != NULL) { // asked for, so it is said without --verbose
        h->o->log(h->o->context, RPC_LOG_INFO, text);
    }
    free(text);
    json_decref(json);
}

// ---- the end ------------------------------------------------------------------------------------

static void close_handles(struct host *h) {
    if (h->has_handles) {
        h->has_handles = false;
        for (unsigned i = 0; i < SIGNALS; i++) {
            uv_close((uv_handle_t *)&h->signals[i], NULL);
        }
        uv_close((uv_handle_t *)&h->stop, NULL);
    }
}

static void listener_closed(void *context) {
    struct host *h = context;
    if (--h->listeners == 0) {
        close_handles(h); // the loop ends
    }
}

static void close_listener(struct host *h, struct rpc_listener **listener) {
    if (*listener != NULL) {
        rpc_listener_close(*listener, GRACE, listener_closed, h);
        *listener = NULL;
    }
}

static void stop(struct host *h) {
    char text[100];
    h->stopping = true;
    const size_t calls = rpc_server_calls(h->server);
    snprintf(text, sizeof text, "ending; %zu call%s", calls, calls == 1 ? " waits" : "s wait");
    say(h, RPC_LOG_INFO, text);
    control_socket_close(h->control);
    h->control = NULL;
    rpc_server_stop(h->server);
    if (h->epmap_server != NULL) {
        rpc_server_stop(h->epmap_server);
    }
    service_stop(h->service);
    rpc_server_run_down(h->server);
    close_listener(h, &h->listener);
    close_listener(h, &h->epmap_listener);
}

static void signalled(uv_signal_t *handle, int number) {
    struct host *h = handle->data;
    if (number == SIGUSR1) {
        if (!h->stopping) {
            tell(h);
        }
    } else if (!h->stopping) {
        stop(h);
    } else {
        say(h, RPC_LOG_WARNING, "ended by a second signal");
        _exit(OUTCOME_INCOMPLETE);
    }
}

static void ask_to_stop(void *context) {
    uv_async_send(&((struct host *)context)->stop);
}

static void stop_asked(uv_async_t *handle) {
    struct host *h = handle->data;
    if (!h->stopping) {
        stop(h);
    }
}

// ---- the start ----------------------------------------------------------------------------------

static struct rpc_server *make_server(struct host *h,
                                      const struct rpc_interface *const *interfaces) {
    const struct rpc_server_options options = {
        .interfaces = interfaces, .limits = h->o->rpc, .context = h, .log = rpc_says};
    return rpc_server_create(&options);
}

static enum outcome start_cluster(struct host *h, char **error) {
    struct cluster_options options = h->o->cluster;
    const struct service_options service = {
        .context = h, .log = cluster_says, .answers = h->o->verbose ? call_says : NULL};
    options.context = h;
    options.log = cluster_says;
    h->cluster = cluster_create(&options, error);
    if (h->cluster == NULL) {
        return OUTCOME_USAGE;
    }
    h->service = service_create(h->cluster, &service, error);
    return h->service != NULL ? OUTCOME_OK : OUTCOME_INTERNAL;
}

static struct rpc_listener *listen_at(struct host *h, struct rpc_server *server,
                                      const struct serve_address *at, char **error) {
    struct rpc_listener *listener =
        rpc_listener_create(&h->loop, server, at->host, at->port, error);
    h->listeners += listener != NULL;
    return listener;
}

static enum outcome start_listening(struct host *h, const struct rpc_interface **interfaces,
                                    const struct rpc_interface **mapper, char **error) {
    interfaces[0] = service_interface(h->service);
    h->server = make_server(h, interfaces);
    h->listener = listen_at(h, h->server, &h->o->listen, error);
    if (h->listener == NULL) {
        return OUTCOME_UNREACHED;
    }
    if (h->o->epmap.host != NULL) {
        h->epmap = rpc_epmap_create();
        rpc_epmap_add(h->epmap, &interfaces[0]->id, "cluster service",
                      rpc_listener_port(h->listener), rpc_listener_ipv4(h->listener));
        mapper[0] = rpc_epmap_interface(h->epmap);
        h->epmap_server = make_server(h, mapper);
        h->epmap_listener = listen_at(h, h->epmap_server, &h->o->epmap, error);
        if (h->epmap_listener == NULL) {
            return OUTCOME_UNREACHED;
        }
    }
    if (h->o->control != NULL) {
        const struct control_socket_options options = {
            .control = {h->cluster, h, status, ask_to_stop},
            .log_context = h,
            .log = cluster_says,
        };
        h->control = control_socket_listen(&h->loop, h->o->control, &options, error);
        return h->control != NULL ? OUTCOME_OK : OUTCOME_UNREACHED;
    }
    return OUTCOME_OK;
}

// Whole or not at all: it is written under another name first.
static enum outcome write_port(const struct host *h, char **error) {
    char port[16];
    if (h->o->port_file == NULL) {
        return OUTCOME_OK;
    }
    char *other = util_format("%s.%ld", h->o->port_file, (long)getpid());
    const int size = snprintf(port, sizeof port, "%u\n", rpc_listener_port(h->listener));
    bool ok = file_write(other, (cmrp_view){(uint8_t *)port, (size_t)size}, error);
    if (ok && rename(other, h->o->port_file) != 0) {
        *error = util_format("%s: %s", h->o->port_file, strerror(errno));
        unlink(other);
        ok = false;
    }
    free(other);
    return ok ? OUTCOME_OK : OUTCOME_USAGE;
}

static void open_handles(struct host *h) {
    signal(SIGXFSZ, SIG_IGN); // a state file that may not grow fails the call, as a full disk does
    for (unsigned i = 0; i < SIGNALS; i++) {
        uv_signal_init(&h->loop, &h->signals[i]);
        h->signals[i].data = h;
        uv_signal_start(&h->signals[i], signalled, signal_numbers[i]);
    }
    uv_async_init(&h->loop, &h->stop, stop_asked);
    h->stop.data = h;
    h->has_handles = true;
}

enum outcome serve_run(const struct serve_options *options, char **error) {
    struct host h = {.o = options};
    const struct rpc_interface *interfaces[2] = {NULL, NULL};
    const struct rpc_interface *mapper[2] = {NULL, NULL};
    uv_loop_init(&h.loop);
    h.began = uv_now(&h.loop);
    open_handles(&h);
    enum outcome outcome = start_cluster(&h, error);
    if (outcome == OUTCOME_OK) {
        outcome = start_listening(&h, interfaces, mapper, error);
    }
    if (outcome == OUTCOME_OK) {
        outcome = write_port(&h, error);
    }
    if (outcome == OUTCOME_OK) {
        options->ready(options->context, rpc_listener_name(h.listener),
                       h.epmap_listener != NULL ? rpc_listener_name(h.epmap_listener) : NULL);
    } else {
        control_socket_close(h.control);
        close_listener(&h, &h.listener);
        close_listener(&h, &h.epmap_listener);
        if (h.listeners == 0) {
            close_handles(&h);
        }
    }
    uv_run(&h.loop, UV_RUN_DEFAULT);
    say_left_out(&h);
    rpc_server_destroy(h.server);
    rpc_server_destroy(h.epmap_server);
    rpc_epmap_destroy(h.epmap);
    if (h.service != NULL) {
        service_destroy(h.service);
    }
    if (h.cluster != NULL) {
        cluster_destroy(h.cluster);
    }
    uv_loop_close(&h.loop);
    if (outcome == OUTCOME_OK && options->port_file != NULL) {
        unlink(options->port_file);
    }
    return outcome;
}
