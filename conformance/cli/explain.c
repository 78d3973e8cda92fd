// SPDX-License-Identifier: Apache-2.0
// cmrp explain: what stands behind an id or a name.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/explain.h"
#include "show/show.h"
#include "suite/catalogue.h"
#include "suite/describe.h"
#include "suite/fields.h"
#include "suite/near.h"
#include "suite/shown.h"
#include "suite/vector.h"
#include "util/file.h"
#include "util/text.h"

static const char help[] =
    "usage: cmrp explain [OPTION]... ID...\n"
    "\n"
    "Explains what cmrp prints. ID is one of\n"
    "  a vector          its octets field by field, what they say, the requirements behind it\n"
    "  a requirement     its row of the catalogue, the vectors that cite it, the rules that judge\n"
    "                    by it, and an example\n"
    "  a rule            whom it judges by which requirement, what to change, what breaks it\n"
    "  a method          parameters, types, sections; the name or the opnum\n"
    "  a change set, one of its flags, a command of a batch, a registry type\n"
    "  an error or warning code, with an example\n"
    "  a sequence        its steps and the findings that it must have\n"
    "  a flag of vectors what it stands for, and the vectors that have it\n"
    "\n"
    "      --vectors DIR      other vectors than those of cmrp\n"
    "  -h, --help             this text\n"
    "\n"
    "Exit codes: 0 explained; 2 usage, unreadable file, or an ID that is nothing of these; names\n"
    "that are close to it are suggested.\n"
    "\n"
    "Example: cmrp explain batch-notifytest-sent name-overrun CLUSTER_CHANGE_GROUP_STATE\n";

// ---- a code, a method, a flag of vectors --------------------------------------------------------

static bool gives_code(const struct vector *v, const char *code) {
    bool gives = v->strict.code != NULL && strcmp(v->strict.code, code) == 0;
    for (size_t i = 0; i < v->strict.warning_count; i++) {
        gives = gives || strcmp(v->strict.warnings[i].code, code) == 0;
    }
    for (size_t i = 0; i < v->lenient.warning_count; i++) {
        gives = gives || strcmp(v->lenient.warnings[i].code, code) == 0;
    }
    return gives;
}

// The message that the first vector with this error gives.
static void put_example(struct buffer *out, const struct vector_set *set, const char *code) {
    for (size_t i = 0; i < set->count; i++) {
        const struct vector *v = &set->vectors[i];
        cmrp_error error = {0};
        if (v->has_octets && v->strict.code != NULL && strcmp(v->strict.code, code) == 0 &&
            !fields_decode(&v->how, buffer_view(&v->octets), NULL, &error)) {
            char text[320];
            cmrp_error_format(&error, text, sizeof text);
            buffer_printf(out, "  example: %s: %s\n", v->id, text);
            return;
        }
    }
}

static bool is_of_method(const struct vector *v, const char *name) {
    char *opnum = v->how.type == JSON_TYPE_STUB ? util_format("%u", v->how.stub.method->opnum)
                                                : util_strdup("");
    const bool is = v->how.type == JSON_TYPE_STUB &&
                    (strcmp(v->how.stub.method->name, name) == 0 || strcmp(opnum, name) == 0);
    free(opnum);
    return is;
}

static bool is_of_set(const struct vector *v, const char *name) {
    return v->how.type == JSON_TYPE_CHANGE && strcmp(v->how.set->name, name) == 0;
}

static bool is_of_event(const struct vector *v, const char *name) {
    return v->how.type == JSON_TYPE_PAYLOAD && strcmp(v->how.flag->name, name) == 0;
}

// What the codec's tables know, and the vectors about it.
static bool explain_name(struct buffer *out, const struct explain_sources *s, const char *name) {
    static const struct {
        const char *title;
        bool (*has)(const struct vector *, const char *);
    } kinds[] = {
        {"vectors that give it", gives_code},
        {"vectors of it", is_of_method},
        {"vectors of it", is_of_set},
        {"vectors of its buffer", is_of_event},
    };
    if (!describe_name(out, name)) {
        return false;
    }
    put_example(out, &s->vectors, name);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct buffer ids = {0};
        if (explain_vectors(&ids, &s->vectors, kinds[i].title, name, kinds[i].has) > 0) {
            buffer_append(out, ids.data, ids.size);
        }
        buffer_free(&ids);
    }
    return true;
}

// What README.md beside the vectors says about a flag: rows "| `FLAG` | text |", one for each layer
// that has it.
static void put_flag_meaning(struct buffer *out, const struct explain_sources *s,
                             const char *flag) {
    struct buffer text = {0};
    struct buffer before = {0};
    char *error = NULL;
    char *path = util_format("%s/README.md", s->directory);
    char *start = util_format("| `%s` | ", flag);
    if (file_read_plain(path, FILE_LIMIT, &text, &error)) {
        for (const char *row = buffer_text(&text); (row = strstr(row, start)) != NULL; row++) {
            const char *meaning = row + strlen(start);
            const size_t size = strcspn(meaning, "|\n");
            struct buffer line = {0};
            buffer_printf(&line, "  ");
            shown_text(&line, meaning, size > 0 ? size - 1 : 0);
            if (strcmp(buffer_text(&line), buffer_text(&before)) != 0) {
                buffer_printf(out, "%s\n", buffer_text(&line));
            }
            buffer_free(&before);
            before = line;
        }
    }
    free(error);
    free(path);
    free(start);
    buffer_free(&text);
    buffer_free(&before);
}

