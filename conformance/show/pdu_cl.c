// SPDX-License-Identifier: Apache-2.0
// A connectionless PDU, a field a line.
#include "show/parts.h"
#include "util/text.h"

static void put_flags(struct buffer *out, const struct show_options *options, const char *field,
                      unsigned flags, const char *(*name)(unsigned bit)) {
    bool first = true;
    show_field(out, options, field);
    buffer_printf(out, "0x%02x", flags);
    for (unsigned bit = 1; bit <= 0x80; bit <<= 1) {
        if ((flags & bit) != 0) {
            buffer_printf(out, "%s%s", first ? " " : "|", name(bit));
            first = false;
        }
    }
    buffer_append(out, "\n", 1);
}

static void put_uuid(struct buffer *out, const struct show_options *options, const char *field,
                     const cmrp_uuid *uuid) {
    char text[CMRP_UUID_TEXT_SIZE];
    cmrp_uuid_format(uuid, text);
    show_field(out, options, field);
    buffer_printf(out, "%s\n", text);
}

// 0xffff is how a header says that it has no hint.
static void put_hint(struct buffer *out, const struct show_options *options, const char *field,
                     unsigned hint) {
    if (hint != CMRP_CL_NO_HINT || options->verbose) {
        show_field(out, options, field);
        buffer_printf(out, hint == CMRP_CL_NO_HINT ? "none\n" : "%u\n", hint);
    }
}

static void put_header(struct buffer *out, const cmrp_pdu_cl_header *h,
                       const struct show_options *options) {
    static const cmrp_uuid null = {{0}};
    const bool ours = cmrp_uuid_equal(&h->if_id, &cmrp_uuid_clusapi);
    const bool known = ours && (h->if_vers == CMRP_INTERFACE_2 || h->if_vers == CMRP_INTERFACE_3);
    const cmrp_method *method = known ? cmrp_method_numbered(h->if_vers, h->opnum) : NULL;
    const cmrp_syntax_id interface = {h->if_id, h->if_vers, h->if_vers_minor};
    show_indent(out, options);
    show_styled(out, options, SHOW_NAME, "%s", cmrp_ptype_cl_name(h->ptype));
    buffer_printf(out, ", call %u, fragment %u, %u octets, version 4, %s\n", h->seqnum, h->fragnum,
                  h->len, h->order == CMRP_BIG_ENDIAN ? "big-endian" : "little-endian");
    put_flags(out, options, "flags1", h->flags1, cmrp_pf_name);
    put_flags(out, options, "flags2", h->flags2, cmrp_pf2_name);
    show_number(out, options, "serial", h->serial);
    if (!cmrp_uuid_equal(&h->object, &null) || options->verbose) {
        put_uuid(out, options, "object", &h->object);
    }
    show_field(out, options, "interface");
    show_syntax_id(out, &interface);
    buffer_append(out, "\n", 1);
    put_uuid(out, options, "act_id", &h->act_id);
    show_field(out, options, "server_boot");
    buffer_printf(out, "0x%08x\n", h->server_boot);
    show_field(out, options, "opnum");
    buffer_printf(out, "%u", h->opnum);
    if (method != NULL) {
        buffer_printf(out, " (clusapi: %s)", method->name);
    }
    buffer_append(out, "\n", 1);
    put_hint(out, options, "ihint", h->ihint);
    put_hint(out, options, "ahint", h->ahint);
}

static void put_fack(struct buffer *out, const cmrp_pdu_cl *pdu,
                     const struct show_options *options) {
    show_number(out, options, "vers", pdu->vers);
    if (pdu->vers > CMRP_CL_FACK_VERS_MAX) {
        return;
    }
    show_field(out, options, "window_size");
    buffer_printf(out, "%u KiB\n", pdu->window_size);
    show_number(out, options, "max_tsdu", pdu->max_tsdu);
    show_number(out, options, "max_frag_size", pdu->max_frag_size);
    show_number(out, options, "serial_num", pdu->serial_num);
    for (size_t i = 0; i < pdu->selack_len; i++) {
        show_field(out, options, "selack");
        buffer_printf(out, "0x%08x\n", cmrp_pdu_cl_selack(pdu, i));
    }
}

static void put_cancel(struct buffer *out, const cmrp_pdu_cl *pdu,
                       const struct show_options *options) {
    show_number(out, options, "vers", pdu->vers);
    if (pdu->vers > CMRP_CL_CANCEL_VERS_MAX) {
        return;
    }
    show_number(out, options, "cancel_id", pdu->cancel_id);
    if (pdu->header.ptype == CMRP_PTYPE_CL_CANCEL_ACK) {
        show_number(out, options, "accepting", pdu->server_is_accepting);
    }
}

static void put_body(struct buffer *out, const cmrp_pdu_cl *pdu,
                     const struct show_options *options) {
    const char *name = show_fault(pdu->status);
    switch (pdu->header.ptype) {
    case CMRP_PTYPE_CL_REQUEST:
    case CMRP_PTYPE_CL_RESPONSE: show_octets_field(out, options, "stub", pdu->stub); break;
    case CMRP_PTYPE_CL_FAULT:
    case CMRP_PTYPE_CL_REJECT:
        show_field(out, options, "status");
        buffer_printf(out, "0x%08x%s%s\n", pdu->status, name != NULL ? " " : "",
                      name != NULL ? name : "");
        break;
    case CMRP_PTYPE_CL_FACK:
    case CMRP_PTYPE_CL_NOCALL:
        if (pdu->has_body) {
            put_fack(out, pdu, options);
        }
        break;
    case CMRP_PTYPE_CL_CL_CANCEL:
    case CMRP_PTYPE_CL_CANCEL_ACK:
        if (pdu->has_body) {
            put_cancel(out, pdu, options);
        }
        break;
    default: break;
    }
    if (pdu->trailing.size > 0) {
        show_octets_field(out, options, "trailing", pdu->trailing);
    }
}

static void put_auth(struct buffer *out, const cmrp_pdu_cl *pdu,
                     const struct show_options *options) {
    const char *type = show_auth_type(pdu->header.auth_proto);
    const char *level = show_auth_level(pdu->auth_level);
    if (pdu->header.auth_proto == 0) {
        return;
    }
    show_field(out, options, "auth_proto");
    buffer_printf(out, "%u%s%s\n", pdu->header.auth_proto, type != NULL ? " " : "",
                  type != NULL ? type : "");
    if (!pdu->has_auth) {
        return;
    }
    show_field(out, options, "auth_level");
    buffer_printf(out, "%u%s%s\n", pdu->auth_level, level != NULL ? " " : "",
                  level != NULL ? level : "");
    show_number(out, options, "key_vers_num", pdu->key_vers_num);
    show_octets_field(out, options, "auth_value", pdu->auth_token);
}

bool show_pdu_cl(struct buffer *out, cmrp_view octets, const struct show_options *options,
                 cmrp_error *error) {
    cmrp_pdu_cl pdu;
    cmrp_error ignored = {0};
    cmrp_pdu_cl_header header;
    struct show_warned w = {.options = options};
    const bool ok = cmrp_pdu_cl_decode(octets, 0, &pdu, show_keep_warning, &w, error);
    // On an error the header is what can be relied on.
    if (cmrp_pdu_cl_peek(octets, 0, &header, &ignored)) {
        put_header(out, &header, options);
    }
    if (ok) {
        put_body(out, &pdu, options);
        put_auth(out, &pdu, options);
    }
    buffer_append(out, w.lines.data, w.lines.size);
    buffer_free(&w.lines);
    return ok;
}
