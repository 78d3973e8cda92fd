// SPDX-License-Identifier: Apache-2.0
// Protocol towers and the stubs of ept_map: a line for each floor or parameter.
#include <string.h>

#include "show/parts.h"

static void put_floor(struct buffer *out, const cmrp_floor *f, const struct show_options *options) {
    const char *protocol = cmrp_tower_protocol_name(f->protocol);
    show_indent(out, options);
    if (options->verbose) {
        show_styled(out, options, SHOW_FAINT, "%5llu  ", (unsigned long long)f->offset);
    }
    if (protocol != NULL) {
        show_styled(out, options, SHOW_NAME, "%-10s", protocol);
    } else {
        show_styled(out, options, SHOW_NAME, "0x%02x      ", f->protocol);
    }
    buffer_printf(out, "  ");
    switch (f->kind) {
    case CMRP_FLOOR_UUID: show_syntax_id(out, &f->id); break;
    case CMRP_FLOOR_RPC: buffer_printf(out, "minor version %u", f->number); break;
    case CMRP_FLOOR_PORT: buffer_printf(out, "port %u", f->number); break;
    case CMRP_FLOOR_ADDRESS:
        buffer_printf(out, "%u.%u.%u.%u", f->address[0], f->address[1], f->address[2],
                      f->address[3]);
        break;
    case CMRP_FLOOR_NAME: show_octets(out, f->name, options); break;
    default:
        buffer_printf(out, "left ");
        show_octets(out, f->lhs, options);
        buffer_printf(out, ", right ");
        show_octets(out, f->rhs, options);
    }
    buffer_append(out, "\n", 1);
}

// The floors before the first wrong one, too.
static bool put_tower(struct buffer *out, cmrp_view octets, uint64_t offset,
                      const struct show_options *options, struct show_warned *warned,
                      cmrp_error *error) {
    cmrp_tower tower;
    cmrp_floor floor;
    size_t cursor = 0;
    const bool ok = cmrp_tower_decode(octets, offset, &tower, show_keep_warning, warned, error);
    while (cmrp_tower_next(&tower, &cursor, &floor)) {
        put_floor(out, &floor, options);
    }
    if (tower.trailing.size > 0) {
        show_octets_field(out, options, "trailing", tower.trailing);
    }
    return ok;
}

// A tower within a stub: one that cannot be read does not make the stub wrong.
static void put_inner(struct buffer *out, const char *name, cmrp_view octets, uint64_t offset,
                      const struct show_options *options, struct show_warned *warned) {
    struct show_options deeper = *options;
    cmrp_error error = {0};
    char text[256];
    deeper.indent += 2;
    show_field(out, options, name);
    if (octets.data == NULL) {
        buffer_printf(out, "NULL\n");
        return;
    }
    buffer_printf(out, "%zu octets\n", octets.size);
    if (!put_tower(out, octets, offset, &deeper, warned, &error)) {
        cmrp_error_format(&error, text, sizeof text);
        show_indent(out, &deeper);
        show_styled(out, options, SHOW_WARNING, "%s", text);
        buffer_append(out, "\n", 1);
    }
}

static void put_handle(struct buffer *out, const uint8_t *handle,
                       const struct show_options *options) {
    show_octets_field(out, options, "entry_handle", (cmrp_view){handle, CMRP_HANDLE_SIZE});
}

static bool put_request(struct buffer *out, const cmrp_stub_format *f, cmrp_view octets,
                        const struct show_options *options, struct show_warned *warned,
                        cmrp_error *error) {
    cmrp_epm_request r;
    char uuid[CMRP_UUID_TEXT_SIZE] = "NULL";
    if (!cmrp_epm_request_decode(octets, 0, f->syntax, f->order, &r, show_keep_warning, warned,
                                 error)) {
        return false;
    }
    if (r.has_object) {
        cmrp_uuid_format(&r.object, uuid);
    }
    show_field(out, options, "obj");
    buffer_printf(out, "%s\n", uuid);
    put_inner(out, "map_tower", r.has_tower ? r.tower : (cmrp_view){NULL, 0}, r.tower_offset,
              options, warned);
    put_handle(out, r.entry_handle, options);
    show_number(out, options, "max_towers", r.max_towers);
    return true;
}

static bool put_response(struct buffer *out, const cmrp_stub_format *f, cmrp_view octets,
                         const struct show_options *options, struct show_warned *warned,
                         cmrp_error *error) {
    cmrp_epm_response r;
    cmrp_epm_cursor cursor = {0};
    cmrp_view tower;
    uint64_t offset;
    if (!cmrp_epm_response_decode(octets, 0, f->syntax, f->order, &r, show_keep_warning, warned,
                                  error)) {
        return false;
    }
    put_handle(out, r.entry_handle, options);
    show_number(out, options, "num_towers", r.num_towers);
    show_number(out, options, "max_towers", r.max_towers);
    while (cmrp_epm_next_tower(&r, &cursor, &tower, &offset)) {
        put_inner(out, "ITowers", tower, offset, options, warned);
    }
    show_field(out, options, "status");
    buffer_printf(out, "0x%08x\n", r.status);
    return true;
}

bool show_tower(struct buffer *out, const struct json_selector *how, cmrp_view octets,
                const struct show_options *options, cmrp_error *error) {
    struct show_warned warned = {.options = options};
    const bool ok = !how->ept_map ? put_tower(out, octets, 0, options, &warned, error)
                    : how->stub.response
                        ? put_response(out, &how->stub, octets, options, &warned, error)
                        : put_request(out, &how->stub, octets, options, &warned, error);
    buffer_append(out, warned.lines.data, warned.lines.size);
    buffer_free(&warned.lines);
    return ok;
}
