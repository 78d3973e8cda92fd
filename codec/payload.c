// SPDX-License-Identifier: Apache-2.0
#include "cmrp/payload.h"

#define SECTION_EVENTS     "MS-CMRP 3.1.4.2.138"
#define SECTION_MEMBERSHIP "MS-CMRP 2.2.3.42"

#define FIELD "buffer"

// Abbreviations of payload.def's columns: CLUSTER_OBJECT_TYPE [MS-CMRP 2.2.2.11].
enum {
    CLUSTER = 1,
    GROUP = 2,
    RESOURCE = 3,
    RESOURCE_TYPE = 4,
    NETWORK_INTERFACE = 5,
    NETWORK = 6,
    NODE = 7,
    REGISTRY = 8,
    QUORUM = 9,
    SHARED_VOLUME = 10,
};

// ---- tables -------------------------------------------------------------------------------------

#define PAYLOAD_NAMES(id, title, section, open) static const cmrp_payload_name values_##id[] = {
#define PAYLOAD_NAME(value, name)               {value, name},
#define PAYLOAD_END                                                                                \
    }                                                                                              \
    ;
#define PAYLOAD_ROW(object_type, flag, kind, names, optional, what)
#include "payload.def"

enum {
#define PAYLOAD_NAMES(id, title, section, open) NAMES_##id,
#define PAYLOAD_NAME(value, name)
#define PAYLOAD_END
#define PAYLOAD_ROW(object_type, flag, kind, names, optional, what)
#include "payload.def"
};

static const cmrp_payload_names name_tables[] = {
#define PAYLOAD_NAMES(id, title, section, open)                                                    \
    {title, section, values_##id, sizeof values_##id / sizeof values_##id[0], open},
#define PAYLOAD_NAME(value, name)
#define PAYLOAD_END
#define PAYLOAD_ROW(object_type, flag, kind, names, optional, what)
#include "payload.def"
};

#define NAMES_OF_NONE               NULL
#define NAMES_OF_GROUP_TYPE         &name_tables[NAMES_GROUP_TYPE]
#define NAMES_OF_RESOURCE_STATE     &name_tables[NAMES_RESOURCE_STATE]
#define NAMES_OF_GROUP_STATE        &name_tables[NAMES_GROUP_STATE]
#define NAMES_OF_NODE_STATE         &name_tables[NAMES_NODE_STATE]
#define NAMES_OF_NETWORK_STATE      &name_tables[NAMES_NETWORK_STATE]
#define NAMES_OF_NETINTERFACE_STATE &name_tables[NAMES_NETINTERFACE_STATE]

static const cmrp_payload_row rows[] = {
#define PAYLOAD_NAMES(id, title, section, open)
#define PAYLOAD_NAME(value, name)
#define PAYLOAD_END
#define PAYLOAD_ROW(object_type, flag, kind, names, optional, what)                                \
    {object_type, CMRP_PAYLOAD_##kind, flag, what, SECTION_EVENTS, NAMES_OF_##names, optional},
#include "payload.def"
};

enum { ROWS = sizeof rows / sizeof rows[0] };

const char *cmrp_payload_kind_name(unsigned kind) {
    static const char *const names[] = {
#define KIND_NAME(enumerator, name) name,
        CMRP_PAYLOAD_KINDS(KIND_NAME)
#undef KIND_NAME
    };
    return kind < CMRP_PAYLOAD_KIND_COUNT ? names[kind] : NULL;
}

const char *cmrp_payload_name_of(const cmrp_payload_names *names, uint32_t value) {
    for (uint32_t i = 0; i < names->count; i++) {
        if (names->names[i].value == value) {
            return names->names[i].name;
        }
    }
    return NULL;
}

bool cmrp_payload_named(const cmrp_payload_names *names, const char *name, uint32_t *value) {
    for (uint32_t i = 0; i < names->count; i++) {
        if (strcmp(names->names[i].name, name) == 0) {
            *value = names->names[i].value;
            return true;
        }
    }
    return false;
}

const cmrp_payload_row *cmrp_payload_row_of(uint32_t object_type, uint64_t flag) {
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].object_type == object_type && rows[i].flag == flag) {
            return &rows[i];
        }
    }
    return NULL;
}

