// SPDX-License-Identifier: Apache-2.0
//
// Link layers, and what an EtherType says of the content: tags, labels and PPP on the way to IP.

#include "capture/state.h"

#include <pcap/dlt.h>

enum {
    TYPE_IPV4 = 0x0800,
    TYPE_IPV6 = 0x86dd,
    PPP_IPV4 = 0x0021,
    PPP_IPV6 = 0x0057,
    PPP_MPLS = 0x0281,
    ETHERNET_HEADER = 14,
    SLL_HEADER = 16,
    SLL2_HEADER = 20,
    FAMILY_HEADER = 4,
    PPPOE_HEADER = 6,
    PPPOE_SESSION = 0,
    LABEL = 4,
    CONTROL_WORD = 4,
};

bool capture_frame_skip(struct capture *capture, struct capture_frame *frame, size_t octets) {
    if (frame->captured < octets) {
        if (frame->length < octets)
            capture_malformed(capture, frame->stamp, "shorter than its link-layer header");
        else
            capture->stats.headless++;
        return false;
    }
    frame->data += octets;
    frame->captured -= octets;
    frame->length -= octets;
    return true;
}

// ---- EtherTypes ---------------------------------------------------------------------------------

enum content { IPV4, IPV6, TAG, MPLS, PPPOE, ETHERNET };

// Of a TAG, the last two of `octets` are the EtherType of what follows.
static const struct {
    uint16_t type;
    uint8_t content;
    uint8_t octets; // before the content
} ethertypes[] = {
    {TYPE_IPV4, IPV4, 0},  {TYPE_IPV6, IPV6, 0}, {0x8100, TAG, 4}, // 802.1Q
    {0x88a8, TAG, 4},                                              // 802.1ad
    {0x9100, TAG, 4},      // QinQ before 802.1ad, still configured
    {0x9200, TAG, 4},      // the same
    {0x8926, TAG, 6},      // VN-Tag
    {0x893f, TAG, 8},      // 802.1BR E-Tag
    {0x8909, TAG, 8},      // Cisco MetaData
    {0x8847, MPLS, 0},     // RFC 5332
    {0x8848, MPLS, 0},     // with an upstream-assigned label, or once multicast
    {0x8864, PPPOE, 0},    // the session stage, RFC 2516
    {0x6558, ETHERNET, 0}, // transparent bridging, in GRE and Geneve
};

static void ppp_input(struct capture *capture, struct capture_frame *frame, uint16_t protocol);
static void mpls_input(struct capture *capture, struct capture_frame *frame);

static void pppoe_input(struct capture *capture, struct capture_frame *frame) {
    if (!capture_frame_skip(capture, frame, PPPOE_HEADER))
        return;
    uint8_t code = frame->data[1 - PPPOE_HEADER];
    if (code != PPPOE_SESSION)
        capture->stats.other_network++;
    else if (capture_frame_skip(capture, frame, 2))
        ppp_input(capture, frame, capture_u16(frame->data - 2));
}

void capture_ethertype_input(struct capture *capture, struct capture_frame *frame, uint16_t type) {
    for (size_t i = 0; i < sizeof ethertypes / sizeof ethertypes[0]; i++) {
        if (ethertypes[i].type != type)
            continue;
        if (!capture_frame_skip(capture, frame, ethertypes[i].octets))
            return;
        switch (ethertypes[i].content) {
        case IPV4: capture_ip_input(capture, 4, frame); return;
        case IPV6: capture_ip_input(capture, 6, frame); return;
        case MPLS: mpls_input(capture, frame); return;
        case PPPOE: pppoe_input(capture, frame); return;
        case ETHERNET: capture_ethernet_input(capture, frame); return;
        default: // TAG: once more from the first row
            type = capture_u16(frame->data - 2);
            i = SIZE_MAX;
        }
    }
    capture->stats.other_network++;
}

void capture_ethernet_input(struct capture *capture, struct capture_frame *frame) {
    if (capture_frame_skip(capture, frame, ETHERNET_HEADER))
        capture_ethertype_input(capture, frame, capture_u16(frame->data - 2));
}

// Labels do not say what they carry; as routers do, it is told by the first half octet.
static void mpls_input(struct capture *capture, struct capture_frame *frame) {
    do {
        if (!capture_frame_skip(capture, frame, LABEL))
            return;
    } while ((frame->data[-2] & 1) == 0);                  // the bottom of the stack
    if (frame->captured > 0 && frame->data[0] >> 4 == 0) { // an Ethernet pseudowire, RFC 4448
        if (capture_frame_skip(capture, frame, CONTROL_WORD))
            capture_ethernet_input(capture, frame);
    } else if (frame->captured > 0 && frame->data[0] >> 4 != 4 && frame->data[0] >> 4 != 6) {
        capture->stats.other_network++;
    } else {
        capture_ip_input(capture, 0, frame);
    }
}

