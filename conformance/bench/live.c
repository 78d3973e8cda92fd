// SPDX-License-Identifier: Apache-2.0
// What a server costs, and a bare loop that costs as little as can be, by the same client:
//
//   bench-live echo REQUEST RESPONSE
//      listens, says where, and answers so many octets with so many
//   bench-live bare PORT REQUEST RESPONSE CONNECTIONS MILLISECONDS
//      asks that
//   bench-live calls PORT METHOD CONNECTIONS MILLISECONDS
//      calls a method that has no [in] parameters
//   bench-live batch PORT COMMANDS ROUNDS
//      executes a batch and fetches its notification
//
// All but the first print lines NAME, tab, NUMBER.
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmrp/batch.h"
#include "talk.h"

enum { PIECE = 1 << 16, EVENTS = 256, BATCH_ROOM = 4 << 20 };

static void watch(int poll, int fd, void *data) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0) {
        talk_fail("epoll: %s", strerror(errno));
    }
}

// ---- the bare server ----------------------------------------------------------------------------

struct peer {
    int fd;
    size_t have; // octets of the next request
};

static void answer(struct peer *peer, size_t request, const uint8_t *response, size_t size) {
    static uint8_t octets[PIECE];
    const ssize_t n = recv(peer->fd, octets, sizeof octets, 0);
    if (n <= 0) {
        close(peer->fd);
        free(peer);
        return;
    }
    for (peer->have += (size_t)n; peer->have >= request; peer->have -= request) {
        if (send(peer->fd, response, size, MSG_NOSIGNAL) != (ssize_t)size) {
            talk_fail("the bare server cannot send");
        }
    }
}

static void echo(size_t request, size_t response) {
    static const uint8_t octets[PIECE];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    const int one = 1;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    const int poll = epoll_create1(0);
    struct epoll_event events[EVENTS];
    if (listener < 0 || poll < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, 1024) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        talk_fail("cannot listen: %s", strerror(errno));
    }
    printf("listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
    fflush(stdout);
    watch(poll, listener, NULL);
    for (;;) {
        const int n = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            struct peer *peer = events[i].data.ptr;
            if (peer != NULL) {
                answer(peer, request, octets, response);
            } else if ((peer = calloc(1, sizeof *peer)) != NULL) {
                peer->fd = accept(listener, NULL, NULL);
                (void)setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                watch(poll, peer->fd, peer);
            }
        }
    }
}

// ---- the client of both -------------------------------------------------------------------------

// What a connection sends again and again, and how much comes back.
struct ping {
    uint8_t request[PIECE];
    size_t request_size, response_size;
};

struct line {
    int fd;
    uint32_t call_id; // 0: the octets stay the same
    size_t have;
};

static void send_ping(struct line *line, struct ping *ping) {
    if (line->call_id != 0) {
        cmrp_store_u32(ping->request + 12, ++line->call_id, CMRP_LITTLE_ENDIAN);
    }
    if (send(line->fd, ping->request, ping->request_size, MSG_NOSIGNAL) !=
        (ssize_t)ping->request_size) {
        talk_fail("cannot send");
    }
}

// Closed loop: each connection asks as soon as it has its answer.
static void play(struct line *lines, size_t count, struct ping *ping, size_t milliseconds) {
    static uint8_t octets[PIECE];
    struct epoll_event events[EVENTS];
    const int poll = epoll_create1(0);
    uint64_t answers = 0;
    for (size_t i = 0; i < count; i++) {
        watch(poll, lines[i].fd, &lines[i]);
        send_ping(&lines[i], ping);
    }
    const uint64_t begun = talk_now(), until = begun + milliseconds * 1000;
    uint64_t at = begun;
    for (; at < until; at = talk_now()) {
        const int n = epoll_wait(poll, events, EVENTS, 1000);
        for (int i = 0; i < n; i++) {
            struct line *line = events[i].data.ptr;
            const ssize_t got = recv(line->fd, octets, sizeof octets, 0);
            if (got <= 0) {
                talk_fail("the server closed a connection");
            }
            line->have += (size_t)got;
            if (line->have >= ping->response_size) {
                line->have -= ping->response_size;
                answers++;
                send_ping(line, ping);
            }
        }
    }
    printf("answers\t%" PRIu64 "\nrate\t%.0f\n", answers,
           (double)answers * 1e6 / (double)(at - begun));
    close(poll);
}

static void bare(uint16_t port, size_t request, size_t response, size_t count, size_t ms) {
    static struct ping ping;
    struct line *lines = calloc(count, sizeof *lines);
    ping.request_size = request;
    ping.response_size = response;
    for (size_t i = 0; lines != NULL && i < count; i++) {
        lines[i].fd = talk_connect(port);
    }
    play(lines, count, &ping, ms);
    free(lines);
}

