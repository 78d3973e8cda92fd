// SPDX-License-Identifier: Apache-2.0
// Property cluster: the input draws what clients say to the reference cluster
// (fuzz_cluster_talk.c), without sockets. A plain model (fuzz_cluster_model.c) says what each call
// of an honest client must be answered, when, and with which octets: no event and no batch is lost,
// doubled or reordered, a batch that fails changes nothing, and the registry has what the model
// has, whatever another client says in between, and however connections end. In the end no handle
// and no call is left, and no memory.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_cluster.h"

static const char seed[] =
    "{\"cluster\":{\"name\":\"C\",\"node\":\"N\"},\"nodes\":[{\"name\":\"N\",\"id\":1}],"
    "\"resource_types\":[{\"name\":\"T\"}],\"groups\":[{\"name\":\"G\",\"owner\":\"N\","
    "\"online\":true,\"resources\":[{\"name\":\"R\",\"type\":\"T\",\"online\":true,"
    "\"restart\":true},{\"name\":\"S\",\"type\":\"T\",\"online\":false}]}]}";

enum { MEMORY = 64 << 20 }; // octets that a world may take

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

// ---- the server ---------------------------------------------------------------------------------

// A file without a name, by the name that its descriptor has.
static const char *seed_path(void) {
    static char path[64];
    if (path[0] == '\0') {
        FILE *file = tmpfile();
        if (file == NULL || fwrite(seed, 1, strlen(seed), file) != strlen(seed) ||
            fflush(file) != 0) {
            fuzz_fail(PROPERTY, "the seed cannot be written");
        }
        snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(file));
    }
    return path;
}

static enum service_access entitled(void *context, struct rpc_association *association) {
    (void)association;
    const struct world *w = context;
    return w->other_speaks ? SERVICE_READ : SERVICE_ALL;
}

static uint64_t now(void *context) {
    const struct world *w = context;
    return w->now;
}

static void lot(void *context, uint8_t *octets, size_t size) {
    struct world *w = context;
    for (size_t i = 0; i < size; i++) {
        w->lot = w->lot * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        octets[i] = (uint8_t)(w->lot >> 56);
    }
}

static void log_line(void *context, enum rpc_log_level level, const char *text) {
    (void)context;
    (void)level;
    if (getenv("CMRP_FUZZ_LOG") != NULL) {
        fprintf(stderr, "%s\n", text);
    }
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            fuzz_fail(PROPERTY, "unprintable in the log: %s", text);
        }
    }
}

static void server_begin(struct world *w) {
    const struct cluster_options options = {
        .seed = seed_path(),
        .queue = w->queue_limit,
        .filters = FILTERS,
        .registry = {.port_count = w->batch_limit},
    };
    char *error = NULL;
    w->cluster = cluster_create(&options, &error);
    const struct service_options service = {.context = w, .entitled = entitled};
    w->service = w->cluster != NULL ? service_create(w->cluster, &service, &error) : NULL;
    if (w->service == NULL) {
        fuzz_fail(PROPERTY, "no cluster: %s", error);
    }
    w->interfaces[0] = service_interface(w->service);
    const struct rpc_server_options server = {.interfaces = w->interfaces,
                                              .limits = {.connections = LINKS + OTHERS,
                                                         .calls = 2 * WAITING,
                                                         .handles = MAX_HANDLES,
                                                         .stub = 16 << 10,
                                                         .memory = 64 << 10,
                                                         .output = 64 << 10},
                                              .context = w,
                                              .log = log_line,
                                              .now = now,
                                              .random = lot};
    w->server = rpc_server_create(&server);
}

// ---- the world ----------------------------------------------------------------------------------

void world_begin(struct world *w, const uint8_t *data, size_t size) {
    static const uint16_t queues[] = {2, 5, 30, 1000};
    static const uint16_t batches[] = {1, 3, 30, 1000};
    *w = (struct world){.draws = {data, size}, .now = 1000, .lot = 1};
    const uint32_t limits = draw_below(&w->draws, 16);
    w->queue_limit = queues[limits % 4];
    w->batch_limit = batches[limits / 4];
    for (int i = 0; i < LINKS; i++) {
        w->links[i].world = w;
    }
    for (int i = 0; i < OTHERS; i++) {
        w->others[i].world = w;
    }
    server_begin(w);
    registry_load(&w->registry, w->cluster);
    objects_load(w);
}

// As when the server is told to end: handles go first, so that calls which wait are answered.
static void run_down(struct world *w) {
    w->stopping = true;
    rpc_server_stop(w->server);
    rpc_server_run_down(w->server);
    for (int i = 0; i < w->box_count; i++) {
        box_close(w->boxes[i]);
    }
    calls_check(w);
}

static void check_nothing_left(const struct world *w) {
    if (rpc_handles_open(w->server, NULL) != 0 || rpc_server_calls(w->server) != 0 ||
        rpc_server_connections(w->server) != 0 || service_counters(w->service)->blocked != 0) {
        fuzz_fail(PROPERTY, "%zu handles, %zu calls, %zu connections, %llu blocked calls are left",
                  rpc_handles_open(w->server, NULL), rpc_server_calls(w->server),
                  rpc_server_connections(w->server),
                  (unsigned long long)service_counters(w->service)->blocked);
    }
}

static void box_free(struct box *box) {
    box_close(box);
    free(box->entries);
    free(box);
}

void world_end(struct world *w) {
    const bool stops = draw_below(&w->draws, 2) == 0;
    talk_end(w);
    if (stops) {
        run_down(w);
    }
    for (int i = 0; i < LINKS + OTHERS; i++) {
        struct link *link = i < LINKS ? &w->links[i] : &w->others[i - LINKS];
        if (link->connection != NULL) {
            link_disconnect(link);
        }
    }
    check_nothing_left(w);
    registry_compare(&w->registry, w->cluster, "in the end");
    rpc_server_destroy(w->server);
    service_destroy(w->service);
    cluster_destroy(w->cluster);
    for (int i = 0; i < w->box_count; i++) {
        box_free(w->boxes[i]);
    }
    free(w->boxes);
    free(w->handles);
    registry_free(&w->registry);
    objects_free(w);
    events_clear(&w->events);
    buffer_free(&w->last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct world w;
    const bool measures = __sanitizer_get_current_allocated_bytes != NULL;
    const size_t before = measures ? __sanitizer_get_current_allocated_bytes() : 0;
    world_begin(&w, data, size);
    for (int step = 0; step < STEPS && w.draws.left > 0; step++) {
        talk_step(&w);
        if (measures && __sanitizer_get_current_allocated_bytes() > before + MEMORY) {
            fuzz_fail(PROPERTY, "%zu octets are taken",
                      __sanitizer_get_current_allocated_bytes() - before);
        }
    }
    (*(w.failed > 0 ? &fuzz_tally.rejected : &fuzz_tally.accepted))++;
    world_end(&w);
    return 0;
}
