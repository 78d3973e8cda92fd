// SPDX-License-Identifier: Apache-2.0
// cmrp coverage: for each requirement what shows whether it is kept.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/coverage.h"
#include "cli/globs.h"
#include "suite/grow.h"
#include "util/text.h"

static const char help[] =
    "usage: cmrp coverage [OPTION]... [GLOB]...\n"
    "\n"
    "Prints for each requirement of the catalogue what shows whether it is kept: vectors that "
    "cite\n"
    "it, rules that judge captures by it, or what is planned, or why nothing can show it. Then "
    "the\n"
    "sums by level, role and section. A GLOB selects by id (CMRP-B-*) or section (3.1.4.2.*).\n"
    "\n"
    "      --level must|should|may\n"
    "                         only requirements of this level\n"
    "      --role server|client|codec\n"
    "                         only those that this role is to keep\n"
    "      --status covered|planned|untestable\n"
    "                         only those in this state\n"
    "      --missing          only MUSTs that vectors or rules can show and do not, without a\n"
    "                         reason in the catalogue; that there are some is a finding\n"
    "      --counts           the sums alone\n"
    "      --vectors DIR      other vectors than those of cmrp\n"
    "  -T text|json           output form; text is the default; docs/schema/coverage.json "
    "describes\n"
    "                         the other\n"
    "  -h, --help             this text\n"
    "\n"
    "All of it is computed from the vectors and the rules; a row of the catalogue whose column\n"
    "status says something else is a finding. A rule counts where a sequence of calls in\n"
    "vectors/sequence shows that it fires.\n"
    "\n"
    "Columns: id; section; level; role; state; what shows it, what is planned, or why nothing "
    "can.\n"
    "\n"
    "Exit codes: 0 printed; 1 the catalogue disagrees, or --missing finds some; 2 usage, "
    "unreadable\n"
    "file, a pattern that matches nothing, nothing left.\n"
    "\n"
    "Example: cmrp coverage --level must --status planned '3.1.4.2.138*'\n";

struct options {
    const char *level;
    const char *role;
    enum ledger_state state; // LEDGER_STATES: all
    const char *vectors;
    char *const *patterns;
    size_t pattern_count;
    bool missing;
    bool counts;
    bool json;
};

enum { LEVEL = 1000, ROLE, STATUS, MISSING, COUNTS, VECTORS };

static const char *const levels[] = {"must", "should", "may", NULL};
static const char *const roles[] = {"server", "client", "codec", NULL};
static const char *const level_cells[] = {"MUST", "SHOULD", "MAY"};

// The index of the word, or that of the NULL.
static size_t index_of(const char *const *words, const char *word) {
    size_t i = 0;
    while (words[i] != NULL && strcmp(words[i], word) != 0) {
        i++;
    }
    return i;
}

static bool take_option(int option, struct options *o, enum outcome *outcome) {
    *outcome = OUTCOME_OK;
    switch (option) {
    case MISSING: o->missing = true; break;
    case COUNTS: o->counts = true; break;
    case VECTORS: o->vectors = optarg; break;
    case LEVEL:
        if (levels[index_of(levels, optarg)] == NULL) {
            *outcome = cli_usage("coverage", "--level takes must, should or may");
        } else {
            o->level = level_cells[index_of(levels, optarg)];
        }
        break;
    case ROLE:
        o->role = optarg;
        if (roles[index_of(roles, optarg)] == NULL) {
            *outcome = cli_usage("coverage", "--role takes server, client or codec");
        }
        break;
    case STATUS:
        if (!ledger_state_named(optarg, &o->state)) {
            *outcome = cli_usage("coverage", "--status takes covered, planned or untestable");
        }
        break;
    case 'T': *outcome = cli_take_form("coverage", optarg, &o->json); break;
    case 'h': fputs(help, stdout); return false;
    default: *outcome = cli_usage("coverage", "unusable option"); break;
    }
    return *outcome == OUTCOME_OK;
}

static bool read_options(int argc, char **argv, struct options *o, enum outcome *outcome) {
    static const struct option long_options[] = {{"level", required_argument, NULL, LEVEL},
                                                 {"role", required_argument, NULL, ROLE},
                                                 {"status", required_argument, NULL, STATUS},
                                                 {"missing", no_argument, NULL, MISSING},
                                                 {"counts", no_argument, NULL, COUNTS},
                                                 {"vectors", required_argument, NULL, VECTORS},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "T:h", long_options, NULL)) != -1) {
        if (!take_option(option, o, outcome)) {
            return false;
        }
    }
    o->patterns = argv + optind;
    o->pattern_count = (size_t)(argc - optind);
    return true;
}

// ---- selection ----------------------------------------------------------------------------------

static bool selected(const struct options *o, const struct ledger_row *row, struct globs *globs) {
    const struct requirement *r = row->requirement;
    const bool by_id = globs_match(globs, r->id);
    const bool by_section = globs_match(globs, r->section);
    return (by_id || by_section) && (o->level == NULL || strcmp(r->level_text, o->level) == 0) &&
           (o->role == NULL || catalogue_cell_has(r->role, o->role)) &&
           (o->state == LEDGER_STATES || row->state == o->state) && (!o->missing || row->missing);
}

