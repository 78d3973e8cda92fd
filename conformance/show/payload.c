// SPDX-License-Identifier: Apache-2.0
// Payloads of version 2 notifications: what their octets say, in words.
#include <string.h>

#include "show/parts.h"

static void put_named(struct buffer *out, const cmrp_payload_names *names, uint32_t value) {
    const char *name = names != NULL ? cmrp_payload_name_of(names, value) : NULL;
    if (name != NULL) {
        buffer_printf(out, "%s (%u)", name, value);
    } else {
        buffer_printf(out, "%u (0x%08x)%s", value, value,
                      names != NULL && !names->open ? " not defined" : "");
    }
}

static void put_strings(struct buffer *out, cmrp_view units) {
    size_t cursor = 0;
    cmrp_view text;
    const char *comma = "";
    buffer_append(out, "[", 1);
    while (cmrp_multi_sz_next(units, &cursor, &text)) {
        buffer_printf(out, "%s", comma);
        show_text(out, text, CMRP_LITTLE_ENDIAN);
        comma = ", ";
    }
    buffer_append(out, "]", 1);
}

static void put_membership(struct buffer *out, const cmrp_payload *p) {
    buffer_printf(out, "%s, ", p->has_quorum != 0 ? "quorum" : "no quorum");
    if (p->up_nodes.size == 0) {
        buffer_printf(out, "no node is up");
        return;
    }
    buffer_printf(out, "up: node%s", p->up_nodes.size == 1 ? "" : "s");
    for (size_t i = 0; i < p->up_nodes.size; i++) {
        buffer_printf(out, "%s %u", i > 0 ? "," : "", p->up_nodes.data[i]);
    }
}

// How many properties, and in brief their names.
static void put_property_names(struct buffer *out, cmrp_view octets) {
    enum { FEW = 4 };
    cmrp_error ignored = {0};
    cmrp_property_list list;
    cmrp_property p;
    size_t nuls;
    if (!cmrp_property_list_open(&list, octets, 0, &ignored)) {
        return;
    }
    buffer_printf(out, "%u propert%s", list.count, list.count == 1 ? "y" : "ies");
    while (list.index < FEW && cmrp_property_list_next(&list, &p)) {
        buffer_printf(out, list.index == 1 ? ": " : ", ");
        show_text(out, cmrp_text_before_nuls(p.name, &nuls), CMRP_LITTLE_ENDIAN);
    }
    if (list.index < list.count) {
        buffer_printf(out, ", %u more", list.count - list.index);
    }
}

void show_payload_brief(struct buffer *out, const cmrp_payload *p,
                        const struct show_options *options) {
    switch (p->kind) {
    case CMRP_PAYLOAD_EMPTY: buffer_printf(out, "empty"); break;
    case CMRP_PAYLOAD_STATE:
    case CMRP_PAYLOAD_DWORD: put_named(out, p->row->names, p->value); break;
    case CMRP_PAYLOAD_ID:
    case CMRP_PAYLOAD_TEXT: show_text(out, p->text, CMRP_LITTLE_ENDIAN); break;
    case CMRP_PAYLOAD_MULTI_SZ: put_strings(out, p->octets); break;
    case CMRP_PAYLOAD_MEMBERSHIP: put_membership(out, p); break;
    case CMRP_PAYLOAD_PROPERTIES:
    case CMRP_PAYLOAD_SHARED_VOLUMES: put_property_names(out, p->octets); break;
    default: show_octets(out, p->octets, options); break;
    }
}

// ---- property lists -----------------------------------------------------------------------------

// A syntax without what the names of all have in common.
static const char *short_syntax(uint32_t syntax) {
    static const char *const prefixes[] = {"CLUSPROP_SYNTAX_", "LIST_VALUE_"};
    const char *name = cmrp_property_syntax_name(syntax);
    for (size_t i = 0; name != NULL && i < sizeof prefixes / sizeof prefixes[0]; i++) {
        const size_t size = strlen(prefixes[i]);
        name += strncmp(name, prefixes[i], size) == 0 ? size : 0;
    }
    return name != NULL ? name : "?";
}

static void put_reasons(struct buffer *out, const cmrp_payload_names *names, const char *title,
                        uint64_t reasons) {
    uint64_t known = 0;
    if (reasons == 0) {
        return;
    }
    buffer_printf(out, ", %s:", title);
    for (uint32_t i = 0; i < names->count; i++) {
        if ((reasons & names->names[i].value) != 0) {
            buffer_printf(out, " %s", names->names[i].name);
        }
        known |= names->names[i].value;
    }
    if ((reasons & ~known) != 0) {
        buffer_printf(out, " 0x%llx", (unsigned long long)(reasons & ~known));
    }
}