const cmrp_payload_row *cmrp_payload_row_at(size_t index) {
    return index < ROWS ? &rows[index] : NULL;
}

// ---- reading ------------------------------------------------------------------------------------

// Who is told of warnings, and where their offsets begin.
typedef struct listener {
    cmrp_warn *warn;
    void *context;
    uint64_t base;
    const char *section;
} listener;

static void tell(const listener *l, cmrp_code code, const char *field, size_t at, uint64_t value) {
    if (l->warn != NULL) {
        const cmrp_error warning = {.code = code,
                                    .offset = l->base + at,
                                    .value = value,
                                    .field = field,
                                    .section = l->section};
        l->warn(l->context, &warning);
    }
}

static bool read_value(cmrp_reader *r, const listener *l, cmrp_payload *p) {
    if (!cmrp_take_u32(r, FIELD, CMRP_LITTLE_ENDIAN, &p->value)) {
        return false;
    }
    if (r->left == 0 && p->kind == CMRP_PAYLOAD_STATE && !p->row->names->open &&
        cmrp_payload_name_of(p->row->names, p->value) == NULL) {
        tell(l, CMRP_E_UNLISTED, FIELD, 0, p->value);
    }
    return true;
}

// What is remarkable about a text that stands for itself; OK where it is readable.
static cmrp_code judge_text(const cmrp_payload *p, cmrp_view text, size_t nuls, const listener *l) {
    const unsigned found = cmrp_utf16_check(text, CMRP_LITTLE_ENDIAN);
    if (text.size == 0 && nuls == 0 && p->kind == CMRP_PAYLOAD_ID) {
        return CMRP_E_TRUNCATED;
    }
    if ((found & CMRP_UTF16_NUL) != 0) {
        return CMRP_E_STRING_NUL;
    }
    if (text.size == 0 && p->kind == CMRP_PAYLOAD_ID) {
        tell(l, CMRP_E_EMPTY_VALUE, FIELD, 0, 0);
    }
    if ((found & CMRP_UTF16_UNPAIRED) != 0) {
        tell(l, CMRP_E_SURROGATE, FIELD, 0, 0);
    }
    if (nuls > 1) {
        tell(l, CMRP_E_STRING_PADDING, FIELD, text.size + 2, nuls - 1);
    }
    return CMRP_OK;
}

// The whole units of what is left; an octet behind them is the start of a unit that is cut short.
static bool take_units(cmrp_reader *r, cmrp_view *units) {
    const uint8_t *p;
    const bool odd = r->left % 2 != 0;
    return cmrp_take_view(r, FIELD, r->left - odd, units) && (!odd || cmrp_take(r, FIELD, 2, &p));
}

static bool read_text(cmrp_reader *r, const listener *l, cmrp_payload *p) {
    const uint64_t at = r->offset;
    cmrp_view units;
    if (!take_units(r, &units)) {
        return false;
    }
    p->text = cmrp_text_before_nuls(units, &p->nuls);
    const cmrp_code code = judge_text(p, p->text, p->nuls, l);
    return code == CMRP_OK || cmrp_fail(r, code, FIELD, at, 0);
}

// A list that stands for itself may be absent, and one NUL ends it, as ApiSetGroupNodeList allows.
static cmrp_code judge_list(cmrp_view units, const listener *l) {
    cmrp_units_found found;
    const cmrp_code code = cmrp_units_judge_list(units, &found);
    if (units.size == 0) {
        tell(l, CMRP_E_LIST_TERMINATOR, FIELD, 0, 0);
        return CMRP_OK;
    }
    if (code != CMRP_OK) {
        return code;
    }
    if (found.unpaired) {
        tell(l, CMRP_E_SURROGATE, FIELD, 0, 0);
    }
    if (found.open) {
        tell(l, CMRP_E_LIST_TERMINATOR, FIELD, 0, 0);
    }
    if (found.surplus > 0) {
        tell(l, CMRP_E_STRING_PADDING, FIELD, units.size - 2 * found.surplus, found.surplus);
    }
    return CMRP_OK;
}

static bool read_list(cmrp_reader *r, const listener *l, cmrp_payload *p) {
    const uint64_t at = r->offset;
    if (!take_units(r, &p->octets)) {
        return false;
    }
    const cmrp_code code = judge_list(p->octets, l);
    return code == CMRP_OK || cmrp_fail(r, code, FIELD, at, 0);
}

