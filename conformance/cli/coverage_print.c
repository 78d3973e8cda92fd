// SPDX-License-Identifier: Apache-2.0
// The output of cmrp coverage.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/coverage.h"

enum { FIRST_VECTORS = 3 };

// What can show a row, but does not.
static bool is_planned(const struct ledger_row *row, int kind) {
    return row->can[kind] && !row->has[kind];
}

// ---- text ---------------------------------------------------------------------------------------

static void put_vectors(struct buffer *out, const struct ledger_row *row) {
    buffer_printf(out, "%zu vector%s (", row->vector_count, row->vector_count == 1 ? "" : "s");
    for (size_t i = 0; i < row->vector_count && i < FIRST_VECTORS; i++) {
        buffer_printf(out, "%s%s", i > 0 ? ", " : "", row->vectors[i]->id);
    }
    buffer_printf(out, "%s)", row->vector_count > FIRST_VECTORS ? ", …" : "");
}

static const char *put_rules(struct buffer *out, const struct ledger *ledger,
                             const struct ledger_row *row, const char *before) {
    for (size_t i = 0; i < row->rule_count; i++) {
        const char *name = rules_at(row->rules[i])->name;
        size_t at = 0;
        const bool fires = ledger_next_break(ledger, name, &at) != NULL;
        buffer_printf(out, "%srule %s%s", before, name, fires ? "" : " (no sequence breaks it)");
        before = "; ";
    }
    return before;
}

void coverage_describe(struct buffer *out, const struct ledger *ledger,
                       const struct ledger_row *row) {
    const char *before = "";
    const char *excuse = strchr(row->requirement->status, ';');
    if (row->state == LEDGER_UNTESTABLE) {
        buffer_printf(out, "%s", row->reason != NULL ? row->reason : "no reason is given");
        return;
    }
    if (row->vector_count > 0) {
        put_vectors(out, row);
        buffer_printf(out, "%s", row->decoding ? "; decoding" : "");
        before = "; ";
    }
    before = put_rules(out, ledger, row, before);
    const char *title = row->state == LEDGER_PLANNED ? "" : "planned: ";
    for (int i = 0; i < LEDGER_KINDS; i++) {
        if (is_planned(row, i)) {
            buffer_printf(out, "%s%s%s", before, title, ledger_kind_name((enum ledger_kind)i));
            before = ", ";
            title = "";
        }
    }
    buffer_printf(out, "%s", excuse != NULL ? excuse : "");
}

// The first of several sections.
static int section_size(const struct requirement *r) {
    return (int)strcspn(r->section, ",");
}

static void print_rows(const struct coverage *c) {
    int id = 0, section = 0, role = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct requirement *r = c->rows[i]->requirement;
        const int sizes[] = {(int)strlen(r->id), section_size(r), (int)strlen(r->role)};
        id = sizes[0] > id ? sizes[0] : id;
        section = sizes[1] > section ? sizes[1] : section;
        role = sizes[2] > role ? sizes[2] : role;
    }
    for (size_t i = 0; i < c->count; i++) {
        const struct requirement *r = c->rows[i]->requirement;
        struct buffer text = {0};
        coverage_describe(&text, c->ledger, c->rows[i]);
        printf("%-*s  %-*.*s  %-6s  %-*s  %-10s  %s\n", id, r->id, section, section_size(r),
               r->section, r->level_text, role, r->role, ledger_state_name(c->rows[i]->state),
               buffer_text(&text));
        buffer_free(&text);
    }
}

static void print_sum(const struct coverage_sum *sum, const char *name) {
    printf("%-20s %6zu", name, sum->all);
    for (int i = 0; i < LEDGER_STATES; i++) {
        printf(" %10zu", sum->states[i]);
    }
    printf(" %8zu\n", sum->missing);
}

static void print_sums(const char *title, struct coverage_sums sums) {
    printf("%-20s %6s", title, "all");
    for (int i = 0; i < LEDGER_STATES; i++) {
        printf(" %10s", ledger_state_name((enum ledger_state)i));
    }
    printf(" %8s\n", "missing");
    for (size_t i = 0; i < sums.count; i++) {
        print_sum(&sums.sums[i], sums.sums[i].name);
    }
    printf("\n");
    coverage_free_sums(&sums);
}

void coverage_print_text(const struct coverage *c, bool counts) {
    const struct coverage_sum all = coverage_all(c);
    if (!counts) {
        print_rows(c);
        printf("\n");
    }
    print_sums("section", coverage_by_section(c));
    print_sums("role", coverage_by_role(c));
    print_sums("level", coverage_by_level(c));
    printf("requirements: %zu, covered %zu, planned %zu, untestable %zu, missing %zu\n", all.all,
           all.states[LEDGER_COVERED], all.states[LEDGER_PLANNED], all.states[LEDGER_UNTESTABLE],
           all.missing);
}

