// SPDX-License-Identifier: Apache-2.0
// cmrp list: the vectors and how many there are.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/globs.h"
#include "cli/list_methods.h"
#include "suite/shown.h"
#include "suite/vector.h"
#include "util/text.h"

static const char help[] =
    "usage: cmrp list [OPTION]... [GLOB]...\n"
    "\n"
    "Lists the test vectors whose ids match one of the patterns, or all, and counts them.\n"
    "\n"
    "      --type TYPE        only vectors of batch, change, stub, pdu, payload or tower\n"
    "      --requirement ID   only vectors that cite this requirement\n"
    "      --flag FLAG        only vectors with this flag\n"
    "      --counts           the counts alone\n"
    "      --methods          the methods of the interface instead: opnum, name, protocols, and\n"
    "                         whether cmrp decodes them or only knows the name\n"
    "      --vectors DIR      other vectors than those of cmrp\n"
    "  -T text|json           output form; text is the default; docs/schema/list.json and\n"
    "                         list-methods.json describe the other\n"
    "  -h, --help             this text\n"
    "\n"
    "Columns: id; result (valid; invalid; acceptable: others may refuse it); provenance (wire:\n"
    "recorded from an implementation that is not ours; spec: worked by hand from the "
    "specification;\n"
    "generated); what it is about.\n"
    "\n"
    "Exit codes: 0 listed; 2 usage, unreadable file, a pattern that matches nothing, nothing "
    "left.\n"
    "\n"
    "Example: cmrp list --type batch --flag Padding\n";

struct options {
    const char *type;
    const char *requirement;
    const char *flag;
    const char *vectors;
    char *const *patterns;
    size_t pattern_count;
    bool counts;
    bool methods;
    bool json;
};

struct counts {
    size_t types[JSON_TYPES];
    size_t results[VECTOR_RESULTS];
    size_t provenances[VECTOR_PROVENANCES];
    size_t all;
};

enum { TYPE = 1000, REQUIREMENT, FLAG, COUNTS, METHODS, VECTORS };

static bool take_option(int option, struct options *o, enum outcome *outcome) {
    enum json_type type;
    *outcome = OUTCOME_OK;
    switch (option) {
    case REQUIREMENT: o->requirement = optarg; break;
    case FLAG: o->flag = optarg; break;
    case COUNTS: o->counts = true; break;
    case METHODS: o->methods = true; break;
    case VECTORS: o->vectors = optarg; break;
    case TYPE:
        o->type = optarg;
        if (!json_type_named(optarg, &type)) {
            *outcome = cli_usage("list", "--type takes batch, change, stub, pdu, payload or tower");
        }
        break;
    case 'T':
        o->json = strcmp(optarg, "json") == 0;
        if (!o->json && strcmp(optarg, "text") != 0) {
            *outcome = cli_usage("list", "-T takes text or json");
        }
        break;
    case 'h': fputs(help, stdout); return false;
    default: *outcome = cli_usage("list", "unusable option"); break;
    }
    return *outcome == OUTCOME_OK;
}

