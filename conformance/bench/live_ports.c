// SPDX-License-Identifier: Apache-2.0
// Many notification ports at once:
//   bench-live-ports PORT PORTS EVENTS PER-SECOND [PID]
// PORTS version 2 ports, ten on each key, every one with an ApiGetNotifyV2 that waits; then EVENTS
// values set at this pace. Every port must get its events in order, none lost, none twice; anything
// else ends the program. Prints lines NAME, tab, NUMBER; with PID also what a port costs that
// process in memory.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "talk.h"

enum { CONNECTIONS = 16, SHARE = 10, EVENT_BATCH = 64, PATIENCE = 30 };
enum { OBJECT_TYPE_REGISTRY = 8, REGISTRY_VALUE_V2 = 8 };

struct watched {
    uint8_t handle[CMRP_HANDLE_SIZE]; // HNOTIFY
    uint32_t next;                    // number of the event that must come next
};

static struct {
    struct talk talks[CONNECTIONS], driver;
    struct watched *ports;
    size_t port_count, key_count;
    cmrp_slot *keys;
    uint32_t *waiting[CONNECTIONS]; // port by call_id of its Get
    size_t waiting_room[CONNECTIONS];
    uint64_t *sent;    // when each event was sent
    uint32_t *latency; // microseconds, of each delivery
    size_t events, delivered;
    uint32_t name_index, notifications_index; // of parameters
} all;

static void *make(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (memory == NULL) {
        talk_fail("no memory");
    }
    return memory;
}

// Resident kilobytes of a process; 0 without one.
static size_t resident(const char *pid) {
    char path[64], line[128];
    size_t kilobytes = 0;
    if (pid == NULL) {
        return 0;
    }
    snprintf(path, sizeof path, "/proc/%.20s/status", pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "VmRSS: %zu", &kilobytes) == 1) {
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kilobytes;
}

// Latin text as UTF-16 units, valid until the next call.
static cmrp_slot text(const char *latin) {
    static uint8_t units[128];
    const size_t length = strlen(latin);
    for (size_t i = 0; i < length; i++) {
        units[2 * i] = (uint8_t)latin[i];
        units[2 * i + 1] = 0;
    }
    return (cmrp_slot){.present = true, .bytes = {units, 2 * length}};
}

// ---- set-up -------------------------------------------------------------------------------------

static void make_keys(void) {
    cmrp_slot in[CMRP_MAX_PARAMS] = {0}, out[CMRP_MAX_PARAMS];
    in[talk_index("ApiGetRootKey", "samDesired")] = talk_number(0xf003f);
    talk_call(&all.driver, "ApiGetRootKey", in, out);
    const cmrp_slot root = talk_handle(out[talk_index("ApiGetRootKey", "return")].handle);
    for (size_t i = 0; i < all.key_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "bench\\key%zu", i);
        memset(in, 0, sizeof in);
        in[talk_index("ApiCreateKey", "hKey")] = root;
        in[talk_index("ApiCreateKey", "lpSubKey")] = text(name);
        in[talk_index("ApiCreateKey", "dwOptions")] = talk_number(0);
        in[talk_index("ApiCreateKey", "samDesired")] = talk_number(0xf003f);
        in[talk_index("ApiCreateKey", "lpSecurityAttributes")] =
            (cmrp_slot){.present = true, .null = true};
        talk_call(&all.driver, "ApiCreateKey", in, out);
        all.keys[i] = talk_handle(out[talk_index("ApiCreateKey", "return")].handle);
    }
}

static void wait_for(size_t port) {
    const size_t c = port % CONNECTIONS;
    struct talk *talk = &all.talks[c];
    const uint32_t call_id = talk_send(talk, talk_opnum("ApiGetNotifyV2"),
                                       (cmrp_view){all.ports[port].handle, CMRP_HANDLE_SIZE});
    if (call_id >= all.waiting_room[c]) {
        all.waiting_room[c] = 2 * (size_t)call_id;
        all.waiting[c] = realloc(all.waiting[c], all.waiting_room[c] * sizeof *all.waiting[c]);
        if (all.waiting[c] == NULL) {
            talk_fail("no memory");
        }
    }
    all.waiting[c][call_id] = (uint32_t)port;
}

