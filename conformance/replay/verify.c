// SPDX-License-Identifier: Apache-2.0
// The verification trailer of a request [MS-RPCE 2.2.2.13].
#include <string.h>

#include "replay/state.h"

enum {
    SIGNATURE = 8,
    COMMAND_BITS = 0x3fff,
    COMMAND_END = 0x4000,
    COMMAND_MUST_PROCESS = 0x8000,
    COMMAND_BITMASK = 1,
    COMMAND_PCONTEXT = 2,
    COMMAND_HEADER2 = 3,
    SYNTAX_ID = 20,
};

// Octets of the data of a command.
static const size_t lengths[] = {0, 4, 2 * SYNTAX_ID, 0x10};

// At a multiple of 4 from the PDU's start, and so from that of the last fragment's stub, whose head
// is 24 or 40 octets. What stands before it is padding.
bool replay_find_trailer(cmrp_view stub, size_t end, size_t last_at, cmrp_view *trailer) {
    static const uint8_t signature[SIGNATURE] = {0x8a, 0xe3, 0x13, 0x71, 0x02, 0xf4, 0x36, 0x71};
    const size_t from = end > last_at ? end : last_at;
    for (size_t at = last_at + ((from - last_at + 3) & ~(size_t)3);
         at + sizeof signature <= stub.size; at += 4) {
        if (memcmp(stub.data + at, signature, sizeof signature) == 0) {
            *trailer = (cmrp_view){stub.data + at, stub.size - at};
            return true;
        }
    }
    return false;
}

static const char *section_of(unsigned type) {
    static const char *const sections[] = {"MS-RPCE 2.2.2.13", "MS-RPCE 2.2.2.13.2",
                                           "MS-RPCE 2.2.2.13.4", "MS-RPCE 2.2.2.13.3"};
    return sections[type <= COMMAND_HEADER2 ? type : 0];
}

const char *replay_trailer_command_name(unsigned type) {
    static const char *const names[] = {NULL, "bitmask", "pcontext", "header2"};
    return type <= COMMAND_HEADER2 ? names[type] : NULL;
}

bool replay_next_trailer_command(cmrp_view trailer, size_t *cursor,
                                 struct replay_trailer_command *command) {
    cmrp_error ignored = {0};
    cmrp_reader r;
    const size_t at = *cursor == 0 ? (size_t)SIGNATURE : *cursor;
    uint16_t word, length;
    if (at >= trailer.size) {
        return false;
    }
    cmrp_reader_init(&r, (cmrp_view){trailer.data + at, trailer.size - at}, at, &ignored, "");
    if (!cmrp_take_u16(&r, "command", CMRP_LITTLE_ENDIAN, &word) ||
        !cmrp_take_u16(&r, "length", CMRP_LITTLE_ENDIAN, &length) ||
        !cmrp_take_view(&r, "data", length, &command->data)) {
        return false;
    }
    command->type = word & COMMAND_BITS;
    command->last = (word & COMMAND_END) != 0;
    command->must_process = (word & COMMAND_MUST_PROCESS) != 0;
    command->offset = at;
    *cursor = command->last ? trailer.size : (size_t)r.offset;
    command->behind = trailer.size - (size_t)r.offset;
    return true;
}

static void show_syntax(struct buffer *out, const uint8_t *octets) {
    cmrp_error ignored = {0};
    cmrp_reader r;
    cmrp_syntax_id id;
    cmrp_reader_init(&r, (cmrp_view){octets, SYNTAX_ID}, 0, &ignored, "");
    if (cmrp_take_syntax_id(&r, "", CMRP_LITTLE_ENDIAN, &id)) {
        show_syntax_id(out, &id);
    }
}

void replay_show_trailer(struct buffer *out, cmrp_view trailer,
                         const struct show_options *options) {
    struct replay_trailer_command command;
    size_t cursor = 0;
    while (replay_next_trailer_command(trailer, &cursor, &command)) {
        const uint8_t *d = command.data.data;
        const char *name = replay_trailer_command_name(command.type);
        show_indent(out, options);
        if (name == NULL || command.data.size != lengths[command.type]) {
            buffer_printf(out, "command %u, ", command.type);
            show_octets(out, command.data, options);
        } else if (command.type == COMMAND_BITMASK) {
            buffer_printf(out, "bitmask 0x%08x", cmrp_load_u32(d, CMRP_LITTLE_ENDIAN));
        } else if (command.type == COMMAND_PCONTEXT) {
            buffer_printf(out, "pcontext ");
            show_syntax(out, d);
            buffer_printf(out, " in ");
            show_syntax(out, d + SYNTAX_ID);
        } else {
            const char *ptype = cmrp_ptype_name(d[0]);
            buffer_printf(out, "header2 %s, call %u, context %u, opnum %u",
                          ptype != NULL ? ptype : "of an unknown type",
                          cmrp_load_u32(d + 8, CMRP_LITTLE_ENDIAN),
                          cmrp_load_u16(d + 12, CMRP_LITTLE_ENDIAN),
                          cmrp_load_u16(d + 14, CMRP_LITTLE_ENDIAN));
        }
        buffer_printf(out, "%s\n", command.must_process ? ", must be processed" : "");
    }
}