static void ppp_input(struct capture *capture, struct capture_frame *frame, uint16_t protocol) {
    switch (protocol) {
    case PPP_IPV4: capture_ip_input(capture, 4, frame); break;
    case PPP_IPV6: capture_ip_input(capture, 6, frame); break;
    case PPP_MPLS: mpls_input(capture, frame); break;
    default: capture->stats.other_network++;
    }
}

// ---- link types ---------------------------------------------------------------------------------

static void cooked_input(struct capture *capture, struct capture_frame *frame) {
    if (capture_frame_skip(capture, frame, SLL_HEADER))
        capture_ethertype_input(capture, frame, capture_u16(frame->data - 2));
}

static void cooked2_input(struct capture *capture, struct capture_frame *frame) {
    if (capture_frame_skip(capture, frame, SLL2_HEADER))
        capture_ethertype_input(capture, frame, capture_u16(frame->data - SLL2_HEADER));
}

// The header is an address family in the byte order of the capturing host (NULL) or of the network
// (LOOP). AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 24, 28 and 30 on the BSDs and macOS.
static void loopback_input(struct capture *capture, struct capture_frame *frame) {
    if (!capture_frame_skip(capture, frame, FAMILY_HEADER))
        return;
    const uint8_t *head = frame->data - FAMILY_HEADER;
    uint32_t family = capture_u32(head);
    if ((family & 0xffff) == 0)
        family = (uint32_t)head[1] << 8 | head[0];
    switch (family) {
    case 2: capture_ip_input(capture, 4, frame); break;
    case 10:
    case 24:
    case 28:
    case 30: capture_ip_input(capture, 6, frame); break;
    default: capture->stats.other_network++;
    }
}

// With or without the address and control octets of HDLC.
static void ppp_link_input(struct capture *capture, struct capture_frame *frame) {
    if (frame->captured >= 2 && capture_u16(frame->data) == 0xff03 &&
        !capture_frame_skip(capture, frame, 2))
        return;
    if (capture_frame_skip(capture, frame, 2))
        ppp_input(capture, frame, capture_u16(frame->data - 2));
}

static void raw_input(struct capture *capture, struct capture_frame *frame) {
    capture_ip_input(capture, 0, frame);
}

static void ipv4_link_input(struct capture *capture, struct capture_frame *frame) {
    capture_ip_input(capture, 4, frame);
}

static void ipv6_link_input(struct capture *capture, struct capture_frame *frame) {
    capture_ip_input(capture, 6, frame);
}

typedef void link_input(struct capture *capture, struct capture_frame *frame);

static const struct {
    int link;
    link_input *input;
} links[] = {
    {DLT_EN10MB, capture_ethernet_input},
    {DLT_LINUX_SLL, cooked_input},
    {DLT_LINUX_SLL2, cooked2_input},
    {DLT_RAW, raw_input},
    {DLT_NULL, loopback_input},
    {DLT_LOOP, loopback_input},
    {DLT_IPV4, ipv4_link_input},
    {DLT_IPV6, ipv6_link_input},
    {DLT_PPP, ppp_link_input},
    {DLT_PPP_SERIAL, ppp_link_input},
    {DLT_PPP_ETHER, pppoe_input},
    {DLT_MPLS, mpls_input},
};

static link_input *find_link(int link) {
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        if (links[i].link == link)
            return links[i].input;
    return NULL;
}

bool capture_link_supported(int link) {
    return find_link(link) != NULL;
}

static void count_packet(struct capture *capture, const struct capture_frame *frame) {
    capture->stats.packets++;
    capture->stats.octets += frame->captured;
    if (frame->captured < frame->length) {
        capture->stats.cut_packets++;
        capture_say(capture, CAPTURE_NOTE_SNAPSHOT, NULL, frame->stamp,
                    "packet of %zu octets cut off after %zu by the snapshot length", frame->length,
                    frame->captured);
    }
}

bool capture_packet(struct capture *capture, int link, const uint8_t *data, size_t captured,
                    size_t length, const struct capture_stamp *stamp) {
    struct capture_frame frame = {data, captured, length < captured ? captured : length, stamp};
    link_input *input = find_link(link);

    if (!input)
        return false;
    count_packet(capture, &frame);
    if (capture->early)
        capture_early_expire(capture, stamp);
    capture->depth = 0;
    input(capture, &frame);
    return true;
}
