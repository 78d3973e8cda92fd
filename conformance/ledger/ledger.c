// SPDX-License-Identifier: Apache-2.0
#include "ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/parts.h"
#include "suite/grow.h"

static const char *const state_names[] = {"covered", "planned", "untestable"};
static const char *const kind_names[] = {"vector", "rule", "live server", "live client"};
static const struct {
    const char *word; // of the column testable
    enum ledger_kind kind;
} ways[] = {
    {"vector", LEDGER_VECTOR},           {"static", LEDGER_VECTOR},           {"pcap", LEDGER_RULE},
    {"live-server", LEDGER_LIVE_SERVER}, {"live-client", LEDGER_LIVE_CLIENT},
};
// Excuses of the column status, by kind.
static const char *const excuses[] = {"; no vector yet: ", "; no rule yet: "};
static const char untestable[] = "untestable: ";

const char *ledger_state_name(enum ledger_state state) {
    return state_names[state];
}

bool ledger_state_named(const char *name, enum ledger_state *state) {
    for (int i = 0; i < LEDGER_STATES; i++) {
        if (strcmp(state_names[i], name) == 0) {
            *state = (enum ledger_state)i;
            return true;
        }
    }
    return false;
}

const char *ledger_kind_name(enum ledger_kind kind) {
    return kind_names[kind];
}

// ---- what there is ------------------------------------------------------------------------------

static void read_testable(struct ledger_row *row) {
    const struct requirement *r = row->requirement;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        row->can[ways[i].kind] |= catalogue_cell_has(r->testable, ways[i].word);
    }
    if (row->can[LEDGER_VECTOR] && row->can[LEDGER_RULE] && catalogue_cell_has(r->role, "codec")) {
        row->can[LEDGER_RULE] = false;
        row->decoding = true;
    }
}

static struct ledger_row *row_named(struct ledger *ledger, const char *id) {
    for (size_t i = 0; i < ledger->count; i++) {
        if (strcmp(ledger->rows[i].requirement->id, id) == 0) {
            return &ledger->rows[i];
        }
    }
    return NULL;
}

const struct ledger_row *ledger_find(const struct ledger *ledger, const char *id) {
    return row_named((struct ledger *)ledger, id);
}

static void take_vectors(struct ledger *ledger, const struct vector_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        json_t *id;
        size_t j;
        json_array_foreach((json_t *)set->vectors[i].requirements, j, id) {
            struct ledger_row *row = row_named(ledger, json_string_value(id));
            if (row != NULL && row->can[LEDGER_VECTOR]) {
                row->vectors = grow_by_one(row->vectors, row->vector_count, sizeof *row->vectors);
                row->vectors[row->vector_count++] = &set->vectors[i];
                row->has[LEDGER_VECTOR] = true;
            }
        }
    }
}

static void take_rules(struct ledger *ledger) {
    for (size_t i = 0; i < rules_count(); i++) {
        const struct rule *rule = rules_at(i);
        struct ledger_row *row = row_named(ledger, rule->requirement);
        size_t from = 0;
        if (row != NULL) {
            row->rules = grow_by_one(row->rules, row->rule_count, sizeof *row->rules);
            row->rules[row->rule_count++] = i;
            row->has[LEDGER_RULE] =
                row->has[LEDGER_RULE] || ledger_next_break(ledger, rule->name, &from) != NULL;
        }
    }
}

// ---- what follows -------------------------------------------------------------------------------

// What the column status says up to its excuses, or all of it where nothing can show the row.
static void put_status(struct buffer *out, const struct ledger_row *row) {
    const bool live = row->has[LEDGER_LIVE_SERVER] || row->has[LEDGER_LIVE_CLIENT];
    const char *before = row->state == LEDGER_COVERED ? "covered: " : "planned: ";
    for (int i = 0; i < LEDGER_KINDS; i++) {
        const bool counts = row->state == LEDGER_COVERED ? row->has[i] : row->can[i];
        if (counts && !(live && i >= LEDGER_LIVE_SERVER)) {
            buffer_printf(out, "%s%s", before, kind_names[i]);
            before = ", ";
        }
    }
    buffer_printf(out, "%s", live ? before : "");
    buffer_printf(out, "%s", live ? "live" : "");
}

static bool excused(const struct ledger_row *row, int kind) {
    return strstr(row->requirement->status, excuses[kind]) != NULL;
}

static void judge_column(struct ledger_row *row) {
    const char *status = row->requirement->status;
    struct buffer wanted = {0};
    put_status(&wanted, row);
    const char *text = buffer_text(&wanted);
    const size_t n = strcspn(status, ";");
    if (row->state == LEDGER_UNTESTABLE) {
        if (row->reason == NULL) {
            row->problem =
                util_format("nothing can show it, but the column status is \"%s\"", status);
        }
    } else if (strlen(text) != n || strncmp(status, text, n) != 0) {
        row->problem = util_format("it is \"%s\", but the column status is \"%s\"", text, status);
    }
    for (int kind = LEDGER_VECTOR; kind <= LEDGER_RULE && row->problem == NULL; kind++) {
        if (excused(row, kind) && (row->has[kind] || !row->can[kind])) {
            row->problem = util_format("the column status says \"%.*s\", but %s",
                                       (int)strlen(excuses[kind]) - 4, excuses[kind] + 2,
                                       row->has[kind] ? "there is one" : "none can show it");
        }
    }
    buffer_free(&wanted);
}

static void judge(struct ledger_row *row) {
    const char *status = row->requirement->status;
    bool has = false, can = false;
    for (int i = 0; i < LEDGER_KINDS; i++) {
        has = has || row->has[i];
        can = can || row->can[i];
    }
    row->state = has ? LEDGER_COVERED : can ? LEDGER_PLANNED : LEDGER_UNTESTABLE;
    if (strncmp(status, untestable, sizeof untestable - 1) == 0) {
        row->reason = status + sizeof untestable - 1;
    }
    for (int kind = LEDGER_VECTOR; kind <= LEDGER_RULE; kind++) {
        row->missing = row->missing || (row->requirement->level == LEVEL_MUST && row->can[kind] &&
                                        !row->has[kind] && !excused(row, kind));
    }
    judge_column(row);
}

bool ledger_open(const struct catalogue *catalogue, const struct vector_set *vectors,
                 const char *directory, struct ledger *ledger, char **error) {
    *ledger = (struct ledger){.count = catalogue->count,
                              .rows = util_alloc(catalogue->count * sizeof *ledger->rows)};
    for (size_t i = 0; i < ledger->count; i++) {
        ledger->rows[i].requirement = &catalogue->rows[i];
        read_testable(&ledger->rows[i]);
    }
    if (!sequences_read(ledger, directory, error)) {
        ledger_close(ledger);
        return false;
    }
    take_vectors(ledger, vectors);
    take_rules(ledger);
    for (size_t i = 0; i < ledger->count; i++) {
        judge(&ledger->rows[i]);
    }
    return true;
}

void ledger_close(struct ledger *ledger) {
    for (size_t i = 0; i < ledger->count; i++) {
        free(ledger->rows[i].vectors);
        free(ledger->rows[i].rules);
        free(ledger->rows[i].problem);
    }
    free(ledger->rows);
    free(ledger->sequences);
    json_decref(ledger->documents);
    *ledger = (struct ledger){0};
}