static void put_volume(struct buffer *out, const cmrp_shared_volume *v) {
    put_named(out, cmrp_shared_volume_states(), v->state);
    buffer_printf(out, ", volume ");
    show_text(out, v->volume_name.text, CMRP_LITTLE_ENDIAN);
    if (v->ex) {
        buffer_append(out, " ", 1);
        show_text(out, v->friendly_name.text, CMRP_LITTLE_ENDIAN);
    }
    buffer_printf(out, ", node ");
    show_text(out, v->node_name.text, CMRP_LITTLE_ENDIAN);
    put_reasons(out, cmrp_redirected_reasons(), "redirected", v->redirected_reason);
    put_reasons(out, cmrp_block_redirected_reasons(), "block redirected",
                v->block_redirected_reason);
}

static void put_number(struct buffer *out, const cmrp_property_value *v) {
    const uint64_t number = cmrp_property_value_number(v);
    const int digits = (int)(2 * v->data.size);
    const uint64_t bits = v->data.size == 8 ? number : number & 0xffffffffu;
    if (cmrp_property_value_form(v) == CMRP_FORM_SIGNED) {
        buffer_printf(out, "%lld", (long long)(int64_t)number);
    } else {
        buffer_printf(out, "%llu", (unsigned long long)number);
    }
    buffer_printf(out, " (0x%0*llx)", digits, (unsigned long long)bits);
}

static void put_value(struct buffer *out, const cmrp_property_value *v, bool shared_volumes,
                      const struct show_options *options) {
    cmrp_shared_volume volume;
    cmrp_error ignored = {0};
    size_t nuls;
    switch (cmrp_property_value_form(v)) {
    case CMRP_FORM_UNSIGNED:
    case CMRP_FORM_SIGNED: put_number(out, v); break;
    case CMRP_FORM_STRING:
        show_text(out, cmrp_text_before_nuls(v->data, &nuls), CMRP_LITTLE_ENDIAN);
        break;
    case CMRP_FORM_MULTI_SZ: put_strings(out, v->data); break;
    default:
        if (shared_volumes && v->syntax == CMRP_CLUSPROP_SYNTAX_LIST_VALUE_BINARY &&
            cmrp_shared_volume_read(v->data, 0, &volume, NULL, NULL, &ignored)) {
            put_volume(out, &volume);
        } else {
            show_octets(out, v->data, options);
        }
    }
}

// The name before the first value; the others stand below.
static void put_property(struct buffer *out, const cmrp_property *p, bool shared_volumes,
                         const struct show_options *options) {
    cmrp_property_value v;
    size_t cursor = 0;
    size_t nuls;
    size_t width = 0;
    while (cmrp_property_next_value(p, &cursor, &v)) {
        show_indent(out, options);
        if (options->verbose) {
            buffer_printf(out, "%6llu  ", (unsigned long long)v.offset);
        }
        const size_t start = out->size;
        if (width == 0) {
            show_text(out, cmrp_text_before_nuls(p->name, &nuls), CMRP_LITTLE_ENDIAN);
            width = show_width(out, start);
        } else {
            show_pad(out, start, width);
        }
        buffer_printf(out, "  %s  ", short_syntax(v.syntax));
        put_value(out, &v, shared_volumes, options);
        buffer_append(out, "\n", 1);
    }
}

static void put_properties(struct buffer *out, const cmrp_payload *p,
                           const struct show_options *options) {
    const bool shared_volumes = p->kind == CMRP_PAYLOAD_SHARED_VOLUMES;
    cmrp_error ignored = {0};
    cmrp_property_list list;
    cmrp_property property;
    if (cmrp_property_list_open(&list, p->octets, 0, &ignored)) {
        list.shared_volumes = shared_volumes;
        while (cmrp_property_list_next(&list, &property)) {
            put_property(out, &property, shared_volumes, options);
        }
    }
}

// ---- whole payloads -----------------------------------------------------------------------------

bool show_payload(struct buffer *out, uint32_t object_type, uint64_t flag, cmrp_view octets,
                  const struct show_options *options, cmrp_error *error) {
    struct show_options deeper = *options;
    struct show_warned warned = {.options = options};
    cmrp_payload p;
    deeper.indent += 2;
    const bool ok =
        cmrp_payload_decode(object_type, flag, octets, 0, &p, show_keep_warning, &warned, error);
    if (ok) {
        const bool list =
            p.kind == CMRP_PAYLOAD_PROPERTIES || p.kind == CMRP_PAYLOAD_SHARED_VOLUMES;
        show_indent(out, options);
        buffer_printf(out, "%s: ", p.row != NULL ? p.row->what : "octets");
        if (list && p.octets.size >= 4) {
            const uint32_t count = cmrp_load_u32(p.octets.data, CMRP_LITTLE_ENDIAN);
            buffer_printf(out, "%u", count);
        } else {
            show_payload_brief(out, &p, options);
        }
        buffer_append(out, "\n", 1);
        if (list) {
            put_properties(out, &p, &deeper);
        }
    }
    buffer_append(out, warned.lines.data, warned.lines.size);
    buffer_free(&warned.lines);
    return ok;
}