static void make_ports(void) {
    cmrp_slot in[CMRP_MAX_PARAMS], out[CMRP_MAX_PARAMS];
    const cmrp_struct *type =
        cmrp_param_struct(&cmrp_method_named(CMRP_INTERFACE_3, "ApiAddNotifyV2")
                               ->params[talk_index("ApiAddNotifyV2", "filter")]);
    const cmrp_slot filter[] = {talk_number(OBJECT_TYPE_REGISTRY), talk_number(REGISTRY_VALUE_V2)};
    for (size_t i = 0; i < all.port_count; i++) {
        struct talk *talk = &all.talks[i % CONNECTIONS];
        memset(in, 0, sizeof in);
        talk_call(talk, "ApiCreateNotifyV2", in, out);
        memcpy(all.ports[i].handle, out[talk_index("ApiCreateNotifyV2", "return")].handle,
               CMRP_HANDLE_SIZE);
        in[talk_index("ApiAddNotifyV2", "hNotify")] = talk_handle(all.ports[i].handle);
        in[talk_index("ApiAddNotifyV2", "hObject")] = all.keys[i / SHARE];
        in[talk_index("ApiAddNotifyV2", "filter")] =
            (cmrp_slot){.present = true, .rows = {.type = type, .count = 1, .members = filter}};
        in[talk_index("ApiAddNotifyV2", "dwNotifyKey")] = talk_number(i);
        in[talk_index("ApiAddNotifyV2", "dwVersion")] = talk_number(2);
        in[talk_index("ApiAddNotifyV2", "isTargetedAtObject")] = talk_number(1);
        talk_call(talk, "ApiAddNotifyV2", in, out);
    }
    for (size_t i = 0; i < all.port_count; i++) {
        wait_for(i);
    }
}

// ---- events -------------------------------------------------------------------------------------

// Event `n` is a value of key n modulo their count, whose name is the number.
static void send_event(size_t n) {
    cmrp_slot in[CMRP_MAX_PARAMS] = {0};
    uint8_t stub[256];
    char name[16];
    static const uint8_t data[4];
    snprintf(name, sizeof name, "%zu", n);
    in[talk_index("ApiSetValue", "hKey")] = all.keys[n % all.key_count];
    in[talk_index("ApiSetValue", "lpValueName")] = text(name);
    in[talk_index("ApiSetValue", "dwType")] = talk_number(4);
    in[talk_index("ApiSetValue", "lpData")] =
        (cmrp_slot){.present = true, .bytes = {data, sizeof data}};
    const size_t size = talk_stub("ApiSetValue", in, stub, sizeof stub);
    all.sent[n] = talk_now();
    talk_send(&all.driver, talk_opnum("ApiSetValue"), (cmrp_view){stub, size});
}

static size_t number_of(cmrp_view units) {
    size_t n = 0;
    for (size_t i = 0; i + 1 < units.size; i += 2) {
        n = n * 10 + (size_t)(units.data[i] - '0');
    }
    return n;
}

static void take(size_t connection) {
    const struct talk_answer answer = talk_receive(&all.talks[connection]);
    const uint32_t index = all.waiting[connection][answer.call_id];
    struct watched *port = &all.ports[index];
    cmrp_slot out[CMRP_MAX_PARAMS], row[CMRP_MAX_PARAMS];
    talk_decode("ApiGetNotifyV2", answer.stub, out);
    cmrp_rows rows = out[all.notifications_index].rows;
    const uint64_t at = talk_now();
    while (cmrp_rows_next(&rows, row)) {
        const size_t n = number_of(row[all.name_index].bytes);
        if (row[0].value != index || n != port->next || n % all.key_count != index / SHARE) {
            talk_fail("port %u: event %zu with key %" PRIu64 " instead of event %u", index, n,
                      row[0].value, port->next);
        }
        port->next += (uint32_t)all.key_count;
        all.latency[all.delivered++] = (uint32_t)(at - all.sent[n]);
    }
    wait_for(index);
}

