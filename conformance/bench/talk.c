// SPDX-License-Identifier: Apache-2.0
#include "talk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 1 << 17, STUB_ROOM = 8 << 20 };

void talk_fail(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    exit(2);
}

uint64_t talk_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

size_t talk_argument(const char *text, size_t least, size_t most) {
    char *end;
    const unsigned long n = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || n < least || n > most) {
        talk_fail("\"%s\" is no number from %zu to %zu", text, least, most);
    }
    return n;
}

int talk_connect(uint16_t port) {
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int one = 1;
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        talk_fail("cannot connect to port %u: %s", port, strerror(errno));
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void send_all(int fd, const uint8_t *octets, size_t size) {
    while (size > 0) {
        const ssize_t n = send(fd, octets, size, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            talk_fail("cannot send: %s", strerror(errno));
        }
        if (n > 0) {
            octets += n;
            size -= (size_t)n;
        }
    }
}

static void send_pdu(struct talk *talk, const cmrp_pdu *pdu) {
    uint8_t octets[TALK_FRAGMENT];
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_writer_init(&writer, octets, sizeof octets, &error, "C706 12.6");
    if (!cmrp_pdu_encode(pdu, &writer)) {
        talk_fail("a PDU cannot be encoded");
    }
    send_all(talk->fd, octets, writer.size);
}

bool talk_pending(const struct talk *talk) {
    const size_t have = talk->end - talk->start;
    return have >= CMRP_PDU_HEADER_SIZE &&
           have >= cmrp_load_u16(talk->in + talk->start + 8, CMRP_LITTLE_ENDIAN);
}

// The next PDU, valid until the next call.
static void read_pdu(struct talk *talk, cmrp_pdu *pdu) {
    for (;;) {
        const cmrp_view have = {talk->in + talk->start, talk->end - talk->start};
        cmrp_error error = {0};
        if (have.size >= CMRP_PDU_HEADER_SIZE) {
            const size_t length = cmrp_load_u16(have.data + 8, CMRP_LITTLE_ENDIAN);
            if (have.size >= length) {
                if (!cmrp_pdu_decode((cmrp_view){have.data, length}, 0, pdu, NULL, NULL, &error)) {
                    talk_fail("the server's PDU cannot be decoded");
                }
                talk->start += length;
                return;
            }
        }
        memmove(talk->in, have.data, have.size);
        talk->start = 0;
        talk->end = have.size;
        const ssize_t n = recv(talk->fd, talk->in + talk->end, ROOM - talk->end, 0);
        if (n <= 0 && errno != EINTR) {
            talk_fail("the server closed the connection");
        }
        talk->end += n > 0 ? (size_t)n : 0;
    }
}

static cmrp_pdu_header header(uint8_t ptype, uint8_t flags, uint32_t call_id) {
    return (cmrp_pdu_header){.ptype = ptype,
                             .flags = flags,
                             .drep = {0x10},
                             .call_id = call_id,
                             .order = CMRP_LITTLE_ENDIAN};
}

void talk_open(struct talk *talk, uint16_t port, uint32_t group) {
    const cmrp_syntax_id ndr = {.uuid = cmrp_uuid_ndr20, .version = 2};
    const cmrp_pdu_context context = {
        .abstract_syntax = {.uuid = cmrp_uuid_clusapi, .version = CMRP_INTERFACE_3},
        .transfer_count = 1,
        .transfers = &ndr};
    const uint8_t flags = CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG | CMRP_PFC_CONC_MPX;
    const cmrp_pdu bind = {.header = header(CMRP_PTYPE_BIND, flags, 1),
                           .max_xmit_frag = TALK_FRAGMENT,
                           .max_recv_frag = TALK_FRAGMENT,
                           .assoc_group_id = group,
                           .list_count = 1,
                           .contexts = &context};
    cmrp_pdu answer;
    cmrp_pdu_result result;
    size_t cursor = 0;
    *talk = (struct talk){.fd = talk_connect(port), .call_id = 1, .in = malloc(ROOM)};
    if (talk->in == NULL) {
        talk_fail("no memory");
    }
    send_pdu(talk, &bind);
    read_pdu(talk, &answer);
    if (answer.header.ptype != CMRP_PTYPE_BIND_ACK ||
        !cmrp_pdu_next_result(&answer, &cursor, &result) ||
        result.result != CMRP_RESULT_ACCEPTANCE) {
        talk_fail("the server does not accept the bind");
    }
    talk->group = answer.assoc_group_id;
    talk->largest =
        answer.max_recv_frag < TALK_FRAGMENT ? answer.max_recv_frag : (uint16_t)TALK_FRAGMENT;
}

void talk_close(struct talk *talk) {
    close(talk->fd);
    free(talk->in);
    free(talk->joined);
}

static const cmrp_method *method_of(const char *name) {
    const cmrp_method *method = cmrp_method_named(CMRP_INTERFACE_3, name);
    if (method == NULL) {
        talk_fail("no method %s", name);
    }
    return method;
}

static cmrp_stub_format format_of(const char *name, bool response) {
    return (cmrp_stub_format){method_of(name), CMRP_INTERFACE_3, response, CMRP_NDR20,
                              CMRP_LITTLE_ENDIAN};
}

size_t talk_stub(const char *method, const cmrp_slot *slots, uint8_t *stub, size_t room) {
    const cmrp_stub_format format = format_of(method, false);
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_writer_init(&writer, stub, room, &error, "");
    if (!cmrp_stub_encode(&format, slots, &writer)) {
        talk_fail("%s: the request cannot be encoded", method);
    }
    return writer.size;
}

void talk_decode(const char *method, cmrp_view stub, cmrp_slot *out) {
    const cmrp_stub_format format = format_of(method, true);
    cmrp_error error = {0};
    if (!cmrp_stub_decode(&format, stub, 0, out, NULL, NULL, &error)) {
        talk_fail("%s: the response cannot be decoded", method);
    }
}

uint32_t talk_index(const char *method, const char *parameter) {
    const cmrp_method *m = method_of(method);
    for (uint32_t i = 0; i < m->count; i++) {
        if (strcmp(m->params[i].name, parameter) == 0) {
            return i;
        }
    }
    talk_fail("%s has no parameter %s", method, parameter);
}

unsigned talk_opnum(const char *method) {
    return method_of(method)->opnum;
}

cmrp_slot talk_number(uint64_t value) {
    return (cmrp_slot){.present = true, .value = value};
}

cmrp_slot talk_handle(const uint8_t octets[CMRP_HANDLE_SIZE]) {
    cmrp_slot slot = {.present = true};
    memcpy(slot.handle, octets, CMRP_HANDLE_SIZE);
    return slot;
}

uint32_t talk_send(struct talk *talk, unsigned opnum, cmrp_view stub) {
    const size_t most = talk->largest - (size_t)TALK_REQUEST_HEADER;
    size_t at = 0;
    talk->call_id++;
    do {
        const size_t n = stub.size - at < most ? stub.size - at : most;
        const unsigned flags =
            (at == 0 ? CMRP_PFC_FIRST_FRAG : 0u) | (at + n == stub.size ? CMRP_PFC_LAST_FRAG : 0u);
        const cmrp_pdu pdu = {.header = header(CMRP_PTYPE_REQUEST, (uint8_t)flags, talk->call_id),
                              .alloc_hint = (uint32_t)(stub.size - at),
                              .opnum = (uint16_t)opnum,
                              .stub = {n > 0 ? stub.data + at : NULL, n}};
        send_pdu(talk, &pdu);
        at += n;
    } while (at < stub.size);
    return talk->call_id;
}

static void join(struct talk *talk, cmrp_view piece) {
    if (talk->joined_size + piece.size > talk->joined_room) {
        talk->joined_room = 2 * (talk->joined_size + piece.size);
        talk->joined = realloc(talk->joined, talk->joined_room);
        if (talk->joined == NULL) {
            talk_fail("no memory");
        }
    }
    memcpy(talk->joined + talk->joined_size, piece.data, piece.size);
    talk->joined_size += piece.size;
}

struct talk_answer talk_receive(struct talk *talk) {
    cmrp_pdu pdu;
    talk->joined_size = 0;
    do {
        read_pdu(talk, &pdu);
        if (pdu.header.ptype != CMRP_PTYPE_RESPONSE) {
            talk_fail("call %u: PDU of type %u, status 0x%08x", pdu.header.call_id,
                      pdu.header.ptype, pdu.status);
        }
        if (pdu.header.flags == (CMRP_PFC_FIRST_FRAG | CMRP_PFC_LAST_FRAG)) {
            return (struct talk_answer){pdu.header.call_id, pdu.stub};
        }
        join(talk, pdu.stub);
    } while ((pdu.header.flags & CMRP_PFC_LAST_FRAG) == 0);
    return (struct talk_answer){pdu.header.call_id, {talk->joined, talk->joined_size}};
}

void talk_call(struct talk *talk, const char *method, const cmrp_slot *in, cmrp_slot *out) {
    static uint8_t stub[STUB_ROOM];
    const cmrp_method *m = method_of(method);
    const size_t size = talk_stub(method, in, stub, sizeof stub);
    const uint32_t number = talk_send(talk, m->opnum, (cmrp_view){stub, size});
    const struct talk_answer answer = talk_receive(talk);
    if (answer.call_id != number) {
        talk_fail("%s: an answer to call %u instead of %u", method, answer.call_id, number);
    }
    talk_decode(method, answer.stub, out);
    for (uint32_t i = 0; i < m->count; i++) {
        const cmrp_param *param = &m->params[i];
        if (param->meaning == CMRP_MEANS_STATUS && out[i].present && out[i].value != 0) {
            talk_fail("%s: %s %llu", method, param->name, (unsigned long long)out[i].value);
        }
    }
}
