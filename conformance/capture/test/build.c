// SPDX-License-Identifier: Apache-2.0

#include "build.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static void require(bool condition) {
    if (!condition)
        abort();
}

uint8_t *packet_data(struct packet *packet) {
    return packet->octets + packet->start;
}

size_t packet_size(const struct packet *packet) {
    return packet->end - packet->start;
}

void packet_payload(struct packet *packet, const void *data, size_t size) {
    require(size <= PACKET_MAX - PACKET_ROOM);
    packet->start = PACKET_ROOM;
    packet->end = PACKET_ROOM + size;
    packet->options = 0;
    if (size > 0)
        memcpy(packet->octets + PACKET_ROOM, data, size);
}

uint8_t *packet_push(struct packet *packet, size_t size) {
    require(size <= packet->start);
    packet->start -= size;
    memset(packet_data(packet), 0, size);
    return packet_data(packet);
}

void packet_tcp_options(struct packet *packet, size_t size) {
    memset(packet_push(packet, size), 1, size);
    packet->options = size;
}

void packet_tcp(struct packet *packet, uint16_t source, uint16_t target, uint32_t seq, uint32_t ack,
                uint8_t flags) {
    uint8_t *at = packet_push(packet, 20);

    put16(at, source);
    put16(at + 2, target);
    put32(at + 4, seq);
    put32(at + 8, ack);
    at[12] = (uint8_t)((20 + packet->options) / 4 << 4);
    at[13] = flags;
    put16(at + 14, 65535);
    packet->options = 0;
}

void packet_udp(struct packet *packet, uint16_t source, uint16_t target) {
    size_t length = packet_size(packet) + 8;
    uint8_t *at = packet_push(packet, 8);

    put16(at, source);
    put16(at + 2, target);
    put16(at + 4, (uint32_t)length);
}

void packet_ipv4(struct packet *packet, uint8_t source, uint8_t target, uint8_t protocol,
                 size_t options) {
    size_t total = packet_size(packet) + 20 + options;
    memset(packet_push(packet, options), 1, options);
    uint8_t *at = packet_push(packet, 20);

    at[0] = (uint8_t)(0x40 | (20 + options) / 4);
    put16(at + 2, (uint32_t)total);
    at[8] = 64;
    at[9] = protocol;
    put32(at + 12, 0x0a000000u | source);
    put32(at + 16, 0x0a000000u | target);
}

void packet_ipv4_fragment(struct packet *packet, uint8_t source, uint8_t target, uint8_t protocol,
                          uint16_t id, size_t offset, bool more) {
    packet_ipv4(packet, source, target, protocol, 0);
    uint8_t *at = packet_data(packet);
    put16(at + 4, id);
    put16(at + 6, (uint32_t)(offset / 8) | (more ? 0x2000u : 0));
}

static void put_address6(uint8_t *at, uint8_t last) {
    put32(at, 0x20010db8);
    at[15] = last;
}

void packet_ipv6(struct packet *packet, uint8_t source, uint8_t target, uint8_t next) {
    size_t length = packet_size(packet);
    uint8_t *at = packet_push(packet, 40);

    at[0] = 0x60;
    put16(at + 4, (uint32_t)length);
    at[6] = next;
    at[7] = 64;
    put_address6(at + 8, source);
    put_address6(at + 24, target);
}

void packet_extension(struct packet *packet, uint8_t kind, uint8_t next, size_t size) {
    uint8_t *at = packet_push(packet, size);

    at[0] = next;
    at[1] = (uint8_t)(kind == NEXT_AH ? size / 4 - 2 : size / 8 - 1);
}

void packet_ipv6_fragment(struct packet *packet, uint8_t next, uint32_t id, size_t offset,
                          bool more) {
    uint8_t *at = packet_push(packet, 8);

    at[0] = next;
    put16(at + 2, (uint32_t)offset | (more ? 1 : 0));
    put32(at + 4, id);
}

void packet_vlan(struct packet *packet, uint16_t tag, uint16_t type) {
    uint8_t *at = packet_push(packet, 4);

    put16(at, tag);
    put16(at + 2, type);
}

void packet_ethernet(struct packet *packet, uint16_t type) {
    put16(packet_push(packet, 14) + 12, type);
}

void packet_cooked(struct packet *packet, uint16_t type) {
    put16(packet_push(packet, 16) + 14, type);
}

