// SPDX-License-Identifier: Apache-2.0
// UTF-16 texts and lists of them, and CLUSTER_SHARED_VOLUME_STATE_INFO(_EX).
#include "cmrp/payload.h"

#define SECTION_INFO    "MS-CMRP 2.2.3.29"
#define SECTION_INFO_EX "MS-CMRP 2.2.3.32"

// ---- texts --------------------------------------------------------------------------------------

static unsigned unit_at(cmrp_view units, size_t at) {
    return cmrp_load_u16(units.data + at, CMRP_LITTLE_ENDIAN);
}

cmrp_view cmrp_text_before_nuls(cmrp_view units, size_t *nuls) {
    size_t size = units.size - units.size % 2;
    *nuls = 0;
    while (size > 0 && unit_at(units, size - 2) == 0) {
        size -= 2;
        ++*nuls;
    }
    return (cmrp_view){units.data, size};
}

cmrp_code cmrp_units_judge_text(cmrp_view units, cmrp_units_found *found) {
    size_t nuls;
    const cmrp_view text = cmrp_text_before_nuls(units, &nuls);
    const unsigned seen = cmrp_utf16_check(text, CMRP_LITTLE_ENDIAN);
    *found = (cmrp_units_found){.unpaired = (seen & CMRP_UTF16_UNPAIRED) != 0};
    if (units.size % 2 != 0) {
        return CMRP_E_STRING_LENGTH;
    }
    if (nuls == 0) {
        return CMRP_E_STRING_TERMINATOR;
    }
    found->surplus = nuls - 1;
    return (seen & CMRP_UTF16_NUL) != 0 ? CMRP_E_STRING_NUL : CMRP_OK;
}

// Whether a NUL stands where a text would begin: it would end the list before its end.
static bool has_empty_text(cmrp_view units) {
    bool start = true;
    for (size_t at = 0; at + 1 < units.size; at += 2) {
        const bool nul = unit_at(units, at) == 0;
        if (nul && start) {
            return true;
        }
        start = nul;
    }
    return false;
}

cmrp_code cmrp_units_judge_list(cmrp_view units, cmrp_units_found *found) {
    size_t nuls;
    const cmrp_view texts = cmrp_text_before_nuls(units, &nuls);
    const unsigned seen = cmrp_utf16_check(texts, CMRP_LITTLE_ENDIAN);
    *found = (cmrp_units_found){.unpaired = (seen & CMRP_UTF16_UNPAIRED) != 0};
    if (units.size % 2 != 0) {
        return CMRP_E_STRING_LENGTH;
    }
    if (nuls == 0) {
        return CMRP_E_STRING_TERMINATOR;
    }
    // Two NULs end a list; the empty one is a single NUL, or two.
    found->open = nuls == 1 && texts.size > 0;
    found->surplus = nuls > 2 ? nuls - 2 : 0;
    return has_empty_text(texts) ? CMRP_E_STRING_NUL : CMRP_OK;
}

bool cmrp_multi_sz_next(cmrp_view units, size_t *cursor, cmrp_view *text) {
    size_t end = *cursor;
    while (units.size - end >= 2 && unit_at(units, end) != 0) {
        end += 2;
    }
    if (end == *cursor) {
        return false;
    }
    *text = (cmrp_view){units.data + *cursor, end - *cursor};
    *cursor = units.size - end >= 2 ? end + 2 : end;
    return true;
}

// ---- shared volumes -----------------------------------------------------------------------------

static const cmrp_payload_name state_names[] = {
    {0, "SharedVolumeStateUnavailable"},
    {1, "SharedVolumeStatePaused"},
    {2, "SharedVolumeStateActive"},
    {3, "SharedVolumeStateActiveRedirected"},
    {4, "SharedVolumeStateActiveBlockRedirected"},
};

static const cmrp_payload_name redirected_names[] = {
    {0x1, "RedirectedIOReasonUserRequest"},
    {0x2, "RedirectedIOReasonIncompatibleFileSystemFilter"},
    {0x4, "RedirectedIOReasonIncompatibleVolumeFilter"},
    {0x8, "RedirectedIOReasonFileSystemConfiguration"},
    {0x10, "RedirectedIOReasonVolumeEncryption"},
};

static const cmrp_payload_name block_redirected_names[] = {
    {0x1, "BlockRedirectedIOReasonNoDiskConnectivity"},
    {0x2, "BlockRedirectedIOReasonStorageSpaceNotAttached"},
};

#define NAMES(title, section, table)                                                               \
    { title, section, table, sizeof(table) / sizeof(table)[0], false }

static const cmrp_payload_names states = NAMES("shared volume state", SECTION_INFO_EX, state_names);
static const cmrp_payload_names redirected =
    NAMES("reasons of redirected mode", SECTION_INFO_EX, redirected_names);
static const cmrp_payload_names block_redirected =
    NAMES("reasons of block redirected mode", SECTION_INFO_EX, block_redirected_names);

const cmrp_payload_names *cmrp_shared_volume_states(void) {
    return &states;
}

const cmrp_payload_names *cmrp_redirected_reasons(void) {
    return &redirected;
}

const cmrp_payload_names *cmrp_block_redirected_reasons(void) {
    return &block_redirected;
}

typedef struct listener {
    cmrp_warn *warn;
    void *context;
    const char *section;
} listener;

static void tell(const listener *l, cmrp_code code, const char *field, uint64_t offset,
                 uint64_t value) {
    if (l->warn != NULL) {
        const cmrp_error warning = {.code = code,
                                    .index = CMRP_NO_INDEX,
                                    .offset = offset,
                                    .value = value,
                                    .field = field,
                                    .section = l->section};
        l->warn(l->context, &warning);
    }
}

