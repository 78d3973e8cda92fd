// SPDX-License-Identifier: Apache-2.0
//
// IP fragments. A datagram under way is a buffer and a bit for every eight octets, so a fragment
// costs what it holds, in whatever order fragments come.

#include "capture/state.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 8,
    DATAGRAM_MAX = 65535,
    BLOCKS_MAX = (DATAGRAM_MAX + BLOCK - 1) / BLOCK,
    CAPACITY_MIN = 2048,
};

struct capture_datagram_parts {
    struct capture_key key;
    UT_hash_handle hh;
    struct capture_datagram_parts *prev, *next;
    int64_t since;
    uint8_t *data;
    uint32_t capacity;
    uint32_t end;   // the highest octet seen, plus one
    uint32_t total; // with has_total
    uint32_t blocks;
    bool has_total;
    uint8_t protocol; // of the first fragment
    uint8_t have[(BLOCKS_MAX + 7) / 8];
};

static uint32_t cost(const struct capture_datagram_parts *parts) {
    return (uint32_t)sizeof *parts + parts->capacity;
}

static void destroy(struct capture_datagram_parts *parts) {
    if (!parts)
        return;
    free(parts->data);
    free(parts);
}

static void unlink_parts(struct capture *capture, struct capture_datagram_parts *parts) {
    HASH_DEL(capture->parts, parts);
    DL_DELETE(capture->parts_by_age, parts);
    capture->parts_octets -= cost(parts);
}

static void give_up(struct capture *capture, struct capture_datagram_parts *parts) {
    capture->stats.datagrams_dropped++;
    unlink_parts(capture, parts);
    destroy(parts);
}

static void give_up_old(struct capture *capture, int64_t now) {
    while (capture->parts_by_age &&
           capture_elapsed(now, capture->parts_by_age->since) > capture->limits.fragment_seconds)
        give_up(capture, capture->parts_by_age);
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

static struct capture_datagram_parts *find_or_add(struct capture *capture,
                                                  const struct capture_fragment *fragment,
                                                  const struct capture_ip *ip) {
    struct capture_datagram_parts *parts = NULL;
    struct capture_key key;

    set_key(&key, fragment, ip);
    uint32_t hash = capture_hash(capture, &key);
    HASH_FIND_BYHASHVALUE(hh, capture->parts, &key, sizeof key, hash, parts);
    if (parts)
        return parts;
    parts = calloc(1, sizeof *parts);
    if (parts) {
        parts->key = key;
        parts->since = ip->stamp->seconds;
        HASH_ADD_BYHASHVALUE(hh, capture->parts, key, sizeof key, hash, parts);
    }
    if (!parts || !parts->hh.tbl) {
        no_memory(capture, ip->stamp);
        free(parts);
        return NULL;
    }
    DL_APPEND(capture->parts_by_age, parts);
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

// Copies the blocks that are new. Returns whether any was there before.
static bool copy_blocks(struct capture_datagram_parts *parts, uint32_t offset, const uint8_t *data,
                        uint32_t size) {
    bool overlap = false;

    for (uint32_t at = 0; at < size; at += BLOCK) {
        uint32_t block = (offset + at) / BLOCK;
        uint8_t bit = (uint8_t)(1u << (block % 8));
        if ((parts->have[block / 8] & bit) != 0) {
            overlap = true;
            continue;
        }
        parts->have[block / 8] |= bit;
        parts->blocks++;
        memcpy(parts->data + offset + at, data + at, size - at < BLOCK ? size - at : BLOCK);
    }
    return overlap;
}

// What is wrong with the fragment itself or in the light of those before it, or NULL.
static const char *refuse(const struct capture_datagram_parts *parts,
                          const struct capture_fragment *fragment, uint32_t end) {
    if (parts->has_total && end > parts->total)
        return "fragment beyond the end of its datagram";
    if (!fragment->more && end < parts->end)
        return "last fragment before the end of its datagram";
    return NULL;
}

static bool complete(const struct capture_datagram_parts *parts) {
    return parts->has_total && parts->blocks == (parts->total + BLOCK - 1) / BLOCK;
}

static void keep_limit(struct capture *capture, const struct capture_datagram_parts *newest,
                       const struct capture_stamp *stamp) {
    while (capture->parts_octets > capture->limits.fragment_octets) {
        struct capture_datagram_parts *oldest = capture->parts_by_age;
        if (oldest == newest)
            oldest = oldest->next;
        if (!oldest)
            return;
        capture->stats.fragment_evictions++;
        capture_say(capture, CAPTURE_NOTE_FRAGMENT_LIMIT, NULL, stamp,
                    "incomplete IP datagram dropped: more than %u octets of fragments",
                    capture->limits.fragment_octets);
        give_up(capture, oldest);
    }
}

static void add_octets(struct capture *capture, struct capture_datagram_parts *parts,
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
    if (copy_blocks(parts, fragment->offset, ip->data, (uint32_t)ip->size)) {
        capture->stats.fragment_overlaps++;
        capture_say(capture, CAPTURE_NOTE_FRAGMENT_OVERLAP, NULL, ip->stamp,
                    "IP fragment at offset %u overlaps an earlier one; the first counts",
                    fragment->offset);
    }
}

static bool join(struct capture *capture, struct capture_datagram_parts *parts,
                 struct capture_ip *ip) {
    unlink_parts(capture, parts);
    capture->joined = parts;
    capture->stats.datagrams_joined++;
    ip->protocol = parts->protocol;
    ip->data = parts->data;
    ip->size = parts->total;
    ip->span = parts->total;
    return true;
}

bool capture_fragment_add(struct capture *capture, const struct capture_fragment *fragment,
                          struct capture_ip *ip) {
    size_t end = fragment->offset + ip->span;

    destroy(capture->joined);
    capture->joined = NULL;
    give_up_old(capture, ip->stamp->seconds);
    if (ip->span == 0 || end > DATAGRAM_MAX || (fragment->more && ip->span % BLOCK != 0)) {
        capture_malformed(capture, ip->stamp, "fragment of an impossible size");
        return false;
    }
    if (ip->size < ip->span)
        return false; // cut off: as good as lost, and counted as such
    struct capture_datagram_parts *parts = find_or_add(capture, fragment, ip);
    if (!parts)
        return false;
    const char *wrong = refuse(parts, fragment, (uint32_t)end);
    if (wrong) {
        capture_malformed(capture, ip->stamp, wrong);
        return false;
    }
    if (!grow(capture, parts, (uint32_t)end)) {
        no_memory(capture, ip->stamp);
        give_up(capture, parts);
        return false;
    }
    add_octets(capture, parts, fragment, ip);
    if (complete(parts))
        return join(capture, parts, ip);
    keep_limit(capture, parts, ip->stamp);
    return false;
}

void capture_fragment_destroy(struct capture *capture) {
    while (capture->parts_by_age)
        give_up(capture, capture->parts_by_age);
    destroy(capture->joined);
    capture->joined = NULL;
}
