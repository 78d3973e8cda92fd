// SPDX-License-Identifier: Apache-2.0
// cmrp list --methods: every operation number of the interface, and which of them are described.
#include "cli/list_methods.h"

#include <jansson.h>
#include <stdio.h>

#include "cli/globs.h"
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
    struct globs globs = globs_open(patterns, count);
    json_t *rows = json_array();
    size_t described = 0;
    size_t all = 0;
    struct row row;
    for (uint32_t opnum = 0; row_at(opnum, &row); opnum++) {
        if (!globs_match(&globs, row.name)) {
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
    const enum outcome outcome = globs_check(&globs, "method");
    if (json) {
        json_t *document = json_pack("{s:i, s:O}", "format", 1, "methods", rows);
        json_dumpf(document, stdout, JSON_INDENT(2));
        puts("");
        json_decref(document);
    } else if (all > 0) {
        printf("\n%zu methods, %zu of them described\n", all, described);
    }
    json_decref(rows);
    globs_close(&globs);
    return outcome;
}