static bool read_options(int argc, char **argv, struct options *o, enum outcome *outcome) {
    static const struct option long_options[] = {
        {"type", required_argument, NULL, TYPE},
        {"requirement", required_argument, NULL, REQUIREMENT},
        {"flag", required_argument, NULL, FLAG},
        {"counts", no_argument, NULL, COUNTS},
        {"methods", no_argument, NULL, METHODS},
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

static bool matches(const struct options *o, const struct vector *v, struct globs *globs) {
    const bool matched = globs_match(globs, v->id);
    return matched && (o->type == NULL || strcmp(o->type, json_type_name(v->how.type)) == 0) &&
           (o->requirement == NULL || vector_cites(v, o->requirement)) &&
           (o->flag == NULL || vector_flagged(v, o->flag));
}

// The vectors that are left; free() them. NULL with *outcome set when there are none.
static const struct vector **select_vectors(const struct options *o, const struct vector_set *set,
                                            size_t *count, enum outcome *outcome) {
    const struct vector **chosen = util_alloc((set->count + 1) * sizeof *chosen);
    struct globs globs = globs_open(o->patterns, o->pattern_count);
    *count = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (matches(o, &set->vectors[i], &globs)) {
            chosen[(*count)++] = &set->vectors[i];
        }
    }
    *outcome = globs_check(&globs, "vector");
    if (*outcome == OUTCOME_OK && *count == 0) {
        *outcome = cli_fail(OUTCOME_USAGE, "no vector is left");
    }
    globs_close(&globs);
    if (*outcome != OUTCOME_OK) {
        free(chosen);
        return NULL;
    }
    return chosen;
}

static void count_vectors(const struct vector **chosen, size_t count, struct counts *counts) {
    for (size_t i = 0; i < count; i++) {
        counts->types[chosen[i]->how.type]++;
        counts->results[chosen[i]->strict.result]++;
        counts->provenances[chosen[i]->provenance]++;
    }
    counts->all = count;
}

// ---- text ---------------------------------------------------------------------------------------

static void print_rows(const struct vector **chosen, size_t count) {
    struct buffer comment = {0};
    int width = 0;
    for (size_t i = 0; i < count; i++) {
        const int n = (int)strlen(chosen[i]->id);
        width = n > width ? n : width;
    }
    for (size_t i = 0; i < count; i++) {
        buffer_clear(&comment);
        shown_text(&comment, chosen[i]->comment, strlen(chosen[i]->comment));
        printf("%-*s  %-10s  %-9s  %s\n", width, chosen[i]->id,
               vector_result_name(chosen[i]->strict.result),
               vector_provenance_name(chosen[i]->provenance), buffer_text(&comment));
    }
    buffer_free(&comment);
}

static const char *type_word(unsigned i) {
    return json_type_name((enum json_type)i);
}

static const char *result_word(unsigned i) {
    return vector_result_name((enum vector_result)i);
}

static const char *provenance_word(unsigned i) {
    return vector_provenance_name((enum vector_provenance)i);
}

static void print_counts(const char *title, const char *(*word)(unsigned), const size_t *counts,
                         unsigned n) {
    printf("%s:", title);
    for (unsigned i = 0; i < n; i++) {
        printf("%s %s %zu", i > 0 ? "," : "", word(i), counts[i]);
    }
    printf("\n");
}

static void print_text(const struct options *o, const struct vector **chosen, size_t count) {
    struct counts counts = {0};
    count_vectors(chosen, count, &counts);
    if (!o->counts) {
        print_rows(chosen, count);
        printf("\n");
    }
    printf("vectors: %zu\n", counts.all);
    print_counts("types", type_word, counts.types, JSON_TYPES);
    print_counts("results", result_word, counts.results, VECTOR_RESULTS);
    print_counts("provenance", provenance_word, counts.provenances, VECTOR_PROVENANCES);
}

// ---- JSON ---------------------------------------------------------------------------------------

static json_t *counts_object(const char *(*word)(unsigned), const size_t *counts, unsigned n) {
    json_t *object = json_object();
    for (unsigned i = 0; i < n; i++) {
        json_object_set_new(object, word(i), json_integer((json_int_t)counts[i]));
    }
    return object;
}

static json_t *vector_object(const struct vector *v) {
    json_t *object = json_object();
    json_object_set_new(object, "id", json_string(v->id));
    json_object_set_new(object, "type", json_string(json_type_name(v->how.type)));
    json_object_set_new(object, "result", json_string(vector_result_name(v->strict.result)));
    json_object_set_new(object, "provenance", json_string(vector_provenance_name(v->provenance)));
    json_object_set_new(object, "flags",
                        v->flags != NULL ? json_deep_copy(v->flags) : json_array());
    json_object_set_new(object, "requirements",
                        v->requirements != NULL ? json_deep_copy(v->requirements) : json_array());
    json_object_set_new(object, "comment", json_string(v->comment));
    return object;
}

static void print_json(const struct options *o, const struct vector **chosen, size_t count) {
    struct counts counts = {0};
    json_t *document = json_object();
    json_t *totals = json_object();
    count_vectors(chosen, count, &counts);
    json_object_set_new(document, "format", json_integer(1));
    if (!o->counts) {
        json_t *vectors = json_array();
        for (size_t i = 0; i < count; i++) {
            json_array_append_new(vectors, vector_object(chosen[i]));
        }
        json_object_set_new(document, "vectors", vectors);
    }
    json_object_set_new(totals, "all", json_integer((json_int_t)counts.all));
    json_object_set_new(totals, "types", counts_object(type_word, counts.types, JSON_TYPES));
    json_object_set_new(totals, "results",
                        counts_object(result_word, counts.results, VECTOR_RESULTS));
    json_object_set_new(totals, "provenance",
                        counts_object(provenance_word, counts.provenances, VECTOR_PROVENANCES));
    json_object_set_new(document, "counts", totals);
    char *text = json_dumps(document, JSON_INDENT(2));
    puts(text);
    free(text);
    json_decref(document);
}

enum outcome cli_list(int argc, char **argv) {
    struct options o = {0};
    struct vector_set set;
    enum outcome outcome = OUTCOME_OK;
    char *error = NULL;
    size_t count;
    if (!read_options(argc, argv, &o, &outcome)) {
        return outcome;
    }
    if (o.methods) {
        return o.type != NULL || o.requirement != NULL || o.flag != NULL || o.counts
                   ? cli_usage("list", "--methods goes with -T and patterns only")
                   : list_methods(o.patterns, o.pattern_count, o.json);
    }
    char *directory = o.vectors != NULL ? util_strdup(o.vectors) : cli_data_path("vectors");
    if (!vector_set_load(directory, &set, &error)) {
        outcome = cli_fail(OUTCOME_USAGE, "%s", error);
        free(error);
        free(directory);
        return outcome;
    }
    const struct vector **chosen = select_vectors(&o, &set, &count, &outcome);
    if (chosen != NULL) {
        (o.json ? print_json : print_text)(&o, chosen, count);
    }
    free(chosen);
    free(directory);
    vector_set_free(&set);
    return outcome;
}
