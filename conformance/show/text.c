// SPDX-License-Identifier: Apache-2.0
// Pieces of lines.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "show/parts.h"
#include "util/hex.h"
#include "util/text.h"

enum {
    FEW_OCTETS = 16, // shown unless verbose
    FEW_FLAGS = 4,   // shown in brief, where at least two more would follow
};

void show_indent(struct buffer *out, const struct show_options *options) {
    if (options->indent > 0) {
        memset(buffer_extend(out, options->indent), ' ', options->indent);
    }
}

size_t show_width(const struct buffer *out, size_t start) {
    size_t width = 0;
    bool sequence = false; // a terminal's, which takes no room
    for (size_t i = start; i < out->size; i++) {
        const uint8_t c = out->data[i];
        if (c == 0x1b) {
            sequence = true;
        } else if (sequence) {
            sequence = c != 'm';
        } else if ((c & 0xc0) != 0x80) {
            width++;
        }
    }
    return width;
}

void show_pad(struct buffer *out, size_t start, size_t width) {
    const size_t taken = show_width(out, start);
    if (taken < width) {
        memset(buffer_extend(out, width - taken), ' ', width - taken);
    }
}

void show_styled(struct buffer *out, const struct show_options *options, enum show_style style,
                 const char *format, ...) {
    static const char *const codes[] = {
        [SHOW_PLAIN] = "",           [SHOW_NAME] = "\x1b[1m", [SHOW_GOOD] = "\x1b[32m",
        [SHOW_WARNING] = "\x1b[33m", [SHOW_BAD] = "\x1b[31m", [SHOW_FAINT] = "\x1b[2m",
    };
    const bool coloured = options->colour && style != SHOW_PLAIN;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buffer_printf(out, "%s%s%s", coloured ? codes[style] : "", text, coloured ? "\x1b[0m" : "");
}

void show_complaint(struct buffer *out, const cmrp_error *complaint,
                    const struct show_options *options) {
    char text[400];
    cmrp_error_format(complaint, text, sizeof text);
    show_styled(out, options, SHOW_WARNING, "%s", text);
}

void show_octets(struct buffer *out, cmrp_view octets, const struct show_options *options) {
    const size_t shown = options->verbose || octets.size <= FEW_OCTETS ? octets.size : FEW_OCTETS;
    buffer_printf(out, "%zu octet%s", octets.size, octets.size == 1 ? "" : "s");
    buffer_append(out, ":", shown > 0);
    for (size_t i = 0; i < shown; i++) {
        buffer_append(out, " ", 1);
        hex_append(out, (cmrp_view){octets.data + i, 1});
    }
    if (shown < octets.size) {
        buffer_printf(out, " ...");
    }
}

void show_text(struct buffer *out, cmrp_view units, cmrp_order order) {
    buffer_append(out, "\"", 1);
    text_escape_utf16(out, units, order);
    buffer_append(out, "\"", 1);
}

// ---- registry data ------------------------------------------------------------------------------

// The end of the string that starts at `at`: where its NUL stands, or the end of data.
static size_t string_end(cmrp_view data, size_t at) {
    while (at < data.size && cmrp_load_u16(data.data + at, CMRP_LITTLE_ENDIAN) != 0) {
        at += 2;
    }
    return at;
}

static void show_string(struct buffer *out, cmrp_view data) {
    const bool terminated =
        data.size >= 2 && cmrp_load_u16(data.data + data.size - 2, CMRP_LITTLE_ENDIAN) == 0;
    const cmrp_view text = {data.data, terminated ? data.size - 2 : data.size};
    show_text(out, text, CMRP_LITTLE_ENDIAN);
    if (!terminated && data.size > 0) {
        buffer_printf(out, " (no NUL)");
    }
}