// The rows that are left, free() them; without any *outcome is set, but for --missing, where that
// is good.
static struct coverage select_rows(const struct options *o, const struct ledger *ledger,
                                   enum outcome *outcome) {
    struct coverage coverage = {.ledger = ledger,
                                .rows = util_alloc(ledger->count * sizeof *coverage.rows)};
    struct globs globs = globs_open(o->patterns, o->pattern_count);
    for (size_t i = 0; i < ledger->count; i++) {
        if (selected(o, &ledger->rows[i], &globs)) {
            coverage.rows[coverage.count++] = &ledger->rows[i];
        }
    }
    *outcome = globs_check(&globs, "requirement and no section");
    if (*outcome == OUTCOME_OK && coverage.count == 0 && !o->missing) {
        *outcome = cli_fail(OUTCOME_USAGE, "no requirement is left");
    }
    globs_close(&globs);
    return coverage;
}

// ---- sums ---------------------------------------------------------------------------------------

static void count_row(struct coverage_sum *sum, const struct ledger_row *row) {
    sum->states[row->state]++;
    sum->missing += row->missing ? 1 : 0;
    sum->all++;
}

static struct coverage_sum *sum_named(struct coverage_sums *sums, const char *name, size_t size) {
    for (size_t i = 0; i < sums->count; i++) {
        if (strlen(sums->sums[i].name) == size && strncmp(sums->sums[i].name, name, size) == 0) {
            return &sums->sums[i];
        }
    }
    sums->sums = grow_by_one(sums->sums, sums->count, sizeof *sums->sums);
    sums->sums[sums->count] = (struct coverage_sum){.name = util_format("%.*s", (int)size, name)};
    return &sums->sums[sums->count++];
}

static struct coverage_sums sum_words(const struct coverage *c, const char *const *words,
                                      const char *(*cell)(const struct requirement *)) {
    struct coverage_sums sums = {0};
    for (; *words != NULL; words++) {
        for (size_t i = 0; i < c->count; i++) {
            if (catalogue_cell_has(cell(c->rows[i]->requirement), *words)) {
                count_row(sum_named(&sums, *words, strlen(*words)), c->rows[i]);
            }
        }
    }
    return sums;
}

static const char *role_cell(const struct requirement *r) {
    return r->role;
}

static const char *level_cell(const struct requirement *r) {
    return r->level_text;
}

struct coverage_sums coverage_by_role(const struct coverage *c) {
    return sum_words(c, roles, role_cell);
}

struct coverage_sums coverage_by_level(const struct coverage *c) {
    static const char *const words[] = {"MUST", "SHOULD", "MAY", NULL};
    return sum_words(c, words, level_cell);
}

// In order of appearance; a row with several sections counts in the first.
struct coverage_sums coverage_by_section(const struct coverage *c) {
    struct coverage_sums sums = {0};
    for (size_t i = 0; i < c->count; i++) {
        const char *section = c->rows[i]->requirement->section;
        count_row(sum_named(&sums, section, strcspn(section, ",")), c->rows[i]);
    }
    return sums;
}

struct coverage_sum coverage_all(const struct coverage *c) {
    struct coverage_sum sum = {0};
    for (size_t i = 0; i < c->count; i++) {
        count_row(&sum, c->rows[i]);
    }
    return sum;
}

void coverage_free_sums(struct coverage_sums *sums) {
    for (size_t i = 0; i < sums->count; i++) {
        free(sums->sums[i].name);
    }
    free(sums->sums);
}

// ---- the command --------------------------------------------------------------------------------

static enum outcome report(const struct options *o, const struct ledger *ledger) {
    enum outcome outcome;
    struct coverage c = select_rows(o, ledger, &outcome);
    if (outcome == OUTCOME_OK) {
        (o->json ? coverage_print_json : coverage_print_text)(&c, o->counts);
        for (size_t i = 0; i < c.count; i++) {
            if (c.rows[i]->problem != NULL) {
                outcome = cli_fail(OUTCOME_FINDINGS, "%s: %s", c.rows[i]->requirement->id,
                                   c.rows[i]->problem);
            }
        }
        outcome = o->missing && c.count > 0 ? OUTCOME_FINDINGS : outcome;
    }
    free(c.rows);
    return outcome;
}

enum outcome cli_coverage(int argc, char **argv) {
    struct options o = {.state = LEDGER_STATES};
    struct catalogue catalogue = {0};
    struct vector_set vectors = {0};
    struct ledger ledger = {0};
    enum outcome outcome = OUTCOME_OK;
    char *error = NULL;
    if (!read_options(argc, argv, &o, &outcome)) {
        return outcome;
    }
    char *table = cli_data_path("requirements.tsv");
    char *directory = o.vectors != NULL ? util_strdup(o.vectors) : cli_data_path("vectors");
    if (catalogue_load(table, &catalogue, &error) && vector_set_load(directory, &vectors, &error) &&
        ledger_open(&catalogue, &vectors, directory, &ledger, &error)) {
        outcome = report(&o, &ledger);
    } else {
        outcome = cli_refuse(error);
    }
    ledger_close(&ledger);
    vector_set_free(&vectors);
    catalogue_free(&catalogue);
    free(directory);
    free(table);
    return outcome;
}
