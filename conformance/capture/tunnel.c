// SPDX-License-Identifier: Apache-2.0
//
// Packets within packets: IP in IP, GRE (with ERSPAN, what switches mirror), VXLAN and Geneve.

#include "capture/state.h"

#include <netinet/in.h>

enum {
    DEPTH_MAX = 8, // a real network nests two or three

    GRE_HEADER = 4,
    GRE_CHECKSUM = 0x80, // in the first octet
    GRE_ROUTING = 0x40,  // of RFC 1701; what follows has no fixed size
    GRE_KEY = 0x20,
    GRE_SEQUENCE = 0x10,
    GRE_FIELD = 4, // of each of these
    GRE_VERSION = 0x07,
    ERSPAN = 0x88be, // types I and II
    ERSPAN_II_HEADER = 8,
    ERSPAN_III = 0x22eb,
    ERSPAN_III_HEADER = 12,
    ERSPAN_III_MORE = 8, // with the lowest bit of its last octet

    VXLAN_PORT = 4789,     // RFC 7348
    VXLAN_OLD_PORT = 8472, // what Linux used before
    VXLAN_HEADER = 8,
    VXLAN_VALID = 0x08,
    GENEVE_PORT = 6081, // RFC 8926
    GENEVE_HEADER = 8,
};

static bool enter(struct capture *capture, const struct capture_stamp *stamp) {
    if (capture->depth == DEPTH_MAX) {
        capture->stats.too_deep++;
        capture_say(capture, CAPTURE_NOTE_TOO_DEEP, NULL, stamp,
                    "packet not read: more than %d tunnels in each other", DEPTH_MAX);
        return false;
    }
    capture->depth++;
    return true;
}

static struct capture_frame frame_of(const struct capture_ip *ip) {
    return (struct capture_frame){ip->data, ip->size, ip->span, ip->stamp};
}

static void ethernet_after(struct capture *capture, struct capture_frame *frame, size_t header) {
    if (capture_frame_skip(capture, frame, header))
        capture_ethernet_input(capture, frame);
}

static void erspan_iii_input(struct capture *capture, struct capture_frame *frame) {
    if (!capture_frame_skip(capture, frame, ERSPAN_III_HEADER))
        return;
    ethernet_after(capture, frame, (frame->data[-1] & 1) != 0 ? ERSPAN_III_MORE : 0);
}

static void gre_input(struct capture *capture, struct capture_frame *frame) {
    if (!capture_frame_skip(capture, frame, GRE_HEADER))
        return;
    const uint8_t *header = frame->data - GRE_HEADER;
    uint16_t type = capture_u16(header + 2);
    bool sequence = (header[0] & GRE_SEQUENCE) != 0;
    size_t fields = sequence ? 1 : 0;
    fields += (header[0] & GRE_CHECKSUM) != 0;
    fields += (header[0] & GRE_KEY) != 0;
    if ((header[0] & GRE_ROUTING) != 0 || (header[1] & GRE_VERSION) != 0) { // 1 is PPTP
        capture->stats.other_network++;
        return;
    }
    if (!capture_frame_skip(capture, frame, fields * GRE_FIELD))
        return;
    if (type == ERSPAN) // type I has no header, and no sequence number
        ethernet_after(capture, frame, sequence ? ERSPAN_II_HEADER : 0);
    else if (type == ERSPAN_III)
        erspan_iii_input(capture, frame);
    else
        capture_ethertype_input(capture, frame, type);
}

bool capture_tunnel_protocol(uint8_t protocol) {
    return protocol == IPPROTO_IPIP || protocol == IPPROTO_IPV6 || protocol == IPPROTO_GRE;
}

void capture_tunnel_input(struct capture *capture, const struct capture_ip *ip) {
    struct capture_frame frame = frame_of(ip);

    if (!enter(capture, ip->stamp))
        return;
    capture->stats.tunnelled++;
    if (ip->protocol == IPPROTO_GRE)
        gre_input(capture, &frame);
    else
        capture_ip_input(capture, ip->protocol == IPPROTO_IPIP ? 4 : 6, &frame);
}

static void geneve_input(struct capture *capture, struct capture_frame *frame) {
    uint16_t type = capture_u16(frame->data + 2);
    size_t options = (size_t)(frame->data[0] & 0x3f) * 4;

    if (capture_frame_skip(capture, frame, GENEVE_HEADER + options))
        capture_ethertype_input(capture, frame, type);
}

bool capture_tunnel_udp(struct capture *capture, uint16_t port, const struct capture_ip *content) {
    struct capture_frame frame = frame_of(content);
    bool vxlan = (port == VXLAN_PORT || port == VXLAN_OLD_PORT) && content->size >= VXLAN_HEADER &&
                 (content->data[0] & VXLAN_VALID) != 0;
    bool geneve =
        port == GENEVE_PORT && content->size >= GENEVE_HEADER && content->data[0] >> 6 == 0;

    if (!vxlan && !geneve)
        return false;
    if (!enter(capture, content->stamp))
        return true;
    capture->stats.tunnelled++;
    if (vxlan)
        ethernet_after(capture, &frame, VXLAN_HEADER);
    else
        geneve_input(capture, &frame);
    return true;
}
