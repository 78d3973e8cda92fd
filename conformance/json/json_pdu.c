// SPDX-License-Identifier: Apache-2.0
// {"ptype","flags","drep","frag_length","auth_length","call_id", the body's keys…, "trailing"?,
// "auth"?}
#include <stdlib.h>
#include <string.h>

#include "json/parts.h"

// ---- octets to JSON -----------------------------------------------------------------------------

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

json_t *json_uuid(const cmrp_uuid *uuid) {
    char text[CMRP_UUID_TEXT_SIZE];
    cmrp_uuid_format(uuid, text);
    return json_string(text);
}

static json_t *syntax_value(const cmrp_syntax_id *id) {
    json_t *object = json_object();
    set(object, "uuid", json_uuid(&id->uuid));
    set(object, "version", json_u32(id->version));
    set(object, "version_minor", json_u32(id->version_minor));
    return object;
}

static json_t *pfc_names(const cmrp_pdu_header *h) {
    json_t *names = json_array();
    for (unsigned bit = 1; bit <= CMRP_PFC_OBJECT_UUID; bit <<= 1) {
        if ((h->flags & bit) != 0) {
            json_array_append_new(names, json_string(cmrp_pfc_name(h->ptype, bit)));
        }
    }
    return names;
}

static json_t *header_object(const cmrp_pdu_header *h) {
    json_t *object = json_object();
    set(object, "ptype", json_string(cmrp_ptype_name(h->ptype)));
    if (h->minor != 0) {
        set(object, "rpc_vers_minor", json_u32(h->minor));
    }
    set(object, "flags", json_u32(h->flags));
    set(object, "flags_names", pfc_names(h));
    set(object, "drep", json_hex((cmrp_view){h->drep, sizeof h->drep}));
    set(object, "frag_length", json_u32(h->frag_length));
    set(object, "auth_length", json_u32(h->auth_length));
    set(object, "call_id", json_u32(h->call_id));
    return object;
}

static void add_association(json_t *object, const cmrp_pdu *pdu) {
    set(object, "max_xmit_frag", json_u32(pdu->max_xmit_frag));
    set(object, "max_recv_frag", json_u32(pdu->max_recv_frag));
    set(object, "assoc_group_id", json_u32(pdu->assoc_group_id));
}

static void add_contexts(json_t *object, const cmrp_pdu *pdu) {
    json_t *array = json_array();
    cmrp_pdu_context c;
    size_t cursor = 0;
    while (cmrp_pdu_next_context(pdu, &cursor, &c)) {
        json_t *item = json_object();
        json_t *transfers = json_array();
        cmrp_syntax_id transfer;
        size_t inner = 0;
        while (cmrp_pdu_next_transfer(&c, &inner, &transfer)) {
            json_array_append_new(transfers, syntax_value(&transfer));
        }
        set(item, "id", json_u32(c.id));
        set(item, "abstract_syntax", syntax_value(&c.abstract_syntax));
        set(item, "transfer_syntaxes", transfers);
        json_array_append_new(array, item);
    }
    set(object, "contexts", array);
}

// What is no text, or has a NUL inside, is hex under another key: the same digits may be text.
static void add_address(json_t *object, cmrp_view address) {
    const bool whole = memchr(address.data, 0, address.size) == NULL;
    json_t *text = whole ? json_stringn((const char *)address.data, address.size) : NULL;
    if (text != NULL) {
        set(object, "sec_addr", text);
    } else {
        set(object, "sec_addr_hex", json_hex(address));
    }
}

static void add_results(json_t *object, const cmrp_pdu *pdu) {
    json_t *array = json_array();
    cmrp_pdu_result result;
    size_t cursor = 0;
    while (cmrp_pdu_next_result(pdu, &cursor, &result)) {
        json_t *item = json_object();
        set(item, "result", json_u32(result.result));
        set(item, "reason", json_u32(result.reason));
        set(item, "transfer_syntax", syntax_value(&result.transfer));
        json_array_append_new(array, item);
    }
    add_address(object, pdu->sec_addr);
    set(object, "results", array);
}

