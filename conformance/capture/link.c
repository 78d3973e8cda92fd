// SPDX-License-Identifier: Apache-2.0

#include "capture/state.h"

#include <pcap/dlt.h>

enum {
    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_IPV6 = 0x86dd,
    ETHERTYPE_VLAN = 0x8100,         // 802.1Q
    ETHERTYPE_SERVICE_VLAN = 0x88a8, // 802.1ad
    ETHERTYPE_OLD_QINQ = 0x9100,     // before 802.1ad, still configured
    ETHERNET_HEADER = 14,
    VLAN_TAG = 4,
    SLL_HEADER = 16,
    SLL2_HEADER = 20,
    FAMILY_HEADER = 4,
};

struct frame {
    struct capture *capture;
    const uint8_t *data;
    size_t captured;
    size_t length;
    const struct capture_stamp *stamp;
};

static bool skip(struct frame *frame, size_t octets) {
    if (frame->captured < octets) {
        if (frame->length < octets)
            capture_malformed(frame->capture, frame->stamp, "shorter than its link-layer header");
        else
            frame->capture->stats.headless++;
        return false;
    }
    frame->data += octets;
    frame->captured -= octets;
    frame->length -= octets;
    return true;
}

static void pass_on(struct frame *frame, int version) {
    capture_ip_input(frame->capture, version, frame->data, frame->captured, frame->length,
                     frame->stamp);
}

static void ethertype_input(struct frame *frame, uint16_t type) {
    while (type == ETHERTYPE_VLAN || type == ETHERTYPE_SERVICE_VLAN || type == ETHERTYPE_OLD_QINQ) {
        if (!skip(frame, VLAN_TAG))
            return;
        type = capture_u16(frame->data - 2);
    }
    if (type == ETHERTYPE_IPV4)
        pass_on(frame, 4);
    else if (type == ETHERTYPE_IPV6)
        pass_on(frame, 6);
    else
        frame->capture->stats.other_network++;
}

static void ethernet_input(struct frame *frame) {
    if (skip(frame, ETHERNET_HEADER))
        ethertype_input(frame, capture_u16(frame->data - 2));
}

static void cooked_input(struct frame *frame) {
    if (skip(frame, SLL_HEADER))
        ethertype_input(frame, capture_u16(frame->data - 2));
}

static void cooked2_input(struct frame *frame) {
    if (skip(frame, SLL2_HEADER))
        ethertype_input(frame, capture_u16(frame->data - SLL2_HEADER));
}

// The header is an address family in the byte order of the capturing host (NULL) or of the network
// (LOOP). AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 24, 28 and 30 on the BSDs and macOS.
static void loopback_input(struct frame *frame) {
    if (!skip(frame, FAMILY_HEADER))
        return;
    const uint8_t *head = frame->data - FAMILY_HEADER;
    uint32_t family = capture_u32(head);
    if ((family & 0xffff) == 0)
        family = (uint32_t)head[1] << 8 | head[0];
    switch (family) {
    case 2: pass_on(frame, 4); break;
    case 10:
    case 24:
    case 28:
    case 30: pass_on(frame, 6); break;
    default: frame->capture->stats.other_network++;
    }
}

bool capture_link_supported(int link) {
    switch (link) {
    case DLT_NULL:
    case DLT_EN10MB:
    case DLT_RAW:
    case DLT_LOOP:
    case DLT_LINUX_SLL:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_LINUX_SLL2: return true;
    default: return false;
    }
}

static void count_packet(const struct frame *frame) {
    struct capture *capture = frame->capture;

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
    struct frame frame = {capture, data, captured, length < captured ? captured : length, stamp};

    if (!capture_link_supported(link))
        return false;
    count_packet(&frame);
    switch (link) {
    case DLT_EN10MB: ethernet_input(&frame); break;
    case DLT_LINUX_SLL: cooked_input(&frame); break;
    case DLT_LINUX_SLL2: cooked2_input(&frame); break;
    case DLT_NULL:
    case DLT_LOOP: loopback_input(&frame); break;
    case DLT_IPV4: pass_on(&frame, 4); break;
    case DLT_IPV6: pass_on(&frame, 6); break;
    default: pass_on(&frame, 0);
    }
    return true;
}
