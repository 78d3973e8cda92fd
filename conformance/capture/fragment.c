// SPDX-License-Identifier: Apache-2.0
//
// IP fragments. A datagram under way is a buffer and a bit for every eight octets, so a fragment
// costs what it holds, in whatever order fragments come. One that is joined stays for a moment, so
// that copies of its fragments are known as such. Fragments that contradict those before them are
// of another datagram with the same identification, of which the earlier one lost a part.

#include "capture/state.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 8,
    DATAGRAM_MAX = 65535,
    BLOCKS_MAX = (DATAGRAM_MAX + BLOCK - 1) / BLOCK,
    CAPACITY_MIN = 2048,
    // Capture time for which a copy of a fragment belongs to the datagram that was joined. Copies
    // come at once; an identification comes again after 65,536 datagrams.
    COPY_SECONDS = 1,
};

struct capture_datagram_parts {
    struct capture_key key;
    UT_hash_handle hh;
    struct capture_datagram_parts *prev, *next;
    int64_t since;
    uint64_t packet; // stats.packets when it was joined
    uint8_t *data;
    uint32_t capacity;
    uint32_t end;   // the highest octet seen, plus one
    uint32_t total; // with has_total
    uint32_t blocks;
    bool has_total;
    bool done;
    uint8_t protocol; // of the first fragment
    uint8_t have[(BLOCKS_MAX + 7) / 8];
};

static uint32_t cost(const struct capture_datagram_parts *parts) {
    return (uint32_t)sizeof *parts + parts->capacity;
}

// Forgets a datagram: under way, it is given up.
static void forget(struct capture *capture, struct capture_datagram_parts *parts) {
    HASH_DEL(capture->parts, parts);
    if (parts->done)
        DL_DELETE(capture->parts_done, parts);
    else
        DL_DELETE(capture->parts_under, parts);
    capture->stats.datagrams_dropped += !parts->done;
    capture->parts_octets -= cost(parts);
    free(parts->data);
    free(parts);
}

// Whether the datagram was joined from this very packet, and is still being read.
static bool in_use(const struct capture *capture, const struct capture_datagram_parts *parts) {
    return parts->done && parts->packet == capture->stats.packets;
}

static void forget_old(struct capture *capture, int64_t now) {
    while (capture->parts_under &&
           capture_elapsed(now, capture->parts_under->since) > capture->limits.fragment_seconds)
        forget(capture, capture->parts_under);
    while (capture->parts_done && !in_use(capture, capture->parts_done) &&
           capture_elapsed(now, capture->parts_done->since) > COPY_SECONDS)
        forget(capture, capture->parts_done);
}

static void no_memory(struct capture *capture, const struct capture_stamp *stamp) {
    capture->stats.no_memory++;
    capture_say(capture, CAPTURE_NOTE_NO_MEMORY, NULL, stamp, "no memory for an IP fragment");
}

static void set_key(struct capture_key *key, const struct capture_fragment *fragment,
                    const struct capture_ip *ip) {
    size_t size = ip->family == 4 ? 4 : 16;

    memset(key, 0, sizeof *key);
    memcpy(&key->word[0], ip->source, size);
    memcpy(&key->word[4], ip->target, size);
    key->word[8] = fragment->id;
    // IPv6 tells datagrams apart by addresses and identification only (RFC 8200, 4.5).
    key->word[9] = ip->family == 4 ? UINT32_C(0x400) | ip->protocol : 0x600;
}

static struct capture_datagram_parts *add_parts(struct capture *capture,
                                                const struct capture_key *key, uint32_t hash,
                                                const struct capture_ip *ip) {
    struct capture_datagram_parts *parts = calloc(1, sizeof *parts);

    if (parts) {
        parts->key = *key;
        parts->since = ip->stamp->seconds;
        HASH_ADD_BYHASHVALUE(hh, capture->parts, key, sizeof *key, hash, parts);
    }
    if (!parts || !parts->hh.tbl) {
        no_memory(capture, ip->stamp);
        free(parts);
        return NULL;
    }
    DL_APPEND(capture->parts_under, parts);
    capture->parts_octets += cost(parts);
    return parts;
}

static bool grow(struct capture *capture, struct capture_datagram_parts *parts, uint32_t end) {
    uint32_t capacity = parts->capacity ? parts->capacity : CAPACITY_MIN;

    while (capacity < end)
        capacity *= 2;
    if (capacity == parts->capacity)
        return true;
    uint8_t *data = realloc(parts->data, capacity);
    if (!data)
        return false;
    capture->parts_octets += capacity - parts->capacity;
    parts->data = data;
    parts->capacity = capacity;
    return true;
}

static bool has_block(const struct capture_datagram_parts *parts, uint32_t block) {
    return (parts->have[block / 8] >> (block % 8) & 1) != 0;
}

enum meeting { NEW, OVERLAP, COPY, CONTRADICTION };

// How a fragment meets those before it.
static enum meeting meet(const struct capture_datagram_parts *parts,
                         const struct capture_fragment *fragment, const struct capture_ip *ip) {
    uint32_t size = (uint32_t)ip->size, end = fragment->offset + size;
    uint32_t common = 0;

    // Beyond the end, another end, or an end before what is there.
    if ((parts->has_total && (end > parts->total || (!fragment->more && end != parts->total))) ||
        (!fragment->more && end < parts->end))
        return CONTRADICTION;
    for (uint32_t at = 0; at < size; at += BLOCK) {
        uint32_t octets = size - at < BLOCK ? size - at : BLOCK;
        if (!has_block(parts, (fragment->offset + at) / BLOCK))
            continue;
        if (memcmp(parts->data + fragment->offset + at, ip->data + at, octets) != 0)
            return CONTRADICTION;
        common += octets;
    }
    if (common == size && (fragment->more || parts->has_total))
        return COPY;
    return common > 0 ? OVERLAP : NEW;
}