static void add_versions(json_t *object, const cmrp_pdu *pdu) {
    json_t *array = json_array();
    for (size_t i = 0; i + 1 < pdu->list.size; i += 2) {
        json_t *item = json_object();
        set(item, "major", json_u32(pdu->list.data[i]));
        set(item, "minor", json_u32(pdu->list.data[i + 1]));
        json_array_append_new(array, item);
    }
    set(object, "reason", json_u32(pdu->nak_reason));
    set(object, "versions", array);
    if (pdu->extension.size > 0) {
        set(object, "extension", json_hex(pdu->extension));
    }
}

static void add_call(json_t *object, const cmrp_pdu *pdu) {
    set(object, "alloc_hint", json_u32(pdu->alloc_hint));
    set(object, "context_id", json_u32(pdu->context_id));
    if (pdu->header.ptype == CMRP_PTYPE_REQUEST) {
        set(object, "opnum", json_u32(pdu->opnum));
        if (pdu->has_object) {
            set(object, "object", json_uuid(&pdu->object));
        }
    } else {
        set(object, "cancel_count", json_u32(pdu->cancel_count));
        set(object, "reserved", json_u32(pdu->reserved));
    }
    if (pdu->header.ptype == CMRP_PTYPE_FAULT) {
        set(object, "status", json_u32(pdu->status));
        set(object, "reserved2", json_hex((cmrp_view){pdu->reserved2, sizeof pdu->reserved2}));
    }
    set(object, "stub", json_hex(pdu->stub));
}

static void add_body(json_t *object, const cmrp_pdu *pdu) {
    switch (pdu->header.ptype) {
    case CMRP_PTYPE_REQUEST:
    case CMRP_PTYPE_RESPONSE:
    case CMRP_PTYPE_FAULT: add_call(object, pdu); break;
    case CMRP_PTYPE_BIND:
    case CMRP_PTYPE_ALTER_CONTEXT:
        add_association(object, pdu);
        add_contexts(object, pdu);
        break;
    case CMRP_PTYPE_BIND_ACK:
    case CMRP_PTYPE_ALTER_CONTEXT_RESP:
        add_association(object, pdu);
        add_results(object, pdu);
        break;
    case CMRP_PTYPE_BIND_NAK: add_versions(object, pdu); break;
    case CMRP_PTYPE_AUTH3:
        set(object, "pad", json_hex((cmrp_view){pdu->auth3_pad, sizeof pdu->auth3_pad}));
        break;
    default: break;
    }
    if (pdu->trailing.size > 0) {
        set(object, "trailing", json_hex(pdu->trailing));
    }
}

static void add_auth(json_t *object, const cmrp_pdu *pdu) {
    if (!pdu->has_auth) {
        return;
    }
    json_t *auth = json_object();
    set(auth, "type", json_u32(pdu->auth_type));
    set(auth, "level", json_u32(pdu->auth_level));
    set(auth, "pad_length", json_u32(pdu->auth_padding.size));
    set(auth, "reserved", json_u32(pdu->auth_reserved));
    set(auth, "context_id", json_u32(pdu->auth_context_id));
    set(auth, "token", json_hex(pdu->auth_token));
    if (pdu->auth_padding.size > 0) {
        set(object, "auth_padding", json_hex(pdu->auth_padding));
    }
    set(object, "auth", auth);
}

json_t *json_pdu_decode(cmrp_view bytes, uint64_t offset, cmrp_error *error) {
    if (json_is_pdu_cl(bytes)) {
        return json_pdu_cl_decode(bytes, offset, error);
    }
    cmrp_pdu pdu;
    json_t *warnings = json_array();
    json_t *object = NULL;
    if (cmrp_pdu_decode(bytes, offset, &pdu, json_collect_warning, warnings, error)) {
        object = header_object(&pdu.header);
        add_body(object, &pdu);
        add_auth(object, &pdu);
        if (json_array_size(warnings) > 0) {
            json_object_set(object, "warnings", warnings);
        }
    }
    json_decref(warnings);
    return object;
}

// ---- JSON to octets -----------------------------------------------------------------------------

// A PDU and the memory that its views point into.
struct writing {
    cmrp_pdu pdu;
    struct buffer stub, token, padding, extension, versions, address, trailing;
    cmrp_pdu_context *contexts;
    cmrp_pdu_result *results;
    cmrp_syntax_id *transfers;
};