static bool read_membership(cmrp_reader *r, listener *l, cmrp_payload *p) {
    uint32_t size;
    r->section = l->section = SECTION_MEMBERSHIP;
    if (!cmrp_take_u8(r, "HasQuorum", &p->has_quorum) ||
        !cmrp_take_u32(r, "UpNodesSize", CMRP_LITTLE_ENDIAN, &size)) {
        return false;
    }
    if (size > r->left) {
        return cmrp_fail(r, CMRP_E_OVERRUN, "UpNodesSize", r->offset - 4, size);
    }
    if (!cmrp_take_view(r, "UpNodes", size, &p->up_nodes)) {
        return false;
    }
    if (r->left == 0 && p->has_quorum > 1) {
        tell(l, CMRP_E_BOOLEAN, "HasQuorum", 0, p->has_quorum);
    }
    return true;
}

static bool read_properties(cmrp_reader *r, const listener *l, cmrp_payload *p) {
    cmrp_property_list list;
    cmrp_property property;
    const uint64_t at = r->offset;
    if (!cmrp_take_view(r, FIELD, r->left, &p->octets) ||
        !cmrp_property_list_open(&list, p->octets, at, r->error)) {
        return false;
    }
    list.shared_volumes = p->kind == CMRP_PAYLOAD_SHARED_VOLUMES;
    list.warn = l->warn;
    list.warn_context = l->context;
    while (cmrp_property_list_next(&list, &property)) {
    }
    return r->error->code == CMRP_OK;
}

static bool read_kind(cmrp_reader *r, listener *l, cmrp_payload *p) {
    switch (p->kind) {
    case CMRP_PAYLOAD_EMPTY: return true;
    case CMRP_PAYLOAD_STATE:
    case CMRP_PAYLOAD_DWORD: return read_value(r, l, p);
    case CMRP_PAYLOAD_ID:
    case CMRP_PAYLOAD_TEXT: return read_text(r, l, p);
    case CMRP_PAYLOAD_MULTI_SZ: return read_list(r, l, p);
    case CMRP_PAYLOAD_MEMBERSHIP: return read_membership(r, l, p);
    case CMRP_PAYLOAD_PROPERTIES:
    case CMRP_PAYLOAD_SHARED_VOLUMES: return read_properties(r, l, p);
    default: return cmrp_take_view(r, FIELD, r->left, &p->octets);
    }
}

// The kind of a payload of this size: an optional one may be absent.
static cmrp_payload_kind kind_of(const cmrp_payload_row *row, size_t size) {
    if (row == NULL) {
        return CMRP_PAYLOAD_OPAQUE;
    }
    const bool absent = row->optional && size == 0 && row->kind != CMRP_PAYLOAD_OPAQUE;
    return absent ? CMRP_PAYLOAD_EMPTY : row->kind;
}

bool cmrp_payload_decode(uint32_t object_type, uint64_t flag, cmrp_view buffer, uint64_t offset,
                         cmrp_payload *payload, cmrp_warn *warn, void *warn_context,
                         cmrp_error *error) {
    cmrp_reader r;
    cmrp_payload p = {.row = cmrp_payload_row_of(object_type, flag)};
    listener l = {warn, warn_context, offset, SECTION_EVENTS};
    p.kind = kind_of(p.row, buffer.size);
    cmrp_reader_init(&r, buffer, offset, error, SECTION_EVENTS);
    if (!read_kind(&r, &l, &p)) {
        return false;
    }
    if (r.left != 0) {
        return cmrp_fail(&r, CMRP_E_TRAILING, FIELD, r.offset, r.left);
    }
    *payload = p;
    return true;
}

// ---- writing ------------------------------------------------------------------------------------

