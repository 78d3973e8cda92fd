// SPDX-License-Identifier: Apache-2.0
// {"rpc_vers":4,"ptype","flags1",…, the body's keys…, "trailing"?, "auth"?}
#include <stdlib.h>
#include <string.h>

#include "json/parts.h"

bool json_is_pdu_cl(cmrp_view bytes) {
    return bytes.size > 0 && bytes.data[0] == 4;
}

// ---- octets to JSON -----------------------------------------------------------------------------

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

static json_t *flag_names(unsigned flags, const char *(*name)(unsigned bit)) {
    json_t *names = json_array();
    for (unsigned bit = 1; bit <= 0x80; bit <<= 1) {
        if ((flags & bit) != 0) {
            json_array_append_new(names, json_string(name(bit)));
        }
    }
    return names;
}

static json_t *header_object(const cmrp_pdu_cl_header *h) {
    json_t *object = json_object();
    set(object, "rpc_vers", json_u32(4));
    set(object, "ptype", json_string(cmrp_ptype_cl_name(h->ptype)));
    set(object, "flags1", json_u32(h->flags1));
    set(object, "flags1_names", flag_names(h->flags1, cmrp_pf_name));
    set(object, "flags2", json_u32(h->flags2));
    set(object, "flags2_names", flag_names(h->flags2, cmrp_pf2_name));
    set(object, "drep", json_hex((cmrp_view){h->drep, sizeof h->drep}));
    set(object, "serial", json_u32(h->serial));
    set(object, "object", json_uuid(&h->object));
    set(object, "if_id", json_uuid(&h->if_id));
    set(object, "act_id", json_uuid(&h->act_id));
    set(object, "server_boot", json_u32(h->server_boot));
    set(object, "if_vers", json_u32(h->if_vers));
    set(object, "if_vers_minor", json_u32(h->if_vers_minor));
    set(object, "seqnum", json_u32(h->seqnum));
    set(object, "opnum", json_u32(h->opnum));
    set(object, "ihint", json_u32(h->ihint));
    set(object, "ahint", json_u32(h->ahint));
    set(object, "len", json_u32(h->len));
    set(object, "fragnum", json_u32(h->fragnum));
    set(object, "auth_proto", json_u32(h->auth_proto));
    return object;
}

static void add_fack(json_t *object, const cmrp_pdu_cl *pdu) {
    if (!pdu->has_body) {
        return;
    }
    set(object, "vers", json_u32(pdu->vers));
    if (pdu->vers > CMRP_CL_FACK_VERS_MAX) {
        return;
    }
    json_t *masks = json_array();
    for (size_t i = 0; i < pdu->selack_len; i++) {
        json_array_append_new(masks, json_u32(cmrp_pdu_cl_selack(pdu, i)));
    }
    set(object, "pad", json_u32(pdu->pad));
    set(object, "window_size", json_u32(pdu->window_size));
    set(object, "max_tsdu", json_u32(pdu->max_tsdu));
    set(object, "max_frag_size", json_u32(pdu->max_frag_size));
    set(object, "serial_num", json_u32(pdu->serial_num));
    set(object, "selack", masks);
}

static void add_cancel(json_t *object, const cmrp_pdu_cl *pdu) {
    if (!pdu->has_body) {
        return;
    }
    set(object, "vers", json_u32(pdu->vers));
    if (pdu->vers <= CMRP_CL_CANCEL_VERS_MAX) {
        set(object, "cancel_id", json_u32(pdu->cancel_id));
        if (pdu->header.ptype == CMRP_PTYPE_CL_CANCEL_ACK) {
            set(object, "server_is_accepting", json_u32(pdu->server_is_accepting));
        }
    }
}

static void add_body(json_t *object, const cmrp_pdu_cl *pdu) {
    switch (pdu->header.ptype) {
    case CMRP_PTYPE_CL_REQUEST:
    case CMRP_PTYPE_CL_RESPONSE: set(object, "stub", json_hex(pdu->stub)); break;
    case CMRP_PTYPE_CL_FAULT:
    case CMRP_PTYPE_CL_REJECT: set(object, "status", json_u32(pdu->status)); break;
    case CMRP_PTYPE_CL_FACK:
    case CMRP_PTYPE_CL_NOCALL: add_fack(object, pdu); break;
    case CMRP_PTYPE_CL_CL_CANCEL:
    case CMRP_PTYPE_CL_CANCEL_ACK: add_cancel(object, pdu); break;
    default: break;
    }
    if (pdu->trailing.size > 0) {
        set(object, "trailing", json_hex(pdu->trailing));
    }
}

