// SPDX-License-Identifier: Apache-2.0
// cmrp list --methods: every operation number of the interface, and which of them are described.
#include "cli/list_methods.h"

#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmrp/method.h"

struct row {
    uint32_t opnum;
    const char *name;
    bool in[2];     // protocols 2 and 3
    bool described; // its stubs are decoded and encoded
};

static bool row_at(uint32_t opnum, struct row *row) {
    const char *name2 = cmrp_opnum_name(CMRP_INTERFACE_2, opnum);
    const char *name3 = cmrp_opnum_name(CMRP_INTERFACE_3, opnum);
    *row = (struct row){
        .opnum = opnum,
        .name = name3 != NULL ? name3 : name2,
        .in = {name2 != NULL, name3 != NULL},
        .described = cmrp_method_numbered(CMRP_INTERFACE_3, opnum) != NULL,
    };
    return row->name != NULL;
}

static bool wanted(const struct row *row, char *const *patterns, size_t count, bool *used) {
    bool matched = count == 0;
    for (size_t i = 0; i < count; i++) {
        if (fnmatch(patterns[i], row->name, 0) == 0) {
            used[i] = true;
            matched = true;
        }
    }
    return matched;
}

static void print_row(const struct row *row) {
    printf("%3u  %-42s  %s  %s\n", row->opnum, row->name, row->in[0] ? "2 3" : "  3",
           row->described ? "described" : "name only");
}

static json_t *row_object(const struct row *row) {
    json_t *protocols = json_array();
    for (int i = 0; i < 2; i++) {
        if (row->in[i]) {
            json_array_append_new(protocols, json_integer(i + 2));
        }
    }
    return json_pack("{s:i, s:s, s:o, s:b}", "opnum", (int)row->opnum, "method", row->name,
                     "interfaces", protocols, "described", (int)row->described);
}

enum outcome list_methods(char *const *patterns, size_t count, bool json) {
    bool *used = calloc(count + 1, sizeof *used);
    json_t *rows = json_array();
    size_t described = 0;
    size_t all = 0;
    struct row row;
    enum outcome outcome = OUTCOME_OK;
    if (used == NULL) {
        json_decref(rows);
        return cli_fail(OUTCOME_INTERNAL, "no memory");
    }
    for (uint32_t opnum = 0; row_at(opnum, &row); opnum++) {
        if (!wanted(&row, patterns, count, used)) {
            continue;
        }
        all++;
        described += row.described;
        if (json) {
            json_array_append_new(rows, row_object(&row));
        } else {
            print_row(&row);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!used[i]) {
            outcome = cli_fail(OUTCOME_USAGE, "no method matches \"%.60s\"", patterns[i]);
        }
    }
    if (json) {
        json_t *document = json_pack("{s:i, s:O}", "format", 1, "methods", rows);
        json_dumpf(document, stdout, JSON_INDENT(2));
        puts("");
        json_decref(document);
    } else if (all > 0) {
        printf("\n%zu methods, %zu of them described\n", all, described);
    }
    json_decref(rows);
    free(used);
    return outcome;
}