// ---- what is wrong with one ---------------------------------------------------------------------

static void complain(struct replay_call *out, size_t offset, const char *section, const char *field,
                     const char *message) {
    replay_add_finding(out, false, out->call->request.stamp.frame, offset, section, field, message);
}

static bool same_syntax(const uint8_t *octets, const cmrp_syntax_id *id) {
    cmrp_error ignored = {0};
    cmrp_reader r;
    cmrp_syntax_id said;
    cmrp_reader_init(&r, (cmrp_view){octets, SYNTAX_ID}, 0, &ignored, "");
    return cmrp_take_syntax_id(&r, "", CMRP_LITTLE_ENDIAN, &said) &&
           cmrp_uuid_equal(&said.uuid, &id->uuid) && said.version == id->version &&
           said.version_minor == id->version_minor;
}

static void check_pcontext(struct replay_call *out, size_t at, const uint8_t *data) {
    static const cmrp_uuid unknown;
    const struct assoc_call *call = out->call;
    const char *section = section_of(COMMAND_PCONTEXT);
    if (!same_syntax(data, &call->interface)) {
        complain(out, at + 4, section, "InterfaceId",
                 "InterfaceId is not the interface of the presentation context");
    }
    if (!cmrp_uuid_equal(&call->transfer.uuid, &unknown) &&
        !same_syntax(data + SYNTAX_ID, &call->transfer)) {
        complain(out, at + 24, section, "TransferSyntax",
                 "TransferSyntax is not that of the presentation context");
    }
}

static void check_header2(struct replay_call *out, size_t at, const uint8_t *data) {
    const struct assoc_call *call = out->call;
    const char *section = section_of(COMMAND_HEADER2);
    if (data[0] != CMRP_PTYPE_REQUEST) {
        complain(out, at + 4, section, "PTYPE", "PTYPE is not that of the request");
    }
    if (memcmp(data + 4, call->request.drep, sizeof call->request.drep) != 0) {
        complain(out, at + 8, section, "drep", "drep is not that of the request");
    }
    if (cmrp_load_u32(data + 8, CMRP_LITTLE_ENDIAN) != call->call_id) {
        complain(out, at + 12, section, "call_id", "call_id is not that of the request");
    }
    if (cmrp_load_u16(data + 12, CMRP_LITTLE_ENDIAN) != call->context_id) {
        complain(out, at + 16, section, "p_context_id_t",
                 "p_context_id_t is not that of the request");
    }
    if (cmrp_load_u16(data + 14, CMRP_LITTLE_ENDIAN) != call->opnum) {
        complain(out, at + 18, section, "opnum", "opnum is not that of the request");
    }
}

static void check_command(struct replay_call *out, size_t base,
                          const struct replay_trailer_command *command) {
    const size_t at = base + command->offset;
    const char *section = section_of(command->type);
    if (replay_trailer_command_name(command->type) != NULL
            ? command->data.size != lengths[command->type]
            : command->data.size % 4 != 0) {
        complain(out, at + 2, section, "length", "length is not that of its command");
    } else if (command->type == COMMAND_PCONTEXT) {
        check_pcontext(out, at, command->data.data);
    } else if (command->type == COMMAND_HEADER2) {
        check_header2(out, at, command->data.data);
    }
}

void replay_check_trailer(struct replay_call *out) {
    const cmrp_view trailer = out->request.trailer;
    const size_t base = (size_t)(trailer.data - out->request.stub.data);
    struct replay_trailer_command command = {.offset = 0};
    unsigned seen = 0;
    size_t cursor = 0;
    bool any = false;
    while (replay_next_trailer_command(trailer, &cursor, &command)) {
        any = true;
        check_command(out, base, &command);
        if (command.type <= COMMAND_HEADER2 && (seen & 1u << command.type) != 0) {
            complain(out, base + command.offset, section_of(0), "command",
                     "a command stands in the verification trailer twice");
        }
        seen |= command.type <= COMMAND_HEADER2 ? 1u << command.type : 0;
    }
    if (!any || !command.last) {
        complain(out, base + (cursor == 0 ? (size_t)SIGNATURE : cursor), section_of(0), "command",
                 "the verification trailer has no last command");
    } else if (command.behind > 0) {
        complain(out, base + trailer.size - command.behind, section_of(0), "command",
                 "octets follow the last command of the verification trailer");
    }
}