static void add_auth(json_t *object, const cmrp_pdu_cl *pdu) {
    if (!pdu->has_auth) {
        return;
    }
    json_t *auth = json_object();
    set(auth, "level", json_u32(pdu->auth_level));
    set(auth, "key_vers_num", json_u32(pdu->key_vers_num));
    set(auth, "pad", json_hex((cmrp_view){pdu->auth_pad, sizeof pdu->auth_pad}));
    set(auth, "token", json_hex(pdu->auth_token));
    if (pdu->auth_padding.size > 0) {
        set(object, "auth_padding", json_hex(pdu->auth_padding));
    }
    set(object, "auth", auth);
}

json_t *json_pdu_cl_decode(cmrp_view bytes, uint64_t offset, cmrp_error *error) {
    cmrp_pdu_cl pdu;
    json_t *warnings = json_array();
    json_t *object = NULL;
    if (cmrp_pdu_cl_decode(bytes, offset, &pdu, json_collect_warning, warnings, error)) {
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
    cmrp_pdu_cl pdu;
    struct buffer stub, padding, token, trailing;
    uint32_t *masks;
};

// The keys of a body, by ptype; NULL-terminated. Stub data takes everything.
static const char *const *body_keys(unsigned ptype) {
    static const char *const stub[] = {"stub", NULL};
    static const char *const status[] = {"status", "trailing", NULL};
    static const char *const fack[] = {"vers",     "pad",           "window_size",
                                       "max_tsdu", "max_frag_size", "serial_num",
                                       "selack",   "trailing",      NULL};
    static const char *const cancel[] = {"vers", "cancel_id", "trailing", NULL};
    static const char *const cancel_ack[] = {"vers", "cancel_id", "server_is_accepting", "trailing",
                                             NULL};
    static const char *const none[] = {"trailing", NULL};
    switch (ptype) {
    case CMRP_PTYPE_CL_REQUEST:
    case CMRP_PTYPE_CL_RESPONSE: return stub;
    case CMRP_PTYPE_CL_FAULT:
    case CMRP_PTYPE_CL_REJECT: return status;
    case CMRP_PTYPE_CL_FACK:
    case CMRP_PTYPE_CL_NOCALL: return fack;
    case CMRP_PTYPE_CL_CL_CANCEL: return cancel;
    case CMRP_PTYPE_CL_CANCEL_ACK: return cancel_ack;
    default: return none;
    }
}

static bool check_keys(struct shape *s, const json_t *object, unsigned ptype) {
    static const char *const common[] = {
        "rpc_vers", "ptype",  "flags1",      "flags2",  "drep",          "serial",       "object",
        "if_id",    "act_id", "server_boot", "if_vers", "if_vers_minor", "seqnum",       "opnum",
        "ihint",    "ahint",  "len",         "fragnum", "auth_proto",    "auth_padding", "auth"};
    enum { COMMON = sizeof common / sizeof common[0], BODY_MAX = 9 };
    const char *keys[COMMON + BODY_MAX];
    memcpy(keys, common, sizeof common);
    size_t n = COMMON;
    for (const char *const *key = body_keys(ptype); *key != NULL; key++) {
        keys[n++] = *key;
    }
    keys[n] = NULL;
    return shape_object(s, object, keys);
}

static bool read_header(struct shape *s, const json_t *object, cmrp_pdu_cl_header *h) {
    const char *ptype = "";
    if (!shape_string(s, object, "ptype", true, &ptype)) {
        return false;
    }
    if (!cmrp_ptype_cl_named(ptype, &h->ptype)) {
        return shape_fail(s, "unknown ptype");
    }
    return check_keys(s, object, h->ptype) && json_read_u8(s, object, "flags1", &h->flags1) &&
           json_read_u8(s, object, "flags2", &h->flags2) &&
           json_read_fixed(s, object, "drep", h->drep, sizeof h->drep) &&
           (h->drep[0] >> 4 <= 1 || shape_fail(s, "unknown integer representation in drep")) &&
           json_read_u16(s, object, "serial", &h->serial) &&
           json_read_uuid(s, object, "object", &h->object) &&
           json_read_uuid(s, object, "if_id", &h->if_id) &&
           json_read_uuid(s, object, "act_id", &h->act_id) &&
           json_read_u32(s, object, "server_boot", &h->server_boot) &&
           json_read_u16(s, object, "if_vers", &h->if_vers) &&
           json_read_u16(s, object, "if_vers_minor", &h->if_vers_minor) &&
           json_read_u32(s, object, "seqnum", &h->seqnum) &&
           json_read_u16(s, object, "opnum", &h->opnum) &&
           json_read_u16(s, object, "ihint", &h->ihint) &&
           json_read_u16(s, object, "ahint", &h->ahint) &&
           json_read_u16(s, object, "fragnum", &h->fragnum) &&
           json_read_u8(s, object, "auth_proto", &h->auth_proto);
}

static bool read_masks(struct shape *s, const json_t *object, struct writing *w) {
    const size_t mark = shape_mark(s);
    const json_t *array = json_object_get(object, "selack");
    size_t i;
    json_t *item;
    shape_enter_key(s, "selack");
    if (!shape_array(s, array)) {
        return false;
    }
    if (json_array_size(array) > UINT16_MAX) {
        return shape_fail(s, "more than 65535 elements");
    }
    w->masks = util_alloc((json_array_size(array) + 1) * sizeof *w->masks);
    json_array_foreach(array, i, item) {
        const size_t inner = shape_mark(s);
        uint64_t mask = 0;
        shape_enter_index(s, i);
        if (!shape_integer(s, item, false, UINT32_MAX, &mask)) {
            return false;
        }
        w->masks[i] = (uint32_t)mask;
        shape_leave(s, inner);
    }
    shape_leave(s, mark);
    w->pdu.selack_len = (uint16_t)json_array_size(array);
    w->pdu.masks = w->masks;
    return true;
}

// A body that may be left out is there when its first field is. Fields behind a version that is not
// known cannot be written.
static bool read_vers(struct shape *s, const json_t *object, bool required, uint64_t max,
                      uint64_t known, cmrp_pdu_cl *pdu) {
    static const char *const behind[] = {"pad",           "window_size",        "max_tsdu",
                                         "max_frag_size", "serial_num",         "selack",
                                         "cancel_id",     "server_is_accepting"};
    uint64_t vers = 0;
    pdu->has_body = required || json_object_get(object, "vers") != NULL;
    if (!shape_u64(s, object, "vers", required, max, &vers)) {
        return false;
    }
    pdu->vers = (uint32_t)vers;
    for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++) {
        if ((!pdu->has_body || vers > known) && json_object_get(object, behind[i]) != NULL) {
            return shape_fail(s, "\"%s\" is given without a version that has it", behind[i]);
        }
    }
    if (!pdu->has_body && json_object_get(object, "trailing") != NULL) {
        return shape_fail(s, "trailing is given without a body");
    }
    return true;
}