static bool read_small(struct shape *s, const json_t *object, const char *key, uint64_t max,
                       uint64_t *out) {
    *out = 0;
    return shape_u64(s, object, key, true, max, out);
}

bool json_read_u8(struct shape *s, const json_t *object, const char *key, uint8_t *out) {
    uint64_t n;
    const bool ok = read_small(s, object, key, UINT8_MAX, &n);
    *out = (uint8_t)n;
    return ok;
}

bool json_read_u16(struct shape *s, const json_t *object, const char *key, uint16_t *out) {
    uint64_t n;
    const bool ok = read_small(s, object, key, UINT16_MAX, &n);
    *out = (uint16_t)n;
    return ok;
}

bool json_read_u32(struct shape *s, const json_t *object, const char *key, uint32_t *out) {
    uint64_t n;
    const bool ok = read_small(s, object, key, UINT32_MAX, &n);
    *out = (uint32_t)n;
    return ok;
}

// Exactly n octets of hex.
bool json_read_fixed(struct shape *s, const json_t *object, const char *key, uint8_t *out,
                     size_t n) {
    struct buffer octets = {0};
    bool ok = shape_hex(s, object, key, true, &octets);
    if (ok && octets.size != n) {
        ok = shape_fail(s, "\"%s\" has %zu octets", key, n);
    }
    if (ok) {
        memcpy(out, octets.data, n);
    }
    buffer_free(&octets);
    return ok;
}

bool json_read_uuid(struct shape *s, const json_t *object, const char *key, cmrp_uuid *uuid) {
    const char *text = "";
    return shape_string(s, object, key, true, &text) &&
           (cmrp_uuid_parse(text, uuid) || shape_fail(s, "\"%s\" is not a UUID", key));
}

static bool read_syntax(struct shape *s, const json_t *value, cmrp_syntax_id *id) {
    static const char *const keys[] = {"uuid", "version", "version_minor", NULL};
    return shape_object(s, value, keys) && json_read_uuid(s, value, "uuid", &id->uuid) &&
           json_read_u16(s, value, "version", &id->version) &&
           json_read_u16(s, value, "version_minor", &id->version_minor);
}

// The array under `key`, with at most 255 elements; the place is then inside it.
static const json_t *read_list(struct shape *s, const json_t *object, const char *key) {
    const json_t *array = json_object_get(object, key);
    shape_enter_key(s, key);
    if (!shape_array(s, array)) {
        return NULL;
    }
    if (json_array_size(array) > UINT8_MAX) {
        shape_fail(s, "more than 255 elements");
        return NULL;
    }
    return array;
}

static bool read_context(struct shape *s, const json_t *value, cmrp_pdu_context *c,
                         cmrp_syntax_id *transfers) {
    static const char *const keys[] = {"id", "abstract_syntax", "transfer_syntaxes", NULL};
    size_t i;
    json_t *item;
    if (!shape_object(s, value, keys) || !json_read_u16(s, value, "id", &c->id) ||
        !read_syntax(s, json_object_get(value, "abstract_syntax"), &c->abstract_syntax)) {
        return false;
    }
    const json_t *array = read_list(s, value, "transfer_syntaxes");
    if (array == NULL) {
        return false;
    }
    c->transfer_count = (uint8_t)json_array_size(array);
    c->transfers = transfers;
    json_array_foreach(array, i, item) {
        if (!read_syntax(s, item, &transfers[i])) {
            return false;
        }
    }
    return true;
}

static bool read_contexts(struct shape *s, const json_t *object, struct writing *w) {
    const size_t mark = shape_mark(s);
    const json_t *array = read_list(s, object, "contexts");
    size_t i;
    json_t *item;
    if (array == NULL) {
        return false;
    }
    const size_t count = json_array_size(array);
    w->contexts = util_alloc(count * sizeof *w->contexts);
    w->transfers = util_alloc(count * UINT8_MAX * sizeof *w->transfers);
    json_array_foreach(array, i, item) {
        const size_t inner = shape_mark(s);
        shape_enter_index(s, i);
        if (!read_context(s, item, &w->contexts[i], w->transfers + i * UINT8_MAX)) {
            return false;
        }
        shape_leave(s, inner);
    }
    shape_leave(s, mark);
    w->pdu.list_count = (uint8_t)count;
    w->pdu.contexts = w->contexts;
    return true;
}