static void show_strings(struct buffer *out, cmrp_view data) {
    size_t at = 0;
    bool closed = false; // by an empty string
    buffer_append(out, "[", 1);
    while (at < data.size && !closed) {
        const size_t end = string_end(data, at);
        closed = end == at;
        if (!closed) {
            buffer_printf(out, "%s", at > 0 ? ", " : "");
            show_text(out, (cmrp_view){data.data + at, end - at}, CMRP_LITTLE_ENDIAN);
        }
        at = end + 2;
    }
    buffer_append(out, "]", 1);
    if (!closed) {
        buffer_printf(out, " (no final NUL)");
    } else if (at < data.size) {
        buffer_printf(out, " and %zu octets behind the final NUL", data.size - at);
    }
}

void show_data(struct buffer *out, uint32_t type, cmrp_view data,
               const struct show_options *options) {
    const bool units = data.size % 2 == 0;
    if ((type == CMRP_REG_SZ || type == CMRP_REG_EXPAND_SZ) && units) {
        show_string(out, data);
    } else if (type == CMRP_REG_MULTI_SZ && units) {
        show_strings(out, data);
    } else if (type == CMRP_REG_DWORD && data.size == 4) {
        const uint32_t value = cmrp_load_u32(data.data, CMRP_LITTLE_ENDIAN);
        buffer_printf(out, "%u (0x%08x)", value, value);
    } else if (type == CMRP_REG_QWORD && data.size == 8) {
        const unsigned long long value = cmrp_load_u64(data.data, CMRP_LITTLE_ENDIAN);
        buffer_printf(out, "%llu (0x%016llx)", value, value);
    } else {
        show_octets(out, data, options);
    }
}

// ---- flags and identifiers ----------------------------------------------------------------------

// A flag's name without what the names of its set have in common.
static const char *short_name(const char *name) {
    static const char *const prefixes[] = {"CLUSTER_CHANGE_", "CLUSTER_OBJECT_TYPE_", "CLUSTER_"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        const size_t size = strlen(prefixes[i]);
        if (strncmp(name, prefixes[i], size) == 0) {
            return name + size;
        }
    }
    return name;
}

void show_flags(struct buffer *out, const cmrp_change_set *set, uint64_t value, bool brief) {
    const uint64_t unknown = set != NULL ? cmrp_change_unknown(set, value) : value;
    const cmrp_change_flag *flag;
    uint32_t cursor = 0;
    unsigned count = 0;
    unsigned shown = 0;
    while (set != NULL && cmrp_change_next(set, value, &cursor) != NULL) {
        count++;
    }
    const unsigned most = brief && count > FEW_FLAGS + 1 ? FEW_FLAGS : count;
    cursor = 0;
    while (shown < most && (flag = cmrp_change_next(set, value, &cursor)) != NULL) {
        buffer_printf(out, "%s%s", shown > 0 ? "|" : "",
                      brief ? short_name(flag->name) : flag->name);
        shown++;
    }
    if (most < count) {
        buffer_printf(out, "|%u more", count - most);
    }
    if (unknown != 0 || shown == 0) {
        buffer_printf(out, unknown != 0 ? "%s0x%llx" : "%s%llu", shown > 0 ? "|" : "",
                      (unsigned long long)unknown);
    }
}

void show_syntax_id(struct buffer *out, const cmrp_syntax_id *id) {
    static const struct {
        const cmrp_uuid *uuid;
        const char *name;
    } known[] = {
        {&cmrp_uuid_clusapi, "clusapi"}, {&cmrp_uuid_ndr20, "NDR"}, {&cmrp_uuid_ndr64, "NDR64"}};
    char text[CMRP_UUID_TEXT_SIZE];
    if (cmrp_uuid_is_bind_time(&id->uuid)) {
        buffer_printf(out, "bind-time features 0x%02x", id->uuid.octets[8]);
        return;
    }
    cmrp_uuid_format(&id->uuid, text);
    const char *name = text;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (cmrp_uuid_equal(known[i].uuid, &id->uuid)) {
            name = known[i].name;
        }
    }
    buffer_printf(out, "%s %u.%u", name, id->version, id->version_minor);
}