static bool put_text(const cmrp_payload *p, cmrp_writer *w) {
    static const listener nobody = {0};
    size_t inner;
    const cmrp_view text = cmrp_text_before_nuls(p->text, &inner);
    if (p->text.size % 2 != 0) {
        return cmrp_write_fail(w, CMRP_E_STRING_LENGTH, FIELD, p->text.size);
    }
    const cmrp_code code = inner != 0 ? CMRP_E_STRING_NUL : judge_text(p, text, p->nuls, &nobody);
    if (code != CMRP_OK) {
        return cmrp_write_fail(w, code, FIELD, 0);
    }
    if (p->nuls > (SIZE_MAX - text.size) / 2) {
        return cmrp_write_fail(w, CMRP_E_TOO_LARGE, FIELD, p->nuls);
    }
    return cmrp_put_view(w, FIELD, text) && cmrp_put_zero(w, FIELD, 2 * p->nuls);
}

static bool put_list(const cmrp_payload *p, cmrp_writer *w) {
    static const listener nobody = {0};
    if (p->octets.size % 2 != 0) {
        return cmrp_write_fail(w, CMRP_E_STRING_LENGTH, FIELD, p->octets.size);
    }
    const cmrp_code code = judge_list(p->octets, &nobody);
    return code == CMRP_OK ? cmrp_put_view(w, FIELD, p->octets)
                           : cmrp_write_fail(w, code, FIELD, 0);
}

static bool put_membership(const cmrp_payload *p, cmrp_writer *w) {
    w->section = SECTION_MEMBERSHIP;
    if (p->up_nodes.size > UINT32_MAX) {
        return cmrp_write_fail(w, CMRP_E_TOO_LARGE, "UpNodesSize", p->up_nodes.size);
    }
    return cmrp_put_uint(w, "HasQuorum", 1, CMRP_LITTLE_ENDIAN, p->has_quorum) &&
           cmrp_put_uint(w, "UpNodesSize", 4, CMRP_LITTLE_ENDIAN, p->up_nodes.size) &&
           cmrp_put_view(w, "UpNodes", p->up_nodes);
}

// Reads the list and writes it at once.
static bool put_properties(const cmrp_payload *p, cmrp_writer *w) {
    cmrp_error error = {0};
    cmrp_property_list list;
    cmrp_property_writer pw;
    cmrp_property property;
    cmrp_property_value value;
    bool ok =
        cmrp_property_list_open(&list, p->octets, 0, &error) && cmrp_property_writer_open(&pw, w);
    list.shared_volumes = pw.shared_volumes = p->kind == CMRP_PAYLOAD_SHARED_VOLUMES;
    while (ok && cmrp_property_list_next(&list, &property)) {
        size_t cursor = 0;
        ok = cmrp_property_put(&pw, &property);
        while (ok && cmrp_property_next_value(&property, &cursor, &value)) {
            ok = cmrp_property_put_value(&pw, &value);
        }
    }
    if (error.code != CMRP_OK && w->error->code == CMRP_OK) {
        *w->error = error;
    }
    pw.end_mark = list.end_mark;
    return w->error->code == CMRP_OK && cmrp_property_writer_close(&pw);
}

bool cmrp_payload_encode(const cmrp_payload *p, cmrp_writer *w) {
    w->section = SECTION_EVENTS;
    const bool absent = p->kind == CMRP_PAYLOAD_EMPTY && p->row != NULL && p->row->optional &&
                        p->row->kind != CMRP_PAYLOAD_OPAQUE;
    if (!absent && p->kind != (p->row != NULL ? p->row->kind : CMRP_PAYLOAD_OPAQUE)) {
        return cmrp_write_fail(w, CMRP_E_OTHER_KIND, FIELD, 0);
    }
    switch (p->kind) {
    case CMRP_PAYLOAD_EMPTY: return w->error->code == CMRP_OK;
    case CMRP_PAYLOAD_STATE:
    case CMRP_PAYLOAD_DWORD: return cmrp_put_uint(w, FIELD, 4, CMRP_LITTLE_ENDIAN, p->value);
    case CMRP_PAYLOAD_ID:
    case CMRP_PAYLOAD_TEXT: return put_text(p, w);
    case CMRP_PAYLOAD_MULTI_SZ: return put_list(p, w);
    case CMRP_PAYLOAD_MEMBERSHIP: return put_membership(p, w);
    case CMRP_PAYLOAD_PROPERTIES:
    case CMRP_PAYLOAD_SHARED_VOLUMES: return put_properties(p, w);
    default: return cmrp_put_view(w, FIELD, p->octets);
    }
}
