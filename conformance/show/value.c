// SPDX-License-Identifier: Apache-2.0
// Values by themselves: dispatch, change values, PDUs.
#include "show/parts.h"

void show_change(struct buffer *out, const cmrp_change_set *set, uint64_t value,
                 const struct show_options *options) {
    const int digits = (int)(2 * set->width);
    const uint64_t unknown = cmrp_change_unknown(set, value);
    const cmrp_change_flag *flag;
    uint32_t cursor = 0;
    show_indent(out, options);
    show_styled(out, options, SHOW_NAME, "%s", set->name);
    buffer_printf(out, " %llu (0x%0*llx)\n", (unsigned long long)value, digits,
                  (unsigned long long)value);
    while ((flag = cmrp_change_next(set, value, &cursor)) != NULL) {
        show_indent(out, options);
        buffer_printf(out, "  0x%0*llx  %s\n", digits, (unsigned long long)flag->value, flag->name);
    }
    if (unknown != 0) {
        show_indent(out, options);
        buffer_printf(out, "  0x%0*llx  ", digits, (unsigned long long)unknown);
        show_styled(out, options, SHOW_WARNING, "not defined");
        buffer_append(out, "\n", 1);
    }
}

static bool change_value(struct buffer *out, const cmrp_change_set *set, cmrp_view octets,
                         const struct show_options *options, cmrp_error *error) {
    uint64_t value;
    if (!cmrp_change_decode(set, octets, &value, error)) {
        return false;
    }
    show_change(out, set, value, options);
    return true;
}

static bool payload_value(struct buffer *out, const struct json_selector *how, cmrp_view octets,
                          const struct show_options *options, cmrp_error *error) {
    struct show_options deeper = *options;
    deeper.indent += 2;
    show_indent(out, options);
    show_styled(out, options, SHOW_NAME, "%s", how->flag->name);
    buffer_printf(out, ", %zu octet%s\n", octets.size, octets.size == 1 ? "" : "s");
    return show_payload(out, how->object_type, how->flag->value, octets, &deeper, error);
}

bool show_value(struct buffer *out, const struct json_selector *how, cmrp_view octets,
                const struct show_options *options, cmrp_error *error) {
    switch (how->type) {
    case JSON_TYPE_BATCH: return show_batch(out, octets, how->batch_flags, options, error);
    case JSON_TYPE_CHANGE: return change_value(out, how->set, octets, options, error);
    case JSON_TYPE_STUB: return show_stub(out, &how->stub, octets, options, error);
    case JSON_TYPE_PAYLOAD: return payload_value(out, how, octets, options, error);
    case JSON_TYPE_TOWER: return show_tower(out, how, octets, options, error);
    default: return show_pdu(out, octets, options, error);
    }
}