static bool is_zero(cmrp_view octets) {
    for (size_t i = 0; i < octets.size; i++) {
        if (octets.data[i] != 0) {
            return false;
        }
    }
    return true;
}

static bool read_name(cmrp_reader *r, const listener *l, const char *field, cmrp_fixed_text *name) {
    const uint64_t at = r->offset;
    cmrp_view raw;
    size_t end = 0;
    if (!cmrp_take_view(r, field, CMRP_SHARED_VOLUME_NAME_SIZE, &raw)) {
        return false;
    }
    while (end < raw.size && unit_at(raw, end) != 0) {
        end += 2;
    }
    if (end == raw.size) {
        return cmrp_fail(r, CMRP_E_STRING_TERMINATOR, field, at, 0);
    }
    name->text = (cmrp_view){raw.data, end};
    name->rest = (cmrp_view){raw.data + end + 2, raw.size - end - 2};
    if (cmrp_utf16_check(name->text, CMRP_LITTLE_ENDIAN) != 0) {
        tell(l, CMRP_E_SURROGATE, field, at, 0);
    }
    if (!is_zero(name->rest)) {
        tell(l, CMRP_E_STRING_REST, field, at + end + 2, 0);
    }
    return true;
}

static bool read_state(cmrp_reader *r, const listener *l, uint32_t *state) {
    const uint64_t at = r->offset;
    if (!cmrp_take_u32(r, "VolumeState", CMRP_LITTLE_ENDIAN, state)) {
        return false;
    }
    if (cmrp_payload_name_of(&states, *state) == NULL) {
        tell(l, CMRP_E_UNLISTED, "VolumeState", at, *state);
    }
    return true;
}

static bool read_reason(cmrp_reader *r, const listener *l, const char *field,
                        const cmrp_payload_names *names, uint64_t *reason) {
    const uint64_t at = r->offset;
    uint64_t known = 0;
    if (!cmrp_take_u64(r, field, CMRP_LITTLE_ENDIAN, reason)) {
        return false;
    }
    for (uint32_t i = 0; i < names->count; i++) {
        known |= names->names[i].value;
    }
    if ((*reason & ~known) != 0) {
        tell(l, CMRP_E_UNLISTED, field, at, *reason & ~known);
    }
    return true;
}

bool cmrp_shared_volume_read(cmrp_view octets, uint64_t offset, cmrp_shared_volume *volume,
                             cmrp_warn *warn, void *warn_context, cmrp_error *error) {
    cmrp_shared_volume v = {.ex = octets.size > CMRP_SHARED_VOLUME_SIZE};
    const char *section = v.ex ? SECTION_INFO_EX : SECTION_INFO;
    const listener l = {warn, warn_context, section};
    cmrp_reader r;
    cmrp_reader_init(&r, octets, offset, error, section);
    if (!read_name(&r, &l, "szVolumeName", &v.volume_name) ||
        !read_name(&r, &l, "szNodeName", &v.node_name) || !read_state(&r, &l, &v.state)) {
        return false;
    }
    if (v.ex && (!read_name(&r, &l, "szVolumeFriendlyName", &v.friendly_name) ||
                 !read_reason(&r, &l, "RedirectedIOReason", &redirected, &v.redirected_reason) ||
                 !read_reason(&r, &l, "BlockRedirectedIOReason", &block_redirected,
                              &v.block_redirected_reason))) {
        return false;
    }
    if (r.left != 0) {
        return cmrp_fail(&r, CMRP_E_TRAILING, "BlockRedirectedIOReason", r.offset, r.left);
    }
    *volume = v;
    return true;
}

static bool put_name(cmrp_writer *w, const char *field, const cmrp_fixed_text *name) {
    const cmrp_view text = name->text;
    if (text.size % 2 != 0 || text.size > CMRP_SHARED_VOLUME_NAME_SIZE - 2) {
        return cmrp_write_fail(w, CMRP_E_STRING_LENGTH, field, text.size);
    }
    if ((cmrp_utf16_check(text, CMRP_LITTLE_ENDIAN) & CMRP_UTF16_NUL) != 0) {
        return cmrp_write_fail(w, CMRP_E_STRING_NUL, field, 0);
    }
    const size_t room = CMRP_SHARED_VOLUME_NAME_SIZE - 2 - text.size;
    if (name->rest.size != 0 && name->rest.size != room) {
        return cmrp_write_fail(w, CMRP_E_STRING_PADDING, field, name->rest.size);
    }
    return cmrp_put_view(w, field, text) && cmrp_put_zero(w, field, 2) &&
           (name->rest.size != 0 ? cmrp_put_view(w, field, name->rest)
                                 : cmrp_put_zero(w, field, room));
}

bool cmrp_shared_volume_write(const cmrp_shared_volume *v, cmrp_writer *w) {
    w->section = v->ex ? SECTION_INFO_EX : SECTION_INFO;
    if (!put_name(w, "szVolumeName", &v->volume_name) ||
        !put_name(w, "szNodeName", &v->node_name) ||
        !cmrp_put_uint(w, "VolumeState", 4, CMRP_LITTLE_ENDIAN, v->state)) {
        return false;
    }
    return !v->ex ||
           (put_name(w, "szVolumeFriendlyName", &v->friendly_name) &&
            cmrp_put_uint(w, "RedirectedIOReason", 8, CMRP_LITTLE_ENDIAN, v->redirected_reason) &&
            cmrp_put_uint(w, "BlockRedirectedIOReason", 8, CMRP_LITTLE_ENDIAN,
                          v->block_redirected_reason));
}