void packet_cooked2(struct packet *packet, uint16_t type) {
    put16(packet_push(packet, 20), type);
}

void packet_loopback(struct packet *packet, uint32_t family, bool big_endian) {
    uint8_t *at = packet_push(packet, 4);

    for (size_t i = 0; i < 4; i++)
        at[big_endian ? 3 - i : i] = (uint8_t)(family >> (8 * i));
}

void file_raw(struct file *file, const void *data, size_t size) {
    if (file->size + size > file->room) {
        file->room = (file->size + size) * 2;
        file->data = realloc(file->data, file->room);
        require(file->data != NULL);
    }
    if (size > 0)
        memcpy(file->data + file->size, data, size);
    file->size += size;
}

static void file_number(struct file *file, uint32_t value, size_t octets) {
    uint8_t at[4];

    for (size_t i = 0; i < octets; i++)
        at[file->big_endian ? octets - 1 - i : i] = (uint8_t)(value >> (8 * i));
    file_raw(file, at, octets);
}

void file_interface(struct file *file, uint32_t link) {
    uint32_t length = file->nanoseconds ? 32 : 20;

    file_number(file, 1, 4);
    file_number(file, length, 4);
    file_number(file, link, 2);
    file_number(file, 0, 2);
    file_number(file, 262144, 4);
    if (file->nanoseconds) {
        file_number(file, 9, 2); // if_tsresol, one octet
        file_number(file, 1, 2);
        file_raw(file, "\x09\0\0\0", 4);
        file_number(file, 0, 4); // end of options
    }
    file_number(file, length, 4);
}

void file_start(struct file *file, uint32_t link) {
    if (file->next_generation) {
        file_number(file, 0x0a0d0d0a, 4);
        file_number(file, 28, 4);
        file_number(file, 0x1a2b3c4d, 4);
        file_number(file, 1, 2);
        file_number(file, 0, 2);
        file_number(file, 0xffffffff, 4);
        file_number(file, 0xffffffff, 4);
        file_number(file, 28, 4);
        file_interface(file, link);
        return;
    }
    file_number(file, file->nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, 4);
    file_number(file, 2, 2);
    file_number(file, 4, 2);
    file_number(file, 0, 4);
    file_number(file, 0, 4);
    file_number(file, 262144, 4);
    file_number(file, link, 4);
}

static void file_packet_block(struct file *file, const uint8_t *data, size_t captured,
                              size_t length, uint32_t index) {
    size_t pad = (4 - captured % 4) % 4;
    uint32_t block = (uint32_t)(32 + captured + pad);
    uint64_t seconds = UINT64_C(1700000000) + index;
    uint64_t time = seconds * (file->nanoseconds ? 1000000000u : 1000000u) + 123456;

    file_number(file, 6, 4);
    file_number(file, block, 4);
    file_number(file, 0, 4);
    file_number(file, (uint32_t)(time >> 32), 4);
    file_number(file, (uint32_t)time, 4);
    file_number(file, (uint32_t)captured, 4);
    file_number(file, (uint32_t)length, 4);
    file_raw(file, data, captured);
    file_raw(file, "\0\0\0", pad);
    file_number(file, block, 4);
}

void file_packet(struct file *file, const uint8_t *data, size_t captured, size_t length,
                 uint32_t index) {
    if (file->next_generation) {
        file_packet_block(file, data, captured, length, index);
        return;
    }
    file_number(file, 1700000000u + index, 4);
    file_number(file, 123456, 4);
    file_number(file, (uint32_t)captured, 4);
    file_number(file, (uint32_t)length, 4);
    file_raw(file, data, captured);
}

void file_compress(struct file *file) {
    z_stream zlib = {0};
    size_t room = file->size + file->size / 100 + 128;
    uint8_t *data = malloc(room);

    require(data != NULL);
    require(deflateInit2(&zlib, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    zlib.next_in = file->data;
    zlib.avail_in = (uInt)file->size;
    zlib.next_out = data;
    zlib.avail_out = (uInt)room;
    require(deflate(&zlib, Z_FINISH) == Z_STREAM_END);
    free(file->data);
    file->data = data;
    file->size = zlib.total_out;
    file->room = room;
    deflateEnd(&zlib);
}

void file_free(struct file *file) {
    free(file->data);
    file->data = NULL;
    file->size = 0;
    file->room = 0;
}