static bool explain_flag(struct buffer *out, const struct explain_sources *s, const char *flag) {
    struct buffer ids = {0};
    const bool found =
        explain_vectors(&ids, &s->vectors, "vectors that have it", flag, vector_flagged) > 0;
    if (found) {
        buffer_printf(out, "%s: flag of vectors\n", flag);
        put_flag_meaning(out, s, flag);
        buffer_append(out, ids.data, ids.size);
    }
    buffer_free(&ids);
    return found;
}

// ---- the command --------------------------------------------------------------------------------

static void offer_all(struct near *near, const struct explain_sources *s) {
    describe_near(near);
    for (size_t i = 0; i < s->vectors.count; i++) {
        size_t j;
        json_t *flag;
        near_offer(near, s->vectors.vectors[i].id);
        json_array_foreach(s->vectors.vectors[i].flags, j, flag) {
            near_offer(near, json_string_value(flag));
        }
    }
    for (size_t i = 0; i < s->catalogue.count; i++) {
        near_offer(near, s->catalogue.rows[i].id);
    }
    for (size_t i = 0; i < rules_count(); i++) {
        near_offer(near, rules_at(i)->name);
    }
    for (size_t i = 0; i < s->ledger.sequence_count; i++) {
        near_offer(near, s->ledger.sequences[i].id);
    }
}

static enum outcome unknown(const struct explain_sources *s, const char *name) {
    struct near near = {.wanted = name};
    struct buffer text = {0};
    offer_all(&near, s);
    buffer_printf(&text, "\"");
    text_escape(&text, name, strlen(name) < 80 ? strlen(name) : 80);
    buffer_printf(&text, "\" is no vector, requirement, rule, method, flag or code");
    near_suggest(&near, &text);
    const enum outcome outcome = cli_fail(OUTCOME_USAGE, "%s", buffer_text(&text));
    buffer_free(&text);
    return outcome;
}

// Line by line: of a large print that fails standard output forgets why.
static void print_lines(const char *text) {
    while (*text != '\0') {
        const size_t n = strcspn(text, "\n");
        fwrite(text, 1, n + (text[n] == '\n'), stdout);
        text += n + (text[n] == '\n');
    }
}

static enum outcome explain(const struct explain_sources *s, const char *name, bool apart) {
    struct buffer out = {0};
    const bool vector = explain_vector(&out, s, name);
    const bool requirement = explain_requirement(&out, s, name);
    const bool rule = explain_rule(&out, s, name);
    const bool sequence = explain_sequence(&out, s, name);
    const bool known = explain_name(&out, s, name);
    const bool flag = explain_flag(&out, s, name);
    const bool found = vector || requirement || rule || sequence || known || flag;
    if (found) {
        print_lines(apart ? "\n" : "");
        print_lines(buffer_text(&out));
    }
    buffer_free(&out);
    return found ? OUTCOME_OK : unknown(s, name);
}

static enum outcome explain_all(const char *vectors, char *const *names, int count) {
    struct explain_sources s = {.show = {.colour = cli_colour() != 0}};
    char *table = cli_data_path("requirements.tsv");
    char *error = NULL;
    enum outcome outcome = OUTCOME_OK;
    s.directory = vectors != NULL ? util_strdup(vectors) : cli_data_path("vectors");
    if (!catalogue_load(table, &s.catalogue, &error) ||
        !vector_set_load(s.directory, &s.vectors, &error) ||
        !ledger_open(&s.catalogue, &s.vectors, s.directory, &s.ledger, &error)) {
        outcome = cli_refuse(error);
        count = 0;
    }
    for (int i = 0; i < count; i++) {
        outcome = outcome_worst(outcome, explain(&s, names[i], i > 0));
    }
    ledger_close(&s.ledger);
    vector_set_free(&s.vectors);
    catalogue_free(&s.catalogue);
    free(s.directory);
    free(table);
    return outcome;
}

enum outcome cli_explain(int argc, char **argv) {
    enum { VECTORS = 1000 };
    static const struct option long_options[] = {{"vectors", required_argument, NULL, VECTORS},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    const char *vectors = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        switch (option) {
        case VECTORS: vectors = optarg; break;
        case 'h': fputs(help, stdout); return OUTCOME_OK;
        default: return cli_usage("explain", "unusable option");
        }
    }
    if (optind == argc) {
        return cli_usage("explain", "an ID is missing");
    }
    return explain_all(vectors, argv + optind, argc - optind);
}
