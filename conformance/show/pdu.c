// SPDX-License-Identifier: Apache-2.0
// A PDU, a field or list element a line.
#include "show/parts.h"
#include "util/text.h"

void show_field(struct buffer *out, const struct show_options *options, const char *name) {
    enum { COLUMN = 18 };
    show_indent(out, options);
    const size_t start = out->size;
    buffer_printf(out, "  %s", name);
    show_pad(out, start, COLUMN);
    buffer_append(out, "  ", 2);
}

void show_number(struct buffer *out, const struct show_options *options, const char *name,
                 uint64_t value) {
    show_field(out, options, name);
    buffer_printf(out, "%llu\n", (unsigned long long)value);
}

void show_octets_field(struct buffer *out, const struct show_options *options, const char *name,
                       cmrp_view octets) {
    show_field(out, options, name);
    show_octets(out, octets, options);
    buffer_append(out, "\n", 1);
}

static void put_header(struct buffer *out, const cmrp_pdu_header *h,
                       const struct show_options *options) {
    bool first = true;
    show_indent(out, options);
    show_styled(out, options, SHOW_NAME, "%s", cmrp_ptype_name(h->ptype));
    buffer_printf(out, ", call %u, %u octets, version 5.%u, %s\n", h->call_id, h->frag_length,
                  h->minor, h->order == CMRP_BIG_ENDIAN ? "big-endian" : "little-endian");
    show_field(out, options, "pfc_flags");
    buffer_printf(out, "0x%02x", h->flags);
    for (unsigned bit = 1; bit <= 0x80; bit <<= 1) {
        if ((h->flags & bit) != 0) {
            buffer_printf(out, "%s%s", first ? " " : "|", cmrp_pfc_name(h->ptype, bit));
            first = false;
        }
    }
    buffer_append(out, "\n", 1);
}

static void put_contexts(struct buffer *out, const cmrp_pdu *pdu,
                         const struct show_options *options) {
    size_t cursor = 0;
    cmrp_pdu_context context;
    while (cmrp_pdu_next_context(pdu, &cursor, &context)) {
        size_t inner = 0;
        cmrp_syntax_id transfer;
        show_field(out, options, "context");
        buffer_printf(out, "%u: ", context.id);
        show_syntax_id(out, &context.abstract_syntax);
        buffer_printf(out, " in ");
        for (bool first = true; cmrp_pdu_next_transfer(&context, &inner, &transfer);
             first = false) {
            buffer_printf(out, "%s", first ? "" : " or ");
            show_syntax_id(out, &transfer);
        }
        buffer_append(out, "\n", 1);
    }
}

static void put_results(struct buffer *out, const cmrp_pdu *pdu,
                        const struct show_options *options) {
    static const char *const names[] = {"acceptance", "user_rejection", "provider_rejection",
                                        "negotiate_ack"};
    size_t cursor = 0;
    cmrp_pdu_result result;
    while (cmrp_pdu_next_result(pdu, &cursor, &result)) {
        show_field(out, options, "result");
        if (result.result < sizeof names / sizeof names[0]) {
            buffer_printf(out, "%s", names[result.result]);
        } else {
            buffer_printf(out, "%u", result.result);
        }
        if (result.result == CMRP_RESULT_ACCEPTANCE) {
            buffer_printf(out, " of ");
            show_syntax_id(out, &result.transfer);
        } else {
            buffer_printf(out,
                          result.result == CMRP_RESULT_NEGOTIATE_ACK ? " of features 0x%02x"
                                                                     : ", reason %u",
                          result.reason);
        }
        buffer_append(out, "\n", 1);
    }
}

static void put_association(struct buffer *out, const cmrp_pdu *pdu,
                            const struct show_options *options) {
    show_number(out, options, "max_xmit_frag", pdu->max_xmit_frag);
    show_number(out, options, "max_recv_frag", pdu->max_recv_frag);
    show_number(out, options, "assoc_group_id", pdu->assoc_group_id);
}

