// SPDX-License-Identifier: Apache-2.0
// Prints a libFuzzer dictionary for a target, from the library's tables.
#include <stdio.h>
#include <string.h>

#include "fuzz_support.h"

// An entry of octets. libFuzzer wants quotes, backslashes and what is not printable as \xNN.
static void entry(const void *data, size_t size) {
    const uint8_t *octets = data;
    putchar('"');
    for (size_t i = 0; i < size; i++) {
        if (octets[i] > ' ' && octets[i] <= '~' && octets[i] != '"' && octets[i] != '\\') {
            putchar(octets[i]);
        } else {
            printf("\\x%02X", octets[i]);
        }
    }
    puts("\"");
}

static void text(const char *text) {
    entry(text, strlen(text));
}

// A string of JSON, quotes included.
static void quoted(const char *name) {
    char *json = util_format("\"%s\"", name);
    text(json);
    free(json);
}

static void number(uint64_t value, size_t width, cmrp_order order) {
    uint8_t octets[8];
    cmrp_store(octets, width, value, order);
    entry(octets, width);
}

static void both_orders(uint64_t value, size_t width) {
    number(value, width, CMRP_LITTLE_ENDIAN);
    number(value, width, CMRP_BIG_ENDIAN);
}

// ---- what targets know --------------------------------------------------------------------------