static bool read_address(struct shape *s, const json_t *object, struct writing *w) {
    const bool hex = json_object_get(object, "sec_addr_hex") != NULL;
    const char *text = "";
    if (hex && json_object_get(object, "sec_addr") != NULL) {
        return shape_fail(s, "both sec_addr and sec_addr_hex are given");
    }
    if (hex ? !shape_hex(s, object, "sec_addr_hex", true, &w->address)
            : !shape_string(s, object, "sec_addr", true, &text)) {
        return false;
    }
    buffer_append(&w->address, text, strlen(text));
    w->pdu.sec_addr = buffer_view(&w->address);
    return true;
}

static bool read_results(struct shape *s, const json_t *object, struct writing *w) {
    static const char *const keys[] = {"result", "reason", "transfer_syntax", NULL};
    const size_t mark = shape_mark(s);
    size_t i;
    json_t *item;
    const json_t *array = read_address(s, object, w) ? read_list(s, object, "results") : NULL;
    if (array == NULL) {
        return false;
    }
    w->results = util_alloc(json_array_size(array) * sizeof *w->results);
    json_array_foreach(array, i, item) {
        cmrp_pdu_result *r = &w->results[i];
        const size_t inner = shape_mark(s);
        shape_enter_index(s, i);
        if (!shape_object(s, item, keys) || !json_read_u16(s, item, "result", &r->result) ||
            !json_read_u16(s, item, "reason", &r->reason) ||
            !read_syntax(s, json_object_get(item, "transfer_syntax"), &r->transfer)) {
            return false;
        }
        shape_leave(s, inner);
    }
    shape_leave(s, mark);
    w->pdu.list_count = (uint8_t)json_array_size(array);
    w->pdu.results = w->results;
    return true;
}

static bool read_versions(struct shape *s, const json_t *object, struct writing *w) {
    static const char *const keys[] = {"major", "minor", NULL};
    const size_t mark = shape_mark(s);
    size_t i;
    json_t *item;
    const json_t *array = read_list(s, object, "versions");
    if (array == NULL) {
        return false;
    }
    json_array_foreach(array, i, item) {
        uint8_t *pair = buffer_extend(&w->versions, 2);
        if (!shape_object(s, item, keys) || !json_read_u8(s, item, "major", &pair[0]) ||
            !json_read_u8(s, item, "minor", &pair[1])) {
            return false;
        }
    }
    shape_leave(s, mark);
    w->pdu.list_count = (uint8_t)json_array_size(array);
    w->pdu.list = buffer_view(&w->versions);
    return json_read_u16(s, object, "reason", &w->pdu.nak_reason) &&
           shape_hex(s, object, "extension", false, &w->extension);
}

static bool read_call(struct shape *s, const json_t *object, struct writing *w) {
    cmrp_pdu *pdu = &w->pdu;
    if (!json_read_u32(s, object, "alloc_hint", &pdu->alloc_hint) ||
        !json_read_u16(s, object, "context_id", &pdu->context_id) ||
        !shape_hex(s, object, "stub", true, &w->stub)) {
        return false;
    }
    if (pdu->header.ptype == CMRP_PTYPE_REQUEST) {
        pdu->has_object = (pdu->header.flags & CMRP_PFC_OBJECT_UUID) != 0;
        return json_read_u16(s, object, "opnum", &pdu->opnum) &&
               (!pdu->has_object || json_read_uuid(s, object, "object", &pdu->object));
    }
    if (!json_read_u8(s, object, "cancel_count", &pdu->cancel_count) ||
        !json_read_u8(s, object, "reserved", &pdu->reserved)) {
        return false;
    }
    return pdu->header.ptype != CMRP_PTYPE_FAULT ||
           (json_read_u32(s, object, "status", &pdu->status) &&
            json_read_fixed(s, object, "reserved2", pdu->reserved2, sizeof pdu->reserved2));
}

