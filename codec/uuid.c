// SPDX-License-Identifier: Apache-2.0
#include "cmrp/uuid.h"

const cmrp_uuid cmrp_uuid_clusapi = {{0xb9, 0x7d, 0xb8, 0xb2, 0x4c, 0x63, 0x11, 0xcf, 0xbf, 0xf6,
                                      0x08, 0x00, 0x2b, 0xe2, 0x3f, 0x2f}};
const cmrp_uuid cmrp_uuid_ndr20 = {{0x8a, 0x88, 0x5d, 0x04, 0x1c, 0xeb, 0x11, 0xc9, 0x9f, 0xe8,
                                    0x08, 0x00, 0x2b, 0x10, 0x48, 0x60}};
const cmrp_uuid cmrp_uuid_ndr64 = {{0x71, 0x71, 0x05, 0x33, 0xbe, 0xba, 0x49, 0x37, 0x83, 0x19,
                                    0xb5, 0xdb, 0xef, 0x9c, 0xcc, 0x36}};
const cmrp_uuid cmrp_uuid_bind_time = {{0x6c, 0xb7, 0x1c, 0x2c, 0x98, 0x12, 0x45, 0x40}};

bool cmrp_uuid_equal(const cmrp_uuid *a, const cmrp_uuid *b) {
    return memcmp(a->octets, b->octets, CMRP_UUID_SIZE) == 0;
}

bool cmrp_uuid_is_bind_time(const cmrp_uuid *uuid) {
    return memcmp(uuid->octets, cmrp_uuid_bind_time.octets, CMRP_UUID_SIZE / 2) == 0;
}

static bool dash_before(size_t octet) {
    return octet == 4 || octet == 6 || octet == 8 || octet == 10;
}

void cmrp_uuid_format(const cmrp_uuid *uuid, char text[CMRP_UUID_TEXT_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < CMRP_UUID_SIZE; i++) {
        if (dash_before(i)) {
            *text++ = '-';
        }
        *text++ = digits[uuid->octets[i] >> 4];
        *text++ = digits[uuid->octets[i] & 15];
    }
    *text = '\0';
}

static int digit_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool cmrp_uuid_parse(const char *text, cmrp_uuid *uuid) {
    cmrp_uuid parsed;
    for (size_t i = 0; i < CMRP_UUID_SIZE; i++) {
        if (dash_before(i) && *text++ != '-') {
            return false;
        }
        const int high = digit_value(text[0]);
        const int low = high < 0 ? -1 : digit_value(text[1]);
        if (low < 0) {
            return false;
        }
        parsed.octets[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    if (*text != '\0') {
        return false;
    }
    *uuid = parsed;
    return true;
}

// A UUID's first three fields follow the byte order of the PDU.
static void load_uuid(const uint8_t *p, cmrp_order order, cmrp_uuid *uuid) {
    cmrp_store(uuid->octets, 4, cmrp_load_u32(p, order), CMRP_BIG_ENDIAN);
    cmrp_store(uuid->octets + 4, 2, cmrp_load_u16(p + 4, order), CMRP_BIG_ENDIAN);
    cmrp_store(uuid->octets + 6, 2, cmrp_load_u16(p + 6, order), CMRP_BIG_ENDIAN);
    memcpy(uuid->octets + 8, p + 8, 8);
}

bool cmrp_take_uuid(cmrp_reader *r, const char *field, cmrp_order order, cmrp_uuid *uuid) {
    const uint8_t *p;
    if (!cmrp_take(r, field, CMRP_UUID_SIZE, &p)) {
        return false;
    }
    load_uuid(p, order, uuid);
    return true;
}

bool cmrp_take_syntax_id(cmrp_reader *r, const char *field, cmrp_order order, cmrp_syntax_id *id) {
    cmrp_reader both = *r; // r itself moves when both parts are there
    cmrp_uuid uuid;
    uint32_t version;
    if (!cmrp_take_uuid(&both, field, order, &uuid) ||
        !cmrp_take_u32(&both, field, order, &version)) {
        return false;
    }
    *r = both;
    *id = (cmrp_syntax_id){uuid, (uint16_t)version, (uint16_t)(version >> 16)};
    return true;
}

bool cmrp_put_uuid(cmrp_writer *w, const char *field, cmrp_order order, const cmrp_uuid *uuid) {
    const uint8_t *p = uuid->octets;
    uint8_t wire[CMRP_UUID_SIZE];
    cmrp_store(wire, 4, cmrp_load_u32(p, CMRP_BIG_ENDIAN), order);
    cmrp_store(wire + 4, 2, cmrp_load_u16(p + 4, CMRP_BIG_ENDIAN), order);
    cmrp_store(wire + 6, 2, cmrp_load_u16(p + 6, CMRP_BIG_ENDIAN), order);
    memcpy(wire + 8, p + 8, 8);
    return cmrp_put_view(w, field, (cmrp_view){wire, sizeof wire});
}

bool cmrp_put_syntax_id(cmrp_writer *w, const char *field, cmrp_order order,
                        const cmrp_syntax_id *id) {
    const uint32_t version = id->version | (uint32_t)id->version_minor << 16;
    return cmrp_put_uuid(w, field, order, &id->uuid) && cmrp_put_uint(w, field, 4, order, version);
}
