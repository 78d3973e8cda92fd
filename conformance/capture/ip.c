// SPDX-License-Identifier: Apache-2.0

#include "capture/state.h"

#include <netinet/in.h>

enum {
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    UDP_HEADER = 8,
    // A length of 0 means "as long as the packet", left by segmentation offload; beyond this it is
    // no packet that any interface sends.
    OFFLOADED_MAX = 1 << 20,
};

// Sets `ip` to the content after a header of `header` octets of a packet of `total` octets.
static void set_content(struct capture_ip *ip, const uint8_t *data, size_t captured, size_t header,
                        size_t total) {
    size_t have = captured < total ? captured : total;

    ip->data = data + header;
    ip->size = have - header;
    ip->span = total - header;
}

static void udp_input(struct capture *capture, const struct capture_ip *ip) {
    struct capture_ip content = *ip;

    if (ip->size < UDP_HEADER) {
        if (ip->span < UDP_HEADER)
            capture_malformed(capture, ip->stamp, "shorter than a UDP header");
        else
            capture->stats.headless++;
        return;
    }
    size_t length = capture_u16(ip->data + 4);
    if (length == 0)
        length = ip->span;
    if (length < UDP_HEADER || length > ip->span) {
        capture_malformed(capture, ip->stamp, "wrong UDP length");
        return;
    }
    set_content(&content, ip->data, ip->size, UDP_HEADER, length);
    if (capture_tunnel_udp(capture, capture_u16(ip->data + 2), &content))
        return;
    capture->stats.datagrams++;
    if (!capture->handler.datagram)
        return;
    struct capture_datagram datagram = {
        .data = content.data,
        .size = content.size,
        .missing = content.span - content.size,
    };
    capture_endpoint_set(&datagram.source, ip->family, ip->source, capture_u16(ip->data));
    capture_endpoint_set(&datagram.target, ip->family, ip->target, capture_u16(ip->data + 2));
    capture->handler.datagram(capture->handler.ctx, &datagram, ip->stamp);
}

static void transport_input(struct capture *capture, const struct capture_ip *ip) {
    if (ip->protocol == IPPROTO_TCP)
        capture_tcp_input(capture, ip);
    else if (ip->protocol == IPPROTO_UDP)
        udp_input(capture, ip);
    else if (capture_tunnel_protocol(ip->protocol))
        capture_tunnel_input(capture, ip);
    else
        capture->stats.other_transport++;
}

// Fragments that nobody will read should not displace others.
static bool fragments_wanted(uint8_t protocol) {
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || capture_tunnel_protocol(protocol);
}

static void ipv4_fragment_input(struct capture *capture, struct capture_ip *ip,
                                const uint8_t *header) {
    uint16_t place = capture_u16(header + 6);
    struct capture_fragment fragment = {
        .id = capture_u16(header + 4),
        .offset = (uint32_t)(place & 0x1fff) * 8,
        .more = (place & 0x2000) != 0,
    };

    capture->stats.fragments++;
    if (!fragments_wanted(ip->protocol)) {
        capture->stats.other_transport += fragment.offset == 0;
        return;
    }
    if (capture_fragment_add(capture, &fragment, ip))
        transport_input(capture, ip);
}

static void ipv4_input(struct capture *capture, const uint8_t *data, size_t captured, size_t length,
                       const struct capture_stamp *stamp) {
    if (captured < IPV4_HEADER) {
        if (length < IPV4_HEADER)
            capture_malformed(capture, stamp, "shorter than an IPv4 header");
        else
            capture->stats.headless++;
        return;
    }
    size_t header = (size_t)(data[0] & 0x0f) * 4;
    size_t total = capture_u16(data + 2);
    if (total == 0)
        total = length;
    if (header < IPV4_HEADER || total < header || total > OFFLOADED_MAX) {
        capture_malformed(capture, stamp, "wrong IPv4 length");
        return;
    }
    if (captured < header) {
        capture->stats.headless++;
        return;
    }
    struct capture_ip ip = {
        .family = 4,
        .protocol = data[9],
        .source = data + 12,
        .target = data + 16,
        .stamp = stamp,
    };
    set_content(&ip, data, captured, header, total);
    if ((capture_u16(data + 6) & 0x3fff) != 0)
        ipv4_fragment_input(capture, &ip, data);
    else
        transport_input(capture, &ip);
}