static void copy_new_blocks(struct capture_datagram_parts *parts, uint32_t offset,
                            const uint8_t *data, uint32_t size) {
    for (uint32_t at = 0; at < size; at += BLOCK) {
        uint32_t block = (offset + at) / BLOCK;
        if (has_block(parts, block))
            continue;
        parts->have[block / 8] |= (uint8_t)(1u << (block % 8));
        parts->blocks++;
        memcpy(parts->data + offset + at, data + at, size - at < BLOCK ? size - at : BLOCK);
    }
}

static bool complete(const struct capture_datagram_parts *parts) {
    return parts->has_total && parts->blocks == (parts->total + BLOCK - 1) / BLOCK;
}

// Those joined go first: only copies of their fragments are not known any longer.
static void keep_limit(struct capture *capture, const struct capture_datagram_parts *newest,
                       const struct capture_stamp *stamp) {
    while (capture->parts_octets > capture->limits.fragment_octets) {
        struct capture_datagram_parts *oldest = capture->parts_done;
        if (oldest && !in_use(capture, oldest)) {
            forget(capture, oldest);
            continue;
        }
        oldest = capture->parts_under;
        if (oldest && oldest == newest)
            oldest = oldest->next;
        if (!oldest)
            return;
        capture->stats.fragment_evictions++;
        capture_say(capture, CAPTURE_NOTE_FRAGMENT_LIMIT, NULL, stamp,
                    "incomplete IP datagram dropped: more than %u octets of fragments",
                    capture->limits.fragment_octets);
        forget(capture, oldest);
    }
}

static void add_octets(struct capture_datagram_parts *parts,
                       const struct capture_fragment *fragment, const struct capture_ip *ip) {
    uint32_t end = fragment->offset + (uint32_t)ip->size;

    if (fragment->offset == 0)
        parts->protocol = ip->protocol;
    if (!fragment->more) {
        parts->has_total = true;
        parts->total = end;
    }
    if (end > parts->end)
        parts->end = end;
    copy_new_blocks(parts, fragment->offset, ip->data, (uint32_t)ip->size);
}

static void join(struct capture *capture, struct capture_datagram_parts *parts,
                 struct capture_ip *ip) {
    DL_DELETE(capture->parts_under, parts);
    DL_APPEND(capture->parts_done, parts);
    parts->done = true;
    parts->since = ip->stamp->seconds;
    parts->packet = capture->stats.packets;
    capture->stats.datagrams_joined++;
    ip->protocol = parts->protocol;
    ip->data = parts->data;
    ip->size = parts->total;
    ip->span = parts->total;
}

// The datagram to which a fragment belongs, found or begun; NULL when it is to be dropped.
static struct capture_datagram_parts *parts_of(struct capture *capture,
                                               const struct capture_fragment *fragment,
                                               const struct capture_ip *ip) {
    struct capture_datagram_parts *parts = NULL;
    struct capture_key key;

    set_key(&key, fragment, ip);
    uint32_t hash = capture_hash(capture, &key);
    HASH_FIND_BYHASHVALUE(hh, capture->parts, &key, sizeof key, hash, parts);
    enum meeting meeting = parts ? meet(parts, fragment, ip) : NEW;
    if (meeting == COPY) {
        capture->stats.fragments_repeated++;
        return NULL;
    }
    if (parts && in_use(capture, parts)) { // a datagram within itself
        capture_malformed(capture, ip->stamp, "fragment within its own datagram");
        return NULL;
    }
    if (parts && !parts->done && meeting == OVERLAP) {
        capture->stats.fragment_overlaps++;
        capture_say(capture, CAPTURE_NOTE_FRAGMENT_OVERLAP, NULL, ip->stamp,
                    "IP fragment at offset %u overlaps an earlier one", fragment->offset);
    }
    if (parts && !parts->done && meeting == CONTRADICTION) {
        capture->stats.fragment_conflicts++;
        capture_say(capture, CAPTURE_NOTE_FRAGMENT_CONFLICT, NULL, ip->stamp,
                    "IP fragment at offset %u contradicts earlier ones, which are dropped",
                    fragment->offset);
    }
    if (parts && (parts->done || meeting == CONTRADICTION)) {
        forget(capture, parts);
        parts = NULL;
    }
    return parts ? parts : add_parts(capture, &key, hash, ip);
}

bool capture_fragment_add(struct capture *capture, const struct capture_fragment *fragment,
                          struct capture_ip *ip) {
    size_t end = fragment->offset + ip->span;

    forget_old(capture, ip->stamp->seconds);
    if (ip->span == 0 || end > DATAGRAM_MAX || (fragment->more && ip->span % BLOCK != 0)) {
        capture_malformed(capture, ip->stamp, "fragment of an impossible size");
        return false;
    }
    if (ip->size < ip->span)
        return false; // cut off: as good as lost, and counted as such
    struct capture_datagram_parts *parts = parts_of(capture, fragment, ip);
    if (!parts)
        return false;
    if (!grow(capture, parts, (uint32_t)end)) {
        no_memory(capture, ip->stamp);
        forget(capture, parts);
        return false;
    }
    add_octets(parts, fragment, ip);
    bool whole = complete(parts);
    if (whole)
        join(capture, parts, ip);
    keep_limit(capture, parts, ip->stamp);
    return whole;
}

void capture_fragment_destroy(struct capture *capture) {
    while (capture->parts_under)
        forget(capture, capture->parts_under);
    while (capture->parts_done)
        forget(capture, capture->parts_done);
}
