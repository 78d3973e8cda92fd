// SPDX-License-Identifier: Apache-2.0
// cmrp list: the vectors and sequences, and how many there are.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/globs.h"
#include "cli/list_methods.h"
#include "suite/sequence.h"
#include "suite/shown.h"
#include "suite/vector.h"
#include "util/text.h"

static const char help[] =
    "usage: cmrp list [OPTION]... [GLOB]...\n"
    "\n"
    "Lists the test vectors and sequences whose ids match one of the patterns, or all, and counts\n"
    "them.\n"
    "\n"
    "      --type TYPE        only batch, change, stub, pdu, payload, tower or sequence\n"
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
    "Columns: id; result (valid; invalid; acceptable: others may refuse it; of a sequence kept,\n"
    "where all rules are, or broken); provenance (wire: recorded from an implementation that is\n"
    "not ours; spec: worked by hand from the specification; generated); what it is about.\n"
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

// What both vectors and sequences have.
struct item {
    const char *id;
    unsigned type;   // a json_type, or SEQUENCE
    unsigned result; // a vector_result, or KEPT or BROKEN
    enum vector_provenance provenance;
    const char *comment;
    const json_t *flags;
    const json_t *requirements;
};

enum { SEQUENCE = JSON_TYPES, TYPES, KEPT = VECTOR_RESULTS, BROKEN, RESULTS };

struct counts {
    size_t types[TYPES];
    size_t results[RESULTS];
    size_t provenances[VECTOR_PROVENANCES];
    size_t all;
};

static const char *type_word(unsigned i) {
    return i == SEQUENCE ? "sequence" : json_type_name((enum json_type)i);
}

static const char *result_word(unsigned i) {
    return i == KEPT ? "kept" : i == BROKEN ? "broken" : vector_result_name((enum vector_result)i);
}

static const char *provenance_word(unsigned i) {
    return vector_provenance_name((enum vector_provenance)i);
}

enum { TYPE = 1000, REQUIREMENT, FLAG, COUNTS, METHODS, VECTORS };

static bool is_type(const char *word) {
    enum json_type type;
    return json_type_named(word, &type) || strcmp(word, type_word(SEQUENCE)) == 0;
}