static bool read_association(struct shape *s, const json_t *object, cmrp_pdu *pdu) {
    return json_read_u16(s, object, "max_xmit_frag", &pdu->max_xmit_frag) &&
           json_read_u16(s, object, "max_recv_frag", &pdu->max_recv_frag) &&
           json_read_u32(s, object, "assoc_group_id", &pdu->assoc_group_id);
}

static bool read_body(struct shape *s, const json_t *object, struct writing *w) {
    switch (w->pdu.header.ptype) {
    case CMRP_PTYPE_REQUEST:
    case CMRP_PTYPE_RESPONSE:
    case CMRP_PTYPE_FAULT: return read_call(s, object, w);
    case CMRP_PTYPE_BIND:
    case CMRP_PTYPE_ALTER_CONTEXT:
        return read_association(s, object, &w->pdu) && read_contexts(s, object, w);
    case CMRP_PTYPE_BIND_ACK:
    case CMRP_PTYPE_ALTER_CONTEXT_RESP:
        return read_association(s, object, &w->pdu) && read_results(s, object, w);
    case CMRP_PTYPE_BIND_NAK: return read_versions(s, object, w);
    case CMRP_PTYPE_AUTH3:
        return json_read_fixed(s, object, "pad", w->pdu.auth3_pad, sizeof w->pdu.auth3_pad);
    default: return true;
    }
}

static bool read_auth(struct shape *s, const json_t *object, struct writing *w) {
    static const char *const keys[] = {"type",       "level", "pad_length", "reserved",
                                       "context_id", "token", NULL};
    const json_t *auth = json_object_get(object, "auth");
    uint64_t pad_length = 0;
    if (auth == NULL) {
        return json_object_get(object, "auth_padding") == NULL ||
               shape_fail(s, "auth_padding is given without auth");
    }
    const size_t mark = shape_mark(s);
    if (!shape_hex(s, object, "auth_padding", false, &w->padding)) {
        return false;
    }
    shape_enter_key(s, "auth");
    if (!shape_object(s, auth, keys) || !json_read_u8(s, auth, "type", &w->pdu.auth_type) ||
        !json_read_u8(s, auth, "level", &w->pdu.auth_level) ||
        !json_read_u8(s, auth, "reserved", &w->pdu.auth_reserved) ||
        !json_read_u32(s, auth, "context_id", &w->pdu.auth_context_id) ||
        !shape_u64(s, auth, "pad_length", false, UINT8_MAX, &pad_length) ||
        !shape_hex(s, auth, "token", true, &w->token)) {
        return false;
    }
    if (w->token.size == 0) {
        return shape_fail(s, "the token is empty: a PDU without one has no sec_trailer");
    }
    if (json_object_get(auth, "pad_length") != NULL && pad_length != w->padding.size) {
        return shape_fail(s, "pad_length differs from auth_padding");
    }
    shape_leave(s, mark);
    w->pdu.has_auth = true;
    return true;
}

// The keys of a body, by ptype; NULL-terminated.
static const char *const *body_keys(unsigned ptype) {
    static const char *const request[] = {"alloc_hint", "context_id", "opnum",
                                          "object",     "stub",       NULL};
    static const char *const response[] = {"alloc_hint", "context_id", "cancel_count",
                                           "reserved",   "stub",       NULL};
    static const char *const fault[] = {"alloc_hint", "context_id", "cancel_count", "reserved",
                                        "status",     "reserved2",  "stub",         NULL};
    static const char *const bind[] = {"max_xmit_frag", "max_recv_frag", "assoc_group_id",
                                       "contexts",      "trailing",      NULL};
    static const char *const ack[] = {
        "max_xmit_frag", "max_recv_frag", "assoc_group_id", "sec_addr",
        "sec_addr_hex",  "results",       "trailing",       NULL};
    static const char *const nak[] = {"reason", "versions", "extension", NULL};
    static const char *const auth3[] = {"pad", "trailing", NULL};
    static const char *const none[] = {"trailing", NULL};
    switch (ptype) {
    case CMRP_PTYPE_REQUEST: return request;
    case CMRP_PTYPE_RESPONSE: return response;
    case CMRP_PTYPE_FAULT: return fault;
    case CMRP_PTYPE_BIND:
    case CMRP_PTYPE_ALTER_CONTEXT: return bind;
    case CMRP_PTYPE_BIND_ACK:
    case CMRP_PTYPE_ALTER_CONTEXT_RESP: return ack;
    case CMRP_PTYPE_BIND_NAK: return nak;
    case CMRP_PTYPE_AUTH3: return auth3;
    default: return none;
    }
}