static void batch_octets(void) {
#define COMMAND(name, value, value_type, data) number(value, 4, CMRP_LITTLE_ENDIAN);
    CMRP_BATCH_COMMANDS(COMMAND)
#undef COMMAND
    number(0xffffffff, 4, CMRP_LITTLE_ENDIAN);
    number(0xd800, 2, CMRP_LITTLE_ENDIAN);
    number(0xdc00, 2, CMRP_LITTLE_ENDIAN);
    // The smallest command, and the smallest with data.
    static const uint8_t command[] = {4, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    entry(command, sizeof command);
}

static void batch_names(void) {
    static const char *const keys[] = {"version",  "commands", "command", "value_type",
                                       "name",     "name_hex", "data",    "padding",
                                       "trailing", "offset",   "warnings"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        quoted(keys[i]);
    }
#define COMMAND(name, value, value_type, data) quoted(#name);
    CMRP_BATCH_COMMANDS(COMMAND)
#undef COMMAND
#define TYPE(name, value) quoted(#name);
    CMRP_REG_TYPES(TYPE)
#undef TYPE
    text("{\"command\":2,\"value_type\":0,\"name\":\"\",\"data\":\"\"}");
}

static void change_octets(void) {
    for (unsigned i = 0; i < CMRP_SET_COUNT; i++) {
        const cmrp_change_set *set = cmrp_change_set_at(i);
        for (uint32_t f = 0; f < set->count && i < 2; f++) { // the bits of the others are the same
            number(set->flags[f].value, set->width, CMRP_LITTLE_ENDIAN);
        }
    }
}

static void change_names(void) {
    for (unsigned i = 0; i < CMRP_SET_COUNT; i++) {
        quoted(cmrp_change_set_at(i)->name);
        for (uint32_t f = 0; f < cmrp_change_set_at(i)->count; f++) {
            quoted(cmrp_change_set_at(i)->flags[f].name);
        }
    }
}

static void stub_octets(void) {
    for (unsigned i = 0; i < 3; i++) {
        both_orders(CMRP_NDR_FIRST_REFERENT + i * CMRP_NDR_REFERENT_STEP, 4);
        both_orders(CMRP_NDR_FIRST_REFERENT + i * CMRP_NDR_REFERENT_STEP, 8);
        both_orders(i, 4);
        both_orders(i, 8);
    }
    // max_count, offset, actual_count of a string of one unit and of none but its NUL
    static const uint8_t string[] = {2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 'A', 0, 0, 0};
    entry(string, sizeof string);
    entry(string + 4, 4);
    number(0xffffffff, 4, CMRP_LITTLE_ENDIAN);
    number(0xd800, 2, CMRP_LITTLE_ENDIAN);
}

static void stub_names(void) {
    static const char *const keys[] = {"type",   "method", "opnum",   "interface", "direction",
                                       "syntax", "drep",   "params",  "request",   "response",
                                       "ndr",    "ndr64",  "le",      "be",        "value",
                                       "set",    "mode",   "lenient", "utf16"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        quoted(keys[i]);
    }
    for (size_t i = 0; i < cmrp_method_count(); i++) {
        const cmrp_method *method = cmrp_method_at(i);
        quoted(method->name);
        for (uint32_t p = 0; p < method->count; p++) {
            quoted(method->params[p].name);
        }
    }
}

static void pdu_octets(void) {
    static const uint8_t minors[] = {0, 1};
#define PTYPE(name, number, id, section)                                                           \
    for (size_t i = 0; i < sizeof minors; i++) {                                                   \
        const uint8_t start[] = {5, minors[i], (number), 3, 0x10, 0, 0, 0};                        \
        entry(start, sizeof start);                                                                \
    }
    CMRP_PTYPES(PTYPE)
#undef PTYPE
    const struct {
        const cmrp_uuid *uuid;
        uint16_t version;
    } syntaxes[] = {{&cmrp_uuid_clusapi, 3},
                    {&cmrp_uuid_clusapi, 2},
                    {&cmrp_uuid_ndr20, 2},
                    {&cmrp_uuid_ndr64, 1},
                    {&cmrp_uuid_bind_time, 1}};
    for (size_t i = 0; i < 2 * sizeof syntaxes / sizeof syntaxes[0]; i++) {
        cmrp_syntax_id id = {*syntaxes[i / 2].uuid, syntaxes[i / 2].version, 0};
        uint8_t octets[32];
        cmrp_error error = {0};
        cmrp_writer w;
        cmrp_writer_init(&w, octets, sizeof octets, &error, NULL);
        cmrp_put_syntax_id(&w, "syntax", i % 2 == 0 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN, &id);
        entry(octets, w.size);
    }
}

static void pdu_cl_octets(void) {
#define PTYPE(name, number, id, section)                                                           \
    for (unsigned drep = 0; drep <= 0x10; drep += 0x10) {                                          \
        const uint8_t start[] = {4, (number), 0, 0, (uint8_t)drep, 0, 0, 0};                       \
        entry(start, sizeof start);                                                                \
    }
    CMRP_PTYPES_CL(PTYPE)
#undef PTYPE
    static const uint8_t fragment[] = {CMRP_PF_FRAG, CMRP_PF_FRAG | CMRP_PF_LASTFRAG};
    entry(fragment, 1);
    entry(fragment + 1, 1);
    number(CMRP_CL_NO_HINT, 2, CMRP_LITTLE_ENDIAN);
    for (int order = 0; order < 2; order++) {
        cmrp_syntax_id id = {cmrp_uuid_clusapi, 2, 0};
        uint8_t octets[32];
        cmrp_error error = {0};
        cmrp_writer w;
        cmrp_writer_init(&w, octets, sizeof octets, &error, NULL);
        cmrp_put_uuid(&w, "if_id", order == 0 ? CMRP_LITTLE_ENDIAN : CMRP_BIG_ENDIAN, &id.uuid);
        entry(octets, w.size);
    }
}

static void pdu_names(void) {
    static const char *const keys[] = {
        "ptype",      "flags",    "call_id",   "contexts", "transfer_syntaxes", "abstract_syntax",
        "stub",       "sec_addr", "results",   "reason",   "versions",          "extension",
        "alloc_hint", "object",   "reserved2", "auth",     "auth_padding",      "token"};
#define PTYPE(name, number, id, section) quoted(id);
    CMRP_PTYPES(PTYPE)
#undef PTYPE
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        quoted(keys[i]);
    }
}

static void hex_text_forms(void) {
    static const char *const forms[] = {
        "00000000: ",  "00000000  ", "\t0x0000:  ", "0000   ", "00000010: ", "00000010  ",
        "\t0x0010:  ", "0010   ",    "\n",          "  |",     "|\n",        "#",
        "*\n",         "0x",         "\\x",         "  ",      "000000 ",    "000010 "};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        text(forms[i]);
    }
}

static void capture_octets(void) {
    static const uint32_t magics[] = {0xa1b2c3d4, 0xa1b23c4d, 0x0a0d0d0a, 0x1a2b3c4d};
    static const uint16_t ethertypes[] = {0x0800, 0x86dd, 0x8100, 0x88a8};
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        both_orders(magics[i], 4);
    }
    for (size_t i = 0; i < sizeof ethertypes / sizeof ethertypes[0]; i++) {
        number(ethertypes[i], 2, CMRP_BIG_ENDIAN);
    }
    static const uint8_t gzip[] = {0x1f, 0x8b, 8, 0};
    entry(gzip, sizeof gzip);
}