static void take_all(int poll, int milliseconds) {
    struct epoll_event events[EVENT_BATCH];
    const int n = epoll_wait(poll, events, EVENT_BATCH, milliseconds);
    for (int i = 0; i < n; i++) {
        const size_t c = events[i].data.u64;
        if (c == CONNECTIONS) {
            do {
                (void)talk_receive(&all.driver);
            } while (talk_pending(&all.driver));
        } else {
            do {
                take(c);
            } while (talk_pending(&all.talks[c]));
        }
    }
}

static void play(size_t pace) {
    const int poll = epoll_create1(0);
    for (size_t c = 0; c <= CONNECTIONS; c++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = c};
        const int fd = c == CONNECTIONS ? all.driver.fd : all.talks[c].fd;
        if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0) {
            talk_fail("epoll: %s", strerror(errno));
        }
    }
    const size_t expected = all.events * SHARE;
    const uint64_t begun = talk_now();
    size_t sent = 0;
    uint64_t until = begun;
    while (all.delivered < expected) {
        const uint64_t due = (talk_now() - begun) * pace / 1000000;
        while (sent < all.events && sent <= due) {
            send_event(sent++);
            until = talk_now() + (uint64_t)PATIENCE * 1000000;
        }
        if (talk_now() > until) {
            talk_fail("%zu of %zu indications are missing", expected - all.delivered, expected);
        }
        take_all(poll, sent < all.events ? 1 : 100);
    }
    printf("seconds\t%.3f\n", (double)(talk_now() - begun) / 1e6);
}

static int ascending(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t member(const char *name) {
    const cmrp_struct *type = cmrp_param_struct(
        &cmrp_method_named(CMRP_INTERFACE_3, "ApiGetNotifyV2")->params[all.notifications_index]);
    for (uint32_t i = 0; i < type->count; i++) {
        if (strcmp(type->members[i].name, name) == 0) {
            return i;
        }
    }
    talk_fail("no member %s", name);
}

int main(int argc, char **argv) {
    if (argc < 5 || argc > 6) {
        talk_fail("usage: bench-live-ports PORT PORTS EVENTS PER-SECOND [PID]");
    }
    const uint16_t port = (uint16_t)talk_argument(argv[1], 1, UINT16_MAX);
    const char *pid = argc == 6 ? argv[5] : NULL;
    all.port_count = talk_argument(argv[2], SHARE, 1000000) / SHARE * SHARE;
    all.events = talk_argument(argv[3], 1, 1000000);
    const size_t pace = talk_argument(argv[4], 1, 1000000);
    all.key_count = all.port_count / SHARE;
    all.ports = make(all.port_count, sizeof *all.ports);
    all.keys = make(all.key_count, sizeof *all.keys);
    all.sent = make(all.events, sizeof *all.sent);
    all.latency = make(all.events * SHARE, sizeof *all.latency);
    all.notifications_index = talk_index("ApiGetNotifyV2", "Notifications");
    all.name_index = member("NotificationData.ObjectId"); // of a registry event: the value's name
    for (size_t i = 0; i < all.port_count; i++) {
        all.ports[i].next = (uint32_t)(i / SHARE);
    }
    talk_open(&all.driver, port, 0);
    for (size_t c = 0; c < CONNECTIONS; c++) {
        talk_open(&all.talks[c], port, all.driver.group);
    }
    make_keys();
    const size_t before = resident(pid);
    make_ports();
    const size_t after = resident(pid);
    play(pace);
    qsort(all.latency, all.delivered, sizeof *all.latency, ascending);
    printf("delivered\t%zu\nmedian\t%u\nslowest_of_100\t%u\nslowest\t%u\n", all.delivered,
           all.latency[all.delivered / 2], all.latency[all.delivered / 100 * 99],
           all.latency[all.delivered - 1]);
    if (pid != NULL) {
        printf("octets_a_port\t%zu\n", (after - before) * 1024 / all.port_count);
    }
    return 0;
}
