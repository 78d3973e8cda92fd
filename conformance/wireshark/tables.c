// SPDX-License-Identifier: Apache-2.0
// Writes the codec's tables as Lua: `tables TEMPLATE OUTPUT` copies TEMPLATE and puts them in place
// of its line "-- @tables@", so that the dissector and the codec cannot differ.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmrp/cmrp.h"

static void write_kinds(FILE *out) {
    static const char *const names[] = {
        [CMRP_KIND_U16] = "U16",       [CMRP_KIND_U32] = "U32",
        [CMRP_KIND_I32] = "I32",       [CMRP_KIND_U64] = "U64",
        [CMRP_KIND_WORD] = "WORD",     [CMRP_KIND_HANDLE] = "HANDLE",
        [CMRP_KIND_STRING] = "STRING", [CMRP_KIND_OPEN_STRING] = "OPEN_STRING",
        [CMRP_KIND_OCTETS] = "OCTETS", [CMRP_KIND_VARYING] = "VARYING",
        [CMRP_KIND_RECORD] = "RECORD", [CMRP_KIND_ARRAY] = "ARRAY",
        [CMRP_KIND_ROOM] = "ROOM",     [CMRP_KIND_UNITS] = "UNITS",
        [CMRP_KIND_TAIL] = "TAIL",
    };
    fputs("local KIND = {", out);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fprintf(out, "%s%s = %zu", i > 0 ? ", " : "", names[i], i);
    }
    fputs("}\n", out);
}

static void write_sets(FILE *out) {
    fputs("local sets = {\n", out);
    for (unsigned id = 0; id < CMRP_SET_COUNT; id++) {
        const cmrp_change_set *set = cmrp_change_set_at(id);
        fprintf(out, "  [%u] = {name = \"%s\", type = %" PRIu32 ", enumeration = %s, flags = {", id,
                set->name, set->object_type, set->enumeration ? "true" : "false");
        for (uint32_t i = 0; i < set->count; i++) {
            if ((set->flags[i].attributes & CMRP_CHANGE_UNION) == 0) {
                fprintf(out, "\n    {%" PRIu64 ", \"%s\"},", set->flags[i].value,
                        set->flags[i].name);
            }
        }
        fputs("\n  }},\n", out);
    }
    fprintf(out, "}\nlocal SET_CHANGE, SET_OBJECT_TYPE, SET_RESOURCE_TYPE = %d, %d, %d\n",
            CMRP_SET_CLUSTER_CHANGE, CMRP_SET_CLUSTER_OBJECT_TYPE, CMRP_SET_RESOURCE_TYPE_V2);
}

// What a value means, where the dissector makes something of it.
static const char *meaning(unsigned means) {
    switch (means) {
    case CMRP_MEANS_STATUS: return "status";
    case CMRP_MEANS_BOOL: return "bool";
    case CMRP_MEANS_KEY: return "key";
    case CMRP_MEANS_CHANGE: return "change";
    case CMRP_MEANS_OBJECT_TYPE: return "object_type";
    case CMRP_MEANS_FLAGS: return "flags";
    case CMRP_MEANS_RESOURCE_TYPE_FLAGS: return "resource_type_flags";
    case CMRP_MEANS_VALUE_TYPE: return "value_type";
    case CMRP_MEANS_BATCH: return "batch";
    default: return "";
    }
}

static void write_params(FILE *out, const cmrp_param *params, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const cmrp_param *p = &params[i];
        const cmrp_struct *type = cmrp_param_struct(p);
        fprintf(out,
                "    {name = \"%s\", directions = %u, protocols = %u, kind = %u, unique = %s, "
                "alignment = %u, size_is = %d, means = \"%s\"",
                p->name, p->directions, p->protocols, p->kind, p->unique ? "true" : "false",
                p->alignment, p->size_is, meaning(p->meaning));
        if (type != NULL) {
            fprintf(out, ", struct = \"%s\"", type->name);
        }
        fputs("},\n", out);
    }
}

// Structures as they are first met in the methods.
static void write_struct(FILE *out, const cmrp_struct *type) {
    fprintf(out, "structs[\"%s\"] = structs[\"%s\"] or {\n", type->name, type->name);
    write_params(out, type->members, type->count);
    fputs("}\n", out);
    for (uint32_t i = 0; i < type->count; i++) {
        if (cmrp_param_struct(&type->members[i]) != NULL) {
            write_struct(out, cmrp_param_struct(&type->members[i]));
        }
    }
}

static void write_methods(FILE *out) {
    fputs("local structs = {}\nlocal methods = {}\n", out);
    for (size_t i = 0; i < cmrp_method_count(); i++) {
        const cmrp_method *m = cmrp_method_at(i);
        for (uint32_t p = 0; p < m->count; p++) {
            if (cmrp_param_struct(&m->params[p]) != NULL) {
                write_struct(out, cmrp_param_struct(&m->params[p]));
            }
        }
        fprintf(out, "methods[%" PRIu32 "] = {protocols = %d, params = {\n", m->opnum,
                (m->sections[0] != NULL ? CMRP_PROTOCOL_2 : 0) +
                    (m->sections[1] != NULL ? CMRP_PROTOCOL_3 : 0));
        write_params(out, m->params, m->count);
        fputs("}}\n", out);
    }
    for (unsigned interface = CMRP_INTERFACE_2; interface <= CMRP_INTERFACE_3; interface++) {
        fprintf(out, "%s[%u] = {",
                interface == CMRP_INTERFACE_2 ? "local opnums = {}\nopnums" : "opnums", interface);
        for (uint32_t i = 0; cmrp_opnum_name(interface, i) != NULL; i++) {
            fprintf(out, "\n  [%" PRIu32 "] = \"%s\",", i, cmrp_opnum_name(interface, i));
        }
        fputs("\n}\n", out);
    }
}

static void write_batch(FILE *out) {
    fputs("local commands = {\n", out);
#define COMMAND(name, value, type, data) fprintf(out, "  [%d] = \"%s\",\n", value, #name);
    CMRP_BATCH_COMMANDS(COMMAND)
#undef COMMAND
    fputs("}\nlocal reg_types = {\n", out);
#define TYPE(name, value) fprintf(out, "  [%d] = \"%s\",\n", value, #name);
    CMRP_REG_TYPES(TYPE)
#undef TYPE
    fputs("}\n", out);
}

int main(int argc, char **argv) {
    char line[512];
    FILE *in = argc == 3 ? fopen(argv[1], "r") : NULL;
    FILE *out = in != NULL ? fopen(argv[2], "w") : NULL;
    bool placed = false;
    if (out == NULL) {
        perror("usage: tables TEMPLATE OUTPUT");
        return 2;
    }
    while (fgets(line, sizeof line, in) != NULL) {
        if (strcmp(line, "-- @tables@\n") == 0) {
            write_kinds(out);
            write_sets(out);
            write_methods(out);
            write_batch(out);
            placed = true;
        } else {
            fputs(line, out);
        }
    }
    fclose(in);
    return fclose(out) == 0 && placed ? 0 : 2;
}