// Takes `octets` of extension header off the content.
static bool take_extension(struct capture *capture, struct capture_ip *ip, size_t octets) {
    if (ip->size < octets) {
        if (ip->span < octets)
            capture_malformed(capture, ip->stamp, "IPv6 extension header runs past the end");
        else
            capture->stats.headless++;
        return false;
    }
    ip->data += octets;
    ip->size -= octets;
    ip->span -= octets;
    return true;
}

// Returns true when `ip` is (again) a whole packet to go on with.
static bool ipv6_fragment_input(struct capture *capture, struct capture_ip *ip, bool *joined) {
    if (!take_extension(capture, ip, 8))
        return false;
    const uint8_t *header = ip->data - 8;
    uint16_t place = capture_u16(header + 2);
    struct capture_fragment fragment = {
        .id = capture_u32(header + 4),
        .offset = place & 0xfff8,
        .more = (place & 1) != 0,
    };

    ip->protocol = header[0];
    capture->stats.fragments++;
    if (fragment.offset == 0 && !fragment.more)
        return true; // an atomic fragment, RFC 6946
    if (*joined) {
        capture_malformed(capture, ip->stamp, "fragment within a fragmented datagram");
        return false;
    }
    if (ip->protocol == IPPROTO_ICMPV6) {
        capture->stats.other_transport += fragment.offset == 0;
        return false;
    }
    *joined = true;
    return capture_fragment_add(capture, &fragment, ip);
}

static void ipv6_content(struct capture *capture, struct capture_ip *ip) {
    bool joined = false;

    for (;;) {
        size_t unit = 8, extra = 1;
        switch (ip->protocol) {
        case IPPROTO_FRAGMENT:
            if (!ipv6_fragment_input(capture, ip, &joined))
                return;
            continue;
        case IPPROTO_AH:
            unit = 4;
            extra = 2;
            break;
        case IPPROTO_HOPOPTS:
        case IPPROTO_ROUTING:
        case IPPROTO_DSTOPTS: break;
        default: transport_input(capture, ip); return;
        }
        if (!take_extension(capture, ip, 2))
            return;
        uint8_t next = ip->data[-2];
        if (!take_extension(capture, ip, (ip->data[-1] + extra) * unit - 2))
            return;
        ip->protocol = next;
    }
}

static void ipv6_input(struct capture *capture, const uint8_t *data, size_t captured, size_t length,
                       const struct capture_stamp *stamp) {
    if (captured < IPV6_HEADER) {
        if (length < IPV6_HEADER)
            capture_malformed(capture, stamp, "shorter than an IPv6 header");
        else
            capture->stats.headless++;
        return;
    }
    size_t total = (size_t)capture_u16(data + 4) + IPV6_HEADER;
    if (total == IPV6_HEADER)
        total = length;
    if (total > OFFLOADED_MAX) {
        capture_malformed(capture, stamp, "wrong IPv6 length");
        return;
    }
    struct capture_ip ip = {
        .family = 6,
        .protocol = data[6],
        .source = data + 8,
        .target = data + 24,
        .stamp = stamp,
    };
    set_content(&ip, data, captured, IPV6_HEADER, total);
    ipv6_content(capture, &ip);
}

void capture_ip_input(struct capture *capture, int version, const struct capture_frame *frame) {
    const struct capture_stamp *stamp = frame->stamp;

    if (frame->captured == 0) {
        if (frame->length == 0)
            capture_malformed(capture, stamp, "no IP header");
        else
            capture->stats.headless++;
        return;
    }
    int found = frame->data[0] >> 4;
    if ((version != 0 && found != version) || (found != 4 && found != 6))
        capture_malformed(capture, stamp, "IP version does not match");
    else if (found == 4)
        ipv4_input(capture, frame->data, frame->captured, frame->length, stamp);
    else
        ipv6_input(capture, frame->data, frame->captured, frame->length, stamp);
}
