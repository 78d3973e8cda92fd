// SPDX-License-Identifier: Apache-2.0
#include "service/security.h"

enum {
    HEADER = 20,
    ACL_HEADER = 8,
    ACE_HEADER = 4,
    SID_HEADER = 8,
    SID_SUB_AUTHORITIES = 15, // at most
    SELF_RELATIVE = 0x8000,
    // The control bits that belong to a list: present, defaulted, inheritance requested, inherited,
    // protected.
    DACL_CONTROL = 0x4 | 0x8 | 0x100 | 0x400 | 0x1000,
    SACL_CONTROL = 0x10 | 0x20 | 0x200 | 0x800 | 0x2000,
    DACL_PRESENT = 0x4,
    SACL_PRESENT = 0x10,
};

// In the order of the header's offsets.
enum part { OWNER, GROUP, SACL, DACL, PARTS };
static const uint32_t masks[PARTS] = {SECURITY_OWNER, SECURITY_GROUP, SECURITY_SACL, SECURITY_DACL};

struct descriptor {
    uint16_t control;
    cmrp_view parts[PARTS]; // size 0: absent
};

static bool sid_size(cmrp_view at, size_t *size) {
    if (at.size < SID_HEADER || at.data[0] != 1 || at.data[1] > SID_SUB_AUTHORITIES) {
        return false;
    }
    *size = SID_HEADER + (size_t)4 * at.data[1];
    return *size <= at.size;
}

static bool acl_size(cmrp_view at, size_t *size) {
    if (at.size < ACL_HEADER || at.data[0] < 2 || at.data[0] > 4) { // AclRevision
        return false;
    }
    *size = cmrp_load_u16(at.data + 2, CMRP_LITTLE_ENDIAN);
    const uint16_t count = cmrp_load_u16(at.data + 4, CMRP_LITTLE_ENDIAN);
    if (*size < ACL_HEADER || *size > at.size) {
        return false;
    }
    size_t used = ACL_HEADER;
    for (uint16_t i = 0; i < count; i++) {
        if (*size - used < ACE_HEADER) {
            return false;
        }
        const uint16_t ace = cmrp_load_u16(at.data + used + 2, CMRP_LITTLE_ENDIAN);
        if (ace < ACE_HEADER || ace > *size - used) {
            return false;
        }
        used += ace;
    }
    return true;
}

static bool read(cmrp_view sd, struct descriptor *out) {
    if (sd.size < HEADER || sd.data[0] != 1) {
        return false;
    }
    *out = (struct descriptor){.control = cmrp_load_u16(sd.data + 2, CMRP_LITTLE_ENDIAN)};
    if ((out->control & SELF_RELATIVE) == 0) {
        return false;
    }
    for (int i = 0; i < PARTS; i++) {
        const uint32_t offset = cmrp_load_u32(sd.data + 4 + 4 * i, CMRP_LITTLE_ENDIAN);
        const bool acl = i == SACL || i == DACL;
        const uint16_t present = i == SACL ? SACL_PRESENT : DACL_PRESENT;
        if (offset == 0 || (acl && (out->control & present) == 0)) {
            continue; // absent, or a list that is present and empty of rules
        }
        if (offset < HEADER || offset > sd.size) {
            return false;
        }
        const cmrp_view rest = {sd.data + offset, sd.size - offset};
        size_t size;
        if (!(acl ? acl_size(rest, &size) : sid_size(rest, &size))) {
            return false;
        }
        out->parts[i] = (cmrp_view){rest.data, size};
    }
    return true;
}

bool security_valid(cmrp_view sd) {
    struct descriptor d;
    return read(sd, &d);
}

static void take(struct descriptor *to, cmrp_view sd, uint32_t mask) {
    struct descriptor from;
    if (!read(sd, &from)) {
        return;
    }
    for (int i = 0; i < PARTS; i++) {
        if ((mask & masks[i]) != 0) {
            to->parts[i] = from.parts[i];
        }
    }
    to->control |= (mask & SECURITY_DACL) != 0 ? from.control & DACL_CONTROL : 0;
    to->control |= (mask & SECURITY_SACL) != 0 ? from.control & SACL_CONTROL : 0;
}

void security_merge(struct buffer *out, cmrp_view from, uint32_t mask, const cmrp_view *rest,
                    uint32_t rest_mask) {
    struct descriptor d = {.control = SELF_RELATIVE};
    take(&d, from, mask);
    if (rest != NULL) {
        take(&d, *rest, rest_mask & ~mask);
    }
    const size_t start = out->size;
    memset(buffer_extend(out, HEADER), 0, HEADER);
    for (int i = 0; i < PARTS; i++) {
        if (d.parts[i].size > 0) {
            const size_t at = out->size - start;
            buffer_append(out, d.parts[i].data, d.parts[i].size);
            while ((out->size - start) % 4 != 0) {
                buffer_append(out, "", 1);
            }
            cmrp_store_u32(out->data + start + 4 + 4 * i, (uint32_t)at, CMRP_LITTLE_ENDIAN);
        }
    }
    out->data[start] = 1;
    cmrp_store(out->data + start + 2, 2, d.control, CMRP_LITTLE_ENDIAN);
}