static void payload_octets(void) {
    number(CMRP_CLUSPROP_SYNTAX_NAME, 4, CMRP_LITTLE_ENDIAN);
#define SYNTAX(name, value, form, size, least) number(value, 4, CMRP_LITTLE_ENDIAN);
    CMRP_PROPERTY_SYNTAXES(SYNTAX)
#undef SYNTAX
    // A property of an empty name and a DWORD, and the sizes of structures.
    static const uint8_t property[] = {3, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0,
                                       1, 0, 4, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0};
    entry(property, sizeof property);
    number(CMRP_SHARED_VOLUME_SIZE, 4, CMRP_LITTLE_ENDIAN);
    number(CMRP_SHARED_VOLUME_EX_SIZE, 4, CMRP_LITTLE_ENDIAN);
    number(0xd800, 2, CMRP_LITTLE_ENDIAN);
    number(0xffffffff, 4, CMRP_LITTLE_ENDIAN);
}

static void tower_octets(void) {
#define PROTOCOL(name, number, text, kind)                                                         \
    {                                                                                              \
        const uint8_t floor[] = {1, 0, (number), 2, 0, 0, 0};                                      \
        entry(floor, sizeof floor);                                                                \
    }
    CMRP_TOWER_PROTOCOLS(PROTOCOL)
#undef PROTOCOL
    const uint8_t uuid[] = {19, 0, CMRP_TOWER_UUID};
    entry(uuid, sizeof uuid);
}

static void tower_names(void) {
    static const char *const keys[] = {"floors",  "protocol",   "uuid",         "version_minor",
                                       "port",    "address",    "name_hex",     "lhs",
                                       "rhs",     "trailing",   "obj",          "map_tower",
                                       "ITowers", "num_towers", "entry_handle", "max_towers"};
#define PROTOCOL(name, number, text, kind) quoted(text);
    CMRP_TOWER_PROTOCOLS(PROTOCOL)
#undef PROTOCOL
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        quoted(keys[i]);
    }
}

static void payload_names(void) {
    static const char *const keys[] = {
        "object_type", "flag",      "kind",         "value",      "text",       "strings",
        "nuls",        "HasQuorum", "UpNodes",      "properties", "name",       "values",
        "syntax",      "padding",   "szVolumeName", "szNodeName", "VolumeState"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        quoted(keys[i]);
    }
    for (unsigned i = 0; i < CMRP_PAYLOAD_KIND_COUNT; i++) {
        quoted(cmrp_payload_kind_name(i));
    }
#define SYNTAX(name, value, form, size, least) quoted(#name);
    CMRP_PROPERTY_SYNTAXES(SYNTAX)
#undef SYNTAX
}

// ---- targets ------------------------------------------------------------------------------------

typedef void part(void);

enum { PARTS = 6 }; // at most, of a target

static const struct {
    const char *target;
    part *parts[PARTS];
} targets[] = {
    {"batch_strict", {batch_octets}},
    {"batch_lenient", {batch_octets}},
    {"batch_round_trip", {batch_octets}},
    {"batch_json", {batch_names}},
    {"json_request",
     {batch_names, change_names, stub_names, pdu_names, payload_names, tower_names}},
    {"change", {change_octets}},
    {"stub", {stub_octets, batch_octets}},
    {"stub_json", {stub_octets, batch_octets}},
    {"pdu", {pdu_octets}},
    {"pdu_cl", {pdu_cl_octets}},
    {"payload", {payload_octets}},
    {"tower", {tower_octets}},
    {"show", {batch_octets, stub_octets, pdu_octets, pdu_cl_octets, payload_octets, tower_octets}},
    {"hex", {hex_text_forms}},
    {"capture", {capture_octets, pdu_octets}},
    {"replay", {capture_octets, pdu_octets, pdu_cl_octets, stub_octets}},
    {"stream_cut", {pdu_octets, stub_octets}},
    {"reassembly", {NULL}}, // its inputs are choices, not octets of a format
    {"datagram_order", {NULL}},
    {"rules", {NULL}},
    {"cluster", {NULL}},
};

int main(int argc, char **argv) {
    for (size_t i = 0; argc == 2 && i < sizeof targets / sizeof targets[0]; i++) {
        if (strcmp(targets[i].target, argv[1]) == 0) {
            for (size_t p = 0; p < PARTS && targets[i].parts[p] != NULL; p++) {
                targets[i].parts[p]();
            }
            return ferror(stdout) != 0;
        }
    }
    fprintf(stderr, "Usage: %s TARGET\n", argv[0]);
    return 2;
}