static bool check_keys(struct shape *s, const json_t *object, unsigned ptype) {
    static const char *const common[] = {"ptype",   "rpc_vers_minor", "flags",
                                         "drep",    "frag_length",    "auth_length",
                                         "call_id", "auth_padding",   "auth"};
    enum { COMMON = sizeof common / sizeof common[0], BODY_MAX = 8 };
    const char *keys[COMMON + BODY_MAX];
    memcpy(keys, common, sizeof common);
    size_t n = COMMON;
    for (const char *const *key = body_keys(ptype); *key != NULL; key++) {
        keys[n++] = *key;
    }
    keys[n] = NULL;
    return shape_object(s, object, keys);
}

static bool read_header(struct shape *s, const json_t *object, cmrp_pdu_header *h) {
    const char *ptype = "";
    uint64_t minor = 0;
    if (!json_is_object(object)) {
        return shape_fail(s, "an object is expected");
    }
    if (!shape_string(s, object, "ptype", true, &ptype)) {
        return false;
    }
    if (!cmrp_ptype_named(ptype, &h->ptype)) {
        return shape_fail(s, "unknown ptype");
    }
    if (!check_keys(s, object, h->ptype) ||
        !shape_u64(s, object, "rpc_vers_minor", false, 1, &minor)) {
        return false;
    }
    h->minor = (uint8_t)minor;
    return json_read_u8(s, object, "flags", &h->flags) &&
           json_read_fixed(s, object, "drep", h->drep, sizeof h->drep) &&
           (h->drep[0] >> 4 <= 1 || shape_fail(s, "unknown integer representation in drep")) &&
           json_read_u32(s, object, "call_id", &h->call_id);
}

// Lengths are derived; where they are given they must be right.
static bool check_lengths(struct shape *s, const json_t *object, const struct writing *w,
                          size_t size) {
    uint64_t frag_length = size;
    uint64_t auth_length = w->token.size;
    if (!shape_u64(s, object, "frag_length", false, UINT16_MAX, &frag_length) ||
        !shape_u64(s, object, "auth_length", false, UINT16_MAX, &auth_length)) {
        return false;
    }
    if (frag_length != size) {
        return shape_fail(s, "frag_length is %zu here", size);
    }
    return auth_length == w->token.size || shape_fail(s, "auth_length is %zu here", w->token.size);
}

static bool write_pdu(void *context, cmrp_writer *w) {
    const struct writing *writing = context;
    return cmrp_pdu_encode(&writing->pdu, w);
}

bool json_pdu_encode(struct shape *s, const json_t *value, struct buffer *out) {
    if (json_integer_value(json_object_get(value, "rpc_vers")) == 4) {
        return json_pdu_cl_encode(s, value, out);
    }
    struct writing w = {0};
    const size_t start = out->size;
    bool ok = read_header(s, value, &w.pdu.header) && read_body(s, value, &w) &&
              shape_hex(s, value, "trailing", false, &w.trailing) && read_auth(s, value, &w);
    if (ok) {
        w.pdu.stub = buffer_view(&w.stub);
        w.pdu.extension = buffer_view(&w.extension);
        w.pdu.trailing = buffer_view(&w.trailing);
        w.pdu.auth_token = buffer_view(&w.token);
        w.pdu.auth_padding = buffer_view(&w.padding);
        ok = json_write(s, write_pdu, &w, out) && check_lengths(s, value, &w, out->size - start);
    }
    buffer_free(&w.stub);
    buffer_free(&w.token);
    buffer_free(&w.padding);
    buffer_free(&w.extension);
    buffer_free(&w.versions);
    buffer_free(&w.address);
    buffer_free(&w.trailing);
    free(w.contexts);
    free(w.results);
    free(w.transfers);
    return ok;
}