static bool take_option(int option, struct options *o, enum outcome *outcome) {
    *outcome = OUTCOME_OK;
    switch (option) {
    case REQUIREMENT: o->requirement = optarg; break;
    case FLAG: o->flag = optarg; break;
    case COUNTS: o->counts = true; break;
    case METHODS: o->methods = true; break;
    case VECTORS: o->vectors = optarg; break;
    case TYPE:
        o->type = optarg;
        if (!is_type(optarg)) {
            *outcome = cli_usage("list", "--type takes batch, change, stub, pdu, payload, tower or "
                                         "sequence");
        }
        break;
    case 'T': *outcome = cli_take_form("list", optarg, &o->json); break;
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

static struct item item_of(const struct vector *v) {
    return (struct item){v->id,      v->how.type, v->strict.result, v->provenance,
                         v->comment, v->flags,    v->requirements};
}

static struct item item_of_sequence(const struct sequence *q) {
    return (struct item){q->id,          SEQUENCE,   q->finding_count > 0 ? BROKEN : KEPT,
                         q->provenance,  q->comment, q->flags,
                         q->requirements};
}

static bool matches(const struct options *o, const struct item *item, struct globs *globs) {
    const bool matched = globs_match(globs, item->id);
    return matched && (o->type == NULL || strcmp(o->type, type_word(item->type)) == 0) &&
           (o->requirement == NULL || vector_words_hold(item->requirements, o->requirement)) &&
           (o->flag == NULL || vector_words_hold(item->flags, o->flag));
}

// What is left; free() it. NULL with *outcome set when there is nothing.
static struct item *select_items(const struct options *o, const struct vector_set *set,
                                 const struct sequence_set *sequences, size_t *count,
                                 enum outcome *outcome) {
    struct item *chosen = util_alloc((set->count + sequences->count + 1) * sizeof *chosen);
    struct globs globs = globs_open(o->patterns, o->pattern_count);
    *count = 0;
    for (size_t i = 0; i < set->count + sequences->count; i++) {
        const struct item item = i < set->count
                                     ? item_of(&set->vectors[i])
                                     : item_of_sequence(&sequences->sequences[i - set->count]);
        if (matches(o, &item, &globs)) {
            chosen[(*count)++] = item;
        }
    }
    *outcome = globs_check(&globs, "vector or sequence");
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

static void count_items(const struct item *chosen, size_t count, struct counts *counts) {
    for (size_t i = 0; i < count; i++) {
        counts->types[chosen[i].type]++;
        counts->results[chosen[i].result]++;
        counts->provenances[chosen[i].provenance]++;
    }
    counts->all = count;
}

// ---- text ---------------------------------------------------------------------------------------

static void print_rows(const struct item *chosen, size_t count) {
    struct buffer comment = {0};
    int width = 0;
    for (size_t i = 0; i < count; i++) {
        const int n = (int)strlen(chosen[i].id);
        width = n > width ? n : width;
    }
    for (size_t i = 0; i < count; i++) {
        buffer_clear(&comment);
        shown_text(&comment, chosen[i].comment, strlen(chosen[i].comment));
        printf("%-*s  %-10s  %-9s  %s\n", width, chosen[i].id, result_word(chosen[i].result),
               vector_provenance_name(chosen[i].provenance), buffer_text(&comment));
    }
    buffer_free(&comment);
}

static void print_counts(const char *title, const char *(*word)(unsigned), const size_t *counts,
                         unsigned n) {
    printf("%s:", title);
    for (unsigned i = 0; i < n; i++) {
        printf("%s %s %zu", i > 0 ? "," : "", word(i), counts[i]);
    }
    printf("\n");
}

static void print_text(const struct options *o, const struct item *chosen, size_t count) {
    struct counts counts = {0};
    count_items(chosen, count, &counts);
    if (!o->counts) {
        print_rows(chosen, count);
        printf("\n");
    }
    printf("vectors: %zu\n", counts.all);
    print_counts("types", type_word, counts.types, TYPES);
    print_counts("results", result_word, counts.results, RESULTS);
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

static json_t *copy(const json_t *words) {
    return words != NULL ? json_deep_copy(words) : json_array();
}

static json_t *item_object(const struct item *item) {
    json_t *object = json_object();
    json_object_set_new(object, "id", json_string(item->id));
    json_object_set_new(object, "type", json_string(type_word(item->type)));
    json_object_set_new(object, "result", json_string(result_word(item->result)));
    json_object_set_new(object, "provenance",
                        json_string(vector_provenance_name(item->provenance)));
    json_object_set_new(object, "flags", copy(item->flags));
    json_object_set_new(object, "requirements", copy(item->requirements));
    json_object_set_new(object, "comment", json_string(item->comment));
    return object;
}

static void print_json(const struct options *o, const struct item *chosen, size_t count) {
    struct counts counts = {0};
    json_t *document = json_object();
    json_t *totals = json_object();
    count_items(chosen, count, &counts);
    json_object_set_new(document, "format", json_integer(1));
    if (!o->counts) {
        json_t *vectors = json_array();
        for (size_t i = 0; i < count; i++) {
            json_array_append_new(vectors, item_object(&chosen[i]));
        }
        json_object_set_new(document, "vectors", vectors);
    }
    json_object_set_new(totals, "all", json_integer((json_int_t)counts.all));
    json_object_set_new(totals, "types", counts_object(type_word, counts.types, TYPES));
    json_object_set_new(totals, "results", counts_object(result_word, counts.results, RESULTS));
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
    struct sequence_set sequences;
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
    if (!vector_set_load(directory, &set, &error) ||
        !sequence_set_load(directory, &sequences, &error)) {
        outcome = cli_refuse(error);
        free(directory);
        vector_set_free(&set);
        return outcome;
    }
    struct item *chosen = select_items(&o, &set, &sequences, &count, &outcome);
    if (chosen != NULL) {
        (o.json ? print_json : print_text)(&o, chosen, count);
    }
    free(chosen);
    sequence_set_free(&sequences);
    free(directory);
    vector_set_free(&set);
    return outcome;
}