static bool read_fack(struct shape *s, const json_t *object, struct writing *w) {
    cmrp_pdu_cl *pdu = &w->pdu;
    if (!read_vers(s, object, false, UINT8_MAX, CMRP_CL_FACK_VERS_MAX, pdu)) {
        return false;
    }
    return !pdu->has_body || pdu->vers > CMRP_CL_FACK_VERS_MAX ||
           (json_read_u8(s, object, "pad", &pdu->pad) &&
            json_read_u16(s, object, "window_size", &pdu->window_size) &&
            json_read_u32(s, object, "max_tsdu", &pdu->max_tsdu) &&
            json_read_u32(s, object, "max_frag_size", &pdu->max_frag_size) &&
            json_read_u16(s, object, "serial_num", &pdu->serial_num) && read_masks(s, object, w));
}

static bool read_cancel(struct shape *s, const json_t *object, struct writing *w) {
    cmrp_pdu_cl *pdu = &w->pdu;
    const bool ack = pdu->header.ptype == CMRP_PTYPE_CL_CANCEL_ACK;
    if (!read_vers(s, object, !ack, UINT32_MAX, CMRP_CL_CANCEL_VERS_MAX, pdu)) {
        return false;
    }
    return !pdu->has_body || pdu->vers > CMRP_CL_CANCEL_VERS_MAX ||
           (json_read_u32(s, object, "cancel_id", &pdu->cancel_id) &&
            (!ack || json_read_u8(s, object, "server_is_accepting", &pdu->server_is_accepting)));
}