static void put_call(struct buffer *out, const cmrp_pdu *pdu, const struct show_options *options) {
    show_number(out, options, "alloc_hint", pdu->alloc_hint);
    show_number(out, options, "p_cont_id", pdu->context_id);
    if (pdu->header.ptype == CMRP_PTYPE_REQUEST) {
        const char *name = cmrp_opnum_name(CMRP_INTERFACE_3, pdu->opnum);
        show_field(out, options, "opnum");
        buffer_printf(out, "%u", pdu->opnum);
        if (name != NULL) {
            buffer_printf(out, " (clusapi: %s)", name);
        }
        buffer_append(out, "\n", 1);
    } else {
        show_number(out, options, "cancel_count", pdu->cancel_count);
    }
    if (pdu->has_object) {
        char text[CMRP_UUID_TEXT_SIZE];
        cmrp_uuid_format(&pdu->object, text);
        show_field(out, options, "object");
        buffer_printf(out, "%s\n", text);
    }
    if (pdu->header.ptype == CMRP_PTYPE_FAULT) {
        const char *name = show_fault(pdu->status);
        show_field(out, options, "status");
        buffer_printf(out, "0x%08x%s%s\n", pdu->status, name != NULL ? " " : "",
                      name != NULL ? name : "");
    }
    show_octets_field(out, options, "stub", pdu->stub);
}

static void put_auth(struct buffer *out, const cmrp_pdu *pdu, const struct show_options *options) {
    const char *type = show_auth_type(pdu->auth_type);
    const char *level = show_auth_level(pdu->auth_level);
    if (!pdu->has_auth) {
        return;
    }
    show_field(out, options, "auth_type");
    buffer_printf(out, "%u%s%s\n", pdu->auth_type, type != NULL ? " " : "",
                  type != NULL ? type : "");
    show_field(out, options, "auth_level");
    buffer_printf(out, "%u%s%s\n", pdu->auth_level, level != NULL ? " " : "",
                  level != NULL ? level : "");
    show_number(out, options, "auth_context_id", pdu->auth_context_id);
    if (pdu->auth_padding.size > 0) {
        show_octets_field(out, options, "auth_padding", pdu->auth_padding);
    }
    show_octets_field(out, options, "auth_value", pdu->auth_token);
}

static void put_nak(struct buffer *out, const cmrp_pdu *pdu, const struct show_options *options) {
    show_number(out, options, "reject_reason", pdu->nak_reason);
    for (size_t i = 0; i + 1 < pdu->list.size; i += 2) {
        show_field(out, options, "version");
        buffer_printf(out, "%u.%u\n", pdu->list.data[i], pdu->list.data[i + 1]);
    }
    if (pdu->extension.size > 0) {
        show_octets_field(out, options, "extension", pdu->extension);
    }
}

static void put_body(struct buffer *out, const cmrp_pdu *pdu, const struct show_options *options) {
    switch (pdu->header.ptype) {
    case CMRP_PTYPE_REQUEST:
    case CMRP_PTYPE_RESPONSE:
    case CMRP_PTYPE_FAULT: put_call(out, pdu, options); break;
    case CMRP_PTYPE_BIND:
    case CMRP_PTYPE_ALTER_CONTEXT:
        put_association(out, pdu, options);
        put_contexts(out, pdu, options);
        break;
    case CMRP_PTYPE_BIND_ACK:
    case CMRP_PTYPE_ALTER_CONTEXT_RESP:
        put_association(out, pdu, options);
        show_field(out, options, "sec_addr");
        buffer_append(out, "\"", 1);
        text_escape(out, (const char *)pdu->sec_addr.data, pdu->sec_addr.size);
        buffer_append(out, "\"\n", 2);
        put_results(out, pdu, options);
        break;
    case CMRP_PTYPE_BIND_NAK: put_nak(out, pdu, options); break;
    default: break;
    }
    if (pdu->trailing.size > 0) {
        show_octets_field(out, options, "trailing", pdu->trailing);
    }
}

void show_keep_warning(void *context, const cmrp_error *warning) {
    struct show_warned *w = context;
    show_indent(&w->lines, w->options);
    buffer_printf(&w->lines, "  ");
    show_complaint(&w->lines, warning, w->options);
    buffer_append(&w->lines, "\n", 1);
}

bool show_pdu(struct buffer *out, cmrp_view octets, const struct show_options *options,
              cmrp_error *error) {
    if (json_is_pdu_cl(octets)) {
        return show_pdu_cl(out, octets, options, error);
    }
    cmrp_pdu pdu;
    cmrp_error ignored = {0};
    cmrp_pdu_header header;
    struct show_warned w = {.options = options};
    const bool ok = cmrp_pdu_decode(octets, 0, &pdu, show_keep_warning, &w, error);
    // On an error the header is what can be relied on.
    if (cmrp_pdu_peek(octets, 0, &header, &ignored)) {
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