// ---- JSON ---------------------------------------------------------------------------------------

static json_t *number(size_t n) {
    return json_integer((json_int_t)n);
}

static json_t *words_of(const char *cell) {
    json_t *words = json_array();
    while (*cell != '\0') {
        const size_t n = strcspn(cell, ",");
        json_array_append_new(words, json_stringn(cell, n));
        cell += n + (cell[n] == ',' ? 1 : 0);
    }
    return words;
}

static json_t *rules_of(const struct ledger *ledger, const struct ledger_row *row) {
    json_t *rules = json_array();
    for (size_t i = 0; i < row->rule_count; i++) {
        const char *name = rules_at(row->rules[i])->name;
        const struct ledger_sequence *sequence;
        json_t *sequences = json_array();
        size_t at = 0;
        while ((sequence = ledger_next_break(ledger, name, &at)) != NULL) {
            json_array_append_new(sequences, json_string(sequence->id));
        }
        json_array_append_new(rules, json_pack("{s:s, s:o}", "name", name, "broken_by", sequences));
    }
    return rules;
}

static json_t *vectors_of(const struct ledger_row *row) {
    json_t *ids = json_array();
    for (size_t i = 0; i < row->vector_count; i++) {
        json_array_append_new(ids, json_string(row->vectors[i]->id));
    }
    return ids;
}

static json_t *planned_of(const struct ledger_row *row) {
    json_t *kinds = json_array();
    for (int i = 0; i < LEDGER_KINDS; i++) {
        if (is_planned(row, i)) {
            json_array_append_new(kinds, json_string(ledger_kind_name((enum ledger_kind)i)));
        }
    }
    return kinds;
}

static json_t *row_object(const struct coverage *c, const struct ledger_row *row) {
    const struct requirement *r = row->requirement;
    json_t *object =
        json_pack("{s:s, s:o, s:s, s:o, s:s, s:s, s:s, s:s, s:o, s:o, s:[], s:o, s:s, s:b, s:b}",
                  "id", r->id, "sections", words_of(r->section), "level", r->level_text, "roles",
                  words_of(r->role), "protocol", r->protocol, "subjects", r->subjects, "statement",
                  r->statement, "state", ledger_state_name(row->state), "vectors", vectors_of(row),
                  "rules", rules_of(c->ledger, row), "live", "planned", planned_of(row), "status",
                  r->status, "decoding", (int)row->decoding, "missing", (int)row->missing);
    if (row->state == LEDGER_UNTESTABLE && row->reason != NULL) {
        json_object_set_new(object, "reason", json_string(row->reason));
    }
    if (row->problem != NULL) {
        json_object_set_new(object, "problem", json_string(row->problem));
    }
    return object;
}

static json_t *sum_object(const struct coverage_sum *sum) {
    json_t *object = json_object();
    if (sum->name != NULL) {
        json_object_set_new(object, "name", json_string(sum->name));
    }
    json_object_set_new(object, "all", number(sum->all));
    for (int i = 0; i < LEDGER_STATES; i++) {
        json_object_set_new(object, ledger_state_name((enum ledger_state)i),
                            number(sum->states[i]));
    }
    json_object_set_new(object, "missing", number(sum->missing));
    return object;
}

static json_t *sums_array(struct coverage_sums sums) {
    json_t *array = json_array();
    for (size_t i = 0; i < sums.count; i++) {
        json_array_append_new(array, sum_object(&sums.sums[i]));
    }
    coverage_free_sums(&sums);
    return array;
}

void coverage_print_json(const struct coverage *c, bool counts) {
    const struct coverage_sum all = coverage_all(c);
    json_t *document = json_pack("{s:i}", "format", 1);
    if (!counts) {
        json_t *rows = json_array();
        for (size_t i = 0; i < c->count; i++) {
            json_array_append_new(rows, row_object(c, c->rows[i]));
        }
        json_object_set_new(document, "requirements", rows);
    }
    json_object_set_new(document, "sums",
                        json_pack("{s:o, s:o, s:o, s:o}", "all", sum_object(&all), "levels",
                                  sums_array(coverage_by_level(c)), "roles",
                                  sums_array(coverage_by_role(c)), "sections",
                                  sums_array(coverage_by_section(c))));
    char *text = json_dumps(document, JSON_INDENT(2));
    puts(text);
    free(text);
    json_decref(document);
}