static bool read_body(struct shape *s, const json_t *object, struct writing *w) {
    bool ok = true;
    switch (w->pdu.header.ptype) {
    case CMRP_PTYPE_CL_REQUEST:
    case CMRP_PTYPE_CL_RESPONSE: ok = shape_hex(s, object, "stub", true, &w->stub); break;
    case CMRP_PTYPE_CL_FAULT:
    case CMRP_PTYPE_CL_REJECT: ok = json_read_u32(s, object, "status", &w->pdu.status); break;
    case CMRP_PTYPE_CL_FACK:
    case CMRP_PTYPE_CL_NOCALL: ok = read_fack(s, object, w); break;
    case CMRP_PTYPE_CL_CL_CANCEL:
    case CMRP_PTYPE_CL_CANCEL_ACK: ok = read_cancel(s, object, w); break;
    default: break;
    }
    return ok && shape_hex(s, object, "trailing", false, &w->trailing);
}

static bool read_auth(struct shape *s, const json_t *object, struct writing *w) {
    static const char *const keys[] = {"level", "key_vers_num", "pad", "token", NULL};
    const json_t *auth = json_object_get(object, "auth");
    if (auth == NULL) {
        return json_object_get(object, "auth_padding") == NULL ||
               shape_fail(s, "auth_padding is given without auth");
    }
    const size_t mark = shape_mark(s);
    if (!shape_hex(s, object, "auth_padding", false, &w->padding)) {
        return false;
    }
    shape_enter_key(s, "auth");
    if (!shape_object(s, auth, keys) || !json_read_u8(s, auth, "level", &w->pdu.auth_level) ||
        !json_read_u8(s, auth, "key_vers_num", &w->pdu.key_vers_num) ||
        !json_read_fixed(s, auth, "pad", w->pdu.auth_pad, sizeof w->pdu.auth_pad) ||
        !shape_hex(s, auth, "token", true, &w->token)) {
        return false;
    }
    shape_leave(s, mark);
    w->pdu.has_auth = true;
    return true;
}

// len is derived; where it is given it must be right.
static bool check_len(struct shape *s, const json_t *object, const struct writing *w, size_t size) {
    const size_t behind = w->pdu.has_auth ? w->padding.size + CMRP_SEC_TRAILER_CL_SIZE +
                                                CMRP_SEC_TRAILER_CL_PAD + w->token.size
                                          : 0;
    const size_t body = size - CMRP_PDU_CL_HEADER_SIZE - behind;
    uint64_t len = body;
    return shape_u64(s, object, "len", false, UINT16_MAX, &len) &&
           (len == body || shape_fail(s, "len is %zu here", body));
}

static bool write_pdu(void *context, cmrp_writer *w) {
    const struct writing *writing = context;
    return cmrp_pdu_cl_encode(&writing->pdu, w);
}

bool json_pdu_cl_encode(struct shape *s, const json_t *value, struct buffer *out) {
    struct writing w = {0};
    const size_t start = out->size;
    bool ok =
        read_header(s, value, &w.pdu.header) && read_body(s, value, &w) && read_auth(s, value, &w);
    if (ok) {
        w.pdu.stub = buffer_view(&w.stub);
        w.pdu.trailing = buffer_view(&w.trailing);
        w.pdu.auth_padding = buffer_view(&w.padding);
        w.pdu.auth_token = buffer_view(&w.token);
        ok = json_write(s, write_pdu, &w, out) && check_len(s, value, &w, out->size - start);
    }
    buffer_free(&w.stub);
    buffer_free(&w.trailing);
    buffer_free(&w.padding);
    buffer_free(&w.token);
    free(w.masks);
    return ok;
}