static void calls(uint16_t port, const char *name, size_t count, size_t ms) {
    static struct ping ping;
    const cmrp_method *method = cmrp_method_named(CMRP_INTERFACE_3, name);
    struct talk *talks = calloc(count, sizeof *talks);
    struct line *lines = calloc(count, sizeof *lines);
    if (method == NULL || talks == NULL || lines == NULL) {
        talk_fail("no method %s", name);
    }
    for (size_t i = 0; i < count; i++) {
        talk_open(&talks[i], port, 0);
        talk_send(&talks[i], method->opnum, (cmrp_view){NULL, 0});
        const struct talk_answer first = talk_receive(&talks[i]);
        ping.response_size = first.stub.size + TALK_REQUEST_HEADER;
        lines[i] = (struct line){.fd = talks[i].fd, .call_id = talks[i].call_id};
    }
    const cmrp_pdu request = {.header = {.ptype = CMRP_PTYPE_REQUEST,
                                         .drep = {0x10},
                                         .flags = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG},
                              .opnum = (uint16_t)method->opnum};
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_writer_init(&writer, ping.request, sizeof ping.request, &error, "");
    if (!cmrp_pdu_encode(&request, &writer)) {
        talk_fail("the request cannot be encoded");
    }
    ping.request_size = writer.size;
    printf("request\t%zu\nresponse\t%zu\n", ping.request_size, ping.response_size);
    play(lines, count, &ping, ms);
    for (size_t i = 0; i < count; i++) {
        talk_close(&talks[i]);
    }
    free(talks);
    free(lines);
}

// ---- batches ------------------------------------------------------------------------------------

// `count` commands that set values of one key to what they were not.
static size_t make_batch(uint8_t *octets, size_t count, size_t round) {
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_batch_writer batch;
    cmrp_writer_init(&writer, octets, BATCH_ROOM, &error, "");
    bool good = cmrp_batch_writer_open(&batch, &writer, CMRP_BATCH_STRICT);
    for (size_t i = 0; good && i < count; i++) {
        uint8_t name[32] = {0};
        char text[16];
        uint8_t data[8];
        const int length = snprintf(text, sizeof text, "value%zu", i);
        for (int c = 0; c < length; c++) {
            name[2 * c] = (uint8_t)text[c];
        }
        cmrp_store_u64(data, round * count + i, CMRP_LITTLE_ENDIAN);
        const cmrp_batch_command command = {.type = CMRP_CLUSREG_SET_VALUE,
                                            .value_type = CMRP_REG_QWORD,
                                            .name = {name, (size_t)(2 * length + 2)},
                                            .data = {data, sizeof data}};
        good = cmrp_batch_put(&batch, &command);
    }
    if (!good || !cmrp_batch_writer_close(&batch, (cmrp_view){NULL, 0})) {
        talk_fail("the batch cannot be encoded");
    }
    return writer.size;
}

static void batch(uint16_t port, size_t count, size_t rounds) {
    static uint8_t octets[BATCH_ROOM];
    struct talk talk;
    cmrp_slot in[CMRP_MAX_PARAMS] = {0}, out[CMRP_MAX_PARAMS];
    uint64_t shortest = UINT64_MAX;
    talk_open(&talk, port, 0);
    in[talk_index("ApiGetRootKey", "samDesired")] = talk_number(0xf003f);
    talk_call(&talk, "ApiGetRootKey", in, out);
    const cmrp_slot key = talk_handle(out[talk_index("ApiGetRootKey", "return")].handle);
    in[0] = key;
    talk_call(&talk, "ApiCreateBatchPort", in, out);
    const cmrp_slot port_handle =
        talk_handle(out[talk_index("ApiCreateBatchPort", "phBatchPort")].handle);
    for (size_t round = 0; round < rounds; round++) {
        const size_t size = make_batch(octets, count, round);
        memset(in, 0, sizeof in);
        in[talk_index("ApiExecuteBatch", "hKey")] = key;
        in[talk_index("ApiExecuteBatch", "lpData")] =
            (cmrp_slot){.present = true, .bytes = {octets, size}};
        const uint64_t begun = talk_now();
        talk_call(&talk, "ApiExecuteBatch", in, out);
        in[talk_index("ApiGetBatchNotification", "hBatchNotify")] = port_handle;
        talk_call(&talk, "ApiGetBatchNotification", in, out);
        const uint64_t took = talk_now() - begun;
        shortest = took < shortest ? took : shortest;
        if (out[talk_index("ApiGetBatchNotification", "lpData")].bytes.size < size) {
            talk_fail("the notification is shorter than the batch");
        }
    }
    printf("microseconds\t%" PRIu64 "\n", shortest);
    talk_close(&talk);
}

int main(int argc, char **argv) {
    const char *job = argc > 1 ? argv[1] : "";
    if (strcmp(job, "echo") == 0 && argc == 4) {
        echo(talk_argument(argv[2], 1, PIECE), talk_argument(argv[3], 1, PIECE));
    } else if (strcmp(job, "bare") == 0 && argc == 7) {
        bare((uint16_t)talk_argument(argv[2], 1, 65535), talk_argument(argv[3], 1, PIECE),
             talk_argument(argv[4], 1, PIECE), talk_argument(argv[5], 1, 1000),
             talk_argument(argv[6], 1, 600000));
    } else if (strcmp(job, "calls") == 0 && argc == 6) {
        calls((uint16_t)talk_argument(argv[2], 1, 65535), argv[3], talk_argument(argv[4], 1, 1000),
              talk_argument(argv[5], 1, 600000));
    } else if (strcmp(job, "batch") == 0 && argc == 5) {
        batch((uint16_t)talk_argument(argv[2], 1, 65535), talk_argument(argv[3], 1, 50000),
              talk_argument(argv[4], 1, 1000));
    } else {
        talk_fail("usage: bench-live echo|bare|calls|batch NUMBERS…; see the head of live.c");
    }
    return 0;
}
